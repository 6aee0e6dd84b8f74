"""A category comes from a description by ordered rules; those of `online_retail` know what a gift wholesaler sells."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.categories import category
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.errors import ContractError
from retail_assets_tests.cleaning.test_parse import contract, parsed


def shop(rules: str, default: str | None = "Other", more: str = "") -> Contract:
    given = "" if default is None else f", default: {default}"
    return contract(more, product_category=f"{{header: category, rules: [{rules}]{given}}}")


def categories(source: Contract, *texts: str | None) -> list[Any]:
    rows = parsed(source, *({"category": text} for text in texts))
    return [row["product_category"] if not row["judged"] else row["judged"] for row in rows]


def test_the_first_rule_that_applies_decides() -> None:
    source = shop("{category: Christmas, contains: XMAS}, {category: Bags, words: [BAG, BAGS]}")
    assert categories(source, "XMAS BAG", "Red bag", "bags, two", "BAGEL", "HANDBAG") == [
        *("Christmas", "Bags", "Bags"),
        *("Other", "Other"),
    ]


@pytest.mark.parametrize(
    ("rule", "applies", "does_not"),
    [
        ("contains: 'T-LIGHT'", ["t-light holder", "3 T-LIGHTS"], ["TLIGHT", "T_LIGHT"]),
        ("words: Lamp", ["LAMP", "a lamp!", "lamp-shade", "(LAMP)"], ["LAMPS", "CLAMP", "LAMPÉ", "lamp2"]),
        ("prefix: adjust", ["Adjust bad debt", "ADJUSTMENT"], ["to adjust"]),
        ("equals: ['?', Manual]", ["?", "MANUAL"], ["??", "manual 2"]),
        ("contains: hot  water", ["HOT WATER", "hot   water", "Hot\u00a0Water"], ["HOTWATER"]),
        ("contains: Größe", ["GRÖßE 3", "gro\u0308ße"], ["GROSSE"]),
        ("contains: 'a.c'", ["xa.cx"], ["abc"]),
        ('contains: "it\'s [1] + (2)"', ["IT'S [1] + (2)"], ["its 1 2"]),
        ("contains: 7", ["set 7 boxes"], ["set 8"]),
    ],
)
def test_a_rule_finds_what_it_says(rule: str, applies: list[str], does_not: list[str]) -> None:
    source = shop(f"{{category: Here, {rule}}}")
    assert categories(source, *applies) == ["Here"] * len(applies)
    assert categories(source, *does_not) == ["Other"] * len(does_not)


def test_texts_that_no_rule_knows_get_the_default_or_are_rejected() -> None:
    rule = "{category: Bags, words: BAG}"
    assert categories(shop(rule), "vase", "", None, "N/A") == ["Other"] * 4
    assert categories(shop(rule, default=None), "vase", "", "bag") == [*[["missing_category"]] * 2, "Bags"]


@pytest.mark.parametrize(("case", "name"), [("keep", "garden & Tools"), ("title", "Garden & Tools")])
def test_the_case_of_categories_holds_for_names_in_rules(case: str, name: str) -> None:
    source = shop("{category: garden & Tools, words: rake}", more=f"category_case: {case}")
    assert categories(source, "RAKE") == [name]
    assert categories(shop("{category: é, words: rake}", more="category_case: upper"), "RAKE", "x") == ["É", "OTHER"]


def test_as_many_texts_as_a_rule_may_have_can_be_searched() -> None:
    texts = ", ".join(f"'{'ks ' * 30}{n}'" for n in range(300))
    source = shop(f"{{category: Here, words: [{texts}]}}")
    assert categories(source, "ks " * 30 + "299", "ks") == ["Here", "Other"]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"product_category": "{header: c, rules: [{category: A}]}"}, "give at least one of `contains`"),
        ({"product_category": "{header: c, rules: [{contains: x}]}"}, "columns.product_category.rules.0.category"),
        (
            {"product_category": "{header: c, rules: [{category: A, contain: x}]}"},
            "unknown key. Did you mean 'contains'?",
        ),
        ({"product_category": "{header: c, rules: [{category: A, contains: ' '}]}"}, "contains.0"),
        ({"product_id": "{header: c, rules: [{category: A, contains: x}]}"}, "`rules` are for product_category only"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(columns: dict[str, str], problem: str) -> None:
    with pytest.raises(ContractError, match=problem.replace("[", r"\[").replace("?", r"\?")):
        contract(**columns)


def test_contracts_without_rules_keep_their_digest() -> None:
    assert contract().columns["product_category"].model_dump_json().count("rules") == 0


#: Descriptions as they are in the UCI data set Online Retail.
DESCRIPTIONS = {
    "Postage & fees": ["POSTAGE", "DOTCOM POSTAGE", "Manual", "Discount", "AMAZON FEE", "Bank Charges", "CARRIAGE"],
    "Stock remarks": ["damages", "?", "amazon", "Unsaleable, destroyed.", "wet boxes"],
    "Christmas": ["PAPER CHAIN KIT 50'S CHRISTMAS", "WOODEN STAR CHRISTMAS SCANDINAVIAN"],
    "Party & gift wrap": ["PARTY BUNTING", "STARS GIFT TAPE", "BLUE POLKADOT WRAP", "SCANDINAVIAN REDS RIBBONS"],
    "Jewelry & accessories": ["HAND WARMER UNION JACK", "EDWARDIAN PARASOL NATURAL", "SILVER DROP EARRINGS"],
    "Bags & travel": ["JUMBO BAG RED RETROSPOT", "LUNCH BAG  BLACK SKULL.", "RED RETROSPOT SHOPPER"],
    "Candles & lighting": ["WHITE HANGING HEART T-LIGHT HOLDER", "WHITE METAL LANTERN", "CHILLI LIGHTS"],
    "Bath & beauty": ["PLASTERS IN TIN WOODLAND ANIMALS", "SET OF 3 BATHROOM SIGNS"],
    "Home textiles": ["KNITTED UNION FLAG HOT WATER BOTTLE", "RED WOOLLY HOTTIE WHITE HEART."],
    "Toys & children": [
        "POPPY'S PLAYHOUSE KITCHEN",
        "WORLD WAR 2 GLIDERS ASSTD DESIGNS",
        "SET 7 BABUSHKA NESTING BOXES",
    ],
    "Kitchen & dining": [
        *("REGENCY CAKESTAND 3 TIER", "SPACEBOY LUNCH BOX", "SET/2 RED RETROSPOT TEA TOWELS"),
        *("JAM MAKING SET WITH JARS", "GREEN REGENCY TEACUP AND SAUCER", "SKULL DESIGN TV DINNER TRAY"),
    ],
    "Stationery & craft": ["PAPER CRAFT , LITTLE BIRDIE", "PANDA AND BUNNIES STICKER SHEET"],
    "Garden": ["WATERING CAN BLUE ELEPHANT", "GARDENERS KNEELING PAD KEEP CALM"],
    "Home decor": ["CREAM CUPID HEARTS COAT HANGER", "ASSORTED COLOUR BIRD ORNAMENT", "BATH BUILDING BLOCK WORD"],
    "Other gifts": ["SILVER LARIAT 40CM", None],
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_online_retail_knows_what_its_descriptions_are(name: str) -> None:
    source = loading.load("online_retail")
    sql = category(TextColumns(source, {"Description": 0}))
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT {sql} FROM (SELECT unnest(?) AS t0)", [DESCRIPTIONS[name]]).fetchall()
    assert rows == [(name,)] * len(rows)


def test_online_retail_has_no_category_from_the_country() -> None:
    """ "Netherlands: stock up" was nonsense."""
    assert "Country" not in loading.load("online_retail").raw_columns()

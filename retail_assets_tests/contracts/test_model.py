"""A contract is read exactly as written, or is refused with the place and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from retail_assets.cleaning import rules
from retail_assets.contracts import loading
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.loading import load, parse, shipped
from retail_assets.contracts.model import FIELDS, Contract
from retail_assets.contracts.sections import NumberRule
from retail_assets.errors import ContractError
from retail_assets.tables import SALES

LEAST = """\
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
columns:
  transaction_id: {header: ID}
  sold_at: {header: Date}
  product_category: {header: Category}
  quantity: {header: Qty}
  total_amount: {header: Amount}
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "contracts.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


def changed(old: str, new: str) -> str:
    assert old in LEAST
    return LEAST.replace(old, new)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_contract_is_valid_and_named_like_its_file(name: str) -> None:
    assert load(name).name == name


def test_an_upgrade_leaves_the_digest_of_a_contract_that_uses_no_new_key() -> None:
    """Data of version 0.1.0 says this digest; another one would mean that another contract had cleaned it."""
    assert load("retail_sales").digest == "retail_sales@1+2c4bc218"


def test_the_shipped_contracts_are_those_that_the_documentation_names() -> None:
    assert all(f"`{name}`" in DOCUMENT.read_text(encoding="utf-8") for name in shipped())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.splitlines()[0].strip("# "))
def test_every_example_of_the_documentation_is_valid(example: str) -> None:
    if example.startswith("name:"):
        assert parse(example, "docs").columns
        return
    key = example.splitlines()[0].removeprefix("# ")
    base = LEAST[: LEAST.index("columns:")] if key == "columns" else LEAST
    assert getattr(parse(base + example, "docs"), key) is not None


def test_the_documentation_has_every_key() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rules: list[type[BaseModel]] = [Contract, *loading._RULES.values()]
    assert [
        name
        for rule in rules
        for name in (field.alias or key for key, field in rule.model_fields.items())
        if f"`{name}`" not in text and f"{name}:" not in text
    ] == []


def limits_table() -> str:
    """Return the columns that a contract can fill, and what fits in them."""
    lines = ["| column | at most |", "|---|---|"]
    texts_and_numbers = (c for c in SALES.columns if c.type.startswith(("varchar", "decimal")))
    for column in (c for c in texts_and_numbers if c.name in FIELDS and c.name != "gender"):
        size = column.numbers
        fits = f"{size[0]} bytes of UTF-8" if len(size) == 1 else f"12 digits and {size[1]} decimals"
        lines.append(f"| `{column.name}` | {fits} |")
    return "\n".join(lines)


def reasons_table() -> str:
    """Return every reason with its meaning under a contract with default settings that requires everything."""
    strict = LEAST + "".join(
        f"  {name}: {{header: {name}, required: true}}\n"
        for name in (
            *("order_id", "customer_id", "product_id", "store_id", "unit_price"),
            *("gender", "age", "age_group"),
        )
    )
    reasons = (*rules.READING, *rules.judged(parse(strict, "docs")))
    assert [r.name for r in sorted(reasons, key=lambda r: r.bit)] == list(dict(sorted(rules.NAMES.items())).values())
    return "\n".join(["| reason | meaning |", "|---|---|", *(f"| `{r.name}` | {r.meaning} |" for r in reasons)])


@pytest.mark.parametrize("table", [limits_table, reasons_table])
def test_the_documentation_has_every_limit_and_every_reason(table: Callable[[], str]) -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), f"docs/contracts.md should have:\n{table()}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LEAST + "drift: {new_columns: reject}\n", "drift.new_columns: Input should be 'accept', 'warn' or 'refuse'"),
        (LEAST + "drift: {newcolumns: warn}\n", "drift.newcolumns: unknown key. Did you mean 'new_columns'?"),
        (
            LEAST + "missing_values: [NULL]\n",
            "missing_values.0: Input should be a valid string (got 'None'). Put it in",
        ),
        (LEAST + "missing_values: ['999']\n", "'999' cannot stand for a missing value: give a word without digits"),
        (LEAST + "missing_values: ['']\n", "'' cannot stand for a missing value"),
        (changed("name: shop", "name: My Shop"), "name: String should match pattern"),
        (
            changed("country: DE", "country: true"),
            "country: Input should be a valid string (got 'True'). Put it in quotes.",
        ),
        (changed("country: DE", "country: XX"), "country: 'XX' is not a country."),
        (changed("currency: EUR", "currency: XQQ"), "currency: 'XQQ' is not a currency."),
        (changed("Europe/Berlin", "Europe/Berln"), "is not a time zone. Did you mean 'Europe/Berlin'?"),
        (changed("start_date: 2024-01-01\n", ""), "start_date: is missing"),
        (LEAST + "colums: {}\n", "colums: unknown key. Did you mean 'columns'?"),
        (LEAST + "dates: {ordre: dmy}\n", "dates.ordre: unknown key. Did you mean 'order'?"),
        (LEAST + "dates: {formats: ['%d.%m.%Q']}\n", "'%Q' in '%d.%m.%Q' cannot be read"),
        (LEAST + "dates: {formats: ['%Y-%m-%d %z']}\n", "has an offset from UTC and no time of day"),
        (LEAST + "dates: {formats: ['%Y-%d-%m', '%Y-%m-%d']}\n", "read the same text as different days"),
        (LEAST + "dates: {formats: ['%y/%m/%d', '%d/%m/%y']}\n", "read the same text as different days"),
        (LEAST + "dates: {formats: ['%H:%M']}\n", "does not give year, month and day"),
        (LEAST + "dates: {order: mdy, formats: ['%d/%m/%Y']}\n", "`order: mdy` contradicts the format '%d/%m/%Y'"),
        (LEAST + "dates: {formats: ['%d/%m/%Y', '%m/%d/%Y']}\n", "read the same text as different days"),
        (LEAST + "file: {encoding: base64}\n", "'base64' is not a text encoding"),
        (LEAST + "file: {encoding: utf-7}\n", "'utf-7' is not a text encoding"),
        (LEAST + "file: {encoding: latin-99}\n", "'latin-99' is not a text encoding"),
        (LEAST + "numbers: {decimal: ',', thousands: ','}\n", "`decimal` and `thousands` must differ"),
        (LEAST + "name: other\n", "the key 'name' is given twice"),
        (changed("header: Qty", "header: Qty, header: Pieces"), "the key 'header' is given twice"),
        (
            changed("{header: Qty}", "{header: Qty, compose: [a, b]}"),
            "give either `header` (with optional `aliases`) or",
        ),
        (changed("{header: Qty}", "{compose: [a, b]}"), "columns.quantity: `compose` is for ids only"),
        (changed("{header: Qty}", "{header: Qty, occurrence: true}"), "`occurrence` is for transaction_id only"),
        (changed("{header: Qty}", "{header: '-'}"), "give at least one letter or digit"),
        (changed("{header: Qty}", "{header: Qty, aliases: [amount]}"), "a header can mean only one"),
        (changed("  quantity: {header: Qty}\n", ""), "'quantity' is missing; every source must provide it"),
        (changed("quantity:", "quantitty:"), "is not a column of the canonical sale. Did you mean 'quantity'?"),
        (changed("  total_amount: {header: Amount}\n", ""), "give `unit_price`, `total_amount` or both"),
        ("- a list", "must be a YAML mapping"),
        ("", "must be a YAML mapping"),
        ("name: [", "is not valid YAML"),
        ("name: 2024-99-99", "is not valid YAML"),
        ("name: \x00", "is not valid YAML"),
    ],
)
def test_a_wrong_contract_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(ContractError) as refused:
        parse(text, "my.yaml")
    message = str(refused.value)
    assert message.startswith("my.yaml ")
    assert problem in message
    assert len(message.splitlines()) < 20


def test_every_problem_is_told_at_once_and_on_one_screen() -> None:
    with pytest.raises(ContractError) as refused:
        parse(LEAST + "".join(f"key{i}: 1\n" for i in range(50)), "my.yaml")
    assert "and 38 more" in str(refused.value)


def test_an_unknown_contract_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"There is no contract 'online_retial'\. Did you mean 'online_retail'\?"):
        load("online_retial")
    with pytest.raises(ContractError, match=r"Cannot read the contract .*none\.yaml: No such file or directory"):
        load(str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes("name: größe".encode("latin-1"))
    with pytest.raises(ContractError, match="in UTF-8"):
        load(str(tmp_path / "latin.yaml"))


def test_a_contract_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(LEAST)
    before = load(str(path))
    path.write_text("\ufeff" + changed("country: DE", "country: AT"))
    assert (before.country, load(str(path)).country) == ("DE", "AT")
    assert before.digest != load(str(path)).digest


def test_norway_is_a_country_and_no_is_a_header() -> None:
    contract = parse(changed("country: DE", "country: NO").replace("ID", "No"), "test")
    assert (contract.country, contract.columns["transaction_id"].header) == ("NO", "No")
    assert parse(changed("{header: ID}", "{header: ID, required: true}"), "test").columns["transaction_id"].required


def test_numbers_may_stand_for_texts() -> None:
    contract = parse(changed("{header: Qty}", "{header: 2023, default: 1}") + "amount_tolerance: 0.05\n", "test")
    assert (contract.columns["quantity"].header, contract.columns["quantity"].default, contract.amount_tolerance) == (
        "2023",
        "1",
        "0.05",
    )


def test_a_header_may_serve_several_columns_and_keeps_all_its_aliases() -> None:
    contract = parse(
        LEAST + "  order_id: {header: id, aliases: [No]}\n  product_id: {compose: [No, Qty]}\n"
        "cancellations: {column: Extra, prefix: C}\n",
        "test",
    )
    assert contract.raw_columns() == {
        "ID": ("ID", "id", "No"),
        "Date": ("Date",),
        "Category": ("Category",),
        "Qty": ("Qty",),
        "Amount": ("Amount",),
        "Extra": ("Extra",),
    }


def test_the_order_of_day_and_month_may_come_from_a_format() -> None:
    def order(dates: str) -> str | None:
        return parse(LEAST + f"dates: {dates}\n", "test").dates.day_month_order

    assert order("{}") is None
    assert order("{order: mdy}") == "mdy"
    assert order("{formats: ['%d-%b-%Y', '%d.%m.%Y %H:%M']}") == "dmy"
    assert order("{formats: ['%-m/%-d/%y']}") == "mdy"
    assert order("{order: dmy, formats: ['%y-%m-%d']}") == "dmy"
    assert order("{formats: ['%d.%m.%Y', '%m/%d/%Y']}") is None  # the separators decide


def test_symbols_are_those_of_the_currency_unless_declared() -> None:
    assert (NumberRule().symbols("EUR"), NumberRule().symbols("XAF")) == (("€",), ())
    assert NumberRule(currency_symbols="").symbols("EUR") == ()


@pytest.mark.parametrize("spelling", ["Price per Unit", " price_per-unit ", "PRICE.PER.UNIT", "\ufeff'Price' per Unit"])
def test_headers_are_one_whatever_their_case_and_separators(spelling: str) -> None:
    assert normalize_header(spelling) == "priceperunit"

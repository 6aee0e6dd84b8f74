"""A shop's own personas: read, or rejected with the line and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets.segmentation.personas.catalog import BUDGET, DEFAULT
from retail_assets.segmentation.personas.persona_file import PersonaFileError, load, or_default, parse

TWO = """\
personas:
  - name: Stammkunden
    prototype: {frequency: 1, average_basket: 1, monetary: 1.5}
    description: Kaufen oft und viel.
    action: "Halten: {customers_share} bringen {revenue_share}."
  - name: Budget Shoppers
groups:
  one_purchase: {name: Einmalkäufer}
"""


def test_names_prototypes_and_texts_are_taken_over() -> None:
    catalog = parse(TWO)
    first, second = catalog.clusters
    assert (first.name, first.prototype["monetary"], first.description) == ("Stammkunden", 1.5, "Kaufen oft und viel.")
    assert second == BUDGET, "a shipped name has the shipped prototype and texts"
    assert catalog.groups["one_purchase"].name == "Einmalkäufer"
    assert catalog.groups["one_purchase"].action == DEFAULT.groups["one_purchase"].action
    assert catalog.named("Einmalkäufer") is catalog.groups["one_purchase"]


def test_texts_can_be_edited_without_a_new_training_and_names_cannot() -> None:
    assert parse(TWO.replace("Kaufen oft", "Kaufen sehr oft")).digest == parse(TWO).digest
    assert parse(TWO.replace("Stammkunden", "Freunde")).digest != parse(TWO).digest
    assert parse(TWO.replace("1.5", "1.4")).digest != parse(TWO).digest


def test_without_a_file_there_are_the_shipped_ones(tmp_path: Path) -> None:
    assert or_default(None) is DEFAULT
    file = tmp_path / "personas.yaml"
    file.write_text("\ufeff" + TWO, encoding="utf-8")
    assert load(file).clusters[0].name == "Stammkunden"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "empty"),
        ("personas: [", 1, "not YAML"),
        ("a: 1", 1, "no 'a'"),
        ("- x", 1, "key: value"),
        ("groups: {}", 1, "`personas` is missing"),
        ("personas:\n  - name: A\n    prototype: {frequency: 1}", 2, "must be a list of 2 to 8"),
        ("personas: many", 1, "must be a list of 2 to 8"),
        (TWO.replace("  - name: Budget Shoppers", "  - prototype: {frequency: 1}"), 6, "no `name`"),
        (TWO.replace("Budget Shoppers", "Sparfüchse"), 6, "has no `prototype`"),
        (
            TWO.replace("Budget Shoppers", "stammkunden\n    prototype: {recency: 1}"),
            6,
            "two personas or groups are named",
        ),
        (TWO.replace("frequency: 1", "frequenzy: 1"), 3, "Did you mean 'frequency'"),
        (TWO.replace("1.5", "much"), 3, "monetary of 'Stammkunden' is not a number"),
        (TWO.replace("1.5", "nan"), 3, "standard deviations"),
        (TWO.replace("1.5", "15"), 3, "more than 4 standard deviations"),
        (TWO.replace("{frequency: 1, average_basket: 1, monetary: 1.5}", "{frequency: 0}"), 3, "average customer"),
        (TWO.replace("{customers_share}", "{share}"), 5, "contains {share}"),
        (TWO.replace("{customers_share}", "{customers_share"), 5, "braces"),
        (TWO.replace("{customers_share}", "{customers_share:.2f}"), 5, "formats"),
        (TWO.replace("{customers_share}", "{}"), 5, "contains {}"),
        (
            TWO.replace("Budget Shoppers", "Budget Shoppers\n    defining: {monetary: hihgest}"),
            7,
            "Did you mean 'highest'",
        ),
        (TWO.replace("Budget Shoppers", "Budget Shoppers\n    defining: {money: highest}"), 7, "has no 'money'"),
        (TWO.replace("Budget Shoppers", 'Budget Shoppers\n    next_step: "{basket}"'), 7, "contains {basket}"),
        (TWO.replace("Stammkunden", "x" * 65), 2, "1 to 64 bytes"),
        (TWO.replace("Stammkunden", '""'), 2, "1 to 64 bytes"),
        (TWO.replace("Stammkunden", '"(new)"'), 2, "cannot be used"),
        (TWO.replace("Stammkunden", ""), 2, "must be a text"),
        (TWO.replace("    description", "    descripton"), 4, "Did you mean 'description'"),
        (TWO.replace("one_purchase", "one_off"), 8, "no 'one_off'"),
        (TWO.replace("Einmalkäufer", "Dormant"), 8, "two personas or groups are named"),
        (TWO + "  one_purchase: {name: X}\n", 9, "appears twice"),
    ],
)
def test_every_mistake_is_reported_with_file_line_and_fix(text: str, line: int, message: str) -> None:
    with pytest.raises(PersonaFileError) as caught:
        parse(text, "own.yaml")
    assert str(caught.value).startswith(f"own.yaml, line {line}:"), str(caught.value)
    assert message in str(caught.value)


def test_a_missing_or_binary_file_is_reported_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(PersonaFileError, match=r"RETAIL_PERSONAS='.*none\.yaml' cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PersonaFileError, match="not UTF-8"):
        load(binary)

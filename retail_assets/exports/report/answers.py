"""The tables of the report about loyalty and baskets: new customers, cohorts, and pairs in one order."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.exports.report.charts.buyers import cohort_name
from retail_assets.exports.report.charts.sales import pair_name
from retail_assets.exports.report.facts import Facts, Row
from retail_assets.exports.report.tables import (
    Cell,
    Head,
    Line,
    Table,
    count,
    money_cell,
    number_heads,
    share_cell,
    words,
)
from retail_assets.wording.formats import month, p_value
from retail_assets.wording.report import left_out
from retail_assets.wording.sales_loyalty import EARLY

_PERIODS_SHOWN = (1, 2, 3, 6, 12)
_MOST_PAIRS = 50


def answer_tables(facts: Facts) -> dict[str, Table]:
    """Lay out the tables for which there are rows, by key."""
    laid_out = (_new_customers(facts), _cohorts(facts), _pairs(facts))
    return {table.key: table for table in laid_out if table.rows}


def _new_customers(facts: Facts) -> Table:
    lines = [
        Line(
            [
                Cell(f"{month(row['month_start'])}{_state(row)}", row["month_start"].isoformat()),
                count(row["first_seen"]),
                count(row["seen_before"]),
                money_cell(row["first_seen_revenue"], facts.currency),
                money_cell(row["seen_before_revenue"], facts.currency),
            ]
        )
        for row in reversed(facts.months)
    ]
    heads = [
        Head("Month"),
        *number_heads("First seen", "Seen before"),
        *number_heads(f"Revenue of first seen ({facts.currency})", f"Revenue of seen before ({facts.currency})"),
    ]
    notes = [f"Too early: {EARLY[:1].lower()}{EARLY[1:]}"]
    return Table("new_customers", "Known customers by month", heads, lines, notes)


def _state(row: Row) -> str:
    if row["counted"]:
        return ""
    return " (too early)" if row["whole_month"] else " (not whole)"


def _cohorts(facts: Facts) -> Table:
    of_cohort: dict[object, dict[int, Row]] = {}
    for row in facts.cohorts:
        of_cohort.setdefault(row["cohort"], {})[row["periods_since"]] = row
    period = facts.cohorts[0]["period"] if facts.cohorts else "month"
    longest = max((since for rows in of_cohort.values() for since in rows), default=0)
    shown = [since for since in _PERIODS_SHOWN if since <= longest]
    lines = []
    for rows in reversed(of_cohort.values()):
        first = rows[0]
        lines.append(
            Line(
                [
                    Cell(cohort_name(first).split(" (")[0], first["cohort"].isoformat()),
                    count(first["customers"]),
                    *(share_cell(rows[since]["active_share"] if since in rows else None) for since in shown),
                    money_cell(round(first["revenue_per_customer"], 2), facts.currency),
                    money_cell(round(sum(row["revenue_per_customer"] for row in rows.values()), 2), facts.currency),
                ]
            )
        )
    after = (f"Bought {since} {period}{'s' if since > 1 else ''} later" for since in shown)
    heads = [
        Head(f"First {period}"),
        *number_heads(
            "Customers",
            *after,
            f"Revenue per customer, first {period} ({facts.currency})",
            f"Revenue per customer, so far ({facts.currency})",
        ),
    ]
    return Table("cohorts", f"Customers by {period} of the first purchase", heads, lines)


def _pairs(facts: Facts) -> Table:
    found = [row for row in facts.pairs if row["found"]]
    shown = found[:_MOST_PAIRS]
    heads = [
        Head("Pair"),
        *number_heads("Orders with both", "Times as often as chance", "95 % from", "95 % to"),
        *number_heads("Of orders with the first", "Of orders with the second", "Corrected p-value"),
    ]
    notes = []
    if found:
        notes = [
            "Chance: how often both are bought, in orders of the same number of items. Pairs are found in earlier days "
            "and measured in later ones. No pair shows what causes it."
        ]
    if len(found) > len(shown):
        notes.append(left_out(count=len(found) - len(shown), what="less clear pair", many="less clear pairs").text)
    return Table("pairs", "Bought together", heads, [Line(list(_pair(row))) for row in shown], notes)


def _pair(row: Row) -> Iterable[Cell]:
    yield words(pair_name(row))
    yield count(row["orders"])
    for end in ("lift", "lift_low", "lift_high"):
        yield Cell(f"{row[end]:.2f}", repr(row[end]))
    yield share_cell(row["confidence_first"])
    yield share_cell(row["confidence_second"])
    yield Cell(p_value(row["adjusted_p_value"]), repr(row["adjusted_p_value"]))

"""What stands on the page and in the digest: charts and tables, laid out once, and why a part is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.exports.report.answers import answer_tables
from retail_assets.exports.report.charts.layout import charts
from retail_assets.exports.report.charts.parts import Chart
from retail_assets.exports.report.facts import Facts
from retail_assets.exports.report.tables import Table, tables

#: Charts by the part of the facts that they show, which may have rows and still give no chart.
_NO_CHART = {
    "months": ("new_customers", "No known customer bought in more than one month."),
    "pairs": ("pairs", "No two categories or products are in one order more often than chance explains."),
}


@dataclass(frozen=True)
class Parts:
    """Charts and tables by key, and the reason for each part that is missing."""

    charts: Mapping[str, Chart]
    tables: Mapping[str, Table]
    reasons: Mapping[str, str]


def lay_out(facts: Facts) -> Parts:
    """Lay out everything that the facts give."""
    drawn = charts(facts)
    reasons = dict(facts.missing)
    if facts.last_day is not None:
        for part, (chart, reason) in _NO_CHART.items():
            if chart not in drawn:
                reasons.setdefault(part, reason)
    return Parts(drawn, {**tables(facts), **answer_tables(facts)}, reasons)

"""Every chart of the page, in its order."""

from __future__ import annotations

from retail_assets.exports.report.charts import buyers, coming, sales, trust
from retail_assets.exports.report.charts.parts import Chart
from retail_assets.exports.report.facts import Facts

_CHARTS = (
    sales.sales,
    sales.categories,
    sales.concentration,
    sales.pairs,
    coming.forecast,
    buyers.segments,
    buyers.new_customers,
    buyers.cohorts,
    trust.backtest,
    trust.landings,
)


def charts(facts: Facts) -> dict[str, Chart]:
    """Lay out the charts for which there are facts, by key."""
    laid_out = (lay_out(facts) for lay_out in _CHARTS)
    return {chart.key: chart for chart in laid_out if chart is not None}

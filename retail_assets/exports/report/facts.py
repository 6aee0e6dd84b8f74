"""Read everything that the report shows from the warehouse and from the outputs of earlier assets.

Sums are made in the warehouse: what is read grows with days and categories, up to a limit, not with sales.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.decisions.segment_report import EVALUATION, RECOMMENDATIONS
from retail_assets.errors import NotReadyError
from retail_assets.plotting import left_out
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.storage import Store
from retail_assets.tables import (
    BASKET_AFFINITY,
    CUSTOMER_COHORTS,
    CUSTOMER_MONTHS,
    DAILY_QUALITY,
    FORECAST_BACKTEST,
    PRODUCT_CONCENTRATION,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)
from retail_assets.warehouse.protocol import Warehouse

Row = Mapping[str, Any]

MOST_CATEGORIES = 20
"""Categories shown by name; the rest is shown as one."""

MOST_LISTED = 200
"""Categories in the table; the number of the others is stated."""

INSIGHTS = "insights.md"
SUMMARY = "summary.json"
CHANGES = "changes.json"

_OVERVIEW = """
SELECT min(sale_date) AS first_day, max(sale_date) AS last_day, sum(total_amount) AS revenue, count(*) AS lines,
       count(DISTINCT order_id) AS orders, count(DISTINCT customer_id) AS customers,
       count(DISTINCT product_category) AS categories
FROM sales
"""
_CATEGORIES = f"""
SELECT product_category, sum(revenue) AS revenue, sum(units) AS units,
       sum(CASE WHEN sale_date > (SELECT max(sale_date) FROM sales) - 28 THEN revenue ELSE 0 END) AS recent,
       sum(CASE WHEN sale_date > (SELECT max(sale_date) FROM sales) - 56
                 AND sale_date <= (SELECT max(sale_date) FROM sales) - 28 THEN revenue ELSE 0 END) AS before,
       sum(CASE WHEN sale_date > (SELECT max(sale_date) FROM sales) - 28 THEN orders ELSE 0 END) AS recent_orders,
       sum(CASE WHEN sale_date > (SELECT max(sale_date) FROM sales) - 56
                 AND sale_date <= (SELECT max(sale_date) FROM sales) - 28 THEN orders ELSE 0 END) AS before_orders
FROM daily_category_sales GROUP BY product_category ORDER BY revenue DESC, product_category LIMIT {MOST_LISTED}
"""
_DAILY = f"""
SELECT d.sale_date, l.product_category, sum(d.revenue) AS revenue
FROM daily_category_sales AS d
LEFT JOIN (
    SELECT product_category FROM (
        SELECT product_category, row_number() OVER (ORDER BY sum(revenue) DESC, product_category) AS place
        FROM daily_category_sales GROUP BY product_category
    ) AS ranked WHERE place <= {MOST_CATEGORIES}
) AS l ON d.product_category = l.product_category
GROUP BY d.sale_date, l.product_category ORDER BY d.sale_date, l.product_category
"""
_QUARANTINE = f"""
SELECT reasons, count(*) AS row_count, sum(total_amount) AS amount, count(*) - count(total_amount) AS without_amount
FROM {SALES_QUARANTINE.name} GROUP BY reasons ORDER BY row_count DESC, reasons
"""
_LANDINGS = f"SELECT {DAILY_QUALITY.column_list} FROM {DAILY_QUALITY.name} ORDER BY landed_on"
_FORECAST = f"""
SELECT product_category, forecast_date, cutoff_date, mean, p025, p10, p90, p975, method, model_version, issued_at
FROM {SALES_FORECAST.name} ORDER BY product_category, forecast_date
"""
_BACKTEST = f"""
SELECT model, product_category, wape, rmse, mase, bias, coverage80, coverage95, champion, cutoffs, model_version
FROM {FORECAST_BACKTEST.name}
WHERE measure = 'revenue' AND kind_of_day = 'all' AND product_category IN ('ALL', 'TOTAL')
  AND horizon = (SELECT max(horizon) FROM {FORECAST_BACKTEST.name})
ORDER BY product_category, wape
"""
_PROFILES = f"SELECT * FROM {SEGMENT_PROFILES.name} ORDER BY revenue DESC, persona"
_MIGRATIONS = f"""
SELECT from_snapshot, to_snapshot, from_persona, to_persona, customers FROM {SEGMENT_MIGRATIONS.name}
WHERE from_snapshot = (SELECT max(from_snapshot) FROM {SEGMENT_MIGRATIONS.name})
ORDER BY from_persona, to_persona
"""
_MONTHS = f"SELECT * FROM {CUSTOMER_MONTHS.name} ORDER BY month_start"
_COHORTS = f"SELECT * FROM {CUSTOMER_COHORTS.name} ORDER BY cohort, periods_since"
_CONCENTRATION = f"SELECT * FROM {PRODUCT_CONCENTRATION.name} ORDER BY items"
_PAIRS = f"""
SELECT * FROM {BASKET_AFFINITY.name}
ORDER BY level, CASE WHEN found THEN 0 ELSE 1 END, lift DESC, first_item, second_item
"""
#: The figure that is left out for the same reason as a part of the page whose table has no rows.
_FIGURES = {
    "months": "new_customers.png",
    "cohorts": "cohorts.png",
    "concentration": "product_pareto.png",
    "pairs": "categories_together.png",
}


@dataclass(frozen=True)
class Facts:
    """What the report shows. A part that does not exist yet is empty, with the reason in `missing`.

    Attributes:
        currency: code written before money.
        overview: the row of sums over all sales; `revenue` is None where there are no sales.
        categories: one row per category, at most `MOST_LISTED`, the largest first; `recent` and `before` are the
            revenue of the last 28 days and of the 28 days before, `recent_orders` and `before_orders` their orders.
        daily: revenue by day and category; categories beyond the largest have the name None.
        forecast: rows of `sales_forecast`; the category TOTAL is their sum.
        backtest: rows of `forecast_backtest` over all days, pooled over categories (ALL) and of the total (TOTAL).
        profiles: rows of `segment_profiles`.
        migrations: the latest rows of `segment_migrations`.
        quarantine: rejected rows by reasons.
        landings: rows of `daily_quality`, by landing day.
        months, cohorts: rows of `customer_months` and of `customer_cohorts`, in order.
        concentration: rows of `product_concentration`, the best products first.
        pairs: rows of `basket_affinity` by level, those that stand out first, by lift.
        summary: what became of the rows, as in `summary.json`.
        insights: the page `insights.md`.
        changes: what has changed since the last run, as in `changes.json`.
        recommendations, evaluation: as in the JSON files of the segments' report.
        left_out: why figures are left out, by file name.
        missing: why a part is empty, by part.
    """

    currency: str
    overview: Row
    categories: Sequence[Row] = ()
    daily: Sequence[Row] = ()
    forecast: Sequence[Row] = ()
    backtest: Sequence[Row] = ()
    profiles: Sequence[Row] = ()
    migrations: Sequence[Row] = ()
    quarantine: Sequence[Row] = ()
    landings: Sequence[Row] = ()
    months: Sequence[Row] = ()
    cohorts: Sequence[Row] = ()
    concentration: Sequence[Row] = ()
    pairs: Sequence[Row] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    insights: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    recommendations: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def last_day(self) -> dt.date | None:
        last: dt.date | None = self.overview["last_day"]
        return last

    @property
    def days(self) -> int:
        """Days from the first sale to the last; 0 without sales."""
        if self.last_day is None:
            return 0
        return (self.last_day - self.overview["first_day"]).days + 1

    @property
    def segment_days(self) -> int:
        """Days of sales up to the last one that the segments have seen, at most a year. Only where there are any."""
        days = (self.profiles[0]["snapshot_date"] - self.overview["first_day"]).days + 1
        return min(WINDOW_DAYS, int(days))

    @property
    def named(self) -> list[str]:
        """The categories that are shown by name."""
        return [str(row["product_category"]) for row in self.categories[:MOST_CATEGORIES]]

    @property
    def forecasts_weeks(self) -> bool:
        """Whether a row of the forecast is a week."""
        return bool(self.forecast) and min(row["forecast_date"] for row in self.forecast) > self.forecast[0][
            "cutoff_date"
        ] + dt.timedelta(days=1)

    @property
    def others(self) -> int:
        """The number of categories beside the named ones."""
        return int(self.overview["categories"]) - len(self.named)


def read_facts(warehouse: Warehouse, output: Store | None, currency: str) -> Facts:
    """Read the facts of the report.

    Args:
        warehouse: has the tables.
        output: has what earlier assets wrote; None leaves that out, which the charts do without.
        currency: code written before money.

    Raises:
        NotReadyError: there are no sales in the warehouse yet.
        StorageError, WarehouseError: a store or the warehouse refuses.
    """
    [overview] = _rows(warehouse, _OVERVIEW)
    missing: dict[str, str] = {}
    reasons = left_out.read(output) if output else {}

    def table(name: str, table: Table, sql: str) -> list[dict[str, Any]]:
        try:
            rows = _rows(warehouse, sql)
        except NotReadyError:
            missing[name] = f"The table {table.name} does not exist yet."
            return []
        if not rows and name in _FIGURES:
            missing[name] = reasons.get(_FIGURES[name], f"The sales give no row of the table {table.name}.")
        return rows

    def document(name: str, key: str) -> Mapping[str, Any]:
        found = output.read_if_exists(key) if output else None
        if found is None:
            missing[name] = f"{key} has not been written yet."
            return {}
        read = json.loads(found)
        return read if isinstance(read, dict) else {}

    insights = output.read_if_exists(INSIGHTS) if output else None
    if insights is None:
        missing["insights"] = f"{INSIGHTS} has not been written yet."
    return Facts(
        currency=currency,
        overview=overview,
        categories=_rows(warehouse, _CATEGORIES),
        daily=_rows(warehouse, _DAILY),
        forecast=table("forecast", SALES_FORECAST, _FORECAST),
        backtest=table("backtest", FORECAST_BACKTEST, _BACKTEST),
        profiles=table("segments", SEGMENT_PROFILES, _PROFILES),
        migrations=table("migrations", SEGMENT_MIGRATIONS, _MIGRATIONS),
        quarantine=table("quarantine", SALES_QUARANTINE, _QUARANTINE),
        landings=table("landings", DAILY_QUALITY, _LANDINGS),
        months=table("months", CUSTOMER_MONTHS, _MONTHS),
        cohorts=table("cohorts", CUSTOMER_COHORTS, _COHORTS),
        concentration=table("concentration", PRODUCT_CONCENTRATION, _CONCENTRATION),
        pairs=table("pairs", BASKET_AFFINITY, _PAIRS),
        summary=document("summary", SUMMARY),
        insights=(insights or b"").decode(),
        changes=document("changes", CHANGES),
        recommendations=document("recommendations", RECOMMENDATIONS),
        evaluation=document("evaluation", EVALUATION),
        left_out=reasons,
        missing=missing,
    )


def _rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    return warehouse.query(sql).to_pylist()

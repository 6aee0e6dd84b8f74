"""Checks of the models' tables: complete, plausible, and in step with the data they were made from."""

from __future__ import annotations

import dagster as dg

from retail_assets.assets.common import failing_clearly
from retail_assets.platform import Platform


def model_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """`horizon_is_complete` for the forecast, `every_customer_has_a_segment` for the segments."""
    warehouse = platform.warehouse

    @dg.asset_check(
        asset="sales_forecast",
        description="Every category has each day from its cut-off to the horizon once, and each a finite number.",
    )
    def horizon_is_complete() -> dg.AssetCheckResult:
        with failing_clearly():
            wrong = warehouse.query(
                "SELECT product_category, count(DISTINCT horizon_day) AS days, "
                "min(horizon_day) AS first_day, max(horizon_day) AS last_day FROM sales_forecast "
                "GROUP BY product_category "
                "HAVING count(DISTINCT horizon_day) <> (SELECT max(horizon_day) FROM sales_forecast) "
                "OR count(*) <> count(DISTINCT horizon_day) OR min(horizon_day) <> 1 "
                "OR count(CASE WHEN forecast_date - cutoff_date = horizon_day THEN 1 END) <> count(*) "
                # Neither NaN nor an infinity is zero when it is taken from itself.
                "OR count(CASE WHEN mean - mean = 0 AND seasonal_naive - seasonal_naive = 0 THEN 1 END) <> count(*) "
                "ORDER BY product_category LIMIT 10"
            ).to_pylist()
            [size] = warehouse.query(
                "SELECT count(DISTINCT product_category) AS categories, count(*) AS n, "
                "(SELECT count(*) FROM daily_category_sales) AS history FROM sales_forecast"
            ).to_pylist()
        none = bool(size["history"]) and not size["n"]
        names = ", ".join(str(row["product_category"]) for row in wrong)
        return dg.AssetCheckResult(
            passed=not wrong and not none,
            description=f"Incomplete, doubled or not finite: {names}. Materialize sales_forecast again."
            if wrong
            else "There are sales and no forecast. Materialize sales_forecast again."
            if none
            else None,
            metadata={
                "categories": int(size["categories"]),
                "rows": int(size["n"]),
                "wrong": dg.MetadataValue.json(wrong),
            },
        )

    @dg.asset_check(asset="customer_segments", description="Exactly the known customers of sales have a segment.")
    def every_customer_has_a_segment() -> dg.AssetCheckResult:
        with failing_clearly():
            [row] = warehouse.query(
                "SELECT count(s.customer_id) AS known, "
                "count(CASE WHEN c.customer_id IS NULL THEN 1 END) AS forgotten, "
                "count(CASE WHEN s.customer_id IS NULL THEN 1 END) AS strangers "
                "FROM (SELECT DISTINCT customer_id FROM sales WHERE customer_id IS NOT NULL) AS s "
                "FULL JOIN customer_segments AS c ON c.customer_id = s.customer_id"
            ).to_pylist()
        passed = not row["forgotten"] and not row["strangers"]
        return dg.AssetCheckResult(
            passed=passed,
            description=None
            if passed
            else f"{row['forgotten']} customers have no segment, {row['strangers']} segments are of nobody in sales. "
            "Materialize customer_segments again.",
            metadata={"customers": int(row["known"])},
        )

    return [horizon_is_complete, every_customer_has_a_segment]

"""Checks of the models' tables: complete, plausible, and in step with the data they were made from."""

from __future__ import annotations

import dagster as dg

from retail_assets.assets.common import failing_clearly
from retail_assets.platform import Platform


def model_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """`horizon_is_complete` for the forecast, `every_customer_has_a_segment` for the segments."""
    warehouse = platform.warehouse

    @dg.asset_check(
        asset="sales_forecast", description="Every category has each day of the horizon, and every day a finite number."
    )
    def horizon_is_complete() -> dg.AssetCheckResult:
        with failing_clearly():
            wrong = warehouse.query(
                "SELECT product_category, count(*) AS days, min(horizon_day) AS first_day, max(horizon_day) AS last_day "
                "FROM sales_forecast GROUP BY product_category "
                "HAVING count(*) <> (SELECT max(horizon_day) FROM sales_forecast) OR min(horizon_day) <> 1 "
                "OR count(CASE WHEN revenue - revenue = 0 THEN 1 END) <> count(*) ORDER BY product_category LIMIT 10"
            ).to_pylist()
            [size] = warehouse.query(
                "SELECT count(DISTINCT product_category) AS categories, count(*) AS n FROM sales_forecast"
            ).to_pylist()
        return dg.AssetCheckResult(
            passed=not wrong,
            description=f"Incomplete or not finite: {wrong}. Materialize sales_forecast again." if wrong else None,
            metadata={"categories": int(size["categories"]), "rows": int(size["n"])},
        )

    @dg.asset_check(asset="customer_segments", description="Exactly the known customers of sales have a segment.")
    def every_customer_has_a_segment() -> dg.AssetCheckResult:
        with failing_clearly():
            [row] = warehouse.query(
                "SELECT (SELECT count(DISTINCT customer_id) FROM sales) AS known, "
                "(SELECT count(*) FROM customer_segments) AS segmented, "
                "(SELECT count(*) FROM customer_segments AS c WHERE NOT EXISTS "
                "(SELECT 1 FROM sales AS s WHERE s.customer_id = c.customer_id)) AS strangers"
            ).to_pylist()
        passed = row["known"] == row["segmented"] and not row["strangers"]
        return dg.AssetCheckResult(
            passed=passed,
            description=None
            if passed
            else f"{row['known']} customers are known and {row['segmented']} segmented ({row['strangers']} unknown to sales). "
            "Materialize customer_segments again.",
            metadata={"customers": int(row["known"])},
        )

    return [horizon_is_complete, every_customer_has_a_segment]

"""Checks of the forecast: its table is complete and consistent, the model has skill, accuracy has not drifted."""

from __future__ import annotations

import dagster as dg

from retail_assets.defs.checks.results import check_result
from retail_assets.defs.failures import failing_clearly
from retail_assets.models.kinds import FORECAST
from retail_assets.platform import Platform


def model_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Define the checks of the forecast, its training and its accuracy."""
    warehouse, models = platform.warehouse, platform.model_store(FORECAST)

    @dg.asset_check(
        asset="sales_forecast",
        description="Every category has each day (each week, where the source reports weeks) from the cut-off to the "
        "horizon once, with finite numbers.",
    )
    def horizon_is_complete() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            wrong = warehouse.query(
                "SELECT product_category, count(DISTINCT horizon_day) AS days, "
                "min(horizon_day) AS first_day, max(horizon_day) AS last_day FROM sales_forecast "
                "GROUP BY product_category "
                # The first step is day 1, or day 7 of a forecast in weeks; steps x days per step reach the horizon.
                "HAVING count(DISTINCT horizon_day) * min(horizon_day) "
                "<> (SELECT max(horizon_day) FROM sales_forecast) "
                "OR count(*) <> count(DISTINCT horizon_day) OR min(horizon_day) NOT IN (1, 7) "
                "OR min(horizon_day) <> (SELECT min(horizon_day) FROM sales_forecast) "
                "OR count(CASE WHEN forecast_date - cutoff_date = horizon_day THEN 1 END) <> count(*) "
                # Neither NaN nor infinity minus itself is zero.
                "OR count(CASE WHEN mean - mean = 0 AND seasonal_naive - seasonal_naive = 0 THEN 1 END) <> count(*) "
                "ORDER BY product_category LIMIT 10"
            ).to_pylist()
            [size] = warehouse.query(
                "SELECT count(DISTINCT product_category) AS categories, count(*) AS n, "
                "(SELECT count(*) FROM daily_category_sales) AS history FROM sales_forecast"
            ).to_pylist()
        none = bool(size["history"]) and not size["n"]
        names = ", ".join(str(row["product_category"]) for row in wrong)
        return check_result(
            passed=not wrong and not none,
            description=f"Incomplete, duplicated or not finite: {names}. Materialize sales_forecast again."
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

    @dg.asset_check(
        asset="sales_forecast",
        description="Quantiles do not cross, and TOTAL is the sum of the categories on each day.",
    )
    def intervals_are_ordered_and_totals_add_up() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            [crossed] = warehouse.query(
                "SELECT count(*) AS n FROM sales_forecast "
                "WHERE NOT (p025 <= p10 AND p10 <= p50 AND p50 <= p90 AND p90 <= p975)"
            ).to_pylist()
            apart = warehouse.query(
                "SELECT forecast_date FROM sales_forecast GROUP BY forecast_date "
                "HAVING abs(sum(CASE WHEN product_category = 'TOTAL' THEN mean ELSE 0 END) "
                "- sum(CASE WHEN product_category <> 'TOTAL' THEN mean ELSE 0 END)) > 0.01 * count(*) "
                "ORDER BY forecast_date"
            ).to_pylist()
        days = ", ".join(str(row["forecast_date"]) for row in apart[:5])
        problems = [f"{crossed['n']} rows have quantiles that cross"] if crossed["n"] else []
        problems += [f"TOTAL is not the sum of the categories on {days}"] if apart else []
        return check_result(
            passed=not problems,
            description=f"{'; '.join(problems)}. Materialize sales_forecast again." if problems else None,
            metadata={"crossed": int(crossed["n"]), "days_apart": len(apart)},
        )

    @dg.asset_check(
        asset="forecast_backtest",
        blocking=True,
        description="The model in use has skill, unless no model in use before it had: no forecast gets worse "
        "unnoticed.",
    )
    def skill_is_not_lost() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            [size] = warehouse.query("SELECT count(*) AS n FROM forecast_backtest").to_pylist()
            champion = models.champion()
            in_use = models.manifest(champion.version) if champion else None
            skilled = None
            if champion and in_use and not in_use.has_skill:
                stored = {manifest.version: manifest for manifest in models.versions()}
                earlier = [stored[move.version] for move in champion.history if move.version in stored]
                skilled = next((manifest for manifest in reversed(earlier) if manifest.has_skill), None)
        return check_result(
            passed=skilled is None,
            description=None
            if skilled is None or in_use is None
            else f"The model in use, {in_use.version}, has no skill ({in_use.verdict}), and {skilled.version} had. "
            "The published forecast is kept. Put the model with skill back in use (retail-assets models rollback). "
            "Materialize sales_forecast after that.",
            metadata={
                "in_use": in_use.version if in_use else "none",
                "has_skill": bool(in_use and in_use.has_skill),
                "rows": int(size["n"]),
            },
        )

    @dg.asset_check(
        asset="forecast_accuracy",
        description="Recent forecasts were about as accurate as the backtest promised, and their intervals held.",
    )
    def accuracy_has_not_drifted() -> dg.AssetCheckResult:
        from retail_assets.forecasting.lifecycle.recent_accuracy import recent_drift

        with failing_clearly(platform):
            drift = recent_drift(warehouse, models)
        shares = {name: value for name, value in drift.shares().items() if name != "units_wape" and value is not None}
        return check_result(
            passed=drift.alarm is None,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{drift.alarm}. Materialize forecast_backtest: a training is due." if drift.alarm else None,
            metadata={"days": drift.days, **shares},
        )

    return [
        horizon_is_complete,
        intervals_are_ordered_and_totals_add_up,
        skill_is_not_lost,
        accuracy_has_not_drifted,
    ]

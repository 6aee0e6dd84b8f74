"""The assets of the forecast: past forecasts against actuals, training with its backtest, the days to come, amounts.

Training is infrequent and scoring is daily: `forecast_backtest` keeps the model in use where no retraining is needed.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.outputs import publish, report_json, static
from retail_assets.defs.data_versions import hash_of, hash_of_table, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import SCIENCE, numbers, preview
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST
from retail_assets.models.store import Manifest
from retail_assets.platform import Platform
from retail_assets.tables import (
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    SALES_FORECAST,
    WEATHER,
    Table,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.forecasting.data.regressors import Regressors

GROUP = "forecast"
SEED = 0
AMOUNTS = "forecast/transaction_amounts.json"
_SHOWN = 14
#: Columns of previews: what people compare, narrow enough for Dagster's pages.
_FORECAST_SHOWN = ["product_category", "forecast_date", "mean", "p10", "p90", "seasonal_naive", "method"]
_BACKTEST_SHOWN = [
    "product_category", "model", "champion", "rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95"
]  # fmt: skip

_REVENUE = [("daily_category_sales", "revenue"), ("daily_category_sales", "sale_date")]
_UNITS = [("daily_category_sales", "units"), ("daily_category_sales", "sale_date")]
_CATEGORY = [("daily_category_sales", "product_category")]
_ENDS = ("p025", "p10", "p50", "p90", "p975")
_FORECAST_LINEAGE = {
    "product_category": _CATEGORY,
    "forecast_date": [("daily_category_sales", "sale_date")],
    "cutoff_date": [("daily_category_sales", "sale_date")],
    "mean": _REVENUE,
    **dict.fromkeys(_ENDS, _REVENUE),
    **dict.fromkeys(("units", "units_p10", "units_p90"), _UNITS),
    "seasonal_naive": [("daily_category_sales", "revenue")],
}
_BACKTEST_LINEAGE = {
    "product_category": _CATEGORY,
    **dict.fromkeys(("rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95"), _REVENUE),
}
_ACCURACY_LINEAGE = {
    "product_category": _CATEGORY,
    "forecast_date": [("daily_category_sales", "sale_date")],
    "actual": _REVENUE,
    "error": _REVENUE,
    "units": _UNITS,
    "units_actual": _UNITS,
}


class TrainingConfig(dg.Config):
    """`retrain`: train now, whatever the age of the model in use."""

    retrain: bool = False


def forecast_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Define `forecast_accuracy`, `forecast_backtest`, `sales_forecast` and `transaction_amounts`."""
    contract = platform.settings.contract
    warehouse, output, models = platform.warehouse, platform.output, platform.model_store(FORECAST)
    common: dict[str, Any] = {
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "group_name": GROUP,
        "owners": SCIENCE,
        "tags": {"layer": "model", "source": platform.source},
        "code_version": "2",
    }
    table_kinds = {platform.settings.warehouse, "table"}
    weather = [WEATHER.name] if platform.settings.weather else []

    def written(table: Table, metadata: dict[str, Any]) -> dg.MaterializeResult:
        return materialized(hash_of_table(warehouse, table), metadata)

    @dg.asset(
        pool=WAREHOUSE,
        deps=["daily_category_sales"],
        kinds=table_kinds,
        description="Past forecasts scored against actuals: each day that an issued forecast predicted and that is "
        "complete by now.",
        metadata=static(platform, FORECAST_ACCURACY, _ACCURACY_LINEAGE),
        **common,
    )
    def forecast_accuracy(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.data.sources import daily_history
        from retail_assets.forecasting.evaluation.accuracy import accuracy_drift, score_past_forecasts
        from retail_assets.forecasting.figures import accuracy as figures
        from retail_assets.forecasting.lifecycle.issued import past_forecasts
        from retail_assets.forecasting.lifecycle.recent_accuracy import promised_wape

        with failing_clearly(platform):
            history = daily_history(warehouse)
            scored = score_past_forecasts(past_forecasts(models, history), history)
            rows = warehouse.replace(FORECAST_ACCURACY, scored)
            promised = promised_wape(models)
            drift = accuracy_drift(scored, promised)
            thumbnails = publish(platform, {}, figures.draw_figures(scored, promised))
        context.log.info("%d category-days of past forecasts are scored. %s", rows, drift.alarm or "No alarm.")
        recent = {f"recent_{name}": value for name, value in drift.shares().items() if value is not None}
        facts = {"dagster/row_count": rows, **recent, "preview": preview(scored, _SHOWN), **thumbnails}
        return written(FORECAST_ACCURACY, facts)

    @dg.asset(
        pool=WAREHOUSE,
        deps=["daily_category_sales", "forecast_accuracy", *weather],
        kinds={"scikitlearn", *table_kinds},
        description="Training where one is due (new sales, accuracy drift, new code, on demand): a backtest of every "
        "model at rolling cut-offs. The winner is stored, and promoted if it beats the model in use.",
        metadata=static(platform, FORECAST_BACKTEST, _BACKTEST_LINEAGE),
        **common,
    )
    def forecast_backtest(context: dg.AssetExecutionContext, config: TrainingConfig) -> dg.MaterializeResult:
        from retail_assets.forecasting.data.sources import daily_history
        from retail_assets.forecasting.figures import backtest as figures
        from retail_assets.forecasting.lifecycle import retraining

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, contract)
            history, events = daily_history(warehouse), _events(platform)
            reason = retraining.reason_to_retrain(models, warehouse, output, history, events, demanded=config.retrain)
            if reason is None:
                promotion.publish_card(models, output)
                in_use = models.manifest(models.require_champion().version)
                context.log.info("Kept model %s: no retraining needed.", in_use.version)
                return written(FORECAST_BACKTEST, {"trained": False, **_model_metadata(in_use)})
            context.log.info("Training: %s.", reason)
            now = dt.datetime.now(dt.UTC)
            done = retraining.retrain(models, history, events, country=contract.country, seed=SEED, now=now)
            rows = warehouse.replace(FORECAST_BACKTEST, done.rows)
            training = done.training
            pictures = figures.draw_figures(
                training.backtest, training.report, training.explanation(), currency=contract.currency
            )
            files = {retraining.REPORT: report_json(done.report)}
            thumbnails = publish(platform, files, pictures)
            promotion.publish_card(models, output)
        verdict = training.report["verdict"]
        context.log.info("%s", verdict)
        version = done.outcome.get("model_version")
        metadata = {
            "trained": True,
            "reason": reason,
            "verdict": verdict,
            **done.outcome,
            **(_scores(models.manifest(version)) if version else {}),
            **({"weather": found["in_words"]} if (found := training.report.get("weather")) else {}),
            "dagster/row_count": rows,
            "preview": preview(_whole_horizon(done.rows).select(_BACKTEST_SHOWN), _SHOWN),
            **thumbnails,
        }
        return written(FORECAST_BACKTEST, metadata)

    @dg.asset(
        pool=WAREHOUSE,
        deps=["daily_category_sales", "forecast_backtest", *weather],
        kinds={"scikitlearn", *table_kinds},
        description="Revenue and units of the next 28 days, by category and in total, with prediction intervals, by "
        "the model in use.",
        metadata=static(platform, SALES_FORECAST, _FORECAST_LINEAGE),
        **common,
    )
    def sales_forecast(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.data.sources import daily_history
        from retail_assets.forecasting.figures import forecast as figures
        from retail_assets.forecasting.lifecycle.issued import issue_forecast
        from retail_assets.forecasting.lifecycle.training_report import of_nothing

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, contract)
            promotion.publish_card(models, output)
            history = daily_history(warehouse)
            now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
            table, in_use = issue_forecast(models, history, _events(platform), now=now)
            rows = warehouse.replace(SALES_FORECAST, table)
            model = _model_metadata(in_use) if in_use else {"verdict": of_nothing(history)["reason"]}
            summary = _summary(in_use, contract.country) if in_use else {}
            pictures = figures.draw_figures(history, table, summary, currency=contract.currency)
            thumbnails = publish(platform, {}, pictures)
        context.log.info("Forecast of %d rows. %s", rows, model["verdict"])
        metadata = {
            "dagster/row_count": rows,
            **model,
            **_weather(platform, in_use),
            "preview": preview(table.select(_FORECAST_SHOWN), _SHOWN),
            **thumbnails,
        }
        return written(SALES_FORECAST, metadata)

    @dg.asset(
        pool=WAREHOUSE,
        deps=["sales"],
        kinds={"scikitlearn"},
        description="Whether the amount of a single transaction can be predicted, compared with the mean. Measured "
        "again only when the transactions have changed.",
        metadata={"dagster/uri": output.uri_of(AMOUNTS)},
        **common,
    )
    def transaction_amounts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.evaluation import transaction_amounts as amounts

        with failing_clearly(platform):
            [size] = warehouse.query("SELECT count(*) AS n FROM sales WHERE quantity > 0").to_pylist()
            total = int(size["n"])
            every = max(total // amounts.MOST, 1)
            rows = warehouse.query(amounts.transactions(every))
            digest = amounts.input_digest(rows, seed=SEED)
            report = amounts.report_of(output.read_if_exists(AMOUNTS), digest)
            measured = report is None
            if report is None:
                report = amounts.report(rows.to_pandas(), seed=SEED, total=total) | {"input_digest": digest}
                output.write(AMOUNTS, report_json(report))
        context.log.info("%s%s", report["verdict"], "" if measured else " (The transactions have not changed.)")
        facts = {"verdict": report["verdict"], "transactions": rows.num_rows, "measured": measured}
        for name in ("without_price", "with_price"):
            facts |= {f"{name}_{score}": value for score, value in numbers(report.get(name) or {}).items()}
        return materialized(hash_of([report_json(report)]), facts)

    return [forecast_accuracy, forecast_backtest, sales_forecast, transaction_amounts]


def _events(platform: Platform) -> "Regressors":
    """What RETAIL_EVENTS and RETAIL_REGRESSORS name, and the weather. Raises SettingsError, RegressorsError."""
    from retail_assets.forecasting.data.sources import known_events

    settings = platform.settings
    return known_events(platform.warehouse, settings.events, settings.regressors, weather=settings.weather is not None)


def _weather(platform: Platform, in_use: Manifest | None) -> dict[str, Any]:
    """How far the weather of the forecast reaches, where its model reads any."""
    from retail_assets.weather.coverage import coverage
    from retail_assets.weather.issued import NAMES

    if platform.settings.weather is None or in_use is None or not set(NAMES) & set(in_use.features):
        return {}
    known = coverage(platform.warehouse, in_use.horizon)
    return {"weather_days": known.days, **({"weather": known.in_words} if known.in_words else {})}


def _summary(in_use: Manifest, country: str) -> dict[str, Any]:
    """What the pictures of a forecast say of its model, as in the report of its training."""
    return {
        "evaluated": bool(in_use.metrics),
        "country": country,
        "cutoffs": in_use.data.get("cutoffs", []),  # versions of earlier releases do not have them
        "champion": in_use.family,
        "has_skill": in_use.has_skill,
        "models": {in_use.family: in_use.metrics},
    }


def _model_metadata(in_use: Manifest) -> dict[str, Any]:
    facts = {"model_version": in_use.version, "verdict": in_use.verdict, "has_skill": in_use.has_skill}
    return facts | _scores(in_use)


def _whole_horizon(rows: "pa.Table") -> "pa.Table":
    """The rows of a backtest that compare models over the whole horizon and all days, by revenue."""
    import pyarrow.compute as pc

    if not rows.num_rows:
        return rows
    whole = pc.equal(rows["horizon"], pc.max(rows["horizon"]))
    return rows.filter(
        pc.and_(pc.and_(whole, pc.equal(rows["kind_of_day"], "all")), pc.equal(rows["measure"], "revenue"))
    )


def _scores(version: Manifest) -> dict[str, Any]:
    """The scores of a version's backtest (RMSE, WAPE, coverage, …) as numbers, so that Dagster plots them over runs."""
    return {f"backtest_{name}": value for name, value in numbers(version.metrics).items()}

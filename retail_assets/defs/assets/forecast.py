"""The forecast: how good earlier ones were, training with its backtest, and the table of the days to come.

Training is rare and scoring is daily: `forecast_backtest` keeps the model in use where nothing speaks for another.
"""

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.outputs import publish, report_json, static
from retail_assets.defs.failures import WAREHOUSE_RETRIES, failing_clearly
from retail_assets.defs.metadata import SCIENCE, preview
from retail_assets.errors import ModelFileError, NotReadyError, SettingsError, StorageError
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST
from retail_assets.models.promotion import InUse
from retail_assets.models.store import Manifest, ModelStoreError
from retail_assets.platform import Platform
from retail_assets.storage import Store
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    SALES_FORECAST,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from retail_assets.forecasting.data.regressors import Regressors
    from retail_assets.forecasting.evaluation.accuracy import Drift
    from retail_assets.forecasting.models.serialization import ForecastModel

GROUP = "forecast"
SEED = 0
REPORT = "forecast/backtest.json"
AMOUNTS = "forecast/transaction_amounts.json"
#: Forecasts older than this many days before the last sale are no longer scored again.
_DAYS_SCORED = 180
#: What an issued forecast must tell to be scored.
_SCORED = {
    "product_category",
    "forecast_date",
    "cutoff_date",
    "horizon_day",
    "mean",
    "p025",
    "p10",
    "p90",
    "p975",
    "seasonal_naive",
    "model_version",
    "issued_at",
}

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
    """`forecast_accuracy`, `forecast_backtest`, `sales_forecast` and `transaction_amounts`."""
    contract = platform.settings.contract
    warehouse = platform.warehouse
    common: dict[str, Any] = {
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "retry_policy": WAREHOUSE_RETRIES,
        "group_name": GROUP,
        "owners": SCIENCE,
        "tags": {"layer": "model", "source": platform.source},
        "code_version": "2",
    }
    table_kinds = {platform.settings.warehouse, "table"}

    @dg.asset(
        deps=["daily_category_sales"],
        kinds=table_kinds,
        description="Days that earlier forecasts spoke of and that are now known: what was said, and what came.",
        metadata=static(platform, FORECAST_ACCURACY, _ACCURACY_LINEAGE),
        **common,
    )
    def forecast_accuracy(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.evaluation import accuracy

        with failing_clearly():
            history = _history(platform)
            scored = accuracy.matured(_issued(platform, history), history)
            rows = warehouse.replace(FORECAST_ACCURACY, scored)
            promised = promised_wape(platform)
            drawn = accuracy.figure(scored, promised)
            pictures = {accuracy.FIGURE: drawn} if drawn else {}
            metadata = publish(platform, {}, pictures, (accuracy.FIGURE,))
            drift = accuracy.judge(scored, promised)
        context.log.info("%d category-days of earlier forecasts have matured. %s", rows, drift.alarm or "No alarm.")
        numbers = {
            "wape": drift.wape,
            "naive_wape": drift.naive_wape,
            "coverage80": drift.coverage80,
            "units_wape": drift.units_wape,
        }
        known = {f"recent_{name}": value for name, value in numbers.items() if value is not None}
        place: dict[str, Any] = {"dagster/row_count": rows, "dagster/uri": warehouse.location(FORECAST_ACCURACY)}
        return dg.MaterializeResult(metadata={**place, **known, **metadata})

    @dg.asset(
        deps=["daily_category_sales", "forecast_accuracy"],
        kinds={"scikitlearn", *table_kinds},
        description="Training, where one is due (new sales, drift, new code, on demand): every model at rolling "
        "cut-offs; the winner is stored, and promoted if it beats the model in use.",
        metadata=static(platform, FORECAST_BACKTEST, _BACKTEST_LINEAGE),
        **common,
    )
    def forecast_backtest(context: dg.AssetExecutionContext, config: TrainingConfig) -> dg.MaterializeResult:
        with failing_clearly():
            history, events = _history(platform), _events(platform)
            reason = _reason_to_train(platform, history, events, config.retrain)
            if reason is None:
                in_use = platform.model_store(FORECAST).manifest(
                    platform.model_store(FORECAST).require_champion().version
                )
                context.log.info("Kept model %s: nothing speaks for training.", in_use.version)
                return dg.MaterializeResult(metadata={"trained": False, **_model_metadata(in_use)})
            context.log.info("Training: %s.", reason)
            trained, metadata = _train(platform, history, events, contract.country, contract.currency)
        context.log.info("%s", metadata["verdict"])
        return dg.MaterializeResult(metadata={"trained": True, "reason": reason, **metadata, **trained})

    @dg.asset(
        deps=["daily_category_sales", "forecast_backtest"],
        kinds={"scikitlearn", *table_kinds},
        description="Revenue and units of the next 28 days a category and in all, with intervals, by the model in use.",
        metadata=static(platform, SALES_FORECAST, _FORECAST_LINEAGE),
        **common,
    )
    def sales_forecast(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.figures import forecast

        with failing_clearly():
            history = _history(platform)
            table, in_use = _score(platform, history)
            rows = warehouse.replace(SALES_FORECAST, table)
            drawn = forecast.figures(history, table, _summary(in_use), currency=contract.currency) if in_use else {}
            metadata = publish(platform, {}, drawn, forecast.NAMES)
        told = _model_metadata(in_use) if in_use else {"verdict": "There are no sales."}
        context.log.info("Forecast of %d rows. %s", rows, told["verdict"])
        place: dict[str, Any] = {"dagster/row_count": rows, "dagster/uri": warehouse.location(SALES_FORECAST)}
        return dg.MaterializeResult(metadata={**place, **told, "preview": preview(table), **metadata})

    @dg.asset(
        deps=["sales"],
        kinds={"scikitlearn"},
        description="Whether the amount of a single transaction can be foretold: judged against the mean predictor.",
        **common,
    )
    def transaction_amounts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.evaluation import transaction_amounts as amounts

        with failing_clearly():
            [size] = warehouse.query("SELECT count(*) AS n FROM sales").to_pylist()
            every = max(int(size["n"]) // amounts.MOST, 1)
            rows = warehouse.query(amounts.transactions(every)).to_pandas()
            made = amounts.report(rows, seed=SEED)
            platform.output.write(AMOUNTS, report_json(made))
        context.log.info("%s", made["verdict"])
        return dg.MaterializeResult(metadata={"verdict": made["verdict"], "transactions": len(rows)})

    return [forecast_accuracy, forecast_backtest, sales_forecast, transaction_amounts]


def drift_of(platform: Platform, version: str | None = None) -> "Drift":
    """Recent accuracy of what was issued, by `version` alone if given, against what the backtest in use promised."""
    import pyarrow.compute as pc

    from retail_assets.forecasting.evaluation.accuracy import judge

    scored = warehouse_table(platform)
    if version is not None:
        scored = scored.filter(pc.equal(scored["model_version"], version))
    return judge(scored, promised_wape(platform))


def warehouse_table(platform: Platform) -> "pa.Table":
    return platform.warehouse.query(f"SELECT * FROM {FORECAST_ACCURACY.name}")


def promised_wape(platform: Platform) -> float | None:
    """WAPE of category-days in the backtest of the model in use."""
    try:
        champion = platform.model_store(FORECAST).champion()
        return platform.model_store(FORECAST).manifest(champion.version).metrics.get("wape") if champion else None
    except ModelStoreError:  # the training that follows says what is wrong, and mends it
        return None


def _history(platform: Platform) -> "pd.DataFrame":
    return platform.warehouse.query(f"SELECT * FROM {DAILY_CATEGORY_SALES.name}").to_pandas()


def _events(platform: Platform) -> "Regressors":
    """What RETAIL_EVENTS and RETAIL_REGRESSORS say. Raises SettingsError where the file cannot be read, RegressorsError
    where what they say is wrong.
    """
    from retail_assets.forecasting.data import regressors

    table = platform.settings.regressors
    measured = regressors.NONE if table is None else regressors.from_warehouse(platform.warehouse, table)
    uri = platform.settings.events
    if uri is None:
        return measured
    folder, _, name = uri.rpartition("/")
    try:
        text = Store(folder).read(name).decode() if "://" in uri else Path(uri).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, StorageError) as e:
        told = "it is not UTF-8 text" if isinstance(e, UnicodeDecodeError) else getattr(e, "strerror", None) or e
        raise SettingsError(f"RETAIL_EVENTS={uri!r} cannot be read: {told}.") from None
    return regressors.together(regressors.read(text, uri), measured)


def _reason_to_train(platform: Platform, history: "pd.DataFrame", events: "Regressors", demanded: bool) -> str | None:
    from retail_assets.forecasting.lifecycle.promotion_policy import reason_to_train
    from retail_assets.forecasting.lifecycle.record import CODE_VERSION

    in_use = _in_use(platform, events)
    if in_use.unusable:
        return f"the model in use cannot be used: {in_use.unusable}"
    # What was trained by this code and on these events; each was in a contest, or else its report is another's.
    alike = [
        known
        for known in platform.model_store(FORECAST).versions()
        if known.code_version == CODE_VERSION and known.data.get("events", "") == events.digest
    ]
    champion = in_use.manifest
    if champion and not platform.warehouse.exists(FORECAST_BACKTEST):
        return "its backtest is gone"
    last: Any = history["sale_date"].max() if len(history) else None
    if champion and (why := _report_is_missing(platform, alike, last)):
        return why
    try:
        alarm = drift_of(platform, champion.version if champion else None).alarm
    except NotReadyError:
        alarm = None
    return reason_to_train(champion, alike, last, alarm=alarm, demanded=demanded)


def _report_is_missing(platform: Platform, alike: list[Manifest], last: dt.date | None) -> str | None:
    """Why the published report is not that of the last training: it is gone, or a run ended between the two."""
    told = platform.output.read_if_exists(REPORT)
    if told is None:
        return "its report is gone"
    seen = [known for known in alike if last is not None and known.data["last_day"] <= str(last)]
    newest_day = max((known.data["last_day"] for known in seen), default=None)
    newest = {known.version for known in seen if known.data["last_day"] == newest_day}
    try:
        reported = json.loads(told).get("model_version")
    except ValueError:
        reported = None
    return "the last training ended before its report" if newest and reported not in newest else None


def _in_use(platform: Platform, events: "Regressors") -> "InUse[ForecastModel]":
    """What is in use; unusable where this code cannot read it, or it has learnt from other events."""
    return promotion.read_in_use(platform.model_store(FORECAST), _reader(events))


def _reader(events: "Regressors") -> "Callable[[bytes], ForecastModel]":
    from retail_assets.forecasting.models.serialization import loads

    def read(data: bytes) -> "ForecastModel":
        model = loads(data)
        if model.reads_features and model.regressors != events.names:
            raise ModelFileError(
                f"it has learnt from the events {list(model.regressors)}, now they are {list(events.names)}"
            )
        return model

    return read


def _train(
    platform: Platform, history: "pd.DataFrame", events: "Regressors", country: str, currency: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train, store, hold the contest, publish report and pictures; returns thumbnails, and metadata."""
    from retail_assets.forecasting.evaluation.explanation import explain_history
    from retail_assets.forecasting.figures import backtest
    from retail_assets.forecasting.lifecycle import record
    from retail_assets.forecasting.lifecycle.forecast import train
    from retail_assets.forecasting.lifecycle.promotion_policy import decide
    from retail_assets.forecasting.models.serialization import dumps

    training = train(history, country=country, seed=SEED, regressors=events)
    report, metadata = dict(training.report), {"verdict": training.report["verdict"]}
    version = ""
    if training.model is not None:
        now = dt.datetime.now(dt.UTC)
        known = record.facts(training, now)
        known["data"]["events"] = events.digest
        last_day = dt.date.fromisoformat(known["data"]["last_day"])
        models = platform.model_store(FORECAST)
        candidate = models.save(dumps(training.model), last_day, known, record.model_card(training, known))
        decision = promotion.promote_if_better(
            models,
            candidate,
            lambda in_use: decide(candidate, in_use.manifest, unusable=in_use.unusable),
            _reader(events),
            at=now,
        )
        promotion.publish_card(models, platform.output)
        version = candidate.version
        outcome = {"model_version": version, "promoted": decision.promote, "decision": decision.reason}
        metadata |= outcome
        report |= {"model_version": version, "decision": decision.reason}
    platform.warehouse.replace(FORECAST_BACKTEST, record.backtest_rows(training, version))
    explanation = explain_history(training.model, history, events) if training.model else None
    drawn = backtest.figures(training.backtest, training.report, explanation, currency=currency)
    return publish(platform, {REPORT: report_json(report)}, drawn, backtest.NAMES), metadata


def _score(platform: Platform, history: "pd.DataFrame") -> tuple["pa.Table", Manifest | None]:
    """The forecast by the model in use, as it is issued; an empty table where there are no sales."""
    from retail_assets.forecasting.lifecycle.forecast import score
    from retail_assets.forecasting.models.serialization import loads

    models = platform.model_store(FORECAST)
    promotion.publish_card(models, platform.output)
    if not len(history):
        return SALES_FORECAST.arrow_schema().empty_table(), None
    version = models.require_champion().version
    model = loads(models.load(version))
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    table = score(model, history, version=version, issued_at=now, regressors=_events(platform))
    in_use = models.manifest(version)
    return _issue(platform, table, in_use), in_use


def _issue(platform: Platform, table: "pa.Table", in_use: Manifest) -> "pa.Table":
    """Keep the forecast for the day it matures. One that says what an earlier one of its cut-off said is that one.

    A model that has seen days after the cut-off, since withdrawn, foretells nothing: its forecast is not kept.
    """
    import pyarrow.parquet as pq

    store, key = (
        platform.model_store(FORECAST).store,
        f"{_issued_folder(platform)}/{table['cutoff_date'][0].as_py()}.parquet",
    )
    if (there := store.read_if_exists(key)) is not None:
        earlier = _read_issued(there)
        if (
            earlier is not None
            and earlier.schema.equals(table.schema)
            and earlier.drop_columns(["issued_at"]).equals(table.drop_columns(["issued_at"]))
        ):
            return earlier
    if in_use.data["last_day"] > str(table["cutoff_date"][0].as_py()):
        return table
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    store.write(key, out.getvalue())
    return table


def _issued(platform: Platform, history: "pd.DataFrame") -> "list[pa.Table]":
    """Forecasts that were issued, the latest of each cut-off, as far back as they are still scored."""
    if not len(history):
        return []
    store, folder = platform.model_store(FORECAST).store, _issued_folder(platform)
    oldest = str(history["sale_date"].max() - dt.timedelta(days=_DAYS_SCORED))
    keys = [entry.key for entry in store.list(folder) if entry.key.rsplit("/", 1)[1] >= oldest]
    tables = [_read_issued(store.read(key)) for key in keys]
    return [table for table in tables if table is not None]


def _read_issued(data: bytes) -> "pa.Table | None":
    """An issued forecast; None where it is damaged or lacks what is scored. Older versions' may have fewer columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        return None
    return table if _SCORED.issubset(table.schema.names) else None


def _issued_folder(platform: Platform) -> str:
    return f"{platform.model_store(FORECAST).root}/issued"


def _summary(in_use: Manifest) -> dict[str, Any]:
    """Of the training report, what the pictures of a forecast say of its model."""
    return {
        "evaluated": bool(in_use.metrics),
        "champion": in_use.family,
        "has_skill": in_use.has_skill,
        "models": {in_use.family: in_use.metrics},
    }


def _model_metadata(in_use: Manifest) -> dict[str, Any]:
    return {"model_version": in_use.version, "verdict": in_use.verdict, "has_skill": in_use.has_skill}

"""Forecasts as they were issued, kept in the model store until their days have come and they can be scored."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from typing import TYPE_CHECKING

import pandas as pd

from retail_assets.forecasting.data.regressors import Regressors
from retail_assets.forecasting.evaluation.accuracy import SCORED_COLUMNS
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.models.serialization import loads
from retail_assets.models.store import Manifest, ModelStore
from retail_assets.storage import Entry
from retail_assets.tables import SALES_FORECAST

if TYPE_CHECKING:
    import pyarrow as pa

#: Forecasts older than this many days before the last sale are not scored again.
DAYS_SCORED = 180


def issue_forecast(
    models: ModelStore, history: pd.DataFrame, events: Regressors, *, now: dt.datetime
) -> tuple[pa.Table, Manifest | None]:
    """Forecast by the model in use, and keep the forecast.

    Args:
        models: the store of the forecast's models.
        history: rows of `daily_category_sales`.
        events: as they are known today.
        now: the moment of issue, UTC without a time zone.

    Returns:
        Rows of `SALES_FORECAST`, and the manifest of the model in use; no rows and None without sales.

    Raises:
        NotReadyError: no model is in use yet.
        ModelStoreError, ModelFileError: the model in use is damaged, or has learned from other events.
    """
    if not len(history):
        return SALES_FORECAST.arrow_schema().empty_table(), None
    version = models.require_champion().version
    model = loads(models.load(version))
    table = score(model, history, version=version, issued_at=now, regressors=events)
    in_use = models.manifest(version)
    return keep(models, table, in_use), in_use


def keep(models: ModelStore, table: pa.Table, in_use: Manifest) -> pa.Table:
    """Keep a forecast, one per cut-off; returns the one that counts as issued.

    A forecast with the same content as the one kept for its cut-off is that one, with the moment of its first issue. A
    forecast by a model that has seen days after the cut-off, which were withdrawn since, predicts nothing: it is not
    kept.

    Args:
        models: the store of the forecast's models.
        table: rows of `SALES_FORECAST`, all of one cut-off; at least one.
        in_use: manifest of the model that made it.
    """
    import pyarrow.parquet as pq

    cutoff = table["cutoff_date"][0].as_py()
    key = f"{_folder(models)}/{cutoff}.parquet"
    if (data := models.store.read_if_exists(key)) is not None:
        earlier = _read(data)
        if earlier is not None and _same_but_for_the_moment(earlier, table):
            return earlier
    if in_use.data["last_day"] > str(cutoff):
        return table
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    models.store.write(key, out.getvalue())
    return table


def past_forecasts(models: ModelStore, history: pd.DataFrame) -> list[pa.Table]:
    """Read the forecasts that were issued, the latest of each cut-off, as far back as they are still scored.

    Args:
        models: the store of the forecast's models.
        history: rows of `daily_category_sales`; its last day decides how far back.
    """
    if not len(history):
        return []
    oldest = str(history["sale_date"].max() - dt.timedelta(days=DAYS_SCORED))
    keys = [entry.key for entry in models.store.list(_folder(models)) if entry.key.rsplit("/", 1)[1] >= oldest]
    tables = [_read(models.store.read(key)) for key in keys]
    return [table for table in tables if table is not None]


def too_old_to_score(models: ModelStore) -> list[Entry]:
    """List the kept forecasts that `past_forecasts` does not read any more.

    The cut-off of the latest forecast stands for the last day of sales, which is never before it unless sales were
    withdrawn; another `DAYS_SCORED` are kept for that.
    """
    cutoffs = {}
    for entry in models.store.list(_folder(models)):
        with contextlib.suppress(ValueError):  # not one of ours
            cutoffs[dt.date.fromisoformat(entry.key.rpartition("/")[2].removesuffix(".parquet"))] = entry
    if not cutoffs:
        return []
    oldest = max(cutoffs) - dt.timedelta(days=2 * DAYS_SCORED)
    return [entry for cutoff, entry in sorted(cutoffs.items()) if cutoff < oldest]


def _same_but_for_the_moment(one: pa.Table, other: pa.Table) -> bool:
    return one.schema.equals(other.schema) and one.drop_columns(["issued_at"]).equals(other.drop_columns(["issued_at"]))


def _read(data: bytes) -> pa.Table | None:
    """A forecast; None where it is damaged or lacks a column that is scored. Those of units may be missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        return None
    return table if set(SCORED_COLUMNS).issubset(table.schema.names) else None


def _folder(models: ModelStore) -> str:
    return f"{models.root}/issued"

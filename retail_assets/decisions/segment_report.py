"""The report on the segments: evaluation, recommendations and figures, read from the warehouse.

Brings the parts together and decides nothing: `segmentation.evaluation` measures, `recommendations` advises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.decisions.recommendations import as_markdown, recommend
from retail_assets.decisions.stock import History, history_of
from retail_assets.forecasting.data.sources import daily_history
from retail_assets.models.store import ModelStore
from retail_assets.plotting.left_out import Figures
from retail_assets.segmentation.evaluation.buying_habits import PLAUSIBLE, over_indexed
from retail_assets.segmentation.evaluation.evaluate import evaluate
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.evaluation.fit import measure
from retail_assets.segmentation.evaluation.name_stability import name_stability
from retail_assets.segmentation.evaluation.next_quarter import next_quarter
from retail_assets.segmentation.figures.draw import draw_figures
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.lifecycle.model_in_use import model_in_use, previous_model
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.model.features import eligible, read_sample
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel, name_findings
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.buying_habits import segment_calendar, segment_categories
from retail_assets.segmentation.queries.profiles import MIX, quantile
from retail_assets.segmentation.queries.sales import SCOPE
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES_FORECAST, SEGMENT_MIGRATIONS, SEGMENT_PROFILES
from retail_assets.warehouse.protocol import Warehouse

__all__ = [
    "EVALUATION",
    "RECOMMENDATIONS",
    "RECOMMENDATIONS_TEXT",
    "Report",
    "figure_inputs",
    "make_report",
    "report_on_model_in_use",
]

EVALUATION = "segments/evaluation.json"
RECOMMENDATIONS = "segments/recommendations.json"
RECOMMENDATIONS_TEXT = "segments/recommendations.md"

SAMPLED_CUSTOMERS = 25_000
"""Customers on whom a model is measured, and from whom those of the map are drawn."""


@dataclass(frozen=True)
class Report:
    """The report: `figures` by file name (PNG), `files` by key in the output store."""

    evaluation: dict[str, Any]
    figures: Figures
    files: dict[str, bytes]
    verdict: str


def report_on_model_in_use(
    warehouse: Warehouse,
    models: ModelStore,
    catalog: Catalog,
    currency: str | None,
    *,
    country: str = "",
    seed: int = 0,
) -> Report:
    """Report on the segments of the model in use, compared with the model before it (see `make_report`).

    Args:
        warehouse: has the tables of the segments.
        models: the versions of the segments' model.
        catalog: the personas.
        currency: code written before money; None if it is unknown.
        country: of the holidays, ISO 3166-1 as `US`; empty for none.
        seed: of samples and resamples.

    Raises:
        ModelStoreError, SegmentModelFileError: the model in use cannot be read.
    """
    model, version = model_in_use(models)
    why = None if model else train_from(warehouse, catalog=catalog, seed=seed).why
    return make_report(
        warehouse,
        model,
        why,
        previous=previous_model(models),
        version=version,
        catalog=catalog,
        currency=currency,
        country=country,
        recorded=models.manifest(version).metrics if model else None,
        seed=seed,
    )


def make_report(
    warehouse: Warehouse,
    model: SegmentModel | None,
    why: str | None,
    *,
    previous: SegmentModel | None = None,
    version: str,
    catalog: Catalog,
    currency: str | None,
    country: str = "",
    recorded: Mapping[str, float | None] | None = None,
    seed: int = 0,
) -> Report:
    """Evaluate the segments in the warehouse, and say what to do about them.

    Reads `customer_features`, `segment_profiles`, `segment_migrations`, `customer_segments` and `sales`, and
    `sales_forecast` with `daily_category_sales` where they exist. The same tables give the same bytes.

    Args:
        warehouse: has these tables.
        model: the model in use; None if the customers could not be clustered.
        why: the reason, in a sentence, where there is no model.
        previous: the model that was in use before, if any.
        version: of the model in the store.
        catalog: the personas.
        currency: code written before money; None if it is unknown.
        country: of the holidays, ISO 3166-1 as `US`; empty for none.
        recorded: what the training has measured (`metrics` of the manifest); None if the model is in no store.
        seed: of samples and resamples.
    """
    [scope] = warehouse.query(SCOPE).to_pylist()
    sample = read_sample(warehouse, at_most=SAMPLED_CUSTOMERS, everyone=True)
    profiles = _rows(warehouse, f"select {SEGMENT_PROFILES.column_list} from {SEGMENT_PROFILES.name}")
    categories = _rows(warehouse, segment_categories())
    evidence = Evidence(
        model=model,
        why=why,
        version=version,
        fit=measure(model, sample, catalog=catalog, recorded=recorded, seed=seed) if model else None,
        stability=name_stability(warehouse, catalog, seed=seed),
        quarter=next_quarter(warehouse, catalog, seed=seed),
        profiles=profiles,
        scope=scope,
        agreement_with_previous=_agreement(model, previous, sample),
        defining=name_findings(model, sample[eligible(sample)], catalog) if model else {},
    )
    evaluation = evaluate(
        evidence,
        catalog=catalog,
        currency=currency,
        over_indexed=over_indexed(categories, profiles),
        mix=_rows(warehouse, MIX),
    )
    forecast = forecast_rows(warehouse)
    advice = recommend(
        profiles,
        categories,
        _rows(warehouse, segment_calendar()),
        forecast,
        catalog=catalog,
        currency=currency,
        snapshot=scope["snapshot_date"],
        history_days=int(sample["window_days"].max()) if len(sample) else None,
        upper={row["persona"]: row["value"] for row in _rows(warehouse, quantile("monetary", PLAUSIBLE))},
        history=_history(warehouse, country, forecast),
    )
    inputs = figure_inputs(warehouse, model, evaluation, categories, sample, catalog)
    return Report(
        evaluation,
        draw_figures(inputs, catalog=catalog, currency=currency, seed=seed),
        {
            EVALUATION: _json(evaluation),
            RECOMMENDATIONS: _json(advice),
            RECOMMENDATIONS_TEXT: as_markdown(advice).encode(),
        },
        evaluation["verdict"],
    )


def figure_inputs(
    warehouse: Warehouse,
    model: SegmentModel | None,
    evaluation: Mapping[str, Any],
    categories: Sequence[Mapping[str, Any]],
    sample: pd.DataFrame,
    catalog: Catalog,
) -> FigureInputs:
    """Return what the figures show of a sample of customers, and of the migrations where there are any."""
    migrations = f"select {SEGMENT_MIGRATIONS.column_list} from {SEGMENT_MIGRATIONS.name}"
    return FigureInputs(
        evaluation,
        score(model, sample, catalog)["persona"].to_numpy(),
        model.standardize(sample) if model else np.zeros((len(sample), 0)),
        _rows(warehouse, migrations) if warehouse.exists(SEGMENT_MIGRATIONS) else [],
        categories,
        sample,
    )


def _agreement(model: SegmentModel | None, previous: SegmentModel | None, sample: pd.DataFrame) -> float | None:
    """Share of the clustered customers to whom both models give the same name."""
    allowed = sample[eligible(sample)]
    if model is None or previous is None or not len(allowed):
        return None
    return float(np.mean(model.names_of(allowed) == previous.names_of(allowed)))


def forecast_rows(warehouse: Warehouse) -> Sequence[Mapping[str, Any]]:
    """Read the rows of `sales_forecast` that the advice on stock rests on; none if there is no forecast yet."""
    if not warehouse.exists(SALES_FORECAST):
        return []
    columns = "product_category, forecast_date, cutoff_date, horizon_day, mean, p10, p90, units, method"
    return _rows(warehouse, f"select {columns} from {SALES_FORECAST.name}")


def _history(warehouse: Warehouse, country: str, forecast: Sequence[Mapping[str, Any]]) -> History | None:
    """What was sold, to compare the forecast with; None where there is no forecast or no table of days."""
    if not forecast or not warehouse.exists(DAILY_CATEGORY_SALES):
        return None
    return history_of(daily_history(warehouse), country, forecast)


def _rows(warehouse: Warehouse, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = warehouse.query(query).to_pylist()
    return rows


def _json(report: dict[str, Any]) -> bytes:
    return json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False).encode() + b"\n"

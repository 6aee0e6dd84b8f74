"""How long customers keep their names: models trained at every past month end, compared from month to month.

What the sales are too short to show is None, with the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.segmentation.evaluation.past_snapshots import (
    LEAST_DAYS,
    features_as_of,
    month_ends,
    sample_hash_limit,
    span_of_sales,
)
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.wording import formats, segments

MONTHS = 6
"""Steps from month to month that are compared."""

_RESAMPLES = 8
"""Resamples per past training: they only tell stable numbers of clusters from others, and no report shows them."""


@dataclass(frozen=True)
class NameStability:
    """How long names last, from month end to month end. Shares are of customers, 0 to 1.

    Attributes:
        months: the month ends, oldest first.
        window_days: length of every window in days, the same for all: a growing window would rename customers by
            itself.
        name_agreement: share of clustered customers to whom the model retrained in a later month gives the same name
            as the model frozen at the first month; mean over the months.
        kept: of the customers clustered in two successive months, the share with the same name in both, by models
            retrained every month.
        kept_frozen: the same by the first month's model throughout: the remaining change is that of the customers.
        kept_or_left: as `kept`, but customers who left the clusters for a group defined by a rule (bought nothing for
            a year, or once) count as renamed.
        months_kept: mean number of months for which customers kept the name of the first month, at most
            `len(months) - 1`.
        by_month: the figures of each step.
        why: the reason where nothing could be compared.
    """

    months: tuple[dt.date, ...] = ()
    window_days: int | None = None
    name_agreement: float | None = None
    kept: float | None = None
    kept_frozen: float | None = None
    kept_or_left: float | None = None
    months_kept: float | None = None
    by_month: tuple[dict[str, Any], ...] = ()
    why: str | None = None


def name_stability(
    warehouse: Warehouse, catalog: Catalog, *, window_days: int | None = None, seed: int = 0
) -> NameStability:
    """Train at every past month end as if it were today, each model the successor of the last, and compare the names.

    Args:
        warehouse: has `sales` and its dimensions.
        catalog: the personas.
        window_days: length of the window in days; by default as many days as the first month end has, at most a year.
        seed: of the trainings.
    """
    span = span_of_sales(warehouse)
    if span is None:
        return NameStability(why="There are no sales.")
    months = tuple(month_ends(*span, most=MONTHS + 1))
    if len(months) < 2:
        return NameStability(why=segments.names_too_short(first=span[0], last=span[1], least=LEAST_DAYS).text)
    window = window_days or min(WINDOW_DAYS, (months[0] - span[0]).days + 1)
    hash_limit = sample_hash_limit(warehouse)
    samples = [features_as_of(warehouse, day, hash_limit, window) for day in months]
    models: list[SegmentModel] = []
    for day, features in zip(months, samples, strict=True):
        previous = models[-1] if models else None
        trained = train(features, catalog=catalog, previous=previous, seed=seed, resamples=_RESAMPLES)
        if trained.model is None:
            return NameStability(months, window, why=f"As of {formats.day(day)}: {trained.why}")
        models.append(trained.model)
    retrained = [_names(model, features, catalog) for model, features in zip(models, samples, strict=True)]
    frozen = [_names(models[0], features, catalog) for features in samples]
    steps: list[dict[str, float | None]] = [
        {
            "name_agreement": _share_same(retrained[now], frozen[now]),
            "kept": _share_same(retrained[now - 1], retrained[now]),
            "kept_frozen": _share_same(frozen[now - 1], frozen[now]),
            "kept_or_left": _share_same(retrained[now - 1], retrained[now], left_is_renamed=True),
        }
        for now in range(1, len(months))
    ]
    mean = {key: _mean(step[key] for step in steps) for key in steps[0]}
    return NameStability(
        months,
        window,
        name_agreement=mean["name_agreement"],
        kept=mean["kept"],
        kept_frozen=mean["kept_frozen"],
        kept_or_left=mean["kept_or_left"],
        months_kept=_months_kept(retrained),
        by_month=tuple({"month": day.isoformat(), **step} for day, step in zip(months[1:], steps, strict=True)),
    )


def _names(model: SegmentModel, features: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """Persona by customer; missing for customers in a group defined by a rule."""
    scored = score(model, features, catalog)
    names = scored["persona"].to_numpy(dtype=object).copy()
    names[scored["cluster"].to_numpy() < 0] = None
    return pd.Series(names, index=scored["customer_id"].to_numpy())


def _share_same(before: pd.Series, after: pd.Series, *, left_is_renamed: bool = False) -> float | None:
    """Share of the clustered customers with the same name in both."""
    named = before[before.notna()]
    now = after.reindex(named.index)
    counted = np.ones(len(now), dtype=bool) if left_is_renamed else now.notna().to_numpy()
    return float((named.to_numpy() == now.to_numpy())[counted].mean()) if counted.any() else None


def _months_kept(months: Sequence[pd.Series]) -> float | None:
    first = months[0][months[0].notna()]
    if not len(first):
        return None
    still = np.ones(len(first), dtype=bool)
    kept = np.zeros(len(first))
    for later in months[1:]:
        still &= later.reindex(first.index).to_numpy() == first.to_numpy()
        kept += still
    return float(kept.mean())


def _mean(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return float(np.mean(measured)) if measured else None

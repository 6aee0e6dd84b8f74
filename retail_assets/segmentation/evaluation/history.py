"""Segments of the months that have passed: do customers keep their names, and did the best bring the next money?

Every month end is looked at as it was, with the sales up to that day and no later ones. What the sales are too short
for is None, with the reason beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.segmentation.model.clustering import SegmentModel, train
from retail_assets.segmentation.model.features import read_sample
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.personas.catalog import Catalogue
from retail_assets.segmentation.queries import segments
from retail_assets.tables import DIM_CUSTOMER
from retail_assets.warehouse.protocol import Warehouse

MONTHS = 6
"""Steps from month to month that are looked at."""
LEAST_DAYS = 90
"""Days of sales that a segmentation needs before its snapshot to be worth comparing."""
QUARTER_MONTHS = 3
SAMPLED_CUSTOMERS = 25_000
"""Customers looked at in every month, of more: the same ones, chosen by a hash of their ids. A share is exact to less
than half a percent then, and the sales of the others need not be counted."""
QUINTILES = 5
_HASH_DIGITS = 8


@dataclass(frozen=True)
class Renaming:
    """How names last, from month end to month end; shares of customers, 0 to 1.

    Attributes:
        months: the month ends, oldest first.
        window_days: days that each looks back, the same for all: a window that grows would rename customers by itself.
        name_agreement: models trained anew at each later month, beside the model frozen at the first: same name, of the
            customers in clusters.
        kept: of the customers in clusters in two successive months, those with the same name in both, by a model
            trained anew every month.
        kept_frozen: the same by the model of the first month throughout: what remains is the customers' own change.
        kept_or_left: as `kept`, but those who have left the clusters for a group made by a rule (bought nothing for a
            year, or once) count as renamed.
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


@dataclass(frozen=True)
class NextQuarter:
    """Out of time: segments as of `cutoff`, from a model that has seen nothing later, and the money until `until`.

    Shares are of the customers known at the cut-off and of their money after it. `ranking_share` and `rfm_share` are
    what lists as long as the best persona's would have captured: the highest spenders of the window, and the highest
    sums of recency, frequency and money quintiles (Hughes 1994).
    """

    cutoff: dt.date | None = None
    until: dt.date | None = None
    customers: int = 0
    by_persona: dict[str, dict[str, float]] = field(default_factory=dict)
    customers_share: float | None = None
    revenue_share: float | None = None
    ranking_share: float | None = None
    rfm_share: float | None = None
    why: str | None = None


def month_ends(first: dt.date, last: dt.date, most: int = MONTHS + 1) -> list[dt.date]:
    """The latest month ends up to `last` with at least `LEAST_DAYS` days of sales since `first`, oldest first."""
    day = last if (last + dt.timedelta(1)).day == 1 else last.replace(day=1) - dt.timedelta(1)
    found: list[dt.date] = []
    while len(found) < most and (day - first).days + 1 >= LEAST_DAYS:
        found.append(day)
        day = day.replace(day=1) - dt.timedelta(1)
    return found[::-1]


def renaming(warehouse: Warehouse, catalogue: Catalogue, *, window_days: int | None = None, seed: int = 0) -> Renaming:
    """Train at every month end as if it were today, each model the successor of the one before, and compare names.

    Args:
        warehouse: with `sales` and its dimensions.
        catalogue: the personas.
        window_days: days to look back; by default as many as the first month end has, at most a year.
        seed: of the trainings.
    """
    span = _span(warehouse)
    if span is None:
        return Renaming(why="There are no sales.")
    months = tuple(month_ends(*span))
    if len(months) < 2:
        return Renaming(
            why=f"The sales reach from {span[0]} to {span[1]}: two month ends with {LEAST_DAYS} days of sales before "
            "each are needed to compare names."
        )
    window = window_days or min(segments.WINDOW_DAYS, (months[0] - span[0]).days + 1)
    below = _below(warehouse)
    samples = [_at(warehouse, day, below, window) for day in months]
    models: list[SegmentModel] = []
    for day, features in zip(months, samples, strict=True):
        trained = train(features, catalogue=catalogue, previous=models[-1] if models else None, seed=seed)
        if trained.model is None:
            return Renaming(months, window, why=f"At {day}: {trained.why}")
        models.append(trained.model)
    renamed = [_names(model, features, catalogue) for model, features in zip(models, samples, strict=True)]
    fixed = [_names(models[0], features, catalogue) for features in samples]
    steps: list[dict[str, float | None]] = [
        {
            "name_agreement": _same(renamed[now], fixed[now]),
            "kept": _same(renamed[now - 1], renamed[now]),
            "kept_frozen": _same(fixed[now - 1], fixed[now]),
            "kept_or_left": _same(renamed[now - 1], renamed[now], left_is_renamed=True),
        }
        for now in range(1, len(months))
    ]
    mean = {key: _mean(step[key] for step in steps) for key in steps[0]}
    return Renaming(
        months,
        window,
        name_agreement=mean["name_agreement"],
        kept=mean["kept"],
        kept_frozen=mean["kept_frozen"],
        kept_or_left=mean["kept_or_left"],
        months_kept=_months_kept(renamed),
        by_month=tuple({"month": day.isoformat(), **step} for day, step in zip(months[1:], steps, strict=True)),
    )


def next_quarter(warehouse: Warehouse, catalogue: Catalogue, *, seed: int = 0) -> NextQuarter:
    """Segment as of a quarter ago, and see who brought the money since."""
    span = _span(warehouse)
    if span is None:
        return NextQuarter(why="There are no sales.")
    months = month_ends(*span, most=QUARTER_MONTHS + 1)
    if len(months) <= QUARTER_MONTHS:
        return NextQuarter(
            why=f"The sales reach from {span[0]} to {span[1]}: {LEAST_DAYS} days and three whole months after them are "
            "needed to see what a segment brings next."
        )
    cutoff, until = months[0], months[-1]
    known = _at(warehouse, cutoff, _below(warehouse))
    trained = train(known, catalogue=catalogue, seed=seed)
    if trained.model is None:
        return NextQuarter(cutoff, until, len(known), why=f"At {cutoff}: {trained.why}")
    names = score(trained.model, known, catalogue)["persona"].to_numpy()
    money = _revenue_of(warehouse, known["customer_id"], cutoff, until)
    return captured(known, names, money, catalogue.clusters[0].name, cutoff, until)


def captured(
    known: pd.DataFrame, names: np.ndarray, money: np.ndarray, best: str, cutoff: dt.date, until: dt.date
) -> NextQuarter:
    """Shares of the money after the cut-off, by persona and by lists of the same length.

    Args:
        known: features frame of the customers as of the cut-off.
        names: their personas.
        money: what each brought after the cut-off, 0 for those who did not come back.
        best: the persona that is compared with the lists.
        cutoff: last day that the segments have seen.
        until: last day whose money counts.
    """
    total = float(money.sum())
    if total <= 0:
        return NextQuarter(
            cutoff, until, len(known), why=f"The customers known on {cutoff} brought no money, net, until {until}."
        )
    by_persona = {
        str(name): {
            "customers_share": float((names == name).mean()),
            "next_revenue_share": float(money[names == name].sum() / total),
        }
        for name in sorted(set(names))
    }
    chosen = names == best
    size = int(chosen.sum())
    if not size:
        return NextQuarter(cutoff, until, len(known), by_persona, why=f"No customer was one of the {best} on {cutoff}.")
    spend = known["monetary"].to_numpy(dtype=float)
    return NextQuarter(
        cutoff,
        until,
        len(known),
        by_persona,
        customers_share=float(chosen.mean()),
        revenue_share=float(money[chosen].sum() / total),
        ranking_share=float(money[_top(spend, size)].sum() / total),
        rfm_share=float(money[_top(_rfm(known), size)].sum() / total),
    )


def _rfm(known: pd.DataFrame) -> np.ndarray:
    """Sum of the quintiles of recency, frequency and money; the share of those who spend less breaks ties."""
    spend = known["monetary"].to_numpy(dtype=float)
    quintiles = [
        np.floor(_ranks(values) * QUINTILES)
        for values in (-known["recency"].to_numpy(dtype=float), known["frequency"].to_numpy(dtype=float), spend)
    ]
    return np.sum(quintiles, axis=0) + _ranks(spend)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Share of the values that come before each, ties in the order of the rows."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values)) / max(len(values), 1)
    return ranks


def _top(values: np.ndarray, size: int) -> np.ndarray:
    """Positions of the largest values; ties in the order of the rows."""
    return np.argsort(-values, kind="stable")[:size]


def _span(warehouse: Warehouse) -> tuple[dt.date, dt.date] | None:
    [scope] = warehouse.query(segments.SCOPE).to_pylist()
    return (scope["first_date"], scope["snapshot_date"]) if scope["snapshot_date"] else None


def _at(warehouse: Warehouse, day: dt.date, below: str | None, window_days: int = segments.WINDOW_DAYS) -> pd.DataFrame:
    """The features frame as of the end of a day."""
    features = segments.customer_features(day, window_days, below=below)
    return read_sample(warehouse, features, at_most=SAMPLED_CUSTOMERS, everyone=True)


def _below(warehouse: Warehouse) -> str | None:
    """The hash below which there are about as many customers as are looked at; None where all are."""
    [told] = warehouse.query(f"select count(*) as customers from {DIM_CUSTOMER.name}").to_pylist()
    customers = int(told["customers"])
    if customers <= SAMPLED_CUSTOMERS:
        return None
    return f"{SAMPLED_CUSTOMERS * 16**_HASH_DIGITS // customers:0{_HASH_DIGITS}x}"


def _names(model: SegmentModel, features: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """Persona by customer; missing for those in a group made by a rule."""
    scored = score(model, features, catalogue)
    names = scored["persona"].to_numpy(dtype=object).copy()
    names[scored["cluster"].to_numpy() < 0] = None
    return pd.Series(names, index=scored["customer_id"].to_numpy())


def _same(before: pd.Series, after: pd.Series, *, left_is_renamed: bool = False) -> float | None:
    """Share of the customers in clusters who have the same name in both."""
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
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def _revenue_of(
    warehouse: Warehouse, customers: Sequence[str] | pd.Series, after: dt.date, upto: dt.date
) -> np.ndarray:
    """Money of each customer between two days; only theirs is held, however many others there are."""
    index = pd.Index(customers)
    money = np.zeros(len(index))
    for batch in warehouse.scan(segments.revenue_between(after, upto)):
        places = index.get_indexer(batch["customer_id"].to_pylist())
        ours = places >= 0
        money[places[ours]] = batch["revenue"].to_numpy(zero_copy_only=False)[ours]
    return money

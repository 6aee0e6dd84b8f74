"""Whether the best segment brings the next money: segments as of a quarter ago, and the revenue since.

The model of that day has seen nothing later. What the sales are too short to show is None, with the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

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
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.sales import revenue_between
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.wording import formats, segments

QUARTER_MONTHS = 3
QUINTILES = 5


@dataclass(frozen=True)
class NextQuarter:
    """Segments as of `cutoff`, by a model that has seen nothing later, and the revenue until `until`.

    Shares are of the customers who had bought by the cut-off, and of their revenue after it. `ranking_share` and
    `rfm_share` are the shares that lists of the same length as the best persona's would have captured: the highest
    spenders of the window, and the highest sums of recency, frequency and monetary quintiles (Hughes 1994).
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

    @property
    def members(self) -> int:
        """Customers of the best persona at the cut-off."""
        return round((self.customers_share or 0.0) * self.customers)

    @property
    def lift(self) -> float | None:
        """Later revenue per customer of the best persona, relative to all customers; None if that is not known."""
        if not self.customers_share or self.revenue_share is None:
            return None
        return self.revenue_share / self.customers_share


def next_quarter(warehouse: Warehouse, catalog: Catalog, *, seed: int = 0) -> NextQuarter:
    """Segment the customers as of a quarter ago, and see who has brought the revenue since.

    Args:
        warehouse: has `sales` and its dimensions.
        catalog: the personas; the first is the one compared with the lists.
        seed: of the training.
    """
    span = span_of_sales(warehouse)
    if span is None:
        return NextQuarter(why="There are no sales.")
    months = month_ends(*span, most=QUARTER_MONTHS + 1)
    if len(months) <= QUARTER_MONTHS:
        return NextQuarter(why=segments.quarter_too_short(first=span[0], last=span[1], least=LEAST_DAYS).text)
    cutoff, until = months[0], months[-1]
    customers = features_as_of(warehouse, cutoff, sample_hash_limit(warehouse))
    trained = train(customers, catalog=catalog, seed=seed)
    if trained.model is None:
        return NextQuarter(cutoff, until, len(customers), why=f"As of {formats.day(cutoff)}: {trained.why}")
    names = score(trained.model, customers, catalog)["persona"].to_numpy()
    revenue = _revenue_of(warehouse, customers["customer_id"], cutoff, until)
    return captured(customers, names, revenue, catalog.clusters[0].name, cutoff, until)


def captured(
    customers: pd.DataFrame, names: np.ndarray, revenue: np.ndarray, best: str, cutoff: dt.date, until: dt.date
) -> NextQuarter:
    """Compute the shares of the revenue after the cut-off, by persona and by lists of the same length.

    Args:
        customers: features frame as of the cut-off.
        names: their personas.
        revenue: what each has brought after the cut-off; 0 for customers who did not come back.
        best: the persona compared with the lists.
        cutoff: last day that the segments have seen.
        until: last day whose revenue counts.
    """
    size = len(customers)
    total = float(revenue.sum())
    if total <= 0:
        return NextQuarter(
            cutoff,
            until,
            size,
            why=segments.no_later_revenue(cutoff=cutoff, until=until).text,
        )
    by_persona = {
        str(name): {
            "customers_share": float((names == name).mean()),
            "next_revenue_share": float(revenue[names == name].sum() / total),
        }
        for name in sorted(set(names))
    }
    chosen = names == best
    length = int(chosen.sum())
    if not length:
        why = segments.nobody_in(persona=best, cutoff=cutoff).text
        return NextQuarter(cutoff, until, size, by_persona, why=why)
    spend = customers["monetary"].to_numpy(dtype=float)
    return NextQuarter(
        cutoff,
        until,
        size,
        by_persona,
        customers_share=float(chosen.mean()),
        revenue_share=float(revenue[chosen].sum() / total),
        ranking_share=float(revenue[_top(spend, length)].sum() / total),
        rfm_share=float(revenue[_top(_rfm(customers), length)].sum() / total),
    )


def _rfm(customers: pd.DataFrame) -> np.ndarray:
    """Sum of the quintiles of recency, frequency and money; the rank by money breaks ties."""
    spend = customers["monetary"].to_numpy(dtype=float)
    quintiles = [
        np.floor(_ranks(values) * QUINTILES)
        for values in (
            -customers["recency"].to_numpy(dtype=float),
            customers["frequency"].to_numpy(dtype=float),
            spend,
        )
    ]
    return np.sum(quintiles, axis=0) + _ranks(spend)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Share of the values before each in ascending order; ties in row order."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values)) / max(len(values), 1)
    return ranks


def _top(values: np.ndarray, size: int) -> np.ndarray:
    """Positions of the largest values; ties in row order."""
    return np.argsort(-values, kind="stable")[:size]


def _revenue_of(
    warehouse: Warehouse, customers: Sequence[str] | pd.Series, after: dt.date, upto: dt.date
) -> np.ndarray:
    """Revenue of each customer between two days. Only theirs is held in memory, however many customers there are."""
    index = pd.Index(customers)
    revenue = np.zeros(len(index))
    for batch in warehouse.scan(revenue_between(after, upto)):
        places = index.get_indexer(batch["customer_id"].to_pylist())
        ours = places >= 0
        revenue[places[ours]] = batch["revenue"].to_numpy(zero_copy_only=False)[ours]
    return revenue

"""Give every known customer a persona: rules first, clusters for those whom the rules leave, names for the clusters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.segmentation.evaluation import (
    AnonymousSales,
    Stability,
    bootstrap_stability,
    evaluate,
    profile_segments,
)
from retail_assets.segmentation.features import NAMING_FEATURES, naming_features, typed_customers
from retail_assets.segmentation.model import MIN_CUSTOMERS, SegmentModel, fit_model
from retail_assets.segmentation.personas import NO_NET_SPEND, NOT_SEGMENTED, ONE_PURCHASE, Match, name_clusters
from retail_assets.tables import CUSTOMER_SEGMENTS

MIN_PURCHASES = 2
"""Purchases from which a customer's frequency says anything; those with fewer are a group by rule."""


@dataclass(frozen=True)
class Segmentation:
    """`table` has the schema and grain of `tables.CUSTOMER_SEGMENTS`, sorted by customer; `evaluation` is JSON-able.

    `model` is None where the customers could not be clustered; `evaluation["verdict"]` then says why.
    """

    table: pa.Table
    evaluation: dict[str, Any]
    model: SegmentModel | None


def segment_customers(
    customers: pd.DataFrame,
    *,
    snapshot: date | None,
    seed: int = 0,
    anonymous: AnonymousSales | None = None,
    currency: str | None = None,
) -> Segmentation:
    """Segment customers and say how far the segments can be trusted.

    Customers without net spend, and those with fewer than `MIN_PURCHASES` purchases, are groups by rule. The others are
    clustered. The result does not depend on the order of the rows; the same input and seed give the same bytes.

    Args:
        customers: one row a customer with the columns of `queries.CUSTOMERS`; may be empty.
        snapshot: last day of sales in the data (`queries.SCOPE`); None only where there are no sales.
        seed: of the random starts, samples and resamples.
        anonymous: what the sales without a customer amount to, to be stated beside the segments.
        currency: code for money in the action texts.

    Raises:
        CustomerDataError: the rows are not what `queries.CUSTOMERS` returns (see `features.typed_customers`).
    """
    if isinstance(snapshot, datetime):
        snapshot = snapshot.date()
    typed = typed_customers(customers, snapshot=snapshot)
    features = naming_features(typed, snapshot=snapshot)
    monetary: list[Decimal] = typed["monetary"].to_pylist()

    no_net_spend = (features["monetary"] <= 0).to_numpy()
    too_few = ~no_net_spend & (features["frequency"] < MIN_PURCHASES).to_numpy()
    eligible = ~no_net_spend & ~too_few
    personas = np.full(len(features), NOT_SEGMENTED.name, dtype=object)
    personas[no_net_spend] = NO_NET_SPEND.name
    personas[too_few] = ONE_PURCHASE.name
    clusters = np.full(len(features), -1, dtype=np.int32)

    matches: tuple[Match, ...] = ()
    stability: Stability | None = None
    model = fit_model(features[eligible], seed=seed)
    if model:
        labels = model.predict(features[eligible])
        matches = name_clusters(model.centroids(features[eligible], labels), NAMING_FEATURES)
        clusters[eligible] = labels
        personas[eligible] = np.array([match.persona.name for match in matches], dtype=object)[labels]
        stability = bootstrap_stability(model, matches, features[eligible], seed=seed)

    evaluation = evaluate(
        profile_segments(personas, features, monetary, matches, currency=currency),
        model,
        stability,
        snapshot=snapshot.isoformat() if snapshot else None,
        why_no_clusters=None if model else _why_no_clusters(eligible, too_few),
        anonymous=anonymous,
    )
    return Segmentation(_table(typed, personas, clusters, snapshot), evaluation, model)


def _why_no_clusters(eligible: np.ndarray, too_few: np.ndarray) -> str:
    """The sentence for a data set whose customers were not clustered."""
    if not len(eligible):
        return "There are no sales with a customer, so there is nobody to segment."
    if too_few.all():
        return (
            f"All {len(too_few):,} customers bought exactly once: one purchase a customer cannot be segmented by "
            "frequency, so no personas are given."
        )
    if eligible.sum() < MIN_CUSTOMERS:
        return (
            f"Only {eligible.sum():,} of {len(eligible):,} customers bought at least twice and kept what they bought; "
            f"fewer than {MIN_CUSTOMERS} cannot be clustered, so no personas are given."
        )
    return (
        f"The {eligible.sum():,} customers who bought at least twice are alike in frequency, spend and basket, so "
        "there are no segments to find."
    )


def _table(typed: pa.Table, personas: np.ndarray, clusters: np.ndarray, snapshot: date | None) -> pa.Table:
    """Rows of `CUSTOMER_SEGMENTS`; a negative cluster number becomes null."""
    columns = {
        "persona": pa.array(personas, type=pa.string()),
        "cluster": pa.array(clusters, type=pa.int32(), mask=clusters < 0),
        "snapshot_date": pa.array([snapshot] * len(typed), type=pa.date32()),
    }
    schema = CUSTOMER_SEGMENTS.arrow_schema()
    return pa.table([columns[name] if name in columns else typed[name] for name in schema.names], schema)

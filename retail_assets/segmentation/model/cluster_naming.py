"""Names for the clusters of one training: inherited with the customers in them, or else given by evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retail_assets.segmentation.model.features import MODEL_FEATURES
from retail_assets.segmentation.model.season import season_index
from retail_assets.segmentation.personas.catalog import Catalog, Persona
from retail_assets.segmentation.personas.defining import ClusterNumbers, holds

SAME_CUSTOMERS = 0.5
"""More than this share of a cluster's customers, both ways, makes it the same cluster as an earlier one."""


def cluster_numbers(customers: pd.DataFrame, labels: np.ndarray, k: int) -> ClusterNumbers:
    """Return the numbers that names are judged by, of each cluster and of the customers of all others.

    Args:
        customers: features frame of clustered customers.
        labels: the cluster of each.
        k: number of clusters.
    """
    window = int(customers["window_days"].max())
    values = {name: customers[name].to_numpy(dtype=float) for name in (*MODEL_FEATURES, "recency", "top_month_share")}
    values["season_index"] = season_index(values["top_month_share"], values["frequency"], window)
    values = {name: np.nan_to_num(column, nan=0.0) for name, column in values.items()}

    def typical(name: str, chosen: np.ndarray) -> float:
        if not len(chosen):
            return 0.0
        return float(chosen.mean() if name == "frequency" else np.median(chosen))

    inside = [labels == cluster for cluster in range(k)]
    others = {name: np.array([typical(name, v[~mask]) for mask in inside]) for name, v in values.items()}
    return ClusterNumbers(
        {name: np.array([typical(name, v[mask]) for mask in inside]) for name, v in values.items()},
        {**others, "season_index": np.ones(k)},
        window,
    )


def inherited_names(
    before: tuple[str, ...],
    labels_before: np.ndarray,
    window_before: int,
    labels: np.ndarray,
    numbers: ClusterNumbers,
    catalog: Catalog,
) -> dict[int, Persona]:
    """Return the personas that clusters keep: those of earlier clusters that most of the same customers were in.

    A cluster is an earlier one if more than `SAME_CUSTOMERS` of its customers come from it, and as large a part of that
    one's customers is in it now: then no other pair can claim either. A name that its numbers contradict is not kept.
    A persona that stood in for one which takes a year to know gives way to it when the year is full and proves it.

    Args:
        before: names of the earlier clusters.
        labels_before: the earlier cluster of each customer of today.
        window_before: days of sales that the earlier names were given by.
        labels: the cluster of each customer now.
        numbers: of the clusters now.
        catalog: the personas.
    """
    k = len(next(iter(numbers.clusters.values())))
    shared = np.zeros((k, len(before)))
    np.add.at(shared, (labels, labels_before), 1)
    kept: dict[int, Persona] = {}
    for cluster, earlier in zip(*np.nonzero(shared), strict=True):
        both = shared[cluster, earlier]
        same = both > SAME_CUSTOMERS * max(shared[cluster].sum(), shared[:, earlier].sum())
        persona = catalog.of_clusters(before[earlier]) if same else None
        if persona is None:
            continue
        full = catalog.stands_in_for(persona)
        if full and window_before < full.least_days <= numbers.window_days and holds(full.defining, numbers, cluster):
            persona = full
        if persona.least_days <= numbers.window_days and holds(persona.defining, numbers, cluster, in_use=True):
            kept[int(cluster)] = persona
    return kept

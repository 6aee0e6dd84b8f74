"""How many clusters the data support: every number is tried, judged and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from retail_assets.segmentation.model.features import seeded_sample
from retail_assets.segmentation.model.stability import FAIRLY_STABLE, Resamples, bootstrap_ari
from retail_assets.segmentation.model.yardstick import INPUTS
from retail_assets.segmentation.personas.catalog import Catalog

CLEAR_STRUCTURE = 0.5
"""Silhouette from which clusters are a "reasonable structure" (Kaufman and Rousseeuw 1990, chapter 2)."""
K_MARGIN = 0.02
"""Silhouettes closer than this count as equal; the larger number of clusters then wins."""
FEW_CUSTOMERS = 40
"""Below this many clustered customers, segments describe them and nobody else."""
LEAST_SHARE = 0.01
"""Share of the customers that a cluster must have to be worth a persona."""
SILHOUETTE_CUSTOMERS = 5_000
"""The silhouette compares all pairs; with more customers it is measured on a seeded sample."""


@dataclass(frozen=True)
class ClusterCount:
    """A number of clusters that was tried.

    Attributes:
        k: the number.
        silhouette: mean silhouette (Rousseeuw 1987) of the training customers, -1 to 1.
        bootstrap_ari: see `stability.bootstrap_ari`; None if not measured.
        usable: whether every cluster is large enough, and no two have the same persona.
        why: why it is not usable, or that no persona is true of one cluster; None if there is nothing to say.
    """

    k: int
    silhouette: float
    bootstrap_ari: float | None
    usable: bool
    why: str | None = None


def judge(
    fit: KMeans,
    scores: np.ndarray,
    names: Sequence[str],
    resamples: Resamples,
    seed: int,
    catalog: Catalog,
) -> ClusterCount:
    """Judge a number of clusters: separation, sizes, names, and stability under resampling.

    Args:
        fit: K-Means fitted to the inputs of `scores`.
        scores: standardized naming features of the training customers (n x 5).
        names: of the clusters.
        resamples: of these customers; not looked at if they are fewer than `FEW_CUSTOMERS`.
        seed: of samples and random starts.
        catalog: the personas.
    """
    k = int(fit.n_clusters)
    shown = seeded_sample(len(scores), SILHOUETTE_CUSTOMERS, seed)
    silhouette = _silhouette(scores[shown, :INPUTS], fit.labels_[shown])
    sizes = np.bincount(fit.labels_, minlength=k)
    if not sizes.all():
        return ClusterCount(k, silhouette, None, False, "a cluster is empty")
    if len(scores) >= FEW_CUSTOMERS and sizes.min() < max(2, LEAST_SHARE * len(scores)) and k > 2:
        return ClusterCount(k, silhouette, None, False, f"a cluster has only {sizes.min():,} customers")
    unnamed = list(names).count(catalog.groups["other"].name) if k > 2 else 0
    if unnamed > 1:
        return ClusterCount(k, silhouette, None, False, f"no persona is true of {unnamed} clusters")
    ari = None if len(scores) < FEW_CUSTOMERS else bootstrap_ari(fit.labels_, resamples, k, seed, catalog)
    return ClusterCount(k, silhouette, ari, True, "no persona is true of a cluster" if unnamed else None)


def choose_k(tried: Sequence[ClusterCount], in_use: int | None = None) -> int | None:
    """Choose the largest usable k that is stable, unless a smaller one has clear structure and separates better.

    If none is stable, all usable ones are compared. None if none is usable. A number with a cluster that no persona is
    true of is chosen if nothing else is usable. The number of clusters in use stays while it is usable and stable,
    unless a larger one separates better: its customers have names that are true of them.

    Args:
        tried: the numbers of clusters that were judged.
        in_use: that of the model whose names are kept, if any.

    >>> two, three = ClusterCount(2, 0.38, 0.97, True), ClusterCount(3, 0.33, 0.85, True)
    >>> choose_k([two, three, ClusterCount(4, 0.33, 0.6, True)])
    3
    """
    usable = [c for c in tried if c.usable]
    stable = [c for c in usable if c.bootstrap_ari is None or c.bootstrap_ari >= FAIRLY_STABLE] or usable
    if not stable:
        return None
    named = [c for c in stable if c.why is None] or stable
    largest = max(named, key=lambda c: c.k)
    best = max(named, key=lambda c: (c.silhouette, c.k))
    clear = best.silhouette >= CLEAR_STRUCTURE and best.silhouette > largest.silhouette + K_MARGIN
    as_good = [c for c in named if c.silhouette >= best.silhouette - K_MARGIN]
    chosen = max(as_good, key=lambda c: c.k) if clear else largest
    current = next((c for c in stable if c.k == in_use), None)
    if current and (chosen.k < current.k or chosen.silhouette <= current.silhouette + K_MARGIN):
        chosen = current
    return chosen.k


def _silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette (Rousseeuw 1987); 0 if the sample has a single cluster, as it is defined there."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return 0.0
    return float(silhouette_score(points, labels))

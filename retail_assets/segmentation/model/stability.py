"""Whether another sample of the same shop would give the same segments: models of bootstrap resamples, compared.

`bootstrap_ari` is the one measure of it: the training chooses and records by it, and reports show what was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.model.features import eligible, naming_matrix, seeded_sample
from retail_assets.segmentation.model.kmeans import distinct, fit_clusters
from retail_assets.segmentation.model.segment_model import SegmentModel, named_model
from retail_assets.segmentation.model.yardstick import fit_yardstick, inputs, standardized
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog

STABLE = 0.8
"""Bootstrap ARI from which membership counts as stable (Steinley 2004: 0.8 and above is good recovery)."""
FAIRLY_STABLE = 0.65
"""Bootstrap ARI below which another sample would give other segments (Steinley 2004: below 0.65 recovery is poor)."""
BOOTSTRAP_CUSTOMERS = 4_000
BOOTSTRAP_RESAMPLES = 20
_STARTS = 3
"""Random starts of K-Means per resample: fewer than in a training, where the best of many cuts counts."""


def stability_word(ari: float) -> str:
    """Say what a mean adjusted Rand index between resamples means (Steinley 2004).

    >>> stability_word(0.9), stability_word(0.7), stability_word(0.5)
    ('stable', 'fairly stable', 'unstable')
    """
    return "stable" if ari >= STABLE else "fairly stable" if ari >= FAIRLY_STABLE else "unstable"


def mean_rand_index(reference: np.ndarray, labels: Sequence[np.ndarray]) -> float:
    """Return the mean adjusted Rand index (Hubert and Arabie 1985) between `reference` and each of `labels`.

    1 means the same clusters, 0 no more agreement than by chance.

    >>> mean_rand_index(np.array([0, 0, 1, 1]), [np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1])])
    1.0
    """
    return float(np.mean([adjusted_rand_score(reference, row) for row in labels]))


@dataclass(frozen=True)
class Resamples:
    """Bootstrap resamples of customers, each measured by a yardstick of its own.

    Attributes:
        judged: positions of the customers that were drawn from, ascending.
        points: per resample, the K-Means inputs of the resample, and those of the judged customers.
    """

    judged: np.ndarray
    points: tuple[tuple[np.ndarray, np.ndarray], ...]


def draw_resamples(training: pd.DataFrame, seed: int, resamples: int = BOOTSTRAP_RESAMPLES) -> Resamples:
    """Draw resamples with replacement from training customers; of many, from a seeded sample.

    Args:
        training: features frame of customers who can be clustered.
        seed: of samples and resamples.
        resamples: their number.
    """
    judged = seeded_sample(len(training), BOOTSTRAP_CUSTOMERS, seed)
    customers = training.iloc[judged]
    rng = np.random.default_rng(seed)
    points = []
    everybody = inputs(naming_matrix(customers))
    for _ in range(resamples):
        drawn = everybody[rng.integers(0, len(customers), len(customers))]
        yardstick = fit_yardstick(drawn)
        points.append((standardized(yardstick, drawn), standardized(yardstick, everybody)))
    return Resamples(judged, tuple(points))


def bootstrap_ari(labels: np.ndarray, resamples: Resamples, k: int, seed: int, catalog: Catalog = DEFAULT) -> float:
    """Return the mean adjusted Rand index between clusters and those of models trained from scratch on resamples.

    Args:
        labels: the cluster of each customer that `resamples` were drawn from, by position.
        resamples: of these customers.
        k: number of clusters.
        seed: of the random starts.
        catalog: the personas, whose prototypes K-Means starts from.
    """
    predictions = []
    for number, (own, everybody) in enumerate(resamples.points):
        # A resample of few customers can hold fewer distinct ones than the model has clusters.
        again = fit_clusters(own, min(k, distinct(own)), seed + 1 + number, catalog.clusters, starts=_STARTS)
        predictions.append(again.predict(everybody))
    return mean_rand_index(labels[resamples.judged], predictions)


def resampled(
    model: SegmentModel,
    features: pd.DataFrame,
    *,
    catalog: Catalog = DEFAULT,
    resamples: int = BOOTSTRAP_RESAMPLES,
    at_most: int = BOOTSTRAP_CUSTOMERS,
    seed: int = 0,
) -> tuple[pd.DataFrame, list[SegmentModel]]:
    """Train models with as many clusters from scratch, yardstick and names included, on resamples with replacement.

    Returns the eligible customers that were drawn from, to be labeled by each model, and the models.

    Args:
        model: whose number of clusters is taken.
        features: a features frame; of more than `at_most` eligible customers, a seeded sample.
        catalog: the personas.
        resamples: number of models.
        at_most: customers to draw from.
        seed: of samples and resamples.
    """
    allowed = features[eligible(features)]
    judged = allowed.iloc[seeded_sample(len(allowed), at_most, seed)]
    rng = np.random.default_rng(seed)
    models = []
    with threadpool_limits(1):
        for number in range(resamples):
            drawn = judged.iloc[rng.integers(0, len(judged), len(judged))]
            yardstick = fit_yardstick(naming_matrix(drawn))
            scores = standardized(yardstick, naming_matrix(drawn))
            points = inputs(scores)
            # A resample of few customers can hold fewer distinct ones than the model has clusters.
            fit = fit_clusters(points, min(model.k, distinct(points)), seed + 1 + number, catalog.clusters)
            models.append(named_model(fit, yardstick, scores, drawn, seed, catalog))
    return judged, models

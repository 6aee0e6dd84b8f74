"""K-Means on standardised customer features: how many clusters the data carry, and names that outlive a retraining.

On real customers the features form one cloud, and K-Means has several cuts of it that are almost equally good; which of
them a random start finds changes from sample to sample. So K-Means also starts from the personas' prototypes, and that
cut is taken unless a random start is clearly better (`START_TOLERANCE`). On The Complete Journey this raises the
agreement between bootstrap samples from 0.74 to 0.87 and costs less than 1 % of inertia.

A retraining measures by the yardstick of the model before it (`SegmentModel.reference`), so that a cluster that stays
where it was is the same cluster, and keeps its name.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.model.features import (
    MODEL_FEATURES,
    SAMPLE_CUSTOMERS,
    eligible,
    naming_matrix,
)
from retail_assets.segmentation.personas.catalog import DEFAULT, NAMING_FEATURES, OTHER, Catalog, Persona
from retail_assets.segmentation.personas.naming import name_clusters, prototypes

CLEAR_STRUCTURE = 0.5
"""Silhouette from which clusters are a "reasonable structure" (Kaufman & Rousseeuw 1990, chapter 2)."""
K_MARGIN = 0.02
"""Silhouettes closer than this count as equal; the larger number of clusters then stays."""
STABLE = 0.8
"""Bootstrap ARI from which membership counts as stable (Steinley 2004: 0.8 and above is good recovery)."""
FAIRLY_STABLE = 0.65
"""Bootstrap ARI below which another sample would give other segments (Steinley 2004: below 0.65 recovery is poor)."""
START_TOLERANCE = 0.02
"""Inertia that the start from the prototypes may lose against the best random start, as a fraction."""
RANDOM_STARTS = 10
MIN_CUSTOMERS = 4
FEW_CUSTOMERS = 40
"""Below this many clustered customers, segments describe them and promise nothing about others."""
LEAST_SHARE = 0.01
"""Part of the customers that a cluster has at least, to be worth a persona."""
OUTLIER_SDS = 4.0
"""Standardised features are clipped here, so that one wholesaler does not get a cluster to himself."""
SAME_PLACE_SDS = 0.75
"""A cluster whose centre moved less than this since the last training keeps its name."""
YARDSTICK_SDS = 0.5
"""A yardstick by which the average customer is off by more than this no longer fits the shop, and is made anew."""
SILHOUETTE_CUSTOMERS = 5_000
"""The silhouette compares all pairs; above this it is taken on a seeded sample."""
BOOTSTRAP_CUSTOMERS = 10_000
BOOTSTRAP_RESAMPLES = 20
CHOICE_RESAMPLES = 10
CHOICE_CUSTOMERS = 4_000
"""Customers and resamples by which the stability of every k is judged; the winner is then evaluated with more."""

_INPUTS = len(MODEL_FEATURES)


@dataclass(frozen=True)
class SegmentModel:
    """A fitted model, of plain scikit-learn parts. Clusters are numbered by falling spend.

    Attributes:
        reference: Yeo-Johnson and standardisation of `naming_matrix` (customers x `NAMING_FEATURES`): the frozen
            yardstick, handed from training to training.
        kmeans: over the first `len(MODEL_FEATURES)` columns of what `reference` gives, clipped.
        names: the persona of each cluster; no name twice, save that of clusters that resemble no persona.
        fits: cosine of each cluster's centroid to its persona's prototype.
        spread: standard deviation of customers about their centre, a dimension.
        customers: training customers of each cluster.
        catalog_digest: of the personas that it was named by.
    """

    reference: PowerTransformer
    kmeans: KMeans
    names: tuple[str, ...]
    fits: tuple[float, ...]
    spread: float
    customers: tuple[int, ...]
    seed: int
    window_days: int
    catalog_digest: str

    @property
    def k(self) -> int:
        return int(self.kmeans.n_clusters)

    @property
    def trained_on(self) -> int:
        """Customers in the training."""
        return sum(self.customers)

    @property
    def pipeline(self) -> Pipeline:
        """The whole as a scikit-learn pipeline from `naming_matrix` to cluster numbers."""
        clip = FunctionTransformer(np.clip, kw_args={"a_min": -OUTLIER_SDS, "a_max": OUTLIER_SDS})
        return make_pipeline(self.reference, clip, FunctionTransformer(_inputs), self.kmeans)

    def standardize(self, features: pd.DataFrame) -> np.ndarray:
        """`NAMING_FEATURES` in standard deviations from the average customer of the yardstick, clipped (n x 5)."""
        return _standardised(self.reference, naming_matrix(features))

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Cluster number of each customer (int32). For eligible customers only (`features.eligible`)."""
        return self.posterior(features)[0]

    def posterior(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Cluster number, and the chance that the customer belongs there (1 / k to 1).

        The chance is the posterior of spherical normal clusters of equal weight and of width `spread`, which is the
        model that K-Means fits (MacKay 2003, chapter 20).
        """
        if not len(features):
            return np.zeros(0, dtype=np.int32), np.zeros(0)
        with threadpool_limits(1):
            distances = self.kmeans.transform(self.standardize(features)[:, :_INPUTS])
        labels = distances.argmin(axis=1).astype(np.int32)
        nearest = distances.min(axis=1, keepdims=True)
        weights = np.exp((nearest**2 - distances**2) / (2 * max(self.spread, 1e-6) ** 2))
        return labels, 1 / weights.sum(axis=1)

    def names_of(self, features: pd.DataFrame) -> np.ndarray:
        """Persona name of each customer (object array). For eligible customers only."""
        return np.array(self.names, dtype=object)[self.predict(features)]

    def centroids(self, features: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
        """Mean standardised `NAMING_FEATURES` of the customers with each label (k x 5; 0 for a label nobody has)."""
        return _means(self.standardize(features), labels, self.k)


@dataclass(frozen=True)
class Candidate:
    """A number of clusters that was tried. `why` says why it is not usable; `bootstrap_ari` is None if not measured."""

    k: int
    silhouette: float
    bootstrap_ari: float | None
    usable: bool
    why: str | None = None


@dataclass(frozen=True)
class Training:
    """What came of a training.

    Attributes:
        model: None where the customers could not be clustered; `why` then says why, in a sentence.
        candidates: every number of clusters that was tried, the smallest first.
        customers: eligible customers that the training has seen.
        inherited: whether the yardstick is that of the model before.
    """

    model: SegmentModel | None
    why: str | None
    candidates: tuple[Candidate, ...]
    customers: int
    inherited: bool = False

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that the model is."""
        return next((c for c in self.candidates if self.model and c.k == self.model.k), None)

    @property
    def stable(self) -> bool:
        """Whether another sample of the same shop would give about the same segments."""
        ari = self.chosen.bootstrap_ari if self.chosen else None
        return ari is not None and ari >= FAIRLY_STABLE and self.customers >= FEW_CUSTOMERS


def train(
    features: pd.DataFrame,
    *,
    catalog: Catalog = DEFAULT,
    previous: SegmentModel | None = None,
    seed: int = 0,
    at_most: int = SAMPLE_CUSTOMERS,
) -> Training:
    """Choose the number of clusters, fit them, and name them.

    A cluster has two customers on average, and there are no more clusters than distinguishable customers. Of the k
    whose clusters are usable (each large enough, no two of one name), those are left that are stable under resampling,
    if any is; of these the largest k wins, so that each persona has its cluster, unless a smaller one has clear
    structure and separates better. The same customers and the same seed give the same model.

    Args:
        features: a features frame of any customers; those who cannot be clustered are left out here.
        catalog: the personas to name clusters by.
        previous: the model in use, whose yardstick and names are kept where they still fit.
        seed: of random starts, samples and resamples.
        at_most: customers to train on; of more, a seeded sample.
    """
    allowed = features[eligible(features)]
    training = allowed.iloc[_sample(len(allowed), at_most, seed)]
    if len(training) < MIN_CUSTOMERS:
        return Training(None, _too_few(features, len(training)), (), len(training))
    # One thread: sums split over threads differ in the last bit from run to run, and so would the bytes written.
    with threadpool_limits(1):
        inherited = previous is not None and _still_fits(previous, training)
        reference = previous.reference if previous is not None and inherited else _fit_reference(training)
        scores = _standardised(reference, naming_matrix(training))
        inputs = np.ascontiguousarray(scores[:, :_INPUTS])
        limit = min(len(catalog.clusters), len(scores) // 2, _distinct(inputs))
        fits = {k: _clusters(inputs, k, seed, catalog.clusters) for k in range(2, limit + 1)}
        if not fits:
            return Training(None, _alike(len(training)), (), len(training))
        candidates = tuple(_candidate(fit, scores, training, seed, catalog) for fit in fits.values())
        k = choose_k(candidates)
        if k is None:
            return Training(None, _alike(len(training)), candidates, len(training))
        model = _finished(fits[k], reference, scores, training, seed, catalog)
    if previous is not None and inherited and previous.catalog_digest == catalog.digest:
        model = inherit_names(model, previous, scores, catalog)
    return Training(model, None, candidates, len(training), inherited)


def choose_k(candidates: Sequence[Candidate]) -> int | None:
    """The k that `train` describes; None if no candidate is usable."""
    usable = [c for c in candidates if c.usable]
    stable = [c for c in usable if c.bootstrap_ari is None or c.bootstrap_ari >= FAIRLY_STABLE] or usable
    if not stable:
        return None
    largest = max(stable, key=lambda c: c.k)
    best = max(stable, key=lambda c: (c.silhouette, c.k))
    clear = best.silhouette >= CLEAR_STRUCTURE and best.silhouette > largest.silhouette + K_MARGIN
    return best.k if clear else largest.k


def inherit_names(
    model: SegmentModel, previous: SegmentModel, scores: np.ndarray, catalog: Catalog = DEFAULT
) -> SegmentModel:
    """The model with the names of the clusters of `previous` that its own have taken the place of.

    Centres are matched one to one by distance in the common yardstick (Kuhn 1955). Names are taken over only if all
    clusters of both are matched and none has moved by `SAME_PLACE_SDS`: a mixture of old and new names would give one
    name to two kinds. `scores` are the standardised training customers (n x 5).
    """
    if model.k != previous.k:
        return model
    apart = np.linalg.norm(model.kmeans.cluster_centers_[:, None] - previous.kmeans.cluster_centers_[None], axis=2)
    ours, theirs = linear_sum_assignment(apart)
    if apart[ours, theirs].max() >= SAME_PLACE_SDS:
        return model
    names = tuple(previous.names[j] for j in theirs)
    centroids = _means(scores, model.kmeans.predict(np.ascontiguousarray(scores[:, :_INPUTS])), model.k)
    known = {p.name: p for p in catalog.clusters}
    fits = tuple(_fit_to(known.get(name), row) for name, row in zip(names, centroids, strict=True))
    return replace(model, names=names, fits=fits)


def resampled(
    model: SegmentModel,
    features: pd.DataFrame,
    *,
    catalog: Catalog = DEFAULT,
    resamples: int = BOOTSTRAP_RESAMPLES,
    at_most: int = BOOTSTRAP_CUSTOMERS,
    seed: int = 0,
) -> tuple[pd.DataFrame, list[SegmentModel]]:
    """Models of as many clusters, trained wholly anew (yardstick and names included) on resamples with repetition.

    Returns the eligible customers that were drawn from (a seeded sample of `features`), to be labelled by each model.
    """
    allowed = features[eligible(features)]
    judged = allowed.iloc[_sample(len(allowed), at_most, seed)]
    rng = np.random.default_rng(seed)
    models = []
    with threadpool_limits(1):
        for number in range(resamples):
            drawn = judged.iloc[rng.integers(0, len(judged), len(judged))]
            reference = _fit_reference(drawn)
            scores = _standardised(reference, naming_matrix(drawn))
            inputs = np.ascontiguousarray(scores[:, :_INPUTS])
            # A resample of few customers can hold fewer kinds of them than the model has clusters.
            fit = _clusters(inputs, min(model.k, _distinct(inputs)), seed + 1 + number, catalog.clusters)
            models.append(_finished(fit, reference, scores, drawn, seed, catalog))
    return judged, models


def stability_word(ari: float) -> str:
    """Say what an adjusted Rand index between resamples means (Steinley 2004).

    >>> stability_word(0.9), stability_word(0.7), stability_word(0.5)
    ('stable', 'fairly stable', 'unstable')
    """
    return "stable" if ari >= STABLE else "fairly stable" if ari >= FAIRLY_STABLE else "unstable"


def mean_rand_index(reference: np.ndarray, labels: Sequence[np.ndarray]) -> float:
    """Mean adjusted Rand index (Hubert & Arabie 1985) of each of `labels` against `reference`: 1 same, 0 chance."""
    return float(np.mean([adjusted_rand_score(reference, row) for row in labels]))


def _candidate(fit: KMeans, scores: np.ndarray, training: pd.DataFrame, seed: int, catalog: Catalog) -> Candidate:
    """What speaks for a number of clusters."""
    k = int(fit.n_clusters)
    shown = _sample(len(scores), SILHOUETTE_CUSTOMERS, seed)
    silhouette = _silhouette(scores[shown, :_INPUTS], fit.labels_[shown])
    sizes = np.bincount(fit.labels_, minlength=k)
    if not sizes.all():
        return Candidate(k, silhouette, None, False, "a cluster is empty")
    if len(scores) >= FEW_CUSTOMERS and sizes.min() < max(2, LEAST_SHARE * len(scores)) and k > 2:
        return Candidate(k, silhouette, None, False, f"a cluster has only {sizes.min():,} customers")
    matches = name_clusters(_means(scores, fit.labels_, k), NAMING_FEATURES, catalog.clusters)
    if k > 2 and sum(match.persona is OTHER for match in matches):
        return Candidate(k, silhouette, None, False, "a cluster resembles no persona")
    if len(scores) < FEW_CUSTOMERS:
        return Candidate(k, silhouette, None, True)
    drawn = _sample(len(scores), CHOICE_CUSTOMERS, seed)
    points, labels = np.ascontiguousarray(scores[drawn, :_INPUTS]), fit.labels_[drawn]
    rng = np.random.default_rng(seed)
    found = []
    for number in range(CHOICE_RESAMPLES):
        resample = points[rng.integers(0, len(points), len(points))]
        again = _clusters(resample, min(k, _distinct(resample)), seed + 1 + number, catalog.clusters, starts=3)
        found.append(again.predict(points))
    return Candidate(k, silhouette, mean_rand_index(labels, found), True)


def _finished(
    fit: KMeans,
    reference: PowerTransformer,
    scores: np.ndarray,
    training: pd.DataFrame,
    seed: int,
    catalog: Catalog,
) -> SegmentModel:
    k = int(fit.n_clusters)
    other = catalog.groups["other"]
    matches = name_clusters(_means(scores, fit.labels_, k), NAMING_FEATURES, catalog.clusters, other)
    return SegmentModel(
        reference=reference,
        kmeans=fit,
        names=tuple(match.persona.name for match in matches),
        fits=tuple(round(match.fit, 6) for match in matches),
        spread=float(np.sqrt(fit.inertia_ / (len(scores) * _INPUTS))),
        customers=tuple(np.bincount(fit.labels_, minlength=k).tolist()),
        seed=seed,
        window_days=int(training["window_days"].max()),
        catalog_digest=catalog.digest,
    )


def _still_fits(previous: SegmentModel, training: pd.DataFrame) -> bool:
    """Whether the yardstick of the model before still measures these customers."""
    off = np.abs(previous.standardize(training)[:, :_INPUTS].mean(axis=0))
    return bool((off <= YARDSTICK_SDS).all())


def _fit_to(persona: Persona | None, centroid: np.ndarray) -> float:
    if persona is None:
        return 0.0
    direction = prototypes(NAMING_FEATURES, [persona])[0]
    length = float(np.linalg.norm(centroid[direction != 0]) * np.linalg.norm(direction))
    return round(float(centroid @ direction) / length, 6) if length else 0.0


def _inputs(scores: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(scores[:, :_INPUTS])


def _means(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    members = np.bincount(labels, minlength=k)
    sums = [np.bincount(labels, weights=column, minlength=k) for column in scores.T]
    return np.column_stack(sums) / np.maximum(members, 1)[:, np.newaxis]


def _sample(size: int, at_most: int, seed: int) -> np.ndarray:
    """Positions of a seeded sample without repetition, in order; all positions if they are not too many."""
    if size <= at_most:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, at_most, replace=False))


def _fit_reference(training: pd.DataFrame) -> PowerTransformer:
    """Yeo-Johnson to near-normal, mean 0 and variance 1 (Yeo & Johnson 2000)."""
    return PowerTransformer(method="yeo-johnson", standardize=True).fit(naming_matrix(training))


def _standardised(reference: PowerTransformer, matrix: np.ndarray) -> np.ndarray:
    if not len(matrix):
        return np.zeros((0, len(NAMING_FEATURES)))
    with np.errstate(over="ignore", invalid="ignore"):
        scores = reference.transform(matrix)
    # A value far beyond those the exponent was fitted to can overflow: it is as far out as can be.
    scores = np.nan_to_num(scores, nan=OUTLIER_SDS, posinf=OUTLIER_SDS, neginf=-OUTLIER_SDS)
    return np.clip(scores, -OUTLIER_SDS, OUTLIER_SDS)


def _distinct(scores: np.ndarray) -> int:
    """Customers that differ by a thousandth of a standard deviation or more, each kind counted once."""
    return len(np.unique(np.round(scores, 3), axis=0))


def _clusters(
    scores: np.ndarray, k: int, seed: int, personas: Sequence[Persona], *, starts: int = RANDOM_STARTS
) -> KMeans:
    """The cut found from the prototypes, or the best random start's where that is better by `START_TOLERANCE`."""
    directions = prototypes(MODEL_FEATURES, personas)
    with warnings.catch_warnings():
        # Almost equal customers can leave a cluster empty; callers see that in the labels and decide.
        warnings.simplefilter("ignore", ConvergenceWarning)
        random = KMeans(k, n_init=starts, random_state=seed).fit(scores)
        chosen = list(itertools.islice(itertools.combinations(range(len(directions)), k), 20))
        fits = [KMeans(k, init=directions[list(c)], n_init=1, random_state=seed).fit(scores) for c in chosen]
    named = min(fits, key=lambda fit: float(fit.inertia_), default=random)
    as_good = named.inertia_ <= random.inertia_ * (1 + START_TOLERANCE)
    return _numbered_by_spend(named if as_good and _uses_all(named) else random)


def _uses_all(fit: KMeans) -> bool:
    """Whether every cluster has a customer."""
    return len(np.unique(fit.labels_)) == int(fit.n_clusters)


def _numbered_by_spend(fit: KMeans) -> KMeans:
    """Number clusters by falling mean spend: K-Means numbers them by chance of the start."""
    spend = MODEL_FEATURES.index("monetary")
    order = np.argsort(-fit.cluster_centers_[:, spend], kind="stable")
    fit.cluster_centers_ = np.ascontiguousarray(fit.cluster_centers_[order])
    fit.labels_ = np.argsort(order)[fit.labels_].astype(np.int32)
    return fit


def _silhouette(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette (Rousseeuw 1987); 0 where the sample shows a single cluster, as the definition has it."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return 0.0
    return float(silhouette_score(scores, labels))


def _too_few(features: pd.DataFrame, left: int) -> str:
    """The sentence for customers of whom too few can be clustered."""
    if not len(features):
        return "There are no sales with a customer, so there is nobody to segment."
    if (features["frequency"] <= 1).all() and (features["frequency"] == 1).any():
        return (
            f"All {int((features['frequency'] == 1).sum()):,} customers of the window bought exactly once: one "
            "purchase a customer cannot be segmented by frequency, so no personas are given."
        )
    return (
        f"Only {left:,} of {len(features):,} customers bought at least twice and kept what they bought; "
        f"fewer than {MIN_CUSTOMERS} cannot be clustered, so no personas are given."
    )


def _alike(left: int) -> str:
    return (
        f"The {left:,} customers who bought at least twice are alike in frequency, spend and basket, so "
        "there are no segments to find."
    )

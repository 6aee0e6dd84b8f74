"""A fitted model of the segments: yardstick, clusters and their names, of plain scikit-learn parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.model.cluster_naming import cluster_numbers, inherited_names
from retail_assets.segmentation.model.features import naming_matrix
from retail_assets.segmentation.model.yardstick import INPUTS, OUTLIER_SDS, inputs, standardized
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES, Catalog
from retail_assets.segmentation.personas.defining import findings
from retail_assets.segmentation.personas.naming import Match, name_clusters


@dataclass(frozen=True)
class SegmentModel:
    """A fitted model. Clusters are numbered by falling spend.

    Attributes:
        reference: the yardstick (see `yardstick`), over `naming_matrix` (customers x `NAMING_FEATURES`).
        kmeans: over the first `INPUTS` columns of what the yardstick returns, clipped.
        names: the persona of each cluster; no name twice, except that of clusters that resemble no persona.
        fits: cosine between each cluster's centroid and its persona's prototype.
        spread: standard deviation of the customers about their center, per dimension.
        customers: training customers of each cluster.
        seed: of the training.
        window_days: longest window of the training customers.
        catalog_digest: of the personas by which the clusters were named.
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
        """Number of clusters."""
        return int(self.kmeans.n_clusters)

    @property
    def trained_on(self) -> int:
        """Customers in the training."""
        return sum(self.customers)

    @property
    def pipeline(self) -> Pipeline:
        """The model as a scikit-learn pipeline from `naming_matrix` to cluster numbers."""
        clip = FunctionTransformer(np.clip, kw_args={"a_min": -OUTLIER_SDS, "a_max": OUTLIER_SDS})
        return make_pipeline(self.reference, clip, FunctionTransformer(inputs), self.kmeans)

    def standardize(self, features: pd.DataFrame) -> np.ndarray:
        """Return `NAMING_FEATURES` in standard deviations from the yardstick's average customer, clipped (n x 5)."""
        return standardized(self.reference, naming_matrix(features))

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the cluster number of each customer (int32). Only for eligible customers (`features.eligible`)."""
        return self.posterior(features)[0]

    def posterior(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the cluster number of each customer, and the probability that they belong there (1 / k to 1).

        The probability is the posterior of spherical normal clusters of equal weight and width `spread`, the model
        that K-Means fits (MacKay 2003, chapter 20).
        """
        if not len(features):
            return np.zeros(0, dtype=np.int32), np.zeros(0)
        with threadpool_limits(1):
            distances = self.kmeans.transform(self.standardize(features)[:, :INPUTS])
        labels = distances.argmin(axis=1).astype(np.int32)
        nearest = distances.min(axis=1, keepdims=True)
        weights = np.exp((nearest**2 - distances**2) / (2 * max(self.spread, 1e-6) ** 2))
        return labels, 1 / weights.sum(axis=1)

    def names_of(self, features: pd.DataFrame) -> np.ndarray:
        """Return the persona of each customer (object array). Only for eligible customers."""
        return np.array(self.names, dtype=object)[self.predict(features)]

    def centroids(self, features: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
        """Return the mean standardized `NAMING_FEATURES` of each label (k x 5; 0 for a label without customers)."""
        return centroids(self.standardize(features), labels, self.k)


def name_fit(
    fit: KMeans, scores: np.ndarray, training: pd.DataFrame, catalog: Catalog, previous: SegmentModel | None = None
) -> tuple[Match, ...]:
    """Name the clusters of a K-Means fit: inherited from a previous model, or given by what is true of them.

    Args:
        fit: fitted to the inputs of `scores`.
        scores: standardized naming features of the training customers (n x 5).
        training: their features frame.
        catalog: the personas.
        previous: whose names are kept where the same customers are in a cluster.
    """
    k = int(fit.n_clusters)
    numbers = cluster_numbers(training, fit.labels_, k)
    kept = {}
    if previous is not None:
        labels = previous.predict(training)
        kept = inherited_names(previous.names, labels, previous.window_days, fit.labels_, numbers, catalog)
    return name_clusters(
        centroids(scores, fit.labels_, k),
        NAMING_FEATURES,
        catalog.clusters,
        catalog.groups["other"],
        numbers=numbers,
        stand_ins=catalog.stand_ins,
        kept=kept,
    )


def name_findings(model: SegmentModel, customers: pd.DataFrame, catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """Return the numbers that each name claims, as they are for some customers, rounded: comparisons by name.

    Args:
        model: whose names are looked at.
        customers: features frame of customers who can be clustered.
        catalog: the personas.
    """
    if not len(customers):
        return {}
    numbers = cluster_numbers(customers, model.predict(customers), model.k)
    personas = [(cluster, catalog.of_clusters(name)) for cluster, name in enumerate(model.names)]
    return {
        persona.name: [
            {**asdict(finding), "value": round(finding.value, 4), "than": round(finding.than, 4)}
            for finding in findings(persona.defining, numbers, cluster)
        ]
        for cluster, persona in personas
        if persona and persona.defining
    }


def named_model(
    fit: KMeans,
    yardstick: PowerTransformer,
    scores: np.ndarray,
    training: pd.DataFrame,
    seed: int,
    catalog: Catalog,
    previous: SegmentModel | None = None,
) -> SegmentModel:
    """Name the clusters of a K-Means fit (see `name_fit`), and put the model together.

    Args:
        fit: fitted to the inputs of `scores`.
        yardstick: by which `scores` were standardized.
        scores: standardized naming features of the training customers (n x 5).
        training: their features frame.
        seed: of the training.
        catalog: the personas.
        previous: whose names are kept where the same customers are in a cluster.
    """
    k = int(fit.n_clusters)
    matches = name_fit(fit, scores, training, catalog, previous)
    return SegmentModel(
        reference=yardstick,
        kmeans=fit,
        names=tuple(match.persona.name for match in matches),
        fits=tuple(round(match.fit, 6) for match in matches),
        spread=float(np.sqrt(fit.inertia_ / (len(scores) * INPUTS))),
        customers=tuple(np.bincount(fit.labels_, minlength=k).tolist()),
        seed=seed,
        window_days=int(training["window_days"].max()),
        catalog_digest=catalog.digest,
    )


def centroids(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return the mean of the scores with each label (k x columns); 0 for a label without rows."""
    members = np.bincount(labels, minlength=k)
    sums = [np.bincount(labels, weights=column, minlength=k) for column in scores.T]
    return np.column_stack(sums) / np.maximum(members, 1)[:, np.newaxis]

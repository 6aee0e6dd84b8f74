"""Training a model of the segments: choose the number of clusters, fit them, and name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.model.cluster_count import FEW_CUSTOMERS, ClusterCount, choose_k, judge
from retail_assets.segmentation.model.features import SAMPLE_CUSTOMERS, eligible, naming_matrix, seeded_sample
from retail_assets.segmentation.model.kmeans import distinct, fit_clusters
from retail_assets.segmentation.model.segment_model import SegmentModel, name_fit, named_model
from retail_assets.segmentation.model.stability import BOOTSTRAP_RESAMPLES, FAIRLY_STABLE, draw_resamples
from retail_assets.segmentation.model.yardstick import (
    YARDSTICK_SDS,
    continued,
    fit_yardstick,
    inputs,
    offset_of_average,
    standardized,
)
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.wording import segments

MIN_CUSTOMERS = 4
"""Customers below which nothing is clustered."""


@dataclass(frozen=True)
class Training:
    """The result of a training.

    Attributes:
        model: None if the customers could not be clustered.
        why: the reason, in a sentence, where there is no model.
        tried: every number of clusters that was tried, the smallest first.
        customers: eligible customers in the training.
        inherited: whether the yardstick is that of the previous model.
    """

    model: SegmentModel | None
    why: str | None
    tried: tuple[ClusterCount, ...]
    customers: int
    inherited: bool = False

    @property
    def chosen(self) -> ClusterCount | None:
        """The number of clusters of the model, as it was judged."""
        return next((c for c in self.tried if self.model and c.k == self.model.k), None)

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
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> Training:
    """Choose the number of clusters, fit them, and name them.

    There are at most as many clusters as personas, half as many as customers, and no more than distinct customers. Of
    the numbers whose clusters are usable (each large enough, no two of one name), `choose_k` takes the largest stable
    one, so that each persona has its cluster, unless a smaller one has clear structure and separates better. The same
    customers and the same seed give the same model. A name is given where its numbers are true, and kept from the
    previous model where the same customers are in the cluster and its numbers are not contradicted.

    Args:
        features: a features frame; customers who cannot be clustered are ignored.
        catalog: the personas to name clusters by.
        previous: the model in use, whose yardstick and names are kept where they still fit.
        seed: of random starts, samples and resamples.
        at_most: customers to train on; of more, a seeded sample.
        resamples: on which the stability of each number of clusters is measured.
    """
    allowed = features[eligible(features)]
    training = allowed.iloc[seeded_sample(len(allowed), at_most, seed)]
    if len(training) < MIN_CUSTOMERS:
        return Training(None, _too_few(features, len(training)), (), len(training))
    # One thread: sums split over threads differ in the last bit from run to run, and so would the bytes written.
    with threadpool_limits(1):
        inherited = previous is not None and _still_fits(previous, training)
        fitted = continued(previous.reference, training) if previous and inherited else None
        yardstick = fitted or fit_yardstick(naming_matrix(training))
        scores = standardized(yardstick, naming_matrix(training))
        points = inputs(scores)
        limit = min(len(catalog.clusters), len(scores) // 2, distinct(points))
        fits = {k: fit_clusters(points, k, seed, catalog.clusters) for k in range(2, limit + 1)}
        if not fits:
            return Training(None, _alike(training), (), len(training))
        before = previous if previous is not None and _same_personas(previous, catalog) else None
        names = {
            k: [m.persona.name for m in name_fit(fit, scores, training, catalog, before)] for k, fit in fits.items()
        }
        drawn = draw_resamples(training, seed, resamples)
        in_use = before.k if before else None
        tried = tuple(judge(fit, scores, names[k], drawn, seed, catalog) for k, fit in fits.items())
        k = choose_k(tried, in_use)
        if k is None:
            return Training(None, _alike(training), tried, len(training))
        model = named_model(fits[k], yardstick, scores, training, seed, catalog, before)
    return Training(model, None, tried, len(training), inherited)


def _still_fits(previous: SegmentModel, training: pd.DataFrame) -> bool:
    """Whether the previous model's yardstick still measures these customers."""
    return bool((offset_of_average(previous.standardize(training)) <= YARDSTICK_SDS).all())


def _same_personas(previous: SegmentModel, catalog: Catalog) -> bool:
    """Whether the previous model's clusters were named by these personas, also by a version without comparisons."""
    return previous.catalog_digest in (catalog.digest, catalog.digest_before_comparisons)


def _too_few(features: pd.DataFrame, left: int) -> str:
    """Say why there are too few customers to cluster."""
    if not len(features):
        return segments.nobody().text
    once = features["frequency"] == 1
    if (features["frequency"] <= 1).all() and once.any():
        return segments.bought_once(customers=int(once.sum()), **_window(features)).text
    return segments.too_few(twice=left, customers=len(features), least=MIN_CUSTOMERS, **_window(features)).text


def _alike(training: pd.DataFrame) -> str:
    return segments.alike(customers=len(training), **_window(training)).text


def _window(features: pd.DataFrame) -> dict[str, Any]:
    """Last day and length of the window, for sentences."""
    return {"last_day": features["snapshot_date"].iloc[0], "days": int(features["window_days"].max())}

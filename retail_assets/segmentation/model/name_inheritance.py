"""Names that outlive a retraining: clusters that stay where they were keep the names they had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from retail_assets.segmentation.model.segment_model import SegmentModel, centroids
from retail_assets.segmentation.model.yardstick import inputs
from retail_assets.segmentation.personas.catalog import DEFAULT, NAMING_FEATURES, Catalog, Persona
from retail_assets.segmentation.personas.naming import prototypes

SAME_PLACE_SDS = 0.75
"""A cluster whose center moved by less than this since the last training keeps its name."""


def inherit_names(
    model: SegmentModel, previous: SegmentModel, scores: np.ndarray, catalog: Catalog = DEFAULT
) -> SegmentModel:
    """Give a model's clusters the names of the previous model's clusters that were in the same places.

    Centers are matched one to one by distance in the common yardstick (Kuhn 1955). Names are inherited only if all
    clusters of both models are matched and none has moved by `SAME_PLACE_SDS` or more: a mixture of old and new names
    could give one name to two kinds of customers.

    Args:
        model: newly trained, with the yardstick of `previous`.
        previous: the model whose names are inherited.
        scores: standardized naming features of the training customers (n x 5).
        catalog: the personas.
    """
    if model.k != previous.k:
        return model
    apart = np.linalg.norm(model.kmeans.cluster_centers_[:, None] - previous.kmeans.cluster_centers_[None], axis=2)
    ours, theirs = linear_sum_assignment(apart)
    if apart[ours, theirs].max() >= SAME_PLACE_SDS:
        return model
    names = tuple(previous.names[j] for j in theirs)
    means = centroids(scores, model.kmeans.predict(inputs(scores)), model.k)
    personas = {p.name: p for p in catalog.clusters}
    fits = tuple(_fit_to(personas.get(name), row) for name, row in zip(names, means, strict=True))
    return replace(model, names=names, fits=fits)


def _fit_to(persona: Persona | None, centroid: np.ndarray) -> float:
    """Cosine between a centroid and a persona's prototype; 0 without a persona."""
    if persona is None:
        return 0.0
    direction = prototypes(NAMING_FEATURES, [persona])[0]
    length = float(np.linalg.norm(centroid[direction != 0]) * np.linalg.norm(direction))
    return round(float(centroid @ direction) / length, 6) if length else 0.0

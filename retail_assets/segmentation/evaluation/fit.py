"""How well a model suits customers: how far its clusters lie apart, and whether resamples give the same segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from retail_assets.segmentation.evaluation.rounding import rounded
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible, seeded_sample
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.stability import bootstrap_ari, draw_resamples, resampled
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog

JUDGED_CUSTOMERS = 5_000
"""The silhouette compares all pairs; with more customers it is measured on a seeded sample."""


@dataclass(frozen=True)
class Fit:
    """Quality of a model on customers; None where a figure is undefined.

    Attributes:
        customers: those given who can be clustered.
        silhouette: mean silhouette on a sample (Rousseeuw 1987): 1 for separate clusters, 0 for one cloud.
        davies_bouldin: Davies and Bouldin (1979) on the same sample: lower means further apart.
        bootstrap_ari: mean adjusted Rand index (Hubert and Arabie 1985) between this model and models trained from
            scratch on resamples (`stability.bootstrap_ari`).
        bootstrap_names: mean share of customers to whom such models give the same persona.
    """

    customers: int
    silhouette: float | None = None
    davies_bouldin: float | None = None
    bootstrap_ari: float | None = None
    bootstrap_names: float | None = None


def measure(
    model: SegmentModel,
    features: pd.DataFrame,
    *,
    catalog: Catalog = DEFAULT,
    recorded: Mapping[str, float | None] | None = None,
    seed: int = 0,
) -> Fit:
    """Measure a model on customers: separation in its own space, and agreement with models of resamples.

    What the training has recorded is not measured again: one model has one value, whatever the day of the report.

    Args:
        model: any model, trained on these customers or on earlier ones.
        features: a features frame; customers who cannot be clustered are ignored.
        catalog: the personas that models of resamples are named by.
        recorded: `metrics` of the model's manifest; None if it is in no store.
        seed: of samples and resamples.
    """
    recorded = recorded or {}
    allowed = features[eligible(features)]
    if len(allowed) < 2:
        return Fit(len(allowed))
    shown = allowed.iloc[seeded_sample(len(allowed), JUDGED_CUSTOMERS, seed)]
    points = model.standardize(shown)[:, : len(MODEL_FEATURES)]
    labels = model.predict(shown)
    silhouette, ari = recorded.get("silhouette"), recorded.get("bootstrap_ari")
    davies_bouldin = None
    if 1 < len(np.unique(labels)) < len(labels):
        silhouette = float(silhouette_score(points, labels)) if silhouette is None else silhouette
        davies_bouldin = float(davies_bouldin_score(points, labels))
    if ari is None:
        with threadpool_limits(1):
            ari = bootstrap_ari(model.predict(allowed), draw_resamples(allowed, seed), model.k, seed, catalog)
    judged, models = resampled(model, features, catalog=catalog, seed=seed)
    ours = model.predict(judged)
    names = np.array(model.names, dtype=object)[ours]
    return Fit(
        len(allowed),
        silhouette,
        davies_bouldin,
        ari,
        float(np.mean([np.mean(other.names_of(judged) == names) for other in models])),
    )


def as_json(fit: Fit) -> dict[str, Any]:
    """Return the figures of a fit, rounded."""
    return {key: rounded(value) if isinstance(value, float) else value for key, value in asdict(fit).items()}

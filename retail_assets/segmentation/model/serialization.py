"""A segment model as bytes that are safe to load: skops, never pickle. The same model gives the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.preprocessing import PowerTransformer

from retail_assets.errors import ModelFileError
from retail_assets.models.archive import canonical, refuse_beyond_bounds
from retail_assets.segmentation.model.features import MODEL_FEATURES
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES

FORMAT = 1


class SegmentModelFileError(ModelFileError):
    """A stored segment model is not one of ours, is damaged, or asks to run code."""


def dumps(model: SegmentModel) -> bytes:
    """Write a model as a canonical skops archive: the same model gives the same bytes."""
    import skops.io

    content = {
        "format": FORMAT,
        "reference": model.reference,
        "kmeans": _lean(model.kmeans, model.seed),
        "names": list(model.names),
        "fits": [float(fit) for fit in model.fits],
        "spread": model.spread,
        "customers": list(model.customers),
        "seed": model.seed,
        "window_days": model.window_days,
        "catalogue_digest": model.catalog_digest,
    }
    return canonical(skops.io.dumps(content))


def loads(data: bytes) -> SegmentModel:
    """Read a model that `dumps` wrote. Raises SegmentModelFileError for anything else, before any of it is run."""
    import skops.io

    try:
        # Only what skops trusts of scikit-learn and numpy: that a file asks for a type is no reason to trust it.
        refuse_beyond_bounds(data)
        content = skops.io.loads(data, trusted=[])
        return _model(content)
    except SegmentModelFileError:
        raise
    except Exception as e:
        # skops raises many things: for a bad archive, for a type that is not trusted, for a missing part.
        raise SegmentModelFileError(
            f"The stored segment model cannot be loaded ({type(e).__name__}: {str(e).partition(chr(10))[0][:200]}). "
            "Retrain the segments, or roll back: retail-assets models rollback --kind segments"
        ) from None


def _model(content: Any) -> SegmentModel:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SegmentModelFileError(
            "The stored segment model has a format that this version cannot read. Retrain the segments."
        )
    reference, kmeans = content["reference"], content["kmeans"]
    names = tuple(map(str, content["names"]))
    fits = (
        isinstance(reference, PowerTransformer)
        and isinstance(kmeans, KMeans)
        and np.asarray(reference.lambdas_).shape == (len(NAMING_FEATURES),)
        and np.asarray(kmeans.cluster_centers_).shape == (len(names), len(MODEL_FEATURES))
    )
    if not fits:
        raise SegmentModelFileError("The parts of the stored segment model do not match. Retrain the segments.")
    return SegmentModel(
        reference=reference,
        kmeans=kmeans,
        names=names,
        fits=tuple(map(float, content["fits"])),
        spread=float(content["spread"]),
        customers=tuple(map(int, content["customers"])),
        seed=int(content["seed"]),
        window_days=int(content["window_days"]),
        catalog_digest=str(content["catalogue_digest"]),
    )


def _lean(fitted: KMeans, seed: int) -> KMeans:
    """The same clusters without the label of every training customer, and without traces of the machine."""
    lean = KMeans(int(fitted.n_clusters), n_init=1, random_state=seed)
    lean.cluster_centers_ = np.ascontiguousarray(fitted.cluster_centers_, dtype=float)
    lean.labels_ = np.zeros(0, dtype=np.int32)
    lean.inertia_ = float(fitted.inertia_)
    lean.n_iter_ = int(fitted.n_iter_)
    lean.n_features_in_ = int(fitted.n_features_in_)
    lean._n_features_out = len(lean.cluster_centers_)
    lean._n_threads = 1
    return lean

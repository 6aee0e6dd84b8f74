"""A trained forecast model as bytes that are safe to load: skops, never pickle; the same model gives the same bytes.

The archive is made canonical (`models.archive`), so that the digest of a model shows whether two trainings came to the
same result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.boosting import BOOSTED, BoostedRatio
from retail_assets.forecasting.models.candidates import CANDIDATES, components
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.forecasting.models.forecaster import Forecaster
from retail_assets.forecasting.models.statistical import STATISTICAL
from retail_assets.models.archive import canonical, refuse_beyond_bounds

FORMAT = 2
# A fixed list: what a file says it needs is no reason to trust it.
TRUSTED = [
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss._loss.CyAbsoluteError",
]


def dumps(model: ForecastModel) -> bytes:
    """Serialize a model as a canonical skops archive: the same model gives the same bytes."""
    import skops.io

    return canonical(skops.io.dumps({"format": FORMAT, **_content(model)}))


def _content(model: ForecastModel) -> dict[str, Any]:
    conformal = model.conformal
    return {
        "family": model.family,
        "reason": model.reason,
        "horizon": model.horizon,
        "seed": model.seed,
        "country": model.country,
        "categories": list(model.categories),
        "regressors": list(model.regressors),
        "conformal": None
        if conformal is None
        else {
            "spread": conformal.spread,
            "shape": conformal.shape,
            "measured": conformal.measured,
            "growth": conformal.growth,
            "near_holiday": conformal.near_holiday,
        },
        "fitted": {
            name: {"estimator": fit.model_, "scale": fit.scale_, "rows": fit.training_rows_}
            for name, fit in sorted(model.fitted.items())
            if isinstance(fit, BoostedRatio)
        },
        "units": None if model.units is None else _content(model.units),
    }


def loads(data: bytes) -> ForecastModel:
    """Load a model that `dumps` has serialized. Raises ModelFileError for anything else, before any of it is run."""
    import skops.io

    try:
        refuse_beyond_bounds(data)
        content = skops.io.loads(data, trusted=TRUSTED)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ModelFileError("The stored model has another format than this version reads. Retrain the forecast.")
        return _model(content)
    except ModelFileError:
        raise
    except Exception as e:
        # skops raises all kinds of errors: for a bad archive, a type that is not trusted, a module that is gone.
        raise ModelFileError(
            f"The stored model cannot be loaded ({type(e).__name__}: {str(e).splitlines()[0][:200]}). "
            "Retrain the forecast, or roll back to another version."
        ) from None


def _model(content: dict[str, Any]) -> ForecastModel:
    family, horizon, seed = str(content["family"]), int(content["horizon"]), int(content["seed"])
    if family not in (*CANDIDATES, *BASELINE_NAMES):
        raise ModelFileError(
            f"The stored model is a {family!r}, which this version does not know. Retrain the forecast."
        )
    fitted: dict[str, Forecaster] = {}
    for name in components(family):
        if name in BOOSTED:
            part = content["fitted"][name]
            boosting = BOOSTED[name](horizon=horizon, random_state=seed)
            boosting.model_, boosting.scale_ = part["estimator"], float(part["scale"])
            boosting.training_rows_ = int(part["rows"])
            fitted[name] = boosting
        else:
            fitted[name] = STATISTICAL[name]()
    stored = content["conformal"]
    conformal = None
    if stored is not None:
        spread, shape = np.asarray(stored["spread"], float), np.asarray(stored["shape"], float)
        rows = len(content["categories"]) + 1
        if spread.shape != (rows,) or shape.shape != (rows, len(intervals.LEVELS)):
            raise ModelFileError("The stored model's intervals do not fit its categories. Retrain the forecast.")
        # A model of before 29 November 2026 has no growth: the total's interval is as wide on each day.
        growth = None if stored.get("growth") is None else np.asarray(stored["growth"], float)
        near = float(stored.get("near_holiday", 1.0))
        conformal = intervals.Conformal(spread, shape, np.asarray(stored["measured"], bool), growth, near)
    categories = tuple(map(str, content["categories"]))
    return ForecastModel(
        family,
        content["reason"],
        horizon,
        seed,
        str(content["country"]),
        fitted,
        categories,
        conformal,
        tuple(map(str, content["regressors"])),
        None if content["units"] is None else _model(content["units"]),
    )

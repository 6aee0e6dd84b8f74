"""A trained forecast model as bytes that are safe to load: skops, never pickle; the same model is the same bytes.

The archive is made canonical (`model_archive`), so that the digest of a model says whether two trainings came to the
same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.boosting import BASELINES, Forecaster, GradientBoosting, HistGradientBoosting
from retail_assets.forecasting.models.candidates import COMBINATION, CONTENDERS, components
from retail_assets.forecasting.models.statistical import AutoEts, AutoTheta
from retail_assets.models.archive import canonical

FORMAT = 2
# Named, not asked for: what a file says it needs is no reason to trust it.
TRUSTED = [
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss._loss.CyAbsoluteError",
]
_BOOSTINGS: dict[str, type[GradientBoosting] | type[HistGradientBoosting]] = {
    kind.name: kind for kind in (GradientBoosting, HistGradientBoosting)
}
_STATISTICAL: dict[str, type[AutoEts] | type[AutoTheta]] = {kind.name: kind for kind in (AutoEts, AutoTheta)}


@dataclass(frozen=True)
class ForecastModel:
    """All that is needed to forecast from a history: the family that won, its fits, and how wrong it was.

    `family` is a learned model or a simple rule, and `reason` says why a rule. `conformal` has a row a category of
    `categories` and one for the total; None where no backtest could be made. `units` is the model of the units sold,
    chosen by a backtest of its own; None where the history does not tell them.
    """

    family: str
    reason: str | None
    horizon: int
    seed: int
    country: str
    fitted: Mapping[str, Forecaster]
    categories: tuple[str, ...]
    conformal: intervals.Conformal | None
    regressors: tuple[str, ...] = ()
    units: ForecastModel | None = None

    @property
    def learned(self) -> bool:
        return bool(components(self.family))

    @property
    def reads_features(self) -> bool:
        """Revenue or units are forecast from features, events among them; rules and smoothing read none."""
        own = any(isinstance(fit, (GradientBoosting, HistGradientBoosting)) for fit in self.fitted.values())
        return own or (self.units is not None and self.units.reads_features)


def dumps(model: ForecastModel) -> bytes:
    """The model as a skops archive, canonical: the same model gives the same bytes."""
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
        else {"spread": conformal.spread, "shape": conformal.shape, "measured": conformal.measured},
        "fitted": {
            name: {"estimator": fit.model_, "scale": fit.scale_, "rows": fit.training_rows_}
            for name, fit in sorted(model.fitted.items())
            if isinstance(fit, (GradientBoosting, HistGradientBoosting))
        },
        "units": None if model.units is None else _content(model.units),
    }


def loads(data: bytes) -> ForecastModel:
    """The model of `dumps`. Raises ModelFileError for anything else, before any of it is run."""
    import skops.io

    try:
        content = skops.io.loads(data, trusted=TRUSTED)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ModelFileError("The stored model has another format than this version reads. Retrain the forecast.")
        return _model(content)
    except ModelFileError:
        raise
    except Exception as e:
        # skops raises what it meets: a bad archive, a type that is not trusted, a module that is gone.
        raise ModelFileError(
            f"The stored model cannot be loaded ({type(e).__name__}: {str(e).splitlines()[0][:200]}). "
            "Retrain the forecast, or roll back to another version."
        ) from None


def _model(content: dict[str, Any]) -> ForecastModel:
    family, horizon, seed = str(content["family"]), int(content["horizon"]), int(content["seed"])
    known = (*CONTENDERS, COMBINATION, *(kind.name for kind in BASELINES))
    if family not in known:
        raise ModelFileError(f"The stored model is a {family!r}, which this version does not know. Retrain.")
    fitted: dict[str, Forecaster] = {}
    for name in components(family):
        if name in _BOOSTINGS:
            part = content["fitted"][name]
            boosting = _BOOSTINGS[name](horizon=horizon, random_state=seed)
            boosting.model_, boosting.scale_ = part["estimator"], float(part["scale"])
            boosting.training_rows_ = int(part["rows"])
            fitted[name] = boosting
        else:
            fitted[name] = _STATISTICAL[name]()
    learned = content["conformal"]
    conformal = None
    if learned is not None:
        spread, shape = np.asarray(learned["spread"], float), np.asarray(learned["shape"], float)
        rows = len(content["categories"]) + 1
        if spread.shape != (rows,) or shape.shape != (rows, len(intervals.LEVELS)):
            raise ModelFileError("The stored model's intervals do not fit its categories. Retrain the forecast.")
        conformal = intervals.Conformal(spread, shape, np.asarray(learned["measured"], bool))
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

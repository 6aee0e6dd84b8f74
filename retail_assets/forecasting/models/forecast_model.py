"""A trained forecast model: the family that won the backtest, with all that is needed to forecast from a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.boosting import BoostedRatio
from retail_assets.forecasting.models.candidates import components
from retail_assets.forecasting.models.fallback import MODELED
from retail_assets.forecasting.models.features import named_features
from retail_assets.forecasting.models.forecaster import Forecaster


@dataclass(frozen=True)
class ForecastModel:
    """All that is needed to forecast from a history: the family that won, its fits, and how wrong it was.

    Attributes:
        family: name of a candidate model or of a baseline.
        reason: why a baseline; None for a candidate.
        horizon: days ahead.
        seed: of the training.
        country: of the holiday calendar.
        fitted: fitted models by name; empty for a baseline.
        categories: categories of the training history, in the order of `conformal`.
        conformal: one row per category and one for the total; None where no backtest was possible.
        regressors: names of the events that it has learned from.
        units: the model of the units sold, chosen by a backtest of its own; None where the history has no units.
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
        """Whether the family is a candidate model and not a baseline."""
        return bool(components(self.family))

    @property
    def reads_features(self) -> bool:
        """Whether revenue or units are forecast from features, events among them; rules and smoothing read none."""
        own = any(isinstance(fit, BoostedRatio) for fit in self.fitted.values())
        return own or (self.units is not None and self.units.reads_features)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the features that revenue or units are forecast from; none of rules and smoothing."""
        if not self.reads_features:
            return ()
        parts = [*self.fitted.values(), *(() if self.units is None else self.units.fitted.values())]
        year = any(isinstance(fit, BoostedRatio) and fit.reads_year for fit in parts)
        return named_features(self.regressors, year=year)

    def published_methods(self, fallbacks: list[str]) -> list[str]:
        """Name the method of each category for publication.

        A fallback is published as it is; `MODELED` as the family's name, with the reason where that is a baseline.
        """
        named = self.family if self.learned else f"{self.family}: {self.reason}"
        return [named if fallback == MODELED else fallback for fallback in fallbacks]

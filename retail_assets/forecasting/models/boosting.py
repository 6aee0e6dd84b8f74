"""Gradient boosting as one global model of all large categories.

It learns from the categories together and distinguishes them only by their recent shape; it forecasts those with enough
history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import Bools, Floats, Panel
from retail_assets.forecasting.models.features import Rows, make_rows

if TYPE_CHECKING:
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

DAYS_BETWEEN_ORIGINS = 7
# An origin needs four weeks of a category's history before it to describe its level and week.
HISTORY_BEFORE_ORIGIN = 28
# Pairs of series and origin that the model learns from, up to 28 rows each. This bounds time and memory for any number
# of categories and years.
MOST_TRAINING_PAIRS = 1000
# Fewer rows cannot fill a few leaves of 30.
FEWEST_TRAINING_ROWS = 100


@dataclass
class BoostedRatio:
    """One global, direct multi-horizon regression of the ratio of a day's revenue to its seasonal base.

    Origins lie every 7 days back from the cut-off; targets end at the cut-off. Predictions are NaN where a series has
    no level above zero.

    Attributes:
        horizon: days ahead.
        random_state: seed of the training rows and the trees; a fit with the same one is the same.
        model_: the fitted regressor; None with fewer than 100 training rows: the forecast is then the base itself.
        scale_: factor from the median that the trees predict to the mean of the training rows.
        training_rows_: number of rows it was fitted on.
    """

    name: ClassVar[str]
    reads_year: ClassVar[bool] = False

    horizon: int = 28
    random_state: int = 0
    model_: GradientBoostingRegressor | HistGradientBoostingRegressor | None = field(
        default=None, init=False, repr=False
    )
    scale_: float = field(default=1.0, init=False)
    training_rows_: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise ValueError(f"horizon must be at least 1, is {self.horizon}")
        if self.random_state < 0:
            raise ValueError(f"random_state must not be negative, is {self.random_state}")

    def inputs(self, rows: Rows) -> tuple[Floats, Floats]:
        """Choose what the model reads of rows: features, (rows, features), and the base of the ratio, (rows,)."""
        return np.concatenate([rows.x, rows.x_shop, rows.x_family], axis=1), rows.base

    def _regressor(self) -> GradientBoostingRegressor | HistGradientBoostingRegressor:
        raise NotImplementedError

    def _fitted(self, x: Floats, ratio: Floats) -> GradientBoostingRegressor | HistGradientBoostingRegressor:
        return self._regressor().fit(x, ratio)

    def fit(self, panel: Panel, holidays: HolidayCalendar) -> Self:
        rows = training_rows(panel, holidays, horizon=self.horizon, random_state=self.random_state)
        return self.fit_rows(rows)

    def fit_rows(self, rows: Rows) -> Self:
        """Fit on the result of `training_rows`, which several models can share."""
        self.training_rows_ = len(rows.y)
        if self.training_rows_ < FEWEST_TRAINING_ROWS:
            self.model_, self.scale_ = None, 1.0
            return self
        x, base = self.inputs(rows)
        self.model_ = self._fitted(x, rows.y / base)
        if hasattr(self.model_, "_bin_mapper"):
            # The number of this machine's cores is not part of a model: the same training gives the same bytes.
            self.model_._bin_mapper.n_threads = 1
        fitted = float((self.model_.predict(x) * base).sum())
        self.scale_ = float(rows.y.sum()) / fitted if fitted > 0 else 1.0
        return self

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        series = np.arange(len(panel.categories))
        origins = np.full(len(series), panel.origin)
        rows = make_rows(panel.values, panel.days, series, origins, horizon, holidays, orders=panel.orders)
        x, base = self.inputs(rows)
        ratio = np.ones(len(rows.y))
        if self.model_ is not None:
            # Models of before 29 November 2026 know no features of the shop or of family holidays, which are the last.
            ratio = self.model_.predict(x[:, : self.model_.n_features_in_]) * self.scale_
        return np.where(rows.usable, ratio * base, np.nan).reshape(len(series), horizon)


@dataclass
class GradientBoosting(BoostedRatio):
    """Gradient boosting (Friedman 2001), the product's model.

    The loss is the absolute error, so that a single bulk purchase does not move the forecast; its median is scaled
    back to the mean of the training rows. `random_state` makes a fit repeatable.
    """

    name: ClassVar[str] = "gradient_boosting"

    n_estimators: int = 200
    learning_rate: float = 0.05
    max_depth: int = 4
    min_samples_leaf: int = 30
    subsample: float = 0.5
    max_features: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_estimators", "max_depth", "min_samples_leaf"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, is {getattr(self, name)}")
        for name in ("learning_rate", "subsample", "max_features"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, is {getattr(self, name)}")

    def _regressor(self) -> GradientBoostingRegressor:
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            loss="absolute_error",
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            subsample=self.subsample,
            max_features=self.max_features,
            random_state=self.random_state,
        )

    def _fitted(self, x: Floats, ratio: Floats) -> GradientBoostingRegressor:
        return _with_selected_medians(self._regressor(), x, ratio)


@dataclass
class YearlyBoosting(GradientBoosting):
    """Gradient boosting that remembers the year: its base is lifted by the same days of the years before.

    For shops with seasons: a tourist summer, a Christmas peak, holidays with names. It takes 420 days of history.
    """

    name: ClassVar[str] = "yearly_boosting"
    reads_year: ClassVar[bool] = True

    def inputs(self, rows: Rows) -> tuple[Floats, Floats]:
        return np.concatenate([rows.x, rows.x_year, rows.x_shop, rows.x_family], axis=1), rows.base * rows.lift


@dataclass
class HistGradientBoosting(BoostedRatio):
    """The same design by histograms, the fast alternative (scikit-learn's version of LightGBM, Ke et al. 2017)."""

    name: ClassVar[str] = "hist_gradient_boosting"

    max_iter: int = 120
    learning_rate: float = 0.05
    max_leaf_nodes: int = 12
    min_samples_leaf: int = 30
    max_features: float = 0.3

    def _regressor(self) -> HistGradientBoostingRegressor:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            loss="absolute_error",
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            early_stopping=False,
            random_state=self.random_state,
        )


#: The boosted models by name.
BOOSTED: dict[str, type[GradientBoosting] | type[HistGradientBoosting]] = {
    kind.name: kind for kind in (YearlyBoosting, GradientBoosting, HistGradientBoosting)
}


def training_rows(panel: Panel, holidays: HolidayCalendar, *, horizon: int, random_state: int) -> Rows:
    """Make the rows whose day is known at the cut-off, from all origins of all series.

    Of more than `MOST_TRAINING_PAIRS` pairs of series and origin, a sample by `random_state` is used.
    """
    origins = np.arange(panel.origin - DAYS_BETWEEN_ORIGINS, HISTORY_BEFORE_ORIGIN - 2, -DAYS_BETWEEN_ORIGINS)
    old_enough = origins[None, :] - panel.first[:, None] + 1 >= HISTORY_BEFORE_ORIGIN
    series, at = np.nonzero(old_enough)
    if len(series) > MOST_TRAINING_PAIRS:
        chosen = np.random.default_rng(random_state).choice(len(series), MOST_TRAINING_PAIRS, replace=False)
        series, at = series[np.sort(chosen)], at[np.sort(chosen)]
    rows = make_rows(
        panel.values, panel.days, series, origins[at], horizon, holidays, own_year=True, orders=panel.orders
    )
    keep: Bools = rows.usable & ~np.isnan(rows.y)
    return rows.select(keep)


def _with_selected_medians(regressor: GradientBoostingRegressor, x: Floats, y: Floats) -> GradientBoostingRegressor:
    """Fit the regressor in half the time: the median of each leaf is selected instead of computed with weights.

    scikit-learn computes the medians of a fit without weights as weighted ones, all weights 1: the same number, at more
    than the cost of growing the tree. A scikit-learn without this inner method fits as usual. The parameters are not
    validated, because that would be repeated for each tree.
    """
    from sklearn import config_context
    from sklearn.ensemble import GradientBoostingRegressor

    class Selecting(GradientBoostingRegressor):  # type: ignore[misc,unused-ignore]
        def _get_loss(self, sample_weight: Floats) -> Any:
            loss = super()._get_loss(sample_weight)
            weighted = loss.fit_intercept_only

            def selected(y_true: Floats, sample_weight: Floats | None = None) -> Any:
                if sample_weight is None or not len(y_true) or not (sample_weight == 1).all():
                    return weighted(y_true, sample_weight)
                middle = (len(y_true) - 1) // 2
                return np.partition(y_true, middle)[middle]

            loss.fit_intercept_only = selected
            return loss

    with config_context(skip_parameter_validation=True):
        # Column by column, in the precision of the trees: a split reads one feature of many rows.
        selecting = Selecting(**regressor.get_params()).fit(np.asfortranarray(x, dtype=np.float32), y)
    vars(regressor).update(vars(selecting))
    vars(getattr(regressor, "_loss", None) or regressor).pop("fit_intercept_only", None)
    return regressor

"""The candidate models that compete in the backtest, by name: which take part, how they are fitted, what they predict.

They are fitted together because the boosted ones share their training rows. A combination has no fit of its own: it is
the mean of different models, which is hard to beat where each errs in its own way (Bates & Granger 1969).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import Floats, Panel
from retail_assets.forecasting.models.boosting import (
    BOOSTED,
    GradientBoosting,
    HistGradientBoosting,
    YearlyBoosting,
    training_rows,
)
from retail_assets.forecasting.models.forecaster import Forecaster
from retail_assets.forecasting.models.statistical import STATISTICAL, AutoEts, AutoTheta

PRODUCT_MODEL = GradientBoosting.name
YEARLY_MODEL = YearlyBoosting.name
COMBINATION = "combination"
YEARLY_MEAN = "boosting_mean_year"
#: Means of models, by name; `*_year` need a history that remembers a year.
COMBINATIONS = {
    "combination_year": (YEARLY_MODEL, AutoEts.name, AutoTheta.name),
    YEARLY_MEAN: (YEARLY_MODEL, PRODUCT_MODEL),
    COMBINATION: (PRODUCT_MODEL, AutoEts.name, AutoTheta.name),
}
#: Candidates that are fitted; with the combinations, all candidates in the order of preference where none is better.
FITTED_CANDIDATES = (*BOOSTED, *STATISTICAL)
CANDIDATES = (*FITTED_CANDIDATES, *COMBINATIONS)
# On every data set within 1 % of gradient boosting, for as much time: it takes part where it is asked for.
ON_REQUEST = (HistGradientBoosting.name,)
# One fit per series per cut-off: with more series than this the statistical models would take longer than all the rest.
MOST_SERIES_FOR_STATISTICS = 40


def candidates_for(series: int, wanted: Sequence[str] | None = None, *, year: bool = False) -> tuple[str, ...]:
    """Choose the candidates that take part with this many modeled series, among those `wanted` (default: all).

    Args:
        series: number of modeled series.
        wanted: names.
        year: whether some cut-off remembers a year.

    Raises ValueError for a name that is not a candidate.

    >>> candidates_for(3, ["auto_ets", "gradient_boosting"])
    ('gradient_boosting', 'auto_ets')
    >>> candidates_for(1000)
    ('gradient_boosting',)
    >>> candidates_for(1000, year=True)
    ('yearly_boosting', 'gradient_boosting', 'boosting_mean_year')
    """
    if unknown := [name for name in wanted or () if name not in CANDIDATES]:
        raise ValueError(f"{unknown[0]!r} is not a candidate model; there are {', '.join(CANDIDATES)}")

    def allowed(name: str) -> bool:
        parts = components(name)
        # The one combination with the model that remembers takes the place of the one without.
        superseded = year and name == COMBINATION and wanted is None
        affordable = series <= MOST_SERIES_FOR_STATISTICS or not set(parts) & set(STATISTICAL)
        return affordable and (year or YEARLY_MODEL not in parts) and not superseded

    chosen = tuple(name for name in CANDIDATES if name not in ON_REQUEST) if wanted is None else wanted
    return tuple(name for name in CANDIDATES if name in chosen and allowed(name))


def components(name: str) -> tuple[str, ...]:
    """Name the candidates that must be fitted for the model `name`; none for a baseline.

    >>> components("combination")
    ('gradient_boosting', 'auto_ets', 'auto_theta')
    >>> components("seasonal_naive")
    ()
    """
    return COMBINATIONS.get(name) or ((name,) if name in FITTED_CANDIDATES else ())


def load_libraries(names: Sequence[str]) -> None:
    """Import what the models `names` need, before threads do: a thread can see a module half imported by another."""
    needed = {part for name in names for part in components(name)}
    if needed & set(BOOSTED):
        import sklearn.ensemble  # noqa: F401
    if needed & set(STATISTICAL):
        import statsmodels.tsa.exponential_smoothing.ets
        import statsmodels.tsa.forecasting.theta  # noqa: F401


@contextmanager
def single_threaded_fits(names: Sequence[str]) -> Iterator[None]:
    """Fit the models `names` without the threads of numerical libraries, in this thread and in those it starts.

    These fits are thousands of short steps: threads that wait for each other at each step cost several times what they
    save, and more where other work wants the cores. The numbers are the same. A thread that is started inside calls
    `single_threaded_here` for itself.
    """
    load_libraries(names)
    with threadpool_limits(1):
        yield


def single_threaded_here() -> None:
    """Limit this thread for the rest of its life: OpenMP asks each thread how many it may start."""
    threadpool_limits(1, user_api="openmp")


def fit_candidates(
    panel: Panel, holidays: HolidayCalendar, names: Sequence[str], *, horizon: int, seed: int
) -> dict[str, Forecaster]:
    """Fit the candidates `names`, and what a combination among them needs.

    Args:
        panel: the modeled categories alone.
        holidays: calendar and events of the panel's days.
        names: candidates, or baselines, which need no fit.
        horizon: days ahead.
        seed: of the boosted models.

    Returns:
        Fitted models by name.
    """
    needed = [name for name in FITTED_CANDIDATES if any(name in components(wanted) for wanted in names)]
    fitted: dict[str, Forecaster] = {}
    rows = None
    for name in needed:
        if name in BOOSTED:
            rows = rows or training_rows(panel, holidays, horizon=horizon, random_state=seed)
            # A model that has no year to remember is the one without memory, which is fitted once.
            kind = PRODUCT_MODEL if name == YEARLY_MODEL and not rows.remembers else name
            shared = fitted.get(YEARLY_MODEL) if kind == PRODUCT_MODEL and not rows.remembers else None
            fitted[name] = shared or BOOSTED[kind](horizon=horizon, random_state=seed).fit_rows(rows)
        else:
            fitted[name] = STATISTICAL[name]().fit(panel, holidays)
    return fitted


def predictions(
    fitted: Mapping[str, Forecaster], panel: Panel, holidays: HolidayCalendar, horizon: int, names: Sequence[str]
) -> dict[str, Floats]:
    """Predict the days after the panel by each of the models `names`: (categories, horizon) by name.

    A combination is the mean of its parts, which are predicted once.
    """
    predicted = {name: model.predict(panel, holidays, horizon) for name, model in fitted.items()}
    for name in set(names) & set(COMBINATIONS):
        predicted[name] = np.mean([predicted[part] for part in COMBINATIONS[name]], axis=0)
    return {name: predicted[name] for name in names}

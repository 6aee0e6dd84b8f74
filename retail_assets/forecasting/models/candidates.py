"""The models that compete to be published, by name: who takes part, how they are fitted together, what each predicts.

Fitting them together saves making the training rows twice. The combination has no fit of its own: it is the mean of
what three unlike models say, which is hard to beat where each of them errs in its own way (Bates & Granger 1969).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import Floats, Panel
from retail_assets.forecasting.models.boosting import Forecaster, GradientBoosting, HistGradientBoosting, training_rows
from retail_assets.forecasting.models.statistical import AutoEts, AutoTheta

PRODUCT_MODEL = GradientBoosting.name
COMBINATION = "combination"
COMBINED = (GradientBoosting.name, AutoEts.name, AutoTheta.name)
_BOOSTINGS = {kind.name: kind for kind in (GradientBoosting, HistGradientBoosting)}
_STATISTICAL = {kind.name: kind for kind in (AutoEts, AutoTheta)}
CONTENDERS = (*_BOOSTINGS, *_STATISTICAL)
# A fit a series a cut-off: beyond this many series the statistical models would take longer than all the rest.
MOST_SERIES_FOR_STATISTICS = 40


def names_for(series: int, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """Who takes part with this many modelled series, of those `wanted` (default: all).

    Raises ValueError for a name that is no contender.
    """
    known = (*CONTENDERS, COMBINATION)
    if unknown := [name for name in wanted or () if name not in known]:
        raise ValueError(f"{unknown[0]!r} is no model; there are {', '.join(known)}")
    few = series <= MOST_SERIES_FOR_STATISTICS
    allowed = known if few else tuple(_BOOSTINGS)
    return tuple(name for name in allowed if wanted is None or name in wanted)


def components(name: str) -> tuple[str, ...]:
    """The contenders that must be fitted for the model `name`; none for a simple rule."""
    return COMBINED if name == COMBINATION else (name,) if name in CONTENDERS else ()


def load_libraries(names: Sequence[str]) -> None:
    """Import what the models `names` need, before threads do: one would see what another has only half imported."""
    needed = {part for name in names for part in components(name)}
    if needed & set(_BOOSTINGS):
        import sklearn.ensemble  # noqa: F401
    if needed & set(_STATISTICAL):
        import statsmodels.tsa.exponential_smoothing.ets
        import statsmodels.tsa.forecasting.theta  # noqa: F401


@contextmanager
def one_core_a_fit(names: Sequence[str]) -> Iterator[None]:
    """Keep the threads of numerical libraries from the fits of the models `names`, in this thread and below it.

    These fits are thousands of short steps: threads that wait for each other at each of them cost several times what
    they bring, and more where other work wants the cores. The numbers are the same. A thread that is started here
    calls `one_core_here` for itself.
    """
    load_libraries(names)
    with threadpool_limits(1):
        yield


def one_core_here() -> None:
    """For the rest of this thread's life: OpenMP asks every thread anew how many it may start."""
    threadpool_limits(1, user_api="openmp")


def fit_contenders(
    panel: Panel, holidays: HolidayCalendar, names: Sequence[str], *, horizon: int, seed: int
) -> dict[str, Forecaster]:
    """Fitted models by name, with what a combination among `names` needs. `panel` holds the modelled categories."""
    needed = [name for name in CONTENDERS if any(name in components(wanted) for wanted in names)]
    fitted: dict[str, Forecaster] = {}
    rows = None
    for name in needed:
        if name in _BOOSTINGS:
            rows = rows or training_rows(panel, holidays, horizon=horizon, random_state=seed)
            fitted[name] = _BOOSTINGS[name](horizon=horizon, random_state=seed).fit_rows(rows)
        else:
            fitted[name] = _STATISTICAL[name]().fit(panel, holidays)
    return fitted


def predictions(
    fitted: Mapping[str, Forecaster], panel: Panel, holidays: HolidayCalendar, horizon: int, names: Sequence[str]
) -> dict[str, Floats]:
    """(categories, horizon) of each of `names`; those of a combination's parts are made once."""
    made = {name: model.predict(panel, holidays, horizon) for name, model in fitted.items()}
    if COMBINATION in names:
        made[COMBINATION] = np.mean([made[name] for name in COMBINED], axis=0)
    return {name: made[name] for name in names}

"""The interface that every forecast model has, from the simplest rule to the boosted trees."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import Floats, Panel


class Forecaster(Protocol):
    """`fit` learns from a panel; `predict` returns the revenue, (categories, horizon), of the days after a panel."""

    name: ClassVar[str]

    def fit(self, panel: Panel, holidays: HolidayCalendar) -> Self: ...

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats: ...

"""Every figure of the forecast can be read, whatever the shop: no text overlaps, is crossed, cut off or lost."""

from __future__ import annotations

import pytest

from retail_assets.forecasting.figures import accuracy, backtest, forecast
from retail_assets.forecasting.figures.drivers import drivers
from retail_assets_tests.plotting import strange_forecasts as made
from retail_assets_tests.plotting.legible import faults, faults_of
from retail_assets_tests.plotting.strange import NAMES

FALLBACK = "intermittent_demand: sold on 3 of 56 days"


@pytest.mark.slow
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_forecasts_of_categories_of_any_name_can_be_read(names: list[str]) -> None:
    tested = made.backtest(names)
    report = made.report(names, tested)
    history, table = made.history(names), made.table(names)
    assert faults_of(lambda: forecast.draw_figures(history, table, report), forecast.FIGURES) == []
    explained = made.explanation(["step", "cv28"])
    assert faults_of(lambda: backtest.draw_figures(tested, report, explained), backtest.FIGURES) == []


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-3, 0.3, 5e9])
@pytest.mark.parametrize("currency", ["", "$", "Kčs per piece"])
def test_forecasts_of_any_amount_and_currency_can_be_read(scale: float, currency: str) -> None:
    names = ["Food", "Garden"]
    tested = made.backtest(names, scale)
    report = made.report(names, tested)
    history, table = made.history(names, scale=scale, closed=[6]), made.table(names, scale, method=FALLBACK)
    assert faults_of(lambda: forecast.draw_figures(history, table, report, currency=currency)) == []
    assert faults_of(lambda: backtest.draw_figures(tested, report, None, currency=currency)) == []


@pytest.mark.parametrize(("days", "horizon"), [(3, 1), (10, 7), (40, 28), (500, 90)])
def test_forecasts_of_any_length_can_be_read(days: int, horizon: int) -> None:
    names = ["Food", "Garden"]
    report = {"evaluated": False}
    table = made.table(names, horizon=horizon)
    assert faults_of(lambda: forecast.draw_figures(made.history(names, days), table, report, currency="USD")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cutoffs", "horizon", "alike"), [(1, 7, False), (1, 28, True), (6, 28, True), (12, 90, False)]
)
def test_backtests_of_any_length_can_be_read(cutoffs: int, horizon: int, alike: bool) -> None:
    tested = made.backtest(["Food"], cutoffs=cutoffs, horizon=horizon, alike=alike)
    assert faults_of(lambda: backtest.draw_figures(tested, made.report(["Food"], tested), None)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", made.explanations())
def test_what_moves_the_forecast_can_be_read(name: str) -> None:
    assert faults(drivers(made.explanations()[name], (made.LAST.replace(year=2014), made.LAST)).figure) == []


@pytest.mark.parametrize(("days", "step"), [(2, 1), (9, 1), (91, 1), (13, 7)])
def test_past_forecasts_of_any_number_can_be_read(days: int, step: int) -> None:
    assert faults_of(lambda: accuracy.draw_figures(made.accuracy(days, step=step), 0.12)) == []

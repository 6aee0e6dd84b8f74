"""Titles of the forecast's figures, recomputed from the sales of five shops. Nothing is rendered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from retail_assets.alerts.digest import what_is_forecast
from retail_assets.forecasting.evaluation.accuracy import score_past_forecasts
from retail_assets.forecasting.figures import accuracy, calibration, errors, forecast, skill
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.plotting.sheet import Sheet
from retail_assets.tables import FORECAST_ACCURACY
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording import check_alerts, check_forecast, check_forecast_titles  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.forecasts import FORECAST_SHOPS, Trained


@pytest.fixture
def headlines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts above and below the figures that are laid out, as they come."""
    texts: list[str] = []
    original = Sheet.__init__

    def noted(self: Sheet, *lines: str, **kwargs: Any) -> None:
        texts.extend(lines)
        original(self, *lines, **kwargs)

    monkeypatch.setattr(Sheet, "__init__", noted)
    monkeypatch.setattr(Sheet, "png", lambda sheet: b"")
    return texts


@pytest.mark.parametrize("name", FORECAST_SHOPS)
def test_the_titles_are_recomputed(name: str, forecast_named: Callable[[str], Trained], headlines: list[str]) -> None:
    trained = forecast_named(name)
    tested, report, currency = trained.training.backtest, trained.training.report, trained.shop.currency
    with recorded() as statements:
        if tested is not None:
            calibration.calibration(tested)
            errors.against_actuals(tested, currency)
            errors.error_by_week(tested)
            skill.skill(report, tested.best_baseline)
        forecast.draw_figures(trained.history, trained.forecast, report, currency=currency)
    assert len(statements) == (18 if tested is not None else 5)
    _all_right(trained, statements, headlines)
    # The digest states the same forecast.
    days = sorted(set(trained.forecast["forecast_date"].to_pylist()))
    # On the first day, on a later one, and when it has ended.
    for today, first in ((days[0], days[0]), (days[2], days[2]), (days[-1] + dt.timedelta(1), days[0])):
        of_digest = what_is_forecast(trained.shop.warehouse, currency, today)
        assert of_digest is not None
        assert_right(trained.shop, of_digest)
        assert of_digest.facts["next_date"] == first
        assert of_digest.facts["is_past"] is (today > days[-1]) is ("is past by now" in of_digest.text)


def _all_right(trained: Trained, statements: list[Statement], headlines: list[str]) -> None:
    for statement in statements:
        assert any(statement.text in text for text in headlines)
        assert_right(trained.shop, statement)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [({}, "title.past"), ({"mean": 3.0}, "alarm.errors"), ({"p10": 9.0, "p90": 9.0}, "alarm.intervals")],
)
def test_past_forecasts_are_recomputed(
    spoiled: dict[str, float], said: str, forecast_named: Callable[[str], Trained], headlines: list[str]
) -> None:
    trained = forecast_named("bakery")
    last = trained.history["sale_date"].max()
    assert trained.training.model is not None
    issued = score(
        trained.training.model, trained.history[trained.history["sale_date"] <= last - pd.Timedelta(days=21)]
    )
    for column, factor in spoiled.items():
        values = pa.array(issued[column].to_numpy() * factor)
        issued = issued.set_column(issued.schema.get_field_index(column), issued.schema.field(column), values)
    past = score_past_forecasts([issued], trained.history)
    trained.shop.warehouse.replace(FORECAST_ACCURACY, past)
    assert trained.training.backtest is not None
    promised = trained.training.backtest.metrics(trained.training.backtest.champion)["wape"]
    with recorded() as statements:
        accuracy.draw_figures(past, promised)
    assert [statement.name for statement in statements] == [f"forecast.{said}", "forecast.note.past"]
    _all_right(trained, statements, headlines)

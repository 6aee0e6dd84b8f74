"""What is advised about stock, recomputed from the sales of five shops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retail_assets.decisions.stock import history_of, notes, stock
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.tables import SALES_FORECAST
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording import check_stock  # noqa: F401  registers the checks
from retail_assets_tests.wording.calendars import days_of
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.forecasts import Trained
from retail_assets_tests.wording.shops import SHOPS


@pytest.mark.parametrize("name", SHOPS)
def test_the_advice_on_stock_is_recomputed(name: str, forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named(name)
    rows = trained.forecast.to_pylist()
    first, last = days_of(trained.shop)
    history = history_of(trained.history, trained.shop.country, rows)
    with recorded() as statements:
        entries = stock(rows, {}, trained.shop.currency, year=(last - first).days >= 364, history=history)
    assert entries
    assert " ".join(s.text for s in statements) == " ".join(entry["text"] for entry in entries)
    for statement in statements:
        assert_right(trained.shop, statement)


def test_a_forecast_that_has_seen_less_than_the_segments_is_noted(forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named("young")
    _, last = days_of(trained.shop)
    assert trained.training.model is not None
    seen = trained.history[trained.history["sale_date"] < trained.history["sale_date"].max()]
    stale = score(trained.training.model, seen)
    trained.shop.warehouse.replace(SALES_FORECAST, stale)
    try:
        with recorded() as statements:
            [note] = notes(stale.to_pylist(), last)
        [statement] = statements
        assert statement.text == note
        assert_right(trained.shop, statement)
    finally:
        trained.shop.warehouse.replace(SALES_FORECAST, trained.forecast)

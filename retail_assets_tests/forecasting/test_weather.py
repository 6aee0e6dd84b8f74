"""The backtest decides whether weather helps; it sees what was forecast by each cut-off, and nothing later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.data.regressors import NONE, Regressors, of_weather, read, together
from retail_assets.forecasting.lifecycle import record, weather_trial
from retail_assets.forecasting.lifecycle.retraining import reader
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import Training, train
from retail_assets.forecasting.lifecycle.weather_trial import train_where_optional_help
from retail_assets.forecasting.models.serialization import dumps
from retail_assets.tables import WEATHER
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.weather.issued import NAMES
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording import check_weather  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.weather_shop import WeatherShop, backtest_of, issued, none_issued, sales, shifted

#: One family that reads features, few cut-offs and a week: what is asked here needs no more.
FAST: dict[str, Any] = {
    "country": "US",
    "seed": 0,
    "horizon": 7,
    "candidates": ("gradient_boosting",),
    "most_cutoffs": 3,
}


def without_units(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="units")


@dataclass(frozen=True)
class Trial:
    """A training with weather, what it said, and trainings with weather and without in any case."""

    rows: pd.DataFrame
    training: Training
    statement: Statement
    plain: Training
    richer: Training

    @property
    def shop(self) -> Any:
        return WeatherShop(backtest_of(self.richer), backtest_of(self.plain))


def trial(effect: float, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Try weather on sales that follow it by so much. Each training is made once, and looked at."""
    rows = without_units(sales(effect))
    trained: list[Training] = []

    def looked_at(*args: Any, **options: Any) -> Training:
        trained.append(train(*args, **options))
        return trained[-1]

    monkeypatch.setattr(weather_trial, "train", looked_at)
    with recorded() as statements:
        training = train_where_optional_help(rows, regressors=issued(), **FAST)
    [statement] = [each for each in statements if each.name.startswith("weather.")]
    plain, richer = trained
    return Trial(rows, training, statement, plain, richer)


@pytest.fixture(scope="module")
def helped() -> Iterator[Trial]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield trial(0.06, monkeypatch)


def test_weather_that_helps_is_used_and_the_card_says_by_how_much(helped: Trial) -> None:
    found, model = helped.training.report["weather"], helped.training.model
    assert found["used"]
    assert found["with_weather"] < 0.8 * found["without"]
    assert model is not None
    assert model.regressors == NAMES
    assert helped.statement.text == found["in_words"]
    assert_right(helped.shop, helped.statement)
    card = record.model_card(helped.training, record.facts(helped.training, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    assert "## Weather" in card
    assert found["in_words"] in card


def test_weather_that_sales_do_not_follow_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = trial(0.0, monkeypatch)
    assert not tried.training.report["weather"]["used"]
    assert tried.training.model is not None
    assert tried.training.model.regressors == ()
    assert_right(tried.shop, tried.statement)


def test_what_became_known_after_a_cutoff_changes_nothing_of_its_backtest(helped: Trial) -> None:
    """Measured weather, and forecasts issued on the day itself or later, are not what a forecast could know."""
    leaking = backtest_of(train(helped.rows, regressors=issued(known_late=True), **FAST))
    honest = backtest_of(helped.richer)
    assert leaking.cutoffs == honest.cutoffs
    for name, forecasts in honest.forecasts.items():
        np.testing.assert_array_equal(leaking.forecasts[name], forecasts)


@pytest.mark.parametrize("weather", [shifted(issued(error=0.0), 30), none_issued()], ids=["too late", "none"])
def test_weather_that_was_not_known_in_time_is_not_tried(
    helped: Trial, weather: Regressors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best weather, known a month later; or a service that has been away from the beginning."""
    monkeypatch.setattr(weather_trial, "train", lambda *args, **options: helped.plain)
    training = train_where_optional_help(helped.rows, regressors=weather, **FAST)
    assert not training.report["weather"]["used"]
    assert "none was issued early enough" in training.report["weather"]["in_words"]


def test_a_service_that_is_away_stops_no_forecast_of_a_model_that_knows_weather(helped: Trial) -> None:
    assert helped.training.model is not None
    rows = score(helped.training.model, helped.rows, regressors=none_issued())
    assert rows.num_rows == 3 * FAST["horizon"]
    assert np.isfinite(rows["mean"].to_numpy()).all()


def test_a_model_without_weather_is_read_where_weather_is_on_and_one_with_it_not_where_it_is_off(
    helped: Trial,
) -> None:
    plain, richer = helped.plain.model, helped.richer.model
    assert plain is not None
    assert richer is not None
    assert reader(issued())(dumps(plain)).regressors == ()
    learned = dumps(richer)
    assert reader(issued())(learned).regressors == NAMES
    assert score(plain, helped.rows, regressors=issued()).equals(score(plain, helped.rows, regressors=NONE))
    with pytest.raises(ModelFileError, match="weather_temperature"):
        reader(NONE)(learned)
    with pytest.raises(ModelFileError, match="weather_temperature"):
        score(richer, helped.rows, regressors=NONE)


def test_required_events_stay_required_beside_weather() -> None:
    events = read("date,name\n2024-05-01,promo\n", "events.csv")
    both = together(events, issued())
    assert both.names == ("promo", *NAMES)
    assert both.optional == NAMES
    assert both.without_optional().names == ("promo",)
    assert both.of_names(NAMES) is None
    assert both.of_names(("promo", "other")) is None


def test_the_table_is_read_with_its_days_of_issue_and_may_be_missing(tmp_path: Any) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", "shop")
    warehouse.replace(WEATHER, WEATHER.arrow_schema().empty_table())
    empty = of_weather(warehouse)
    assert (empty.names, empty.optional, [len(days) for days in empty.days]) == (NAMES, NAMES, [0, 0])
    missing = of_weather(DuckDBWarehouse(tmp_path / "none.duckdb", "shop"))
    assert (missing.names, missing.digest) == (NAMES, empty.digest)
    row = {"date": pd.Timestamp("2024-05-03").date(), "name": NAMES[1], "known_on": pd.Timestamp("2024-05-01").date()}
    rows = [{**row, "value": 2.5, "forecast": 20.0, "usual": 17.5, "latitude": 1.0, "longitude": 2.0}]
    warehouse.replace(WEATHER, pa.Table.from_pylist(rows, schema=WEATHER.arrow_schema()))
    values = of_weather(warehouse)
    origins = np.array(["2024-04-30", "2024-05-01"], dtype="datetime64[D]")
    targets = np.full((2, 1), np.datetime64("2024-05-03"))
    assert values.as_known(origins, targets)[:, 0, 1].tolist() == [0.0, 2.5]
    assert values.digest == empty.digest

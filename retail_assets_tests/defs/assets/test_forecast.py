"""The forecast's assets over days: train, keep, score past forecasts, retrain; and the commands over the store."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from typer.testing import CliRunner

from retail_assets import settings as settings_module
from retail_assets.cli.app import app
from retail_assets.defs.assets.forecast import forecast_assets
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_CATEGORY_SALES, Column, Table
from retail_assets_tests.defs.assets.undrawn import leave_pictures_out
from retail_assets_tests.forecasting.sales_histories import history, noisy_week
from retail_assets_tests.segmentation.shoppers import fill, line

DAY = {"a": noisy_week(100, seed=1), "b": noisy_week(50, seed=2)}


def sell(platform: Platform, days: int) -> None:
    """The warehouse as it stands after so many days."""
    rows = history(days, DAY).to_dict("records")
    for row in rows:
        row["revenue"] = Decimal(row["revenue"]).quantize(Decimal("0.01"))
    table = pa.Table.from_pylist(rows, schema=DAILY_CATEGORY_SALES.arrow_schema())
    platform.warehouse.replace(DAILY_CATEGORY_SALES, table)


def run(platform: Platform, *, retrain: bool = False) -> dict[str, dict[str, Any]]:
    """Materialize the forecast; metadata by asset."""
    assets = [asset for asset in forecast_assets(platform) if "transaction" not in asset.key.to_user_string()]
    config = {"ops": {"forecast_backtest": {"config": {"retrain": True}}}} if retrain else None
    done = dg.materialize(assets, run_config=config, instance=dg.DagsterInstance.ephemeral())
    assert done.success
    events = done.get_asset_materialization_events()
    return {
        event.asset_key.to_user_string(): {k: getattr(v, "value", v) for k, v in event.materialization.metadata.items()}
        for event in events
        if event.asset_key
    }


def forecast(platform: Platform) -> list[dict[str, Any]]:
    return platform.warehouse.query("SELECT * FROM sales_forecast ORDER BY product_category, forecast_date").to_pylist()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("shop")
    return {"RETAIL_HOME": str(home / "home"), "RETAIL_OUTPUT": str(home / "output")}


@pytest.fixture(scope="module")
def days(environment: dict[str, str]) -> list[dict[str, dict[str, Any]]]:
    """Metadata of four runs: the first, the same again, three days later, and one on demand."""
    platform = Platform(settings_module.load(environment))
    sell(platform, 40)
    metadata = [run(platform)]
    before = forecast(platform)
    metadata.append(run(platform))
    assert forecast(platform) == before, "the same sales again must not be another forecast"
    sell(platform, 43)
    metadata += [run(platform), run(platform, retrain=True)]
    return metadata


def test_the_first_run_trains_and_the_next_keep_the_model(days: list[dict[str, dict[str, Any]]]) -> None:
    assert [day["forecast_backtest"]["trained"] for day in days] == [True, False, False, True]
    contents = [day["forecast_backtest"]["content"] for day in days]
    assert contents[0] == contents[1] == contents[2], "a training that is not due changes nothing"
    assert days[0]["forecast_backtest"]["reason"] == "no model is in use"
    assert days[3]["forecast_backtest"]["reason"] == "on demand"
    versions = [day["sales_forecast"]["model_version"] for day in days]
    assert versions[0] == versions[1] == versions[2] != versions[3]


def test_past_forecasts_are_scored_when_their_days_have_come(days: list[dict[str, dict[str, Any]]]) -> None:
    assert [day["forecast_accuracy"]["dagster/row_count"] for day in days] == [0, 0, 9, 9]


def test_reports_and_pictures_are_published(days: list[Any], environment: dict[str, str]) -> None:
    output = Path(environment["RETAIL_OUTPUT"])
    assert json.loads((output / "forecast/backtest.json").read_text())["evaluated"] is False
    assert (output / "forecast/model_card.md").read_text().startswith("# Forecast model: the same-weekday mean")
    names = {path.name for path in (output / "figures").iterdir()}
    assert names == {"forecast_total.png", "forecast_categories.png", "forecast_accuracy.png", "left_out.json"}


def test_the_command_line_shows_versions_and_moves_between_them(
    days: list[Any], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def models(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["models", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    first, second = json.loads(models("list", "--json"))
    assert (first["in_use"], second["in_use"]) == (False, True)
    assert f"* {second['version']}" in models("list")
    assert first["version"] in models("compare", first["version"], second["version"])
    assert f"In use again: {first['version']}" in models("rollback")
    assert f"In use: {second['version']}" in models("promote", second["version"], "--reason", "it is newer")
    shown = json.loads(models("show", "--json"))
    assert [move["by"] for move in shown["promotions"]] == ["contest", "contest", "rollback", "user"]
    assert "## Where it should not be trusted" in models("show", first["version"])


def test_no_sales_are_an_empty_forecast(environ: dict[str, str]) -> None:
    platform = Platform(settings_module.load(environ))
    platform.warehouse.replace(DAILY_CATEGORY_SALES, DAILY_CATEGORY_SALES.arrow_schema().empty_table())
    metadata = run(platform)
    assert metadata["sales_forecast"]["dagster/row_count"] == 0
    assert platform.model_store(FORECAST).champion() is None


def test_an_events_file_that_is_gone_is_reported(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "events.csv").touch()
    platform = Platform(settings_module.load(environ | {"RETAIL_EVENTS": str(tmp_path / "events.csv")}))
    (tmp_path / "events.csv").unlink()
    sell(platform, 20)
    with pytest.raises(dg.Failure, match=r"RETAIL_EVENTS=.*events.csv.* cannot be read: No such file"):
        run(platform)
    (tmp_path / "events.csv").write_text(f"date,name\n{dt.date(2023, 1, 15)},opening\n")
    assert run(platform)["sales_forecast"]["dagster/row_count"] == 3 * 28


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_pictures_out(monkeypatch)


def amounts(platform: Platform) -> dict[str, Any]:
    """Materialize `transaction_amounts`; its metadata."""
    assets = [asset for asset in forecast_assets(platform) if "transaction" in asset.key.to_user_string()]
    done = dg.materialize(assets, instance=dg.DagsterInstance.ephemeral())
    [event] = done.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def transact(platform: Platform, number: int) -> None:
    """A warehouse with so many sales."""
    prices = (5, 20, 75)
    lines = [
        line(f"t{at}", dt.date(2023, 1, 1) + dt.timedelta(days=at % 90), f"c{at % 7}", prices[at % 3])
        for at in range(number)
    ]
    fill(platform.warehouse, lines)


def test_amounts_are_measured_again_only_when_the_transactions_have_changed(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    fit = HistGradientBoostingRegressor.fit

    def counted(self: HistGradientBoostingRegressor, *arguments: Any, **options: Any) -> Any:
        fits.append(1)
        return fit(self, *arguments, **options)

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", counted)
    platform = Platform(settings_module.load(environ))
    transact(platform, 150)
    first = amounts(platform)
    assert first["measured"]
    assert (cross_validation := len(fits)) > 0
    published = platform.output.read("forecast/transaction_amounts.json")
    again = amounts(platform)
    assert not again["measured"]
    assert again["verdict"] == first["verdict"]
    assert len(fits) == cross_validation
    assert platform.output.read("forecast/transaction_amounts.json") == published
    transact(platform, 151)
    assert amounts(platform)["measured"]
    assert len(fits) == 2 * cross_validation
    platform.output.write("forecast/transaction_amounts.json", b"damaged")
    assert amounts(platform)["measured"]


@pytest.mark.usefixtures("no_pictures")
def test_damage_in_the_store_is_repaired_by_the_next_run(environ: dict[str, str]) -> None:
    platform = Platform(settings_module.load(environ))
    sell(platform, 40)
    version = run(platform)["sales_forecast"]["model_version"]
    before = forecast(platform)
    store, root = platform.model_store(FORECAST).store, platform.model_store(FORECAST).root
    store.write(f"{root}/versions/{version}/model.skops", b"garbage")
    store.write(f"{root}/issued/{before[0]['cutoff_date']}.parquet", b"garbage")
    metadata = run(platform)
    assert "the model in use cannot be used" in metadata["forecast_backtest"]["reason"]
    assert metadata["sales_forecast"]["model_version"] == version
    assert [row["mean"] for row in forecast(platform)] == [row["mean"] for row in before]
    store.write(f"{root}/champion.json", b"garbage")
    assert run(platform)["sales_forecast"]["model_version"] == version


@pytest.mark.usefixtures("no_pictures")
def test_a_rollback_stands_though_the_next_run_could_train_the_same_again(environ: dict[str, str]) -> None:
    platform = Platform(settings_module.load(environ))
    versions = []
    for length in (40, 47):
        sell(platform, length)
        versions.append(run(platform)["sales_forecast"]["model_version"])
    assert len(set(versions)) == 2
    promotion.rollback(platform.model_store(FORECAST), at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    metadata = run(platform)
    assert metadata["forecast_backtest"]["trained"] is False
    assert metadata["sales_forecast"]["model_version"] == versions[0]
    assert run(platform, retrain=True)["sales_forecast"]["model_version"] == versions[0]


@pytest.mark.usefixtures("no_pictures")
def test_weather_of_the_warehouse_is_read_and_a_new_day_of_it_makes_no_training_due(environ: dict[str, str]) -> None:
    platform = Platform(settings_module.load(environ | {"RETAIL_REGRESSORS": "weather"}))
    sell(platform, 40)
    with pytest.raises(dg.Failure, match=r"RETAIL_REGRESSORS='weather'.* has no such table"):
        run(platform)
    columns = {"date": "date", "name": "varchar(64)", "value": "double", "known_on": "date"}
    weather = Table(
        "weather", "rain", tuple(Column(n, kind, n, nullable=True) for n, kind in columns.items()), ("date",)
    )

    def measure(millimeters: float, *names: str) -> None:
        day, known = dt.date(2023, 3, 1), dt.date(2023, 2, 25)
        rows = [{"date": day, "name": name, "value": millimeters, "known_on": known} for name in names]
        platform.warehouse.replace(weather, pa.Table.from_pylist(rows, weather.arrow_schema()))

    measure(5.0, "rain")
    assert run(platform)["forecast_backtest"]["trained"] is True
    measure(7.0, "rain")
    assert run(platform)["forecast_backtest"]["trained"] is False
    measure(7.0, "rain", "snow")
    assert "other events" in run(platform)["forecast_backtest"]["reason"]


@pytest.mark.usefixtures("no_pictures")
def test_events_that_changed_are_learned_again_or_ignored_but_never_mistaken_for_others(
    environ: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.touch()
    platform = Platform(settings_module.load(environ | {"RETAIL_EVENTS": str(file)}))
    sell(platform, 110)
    file.write_text("date,name\n2023-03-01,promotion\n2023-04-05,promotion\n")
    first = run(platform)
    file.write_text("date,name\n2023-03-01,sale\n2023-04-05,promotion\n")
    second = run(platform)
    in_use = platform.model_store(FORECAST).manifest(second["sales_forecast"]["model_version"])
    events = [name for name in in_use.features if name in ("promotion", "sale")]
    assert in_use.features == [] or events == ["promotion", "sale"]
    assert first["sales_forecast"]["dagster/row_count"] == second["sales_forecast"]["dagster/row_count"] == 3 * 28

"""The asset of weather: off by default; with it on, a service that is away fails no run and is a warning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets.defs.assets.forecast import _events
from retail_assets.defs.assets.weather import USUAL, weather_assets
from retail_assets.defs.build import build_defs
from retail_assets.defs.checks.weather import weather_checks
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.settings.weather import WeatherSettings
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets.warehouse import marts
from retail_assets.weather import open_meteo
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.weather.open_meteo_server import OpenMeteoServer, open_meteo_server

FIRST, LAST = dt.date(2024, 4, 1), dt.date(2024, 6, 9)
TODAY = dt.date(2024, 6, 10)


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    with open_meteo_server(TODAY) as running:
        yield running


@pytest.fixture
def platform(settings: Settings, server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A shop that sold until yesterday."""
    monkeypatch.setattr(Settings, "today", lambda self: TODAY)
    monkeypatch.setattr(open_meteo, "_PAUSE", 0.0)
    platform = Platform(replace(settings, weather=WeatherSettings(39.1, -84.5, server.url)))
    fill(platform.warehouse, [line("1", str(FIRST), "1", 1), line("2", str(LAST), "1", 1)], "US")
    platform.warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return platform


def materialize(platform: Platform) -> tuple[dict[str, Any], dg.AssetCheckEvaluation]:
    result = dg.materialize([*weather_assets(platform), *weather_checks(platform)])
    assert result.success
    [check] = result.get_asset_check_evaluations()
    [made] = result.asset_materializations_for_node("weather")
    return {name: value.value for name, value in made.metadata.items()}, check


def test_it_is_off_by_default(settings: Settings) -> None:
    definitions = build_defs(settings)
    assert dg.AssetKey("weather") not in {spec.key for spec in definitions.resolve_all_asset_specs()}
    assert weather_checks(Platform(settings)) == []


def test_the_forecast_waits_for_it_where_it_is_on(platform: Platform) -> None:
    specs = {spec.key.to_user_string(): spec for spec in build_defs(platform.settings).resolve_all_asset_specs()}
    for name in ("forecast_backtest", "sales_forecast"):
        assert "weather" in [dep.asset_key.to_user_string() for dep in specs[name].deps]
    assert [dep.asset_key.to_user_string() for dep in specs["weather"].deps] == ["daily_category_sales"]


def test_a_run_fills_the_table_that_the_forecast_reads(platform: Platform, server: OpenMeteoServer) -> None:
    metadata, check = materialize(platform)
    assert check.passed
    assert metadata["dagster/row_count"] == metadata["rows_inserted_in_run"] == 71 * 7 * 2
    assert "problem" not in metadata
    assert platform.output.exists(USUAL)
    events = _events(platform)
    assert events.optional == events.names == ("weather_precipitation", "weather_temperature")
    assert len(events.days[0]) == 71 * 7
    again, _ = materialize(platform)
    assert again["rows_inserted_in_run"] == 0


@pytest.mark.parametrize("before", [True, False], ids=["once known", "never known"])
def test_a_service_that_is_away_is_a_warning_and_no_failure(
    platform: Platform, server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    if before:
        materialize(platform)
        monkeypatch.setattr(Settings, "today", lambda self: TODAY + dt.timedelta(days=3))
        fill(platform.warehouse, [line("3", str(LAST + dt.timedelta(days=3)), "1", 1)], "US")
        platform.warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    server.status = 503
    metadata, check = materialize(platform)
    assert "HTTP 503" in metadata["problem"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert not check.blocking
    if before:
        assert "2 days before the last day of sales. It reaches 5 of the 28 days" in str(check.description)
    else:
        assert "No weather forecast was issued by 9 Jun 2024" in str(check.description)
    assert _events(platform).names == ("weather_precipitation", "weather_temperature")


def test_the_key_is_in_no_metadata(platform: Platform, server: OpenMeteoServer, tmp_path: Path) -> None:
    server.status = 429
    secret = replace(platform.settings, weather=WeatherSettings(39.1, -84.5, server.url, "verysecretkey"))
    metadata, check = materialize(Platform(secret))
    assert "verysecretkey" not in f"{metadata} {check}"

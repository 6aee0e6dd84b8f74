"""Weather is kept as it was issued; a service that fails is a sentence, and what was known stays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from retail_assets.settings.weather import WeatherSettings
from retail_assets.weather import open_meteo
from retail_assets.weather.issued import NAMES, Update, update
from retail_assets.weather.open_meteo import OpenMeteo, WeatherUnavailableError
from retail_assets_tests.weather.open_meteo_server import OpenMeteoServer, open_meteo_server, temperature

TODAY = dt.date(2024, 6, 10)
FIRST = dt.date(2024, 3, 1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    with open_meteo_server(TODAY) as running:
        yield running


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_meteo, "_PAUSE", 0.0)


def settings(server: OpenMeteoServer, **changes: Any) -> WeatherSettings:
    return replace(WeatherSettings(39.1, -84.5, server.url), **changes)


def run(
    server: OpenMeteoServer,
    before: Update | None = None,
    today: dt.date = TODAY,
    first: dt.date = FIRST,
    last: dt.date | None = None,
    **of: Any,
) -> Update:
    server.today = today
    where = settings(server, **of)
    usual = before.usual.text().encode() if before and before.usual else None
    rows = before.rows if before else None
    client = OpenMeteo(where, "America/New_York")
    return update(rows, usual, client, where, first_day=first, last_day=last or today - DAY, today=today)


def by_key(rows: pa.Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {(row["date"], row["name"], row["known_on"]): row for row in rows.to_pylist()}


def test_the_first_run_takes_what_was_forecast_on_each_day_of_the_sales(server: OpenMeteoServer) -> None:
    found = run(server)
    assert found.problem is None
    rows = by_key(found.rows)
    issues = {known_on for _, _, known_on in rows}
    assert issues == {FIRST + DAY * n for n in range((TODAY - FIRST).days + 1)}
    assert {(day - on).days for day, _, on in rows} == set(range(1, 8))
    assert {name for _, name, _ in rows} == set(NAMES)
    assert len(rows) == found.added == len(issues) * 7 * 2
    for lead in (1, 4, 7):
        day = dt.date(2024, 5, 20)
        row = rows[day, "weather_temperature", day - DAY * lead]
        assert row["forecast"] == pytest.approx(temperature(day, lead), abs=1e-3)
        assert row["value"] == pytest.approx(row["forecast"] - row["usual"], abs=1e-3)


def test_differences_are_from_what_is_usual_before_the_sales(server: OpenMeteoServer) -> None:
    run(server)
    [archive] = [query for path, query in server.asked if path == "/v1/archive"]
    assert (archive["start_date"], archive["end_date"]) == ("2014-01-01", "2023-12-31")
    assert {query["timezone"] for _, query in server.asked} == {"America/New_York"}


def test_the_next_day_asks_for_the_new_forecast_alone(server: OpenMeteoServer) -> None:
    first = run(server)
    server.asked.clear()
    second = run(server, first, TODAY + DAY)
    assert [path for path, _ in server.asked] == ["/v1/forecast"]
    old, new = by_key(first.rows), by_key(second.rows)
    assert {key: new[key] for key in old} == old
    assert {on for _, _, on in new.keys() - old.keys()} == {TODAY + DAY}


def test_days_that_no_run_asked_on_are_filled_with_what_was_forecast_then(server: OpenMeteoServer) -> None:
    first = run(server)
    server.asked.clear()
    later = run(server, first, TODAY + 5 * DAY)
    new = by_key(later.rows).keys() - by_key(first.rows).keys()
    assert {on for _, _, on in new} == {TODAY + DAY * n for n in range(1, 6)}
    assert len(server.asked) == 2


def test_a_repeated_run_changes_nothing(server: OpenMeteoServer) -> None:
    first = run(server)
    again = run(server, first)
    assert again.added == 0
    assert again.rows.equals(first.rows)
    assert again.usual is not None
    assert first.usual is not None
    assert again.usual.text() == first.usual.text()


def test_what_the_archive_of_forecasts_lacks_is_left_out(server: OpenMeteoServer) -> None:
    server.oldest = dt.date(2024, 5, 1)
    found = run(server)
    assert found.problem is None
    assert min(on for _, _, on in by_key(found.rows)) == server.oldest
    server.asked.clear()
    run(server, found, TODAY + DAY)
    assert len(server.asked) == 1


def test_sales_that_begin_earlier_than_they_did_are_filled_and_compared_anew(server: OpenMeteoServer) -> None:
    first = run(server, first=dt.date(2024, 5, 1))
    assert min(on for _, _, on in by_key(first.rows)) == dt.date(2024, 5, 1)
    found = run(server, first, first=dt.date(2023, 12, 1))
    assert min(on for _, _, on in by_key(found.rows)) == dt.date(2024, 1, 1)
    assert found.usual is not None
    for (day, name, _), row in by_key(found.rows).items():
        assert row["usual"] == getattr(found.usual.of(day), name.removeprefix("weather_"))


def test_a_filling_that_breaks_off_is_finished_by_the_next_run(
    server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(server, first=dt.date(2024, 5, 1))
    issued, spans = OpenMeteo.issued, []

    def breaking(client: OpenMeteo, *span: dt.date) -> Any:
        spans.append(span)
        if len(spans) == 2:
            raise WeatherUnavailableError("gone")
        return issued(client, *span)

    monkeypatch.setattr(OpenMeteo, "issued", breaking)
    broken = run(server, first, first=dt.date(2023, 12, 1))
    assert (broken.problem, broken.usual) == ("gone", None)
    found = run(server, broken, first=dt.date(2023, 12, 1))
    assert found.problem is None
    issues = {on for _, _, on in by_key(found.rows)}
    assert issues == {dt.date(2024, 1, 1) + DAY * n for n in range((TODAY - dt.date(2024, 1, 1)).days + 1)}


def test_another_place_begins_anew(server: OpenMeteoServer) -> None:
    first = run(server)
    moved = run(server, first, latitude=48.1)
    assert {row["latitude"] for row in moved.rows.to_pylist()} == {48.1}
    assert moved.rows.num_rows == first.rows.num_rows


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_service_that_refuses_costs_nothing_that_was_known(server: OpenMeteoServer, status: int) -> None:
    first = run(server)
    server.status = status
    found = run(server, first, TODAY + DAY, api_key="verysecretkey")
    assert found.rows.equals(first.rows)
    assert f"HTTP {status}" in str(found.problem)
    assert "verysecretkey" not in str(found.problem)
    assert {query["apikey"] for _, query in server.asked if "apikey" in query} == {"verysecretkey"}


def test_a_service_that_stumbles_is_asked_again(server: OpenMeteoServer) -> None:
    server.failures = 2
    assert run(server).problem is None


def test_a_service_that_hangs_is_left_after_one_wait(server: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_meteo, "_SECONDS", 0.3)
    server.status = None
    found = run(server)
    assert (found.rows.num_rows, found.usual) == (0, None)
    assert "did not answer within 0.3 s" in str(found.problem)
    assert len(server.asked) == 1


def test_nobody_there(server: OpenMeteoServer) -> None:
    gone = replace(settings(server), url="http://127.0.0.1:9")
    found = update(None, None, OpenMeteo(gone, "UTC"), gone, first_day=FIRST, last_day=TODAY, today=TODAY)
    assert "127.0.0.1:9 cannot be reached" in str(found.problem)
    assert found.rows.num_rows == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"[]",
        b'{"daily": {"time": ["2014-01-01"], "temperature_2m_mean": [1e9], "precipitation_sum": [0]}}',
        b'{"daily": {"time": ["2014-01-01"], "temperature_2m_mean": [], "precipitation_sum": [0]}}',
        b'{"daily": {"time": ["soon"], "temperature_2m_mean": [1], "precipitation_sum": [0]}}',
        b'{"daily": {"time": ["2014-01-01"], "temperature_2m_mean": [NaN], "precipitation_sum": [0]}}',
        b'{"daily": {"time": ["2014-01-01"], "temperature_2m_mean": ["warm"], "precipitation_sum": [0]}}',
        b'{"daily": {"time": ["2014-01-01"], "temperature_2m_mean": [1.0], "precipitation_sum": [0]}}',
    ],
)
def test_an_answer_that_is_no_weather_is_a_problem(server: OpenMeteoServer, body: bytes) -> None:
    server.broken = body
    found = run(server)
    assert found.problem
    assert found.rows.num_rows == 0


def test_sales_that_end_before_forecasts_were_kept_have_none(server: OpenMeteoServer) -> None:
    found = run(server, first=dt.date(2017, 1, 1), last=dt.date(2017, 12, 31))
    assert (found.problem, found.rows.num_rows, server.asked) == (None, 0, [])


def test_sales_that_ended_get_what_was_issued_by_then(server: OpenMeteoServer) -> None:
    found = run(server, last=dt.date(2024, 4, 30))
    assert max(on for _, _, on in by_key(found.rows)) == dt.date(2024, 4, 30)
    server.asked.clear()
    run(server, found, last=dt.date(2024, 4, 30))
    assert server.asked == []


def test_open_meteos_own_addresses() -> None:
    free, paid = (OpenMeteo(WeatherSettings(1.0, 2.0, None, key), "UTC") for key in (None, "abc"))
    assert [free._address(service) for service in ("forecast", "previous", "archive")] == [
        "https://api.open-meteo.com/v1/forecast",
        "https://previous-runs-api.open-meteo.com/v1/forecast",
        "https://archive-api.open-meteo.com/v1/archive",
    ]
    assert paid._address("archive") == "https://customer-archive-api.open-meteo.com/v1/archive"
    assert "abc" not in repr(WeatherSettings(1.0, 2.0, None, "abc"))

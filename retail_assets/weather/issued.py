"""The table of weather forecasts as they were issued: what it holds, and what a run adds to it.

What was forecast on a day stays what a sales forecast of that day could know: no row is replaced. Days of issue that no
run asked on are filled from the archive of past forecasts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retail_assets.settings.weather import WeatherSettings
from retail_assets.tables import WEATHER
from retail_assets.weather import usual as usual_module
from retail_assets.weather.open_meteo import FIRST_ISSUED, Day, OpenMeteo, WeatherUnavailableError
from retail_assets.weather.usual import Usual

if TYPE_CHECKING:
    import pyarrow as pa

#: Names of the regressors. Differences from the usual, in °C and mm.
NAMES = ("weather_precipitation", "weather_temperature")
#: Days of issue per request: 30,000 values.
_CHUNK = 90
_DAY = dt.timedelta(days=1)
#: Sales that arrive so much later are still those of a shop that is open.
_LATE = dt.timedelta(days=31)

_Issue = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Update:
    """The rows of the table, and what is new.

    Attributes:
        rows: of `tables.WEATHER`, the old ones and the new ones.
        usual: what the values are differences from, to store; None where the next run has to ask for it.
        added: new rows.
        problem: why something is missing; None where nothing is.
    """

    rows: pa.Table
    usual: Usual | None
    added: int
    problem: str | None = None


def update(
    known: pa.Table | None,
    stored_usual: bytes | None,
    client: OpenMeteo,
    settings: WeatherSettings,
    *,
    first_day: dt.date,
    last_day: dt.date,
    today: dt.date,
) -> Update:
    """Add to the table what was issued since, and today's forecast. A service that fails is a problem in words.

    Args:
        known: the rows of the table; None without one.
        stored_usual: what an earlier run has stored of the usual weather.
        client: is asked.
        settings: the place; rows of another place are dropped.
        first_day: of the sales.
        last_day: of the sales. Where it is long ago, only what was issued by then is of use, and asked for.
        today: in shop time.
    """
    place = (settings.latitude, settings.longitude)
    rows = _of_place(known, place)
    first_year = first_day.year - usual_module.YEARS
    usual = usual_module.read(stored_usual, place, first_year)
    before, problem = len(rows), None
    is_live = FIRST_ISSUED <= today <= last_day + _LATE
    until = today if is_live else last_day + _DAY
    is_new = usual is None
    spans = _missing(rows, max(first_day, FIRST_ISSUED), until, earlier=is_new)
    try:
        if usual is None and (spans or is_live):
            usual = usual_module.ask(client, place, first_year)
            _compare(rows.values(), usual)
        if usual is not None:
            for first, last in spans:
                _add(rows, client.issued(first, last), usual, place)
            if is_live:
                _add(rows, {(day, today): weather for day, weather in client.forecast(today).items()}, usual, place)
    except WeatherUnavailableError as e:
        problem = str(e)
    if problem and is_new:
        usual = None  # the next run asks again, and for the days before those of the table
    return Update(_table(rows.values()), usual, len(rows) - before, problem)


def _of_place(known: pa.Table | None, place: tuple[float, float]) -> dict[tuple[dt.date, str, dt.date], dict[str, Any]]:
    rows = known.to_pylist() if known is not None else []
    return {
        (row["date"], row["name"], row["known_on"]): row for row in rows if (row["latitude"], row["longitude"]) == place
    }


def _missing(
    rows: Iterable[tuple[dt.date, str, dt.date]], first: dt.date, until: dt.date, *, earlier: bool
) -> list[_Issue]:
    """The days of issue before `until` that the table lacks, in spans of one request each.

    Those before its newest are asked for only with `earlier`, where the sales begin earlier than they did: what the
    service does not have, each run would ask for again.
    """
    known = {known_on for _, _, known_on in rows}
    start = first if earlier or not known else max(known) + _DAY
    wanted = [day for n in range((until - start).days) if (day := start + n * _DAY) not in known]
    spans: list[_Issue] = []
    for day in wanted:
        if spans and day - spans[-1][1] == _DAY and (day - spans[-1][0]).days < _CHUNK:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _compare(rows: Iterable[dict[str, Any]], usual: Usual) -> None:
    """Compare rows with what is usual by other years than before."""
    for row in rows:
        row["usual"] = getattr(usual.of(row["date"]), row["name"].removeprefix("weather_"))
        row["value"] = round(row["forecast"] - row["usual"], 3)


def _add(
    rows: dict[tuple[dt.date, str, dt.date], dict[str, Any]],
    issued: Mapping[_Issue, Day],
    usual: Usual,
    place: tuple[float, float],
) -> None:
    for (day, known_on), weather in issued.items():
        of_day = usual.of(day)
        for name in NAMES:
            forecast, normal = (getattr(each, name.removeprefix("weather_")) for each in (weather, of_day))
            rows.setdefault(
                (day, name, known_on),
                {
                    "date": day,
                    "name": name,
                    "known_on": known_on,
                    "value": round(forecast - normal, 3),
                    "forecast": round(forecast, 3),
                    "usual": normal,
                    "latitude": place[0],
                    "longitude": place[1],
                },
            )


def _table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    ordered = sorted(rows, key=lambda row: (row["date"], row["name"], row["known_on"]))
    return pa.Table.from_pylist(ordered, schema=WEATHER.arrow_schema())

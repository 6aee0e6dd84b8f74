"""Asks Open-Meteo, with a limit for every wait. What it does not answer, or answers wrongly, is one error in words.

Three of its services are used: the forecast of today, the forecasts of past days ("previous runs": what was predicted
for an hour 1 to 7 days before it), and the weather that was (the archive, for what is usual).
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.errors import RetailError
from retail_assets.settings.weather import WeatherSettings
from retail_assets.storage.deadline import within

#: Days between issue and forecast day for which past forecasts are kept there; today's is used as far, too.
LEADS = range(1, 8)
#: First day with past forecasts of most weather models.
FIRST_ISSUED = dt.date(2024, 1, 1)

_SERVICES = {"forecast": "api", "previous": "previous-runs-api", "archive": "archive-api"}
_PATHS = {"forecast": "v1/forecast", "previous": "v1/forecast", "archive": "v1/archive"}
_SECONDS = 10.0
_ATTEMPTS, _PAUSE = 3, 0.5
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_HOURLY = ("temperature_2m", "precipitation")
_DAILY = ("temperature_2m_mean", "precipitation_sum")
#: A day that the clock makes an hour shorter has all of its hours.
_FEWEST_HOURS = 23
#: °C and mm per hour or day; beyond, an answer is not weather.
_POSSIBLE = {"temperature": (-100.0, 70.0), "precipitation": (0.0, 3000.0)}


class WeatherUnavailableError(RetailError):
    """Open-Meteo did not answer, or not with weather; the message says what, without the key."""


@dataclass(frozen=True)
class Day:
    """The weather of a day: mean temperature in °C, precipitation in mm."""

    temperature: float
    precipitation: float


class OpenMeteo:
    """Open-Meteo for one place; days are those of the time zone."""

    def __init__(self, settings: WeatherSettings, timezone: str) -> None:
        self._settings, self._timezone = settings, timezone

    def forecast(self, today: dt.date) -> dict[dt.date, Day]:
        """Ask for the forecast of the days after `today`, as it is now."""
        found = self._hourly("forecast", today + dt.timedelta(days=1), today + dt.timedelta(days=LEADS[-1]), _HOURLY)
        return _days(found, *_HOURLY)

    def issued(self, first: dt.date, last: dt.date) -> dict[tuple[dt.date, dt.date], Day]:
        """Ask what was forecast on the days of issue from `first` to `last`: weather by forecast day and day of issue.

        A value of a lead was predicted so many times 24 hours before its hour. So a whole day of them was known at the
        end of the day that lies so many days before it, and that is its day of issue.
        """
        names = [f"{name}_previous_day{lead}" for lead in LEADS for name in _HOURLY]
        answered = self._hourly("previous", first + dt.timedelta(days=1), last + dt.timedelta(days=LEADS[-1]), names)
        known: dict[tuple[dt.date, dt.date], Day] = {}
        for lead in LEADS:
            for day, weather in _days(answered, *(f"{name}_previous_day{lead}" for name in _HOURLY)).items():
                on = day - dt.timedelta(days=lead)
                if first <= on <= last:
                    known[day, on] = weather
        return known

    def archive(self, first: dt.date, last: dt.date) -> dict[dt.date, Day]:
        """Ask for the weather that was."""
        answered = self._ask("archive", {**_span(first, last), "daily": ",".join(_DAILY)}, "daily", _DAILY)
        days: dict[dt.date, Day] = {}
        for day, temperature, precipitation in zip(answered["time"], *(answered[name] for name in _DAILY), strict=True):
            if temperature is not None and precipitation is not None:
                days[dt.date.fromisoformat(day)] = Day(temperature, precipitation)
        return days

    def _hourly(self, service: str, first: dt.date, last: dt.date, names: Sequence[str]) -> Mapping[str, list[Any]]:
        return self._ask(service, {**_span(first, last), "hourly": ",".join(names)}, "hourly", names)

    def _ask(self, service: str, query: Mapping[str, str], part: str, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return times and values of an answer, checked. Raises WeatherUnavailableError."""
        place = {"latitude": str(self._settings.latitude), "longitude": str(self._settings.longitude)}
        key = {"apikey": self._settings.api_key} if self._settings.api_key else {}
        content = self._answer(self._address(service), {**place, "timezone": self._timezone, **query, **key})
        try:
            answered = {name: list(content[part][name]) for name in ("time", *names)}
            count = len(answered["time"])
            for name in names:
                if len(answered[name]) != count or not all(map(_is_possible(name), answered[name])):
                    raise ValueError(name)
            for moment in answered["time"]:
                dt.datetime.fromisoformat(moment)
        except (KeyError, TypeError, ValueError) as e:
            raise WeatherUnavailableError(
                f"{self._host(service)} answered, but not with the weather that was asked for ({type(e).__name__}: "
                f"{str(e)[:60]})"
            ) from None
        return answered

    def _answer(self, address: str, query: Mapping[str, str]) -> Any:
        import requests

        host = address.split("/")[2]
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE * 2**attempt)
            try:
                got = within(_SECONDS, lambda: requests.get(address, params=query, timeout=_SECONDS))
                if got.ok:
                    return got.json()
                problem = f"{host} answered with HTTP {got.status_code}{self._reason(got)}"
                if got.status_code not in _TRANSIENT:
                    break
            except (TimeoutError, requests.Timeout):
                # Another attempt would wait as long; the next run tries again.
                raise WeatherUnavailableError(f"{host} did not answer within {_SECONDS:g} s") from None
            except requests.JSONDecodeError:
                problem = f"{host} answered, but not with JSON"
                break
            except requests.RequestException as e:
                problem = f"{host} cannot be reached ({type(e).__name__})"
        raise WeatherUnavailableError(problem)

    def _reason(self, got: Any) -> str:
        """The reason that Open-Meteo gives for a refusal, without the key."""
        try:
            text = " ".join(str(got.json()["reason"]).split())[:200]
        except (KeyError, TypeError, ValueError):
            return ""
        return f": {text.replace(self._settings.api_key, '***') if self._settings.api_key else text}"

    def _address(self, service: str) -> str:
        if self._settings.url:
            return f"{self._settings.url}/{_PATHS[service]}"
        customer = "customer-" if self._settings.api_key else ""
        return f"https://{customer}{_SERVICES[service]}.open-meteo.com/{_PATHS[service]}"

    def _host(self, service: str) -> str:
        return self._address(service).split("/")[2]


def _span(first: dt.date, last: dt.date) -> dict[str, str]:
    return {"start_date": first.isoformat(), "end_date": last.isoformat()}


def _days(answered: Mapping[str, list[Any]], temperature: str, precipitation: str) -> dict[dt.date, Day]:
    """Sum hours to days. A day of which an hour is not known is left out."""
    by_day: dict[dt.date, list[tuple[Any, Any]]] = {}
    for moment, warm, wet in zip(answered["time"], answered[temperature], answered[precipitation], strict=True):
        by_day.setdefault(dt.date.fromisoformat(moment[:10]), []).append((warm, wet))
    return {
        day: Day(math.fsum(warm for warm, _ in hours) / len(hours), math.fsum(wet for _, wet in hours))
        for day, hours in by_day.items()
        if len(hours) >= _FEWEST_HOURS and all(warm is not None and wet is not None for warm, wet in hours)
    }


def _is_possible(name: str) -> Any:
    low, high = _POSSIBLE["temperature" if name.startswith("temperature") else "precipitation"]
    return lambda value: (
        value is None or (isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high)
    )

"""The usual weather of each day of the year, from the ten years before the sales begin."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.weather.open_meteo import Day, OpenMeteo, WeatherUnavailableError

YEARS = 10
#: Days before and after of the same season that a day's usual weather is a mean of.
_WINDOW = 15
_LEAP = 2024
#: Below this share of days an archive is not one.
_FEWEST = 0.9


@dataclass(frozen=True)
class Usual:
    """The usual weather by month and day, of a place and of these years."""

    place: tuple[float, float]
    first_year: int
    days: Mapping[tuple[int, int], Day]

    def of(self, day: dt.date) -> Day:
        return self.days[day.month, day.day]

    def text(self) -> str:
        """Write it as JSON, the same each time."""
        days = {f"{m:02}-{d:02}": [day.temperature, day.precipitation] for (m, d), day in sorted(self.days.items())}
        return json.dumps({"place": self.place, "first_year": self.first_year, "years": YEARS, "days": days}, indent=1)


def read(data: bytes | None, place: tuple[float, float], first_year: int) -> Usual | None:
    """Read what `text` wrote; None if it is not there, damaged, or of another place or other years."""
    try:
        content = json.loads(data or b"")
        if (tuple(content["place"]), content["first_year"]) != (place, first_year):
            return None
        days = {(int(name[:2]), int(name[3:])): Day(*map(float, pair)) for name, pair in content["days"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Usual(place, first_year, days) if len(days) == 366 else None


def ask(client: OpenMeteo, place: tuple[float, float], first_year: int) -> Usual:
    """Compute it from the archive of the years from `first_year` on. Raises WeatherUnavailableError."""
    first, last = dt.date(first_year, 1, 1), dt.date(first_year + YEARS - 1, 12, 31)
    measured = client.archive(first, last)
    if len(measured) < _FEWEST * ((last - first).days + 1):
        raise WeatherUnavailableError(f"the archive has {len(measured)} days of the {YEARS} years from {first_year} on")
    calendar = [dt.date(_LEAP, 1, 1) + dt.timedelta(days=n) for n in range(366)]
    by_day: dict[tuple[int, int], list[Day]] = {(day.month, day.day): [] for day in calendar}
    for day, weather in measured.items():
        by_day[day.month, day.day].append(weather)
    days = {}
    for at, day in enumerate(calendar):
        near = [calendar[(at + n) % 366] for n in range(-_WINDOW, _WINDOW + 1)]
        values = [weather for each in near for weather in by_day[each.month, each.day]]
        days[day.month, day.day] = Day(
            round(math.fsum(v.temperature for v in values) / len(values), 3),
            round(math.fsum(v.precipitation for v in values) / len(values), 3),
        )
    return Usual(place, first_year, days)

"""Why an empty landing is expected: the source never lands on such a day, or never sells on the day that it would have.

What the landings do not show, the sales do: a year that landed at once has the days on which the shop was closed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from retail_assets.errors import NotReadyError
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.quiet_days import why_silent
from retail_assets.platform import Platform
from retail_assets.warehouse.protocol import Warehouse

#: Landings that show how many days after a sale it lands, and of how long ago at most.
_FEWEST_LANDINGS = 4
_RECENT_DAYS = 90


def expected_silence(
    platform: Platform, days: Iterable[dt.date], landed: Collection[dt.date] | None = None
) -> dict[dt.date, str]:
    """Return those of the empty landings that the source's own past explains, each with the reason.

    `landed` are the days that have landed, if they are known already; otherwise the raw store is listed.
    """
    empty = sorted(days)
    if not empty:
        return {}
    holidays = holidays_near(platform, empty)
    if landed is None:
        landed = landed_partitions(platform.raw, platform.source)
    expected = {day: why for day in empty if (why := why_silent(day, landed, holidays))}
    if rest := [day for day in empty if day not in expected]:
        with contextlib.suppress(NotReadyError):  # nothing has been loaded yet
            expected |= _without_sales(platform.warehouse, rest, holidays)
    return expected


def holidays_near(platform: Platform, days: list[dt.date]) -> Mapping[dt.date, str]:
    """Return the holidays of the country by day, from the year before the first of the days on."""
    from retail_assets.forecasting.data.calendar import holiday_calendar

    first = dt.date(min(days).year - 1, 1, 1)
    return holiday_calendar(platform.settings.contract.country, first, max(days)).names


def _without_sales(warehouse: Warehouse, days: list[dt.date], holidays: Mapping[dt.date, str]) -> dict[dt.date, str]:
    """Return the days of which the sales would be those of a day on which the source never sells."""
    since = max(days) - dt.timedelta(_RECENT_DAYS)
    rows = warehouse.query(
        "SELECT landed_on, max(sale_date) AS last_sale FROM sales_clean WHERE landed_on >= ? GROUP BY landed_on",
        [since],
    ).to_pylist()
    delays = Counter((row["landed_on"] - row["last_sale"]).days for row in rows)
    if len(rows) < _FEWEST_LANDINGS:
        return {}
    [(delay, landings)] = delays.most_common(1)
    if delay < 0 or landings * 2 < len(rows):
        return {}
    sold = {row["d"] for row in warehouse.query("SELECT DISTINCT sale_date AS d FROM sales_clean").to_pylist()}
    silent = {day: why_silent(day - dt.timedelta(delay), sold, holidays) for day in days}
    return {day: f"without sales {why}" for day, why in silent.items() if why}

"""Landings that are late by the source's own calendar: the weekdays on which it lands, its holidays, its time of day.

`landing/quiet_days.py` explains silent weekdays and holidays; here stands when a day that is expected is late.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from retail_assets.alerts.causes import Cause, Subject
from retail_assets.alerts.silence import expected_silence, holidays_near
from retail_assets.errors import RetailError
from retail_assets.lake.manifests import day_of
from retail_assets.landing.partitions import is_data, partition_folder
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_QUALITY
from retail_assets.wording.alerts import usual_landing
from retail_assets.wording.formats import day as in_words
from retail_assets.wording.formats import plural
from retail_assets.wording.statement import Statement

_DAY = dt.timedelta(days=1)
#: Days that are looked at; a landing that is missing for longer has been reported.
_LOOK_BACK = 14
#: A weekday is one on which the source lands if it did so in three of four of its last weeks, of two at least.
_WEEKS, _FEWEST_WEEKS, _OFTEN = 8, 2, 0.75
#: Landings that show the time of day; the latest tenth of them counts as late already, and two hours are granted.
_RECENT, _FEWEST_TIMES, _QUANTILE = 28, 5, 0.9
_GRACE = dt.timedelta(hours=2)
#: A file that is written later than this is a correction or a backfill, and says nothing about the time of day.
_LATEST = dt.timedelta(hours=48)
#: Gaps between landings that show the rhythm of a source that has no weekdays.
_GAPS, _FEWEST_GAPS = 20, 8
#: A source that has been silent for so long has ended, although nobody has set RETAIL_END_DATE.
_ENDED = dt.timedelta(days=60)
_USUAL = 8

#: What ends when a landing has come.
MEMBER = "late_landings"
Rows = Sequence[tuple[dt.date, int, Decimal]]


@dataclass(frozen=True)
class LateDay:
    """A day whose landing is late, and since when.

    Of a source without weekdays `longest_gap` is the number of days between two of its landings at most, and `landings`
    is how many of them show that; 0 where the source lands on such weekdays.
    """

    day: dt.date
    due: dt.datetime
    longest_gap: int = 0
    landings: int = 0


def late_days(
    now: dt.datetime,
    landed: Collection[dt.date],
    times: Mapping[dt.date, dt.datetime],
    landed_by: dt.time | None = None,
    silent: Callable[[list[dt.date]], Collection[dt.date]] = lambda days: (),
) -> list[LateDay]:
    """Return the days of the last two weeks that are late.

    Parameters
    ----------
    now
        The time, in the time zone of the shop.
    landed
        Days that have landed.
    times
        When the latest of them did.
    landed_by
        Time of day at which a day is late; learned from `times` if None.
    silent
        Of days, those on which nothing is expected.
    """
    if not landed:
        return []
    known, first = frozenset(landed), min(landed)
    candidates = [now.date() - n * _DAY for n in range(_LOOK_BACK, -1, -1)]
    missing = [day for day in candidates if day > first and day not in known and _lands_on(day, known, first)]
    allowed = _allowance(times, landed_by)
    late = [LateDay(day, due) for day in missing if (due := _midnight(day, now) + allowed) < now]
    if (
        not late
        and (irregular := _gap_is_over(now, known, allowed))
        and not any(_lands_on(day, known, first) for day in candidates)
    ):
        late = [irregular]
    expected = set(silent([item.day for item in late])) if late else set()
    return [item for item in late if item.day not in expected]


def _midnight(day: dt.date, now: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), now.tzinfo)


def _lands_on(day: dt.date, landed: frozenset[dt.date], first: dt.date) -> bool:
    before = [day - week * 7 * _DAY for week in range(1, _WEEKS + 1)]
    weeks = [date for date in before if date >= first]
    return len(weeks) >= _FEWEST_WEEKS and sum(date in landed for date in weeks) >= _OFTEN * len(weeks)


def _allowance(times: Mapping[dt.date, dt.datetime], landed_by: dt.time | None) -> dt.timedelta:
    """How long after the beginning of its day a landing is in time."""
    if landed_by is not None:
        return dt.timedelta(hours=landed_by.hour, minutes=landed_by.minute)
    delays = sorted(
        delay for day, at in times.items() if dt.timedelta(0) <= (delay := at - _midnight(day, at)) <= _LATEST
    )
    if len(delays) < _FEWEST_TIMES:
        return _LATEST
    return delays[math.ceil(_QUANTILE * len(delays)) - 1] + _GRACE


def _gap_is_over(now: dt.datetime, landed: frozenset[dt.date], allowed: dt.timedelta) -> LateDay | None:
    days = sorted(landed)[-_GAPS - 1 :]
    gaps = [(b - a).days for a, b in itertools.pairwise(days)]
    if len(gaps) < _FEWEST_GAPS:
        return None
    day = days[-1] + (max(gaps) + 1) * _DAY
    due = _midnight(day, now) + allowed
    return LateDay(day, due, max(gaps), len(days)) if due < now <= due + _ENDED else None


def usual(day: dt.date, rows: Rows, currency: str) -> Statement | None:
    """Return what the latest landings on the weekday of `day` had, of landing days with clean rows and their money."""
    same = [(n, money) for on, n, money in sorted(rows) if on < day and on.weekday() == day.weekday() and n][-_USUAL:]
    if not same:
        return None
    return usual_landing(
        weekday=day.weekday(),
        landings=len(same),
        lines=sum(n for n, _ in same) / len(same),
        revenue=float(sum(money for _, money in same)) / len(same),
        currency=currency,
    )


def late_landings(platform: Platform, now: dt.datetime, landed_by: dt.time | None) -> list[Cause]:
    """Return a cause for the landings that are late now, if any.

    Raises StorageError for the raw store. A source that has ended (RETAIL_END_DATE) is never late.
    """
    settings = platform.settings
    shop = now.astimezone(ZoneInfo(settings.contract.timezone))
    landed, times = _landed(platform, shop.tzinfo)

    def silent(days: list[dt.date]) -> Collection[dt.date]:
        return expected_silence(platform, days, sorted(landed))

    end = settings.end_date
    late = [
        item
        for item in late_days(shop, landed, times, landed_by, silent)
        if item.day >= settings.start_date and (end is None or item.day <= end)
    ]
    if not late:
        return []
    names = holidays_near(platform, [item.day for item in late])
    rows = _quality(platform)
    subjects = tuple(
        Subject(item.day.isoformat(), str(usual(item.day, rows, settings.contract.currency) or "")) for item in late
    )
    latest = late[-1]
    holiday = f" It is {names[latest.day]}." if latest.day in names else ""
    return [
        Cause(
            kind="landing-late",
            key="landing-late",
            title=f"No landing since {in_words(max(landed))}"
            if latest.longest_gap
            else f"No landing of {in_words(latest.day)} yet",
            reason=f"{_why_expected(platform.source, latest)} by {latest.due:%H:%M} of "
            f"{in_words(latest.due.date())} in shop time.{holiday}",
            todo=f"Ask who delivers it. Files belong in {platform.raw.uri}/"
            f"{partition_folder(platform.source, latest.day)}/. If nothing is to come, the alert ends by itself.",
            subjects=subjects,
            member=MEMBER,
            severity="warning",
        )
    ]


def _why_expected(source: str, late: LateDay) -> str:
    if not late.longest_gap:
        return f"{source} lands on such days, and was expected"
    return (
        f"{source} lands on no fixed weekdays; between its last {late.landings} landings there were at most "
        f"{plural(late.longest_gap, 'day')}, and the next one was expected"
    )


def _landed(platform: Platform, zone: dt.tzinfo | None) -> tuple[set[dt.date], dict[dt.date, dt.datetime]]:
    """The days that have landed, by one listing of folders; and when, of the latest, by a listing of each."""
    days = {day for day in map(day_of, platform.raw.folders(platform.source)) if day is not None}
    times: dict[dt.date, dt.datetime] = {}
    for day in sorted(days)[-_RECENT:]:
        files = [file for file in platform.raw.list(partition_folder(platform.source, day)) if is_data(file.key)]
        if not files:
            days.discard(day)  # a folder without files is no landing
        elif all(file.modified is not None for file in files):
            # The first file: a later one corrects it.
            times[day] = dt.datetime.fromtimestamp(min(file.modified or 0.0 for file in files), zone)
    return days, times


def _quality(platform: Platform) -> Rows:
    try:
        found = platform.warehouse.query(
            f"SELECT landed_on, clean, clean_amount FROM {DAILY_QUALITY.name} ORDER BY landed_on DESC LIMIT 120"
        ).to_pylist()
    except RetailError:  # busy, or not made yet: the alert goes out without it
        return []
    return [(row["landed_on"], int(row["clean"]), row["clean_amount"]) for row in found]

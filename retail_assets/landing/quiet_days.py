"""Days on which a source is silent by its own past: a weekday on which it never lands, a holiday on which it rests.

The rule for weekdays is that of the forecast for closed ones: silent eight times in a row, where chance would hardly do
that. A holiday is silent where it was so the year before, on the same day after it: a file may land a day or two later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from retail_assets.wording.formats import WEEKDAYS

_WEEK = 7
_SILENT_WEEKS = 8
_CHANCE = 1e-4
#: Days after a holiday on which its sales may land.
_LATEST = 2
#: The source was at work on that holiday: so many days before and after, at least half of them not silent.
_AROUND = 10


def why_silent(day: dt.date, active: Collection[dt.date], holidays: Mapping[dt.date, str]) -> str | None:
    """Return why nothing is expected on a day, as the rest of a sentence; None if something is.

    Parameters
    ----------
    day
        The day without anything.
    active
        The days with something, before and after it.
    holidays
        Names of public holidays by day, of that year and the one before.

    >>> weekdays = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(90) if n % 7 < 6]
    >>> why_silent(dt.date(2024, 3, 31), weekdays, {})
    'as on the 8 Sundays before'
    """
    known = frozenset(active)
    if _is_weekday_off(day, known):
        return f"as on the {_SILENT_WEEKS} {WEEKDAYS[day.weekday()]}s before"
    for later in range(_LATEST + 1):
        name = holidays.get(day - dt.timedelta(later))
        if name is None:
            continue
        before = [h + dt.timedelta(later) for h, other in holidays.items() if other == name and h.year == day.year - 1]
        if any(_is_silent_amid_others(then, known) for then in before):
            return f"as {('on', 'a day after', 'two days after')[later]} {name} a year ago"
    return None


def _is_weekday_off(day: dt.date, active: frozenset[dt.date]) -> bool:
    """Whether the same weekday was silent eight times in a row, on which chance would hardly agree."""
    first = day - dt.timedelta(_SILENT_WEEKS * _WEEK)
    if not any(known < first for known in active):
        return False
    by_weekday = [
        sum(first + dt.timedelta(week * _WEEK + n) in active for week in range(_SILENT_WEEKS)) / _SILENT_WEEKS
        for n in range(_WEEK)
    ]
    others = [share for share in by_weekday[1:] if share > 0]
    if by_weekday[0] or not others:
        return False
    return bool((1 - sum(others) / len(others)) ** _SILENT_WEEKS < _CHANCE)


def _is_silent_amid_others(day: dt.date, active: frozenset[dt.date]) -> bool:
    around = [day + dt.timedelta(n) in active for n in range(-_AROUND, _AROUND + 1) if n]
    return day not in active and sum(around) >= len(around) / 2

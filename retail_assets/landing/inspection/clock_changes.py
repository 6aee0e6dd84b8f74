"""Time stamps in hours that a change of the clock skips or repeats: they are counted, with examples.

Such an hour has a defined meaning (docs/contracts.md), but a time that never was on a clock is a sign that the time
stamps are in another zone than the contract says.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from retail_assets.contracts.date_formats import THREE_NUMBERS, day_of, has_clock, leading_date
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.moments import moment
from retail_assets.contracts.typing_sql.offsets import OFFSET
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.profile import ClockChanges, FileProfile
from retail_assets.landing.inspection.control_totals import rows_of
from retail_assets.landing.inspection.date_order import DateEvidence
from retail_assets.landing.inspection.duckdb_source import connected
from retail_assets.storage import Store

_FIRST, _LAST = 1990, 2060


@dataclass(frozen=True)
class ChangedHour:
    """A span of local time, from `begin` up to `end`, that the clock skipped or showed twice."""

    begin: dt.datetime
    end: dt.datetime
    skipped: bool


@functools.cache
def changed_hours(zone: str) -> tuple[ChangedHour, ...]:
    """Return the spans of local time that a zone skipped or repeated since 1990.

    >>> str(next(hour for hour in changed_hours("Europe/Berlin") if hour.begin.year == 2026).begin)
    '2026-03-29 02:00:00'
    """
    local, hours = ZoneInfo(zone), []
    day = dt.datetime(_FIRST, 1, 1, tzinfo=dt.UTC)
    while day.year < _LAST:
        after = day + dt.timedelta(days=1)
        if _offset(day, local) != _offset(after, local):
            low, high = day, after
            while high - low > dt.timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (low, middle) if _offset(middle, local) != _offset(day, local) else (middle, high)
            change = high.replace(second=0, microsecond=0, tzinfo=None)
            begin, end = sorted((change + _offset(day, local), change + _offset(after, local)))
            hours.append(ChangedHour(begin, end, _offset(after, local) > _offset(day, local)))
        day = after
    return tuple(hours)


def _offset(moment: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
    return moment.astimezone(zone).utcoffset() or dt.timedelta()


def columns_as_written(contract: Contract, profile: FileProfile) -> TextColumns:
    """Return the columns of a file whose `moment` is the local time as it is written, in no zone."""
    dates = contract.dates.model_copy(update={"zone": None})
    return TextColumns(
        contract.model_copy(update={"timezone": "UTC", "dates": dates}), profile.positions, profile.date_order
    )


def clock_changes(
    store: Store,
    profile: FileProfile,
    contract: Contract,
    dates: DateEvidence,
    *,
    totals: Sequence[str] = (),
    texts: pa.Table | None = None,
) -> ClockChanges:
    """Count the time stamps without an offset that fall into a changed hour. Files without such days are not read.

    Nothing is counted where each row names its own zone, or where DuckDB cannot read the file.
    """
    import duckdb

    hours = changed_hours(contract.dates.zone or contract.timezone)
    on_changed_days = _written_on({hour.begin.date() for hour in hours}, dates.timed)
    others = any(has_clock(f) and leading_date(f) is None for f in contract.dates.formats)
    others |= contract.dates.serial in ("excel_1900", "excel_1904")
    if not hours or contract.columns["sold_at"].zone or not (on_changed_days or others):
        return ClockChanges()
    columns = columns_as_written(contract, profile)
    text = columns.moment_text()
    # On the text as read: DuckDB would trim the text of every row once for each mention of it.
    begins = "|".join(dict.fromkeys(re.escape(written) for written, _ in on_changed_days))
    raw = columns.raw_position(contract.columns["sold_at"].header or "")
    begin = literal('^[ \t="]*(?:' + begins + ")")
    on_days = "TRUE" if others else f"regexp_matches(c{raw}, {begin})"
    local = f"NOT regexp_matches({text}, {literal(f':.*{OFFSET}$')})"
    serial = contract.dates.serial
    if serial and serial.startswith("unix"):
        local += f" AND contains({text}, ':')"
    kinds = " ".join(
        f"WHEN local >= TIMESTAMP '{hour.begin}' AND local < TIMESTAMP '{hour.end}' THEN {hour.skipped}"
        for hour in hours
        if others or hour.begin.date() in {day for _, day in on_changed_days}
    )
    with connected(store) as con:
        trimmed = columns.trimmed(trim=True, missing=False)
        try:
            source = rows_of(con, store, profile, totals, texts)
            found = con.execute(f"""
                WITH days AS MATERIALIZED (
                    SELECT {trimmed} FROM {source} WHERE {on_days}
                ),
                written AS MATERIALIZED (SELECT {text} AS written, {moment(columns)} AS local FROM days WHERE {local})
                SELECT CASE {kinds} END AS skipped, count(*), min(written) FROM written
                WHERE contains(written, ':') OR CAST(local AS TIME) <> TIME '00:00:00'
                GROUP BY 1""").fetchall()
        except (duckdb.Error, UnicodeError):  # the control totals say why
            return ClockChanges()
    counts = {skipped: (rows, example) for skipped, rows, example in found}
    none: tuple[int, str | None] = (0, None)
    return ClockChanges(*counts.get(True, none), *counts.get(False, none))


def _written_on(days: set[dt.date], written: Collection[str]) -> list[tuple[str, dt.date]]:
    """Return written dates that may be one of the days, in an order of day, month and year, each with that day."""
    found = []
    for text in sorted(written):
        match = re.match(THREE_NUMBERS, text)
        numbers = (match[1], match[3], match[5]) if match else ("", "", "")
        orders = ("ymd", "ydm") if len(numbers[0]) == 4 else ("dmy", "mdy", "ymd")
        read = [day_of(numbers, order) for order in orders] if match else []
        found += [(text, day) for day in read if day in days]
    return found

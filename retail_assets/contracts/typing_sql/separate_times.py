"""SQL for dates whose time of day, or time zone, is in a column of its own."""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

from retail_assets.contracts.sections import Serial
from retail_assets.contracts.typing_sql.literals import literal

_MIDNIGHT = r"[ T](?:00:00(?::00(?:[.]0+)?)?|12:00(?::00)? ?(?i:am))$"
#: The day that spreadsheets and databases put before a time that has none.
_NO_DAY = r"^(?:1899-12-3[01]|1900-01-0[01]|1904-01-01|1970-01-01)[ T]"
_OFFSET = r"(?i:utc|gmt|z)?(?:([+-])(0?\d|1[0-4]):?([0-5]\d)?)?"


def joined(date: str, time: str, serial: Serial | None) -> str:
    """Return SQL for one text of a date and a time; the date alone where there is no time.

    Midnight behind the date, and a day that means nothing before the time, are left out: programs write them where a
    column holds time stamps. Parts of a day are put behind the number of days.
    """
    day = f"regexp_replace({date}, {literal(_MIDNIGHT)}, '')"
    clock = f"regexp_replace({time}, {literal(_NO_DAY)}, '')"
    text = f"{day} || ' ' || {clock}"
    if serial and serial.startswith("excel"):
        days = f"regexp_extract({date}, '^(\\d{{1,6}})(?:[.,]0+)?$', 1)"
        part = f"regexp_extract({time}, '^0?[.,](\\d+)$', 1)"
        text = f"CASE WHEN {days} <> '' AND {part} <> '' THEN {days} || '.' || {part} ELSE {text} END"
    return f"CASE WHEN {time} IS NULL THEN {date} ELSE {text} END"


def in_zone_of_column(local: str, zone: str, otherwise: str, shop: str, contract_zone: str | None) -> str:
    """Return SQL for the shop time of a local time in the zone that a text names; NULL if it names none.

    A zone is an offset (`+02:00`, `UTC-5`, `Z`), a name such as Europe/Berlin, or an abbreviation that is in use in the
    shop's zone or in the contract's: elsewhere they mean several zones. `otherwise` stands where the text is missing.
    """
    sign, hours, minutes = (f"regexp_extract({zone}, {literal(f'^{_OFFSET}$')}, {i})" for i in (1, 2, 3))
    size = f"coalesce(try_cast({hours} AS INTEGER), 0) * 60 + coalesce(try_cast({minutes} AS INTEGER), 0)"
    shifted = f"{local} - to_minutes(CASE WHEN {sign} = '-' THEN -1 ELSE 1 END * ({size}))"
    names = f"[{', '.join(map(literal, _names()))}]"
    in_utc = f"timezone({literal(shop)}, timezone('UTC', {shifted}))"
    cases = [
        f"WHEN {zone} IS NULL THEN {otherwise}",
        f"WHEN regexp_full_match({zone}, {literal(_OFFSET)}) THEN {in_utc}",
        f"WHEN list_contains({names}, {zone}) THEN timezone({literal(shop)}, timezone({zone}, {local}))",
    ]
    for name, offset in _abbreviations(shop, contract_zone or shop).items():
        moved = f"{local} - to_minutes({offset})"
        cases.append(f"WHEN {zone} = {literal(name)} THEN timezone({literal(shop)}, timezone('UTC', {moved}))")
    return f"CASE {' '.join(cases)} END"


@functools.cache
def _names() -> tuple[str, ...]:
    """Return the names of zones that DuckDB knows. Any other would stop the whole query."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as con:
        names = con.sql("SELECT name FROM pg_timezone_names() WHERE contains(name, '/') ORDER BY name").fetchall()
    return tuple(name for (name,) in names)


def _abbreviations(*zones: str) -> dict[str, int]:
    """Return the abbreviations of some zones in winter and summer, with their minutes from UTC."""
    found: dict[str, int] = {}
    for zone in zones:
        for month in (1, 7):
            moment = dt.datetime(2025, month, 1, tzinfo=ZoneInfo(zone))
            name, offset = moment.tzname() or "", moment.utcoffset() or dt.timedelta()
            if name.isalpha() and name not in ("UTC", "GMT"):
                found.setdefault(name, int(offset.total_seconds() // 60))
    return found

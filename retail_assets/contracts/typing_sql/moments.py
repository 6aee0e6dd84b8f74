"""SQL for the moment of sale: dates and times of many formats, in shop time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retail_assets.contracts.date_formats import has_clock, has_offset
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.named_dates import has_names, in_english
from retail_assets.contracts.typing_sql.offsets import OFFSET, instant, with_offset_in_digits
from retail_assets.contracts.typing_sql.separate_times import in_zone_of_column
from retail_assets.contracts.typing_sql.serial_dates import excel_moment, unix_moment
from retail_assets.contracts.typing_sql.text_columns import TextColumns

#: The `date_order` of a file whose dates are typed (Parquet): they become ISO 8601, and no format is asked.
TYPED = "typed"
#: Four digits of the year first; a time, if any, of hours and minutes at least. DuckDB's own cast reads more than that,
#: and not all of it correctly: it takes the PM of `2024-01-05 10:00 PM` for the name of a time zone and drops it.
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?)?"
_ISO_WITH_OFFSET = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?" + OFFSET
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")
#: The times that ISO 8601 has, also with an offset: a format of a day that replaces ISO 8601 is read with them too.
_ISO_CLOCKS = [f"{mark}{clock}" for mark in " T" for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")]
_WITH_ISO_CLOCKS = (*_CLOCKS, *_ISO_CLOCKS, *(f"{clock}{z}" for clock in _ISO_CLOCKS for z in ("%z", " %z")))


def moment(columns: TextColumns) -> str:
    """Return SQL for the moment of sale in shop time, a TIMESTAMP.

    A format that reads a text differently from ISO 8601 or from the order of numeric dates comes first; then ISO 8601,
    numeric dates, the other formats and numbers. Local hours that a change of the clock skips count as the hour after,
    those that occur twice as the second (DuckDB's `timezone`).
    """
    text = columns.moment_text()
    separate = columns.contract.columns["sold_at"].time is not None
    rule, typed = columns.contract.dates, columns.date_order == TYPED
    shop = literal(columns.contract.timezone)
    # Two common lengths are recognized by their shape; a text of ten characters that DuckDB reads is a date.
    to_the_second = f"strlen({text}) = 19 AND substr({text}, 14, 1) = ':' AND substr({text}, 17, 1) = ':'"
    plain = f"(strlen({text}) = 10 OR ({to_the_second}))"
    iso = f"CASE WHEN {plain} OR regexp_full_match({text}, {literal(_ISO)}) THEN try_cast({text} AS TIMESTAMP) END"
    overriding = {} if typed else rule.overriding()
    readings = [_in_shop_time(columns, iso, f"contains({text}, ':')")]
    if separate:
        readings.append(_in_shop_time(columns, _iso_with_half(text)))
    if not typed:
        if order := rule.day_month_order or columns.date_order:
            readings.append(_in_shop_time(columns, _numeric_date(text, order), f"contains({text}, ':')"))
        others = [f for f in rule.formats if f not in overriding]
        readings += _formats(columns, text, _with_clocks(others) if separate else others)
        readings += _serial(columns, text)
    with_offset = f"strlen({text}) > 10 AND NOT {plain} AND regexp_full_match({text}, {literal(_ISO_WITH_OFFSET)})"
    cases = [f"WHEN {with_offset} THEN timezone({shop}, {instant(text)})"]
    if overriding:
        shapes = "|".join(dict.fromkeys(f"(?:{date.shape})" for date in overriding.values()))
        declared = _coalesce(_formats(columns, text, _with_clocks(overriding, _WITH_ISO_CLOCKS)))
        cases.insert(0, f"WHEN regexp_matches({text}, {literal(shapes)}) THEN {declared}")
    return f"CASE {' '.join(cases)} ELSE {_coalesce(readings)} END"


def _in_shop_time(columns: TextColumns, local: str, has_time: str | None = None) -> str:
    """Return SQL for a local time in shop time. `has_time` is true where it is more than a day, which does not move."""
    shop, zone = columns.contract.timezone, columns.contract.dates.zone
    column = columns.contract.columns["sold_at"].zone
    moved = local if zone is None else f"timezone({literal(shop)}, timezone({literal(zone)}, {local}))"
    if column:
        moved = in_zone_of_column(local, columns.text(column), moved, shop, zone)
    return moved if has_time is None or moved == local else f"CASE WHEN {has_time} THEN {moved} ELSE {local} END"


def _iso_with_half(text: str) -> str:
    """Return SQL for an ISO date beside a time with am or pm, which are two columns of some files."""
    dashes = f"replace({text}, '/', '-')"
    clocks = [f"%Y-%m-%d{clock}" for clock in _CLOCKS if "%I" in clock]
    return f"CASE WHEN regexp_matches({text}, '^\\d{{4}}[-/].*(?i:am|pm)$') THEN {_strptime(dashes, clocks)} END"


def _numeric_date(text: str, order: str) -> str:
    if order == "ymd":
        short = f"regexp_matches({text}, '^\\d{{2}}[./-]\\d{{1,2}}[./-]\\d{{1,2}}(?:\\D|$)')"
        slashes = f"regexp_replace({text}, '^(\\d\\d)[./-](\\d{{1,2}})[./-]', '\\1/\\2/')"
        return f"CASE WHEN {short} THEN {_strptime(slashes, [f'%y/%m/%d{clock}' for clock in _CLOCKS])} END"
    slashes = f"regexp_replace({text}, '^(\\d{{1,2}})[./-](\\d{{1,2}})[./-]', '\\1/\\2/')"
    first = "%d/%m" if order == "dmy" else "%m/%d"
    by_year = (
        f"WHEN regexp_matches({text}, '^\\d{{1,2}}[./-]\\d{{1,2}}[./-]\\d{{{digits}}}\\b') "
        f"THEN {_strptime(slashes, [f'{first}/{year}{clock}' for clock in _CLOCKS])}"
        for digits, year in ((4, "%Y"), (2, "%y"))
    )
    return f"CASE {' '.join(by_year)} END"


def _with_clocks(formats: Iterable[str], clocks: Sequence[str] = _CLOCKS) -> list[str]:
    """Add the usual times of day to formats of a day, as numeric dates may have them."""
    return [f"{f}{clock}" for f in formats for clock in (("",) if has_clock(f) else clocks)]


def _formats(columns: TextColumns, text: str, formats: Sequence[str]) -> list[str]:
    """Return SQL for what declared formats read: days, local times, and instants, each in the order of the contract.

    A format with names in another language reads a text of its own, in which they are English.
    """
    languages = columns.contract.dates.language
    named = [f for f in formats if languages and has_names(f)]
    texts = [(text, [f for f in formats if f not in named])]
    texts += [(english, [pattern]) for english, pattern in (in_english(text, f, languages) for f in named)]
    readings = []
    for written, patterns in texts:
        days = [f for f in patterns if not has_clock(f)]
        times = [f for f in patterns if has_clock(f) and not has_offset(f)]
        instants = [f for f in patterns if has_offset(f)]
        if days:
            readings.append(_with_full_years(written, days))
        if times:
            readings.append(_in_shop_time(columns, _with_full_years(written, times)))
        if instants:
            read = _with_full_years(with_offset_in_digits(written), instants)
            readings.append(f"timezone({literal(columns.contract.timezone)}, {read})")
    return readings


def _serial(columns: TextColumns, text: str) -> list[str]:
    serial = columns.contract.dates.serial
    if serial is None:
        return []
    if serial.startswith("unix"):
        return [unix_moment(text, serial, columns.contract.timezone)]
    return [_in_shop_time(columns, *excel_moment(text, serial))]


def _with_full_years(text: str, formats: Sequence[str]) -> str:
    # %Y reads 24 as the year 24 AD: years that no shop has seen are left to the formats with %y.
    sooner, short = _strptime(text, formats), [f for f in formats if "%y" in f]
    otherwise = f" ELSE {_strptime(text, short)}" if short else ""
    return f"CASE WHEN year({sooner}) >= 1000 THEN {sooner}{otherwise} END"


def _coalesce(readings: Sequence[str]) -> str:
    return readings[0] if len(readings) == 1 else f"coalesce({', '.join(readings)})"


def _strptime(text: str, formats: Iterable[str]) -> str:
    return f"try_strptime({text}, [{', '.join(map(literal, formats))}])"

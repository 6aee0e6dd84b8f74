"""SQL for the moment of sale: dates and times of many formats, in shop time."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import TextColumns

#: Four digits of the year first; a time, if any, of hours and minutes at least. DuckDB's own cast reads more than that,
#: and not all of it correctly: it takes the PM of `2024-01-05 10:00 PM` for the name of a time zone and drops it.
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?)?"
_ISO_WITH_OFFSET = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)? ?([Zz]|[+-]\d{2}(:?\d{2})?)"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")


def moment(columns: TextColumns) -> str:
    """Return SQL for the moment of sale in shop time, a TIMESTAMP: ISO 8601 first, then numeric dates, then formats."""
    text = columns.field_text("sold_at")
    shop = literal(columns.contract.timezone)
    # Two common lengths are recognized by their shape; a text of ten characters that DuckDB reads is a date.
    to_the_second = f"strlen({text}) = 19 AND substr({text}, 14, 1) = ':' AND substr({text}, 17, 1) = ':'"
    plain = f"(strlen({text}) = 10 OR ({to_the_second}))"
    readings = [
        f"CASE WHEN {plain} OR regexp_full_match({text}, {literal(_ISO)}) THEN try_cast({text} AS TIMESTAMP) END"
    ]
    if order := columns.contract.dates.day_month_order or columns.date_order:
        readings.append(_numeric_date(text, order))
    if formats := columns.contract.dates.formats:
        # %Y reads 24 as the year 24 AD: years that no shop has seen are left to the formats with %y.
        sooner, short = _strptime(text, formats), _strptime(text, [f for f in formats if "%y" in f])
        readings.append(f"CASE WHEN year({sooner}) >= 1000 THEN {sooner} ELSE {short} END")
    local = f"coalesce({', '.join(readings)})"
    if zone := columns.contract.dates.zone:
        local = f"timezone({shop}, timezone({literal(zone)}, {local}))"
    with_offset = f"strlen({text}) > 10 AND NOT {plain} AND regexp_full_match({text}, {literal(_ISO_WITH_OFFSET)})"
    return f"CASE WHEN {with_offset} THEN timezone({shop}, try_cast({text} AS TIMESTAMPTZ)) ELSE {local} END"


def _numeric_date(text: str, order: str) -> str:
    slashes = f"regexp_replace({text}, '^(\\d{{1,2}})[./-](\\d{{1,2}})[./-]', '\\1/\\2/')"
    first = "%d/%m" if order == "dmy" else "%m/%d"
    by_year = (
        f"WHEN regexp_matches({text}, '^\\d{{1,2}}[./-]\\d{{1,2}}[./-]\\d{{{digits}}}\\b') "
        f"THEN {_strptime(slashes, [f'{first}/{year}{clock}' for clock in _CLOCKS])}"
        for digits, year in ((4, "%Y"), (2, "%y"))
    )
    return f"CASE {' '.join(by_year)} END"


def _strptime(text: str, formats: Iterable[str]) -> str:
    patterns = ", ".join(map(literal, formats))
    return f"try_strptime({text}, [{patterns}])" if patterns else "NULL::TIMESTAMP"

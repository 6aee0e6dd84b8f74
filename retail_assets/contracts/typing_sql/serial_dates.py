"""SQL for dates that are numbers: days of a spreadsheet, seconds since 1970. Only where the contract says which."""

from __future__ import annotations

from retail_assets.contracts.sections import Serial
from retail_assets.contracts.typing_sql.literals import literal

_MS_PER_DAY = 86_400_000
#: Numbers of more or fewer digits count something else: seconds are not read where milliseconds are declared.
_UNIX = {"unix_seconds": (r"\d{9,10}", 1_000_000), "unix_milliseconds": (r"\d{12,13}", 1_000)}


def excel_moment(text: str, serial: Serial) -> tuple[str, str]:
    """Return SQL for the local time of a spreadsheet's number, and for whether it has a time of day.

    Times are rounded to milliseconds. In the system of 1900, day 60 is 29 February 1900, which never was.
    """
    number = f"CASE WHEN regexp_full_match({text}, '\\d{{1,6}}([.,]\\d+)?') THEN replace({text}, ',', '.') END"
    ms = f"CAST(round(try_cast({number} AS DOUBLE) * {_MS_PER_DAY}) AS BIGINT)"
    after = f"to_milliseconds({ms})"
    if serial == "excel_1904":
        moment = f"TIMESTAMP '1904-01-01' + {after}"
    else:
        false_day = 60 * _MS_PER_DAY
        moment = (
            f"CASE WHEN {ms} < {false_day} THEN TIMESTAMP '1899-12-31' + {after} "
            f"WHEN {ms} >= {false_day + _MS_PER_DAY} THEN TIMESTAMP '1899-12-30' + {after} END"
        )
    return moment, f"{ms} % {_MS_PER_DAY} <> 0"


def unix_moment(text: str, serial: Serial, shop: str) -> str:
    """Return SQL for the shop time of a number of seconds, milli- or microseconds since 1970 in UTC."""
    digits, factor = _UNIX.get(serial, (r"\d{15,16}", 1))
    number = f"CASE WHEN regexp_full_match({text}, '{digits}([.]\\d+)?') THEN {text} END"
    micro = f"CAST(round(try_cast({number} AS DECIMAL(30,9)) * {factor}) AS BIGINT)"
    return f"timezone({literal(shop)}, timezone('UTC', make_timestamp({micro})))"

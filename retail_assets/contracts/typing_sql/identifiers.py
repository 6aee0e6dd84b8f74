"""SQL for ids: text that spreadsheets like to damage."""

from __future__ import annotations

from retail_assets.tables import SALES

_WIDTHS = {c.name: c.numbers[0] for c in SALES.columns if c.type.startswith("varchar")}


def identifier(text: str) -> str:
    """Return SQL for an id as text. Leading zeros stay; `17850.0`, as a spreadsheet writes 17850, loses its `.0`."""
    return (
        f"CASE WHEN ends_with({text}, '.0') AND regexp_full_match({text}, '\\d+[.]0') "
        f"THEN left({text}, -2) ELSE {text} END"
    )


def is_rounded(identifier: str) -> str:
    """Return SQL that is true for `5.36365E+11`: a spreadsheet read the id as a number and lost its last digits."""
    return f"contains({identifier}, 'E+') AND regexp_full_match({identifier}, '\\d[.]\\d+E[+]\\d+')"


def too_long(column: str, text: str) -> str:
    """Return SQL that is true if a text does not fit its warehouse column (varchar counts bytes in Redshift)."""
    return f"strlen({text}) > {_WIDTHS[column]}"

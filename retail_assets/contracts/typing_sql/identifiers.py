"""SQL for ids: text that spreadsheets like to damage."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.tables import SALES

_WIDTHS = {c.name: c.numbers[0] for c in SALES.columns if c.type.startswith("varchar")}


#: What each rounded id contains, as bytes: looking for these costs almost nothing.
ROUNDED_MARKS = (b"E+", b"e+", b".", b",")

# Whole numbers up to 2^53 (16 digits) are exact in 64 bits of floating point, larger ones are not.
EXACT_FLOAT = r"(\d{1,15}|[0-8]\d{15})[.]0"
# `5.36365E+11`, `5,77087e+17`, `6E+17`; without a plus only with a decimal mark, because `12E3` is also a product
# code; and floats above 2^53 that are written in full.
ROUNDED = r"[+-]?\d+([.,]\d+)?[Ee][+]\d+|[+-]?\d+[.,]\d+[Ee]-?\d+|(9\d{15}|[1-9]\d{16,})[.]0"
#: Whole numbers above these are not exact in the shorter types of floating point, by the type's name in Arrow.
EXACT_IN_SHORT_FLOAT = {"float": 1 << 24, "halffloat": 1 << 11}


def identifier(text: str) -> str:
    """Return SQL for an id as text. Leading zeros stay; `17850.0`, as a spreadsheet writes 17850, loses its `.0`."""
    return (
        f"CASE WHEN ends_with({text}, '.0') AND regexp_full_match({text}, {literal(EXACT_FLOAT)}) "
        f"THEN left({text}, -2) ELSE {text} END"
    )


def composed(parts: Sequence[str]) -> str:
    """Return SQL for an id of several parts, joined with `-`; NULL when a part is.

    Different parts never give the same id. In parts after the first, `-` becomes `~-`, and `~` becomes `~~` in all of
    them: the last dashes without a `~` are then those between the parts. Most parts contain neither, and stay.
    """
    if len(parts) == 1:
        return parts[0]
    first = f"replace({parts[0]}, '~', '~~')"
    others = [f"replace(replace({part}, '~', '~~'), '-', '~-')" for part in parts[1:]]
    return " || '-' || ".join([first, *others])


def is_rounded(text: str, exact: int | None = None) -> str:
    """Return SQL that is true where an id as written was rounded: something read it as a number.

    Spreadsheets and programs write large numbers with an exponent (`5.36365E+11`, `5,77087e+17`, `6E+17`), and keep at
    most 15 or 16 of the digits. `exact` is up to which whole number the column's type is exact, if it is a short one.
    """
    marked = " OR ".join(f"contains({text}, {literal(mark.decode())})" for mark in ROUNDED_MARKS)
    written = f"({marked}) AND regexp_full_match({text}, {literal(ROUNDED)})"
    return written if exact is None else f"({written} OR abs(try_cast({text} AS DOUBLE)) > {int(exact)})"


def too_long(column: str, text: str) -> str:
    """Return SQL that is true if a text does not fit its warehouse column (varchar counts bytes in Redshift)."""
    return f"strlen({text}) > {_WIDTHS[column]}"

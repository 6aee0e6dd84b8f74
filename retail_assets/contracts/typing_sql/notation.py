"""SQL for one number in the contract's notation: decimal mark, groups, minus, currency; exact in decimals."""

from __future__ import annotations

import re

from retail_assets.contracts.currency_signs import signs_of
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns

#: A space between thousands is often a no-break space, an apostrophe a typographic one.
_GROUP_MARKS = {" ": " \u00a0\u202f", "'": "'’"}
_MINUS = "−"  # U+2212, as some programs write it
_SPACE = f"[{BLANKS}]*"
_DASHES = f"{_MINUS}-"

#: What is read of a number. What lies beyond a millionth (a float's 0.30000000000000004) is rounded away.
NUMBER = "DECIMAL(18,6)"


def number(columns: TextColumns, text: str, *, money: bool = False, type_: str = NUMBER) -> str:
    """Return SQL for the number in a text, a DECIMAL(18,6) unless `type_` says otherwise.

    NULL for anything that is not a number in the contract's notation, or has 13 digits before the decimal mark.
    `money` allows a currency.
    """
    marks = columns.contract.numbers
    if marks.decimal == "." or not marks.thousands:
        plain = (
            text if marks.decimal == "." else f"CASE WHEN NOT contains({text}, '.') THEN replace({text}, ',', '.') END"
        )
    else:
        marked = f"contains({text}, '.') OR contains({text}, {literal(marks.thousands)})"
        plain = f"CASE WHEN NOT ({marked}) THEN replace({text}, ',', '.') END"
    # Nearly every number is plain; the careful reading runs only where the plain cast says NULL. It must not
    # repeat an expression: DuckDB would lift that out and evaluate it for every row.
    careful = _without_marks(columns, _minus_in_front(columns, text), money)
    readings = [f"try_cast({plain} AS {type_})", f"try_cast({careful} AS {type_})"]
    if marks.zeros:
        currency = _currency(columns) if money else ""
        pattern = f"(?s){currency}{_SPACE}(?:{'|'.join(map(re.escape, marks.zeros))}){_SPACE}{currency}"
        readings.append(f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN 0::{type_} END")
    return f"coalesce({', '.join(readings)})"


def one_of_signs(signs: tuple[str, ...]) -> str:
    """Return a pattern for one of some signs, in upper or lower case. Of `Rs` and `Rs.` the longer one is taken.

    >>> one_of_signs(("Rs", "Rs."))
    '(?i:Rs\\\\.|Rs)'
    """
    longest_first = sorted(dict.fromkeys(signs), key=lambda sign: (-len(sign), sign))
    return f"(?i:{'|'.join(map(re.escape, longest_first))})"


def signs_in_amounts(columns: TextColumns) -> tuple[str, ...]:
    """Return what may stand before or after an amount: code and signs of the currency, and of those with a rate."""
    contract = columns.contract
    rates = contract.currencies.rates if contract.currencies else {}
    others = [sign for code in rates for sign in (code, *signs_of(code))]
    return (contract.currency, *contract.numbers.symbols(contract.currency), *others)


def _currency(columns: TextColumns) -> str:
    return f"{one_of_signs(signs_in_amounts(columns))}?"


def _minus_in_front(columns: TextColumns, text: str) -> str:
    """Return SQL for a text with the minus of `(12.50)` and `12.50-` in front, where the contract has such numbers."""
    for style in columns.contract.numbers.negatives:
        if style == "brackets":
            pattern = rf"(?s)^([^\d()+{_DASHES}]*)\(([^()+{_DASHES}]*\d[^()+{_DASHES}]*)\)([^\d()+{_DASHES}]*)$"
            moved = r"-\1\2\3"
        else:
            pattern = rf"(?s)^([^()+{_DASHES}]*\d[^()+{_DASHES}]*)[{_DASHES}]([^\d()+{_DASHES}]*)$"
            moved = r"-\1\2"
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(moved)})"
    return text


def _without_marks(columns: TextColumns, text: str, money: bool) -> str:
    """Return SQL for a number without currency and thousands marks; a lone point for what is not a number."""
    marks = columns.contract.numbers
    group = _GROUP_MARKS.get(marks.thousands, marks.thousands)
    grouped = rf"\d{{1,3}}(?:[{group}]\d{{3}})+|" if group else ""
    if group and marks.grouped_as_in_india(columns.contract.currency):
        grouped += rf"\d{{1,2}}(?:[{group}]\d{{2}})+[{group}]\d{{3}}|"
    currency = _currency(columns) if money else ""
    sign = f"([+{_DASHES}]?)"
    before, after = f"{_SPACE}{sign}{_SPACE}{currency}{_SPACE}{sign}", f"{_SPACE}{currency}{_SPACE}"
    digits = rf"({grouped}\d*)(?:[{marks.decimal}](\d*))?([eE][+-]?\d+)?"
    pattern = f"(?s)^(?:{before}{digits}{after}|.*)$"
    bare = f"regexp_replace({text}, {literal(pattern)}, '\\1\\2\\3p\\4\\5')"
    # The marks of groups have nothing to become, and are left out.
    return f"translate({bare}, {literal(f'p{_MINUS}{group}')}, '.-')"

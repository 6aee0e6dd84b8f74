"""An id as cleaning reads it, for single texts: what `typing_sql/` says in SQL for whole columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retail_assets.contracts.typing_sql.identifiers import EXACT_FLOAT, ROUNDED
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA, FORMULA_MARK

_EXACT_FLOAT = re.compile(EXACT_FLOAT, re.ASCII)
_ROUNDED = re.compile(ROUNDED, re.ASCII)
_FORMULA = re.compile(FORMULA)


class IdTexts:
    """Reads ids. `missing` are the words that stand for a missing value, without regard to case."""

    def __init__(self, missing: Iterable[str]) -> None:
        self._missing = {upper_case(word) for word in missing}
        self._lengths = {len(word) for word in self._missing}

    def plain(self, text: str | None) -> str | None:
        """Return a text without white space around it, and 00123 for `="00123"`; None for a missing value.

        >>> IdTexts(["N/A"]).plain(' ="00123" '), IdTexts(["N/A"]).plain("n/a"), IdTexts([]).plain("  ")
        ('00123', None, None)
        """
        if text is None:
            return None
        text = text.strip(BLANKS)
        if text.startswith(FORMULA_MARK):
            text = _FORMULA.sub(r"\1", text).strip(BLANKS)
        if not text or (len(text) in self._lengths and upper_case(text) in self._missing):
            return None
        return text


def identifier_of(text: str) -> str:
    """Return an id for a plain text: 17850 for `17850.0`, as a spreadsheet writes it.

    >>> identifier_of("17850.0"), identifier_of("C1.0"), identifier_of("017")
    ('17850', 'C1.0', '017')
    """
    return text[:-2] if text.endswith(".0") and _EXACT_FLOAT.fullmatch(text) else text


def is_rounded_id(text: str) -> bool:
    """Return whether something read an id as a number and rounded it, so that several ids may be written like that.

    >>> is_rounded_id("5.36365E+11"), is_rounded_id("12E3")
    (True, False)
    """
    return _ROUNDED.fullmatch(text) is not None


def upper_case(text: str) -> str:
    """Return a text in upper case, letter by letter: cleaning's engines do not make two letters of one."""
    if text.isascii():
        return text.upper()
    return "".join(u if len(u := c.upper()) == 1 else c for c in text)

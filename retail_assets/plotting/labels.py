"""Names from the data as text on a figure: literal, on one line, and short enough."""

from __future__ import annotations

from retail_assets.wording.formats import short


def plain(text: str) -> str:
    r"""Escape dollar signs: matplotlib would typeset whatever stands between two of them as a formula.

    >>> plain("$5 off")
    '\\$5 off'
    """
    return text.replace("$", r"\$")


def label(name: str, width: int = 22, *, keep_end: bool = True) -> str:
    """Shorten a name to `width` columns and escape it; see `wording.short`.

    >>> label("Household cleaning supplies")
    'Household clea…upplies'
    """
    return plain(short(name, width, keep_end=keep_end))

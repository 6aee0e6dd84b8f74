"""Header names, compared without regard to case and separators."""

from __future__ import annotations

import re


def normalize_header(header: str) -> str:
    """Return a header without case, spaces, `_`, `-`, dots and quotes.

    >>> normalize_header(" Price-per_Unit ") == normalize_header("priceperunit")
    True
    """
    return re.sub(r"[\s_\-.'\"\ufeff]+", "", header).casefold()

"""Numbers as a report stores them: rounded, so that the same result gives the same bytes, and None if undefined."""

from __future__ import annotations

import math


def rounded(value: float | None, digits: int = 4) -> float | None:
    """Round a figure of a report; None for None, NaN and infinity.

    >>> rounded(0.123456), rounded(-0.00001), rounded(float("nan"))
    (0.1235, 0.0, None)
    """
    # + 0.0 turns -0.0 into 0.0
    return None if value is None or not math.isfinite(value) else round(float(value), digits) + 0.0

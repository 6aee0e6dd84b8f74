"""How concentrated somebody's spending is in one month, beyond what few purchases give by themselves.

Who buys twice a year spends at least half in the best month, season or not. So the share of the best month is divided
by the mean share that as many purchases on random days would give.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_DAYS_A_MONTH = 365 / 12
_COUNTS = (*range(1, 31), 40, 60, 100, 200, 400)
"""Numbers of purchases that are simulated; between them, shares are interpolated."""
_DRAWS = 400
_SPREAD = 0.5
"""Standard deviation of the logarithm of an amount: purchases of one customer differ by about a half."""


def season_index(top_month_share: np.ndarray, frequency: np.ndarray, window_days: int) -> np.ndarray:
    """Return each customer's share of the best month, as a ratio to what purchases on random days would give.

    About 1 means no season. NaN where the share is not known.

    Args:
        top_month_share: share of the best month in the money.
        frequency: purchases.
        window_days: days that they were made in.
    """
    months = max(1, round(window_days / _DAYS_A_MONTH))
    usual = np.interp(np.asarray(frequency, dtype=float), _COUNTS, _shares_of_random_days(months))
    return np.asarray(top_month_share, dtype=float) / usual


@cache
def _shares_of_random_days(months: int) -> tuple[float, ...]:
    """Mean share of the best of some months, by number of purchases in `_COUNTS`."""
    rng = np.random.default_rng(0)
    shares = []
    for count in _COUNTS:
        amounts = rng.lognormal(0, _SPREAD, (_DRAWS, count))
        cells = rng.integers(0, months, (_DRAWS, count)) + months * np.arange(_DRAWS)[:, np.newaxis]
        totals = np.bincount(cells.ravel(), weights=amounts.ravel(), minlength=months * _DRAWS).reshape(_DRAWS, months)
        shares.append(float((totals.max(axis=1) / amounts.sum(axis=1)).mean()))
    return tuple(shares)

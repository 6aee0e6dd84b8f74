"""How often prediction intervals are missed, at each end and in sum, and whether that is more than chance allows.

The errors of one day are related, so what is counted as evidence are days and not category-days: a share p of n days is
taken for chance up to two standard errors, 2 sqrt(p (1 - p) / n), above p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.models import intervals

BELOW, ABOVE, OUTSIDE = "below", "above", "outside"
_STANDARD_ERRORS = 2.0
# Ends are compared to the cent.
_CENT = 0.005


@dataclass(frozen=True)
class IntervalEnd:
    """What lies beyond one end of an interval, or outside both.

    Attributes:
        of_total: of the total; else of the categories.
        side: BELOW, ABOVE or OUTSIDE.
        interval: the share that the interval promises, as 0.8.
        promised: the share beyond the end that it promises.
        share: that was measured. Nothing is below an end of zero.
        days: days, or weeks, with a known outcome.
    """

    of_total: bool
    side: str
    interval: float
    promised: float
    share: float
    days: int

    @property
    def chance(self) -> float:
        """By how much a share may differ by chance."""
        return float(_STANDARD_ERRORS * np.sqrt(self.promised * (1 - self.promised) / self.days))

    @property
    def missed(self) -> bool:
        """Passed more often than promised, by more than chance."""
        return self.share > self.promised + self.chance

    @property
    def too_far(self) -> bool:
        """Passed less often than promised, by more than chance."""
        return self.share < self.promised - self.chance


def interval_ends(backtest: Backtest, model: str) -> list[IntervalEnd]:
    """Measure every end of the intervals of a model, and what is outside both; none without intervals."""
    quantiles = backtest.quantiles.get(model)
    if quantiles is None or np.isnan(quantiles).all():
        return []
    sold = backtest.actual
    ends = []
    for of_total, actual, of_rows in (
        (False, sold, quantiles[:, :-1]),
        (True, sold.sum(axis=1, keepdims=True), quantiles[:, -1:]),
    ):
        for (low, high), promise in ((intervals.INNER, 0.8), (intervals.OUTER, 0.95)):
            known = ~np.isnan(actual) & ~np.isnan(of_rows[..., low])
            if not known.any():
                continue
            below, above = actual < of_rows[..., low] - _CENT, actual > of_rows[..., high] + _CENT
            days = int(known.any(axis=1).sum())
            for side, beyond, parts in ((BELOW, below, 2), (ABOVE, above, 2), (OUTSIDE, below | above, 1)):
                share = float(beyond[known].mean())
                ends.append(IntervalEnd(of_total, side, promise, (1 - promise) / parts, share, days))
    return ends


def missed_ends(ends: list[IntervalEnd]) -> list[IntervalEnd]:
    """Choose the ends that are missed; what is outside an interval only where neither of its ends is missed alone."""
    missed = [end for end in ends if end.missed]
    alone = {(end.of_total, end.interval) for end in missed if end.side != OUTSIDE}
    return [end for end in missed if end.side != OUTSIDE or (end.of_total, end.interval) not in alone]


def too_wide(ends: list[IntervalEnd]) -> bool:
    """Whether intervals of the categories are wider than necessary: nothing is missed, and too little is above them.

    The lower ends prove nothing: many are zero.
    """
    of_categories = [end for end in ends if not end.of_total and end.side == ABOVE]
    return not any(end.missed for end in ends) and any(end.too_far for end in of_categories)

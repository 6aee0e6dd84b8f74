"""Who leads: of amounts of which none is clearly ahead of the next, none is called the highest or the lowest alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from retail_assets.wording.thresholds import ALIKE

Key = TypeVar("Key")

NAMED = 3
"""So many that share a lead are named; of more, none leads."""
_OF_INTERVAL = 0.25
"""Part of an 80 % interval: with a smaller lead, the odds are less than two to one that the first really gets more."""


def sharing_the_lead(
    amounts: Mapping[Key, float], *, lowest: bool = False, interval: Mapping[Key, float] | None = None
) -> tuple[Key, ...]:
    """Return the keys of the highest amount and of all that are not clearly below, in their order; or of the lowest.

    Each that is returned is close to the next of them, and all others are clearly behind: by more than `ALIKE` of the
    amount, and by more than a quarter of the width of its 80 % `interval`, where amounts are forecasts.

    >>> sharing_the_lead({"Friday": 97.0, "Saturday": 100.0, "Sunday": 90.0})
    ('Friday', 'Saturday')
    >>> sharing_the_lead({"Friday": 97.0, "Saturday": 100.0, "Sunday": 90.0}, lowest=True)
    ('Sunday',)
    >>> sharing_the_lead({"Friday": 90.0, "Saturday": 100.0}, interval={"Friday": 50.0, "Saturday": 50.0})
    ('Friday', 'Saturday')
    """
    ordered = sorted(amounts, key=amounts.__getitem__, reverse=not lowest)
    leaders = ordered[:1]
    for key in ordered[1:]:
        last = leaders[-1]
        reach = max(ALIKE * abs(amounts[last]), _OF_INTERVAL * (interval[last] if interval else 0.0))
        if abs(amounts[key] - amounts[last]) > reach:
            break
        leaders.append(key)
    return tuple(key for key in amounts if key in leaders)

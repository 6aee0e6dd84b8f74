"""Who shares the lead: of amounts that are about the same, none is called the highest or the lowest alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from retail_assets.wording.thresholds import ALIKE

Key = TypeVar("Key")


def sharing_the_lead(amounts: Mapping[Key, float], *, lowest: bool = False) -> tuple[Key, ...]:
    """Return the keys of the highest amount and of all within `ALIKE` of it, in their order; or of the lowest.

    >>> sharing_the_lead({"Friday": 99.5, "Saturday": 100.0, "Sunday": 90.0})
    ('Friday', 'Saturday')
    >>> sharing_the_lead({"Friday": 99.5, "Saturday": 100.0, "Sunday": 90.0}, lowest=True)
    ('Sunday',)
    """
    end = min(amounts.values()) if lowest else max(amounts.values())
    reach = ALIKE * abs(end)
    return tuple(key for key, amount in amounts.items() if abs(amount - end) <= reach)

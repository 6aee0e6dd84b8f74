"""What each persona buys more of than all customers do, and when: shares of money, compared."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from typing import Any

OVER_INDEX = 1.1
"""A persona buys more of a category than all customers do from this ratio of shares on."""
LEAST_SHARE = 0.01
"""Part of a persona's money below which a category is not worth a campaign."""
LEAST_CUSTOMERS = 50
"""Customers of a persona below which its preferences may be chance."""
CATEGORIES_NAMED = 3
MOST_TIMES = 10.0
"""Larger ratios read as "more than 10 ×": next to one huge customer, all others look a thousandfold."""
SHIFT = 0.1
"""The part of something that "a tenth more" means."""

Rows = Sequence[Mapping[str, Any]]


def over_indexed(categories: Rows, profiles: Rows) -> dict[str, list[dict[str, Any]]]:
    """Categories that a persona spends a larger part of its money on than all customers do, the most money first.

    Args:
        categories: rows of `queries.segment_categories`.
        profiles: rows of `segment_profiles`; personas of fewer than `LEAST_CUSTOMERS` customers are left out.
    """
    large = {str(p["persona"]) for p in profiles if int(p["customers"]) >= LEAST_CUSTOMERS}
    found: dict[str, list[dict[str, Any]]] = {}
    chosen = [
        row
        for row in categories
        if row["persona"] in large and row["share_index"] >= OVER_INDEX and row["share"] >= LEAST_SHARE
    ]
    for row in sorted(chosen, key=lambda r: (-(r["share"] - r["all_share"]), r["product_category"])):
        named = found.setdefault(str(row["persona"]), [])
        if len(named) < CATEGORIES_NAMED:
            named.append(
                {
                    "category": row["product_category"],
                    "share": round(float(row["share"]), 4),
                    "all_share": round(float(row["all_share"]), 4),
                    "share_index": round(float(row["share_index"]), 2),
                    "revenue": str(row["revenue"]),
                    "a_tenth_more": round(float(row["revenue"]) * SHIFT, 2),
                }
            )
    return found


def buying_times(dated: Rows) -> dict[str, dict[str, Any]]:
    """When each persona buys: the month and the weekday of most money, and the month it favours beyond all customers.

    Args:
        dated: rows of `queries.segment_calendar`: persona, month (1 to 12), weekday (1 = Monday), revenue.
    """
    everyone = _shares(dated, "month")
    found = {}
    for persona in sorted({str(row["persona"]) for row in dated}):
        own = [row for row in dated if row["persona"] == persona]
        months, weekdays = _shares(own, "month"), _shares(own, "weekday")
        if not months:
            continue
        best = max(months, key=lambda m: (months[m], -m))
        day = max(weekdays, key=lambda d: (weekdays[d], -d))
        beyond = max(months, key=lambda m: (months[m] / everyone[m], -m))
        found[persona] = {
            "best_month": calendar.month_name[best],
            "best_month_share": round(months[best], 4),
            "best_weekday": calendar.day_name[day - 1],
            "best_weekday_share": round(weekdays[day], 4),
            "own_month": calendar.month_name[beyond],
            "own_month_index": round(months[beyond] / everyone[beyond], 2),
        }
    return found


def times(ratio: float) -> str:
    """A ratio for a sentence: `1.4 ×`."""
    return f"more than {MOST_TIMES:.0f} ×" if ratio > MOST_TIMES else f"{ratio:.1f} ×"


def _shares(rows: Rows, key: str) -> dict[int, float]:
    """Part of the money by month or weekday; empty without money."""
    total = sum(float(row["revenue"]) for row in rows)
    found: dict[int, float] = {}
    for row in rows:
        found[int(row[key])] = found.get(int(row[key]), 0.0) + float(row["revenue"])
    return {place: amount / total for place, amount in found.items()} if total > 0 else {}

"""What each persona buys more of than all customers do, and when: shares of money, compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.segmentation.evaluation.leading import leading, month_weeks, weekday_weeks
from retail_assets.segmentation.model.catch_all import is_catch_all
from retail_assets.segmentation.personas.catalog import SEASON_DAYS as SEASON_DAYS
from retail_assets.wording import formats
from retail_assets.wording.thresholds import WORTH_ACTING_ON

STANDS_OUT = 1.1
"""A month or weekday stands out from this ratio of its share of a persona's money to an even one, or all customers'."""
LEAST_CUSTOMERS = 50
"""Customers of a persona below which its preferences may be chance."""
CATEGORIES_NAMED = 3
MOST_TIMES = 10.0
"""Ratios above this are written as "more than 10 ×": next to one huge customer, everything looks a thousandfold."""
SHIFT = 0.1
"""The part of the customers, or of an amount, that a change is computed for."""
PLAUSIBLE = 0.75
"""Quantile of a persona's own spending that some of its customers may move to: a quarter of them is there already."""

#: English whatever the locale of the run.
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

Rows = Sequence[Mapping[str, Any]]


def one_in_ten(customers: int) -> int:
    """Return how many customers one in ten is, at least one.

    >>> one_in_ten(632), one_in_ten(3)
    (63, 1)
    """
    return max(1, round(customers * SHIFT))


def is_preference(row: Mapping[str, Any]) -> bool:
    """Say whether a persona's larger share of money for a category is worth acting on.

    It exceeds that of the other customers by `WORTH_ACTING_ON` or more, the customers' own shares agree that it is
    larger, `LEAST_CUSTOMERS` or more bought it, and it can be offered: categories for everything else cannot.
    """
    return (
        row["other_share"] is not None
        and row["share"] - row["other_share"] >= WORTH_ACTING_ON
        and row["own_share"] > row["other_own_share"]
        and not is_catch_all(str(row["product_category"]))
        and int(row["buyers"]) >= LEAST_CUSTOMERS
    )


def over_indexed(categories: Rows, profiles: Rows) -> dict[str, list[dict[str, Any]]]:
    """Find the categories on which a persona spends a larger share of its money than the other customers do.

    At most `CATEGORIES_NAMED` per persona, the largest difference of the shares first (see `is_preference`).

    Args:
        categories: rows of `queries.buying_habits.segment_categories`.
        profiles: rows of `segment_profiles`; personas with fewer than `LEAST_CUSTOMERS` customers are left out.
    """
    large = {str(p["persona"]) for p in profiles if int(p["customers"]) >= LEAST_CUSTOMERS}
    chosen = [row for row in categories if row["persona"] in large and is_preference(row)]
    by_persona: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(chosen, key=lambda r: (-(r["share"] - r["other_share"]), r["product_category"])):
        named = by_persona.setdefault(str(row["persona"]), [])
        if len(named) < CATEGORIES_NAMED:
            named.append(
                {
                    "category": row["product_category"],
                    "share": float(row["share"]),
                    "all_share": float(row["all_share"]),
                    "other_share": float(row["other_share"]),
                    "of_category": float(row["of_category"]),
                    "share_index": float(row["share_index"]),
                    "revenue": str(row["revenue"]),
                    "a_tenth_more": round(float(row["revenue"]) * SHIFT, 2),
                }
            )
    return by_persona


def buying_times(dated: Rows) -> dict[str, dict[str, Any]]:
    """Find when each persona buys: its best months and weekdays, and the month in which it exceeds all customers most.

    Those that lead by more than chance (see `leading`): one, two that share the lead, or none.

    Args:
        dated: rows of `queries.buying_habits.segment_calendar`: persona, sale_date, month (1 to 12), weekday
            (1 = Monday), revenue.
    """
    if not dated:
        return {}
    first, last = min(row["sale_date"] for row in dated), max(row["sale_date"] for row in dated)
    all_weeks = month_weeks(_by_day(dated), first, last)
    everyone, open_on = _shares(dated, "month"), {int(row["weekday"]) for row in dated}
    by_persona = {}
    for persona in sorted({str(row["persona"]) for row in dated}):
        own = [row for row in dated if row["persona"] == persona]
        months, weekdays = _shares(own, "month"), _shares(own, "weekday")
        if not months:
            continue
        amounts = _by_day(own)
        weeks = month_weeks(amounts, first, last)
        best = leading(sorted(months, key=lambda m: (-months[m], m)), weeks, paired=False)
        days = leading(
            sorted(weekdays, key=lambda d: (-weekdays[d], d)), weekday_weeks(amounts, first, last), paired=True
        )
        index = {month: months[month] / everyone[month] for month in months}
        parts = {m: weeks[m][all_weeks[m] > 0] / all_weeks[m][all_weeks[m] > 0] for m in weeks}
        beyond = leading(sorted(index, key=lambda m: (-index[m], m)), parts, paired=False)
        own_month = beyond[0] if len(beyond) == 1 else None
        by_persona[persona] = {
            "best_months": [MONTHS[month - 1] for month in sorted(best)],
            "best_months_share": sum(months[month] for month in best),
            "best_weekdays": [formats.WEEKDAYS[day - 1] for day in sorted(days)],
            "best_weekdays_share": sum(weekdays[day] for day in days),
            "even_weekday_share": 1 / len(open_on),
            "own_month": MONTHS[own_month - 1] if own_month else None,
            "own_month_index": index[own_month] if own_month else None,
        }
    return by_persona


def times(ratio: float) -> str:
    """Write a ratio for a sentence.

    >>> times(1.44), times(62505.2)
    ('1.4 ×', 'more than 10 ×')
    """
    return f"more than {MOST_TIMES:.0f} ×" if ratio > MOST_TIMES else f"{ratio:.1f} ×"


def _by_day(rows: Rows) -> dict[dt.date, float]:
    """The money of each day."""
    amounts: dict[dt.date, float] = {}
    for row in rows:
        amounts[row["sale_date"]] = amounts.get(row["sale_date"], 0.0) + float(row["revenue"])
    return amounts


def _shares(rows: Rows, key: str) -> dict[int, float]:
    """Share of the money by month or weekday; empty without money."""
    total = sum(float(row["revenue"]) for row in rows)
    amounts: dict[int, float] = {}
    for row in rows:
        amounts[int(row[key])] = amounts.get(int(row[key]), 0.0) + float(row["revenue"])
    return {place: amount / total for place, amount in amounts.items()} if total > 0 else {}

"""What to do about each persona: its action, what it buys more of, when it buys, and what a tenth more would be worth.

Everything here is arithmetic on what was observed. That a tenth more of something would bring so much does not mean
that it can be had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from retail_assets.segmentation.evaluation.action_text import action_text, money
from retail_assets.segmentation.evaluation.buying_habits import (
    LEAST_CUSTOMERS,
    OVER_INDEX,
    SEASON_DAYS,
    SHIFT,
    buying_times,
    over_indexed,
    times,
)
from retail_assets.segmentation.personas.catalog import Catalog, Persona
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.wording import formats

Rows = Sequence[Mapping[str, Any]]

#: What only a whole year shows.
_OF_MONTHS = ("best_month", "best_month_share", "own_month", "own_month_index")


def campaigns(
    profiles: Rows,
    categories: Rows,
    dated: Rows,
    catalog: Catalog,
    currency: str | None = None,
    history_days: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Recommend what to do about each persona that has customers, in display order.

    Args:
        profiles: rows of `segment_profiles`.
        categories: rows of `queries.buying_habits.segment_categories`.
        dated: rows of `queries.buying_habits.segment_calendar`.
        catalog: the personas.
        currency: code written before money; None if it is unknown.
        history_days: days that the sales span, or None for at least a year. Below `SEASON_DAYS` nothing is said about
            months and seasons.
    """
    favorites, when = over_indexed(categories, profiles), buying_times(dated)
    year = history_days is None or history_days >= SEASON_DAYS
    if not year:
        when = {name: {**times, **dict.fromkeys(_OF_MONTHS)} for name, times in when.items()}
    by_persona = {str(profile["persona"]): profile for profile in profiles}
    best = by_persona.get(catalog.clusters[0].name)
    segments = {}
    for name in catalog.in_order(by_persona):
        profile = by_persona[name]
        persona = catalog.named(name)
        customers = int(profile["customers"])
        campaign = {
            "customers": customers,
            "action": action_text(persona if year else _without_season(persona, catalog), profile, currency)
            if persona
            else "",
            "categories": favorites.get(name, []),
            "when": when.get(name) if customers >= LEAST_CUSTOMERS else None,
            "tenth": shift(profile, best),
        }
        segments[name] = {**campaign, "text": _text(campaign, currency, min(WINDOW_DAYS, history_days or WINDOW_DAYS))}
    return segments


def shift(profile: Mapping[str, Any], best: Mapping[str, Any] | None) -> dict[str, Any]:
    """Compute what a tenth would bring: one in ten of the persona's customers spending like the best persona's typical.

    For the best persona itself, for groups defined by a rule, and where the best persona spends no more, it is a tenth
    of the persona's own revenue.

    Args:
        profile: a row of `segment_profiles`.
        best: the row of the most valuable persona; None if it has no customers.
    """
    revenue, customers = float(profile["revenue"]), int(profile["customers"])
    if best is not None and best["persona"] != profile["persona"] and profile["decided_by"] == "cluster":
        gain = float(best["median_monetary"]) - float(profile["median_monetary"])
        if gain > 0:
            return {
                "what": f"one customer in ten spends as much as the typical customer of {best['persona']}",
                "customers": round(customers * SHIFT),
                "money": round(customers * SHIFT * gain, 2),
            }
    return {
        "what": "a tenth of this segment's revenue, gained or lost",
        "customers": customers,
        "money": round(revenue * SHIFT, 2),
    }


def notes(profiles: Rows) -> list[str]:
    """Say which personas have no recommendations, and why."""
    if not profiles:
        return ["There are no customers, so there are no recommendations for segments."]
    small = [str(p["persona"]) for p in profiles if int(p["customers"]) < LEAST_CUSTOMERS]
    if not small:
        return []
    return [
        f"Fewer than {LEAST_CUSTOMERS} customers are in {formats.listed(small)}: what they buy and when may be chance, "
        "and is left out."
    ]


def _without_season(persona: Persona, catalog: Catalog) -> Persona:
    """Return a persona without an action that speaks of the best month, which takes a year to know."""
    seasonal = "{top_month_share}" in persona.action
    return replace(persona, action=catalog.groups["other"].action) if seasonal else persona


def _text(campaign: Mapping[str, Any], currency: str | None, days: int) -> str:
    sentences = []
    if campaign["categories"]:
        named = [
            f"{c['category']} ({formats.percent(c['share'])} of their money, {times(c['share_index'])} the share among "
            "all customers)"
            for c in campaign["categories"]
        ]
        first = campaign["categories"][0]
        sentences.append(
            f"They spend more than usual on {formats.listed(named)}. Selling them a tenth more of {first['category']} "
            f"would bring {money(first['a_tenth_more'], currency)}."
        )
    if when := campaign["when"]:
        sentences.append(_buying_times_text(when, days))
    tenth = campaign["tenth"]
    if tenth["money"] > 0:
        sentences.append(
            f"A shift of 10 % ({tenth['what']}) is worth {money(tenth['money'], currency)} in the last {days} days."
        )
    return " ".join(filter(None, sentences))


def _buying_times_text(when: Mapping[str, Any], days: int) -> str:
    """The best month, with the warning that it was seen once; the best weekday if it stands out; the own month."""
    even = 1 / len(formats.WEEKDAYS)
    stands_out = when["best_weekday_share"] >= OVER_INDEX * even
    if when["best_month"] is None:
        return (
            f"In the last {days} days they spent most on {when['best_weekday']}s "
            f"({formats.percent(when['best_weekday_share'])}; an even spread would be {formats.percent(even)})."
            if stands_out
            else ""
        )
    text = (
        f"In the last {days} days they spent most in {when['best_month']} ({formats.percent(when['best_month_share'])} "
        "of their money; one season, which need not repeat)"
    )
    if stands_out:
        text += (
            f" and on {when['best_weekday']}s ({formats.percent(when['best_weekday_share'])}; an even spread would be "
            f"{formats.percent(even)})."
        )
    else:
        text += "; no weekday stands out."
    if when["own_month_index"] >= OVER_INDEX:
        text += (
            f" Their share of spending exceeds that of all customers most in {when['own_month']} "
            f"({times(when['own_month_index'])})."
        )
    return text

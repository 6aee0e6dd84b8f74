"""What to do about each persona: its action, what it buys more of, when, and what a plausible shift would bring.

Everything here is arithmetic on what was observed. That a shift would bring so much does not mean that it can be had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from retail_assets.segmentation.evaluation.action_text import action_text
from retail_assets.segmentation.evaluation.buying_habits import (
    LEAST_CUSTOMERS,
    MONTHS,
    SEASON_DAYS,
    STANDS_OUT,
    buying_times,
    one_in_ten,
    over_indexed,
)
from retail_assets.segmentation.personas.catalog import Catalog, Persona
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.wording import campaigns as phrases

Rows = Sequence[Mapping[str, Any]]

#: What only a whole year shows.
_OF_MONTHS = ("best_months", "best_months_share", "own_month", "own_month_index")


def campaigns(
    profiles: Rows,
    categories: Rows,
    dated: Rows,
    catalog: Catalog,
    currency: str | None = None,
    history_days: int | None = None,
    upper: Mapping[str, float] | None = None,
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
        upper: the `PLAUSIBLE` quantile of the money that customers of a persona spent in the window, by persona;
            without it nothing is said about a shift.
    """
    favorites, when = over_indexed(categories, profiles), buying_times(dated)
    year = history_days is None or history_days >= SEASON_DAYS
    days = min(WINDOW_DAYS, history_days or WINDOW_DAYS)
    if not year:
        when = {name: {**times, **dict.fromkeys(_OF_MONTHS)} for name, times in when.items()}
    by_persona = {str(profile["persona"]): profile for profile in profiles}
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
            "tenth": shift(profile, (upper or {}).get(name), catalog),
        }
        segments[name] = {**campaign, "text": _text(name, campaign, currency, days)}
    return segments


def shift(profile: Mapping[str, Any], upper: float | None, catalog: Catalog) -> dict[str, Any] | None:
    """Compute what it would bring if one customer in ten spent as much as the persona's own upper quartile.

    A quarter of the persona's customers spend so much already: the shift never asks them to become customers of
    another kind. The numbers are rounded as they are printed, so that they agree. None for fewer than
    `LEAST_CUSTOMERS` customers, for groups of customers who did not buy twice, and where the quartile is no more than
    the median.

    Args:
        profile: a row of `segment_profiles`.
        upper: the `PLAUSIBLE` quantile of what its customers spent.
        catalog: the personas.
    """
    customers = int(profile["customers"])
    bought_twice = profile["decided_by"] == "cluster" or profile["persona"] == catalog.groups["not_segmented"].name
    if upper is None or customers < LEAST_CUSTOMERS or not bought_twice:
        return None
    typical, upper = phrases.as_printed(float(profile["median_monetary"])), phrases.as_printed(upper)
    moved = one_in_ten(customers)
    if upper <= typical:
        return None
    return {
        "what": "one customer in ten spends as much as the upper quartile of this segment",
        "customers": moved,
        "typical": typical,
        "upper": upper,
        "money": round(moved * (upper - typical), 2),
    }


def notes(profiles: Rows) -> list[str]:
    """Say which personas have no recommendations, and why."""
    if not profiles:
        return ["There are no customers, so there are no recommendations for segments."]
    small = [str(p["persona"]) for p in profiles if int(p["customers"]) < LEAST_CUSTOMERS]
    return [phrases.few_customers(personas=small, least=LEAST_CUSTOMERS).text] if small else []


def _without_season(persona: Persona, catalog: Catalog) -> Persona:
    """Return a persona without an action that speaks of the best month, which takes a year to know."""
    seasonal = "{top_month_share}" in persona.action
    return replace(persona, action=catalog.groups["other"].action) if seasonal else persona


def _text(name: str, campaign: Mapping[str, Any], currency: str | None, days: int) -> str:
    sentences = []
    if campaign["categories"]:
        named = [
            phrases.Preference(c["category"], c["share"], c["other_share"], float(c["revenue"]))
            for c in campaign["categories"]
        ]
        sentences.append(phrases.preferences(persona=name, categories=named, days=days, currency=currency))
    if when := campaign["when"]:
        own = when["own_month"] is not None and when["own_month_index"] >= STANDS_OUT
        sentences.append(
            phrases.buying_times(
                persona=name,
                days=days,
                best_months=when["best_months"],
                best_months_share=when["best_months_share"],
                even_months=len(when["best_months"] or ()) / len(MONTHS),
                best_weekdays=when["best_weekdays"],
                best_weekdays_share=when["best_weekdays_share"],
                even_weekdays=len(when["best_weekdays"]) * when["even_weekday_share"],
                own_month=when["own_month"] if own else None,
                own_month_index=when["own_month_index"] if own else None,
                least=STANDS_OUT,
            )
        )
    if tenth := campaign["tenth"]:
        sentences.append(
            phrases.shift(
                persona=name,
                customers=tenth["customers"],
                typical=tenth["typical"],
                upper=tenth["upper"],
                more=tenth["money"],
                days=days,
                currency=currency,
            )
        )
    return " ".join(sentence.text for sentence in sentences)

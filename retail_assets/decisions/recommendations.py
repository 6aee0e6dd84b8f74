"""What to do about each segment, and what to have in stock: computed from profiles, purchases and the forecast.

A recommendation is arithmetic on what was observed, and says so: that a tenth more of something would bring so much is
no promise that it can be had. What the data do not carry is left out, with the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.segmentation.evaluation.buying_habits import (
    LEAST_CUSTOMERS,
    OVER_INDEX,
    SHIFT,
    buying_times,
    over_indexed,
    times,
)
from retail_assets.segmentation.evaluation.evaluation import action_text, money
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalogue

TOP_CATEGORIES = 5
WEEK_DAYS = 7
PEAK = 0.02
"""A week this much above the average week of the forecast is a peak; below it the weeks are alike."""
TOTAL = "TOTAL"
"""The category under which the forecast has the sum of all others."""

Rows = Sequence[Mapping[str, Any]]


def shift(profile: Mapping[str, Any], best: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a tenth would bring: of the persona's customers spending like the best persona's typical one.

    For the best persona itself, and where that one spends no more, it is a tenth of the persona's own revenue.

    Args:
        profile: a row of `segment_profiles`.
        best: the row of the persona that is worth most; None if nobody is of it.
    """
    revenue, customers = float(profile["revenue"]), int(profile["customers"])
    if best is not None and best["persona"] != profile["persona"] and profile["decided_by"] == "cluster":
        gain = float(best["median_monetary"]) - float(profile["median_monetary"])
        if gain > 0:
            return {
                "what": f"one customer in ten spending like the typical one of {best['persona']}",
                "customers": round(customers * SHIFT),
                "money": round(customers * SHIFT * gain, 2),
            }
    return {
        "what": "a tenth of this segment's revenue, gained or lost",
        "customers": customers,
        "money": round(revenue * SHIFT, 2),
    }


def stock(forecast: Rows, buyers: Mapping[str, Sequence[str]], currency: str | None = None) -> list[dict[str, Any]]:
    """What to have in stock of the categories that will sell most, for the strongest week of the forecast.

    Weeks are counted from the first day that is forecast; a week cut short by the end of the forecast is no week.

    Args:
        forecast: rows of `sales_forecast`; those of `TOTAL` are left out.
        buyers: personas that over-index on a category, by category.
        currency: code written after money, if known.
    """
    by_category: dict[str, list[Mapping[str, Any]]] = {}
    for row in forecast:
        if row["product_category"] != TOTAL:
            by_category.setdefault(str(row["product_category"]), []).append(row)
    largest = sorted(by_category, key=lambda c: (-sum(float(r["mean"]) for r in by_category[c]), c))
    found = []
    for category in largest[:TOP_CATEGORIES]:
        weeks = _weeks(by_category[category])
        if not weeks or sum(map(_mean_of, weeks)) <= 0:
            continue
        average = sum(map(_mean_of, weeks)) / len(weeks)
        peak = max(weeks, key=lambda week: (_mean_of(week), -week[0]["horizon_day"]))
        above = _mean_of(peak) / average - 1
        day = max(peak, key=lambda r: (float(r["mean"]), -r["horizon_day"]))
        units = [row["units"] for row in peak]
        entry: dict[str, Any] = {
            "category": category,
            "first_day": peak[0]["forecast_date"].isoformat(),
            "last_day": peak[-1]["forecast_date"].isoformat(),
            "expected_revenue": round(_mean_of(peak), 2),
            "above_average_week": round(above, 4),
            "expected_units": None if None in units else round(sum(units)),
            "strongest_day": day["forecast_date"].isoformat(),
            "strongest_day_expected": round(float(day["mean"]), 2),
            "strongest_day_p90": round(float(day["p90"]), 2),
            "bought_most_by": list(buyers.get(category, ())),
            "forecast_method": day["method"],
        }
        found.append({**entry, "text": _stock_text(entry, len(weeks), currency)})
    return found


def recommend(
    profiles: Rows,
    categories: Rows,
    dated: Rows,
    forecast: Rows,
    *,
    catalogue: Catalogue = DEFAULT,
    currency: str | None = None,
    snapshot: dt.date | None = None,
) -> dict[str, Any]:
    """Recommendations as JSON has them: `segments` by persona in display order, `stock`, and `notes`.

    Args:
        profiles: rows of `segment_profiles`.
        categories: rows of `queries.segment_categories`.
        dated: rows of `queries.segment_calendar`.
        forecast: rows of `sales_forecast`; none if there is no forecast yet.
        catalogue: the personas.
        currency: code written after money, if known.
        snapshot: last day of sales of the segments.
    """
    order = {persona.name: place for place, persona in enumerate(catalogue.display_order)}
    ordered = sorted(profiles, key=lambda p: (order.get(p["persona"], len(order)), p["persona"]))
    favourites, when = over_indexed(categories, profiles), buying_times(dated)
    best = next((p for p in profiles if p["persona"] == catalogue.clusters[0].name), None)
    segments = {}
    for profile in ordered:
        name = str(profile["persona"])
        persona = catalogue.named(name)
        moved = shift(profile, best)
        found = {
            "customers": int(profile["customers"]),
            "action": action_text(persona, profile, currency) if persona else "",
            "categories": favourites.get(name, []),
            "when": when.get(name) if int(profile["customers"]) >= LEAST_CUSTOMERS else None,
            "tenth": moved,
        }
        segments[name] = {**found, "text": _segment_text(found, currency)}
    buyers: dict[str, list[str]] = {}
    for name in segments:
        for category in favourites.get(name, ()):
            buyers.setdefault(category["category"], []).append(name)
    return {
        "snapshot": snapshot.isoformat() if snapshot else None,
        "segments": segments,
        "stock": stock(forecast, buyers, currency),
        "notes": _notes(profiles, forecast, snapshot),
    }


def as_markdown(recommendations: Mapping[str, Any]) -> str:
    """The recommendations for people."""
    lines = ["# Recommendations", ""]
    if recommendations["snapshot"]:
        lines += [f"From sales until {recommendations['snapshot']}.", ""]
    for name, found in recommendations["segments"].items():
        lines += [f"## {_plain(name)}", "", _plain(found["action"]), "", _plain(found["text"]), ""]
    lines += ["## Stock", ""]
    lines += [f"- {_plain(entry['text'])}" for entry in recommendations["stock"]] or [
        "Nothing to recommend: see below."
    ]
    if recommendations["notes"]:
        lines += ["", "## Notes", "", *(f"- {_plain(note)}" for note in recommendations["notes"])]
    return "\n".join(lines) + "\n"


def _segment_text(found: Mapping[str, Any], currency: str | None) -> str:
    sentences = []
    if found["categories"]:
        told = [
            f"{c['category']} ({c['share']:.0%} of their money, {times(c['share_index'])} all customers)"
            for c in found["categories"]
        ]
        first = found["categories"][0]
        sentences.append(
            f"They buy more than others of {_listed(told)}; a tenth more of {first['category']} would bring "
            f"{money(first['a_tenth_more'], currency)}."
        )
    if when := found["when"]:
        sentences.append(
            f"Their strongest month is {when['best_month']} ({when['best_month_share']:.0%} of their money), their "
            f"strongest weekday {when['best_weekday']} ({when['best_weekday_share']:.0%})"
            + (
                f"; more than others they buy in {when['own_month']} ({times(when['own_month_index'])})."
                if when["own_month_index"] >= OVER_INDEX
                else "."
            )
        )
    tenth = found["tenth"]
    sentences.append(f"A 10 % shift ({tenth['what']}) is {money(tenth['money'], currency)} over the window.")
    return " ".join(sentences)


def _stock_text(entry: Mapping[str, Any], weeks: int, currency: str | None) -> str:
    expected = money(entry["expected_revenue"], currency)
    units = f" (about {entry['expected_units']:,} units)" if entry["expected_units"] is not None else ""
    span = f"{entry['first_day']} to {entry['last_day']}"
    if weeks == 1:
        text = f"{entry['category']}: {expected} expected from {span}{units}"
    elif entry["above_average_week"] >= PEAK:
        text = (
            f"{entry['category']}: stock up for {span}, {entry['above_average_week']:.0%} above the average week: "
            f"{expected} expected{units}"
        )
    else:
        text = f"{entry['category']}: no peak in sight; the strongest week, {span}, brings {expected}{units}"
    text += (
        f"; the strongest day is {entry['strongest_day']}, with a chance of 10 % of more than "
        f"{money(entry['strongest_day_p90'], currency)}."
    )
    if entry["bought_most_by"]:
        text += f" Tell {_listed(entry['bought_most_by'])}, who buy more of it than others."
    return text


def _notes(profiles: Rows, forecast: Rows, snapshot: dt.date | None) -> list[str]:
    notes = []
    if not profiles:
        notes.append("There are no customers, so nothing is recommended for segments.")
    small = [str(p["persona"]) for p in profiles if int(p["customers"]) < LEAST_CUSTOMERS]
    if small:
        notes.append(f"{_listed(small)}: fewer than {LEAST_CUSTOMERS} customers, whose categories and days are chance.")
    cutoffs = {row["cutoff_date"] for row in forecast}
    if not forecast:
        notes.append("stock is empty: there is no forecast of sales yet. Materialize sales_forecast.")
    elif not any(_weeks([r for r in forecast if r["product_category"] != TOTAL])):
        notes.append("stock is empty: the forecast has no whole week of a category.")
    elif snapshot and max(cutoffs) < snapshot:
        notes.append(
            f"The forecast has seen sales until {max(cutoffs)}, the segments until {snapshot}: materialize "
            "sales_forecast for stock recommendations of today."
        )
    return notes


def _weeks(rows: Rows) -> list[list[Mapping[str, Any]]]:
    """Whole weeks of one category's forecast, from its first day on."""
    dated = sorted(rows, key=lambda r: r["horizon_day"])
    cut = [dated[start : start + WEEK_DAYS] for start in range(0, len(dated), WEEK_DAYS)]
    return [week for week in cut if len(week) == WEEK_DAYS]


def _mean_of(week: Rows) -> float:
    return sum(float(row["mean"]) for row in week)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _plain(text: str) -> str:
    """Text from the data within Markdown: no line of it can become a heading, a link or HTML."""
    marked = "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in text)
    return " ".join(marked.split())

"""Recommendations for the report: what to do about each persona, and what to have in stock, as JSON and as Markdown.

What the data cannot show is left out, with the reason in `notes`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.decisions import campaigns, stock
from retail_assets.segmentation.evaluation.buying_habits import SEASON_DAYS, STANDS_OUT
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording import campaigns as phrases

MATERIAL = 0.1
"""Part of a category from which a persona is one to offer it to: below, the stock does not depend on it."""

Rows = Sequence[Mapping[str, Any]]


def recommend(
    profiles: Rows,
    categories: Rows,
    dated: Rows,
    forecast: Rows,
    *,
    catalog: Catalog = DEFAULT,
    currency: str | None = None,
    snapshot: dt.date | None = None,
    history_days: int | None = None,
    upper: Mapping[str, float] | None = None,
    history: stock.History | None = None,
) -> dict[str, Any]:
    """Return the recommendations as stored in JSON: `segments` by persona in display order, `stock`, and `notes`.

    Args:
        profiles: rows of `segment_profiles`.
        categories: rows of `queries.buying_habits.segment_categories`.
        dated: rows of `queries.buying_habits.segment_calendar`.
        forecast: rows of `sales_forecast`; empty if there is no forecast yet.
        catalog: the personas.
        currency: code written before money; None if it is unknown.
        snapshot: last day of sales that the segments have seen.
        history_days: days that the sales span; None for at least a year.
        upper: the `PLAUSIBLE` quantile of what the customers of a persona spent, by persona.
        history: what was sold, which the forecast is compared with.
    """
    segments = campaigns.campaigns(profiles, categories, dated, catalog, currency, history_days, upper)
    year = history_days is None or history_days >= SEASON_DAYS
    buyers: dict[str, list[str]] = {}
    for name, campaign in segments.items():
        persona = catalog.named(name)
        for category in campaign["categories"]:
            if category["of_category"] >= MATERIAL and not (persona and persona.little_effort):
                buyers.setdefault(category["category"], []).append(name)
    return {
        "snapshot": snapshot.isoformat() if snapshot else None,
        "window_days": min(WINDOW_DAYS, history_days or WINDOW_DAYS),
        "segments": segments,
        "stock": stock.stock(forecast, buyers, currency, year=year, history=history),
        "notes": [
            *campaigns.notes(profiles),
            *([] if year else [phrases.short_history(days=history_days or 0).text]),
            *stock.notes(forecast, snapshot),
        ],
    }


def as_markdown(recommendations: Mapping[str, Any]) -> str:
    """Write the recommendations for people, as Markdown in which no text from the data is markup."""
    lines = ["# Recommendations", ""]
    if recommendations["snapshot"]:
        last_day = dt.date.fromisoformat(recommendations["snapshot"])
        lines += [phrases.scope(last_day=last_day, days=recommendations["window_days"], least=STANDS_OUT).text, ""]
    for name, campaign in recommendations["segments"].items():
        lines += [f"## {as_cell(name)}", ""]
        for text in filter(None, (campaign["action"], campaign["text"])):
            lines += [as_cell(text), ""]
    lines += ["## Stock", ""]
    lines += [f"- {as_cell(entry['text'])}" for entry in recommendations["stock"]] or [
        "No recommendation: see the notes."
    ]
    if recommendations["notes"]:
        lines += ["", "## Notes", "", *(f"- {as_cell(note)}" for note in recommendations["notes"])]
    return "\n".join(lines) + "\n"

"""Recommendations for the report: what to do about each persona, and what to have in stock, as JSON and as Markdown.

What the data cannot show is left out, with the reason in `notes`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.decisions import campaigns, stock
from retail_assets.segmentation.evaluation.buying_habits import SEASON_DAYS
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording import formats

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
    """
    segments = campaigns.campaigns(profiles, categories, dated, catalog, currency, history_days)
    year = history_days is None or history_days >= SEASON_DAYS
    buyers: dict[str, list[str]] = {}
    for name, campaign in segments.items():
        for category in campaign["categories"]:
            buyers.setdefault(category["category"], []).append(name)
    return {
        "snapshot": snapshot.isoformat() if snapshot else None,
        "segments": segments,
        "stock": stock.stock(forecast, buyers, currency, year=year),
        "notes": [
            *campaigns.notes(profiles),
            *([] if year else [_too_short(history_days or 0)]),
            *stock.notes(forecast, snapshot),
        ],
    }


def _too_short(days: int) -> str:
    return (
        f"The sales span {formats.plural(days, 'day')}, less than the 12 months that seasons need: best months, "
        "seasons and peaks to stock up for are left out. The name of a persona says how its customers bought so far, "
        "not when they will buy again."
    )


def as_markdown(recommendations: Mapping[str, Any]) -> str:
    """Write the recommendations for people, as Markdown in which no text from the data is markup."""
    lines = ["# Recommendations", ""]
    if recommendations["snapshot"]:
        until = formats.day(dt.date.fromisoformat(recommendations["snapshot"]))
        lines += [f"From sales until {until}. Money and shares of segments are of the last {WINDOW_DAYS} days.", ""]
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

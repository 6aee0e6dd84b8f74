"""Heat maps: where customers of each segment moved, and what each segment buys more of than others."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from retail_assets.plotting.color_maps import BELOW_TO_ABOVE, LITTLE_TO_MUCH, text_on
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import WHITE
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import TEXT
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS, MOST_TIMES, is_preference, times
from retail_assets.segmentation.figures.inputs import Rows
from retail_assets.segmentation.figures.style import in_order, label
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.wording import segment_titles
from retail_assets.wording.formats import number, short, text_columns
from retail_assets.wording.thresholds import WORTH_ACTING_ON

CATEGORIES_SHOWN = 12


def segment_migrations(migrations: Rows, *, catalog: Catalog = DEFAULT) -> bytes:
    """Draw where the customers of each persona went in the latest migration: shares as colors, customers as numbers.

    Raises NothingToShow without migrations.
    """
    if not migrations:
        raise NothingToShow("nobody could change segment yet: the customers have been segmented once")
    last = max((row["to_snapshot"], row["from_snapshot"], row["from_version"]) for row in migrations)
    latest = [row for row in migrations if (row["to_snapshot"], row["from_snapshot"], row["from_version"]) == last]
    origins = in_order({row["from_persona"] for row in latest}, catalog)
    goals = in_order({row["to_persona"] for row in latest}, catalog)
    counts = np.zeros((len(origins), len(goals)))
    for row in latest:
        counts[origins.index(row["from_persona"]), goals.index(row["to_persona"])] += int(row["customers"])
    known = [i for i, name in enumerate(origins) if catalog.named(name)]
    before = counts[known].sum()
    stayed = sum(
        counts[i, place] for i in known for place, goal in enumerate(goals) if catalog.same_persona(origins[i], goal)
    )
    versions = sorted({str(row["to_version"]) for row in latest} | {str(row["from_version"]) for row in latest})
    to, start, _ = last
    title = (
        segment_titles.kept(share=stayed / before, customers=int(before), start=start, to=to)
        if before
        else segment_titles.all_new(start=start, to=to)
    )
    named = ", ".join(short(version, 41, keep_end=False) for version in versions)
    models = f"Model version{'s' if len(versions) > 1 else ''} {named}."
    sheet = Sheet(
        title.text,
        "Rows: segment before. Columns: segment after. Color: share of the customers in the row. Numbers: customers.",
        f"{segment_titles.moves_source(start=start, to=to)} {models}",
        height=max(3.6, 2.4 + 0.5 * len(origins)),
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    texts = [[number(c) if c else "" for c in row] for row in counts]
    _heat_map(sheet.axes(), shares, texts, origins, goals, (0, 1))
    return sheet.png()


def segment_categories(
    categories: Rows, segments: Mapping[str, Mapping[str, Any]], days: str, *, catalog: Catalog = DEFAULT
) -> bytes:
    """Draw what each persona spends more and less on than all customers, as ratios of shares.

    `days` says which sales these are. Personas with fewer than `LEAST_CUSTOMERS` customers are left out, because their
    preferences may be chance.
    """
    large = {name for name, profile in segments.items() if int(profile["customers"]) >= LEAST_CUSTOMERS}
    categories = [row for row in categories if row["persona"] in large]
    parts = {row["product_category"]: float(row["all_share"]) for row in categories}
    shown = sorted(parts, key=lambda c: (-parts[c], c))[:CATEGORIES_SHOWN]
    names = in_order({row["persona"] for row in categories}, catalog)
    if len(parts) < 2 or len(names) < 2:
        few = segment_titles.nothing_to_compare(least=LEAST_CUSTOMERS, categories=len(parts), segments=len(names))
        raise NothingToShow(few.text)
    index = np.zeros((len(names), len(shown)))
    for row in categories:
        if row["product_category"] in shown:
            index[names.index(row["persona"]), shown.index(row["product_category"])] = float(row["share_index"])
    note = segment_titles.categories_note(shown=len(shown), categories=len(parts), points=WORTH_ACTING_ON * 100)
    sheet = Sheet(
        _categories_title([row for row in categories if row["product_category"] in shown]),
        "Numbers: the share of the segment's spending on the category, divided by that of all customers. Above 1 the "
        "segment spends a larger part of its money on it.",
        f"{days} {note}",
        height=max(3.8, 2.8 + 0.45 * len(names)),
    )
    depth = np.clip(np.log2(np.maximum(index, 0.25)), -2, 2)
    texts = [[f"> {MOST_TIMES:.0f}" if value > MOST_TIMES else f"{value:.1f}" for value in row] for row in index]
    _heat_map(sheet.axes(), depth, texts, names, shown, (-2, 2), diverging=True)
    return sheet.png()


def _categories_title(rows: Rows) -> str:
    """The largest ratio among the differences that are worth acting on."""
    top = max(filter(is_preference, rows), key=lambda row: float(row["share_index"]), default=None)
    if top is None:
        return segment_titles.no_preference(points=WORTH_ACTING_ON * 100).text
    return segment_titles.preference(
        persona=str(top["persona"]),
        category=str(top["product_category"]),
        ratio=times(float(top["share_index"])),
        index=float(top["share_index"]),
    ).text


def _heat_map(
    axes: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    *,
    diverging: bool = False,
) -> None:
    """Draw `values` (rows x columns) as colors between the `limits`, with a text in each cell."""
    colors = BELOW_TO_ABOVE if diverging else LITTLE_TO_MUCH
    image = axes.imshow(values, aspect="auto", cmap=colors, vmin=limits[0], vmax=limits[1])
    for place, row in enumerate(texts):
        for column, text in enumerate(row):
            color = text_on(image, values[place, column])
            axes.text(column, place, text, ha="center", va="center", fontsize=TEXT, color=color)
    axes.set_yticks(np.arange(len(rows)), [label(name) for name in rows])
    width = max(8, 66 // max(len(columns), 1))
    slanted = any(text_columns(label(name)) > width for name in columns) and len(columns) > 6
    shown = [label(name, 21) if slanted else _wrapped(label(name), width) for name in columns]
    axes.set_xticks(np.arange(len(columns)), shown)
    if slanted:
        for tick in axes.get_xticklabels():
            tick.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=WHITE, linewidth=2)
    axes.tick_params(which="minor", length=0)


def _wrapped(text: str, width: int) -> str:
    """Break a text into lines of at most `width` columns, of which East Asian characters take two."""
    return textwrap.fill(text, width * len(text) // max(text_columns(text), 1))

"""The map of the clustered customers, and the distribution of baskets where there is nothing to map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from retail_assets.plotting.axes import axis_title, number_ticks
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import INK, SKY, WHITE
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.figures.style import in_order, label, marks, source
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.wording import segment_titles
from retail_assets.wording.formats import axis_number, percent

MAP_CUSTOMERS = 4_000
"""More points than this hide each other; a seeded sample is drawn instead."""
_SEPARATE = 0.5
"""Silhouette above which the segments are called separate."""
_FEW_DECADES = 3.5

_DIRECTIONS = {
    "frequency": ("more purchases", "fewer purchases"),
    "monetary": ("more spending", "less spending"),
    "average_basket": ("larger basket", "smaller basket"),
}
_LOADED = 0.3
"""Loading from which a feature counts as part of what an axis means."""
_LINE_MARKERS = "x+123"


def segment_map(
    inputs: FigureInputs, *, catalog: Catalog = DEFAULT, currency: str | None = None, seed: int = 0
) -> bytes:
    """Draw the clustered customers on the two main axes of what the clusters are made of (PCA), colored by persona.

    Without clusters there is nothing to map, and the distribution of baskets is drawn instead.
    """
    evaluation = inputs.evaluation
    if evaluation["k"] is None:
        return _baskets(inputs, currency)
    chosen = np.flatnonzero(eligible(inputs.sample))
    if len(chosen) < 2:
        raise NothingToShow(f"there are too few customers to map. {evaluation['verdict']}")
    points, meanings = _projected(inputs.scores[chosen][:, : len(MODEL_FEATURES)])
    drawn = np.random.default_rng(seed).permutation(len(chosen))[:MAP_CUSTOMERS]
    names = inputs.names[chosen]
    silhouette = evaluation["silhouette"] or 0.0
    personas = in_order(set(names), catalog)
    clustered = evaluation["clustered_customers"]
    note = segment_titles.map_note(clustered=clustered, drawn=len(drawn), others=evaluation["customers"] - clustered)
    sheet = Sheet(
        segment_titles.map_title(segments=len(personas), separate=silhouette > _SEPARATE).text,
        segment_titles.map_reading(silhouette=silhouette).text,
        f"{source(evaluation, inputs.days)} {note}",
    )
    axes = sheet.axes("both")
    styles = marks(catalog, personas)
    for name in personas:
        color, marker = styles[name]
        own = drawn[names[drawn] == name]
        line_width = 0.8 if marker in _LINE_MARKERS else 0.0
        axes.scatter(
            points[own, 0], points[own, 1], s=15, marker=marker, color=color, alpha=0.55, linewidths=line_width
        )
        count = f"{label(name)}: {_customers_of(evaluation, name, names):,}"
        axes.scatter([], [], s=45, marker=marker, color=color, label=count)
    axis_title(axes, "x", meanings[0])
    axis_title(axes, "y", meanings[1])
    number_ticks(axes, "x")
    number_ticks(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=AXIS, labelcolor=INK, borderaxespad=0
    )
    return sheet.png()


def _projected(points: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Points on the first two principal components, and what each axis means.

    Signs are fixed: more spending is to the right, larger baskets are up.
    """
    centered = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centered, full_matrices=False)
    part = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    money, basket = MODEL_FEATURES.index("monetary"), MODEL_FEATURES.index("average_basket")
    for row, feature in ((0, money), (1, basket)):
        if directions[row, feature] < 0:
            directions[row] *= -1
    meanings = []
    for row in range(2):
        words = [
            _DIRECTIONS[feature][int(load < 0)]
            for feature, load in zip(MODEL_FEATURES, directions[row], strict=True)
            if abs(load) > _LOADED
        ]
        meanings.append(f"{', '.join(words)} →  ({percent(part[row], 0)} of the differences)")
    return centered @ directions[:2].T, (meanings[0], meanings[1])


def _customers_of(evaluation: Mapping[str, Any], name: str, names: np.ndarray) -> int:
    """Customers of a persona: of the whole shop where the evaluation has them, else of the sample."""
    profile = evaluation["segments"].get(name)
    return int(profile["customers"]) if profile else int((names == name).sum())


def _baskets(inputs: FigureInputs, currency: str | None) -> bytes:
    """Draw the distribution of average baskets; a sentence where there is none."""
    basket = inputs.sample["average_basket"].to_numpy(dtype=float)
    basket = basket[basket > 0]
    verdict = inputs.evaluation["verdict"]
    if not len(basket):
        raise NothingToShow(f"there are no segments. {verdict}")
    sheet = Sheet(
        "There are no segments; this is what customers spend per purchase",
        verdict,
        f"{source(inputs.evaluation, inputs.days)} {segment_titles.baskets_note(customers=len(basket))}",
    )
    axes = sheet.axes("y")
    low, high = np.log10(basket.min()), np.log10(basket.max())
    if high - low < 0.01:
        low, high = low - 0.5, high + 0.5
    edges = list(np.logspace(low - 1e-9, high + 1e-9, 25))
    axes.hist(basket, bins=edges, color=SKY, edgecolor=WHITE, linewidth=0.6)
    axes.set_xscale("log")
    # 1, 2, 5, 10 over few decades, powers of ten over many; matplotlib's own labels would be 2 × 10¹.
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if high - low <= _FEW_DECADES else (1.0,), numticks=12)
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    number_ticks(axes, "y")
    axis_title(axes, "x", f"average basket ({currency}, log scale)" if currency else "average basket (log scale)")
    axis_title(axes, "y", "number of customers")
    return sheet.png()

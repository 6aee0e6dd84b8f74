"""Pictures of a segmentation as PNG bytes; each title says what was found.

Colours are Okabe & Ito's (2008), told apart with the common colour-vision deficiencies; the map adds a marker of its
own for each persona.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from retail_assets.segmentation.personas import (
    BUDGET,
    DISPLAY_ORDER,
    HIGH_VALUE,
    LOW_ENGAGEMENT,
    NO_NET_SPEND,
    NOT_SEGMENTED,
    ONE_PURCHASE,
    OTHER,
    SEASONAL,
)
from retail_assets.segmentation.segment import Segmentation

MAP_CUSTOMERS = 4_000
"""More points than this hide each other; a seeded sample is drawn instead."""

_STYLE: dict[str, tuple[str, str]] = {
    HIGH_VALUE.name: ("#0072B2", "o"),
    BUDGET.name: ("#E69F00", "s"),
    SEASONAL.name: ("#009E73", "^"),
    LOW_ENGAGEMENT.name: ("#CC79A7", "D"),
    OTHER.name: ("#56B4E9", "P"),
    NOT_SEGMENTED.name: ("#56B4E9", "v"),
    ONE_PURCHASE.name: ("#7F7F7F", "x"),
    NO_NET_SPEND.name: ("#D55E00", "+"),
}
_INK, _MUTED, _GRID = "#222222", "#5A5A5A", "#DDDDDD"
_DPI = 120


def draw_figures(segmentation: Segmentation, *, currency: str | None = None) -> dict[str, bytes]:
    """File name → PNG: `segment_map.png` and `segment_revenue.png`. The same segmentation gives the same bytes."""
    return {
        "segment_map.png": segment_map(segmentation, currency=currency),
        "segment_revenue.png": segment_revenue(segmentation),
    }


def segment_map(segmentation: Segmentation, *, currency: str | None = None, seed: int = 0) -> bytes:
    """Customers by purchases and average basket (log axes), coloured by persona.

    Without clusters there is nothing to map, and the baskets' distribution is drawn instead. Customers without net
    spend have no place on a log axis; the caption counts them.
    """
    table, evaluation = segmentation.table, segmentation.evaluation
    basket = table["average_basket"].to_numpy()
    frequency = table["frequency"].to_numpy().astype(float)
    personas = table["persona"].to_numpy(zero_copy_only=False)
    drawable = np.flatnonzero((basket > 0) & (frequency > 0))
    basket_label = f"Average basket ({currency}, log scale)" if currency else "Average basket (log scale)"
    if not len(drawable):
        return _png(_without_data(evaluation["verdict"] if not len(table) else "No customer has spent anything, net."))
    caption = [f"{len(table):,} customers"]
    if len(drawable) < len(table):
        caption.append(f"{len(table) - len(drawable):,} without net spend not drawn")

    figure, axes = _figure()
    if evaluation["k"] is None:
        _baskets(axes, basket[drawable], basket_label)
        _title(axes, _why_no_map(evaluation))
    else:
        if len(drawable) > MAP_CUSTOMERS:
            drawn = np.random.default_rng(seed).choice(drawable, MAP_CUSTOMERS, replace=False)
            caption.append(f"a sample of {MAP_CUSTOMERS:,} drawn")
        else:
            drawn = np.random.default_rng(seed).permutation(drawable)
        _points(axes, frequency[drawn], basket[drawn], personas[drawn])
        axes.set_xlabel("Purchases (log scale)", color=_MUTED)
        axes.set_ylabel(basket_label, color=_MUTED)
        _title(axes, _map_finding(evaluation))
        _legend(axes, evaluation["segments"])
    axes.annotate(
        " · ".join(caption),
        (0, 0),
        (0, -44),
        xycoords="axes fraction",
        textcoords="offset points",
        color=_MUTED,
        fontsize=8,
    )
    return _png(figure)


def segment_revenue(segmentation: Segmentation) -> bytes:
    """Each persona's share of customers beside its share of revenue."""
    segments: dict[str, Any] = segmentation.evaluation["segments"]
    if not segments:
        return _png(_without_data(segmentation.evaluation["verdict"]))
    figure, axes = _figure()
    names = list(segments)
    places = np.arange(len(names))
    customers = [segments[name]["customers_share"] for name in names]
    revenue = [segments[name]["revenue_share"] for name in names]
    _bars(axes, places - 0.2, customers, "#BBBBBB", "share of customers")
    _bars(axes, places + 0.2, [r or 0.0 for r in revenue], "#0072B2", "share of revenue", known=revenue[0] is not None)
    axes.set_yticks(places, names, color=_INK)
    margin = max(0.0, (3 - len(names)) / 2)  # one or two groups keep the bar width of three
    axes.set_ylim(len(names) - 0.4 + margin, -0.6 - margin)
    longest = max([*customers, *(r for r in revenue if r is not None)])
    axes.set_xlim(min(0.0, *(r * 1.25 for r in revenue if r is not None), 0.0), max(longest * 1.18, 0.05))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.axvline(0, color=_MUTED, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.09),
        ncols=2,
        frameon=False,
        fontsize=9,
        borderaxespad=0,
        handlelength=1.2,
    )
    _title(axes, _revenue_finding(segments))
    return _png(figure)


def _points(axes: Axes, frequency: np.ndarray, basket: np.ndarray, personas: np.ndarray) -> None:
    for persona in DISPLAY_ORDER:
        chosen = personas == persona.name
        colour, marker = _STYLE[persona.name]
        axes.scatter(
            frequency[chosen],
            basket[chosen],
            s=16,
            marker=marker,
            color=colour,
            alpha=0.6,
            linewidths=0.8 if marker in "x+" else 0,
        )
    for axis, values, scale in (
        (axes.xaxis, frequency, axes.set_xscale),
        (axes.yaxis, basket, axes.set_yscale),
    ):
        scale("log")
        _plain_log_ticks(axis, values)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _plain_log_ticks(axis: Any, values: np.ndarray) -> None:
    """Label a log axis with plain numbers: 1, 2, 5, 10 over few decades, powers of ten over many."""
    decades = math.log10(values.max()) - math.log10(values.min())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades <= 3.5 else (1.0,), numticks=12))
    axis.set_major_formatter(FuncFormatter(_number))
    axis.set_minor_formatter(NullFormatter())


def _baskets(axes: Axes, basket: np.ndarray, label: str) -> None:
    low, high = math.log10(basket.min()), math.log10(basket.max())
    if high - low < 0.01:
        low, high = low - 0.5, high + 0.5
    axes.hist(basket, bins=list(np.logspace(low, high, 25)), color="#56B4E9", edgecolor="white", linewidth=0.6)
    axes.set_xscale("log")
    _plain_log_ticks(axes.xaxis, np.array([10**low, 10**high]))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_number))
    axes.grid(axis="y", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(label, color=_MUTED)
    axes.set_ylabel("Customers", color=_MUTED)


def _bars(axes: Axes, places: np.ndarray, shares: list[float], colour: str, label: str, *, known: bool = True) -> None:
    bars = axes.barh(places, shares, height=0.36, color=colour, label=label)
    for bar, share in zip(bars, shares, strict=True):
        axes.annotate(
            _share(share) if known else "undefined",
            (share, bar.get_y() + bar.get_height() / 2),
            (4 if share >= 0 else -4, 0),
            textcoords="offset points",
            va="center",
            ha="left" if share >= 0 else "right",
            fontsize=9,
            color=_INK,
        )


def _legend(axes: Axes, segments: dict[str, Any]) -> None:
    for name, profile in segments.items():
        colour, marker = _STYLE[name]
        axes.scatter([], [], s=36, marker=marker, color=colour, label=f"{name}: {profile['customers']:,}")
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, borderaxespad=0, handletextpad=0.3
    )


def _map_finding(evaluation: dict[str, Any]) -> str:
    silhouette = evaluation["silhouette"]
    kinds = sum(len(p["clusters"]) for p in evaluation["segments"].values())
    if silhouette > 0.5:
        return f"{kinds} kinds of shopper stand apart by purchases and basket (silhouette {silhouette:.2f})"
    return f"Shoppers form one cloud; {kinds} segments divide it by purchases and basket (silhouette {silhouette:.2f})"


def _why_no_map(evaluation: dict[str, Any]) -> str:
    segments = evaluation["segments"]
    if list(segments) == [ONE_PURCHASE.name]:
        return "Every customer bought once: only their baskets differ, so there are no segments"
    return "No segments: too few customers, or customers too alike, to tell kinds apart"


def _revenue_finding(segments: dict[str, Any]) -> str:
    if len(segments) == 1:
        (name,) = segments
        return f"There is only one group of customers: {name}"
    leading = max(segments, key=lambda name: float(segments[name]["revenue"]))
    profile = segments[leading]
    if profile["revenue_share"] is None:
        return "Returns outweigh sales, so shares of revenue are undefined"
    return f"{leading}: {profile['customers_share']:.0%} of customers, {profile['revenue_share']:.0%} of revenue"


def _share(share: float) -> str:
    if 0 < abs(share) < 0.0005:
        return "< 0.1%" if share > 0 else "> -0.1%"
    return f"{share:.0%}" if abs(share) >= 0.095 or share == 0 else f"{share:.1%}"


def _number(value: float, _position: int | None = None) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 5), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_GRID)
    axes.tick_params(colors=_MUTED, labelsize=9)
    return figure, axes


def _without_data(sentence: str) -> Figure:
    figure, axes = _figure()
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center", wrap=True, color=_MUTED, fontsize=11, parse_math=False)
    return figure


def _title(axes: Axes, finding: str) -> None:
    axes.set_title(finding, loc="left", fontsize=12, color=_INK, pad=12, wrap=True)


def _png(figure: Figure) -> bytes:
    """PNG without the software's version in it: an upgrade of matplotlib must not be the only thing that changed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

"""What the pictures of a forecast are drawn on: colours, axes, titles that state a finding, and bytes.

Drawn with matplotlib's objects, without pyplot and its global state, so that figures can be made in any thread and the
same forecast gives the same bytes.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib.dates as mdates
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

ACTUAL, FORECAST, NAIVE, WORSE, GRID, OTHER = "#33415c", "#0b7a75", "#9aa5b1", "#b3541e", "#e4e7eb", "#7a5c99"
INNER_BAND, OUTER_BAND = 0.30, 0.14
_LONGEST_LABEL = 28


def new_figure(width: float, height: float) -> tuple[Figure, Any]:
    """A figure of one panel."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    tidy(axes)
    return figure, axes


def new_grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    """A figure of small panels, row by row."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels:
        tidy(axes)
    return figure, panels


def tidy(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=GRID, lw=0.7)
    axes.set_axisbelow(True)


def money_axis(axes: Any) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def date_axis(axes: Any, most: int = 12) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=most)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set_fontsize(8)


def label(name: str) -> str:
    """A category's name, cut to fit; data, so callers must not let it start mathematical text."""
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def title(figure: Figure, finding: str, evidence: str, axes: Any = None) -> None:
    """The finding in bold; the evidence beneath it, over the panel where there is only one."""
    if axes is None:
        head = figure.suptitle(f"{finding}\n", x=0.01, ha="left", fontsize=13, fontweight="bold")
        head.set_parse_math(False)
        # Below the bold line, within the space that the empty second line keeps free.
        note = figure.text(0.01, 0.0, evidence, fontsize=9.5, color="#52606d", ha="left", va="top")
        note.set_parse_math(False)
        figure.canvas.draw()
        box = head.get_window_extent().transformed(figure.transFigure.inverted())
        note.set_position((0.01, box.y0 + 0.45 * box.height))
        note.set_in_layout(False)
        return
    head = figure.suptitle(finding, x=0.01, ha="left", fontsize=13, fontweight="bold")
    head.set_parse_math(False)
    axes.set_title(evidence, loc="left", fontsize=9.5, color="#52606d").set_parse_math(False)


def png(figure: Figure) -> bytes:
    out = io.BytesIO()
    # Without the version of matplotlib in its metadata, the same figure is the same file.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()

"""The sheet that pictures of segments are drawn on: size, type, colours, title, footnote, and its PNG bytes.

Uses matplotlib's objects and never pyplot, so that figures share no state and threads may draw at once.
"""

from __future__ import annotations

import textwrap
import unicodedata

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.plotting.drawing import FAINT, INK, MUTED, PALE, plain, png

#: Okabe & Ito (2008) with a marker each, told apart with any colour vision; then greys for groups made by a rule.
STYLES = (
    ("#0072B2", "o"),
    ("#E69F00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#56B4E9", "P"),
    ("#D55E00", "v"),
    ("#8C6D00", "X"),
    ("#5B3A8C", "*"),
)
RULE_STYLES = (("#7F7F7F", "x"), ("#A6A6A6", "+"), ("#595959", "1"), ("#BFBFBF", "2"), ("#404040", "3"))

_TITLE_WIDTH, _NOTE_WIDTH, _FOOT_WIDTH = 80, 130, 150


def label(name: str, width: int = 24) -> str:
    """A name from the data as it fits: one line, cut in the middle of nothing but at `width` columns."""
    line = " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in name).split())
    shown, used = "", 0
    for sign in line:
        used += _columns(sign)
        if used > width:
            return plain(shown.rstrip() + "…")
        shown += sign
    return plain(shown)


def _columns(sign: str) -> int:
    """Columns that a sign takes: signs of East Asian scripts take two."""
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


class Sheet:
    """One figure: a title that says the finding, a line on how to read it, a footnote, and the panels between."""

    def __init__(self, title: str, reading: str, footnote: str, *, height: float = 5.9) -> None:
        self.figure = Figure(figsize=(10, height), dpi=110, facecolor="white")
        FigureCanvasAgg(self.figure)
        title_lines = textwrap.wrap(plain(title), _TITLE_WIDTH)[:3]
        reading_lines = textwrap.wrap(plain(reading), _NOTE_WIDTH)[:3]
        foot_lines = textwrap.wrap(plain(footnote), _FOOT_WIDTH)[:2]
        scale = 5.9 / height
        top = 1 - 0.025 * scale
        text = self.figure.text
        text(0.02, top, "\n".join(title_lines), size=14, weight="bold", color=INK, va="top", linespacing=1.2)
        top -= (0.052 * len(title_lines) + 0.008) * scale
        text(0.02, top, "\n".join(reading_lines), size=9.5, color=MUTED, va="top", linespacing=1.3)
        top -= (0.034 * len(reading_lines) + 0.015) * scale
        text(0.02, 0.018 * scale, "\n".join(foot_lines), size=8, color=MUTED, va="bottom", linespacing=1.3)
        bottom = (0.03 + 0.029 * len(foot_lines)) * scale
        self.figure.set_layout_engine("constrained", rect=(0.01, bottom, 0.98, top - bottom), w_pad=0.06, h_pad=0.06)

    def axes(self, grid: str = "") -> Axes:
        """One panel over the whole sheet; `grid` is "x", "y", "both" or empty."""
        axes = self.figure.add_subplot()
        tidy(axes, grid)
        return axes

    def panels(self, count: int) -> list[Axes]:
        """Panels side by side that share the names on the left."""
        found = list(self.figure.subplots(1, count, sharey=True, squeeze=False).ravel())
        for axes in found:
            tidy(axes, "")
        return found

    def png(self) -> bytes:
        """The same sheet gives the same bytes."""
        return png(self.figure)


def statement(title: str, sentence: str) -> bytes:
    """A figure that says why there is nothing to draw."""
    sheet = Sheet(title, "", "", height=3.2)
    axes = sheet.axes()
    axes.set_axis_off()
    wrapped = "\n".join(textwrap.wrap(plain(sentence), 90))
    axes.text(0.5, 0.5, wrapped, ha="center", va="center", color=MUTED, fontsize=11, transform=axes.transAxes)
    return sheet.png()


def tidy(axes: Axes, grid: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(PALE)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.7)  # type: ignore[arg-type]
        axes.set_axisbelow(True)

"""Figures of one or several panels under a headline, in sizes of their own: the look of the forecasts.

Uses matplotlib's objects and never pyplot, as `sheet` does.
"""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from retail_assets.plotting.axes import style_panel
from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import PANEL_MUTED

_LEFT = 0.01
"""Where texts begin, as a share of the figure's width."""


def one_panel(width: float, height: float) -> tuple[Figure, Axes]:
    """Create a figure of one panel; sizes are in inches."""
    figure, panels = grid_of_panels(1, 1, width, height)
    return figure, panels[0]


def grid_of_panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Create a figure of rows x columns panels, and return it with the panels row by row; sizes are in inches."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels:
        style_panel(axes)
    return figure, panels


def headline(figure: Figure, finding: str, evidence: str, axes: Axes | None = None) -> None:
    """Write the finding in bold and the evidence below it.

    Pass `axes` where they are the only panel: the evidence then stands above it, and both are wrapped where they would
    be cut off.
    """
    style = {"x": _LEFT, "ha": "left", "fontsize": 13, "fontweight": "bold"}
    if axes is not None:
        _wrap(figure.suptitle(plain(finding), **style), 1 - 2 * _LEFT)
        note = axes.set_title(plain(evidence), loc="left", fontsize=9.5, color=PANEL_MUTED)
        figure.draw_without_rendering()
        _wrap(note, 1 - _LEFT - axes.get_position().x0)
        return
    head = figure.suptitle(f"{plain(finding)}\n", **style)
    # The evidence goes below the bold line, into the space that the empty second line keeps free.
    note = figure.text(_LEFT, 0.0, plain(evidence), fontsize=9.5, color=PANEL_MUTED, ha="left", va="top")
    figure.canvas.draw()
    box = head.get_window_extent().transformed(figure.transFigure.inverted())
    note.set_position((_LEFT, box.y0 + 0.45 * box.height))
    note.set_in_layout(False)


def _wrap(text: Text, share: float) -> None:
    """Break a line into as many as it needs to take at most `share` of the width of its figure."""
    content = text.get_text()
    figure = text.get_figure(root=True)
    if figure is None:
        return
    lines = 1
    while text.get_window_extent().width > share * figure.bbox.width and lines < len(content.split()):
        lines += 1
        width = next(w for w in range(len(content) // lines, len(content) + 1) if _lines(content, w) <= lines)
        text.set_text(textwrap.fill(content, width))


def _lines(content: str, width: int) -> int:
    return len(textwrap.wrap(content, max(width, 1)))

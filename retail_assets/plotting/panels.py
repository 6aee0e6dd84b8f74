"""Figures of one or several panels under a headline, in sizes of their own: the look of the forecasts.

Uses matplotlib's objects and never pyplot, as `sheet` does.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.plotting.axes import style_panel
from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import PANEL_MUTED


def one_panel(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of one panel; sizes in inches."""
    figure, panels = grid_of_panels(1, 1, width, height)
    return figure, panels[0]


def grid_of_panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of rows x columns panels, and the panels row by row; sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels:
        style_panel(axes)
    return figure, panels


def headline(figure: Figure, finding: str, evidence: str, axes: Axes | None = None) -> None:
    """Write the finding in bold and the evidence below it; pass `axes` where they are the only panel."""
    style = {"x": 0.01, "ha": "left", "fontsize": 13, "fontweight": "bold"}
    if axes is not None:
        figure.suptitle(plain(finding), **style)
        axes.set_title(plain(evidence), loc="left", fontsize=9.5, color=PANEL_MUTED)
        return
    head = figure.suptitle(f"{plain(finding)}\n", **style)
    # The evidence goes below the bold line, into the space that the empty second line keeps free.
    note = figure.text(0.01, 0.0, plain(evidence), fontsize=9.5, color=PANEL_MUTED, ha="left", va="top")
    figure.canvas.draw()
    box = head.get_window_extent().transformed(figure.transFigure.inverted())
    note.set_position((0.01, box.y0 + 0.45 * box.height))
    note.set_in_layout(False)

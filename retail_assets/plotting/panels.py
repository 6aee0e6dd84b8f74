"""Figures of one or several panels under a headline, in sizes of their own: the look of the forecasts.

Uses matplotlib's objects and never pyplot, as `sheet` does.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.plotting.axes import style_panel
from retail_assets.plotting.heading import write_above


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


def headline(figure: Figure, finding: str, evidence: str) -> None:
    """Write the finding in bold and the evidence below it, each in as many lines as it needs, above the panels."""
    top = write_above(figure, finding, evidence)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0, top))

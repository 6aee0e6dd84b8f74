"""The sheet a figure is drawn on: the finding as its title, a line on how to read it, the panels, its source.

Uses matplotlib's objects and never pyplot, so that figures share no state and may be drawn in several threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.plotting.axes import Grid, style_axes
from retail_assets.plotting.fitting import width
from retail_assets.plotting.heading import LEFT, write_above, write_below
from retail_assets.plotting.image import png
from retail_assets.plotting.palette import INK, WHITE
from retail_assets.plotting.typography import AXIS, SMALL

WIDTH, HEIGHT = 10.0, 5.9
"""Inches of a sheet; some are higher or lower, none is wider."""
_KEY, _LEGEND_LINE, _BELOW_LEGEND = 40, 17, 4
"""Points of a line or patch in a legend with the space around it, the height of its lines, and what is free below."""


class Sheet:
    """One figure, 1100 pixels wide and 110 pixels high per inch of `height`.

    `title` states the finding, `reading` how to read the figure, `source` what it is made from and of which days.
    """

    def __init__(self, title: str, reading: str, source: str, *, height: float = HEIGHT) -> None:
        self.figure = Figure(figsize=(WIDTH, height), dpi=110, facecolor=WHITE)
        FigureCanvasAgg(self.figure)
        self._top = write_above(self.figure, title, reading)
        self._bottom = write_below(self.figure, source)
        self._lay_out(self._top)

    def axes(self, grid: Grid = "") -> Axes:
        """Add one panel over the whole sheet, with grid lines along `grid`."""
        axes = self.figure.add_subplot()
        style_axes(axes, grid)
        return axes

    def panels(self, count: int, grid: Grid = "") -> list[Axes]:
        """Add panels next to each other that share the names on their left."""
        panels = list(self.figure.subplots(1, count, sharey=True, squeeze=False).ravel())
        for axes in panels:
            style_axes(axes, grid)
        return panels

    def small_panels(self, rows: int, columns: int, grid: Grid = "y") -> list[Axes]:
        """Add rows x columns panels, each with axes of its own, and return them row by row."""
        panels = list(self.figure.subplots(rows, columns, squeeze=False).ravel())
        for axes in panels:
            style_axes(axes, grid, size=SMALL)
        return panels

    def first_and_others(self, rows: int, columns: int, grid: Grid = "y") -> tuple[Axes, list[Axes]]:
        """Add a panel on the left over the whole height, and rows x columns smaller ones beside it."""
        cells = self.figure.add_gridspec(rows, columns + 1)
        first = self.figure.add_subplot(cells[:, 0])
        style_axes(first, "x", size=SMALL)
        others = [self.figure.add_subplot(cells[row, 1 + column]) for row in range(rows) for column in range(columns)]
        for axes in others:
            style_axes(axes, grid, size=SMALL)
        return first, others

    def legend(self, handles: Sequence[Any], names: Sequence[str]) -> None:
        """Put a legend above the panels, in as many columns as fit."""
        columns = _columns([width(name, AXIS) + _KEY for name in names], WIDTH * 72 * (1 - 2 * LEFT))
        rows = -(-len(names) // columns)
        legend = self.figure.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(LEFT, self._top),
            ncols=columns,
            frameon=False,
            fontsize=AXIS,
            labelcolor=INK,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.4,
            columnspacing=1.6,
        )
        legend.set_in_layout(False)
        self._lay_out(self._top - (_LEGEND_LINE * rows + _BELOW_LEGEND) / (self.figure.get_figheight() * 72))

    def _lay_out(self, top: float) -> None:
        """Lay the panels out between the source and `top`."""
        inside = (0.01, self._bottom, 0.98, top - self._bottom)
        self.figure.set_layout_engine("constrained", rect=inside, w_pad=0.06, h_pad=0.06)

    def png(self) -> bytes:
        """Return the figure as PNG; the same sheet gives the same bytes."""
        return png(self.figure)


def _columns(points: Sequence[float], room: float) -> int:
    """The most columns whose widest names fit next to each other; names go down one column after the other."""
    for columns in range(len(points), 1, -1):
        if sum(float(part.max()) for part in np.array_split(np.array(points), columns)) <= room:
            return columns
    return 1

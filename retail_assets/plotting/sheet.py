"""The sheet a figure is drawn on: the finding as its title, a line on how to read it, the panels, a footnote.

Uses matplotlib's objects and never pyplot, so that figures share no state and may be drawn in several threads at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retail_assets.plotting.axes import Grid, style_axes
from retail_assets.plotting.heading import write_above, write_below
from retail_assets.plotting.image import png

_HEIGHT = 5.9  # inches


@dataclass(frozen=True)
class Look:
    """Type sizes of a sheet. `open_across_grid` hides the side of the frame that the grid lines start from."""

    title_size: float
    tick_size: float
    open_across_grid: bool


SALES_LOOK = Look(14.5, tick_size=9.5, open_across_grid=True)
SEGMENTS_LOOK = Look(14, tick_size=9, open_across_grid=False)


class Sheet:
    """One figure, 1100 pixels wide and 110 pixels high per inch of `height`.

    `title` states the finding, `reading` how to read the figure, `footnote` what it is made from.
    """

    def __init__(
        self, title: str, reading: str, footnote: str, *, height: float = _HEIGHT, look: Look = SALES_LOOK
    ) -> None:
        self.look = look
        self.figure = Figure(figsize=(10, height), dpi=110, facecolor="white")
        FigureCanvasAgg(self.figure)
        top = write_above(self.figure, title, reading, title_size=look.title_size)
        bottom = write_below(self.figure, footnote)
        self.figure.set_layout_engine("constrained", rect=(0.01, bottom, 0.98, top - bottom), w_pad=0.06, h_pad=0.06)

    def axes(self, grid: Grid = "") -> Axes:
        """Add one panel over the whole sheet, with grid lines along `grid`."""
        axes = self.figure.add_subplot()
        hidden = ["top", "right"]
        if self.look.open_across_grid:
            hidden.append("left" if grid == "y" else "bottom")
        style_axes(axes, grid, hidden=hidden, tick_size=self.look.tick_size)
        return axes

    def panels(self, count: int) -> list[Axes]:
        """Add panels next to each other that share the names on their left."""
        panels = list(self.figure.subplots(1, count, sharey=True, squeeze=False).ravel())
        for axes in panels:
            style_axes(axes, "", tick_size=self.look.tick_size)
        return panels

    def png(self) -> bytes:
        """Return the figure as PNG; the same sheet gives the same bytes."""
        return png(self.figure)

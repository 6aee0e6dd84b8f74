"""Axes: frame and grid, and ticks for money, numbers and percent; `dates` has those for dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator

from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import FAINT, INK, MUTED, PALE
from retail_assets.plotting.typography import AXIS
from retail_assets.wording.formats import axis_number

Grid = Literal["x", "y", "both", ""]
Which = Literal["x", "y"]

_ROUND_STEPS = [1, 2, 2.5, 5, 10]


def style_axes(axes: Axes, grid: Grid, *, size: float = AXIS) -> None:
    """Style the axes of a sheet: a pale frame, open where grid lines start, no tick marks, grid lines where asked for.

    `size` is that of the ticks.
    """
    axes.spines[["top", "right", "left" if grid == "y" else "bottom"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(PALE)
    axes.tick_params(which="both", length=0, color=PALE, labelsize=size, labelcolor=INK, pad=5)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.7)
        axes.set_axisbelow(True)


def axis_title(axes: Axes, which: Which, title: str) -> None:
    """Write what an axis shows: a quantity and its unit."""
    _axis(axes, which).set_label_text(plain(title), color=MUTED, size=AXIS)


def money_axis(axes: Axes, which: Which, title: str, most: int = 6) -> None:
    """Round ticks such as `12,000`, `most` of them; the title names the quantity and its currency."""
    number_ticks(axes, which)
    _axis(axes, which).set_major_locator(MaxNLocator(most, steps=_ROUND_STEPS))
    axis_title(axes, which, title)


def percent_axis(axes: Axes, which: Which, title: str, most: int = 6) -> None:
    """Round ticks such as `20 %` for values from 0 to 1, `most` of them."""
    percent_ticks(axes, which)
    _axis(axes, which).set_major_locator(MaxNLocator(most, steps=_ROUND_STEPS))
    axis_title(axes, which, title)


def number_ticks(axes: Axes, which: Which = "y") -> None:
    """Write ticks with all their digits, `12,000` or `0.05`; from a million on in the unit of the largest, `1.5 M`."""
    _axis(axes, which).set_major_formatter(_OneUnit())


def percent_ticks(axes: Axes, which: Which = "y") -> None:
    """Write ticks of values from 0 to 1 as percent: `20 %`, `2.5 %`."""
    _axis(axes, which).set_major_formatter(FuncFormatter(_percent))


def _axis(axes: Axes, which: Which) -> Axis:
    return axes.yaxis if which == "y" else axes.xaxis


class _OneUnit(Formatter):
    """Numbers in the unit of the largest: `0.5 M` next to `2 M`."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return axis_number(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        largest = max((abs(value) for value in values), default=0.0)
        return [axis_number(value, largest) for value in values]


def _percent(value: float, _: int | None = None) -> str:
    return f"{axis_number(value * 100)} %"

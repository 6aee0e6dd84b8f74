"""The sheet every figure is drawn on: size, type, colours, title, footnote, and its PNG bytes.

Uses matplotlib's objects and never pyplot, so that figures share no state and threads may draw at once.
"""

from __future__ import annotations

import io
import logging
import textwrap
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from retail_assets.plotting.drawing import FAINT, INK, MUTED, PALE, plain, png
from retail_assets.plotting.wording import axis_number, short

# Okabe & Ito (2008), told apart with any colour vision.
BLUE, ORANGE, GREEN, YELLOW, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)


def label(name: str, width: int = 22) -> str:
    """A name from the data as a tick label."""
    return plain(short(name, width))


class Sheet:
    """One figure: 1100 x 650 pixels, a title that says the finding, a line on how to read it, a footnote."""

    def __init__(self, title: str, reading: str, footnote: str) -> None:
        self.figure = Figure(figsize=(10, 5.9), dpi=110, facecolor="white")
        FigureCanvasAgg(self.figure)
        title_lines = textwrap.wrap(plain(title), 80)[:2]
        reading_lines = textwrap.wrap(plain(reading), 134)[:2]
        foot_lines = textwrap.wrap(plain(footnote), 165)[:2]
        top = 0.975
        text = self.figure.text
        text(0.02, top, "\n".join(title_lines), size=14.5, weight="bold", color=INK, va="top", linespacing=1.2)
        top -= 0.052 * len(title_lines) + 0.008
        text(0.02, top, "\n".join(reading_lines), size=9.5, color=MUTED, va="top", linespacing=1.3)
        top -= 0.034 * len(reading_lines) + 0.015
        text(0.02, 0.018, "\n".join(foot_lines), size=8, color=MUTED, va="bottom", linespacing=1.3)
        bottom = 0.03 + 0.029 * len(foot_lines)
        self.figure.set_layout_engine("constrained", rect=(0.01, bottom, 0.98, top - bottom), w_pad=0.06, h_pad=0.06)

    def axes(self, grid: Literal["x", "y", ""] = "y") -> Axes:
        axes = self.figure.add_subplot()
        axes.spines[["top", "right", "left" if grid == "y" else "bottom"]].set_visible(False)
        axes.spines[["bottom", "left"]].set_color(PALE)
        axes.tick_params(length=0, labelsize=9.5, labelcolor=INK)
        if grid:
            axes.grid(axis=grid, color=FAINT, linewidth=0.7)
            axes.set_axisbelow(True)
        return axes

    def png(self) -> bytes:
        """The same sheet gives the same bytes."""
        return png(self.figure)


def money_axis(axes: Axes, which: str, title: str, most: int = 6) -> None:
    """Ticks such as `12 k`; the title names the money and its unit."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: axis_number(value)))
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_label_text(plain(title), color=MUTED, size=9.5)


def percent_axis(axes: Axes, which: str, title: str) -> None:
    """Shares of one as ticks such as `20 %`."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.10g} %"))
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_label_text(plain(title), color=MUTED, size=9.5)


def thumbnail(png: bytes, width: int = 480) -> bytes:
    """`png` scaled to `width` pixels in few colours, for places that keep images inside a log: under about 40 kB."""
    from PIL import Image

    logging.getLogger("PIL").setLevel(logging.INFO)  # it logs every chunk of a PNG at DEBUG
    image = Image.open(io.BytesIO(png)).convert("RGB")
    height = max(1, round(image.height * width / image.width))
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    for colours in (64, 32, 16, 8):
        buffer = io.BytesIO()
        small.quantize(colours).save(buffer, format="PNG", optimize=True)
        if buffer.tell() <= 40_000:
            break
    return buffer.getvalue()

"""The texts around a figure: the finding in bold and how to read it above, what it is made from below.

Each is broken where the figure ends, so nothing is cut off, whatever its length and script.
"""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from retail_assets.plotting.fitting import lines
from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import INK, MUTED
from retail_assets.plotting.typography import FOOTNOTE, READING, TITLE

LEFT = 0.02
"""Where the texts begin, as a share of the figure's width; they end as far from its other side."""
_TOP, _BELOW_TITLE, _BELOW_READING, _BOTTOM = 10.5, 3.5, 6.5, 7.5
"""Distances in points."""
_TITLE_SPACING, _TEXT_SPACING = 1.2, 1.3
_LINE = 1.165
"""Height of a line of a font, by its size."""


def write_above(figure: Figure, title: str, reading: str) -> float:
    """Write the finding and how to read the figure, and return where they end: a share of the figure's height."""
    height, room = figure.get_figheight() * 72, _room(figure)
    title_lines = lines(title, room, TITLE, bold=True, most=4)
    reading_lines = lines(reading, room, READING, most=4)
    top = height - _TOP
    style: dict[str, Any] = {"color": INK, "va": "top", "linespacing": _TITLE_SPACING}
    figure.text(LEFT, top / height, _joined(title_lines), size=TITLE, weight="bold", in_layout=False, **style)
    top -= _LINE * TITLE * _TITLE_SPACING * len(title_lines) + _BELOW_TITLE
    style = {"color": MUTED, "va": "top", "linespacing": _TEXT_SPACING}
    figure.text(LEFT, top / height, _joined(reading_lines), size=READING, in_layout=False, **style)
    return (top - _LINE * READING * _TEXT_SPACING * len(reading_lines) - _BELOW_READING) / height


def write_below(figure: Figure, footnote: str) -> float:
    """Write what the figure is made from, and return where that begins: a share of the figure's height."""
    height = figure.get_figheight() * 72
    foot_lines = lines(footnote, _room(figure), FOOTNOTE, most=4)
    style: dict[str, Any] = {"color": MUTED, "va": "bottom", "linespacing": _TEXT_SPACING}
    figure.text(LEFT, _BOTTOM / height, _joined(foot_lines), size=FOOTNOTE, in_layout=False, **style)
    return (_BOTTOM + _LINE * FOOTNOTE * _TEXT_SPACING * len(foot_lines) + 5) / height


def _room(figure: Figure) -> float:
    return float(figure.get_figwidth()) * 72 * (1 - 2 * LEFT)


def _joined(of: list[str]) -> str:
    return plain("\n".join(of))

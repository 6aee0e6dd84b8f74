"""The colors of every figure.

Okabe & Ito (2008) for whatever has to be distinguished: eight colors that people with any color vision can tell apart.
"""

from __future__ import annotations

#: Text, secondary text, grid lines, and whatever should stay in the background.
INK, MUTED, FAINT, PALE = "#222222", "#5F6B76", "#D5DBE1", "#A9B8C6"

BLUE, ORANGE, GREEN, YELLOW, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
GRAY = "#BBBBBB"

#: Colors of lines or bars that stand for members of one group, in this order.
SERIES = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)

#: A color and a marker for each of up to eight groups of points.
MARKED = (
    (BLUE, "o"),
    (YELLOW, "s"),
    (GREEN, "^"),
    (PURPLE, "D"),
    (SKY, "P"),
    (ORANGE, "v"),
    ("#8C6D00", "X"),
    ("#5B3A8C", "*"),
)
#: The same in gray, for groups that should not compete with the ones above.
MARKED_GRAY = (("#7F7F7F", "x"), ("#A6A6A6", "+"), ("#595959", "1"), ("#BFBFBF", "2"), ("#404040", "3"))

#: Forecasts: what was sold, what is expected, the simple rules it is compared with, and other models.
ACTUAL, FORECAST, BASELINE, WORSE, OTHER = "#33415c", "#0b7a75", "#9aa5b1", "#b3541e", "#7a5c99"
#: Opacity of the 80 % and the 95 % prediction interval.
INNER_BAND, OUTER_BAND = 0.30, 0.14
#: Grid lines on figures of forecasts.
PANEL_GRID = "#e4e7eb"

#: The box behind a number that grid lines and other lines should not cross.
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}

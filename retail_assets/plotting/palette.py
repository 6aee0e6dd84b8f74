"""The colors of every figure and of every chart of the report: defined here and nowhere else.

Okabe & Ito (2008) for whatever has to be distinguished: eight colors that people with any color vision can tell apart.
What is one thing has one color everywhere: sales are blue, forecasts green, what the title speaks of is orange.
"""

from __future__ import annotations

#: Text, secondary text, grid lines, and whatever should stay in the background.
INK, MUTED, FAINT, PALE = "#222222", "#5F6B76", "#D5DBE1", "#A9B8C6"
WHITE = "#FFFFFF"

BLUE, ORANGE, GREEN, YELLOW, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"
#: What others are compared with; seen on white and on black.
GRAY = "#87929D"

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

#: What was sold, what is expected, the simple rules it is compared with, what is worse than they, and other models.
SALES, FORECAST, BASELINE, WORSE, OTHER = BLUE, GREEN, GRAY, ORANGE, PURPLE
#: Opacity of the 80 % and the 95 % prediction interval.
INNER_BAND, OUTER_BAND = 0.30, 0.14

#: Colors of a scale from little to much, and of one from below to above the usual.
MUCH = ("#F4F8FB", "#9CC9E3", BLUE, "#063A5E")
BELOW_AND_ABOVE = (BLUE, "#F7F7F7", ORANGE)

#: Whatever is drawn has one of these colors, or one of a scale.
EVERY = frozenset((INK, MUTED, FAINT, PALE, WHITE, GRAY, *SERIES, *(color for color, _ in (*MARKED, *MARKED_GRAY))))

#: The box behind a number that grid lines and other lines should not cross.
ON_WHITE = {"facecolor": WHITE, "edgecolor": "none", "pad": 0.8}

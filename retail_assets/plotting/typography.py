"""The sizes of text on every figure, in points, and the fonts of pages; a figure is ten inches wide.

The title can be read where a figure is a thumbnail of 300 pixels, everything where it is shown at half its size.
"""

from __future__ import annotations

TITLE = 16.0
#: The line on how to read a figure, and what it is made from.
READING, FOOTNOTE = 10.5, 8.5
#: Ticks, titles of axes and panels, and legends.
AXIS = 10.0
#: Numbers and names at lines and bars; smaller where many stand next to each other, and never smaller than LEAST.
TEXT, SMALL, LEAST = 9.5, 8.5, 8.0

#: Fonts of a page, by the machine that shows it; the charts of the report are written in them, in pixels.
PAGE_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
PAGE_TEXT = 12

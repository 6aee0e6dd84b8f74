"""How figures of segments differ from others until there is one style: their sheet, and names cut at the end."""

from __future__ import annotations

from retail_assets.plotting import labels
from retail_assets.plotting import sheet as sheets
from retail_assets.plotting.sheet import SEGMENTS_LOOK, Sheet


def sheet(title: str, reading: str, footnote: str, *, height: float = 5.9) -> Sheet:
    """A sheet of `height` inches in the look of the segments."""
    return Sheet(title, reading, footnote, height=height, look=SEGMENTS_LOOK)


def statement(title: str, sentence: str) -> bytes:
    """A figure that says why there is nothing to draw, as PNG."""
    return sheets.statement(title, sentence, look=SEGMENTS_LOOK)


def label(name: str, width: int = 25) -> str:
    """A name as a label of at most `width` columns."""
    return labels.label(name, width, keep_end=False)

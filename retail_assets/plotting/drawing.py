"""What the pictures of every domain share: type that is not taken for a formula, the fonts of all scripts, PNG bytes.

How a figure is laid out is its domain's affair (`eda/canvas.py`, `segmentation/canvas.py`, `forecasting/canvas.py`).
"""

from __future__ import annotations

import io
import warnings

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

INK, MUTED, FAINT, PALE = "#222222", "#5F6B76", "#D5DBE1", "#A9B8C6"

_FURTHER_SCRIPTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "Arial Unicode MS")


def plain(text: str) -> str:
    """Text with no part of it taken for a formula: matplotlib reads what stands between dollar signs as TeX."""
    return text.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """PNG without a time stamp or program version: the same figure gives the same bytes."""
    fonts = _fonts()
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_fontfamily(fonts)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_tick_params(which="both", labelfontfamily=fonts)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A script no installed font has is drawn as boxes; the tables next to the figures have the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _fonts() -> list[str]:
    """DejaVu Sans, which matplotlib ships, then whatever this machine has for the scripts that DejaVu lacks."""
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _FURTHER_SCRIPTS if name in installed)]

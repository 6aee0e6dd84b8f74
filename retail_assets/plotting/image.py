"""Figures as PNG bytes, and PNG bytes as thumbnails."""

from __future__ import annotations

import io
import logging
import warnings

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

_OTHER_SCRIPTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "Arial Unicode MS")


def png(figure: Figure) -> bytes:
    """Draw a figure as PNG, without a time stamp or program version: the same figure gives the same bytes."""
    fonts = _fonts()
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_fontfamily(fonts)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_tick_params(which="both", labelfontfamily=fonts)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Characters that no installed font has become boxes; the tables behind the figures have the full name.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def thumbnail(image: bytes, width: int = 480) -> bytes:
    """Scale a PNG to `width` pixels and few colors, about 40 kB at most: small enough for Dagster's event log."""
    from PIL import Image

    logging.getLogger("PIL").setLevel(logging.INFO)  # Pillow logs every chunk of a PNG at DEBUG
    full = Image.open(io.BytesIO(image)).convert("RGB")
    height = max(1, round(full.height * width / full.width))
    small = full.resize((width, height), Image.Resampling.LANCZOS)
    for colors in (64, 32, 16, 8):
        buffer = io.BytesIO()
        small.quantize(colors).save(buffer, format="PNG", optimize=True)
        if buffer.tell() <= 40_000:
            break
    return buffer.getvalue()


def _fonts() -> list[str]:
    """DejaVu Sans, which comes with matplotlib, then fonts of this machine for the scripts that DejaVu lacks."""
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in installed)]

"""Figures as PNG bytes, and PNG bytes as thumbnails."""

from __future__ import annotations

import io
import logging
import re

from matplotlib.figure import Figure
from matplotlib.text import Text

from retail_assets.plotting.fonts import boxes_unsaid, families

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it logs each font that has no bold face

#: Marks that choose a variant of the character before them, such as a colored one; most fonts draw a box for them.
_VARIATIONS = re.compile("[\ufe00-\ufe0f]")


def use_fonts(figure: Figure) -> None:
    """Give every text of a figure the fonts that have its characters, and leave out marks that most fonts lack."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    labels = [label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()]
    for text in (*texts, *labels):
        text.set_text(_VARIATIONS.sub("", text.get_text()))
    fonts = families(text.get_text() for text in (*texts, *labels))
    for text in texts:
        text.set_fontfamily(fonts)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_tick_params(which="both", labelfontfamily=fonts)


def png(figure: Figure) -> bytes:
    """Draw a figure as PNG, without a time stamp or program version: the same figure gives the same bytes."""
    use_fonts(figure)
    buffer = io.BytesIO()
    with boxes_unsaid():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def thumbnail(image: bytes, width: int = 720) -> bytes:
    """Scale a PNG to `width` pixels and few colors, 60 kB at most: readable, and light enough for the event log."""
    from PIL import Image

    logging.getLogger("PIL").setLevel(logging.INFO)  # Pillow logs every chunk of a PNG at DEBUG
    full = Image.open(io.BytesIO(image)).convert("RGB")
    height = max(1, round(full.height * width / full.width))
    small = full.resize((width, height), Image.Resampling.LANCZOS)
    for colors in (32, 16, 8, 4):
        buffer = io.BytesIO()
        small.quantize(colors).save(buffer, format="PNG", optimize=True)
        if buffer.tell() <= 60_000:
            break
    return buffer.getvalue()

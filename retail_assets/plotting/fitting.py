"""How wide a text is drawn, and texts broken into lines or shortened to a width.

Widths are in points (1/72 inch) and measured with the fonts that `image.png` will use: a count of characters is wrong
by half for Chinese, and by a third for a name in capitals.
"""

from __future__ import annotations

import functools
import re

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from retail_assets.plotting.fonts import boxes_unsaid, families
from retail_assets.plotting.labels import plain
from retail_assets.wording.formats import MONTHS, short

_DPI = 110
_WIDEST_NAME = 60
_MONTH = f"(?:{'|'.join(MONTHS)})"
_TOGETHER = re.compile(
    rf"(?<=\d) (?=(?:%|M|bn|×|{_MONTH})(?:\W|$))|(?<=\b{_MONTH}) (?=\d{{4}})|(?<=\b[A-Z]{{3}}) (?=\d)"
    r"|(?<=\bp) (?=[<=] )|(?<=\bp [<=]) (?=\d)"
)
"""The spaces in `22 Nov 2017`, `8.7 %`, `USD 4.60 M` and `p < 0.001`, at which no line ends."""


@functools.lru_cache(maxsize=4096)
def width(text: str, size: float, *, bold: bool = False) -> float:
    """Measure one line of literal text, in points.

    >>> width("WWW", 10) > width("iii", 10) > width("", 10)
    True
    """
    if not text:
        return 0.0
    font = FontProperties(family=families([text]), size=size, weight="bold" if bold else "normal")
    with boxes_unsaid():
        pixels, _, _ = RendererAgg(1, 1, _DPI).get_text_width_height_descent(text, font, ismath=False)
    return float(pixels) * 72 / _DPI


def lines(text: str, points: float, size: float, *, bold: bool = False, most: int = 9) -> list[str]:
    """Break literal text into lines of at most `points`; what does not go into `most` lines ends in an ellipsis.

    Words break only where one alone is too wide, as text in scripts without spaces is.

    >>> lines("A finding in a few words", 70, 10)
    ['A finding in a', 'few words']
    """
    broken: list[str] = []
    words = [word.replace("\0", " ") for word in _TOGETHER.sub("\0", " ".join(text.split())).split(" ") if word]
    while words:
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", size, bold=bold) <= points:
            line = f"{line} {words.pop(0)}"
        if (end := _fitting(line, points, size, bold)) < len(line):
            words.insert(0, line[end:])
            line = line[:end]
        broken.append(line)
    if len(broken) > most:
        last = broken[most - 1]
        end = _fitting(last, points - width("…", size, bold=bold), size, bold)
        broken[most - 1 :] = [f"{last[:end].rstrip()}…"]
    return broken


def _fitting(line: str, points: float, size: float, bold: bool) -> int:
    """How many characters of a line are at most `points` wide; at least one."""
    if width(line, size, bold=bold) <= points:
        return len(line)
    low, high = 1, len(line)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if width(line[:middle], size, bold=bold) <= points else (low, middle)
    return low


def name_within(name: str, points: float, size: float, *, keep_end: bool = True) -> str:
    """Shorten a name to one line of at most `points`, escaped as `labels.label` does.

    >>> name_within("Household cleaning supplies", 80, 10)
    'Household…lies'
    """
    low, high = 1, _WIDEST_NAME
    if width(short(name, high, keep_end=keep_end), size) <= points:
        return plain(short(name, high, keep_end=keep_end))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if width(short(name, middle, keep_end=keep_end), size) <= points else (low, middle)
    return plain(short(name, low, keep_end=keep_end))


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Move sorted places apart to at least `gap`, within `low` and `high`, and as little as that takes.

    Places that touch become one block around their mean (pool adjacent violators; Barlow et al. 1972). Where there is
    no room for all, they go beyond `high`.

    >>> spread(np.array([1.0, 1.0, 5.0]), 1.0, 0.0, 9.0).tolist()
    [0.5, 1.5, 5.0]
    """
    steps = gap * np.arange(len(wanted))
    blocks: list[list[float]] = []  # means and sizes of blocks of places minus steps
    for value in wanted - steps:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * size) / (blocks[-1][1] + size), blocks[-1][1] + size]
    flat = np.concatenate([np.full(int(size), mean) for mean, size in blocks]) if blocks else np.array([])
    return np.clip(flat, low, max(high - (steps[-1] if len(steps) else 0.0), low)) + steps

"""What makes a figure hard to read, measured on what is drawn: the renderer's boxes, without encoding a picture.

`faults` lists texts that overlap, leave the picture, are crossed by a line or stand on a bar, ticks that read the same,
sentences that were cut off, and what is not in the one style: a figure without its source, text that is too small,
colors that are not of the palette. Lengths are pixels at the figure's own resolution (110 per inch).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from retail_assets.plotting.color_maps import BELOW_TO_ABOVE, LITTLE_TO_MUCH
from retail_assets.plotting.palette import EVERY
from retail_assets.plotting.typography import LEAST

OVERLAP = 2.0
"""Depth up to which boxes may overlap: a box is as high as the tallest letters, and most texts have none."""
OUTSIDE = 1.0
SAME_CORNER = 30.0
"""Distance below which two equal ticks of different axes read as one value twice."""


Color = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """A text as drawn: its artist and the four corners of its box, (4, 2)."""

    artist: Text
    corners: np.ndarray

    @property
    def words(self) -> str:
        return self.artist.get_text()

    @property
    def box(self) -> Bbox:
        return Bbox([self.corners.min(axis=0), self.corners.max(axis=0)])

    def __str__(self) -> str:
        return repr(self.words[:60])


def faults(figure: Figure) -> list[str]:
    """Draw a figure without encoding it, and list what cannot be read; empty if everything can."""
    texts = drawn_texts(figure)
    return [
        *_outside(figure, texts),
        *_overlaps(texts),
        *_crossed(figure, texts),
        *_on_bars(figure, texts),
        *_same_ticks(figure, texts),
        *_cut_off(figure),
        *_without_source(figure),
        *_too_small(texts),
        *_other_colors(figure),
    ]


def drawn_texts(figure: Figure) -> list[Drawn]:
    """All texts that are drawn: headings, ticks within the axes, titles, labels, legends, annotations."""
    seen: dict[int, Text] = {}
    original = Text.draw

    def recording(self: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if self.get_visible() and self.get_text().strip():
            seen[id(self)] = self
        original(self, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", recording):
        figure.draw_without_rendering()
    return [Drawn(text, _corners(text)) for text in seen.values()]


def _corners(text: Text) -> np.ndarray:
    """The corners of a text's box; of a slanted one those of the box that is slanted with it."""
    angle = text.get_rotation()
    if text.get_rotation_mode() != "anchor" or angle % 90 == 0:
        return _points(Text.get_window_extent(text))
    text.set_rotation(0)
    flat = _points(Text.get_window_extent(text))
    text.set_rotation(angle)
    anchor = text.get_transform().transform(text.get_unitless_position())
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.asarray((flat - anchor) @ np.array([[cos, sin], [-sin, cos]]) + anchor)


def _points(box: Bbox) -> np.ndarray:
    return np.array([(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)])


def _depth(one: np.ndarray, other: np.ndarray) -> float:
    """How far one convex shape would have to move to leave the other (separating axes); negative if they are apart."""
    depth = np.inf
    for shape in (one, other):
        for edge in np.roll(shape, -1, axis=0) - shape:
            length = float(np.hypot(*edge))
            if length == 0:
                continue
            normal = np.array([-edge[1], edge[0]]) / length
            a, b = one @ normal, other @ normal
            depth = min(depth, a.max() - b.min(), b.max() - a.min())
    return float(depth)


def _outside(figure: Figure, texts: list[Drawn]) -> Iterator[str]:
    width, height = figure.bbox.width, figure.bbox.height
    for text in texts:
        box = text.box
        if min(box.x0, box.y0, width - box.x1, height - box.y1) < -OUTSIDE:
            yield f"leaves the picture: {text}"


def _overlaps(texts: list[Drawn]) -> Iterator[str]:
    if not texts:
        return
    boxes = np.array([text.box.extents for text in texts])
    apart = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    for i, j in np.argwhere(np.triu((apart > OVERLAP).all(axis=2), 1)):
        if _depth(texts[i].corners, texts[j].corners) > OVERLAP:
            yield f"overlap: {texts[i]} and {texts[j]}"


def _crossed(figure: Figure, texts: list[Drawn]) -> Iterator[str]:
    """Texts that a drawn line runs through. Lines below a text with a white box of its own end at that box."""
    for axes in figure.axes:
        for line, segments in _lines(axes):
            for text in texts:
                own = isinstance(text.artist, Annotation) and text.artist.arrow_patch is line
                if own or (text.artist.axes is axes and _hides(text.artist, line)):
                    continue
                box = text.box.padded(-OVERLAP)
                if box.width > 0 and box.height > 0 and _meets(segments, box):
                    yield f"crossed by a line: {text}"
                    break


def _hides(text: Text, line: Artist) -> bool:
    box = text.get_bbox_patch()
    if box is None or box.get_alpha() not in (None, 1):
        return False
    return to_rgba(box.get_facecolor())[3] == 1 and text.get_zorder() > line.get_zorder()


def _lines(axes: Axes) -> Iterator[tuple[Artist, np.ndarray]]:
    """Each line with its pieces, (pieces, 2, 2), inside the axes. Grid lines are none of them."""
    for line in axes.lines:
        if line.get_visible() and line.get_linestyle() not in ("None", "none", "", " "):
            yield line, _pieces(line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float)), axes)
    for collection in axes.collections:
        if isinstance(collection, LineCollection) and collection.get_visible():
            paths = [collection.get_transform().transform(path.vertices) for path in collection.get_paths()]
            yield collection, np.concatenate([_pieces(path, axes) for path in paths]) if paths else np.zeros((0, 2, 2))
    for text in axes.texts:
        arrow = getattr(text, "arrow_patch", None)
        if isinstance(arrow, FancyArrowPatch) and arrow.get_visible():
            yield arrow, _pieces(arrow.get_transform().transform(arrow.get_path().vertices), None)


def _pieces(points: np.ndarray, axes: Axes | None) -> np.ndarray:
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    pieces = pieces[np.isfinite(pieces).all(axis=(1, 2))]
    if axes is None:
        return pieces
    kept = [part for piece in pieces if (part := _clipped(piece, axes.bbox)) is not None]
    return np.array(kept) if kept else np.zeros((0, 2, 2))


def _meets(pieces: np.ndarray, box: Bbox) -> bool:
    return any(_clipped(piece, box) is not None for piece in pieces)


def _clipped(piece: np.ndarray, box: Bbox) -> np.ndarray | None:
    """The part of a straight line inside a box (Liang & Barsky 1984)."""
    start, way = piece[0], piece[1] - piece[0]
    first, last = 0.0, 1.0
    for p, q in (
        (-way[0], start[0] - box.x0), (way[0], box.x1 - start[0]),
        (-way[1], start[1] - box.y0), (way[1], box.y1 - start[1]),
    ):  # fmt: skip
        if p == 0:
            if q < 0:
                return None
        elif p < 0:
            first = max(first, q / p)
        else:
            last = min(last, q / p)
    return None if first > last else np.array([start + first * way, start + last * way])


def _on_bars(figure: Figure, texts: list[Drawn]) -> Iterator[str]:
    for axes in figure.axes:
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_fill()]
        shapes = [_points(bar.get_window_extent()) for bar in bars if bar.get_width() and bar.get_height()]
        for text in texts:
            if text.artist.axes is axes and any(_depth(text.corners, shape) > OVERLAP for shape in shapes):
                yield f"stands on a bar: {text}"


def _same_ticks(figure: Figure, texts: list[Drawn]) -> Iterator[str]:
    places = {id(text.artist): text for text in texts}
    for axes in figure.axes:
        of_axis = [
            [places[id(label)] for label in axis.get_ticklabels() if id(label) in places]
            for axis in (axes.xaxis, axes.yaxis)
        ]
        for labels in of_axis:
            words = _with_year([label.words for label in labels])
            for twice in sorted({word for word in words if words.count(word) > 1}):
                yield f"ticks that read the same: {twice!r}"
        for one in of_axis[0]:
            for other in of_axis[1]:
                if one.words == other.words and np.hypot(*(_middle(one) - _middle(other))) < SAME_CORNER:
                    yield f"twice at the corner: {one}"


def _middle(text: Drawn) -> np.ndarray:
    return np.asarray(text.corners.mean(axis=0))


def _with_year(words: list[str]) -> list[str]:
    """Labels of months and days with the year that is written below an earlier one."""
    year, full = "", []
    for word in words:
        name, _, below = word.partition("\n")
        year = below if re.fullmatch(r"\d{4}", below) else year
        full.append(f"{name} {year}" if re.fullmatch(r"(\d+ )?[A-Z][a-z]{2}", name) else word)
    return full


def _cut_off(figure: Figure) -> Iterator[str]:
    for text in figure.texts:
        if text.get_text().count("\n") > 2 and text.get_text().rstrip().endswith("…"):
            yield f"cut off: {text.get_text()[-60:]!r}"


def _without_source(figure: Figure) -> Iterator[str]:
    """The last text of a figure says what it is made from and of which days."""
    last = figure.texts[-1].get_text().replace("\n", " ") if figure.texts else ""
    if not re.match(r"Source: .+\b\d{4}\b", last):
        yield f"without source and period: {last[:60]!r}"


def _too_small(texts: list[Drawn]) -> Iterator[str]:
    for text in texts:
        if float(text.artist.get_fontsize()) < LEAST:
            yield f"too small ({text.artist.get_fontsize()} points): {text}"


def _other_colors(figure: Figure) -> Iterator[str]:
    """Colors of what is drawn that are not of the palette; those of scales of colors are checked with the scales."""
    allowed = {to_rgba(color)[:3] for color in EVERY}
    seen: dict[Color, Artist] = {}
    for artist in figure.findobj(lambda a: isinstance(a, Line2D | Patch | Text | LineCollection | PathCollection)):
        for color in _colors_of(artist):
            if color[3] > 0 and color[:3] not in allowed:
                seen[color] = artist
    for color, artist in seen.items():
        yield f"not of the palette: {to_hex(color)} of {artist}"
    for image in (image for axes in figure.axes for image in axes.images):
        if image.cmap not in (LITTLE_TO_MUCH, BELOW_TO_ABOVE):
            yield f"another scale of colors: {image.cmap.name}"


def _colors_of(artist: Artist) -> Iterator[Color]:
    """The colors in which something is drawn, as (red, green, blue, opacity)."""
    if not artist.get_visible():
        return
    if isinstance(artist, Line2D):
        if artist.get_linestyle() not in ("None", "none", "", " "):
            yield to_rgba(artist.get_color())
        if artist.get_marker() not in ("None", "none", "", " ", None) and artist.get_markersize():
            if artist.get_marker() in Line2D.filled_markers:
                yield to_rgba(artist.get_markerfacecolor())
            yield to_rgba(artist.get_markeredgecolor())
    elif isinstance(artist, Text):
        if artist.get_text().strip():
            yield to_rgba(artist.get_color())
    elif isinstance(artist, Patch):
        if artist.get_fill():
            yield to_rgba(artist.get_facecolor())
        if artist.get_linewidth():
            yield to_rgba(artist.get_edgecolor())
    elif isinstance(artist, Collection) and artist.get_paths():
        yield from (to_rgba(color) for color in (*artist.get_facecolor(), *artist.get_edgecolor()))


def faults_of(draw: Callable[[], dict[str, bytes] | bytes | None], every: Iterable[str] = ()) -> list[str]:
    """List the faults of all figures that a call draws as PNG; nothing is encoded.

    Those that are missing of `every`, the names of files, are faults too: they were not measured.
    """
    figures: list[Figure] = []

    def kept(self: Figure, target: io.BytesIO, **_: Any) -> None:
        figures.append(self)
        target.write(b"\x89PNG")

    with mock.patch.object(Figure, "savefig", kept):
        drawn = draw()
    assert figures, "nothing was drawn"
    missing = [f"not drawn: {name}" for name in every if not isinstance(drawn, dict) or name not in drawn]
    return missing + [f"{figure.texts[0].get_text()[:30]!r}: {fault}" for figure in figures for fault in faults(figure)]

"""A bundle's drawings for a page: only what Vega draws with is kept, so that none can run or load anything."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc"})
_ATTRIBUTES = frozenset(
    {
        *("aria-hidden", "aria-label", "aria-roledescription", "class", "display", "opacity", "pointer-events", "role"),
        *("cx", "cy", "d", "dx", "dy", "height", "r", "rx", "ry", "transform", "version", "viewBox", "width"),
        *("x", "x1", "x2", "y", "y1", "y2", "fill", "fill-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset"),
        *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width"),
        *("dominant-baseline", "font-family", "font-size", "font-style", "font-weight", "text-anchor"),
    }
)
#: A paint or the like that would fetch something.
_ADDRESS = re.compile(r"url\s*\(|:\s*//", re.IGNORECASE)


@dataclass(frozen=True)
class Drawing:
    """A chart of the bundle: `text` is for those who do not see it."""

    title: str
    text: str
    svg: Markup


def drawing(rows: Sequence[Mapping[str, Any]], name: str, category: str) -> Drawing | None:
    """Return the drawing of a name and category among the rows of the table `picture`; None if there is none."""
    for row in rows:
        if row["name"] == name and row["category"] == category:
            svg = cleaned(row["svg"])
            return None if svg is None else Drawing(row["title"], row["text"], svg)
    return None


def cleaned(svg: str) -> Markup | None:
    """Return a drawing with nothing in it but shapes and texts; None if it is not SVG."""
    if "<!" in svg or "<?" in svg:  # no entities: Vega writes none
        return None
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - without a DTD there is nothing to expand or fetch
    except ElementTree.ParseError:
        return None
    kept = _kept(root)
    if kept is None or kept.tag != "svg":
        return None
    kept.set("xmlns", _SVG)
    return Markup(ElementTree.tostring(kept, encoding="unicode"))  # noqa: S704 - rebuilt from what is allowed


def _kept(element: ElementTree.Element) -> ElementTree.Element | None:
    name = element.tag.removeprefix(f"{{{_SVG}}}")
    if name not in _ELEMENTS:
        return None
    attributes = {
        key: value for key, value in element.attrib.items() if key in _ATTRIBUTES and not _ADDRESS.search(value)
    }
    copy = ElementTree.Element(name, attributes)
    copy.text, copy.tail = element.text, element.tail
    for child in element:
        kept = _kept(child)
        if kept is not None:
            copy.append(kept)
    return copy

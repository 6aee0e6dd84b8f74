"""How figures of segments look: their sheet, and the color, marker, order and label of each persona."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.plotting import labels
from retail_assets.plotting.palette import MARKED, MARKED_GRAY
from retail_assets.plotting.sheet import SEGMENTS_LOOK, Sheet
from retail_assets.segmentation.personas.catalog import Catalog


def segment_sheet(title: str, reading: str, footnote: str, *, height: float = 5.9) -> Sheet:
    """Make a sheet of `height` inches in the look of the segments."""
    return Sheet(title, reading, footnote, height=height, look=SEGMENTS_LOOK)


def label(name: str, width: int = 25) -> str:
    """Shorten a name to a label of at most `width` columns."""
    return labels.label(name, width)


def marks(catalog: Catalog, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Choose color and marker of each persona: colored for clusters, gray for rules and unknown personas."""
    of_clusters = {p.name: MARKED[i % len(MARKED)] for i, p in enumerate((*catalog.clusters, *catalog.stand_ins))}
    of_rules = {p.name: MARKED_GRAY[i % len(MARKED_GRAY)] for i, p in enumerate(catalog.groups.values())}
    known = of_rules | of_clusters
    return {name: known.get(name, MARKED_GRAY[0]) for name in names}


def in_order(names: Iterable[str], catalog: Catalog) -> list[str]:
    """Return personas in display order; those that are not in the catalog come last."""
    return catalog.in_order(names)

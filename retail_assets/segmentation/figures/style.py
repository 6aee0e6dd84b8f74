"""What figures of segments have in common: their source, and the color, marker, order and label of each persona."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from retail_assets.plotting import labels
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import MARKED, MARKED_GRAY
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.wording import segment_titles


def source(evaluation: Mapping[str, Any], days: int) -> str:
    """Say what a figure is made from: the sales of so many `days` to that of the evaluation.

    Raises NothingToShow where there are no sales, or no customers in them.
    """
    if evaluation["snapshot"] is None:
        raise NothingToShow("there are no sales yet")
    if not days:
        raise NothingToShow("no sale has a customer")
    return segment_titles.source(days=days, last_day=dt.date.fromisoformat(evaluation["snapshot"])).text


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

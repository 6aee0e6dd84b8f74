"""Customers to write to: one CSV a persona, the most valuable first, with what to do.

Made for spreadsheets and campaign tools: UTF-8 with a mark, and no cell is a formula. Written as a stream, so that
memory does not grow with the customers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import pyarrow as pa

from retail_assets.segmentation.evaluation.evaluation import action_text
from retail_assets.segmentation.personas.catalog import Catalogue, Persona
from retail_assets.segmentation.queries import segments
from retail_assets.storage import Store
from retail_assets.storage.csv_cells import safe_cell, write_pages
from retail_assets.tables import SEGMENT_PROFILES
from retail_assets.warehouse.protocol import Warehouse

FOLDER = "segments/activation"
COLUMNS = (
    "customer_id",
    "persona",
    "confidence",
    "recommended_action",
    "next_step",
    "favourite_category",
    "tags",
    "purchases",
    "money_spent",
    "average_basket",
    "last_purchase",
)
PAGE_CUSTOMERS = 200_000
"""Customers held in memory at a time."""
SURE = 0.6
"""Confidence below which a customer stands between two segments."""


def write_activation(warehouse: Warehouse, store: Store, catalogue: Catalogue, currency: str | None) -> list[str]:
    """Write a file a persona that has customers, and delete those of personas that have none any more.

    Returns the keys written, in display order. Reads `customer_segments` and `segment_profiles`.

    Args:
        warehouse: where the segments are.
        store: where the files go, below `FOLDER`.
        catalogue: the personas, for what to do about each.
        currency: code written after money in texts, if known.
    """
    profiles = warehouse.query(f"select {SEGMENT_PROFILES.column_list} from {SEGMENT_PROFILES.name}").to_pylist()
    order = {persona.name: place for place, persona in enumerate(catalogue.display_order)}
    profiles.sort(key=lambda p: (order.get(p["persona"], len(order)), p["persona"]))
    names = file_names([p["persona"] for p in profiles])
    written = []
    for profile in profiles:
        persona = catalogue.named(profile["persona"])
        key = f"{FOLDER}/{names[profile['persona']]}"
        with store.writing(key) as sink:
            members = _members(warehouse, profile["persona"], int(profile["customers"]))
            write_csv(members, persona, action_text(persona, profile, currency) if persona else "", sink)
        written.append(key)
    gone = [e.key for e in store.list(FOLDER) if e.key.endswith(".csv") and e.key not in written]
    store.delete(gone)
    return written


def write_csv(pages: Iterable[pa.Table | pa.RecordBatch], persona: Persona | None, action: str, sink: IO[bytes]) -> int:
    """Write customers of one persona as CSV; returns their number.

    Args:
        pages: rows of `customer_segments`, in the order to write.
        persona: theirs; None if the catalogue no longer has it.
        action: what to do about all of them.
        sink: an open binary file.
    """
    cells = ((_cells(row, persona, action) for row in page.to_pylist()) for page in pages)
    return write_pages(sink, COLUMNS, cells)


def next_step(row: Mapping[str, Any]) -> str:
    """What sets this customer apart from the others of the persona; empty if nothing does."""
    steps = []
    if row["lapsed_risk"]:
        steps.append("Write first: silent for much longer than usual.")
    if row["favourite_category"]:
        steps.append(f"Offer {row['favourite_category']}.")
    if row["confidence"] is not None and row["confidence"] < SURE:
        steps.append("Between two segments: check before a costly offer.")
    return " ".join(steps)


def file_names(personas: list[str]) -> dict[str, str]:
    """A file name a persona: letters, digits and hyphens of any script, never two alike, whatever a user calls them."""
    found: dict[str, str] = {}
    for persona in personas:
        plain = unicodedata.normalize("NFKC", persona).lower()
        stem = re.sub(r"[^\w]+", "-", plain).strip("-_")[:60] or "segment"
        name, number = stem, 2
        while f"{name}.csv" in found.values():
            name, number = f"{stem}-{number}", number + 1
        found[persona] = f"{name}.csv"
    return found


def _members(warehouse: Warehouse, persona: str, customers: int) -> Iterator[pa.Table]:
    """Rows of one persona, the highest spenders first, a page at a time: a scan has no order of its own."""
    for start in range(0, customers, PAGE_CUSTOMERS):
        page = list(warehouse.scan(segments.MEMBERS, [persona, start, start + PAGE_CUSTOMERS]))
        if page:
            yield pa.Table.from_batches(page).sort_by("value_rank")


def _cells(row: Mapping[str, Any], persona: Persona | None, action: str) -> list[str]:
    cells = {
        "customer_id": row["customer_id"],
        "persona": persona.name if persona else row["persona"],
        "confidence": "" if row["confidence"] is None else f"{row['confidence']:.2f}",
        "recommended_action": action,
        "next_step": next_step(row),
        "favourite_category": row["favourite_category"] or "",
        "tags": row["tags"],
    }
    numbers = {
        "purchases": str(row["frequency"]),
        "money_spent": str(row["monetary"]),
        "average_basket": f"{row['average_basket']:.2f}",
        "last_purchase": row["last_sale_date"].isoformat(),
    }
    return [safe_cell(cells[name]) if name in cells else numbers[name] for name in COLUMNS]

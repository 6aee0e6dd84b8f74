"""Customers to contact: one CSV per persona, the highest spenders first, with what to do.

Made for spreadsheets and campaign tools: UTF-8 with a byte order mark, and no cell is a formula. The files are
streamed, so memory does not grow with the number of customers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import pyarrow as pa

from retail_assets.segmentation.evaluation.action_text import action_text
from retail_assets.segmentation.model.catch_all import is_catch_all
from retail_assets.segmentation.personas.catalog import USUAL_STEP, Catalog, Persona
from retail_assets.segmentation.queries.activation import MEMBERS
from retail_assets.storage import Store
from retail_assets.storage.csv_cells import safe_cell, write_pages
from retail_assets.tables import SEGMENT_PROFILES
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.wording import campaigns

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
"""Confidence below which a customer is between two segments."""


def write_activation(warehouse: Warehouse, store: Store, catalog: Catalog, currency: str | None) -> list[str]:
    """Write one file per persona that has customers, delete the files of all others, and return the keys written.

    Reads `customer_segments` and `segment_profiles`; the keys are in display order.

    Args:
        warehouse: has the tables of the segments.
        store: where the files go, below `FOLDER`.
        catalog: the personas, for what to do about each.
        currency: code written before money in texts; None if it is unknown.
    """
    rows = warehouse.query(f"select {SEGMENT_PROFILES.column_list} from {SEGMENT_PROFILES.name}").to_pylist()
    profiles = {row["persona"]: row for row in rows}
    names = catalog.in_order(profiles)
    files = file_names(names)
    written = []
    for name in names:
        profile, persona = profiles[name], catalog.named(name)
        key = f"{FOLDER}/{files[name]}"
        with store.writing(key) as sink:
            members = _members(warehouse, name, int(profile["customers"]))
            write_csv(members, persona, action_text(persona, profile, currency) if persona else "", sink, currency)
        written.append(key)
    store.delete([e.key for e in store.list(FOLDER) if e.key.endswith(".csv") and e.key not in written])
    return written


def write_csv(
    pages: Iterable[pa.Table | pa.RecordBatch],
    persona: Persona | None,
    action: str,
    sink: IO[bytes],
    currency: str | None = None,
) -> int:
    """Write the customers of one persona as CSV, and return their number.

    Args:
        pages: rows of `customer_segments`, in the order to write.
        persona: their persona; None if the catalog no longer has it.
        action: what to do about all of them.
        sink: an open binary file.
        currency: code written before money in texts; None if it is unknown.
    """
    cells = ((_cells(row, persona, action, currency) for row in page.to_pylist()) for page in pages)
    return write_pages(sink, COLUMNS, cells)


def next_step(row: Mapping[str, Any], persona: Persona | None = None, currency: str | None = None) -> str:
    """Say what to do about this customer in particular: what sets them apart, or else the next step of their persona.

    A category for everything else ("Miscellaneous") is never offered.

    Args:
        row: a row of `customer_segments`.
        persona: their persona; None if the catalog no longer has it.
        currency: code written before money; None if it is unknown.

    >>> next_step({"lapsed_risk": True, "favourite_category": "Games", "confidence": 0.9})
    'Contact first: not seen for much longer than usual. Offer Games.'
    """
    steps = []
    if row["lapsed_risk"]:
        steps.append("Contact first: not seen for much longer than usual.")
    if row["favourite_category"] and not is_catch_all(row["favourite_category"]):
        steps.append(f"Offer {row['favourite_category']}.")
    if not steps:
        steps.append(
            campaigns.next_step(
                customer=row["customer_id"],
                template=persona.next_step if persona else USUAL_STEP,
                purchases=int(row["frequency"]),
                money_spent=row["monetary"],
                average_basket=row["average_basket"],
                last_seen=row["last_sale_date"],
                currency=currency,
            ).text
        )
    if row["confidence"] is not None and row["confidence"] < SURE:
        steps.append("Between two segments: check before a costly offer.")
    return " ".join(steps)


def file_names(personas: list[str]) -> dict[str, str]:
    """Return a file name per persona: letters and digits of any script and hyphens, and no name twice.

    >>> list(file_names(["High-Value Customers", "high value customers", "../etc"]).values())
    ['high-value-customers.csv', 'high-value-customers-2.csv', 'etc.csv']
    """
    files: dict[str, str] = {}
    for persona in personas:
        plain = unicodedata.normalize("NFKC", persona).lower()
        stem = re.sub(r"[^\w]+", "-", plain).strip("-_")[:60] or "segment"
        name, number = stem, 2
        while f"{name}.csv" in files.values():
            name, number = f"{stem}-{number}", number + 1
        files[persona] = f"{name}.csv"
    return files


def _members(warehouse: Warehouse, persona: str, customers: int) -> Iterator[pa.Table]:
    """Rows of one persona, the highest spenders first. Pages are sorted here because a scan has no order."""
    for start in range(0, customers, PAGE_CUSTOMERS):
        page = list(warehouse.scan(MEMBERS, [persona, start, start + PAGE_CUSTOMERS]))
        if page:
            yield pa.Table.from_batches(page).sort_by("value_rank")


def _cells(row: Mapping[str, Any], persona: Persona | None, action: str, currency: str | None) -> list[str]:
    cells = {
        "customer_id": row["customer_id"],
        "persona": persona.name if persona else row["persona"],
        "confidence": "" if row["confidence"] is None else f"{row['confidence']:.2f}",
        "recommended_action": action,
        "next_step": next_step(row, persona, currency),
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

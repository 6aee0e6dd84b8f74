"""The tables of the segments, made in a warehouse of any size: features, names of all customers, profiles, migrations.

What is held in memory is a sample for training and a chunk for scoring; the rest is SQL, or a file that is mapped.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.errors import NotReadyError
from retail_assets.segmentation.model.features import CHUNK_CUSTOMERS, frame, read_chunks
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries import migrations, profiles
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.tables import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.warehouse.schema_changes import select_list

NEW = "(new)"
"""`from_persona` of customers who had no name before."""


@dataclass(frozen=True)
class Scored:
    """What a scoring has written: `customers` rows, and how many of those who had a name before have another now."""

    customers: int
    named_before: int
    renamed: int
    snapshot: dt.date | None


def make_features(warehouse: Warehouse, *, snapshot: dt.date | None = None, window_days: int = WINDOW_DAYS) -> int:
    """Write `customer_features`; returns the number of customers."""
    return warehouse.rebuild(CUSTOMER_FEATURES, customer_features(snapshot, window_days))


def score_all(
    warehouse: Warehouse,
    model: SegmentModel | None,
    version: str,
    *,
    catalog: Catalog = DEFAULT,
    chunk: int = CHUNK_CUSTOMERS,
) -> Scored:
    """Write `customer_segments`: every customer of `customer_features`, scored a chunk at a time.

    Each row keeps the name before: that of the last scoring of an earlier month, or of the last one by another model.
    A second scoring in the same month by the same model begins at the same names, so that nothing counts twice.

    Args:
        warehouse: holds `customer_features`.
        model: the model in use; None where there is none, and rules alone decide.
        version: of the model in the store; `NO_MODEL` without any.
        catalog: names of the groups that rules make.
        chunk: customers at a time.
    """
    snapshot = _snapshot(warehouse)
    state = _state(warehouse)
    carried = (
        state is not None
        and snapshot is not None
        and state["model_version"] == version
        and (state["snapshot_date"].year, state["snapshot_date"].month) == (snapshot.year, snapshot.month)
    )
    select = migrations.with_previous_personas(state is not None, carried)
    customers = named_before = renamed = 0
    with tempfile.TemporaryDirectory(prefix="retail-segments-") as folder:
        spilled = Path(folder) / "segments.arrow"
        with pa.OSFile(str(spilled), "wb") as sink, pa.ipc.new_file(sink, CUSTOMER_SEGMENTS.arrow_schema()) as out:
            for rows in read_chunks(warehouse, select, chunk):
                made = _segments(rows, model, version, catalog)
                before, now = made["previous_persona"], made["persona"]
                customers += made.num_rows
                named_before += len(before) - before.null_count
                renamed += pc.sum(pc.not_equal(before, now)).as_py() or 0
                out.write_table(made)
        with pa.memory_map(str(spilled)) as source:  # mapped, not read: the rows need no memory of ours
            warehouse.replace(CUSTOMER_SEGMENTS, pa.ipc.open_file(source).read_all())
    return Scored(customers, named_before, renamed, snapshot)


def make_profiles(warehouse: Warehouse, catalog: Catalog = DEFAULT) -> pa.Table:
    """Write and return `segment_profiles`, from `customer_segments` and `customer_features`, in display order."""
    rows = {row["persona"]: row for row in warehouse.query(profiles.PROFILES).to_pylist()}
    for column, feature in profiles.MEDIANS.items():
        for found in warehouse.query(profiles.median(feature)).to_pylist():
            rows[found["persona"]][column] = found["value"]
    ages = {row["persona"]: row["age_group"] for row in warehouse.query(profiles.TOP_AGES).to_pylist()}
    customers = sum(int(row["customers"]) for row in rows.values())
    revenue = sum(row["revenue"] for row in rows.values())
    order = {persona.name: number for number, persona in enumerate(catalog.display_order)}
    made = []
    for name in sorted(rows, key=lambda name: (order.get(name, len(order)), name)):
        row = rows[name]
        # Sums of doubles differ in the last digits with the order in which a database adds them.
        made.append(
            {key: round(value, 9) if isinstance(value, float) else value for key, value in row.items()}
            | {
                "customers_share": round(int(row["customers"]) / customers, 9),
                "revenue_share": round(float(row["revenue"] / revenue), 9) if revenue > 0 else None,
                "top_age_group": ages.get(name),
            }
        )
    table = pa.Table.from_pylist(made, schema=SEGMENT_PROFILES.arrow_schema())
    warehouse.replace(SEGMENT_PROFILES, table)
    return table


def make_migrations(warehouse: Warehouse) -> pa.Table:
    """Write and return `segment_migrations`: the move that `customer_segments` tells of, and all earlier ones."""
    known = _usable(warehouse, SEGMENT_MIGRATIONS)
    earlier = select_list(warehouse, SEGMENT_MIGRATIONS) if known else ""
    found = warehouse.query(migrations.migrations_with_earlier(earlier) if known else migrations.MIGRATIONS)
    table = found.select(list(SEGMENT_MIGRATIONS.names)).cast(SEGMENT_MIGRATIONS.arrow_schema())
    table = table.sort_by([(name, "ascending") for name in ("to_snapshot", *SEGMENT_MIGRATIONS.key)])
    warehouse.replace(SEGMENT_MIGRATIONS, table)
    return table


def _snapshot(warehouse: Warehouse) -> dt.date | None:
    [row] = warehouse.query(f"select max(snapshot_date) as day from {CUSTOMER_FEATURES.name}").to_pylist()
    day: dt.date | None = row["day"]
    return day


def _state(warehouse: Warehouse) -> dict[str, Any] | None:
    """What `customer_segments` is of; None where it is not there, is empty, or is of an earlier design."""
    if not _usable(warehouse, CUSTOMER_SEGMENTS):
        return None
    state: dict[str, Any] = warehouse.query(migrations.STATE).to_pylist()[0]
    return state if state["snapshot_date"] is not None else None


def _usable(warehouse: Warehouse, table: Table) -> bool:
    """Whether a table is there and its history can be kept: columns that are new and may be NULL can be missing."""
    try:
        found = warehouse.query(f"select * from {table.name} limit 0").column_names
    except NotReadyError:
        return False
    return all(column.nullable or column.name in found for column in table.columns)


def _segments(rows: pa.Table, model: SegmentModel | None, version: str, catalog: Catalog) -> pa.Table:
    """Rows of `CUSTOMER_SEGMENTS` for rows of features with the names before."""
    rows = rows.sort_by("customer_id")
    found = score(model, frame(rows.select(list(CUSTOMER_FEATURES.names))), catalog)
    ruled = found["cluster"].to_numpy() < 0
    size = rows.num_rows
    columns = {
        "persona": pa.array(found["persona"].to_numpy(dtype=object), pa.string()),
        "cluster": pa.array(found["cluster"].to_numpy(), pa.int32(), mask=ruled),
        "confidence": pa.array(found["confidence"].to_numpy(), pa.float64(), mask=ruled),
        "tags": pa.array(found["tags"].to_numpy(dtype=object), pa.string()),
        "favourite_category": pa.array(found["favourite_category"].tolist(), pa.string(), from_pandas=True),
        "lapsed_risk": pa.array(found["lapsed_risk"].to_numpy(), pa.bool_()),
        "model_version": pa.array([version] * size, pa.string()),
    }
    schema = CUSTOMER_SEGMENTS.arrow_schema()
    arrays = [columns[f.name] if f.name in columns else rows[f.name].cast(f.type) for f in schema]
    return pa.table(arrays, schema=schema)

"""The table `customer_segments`: every customer with a persona, and the one they had before.

Customers are scored a chunk at a time into a file that is then mapped, so memory does not grow with their number.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.segmentation.lifecycle.earlier_tables import is_usable
from retail_assets.segmentation.model.features import CHUNK_CUSTOMERS, frame, read_chunks
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.migrations import STATE, with_previous_personas
from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS
from retail_assets.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Scored:
    """What a scoring has written.

    Attributes:
        customers: rows of `customer_segments`.
        named_before: customers who had a persona before.
        renamed: those of them who have another one now.
        snapshot: last day of sales that counts; None without customers.
    """

    customers: int
    named_before: int
    renamed: int
    snapshot: dt.date | None


def score_all(
    warehouse: Warehouse,
    model: SegmentModel | None,
    version: str,
    *,
    catalog: Catalog = DEFAULT,
    chunk: int = CHUNK_CUSTOMERS,
) -> Scored:
    """Write `customer_segments`: every customer of `customer_features`, scored a chunk at a time.

    Each row keeps the previous persona: that of the last scoring in an earlier month, or of the last one by another
    model. A second scoring in the same month by the same model starts from the same previous personas, so no move
    counts twice.

    Args:
        warehouse: has `customer_features`.
        model: the model in use; without one, rules alone decide.
        version: of the model in the store; `NO_MODEL` without one.
        catalog: names of the groups that rules assign.
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
    select = with_previous_personas(state is not None, carried)
    customers = named_before = renamed = 0
    with tempfile.TemporaryDirectory(prefix="retail-segments-") as folder:
        spooled = Path(folder) / "segments.arrow"
        with pa.OSFile(str(spooled), "wb") as sink, pa.ipc.new_file(sink, CUSTOMER_SEGMENTS.arrow_schema()) as out:
            for rows in read_chunks(warehouse, select, chunk):
                segments = _segments(rows, model, version, catalog)
                before, now = segments["previous_persona"], segments["persona"]
                customers += segments.num_rows
                named_before += len(before) - before.null_count
                renamed += pc.sum(pc.not_equal(before, now)).as_py() or 0
                out.write_table(segments)
        with pa.memory_map(str(spooled)) as source:  # mapped, not read into memory
            warehouse.replace(CUSTOMER_SEGMENTS, pa.ipc.open_file(source).read_all())
    return Scored(customers, named_before, renamed, snapshot)


def _snapshot(warehouse: Warehouse) -> dt.date | None:
    [row] = warehouse.query(f"select max(snapshot_date) as day from {CUSTOMER_FEATURES.name}").to_pylist()
    day: dt.date | None = row["day"]
    return day


def _state(warehouse: Warehouse) -> dict[str, Any] | None:
    """Snapshot and model of the existing `customer_segments`; None if it is missing, empty, or of an earlier design."""
    if not is_usable(warehouse, CUSTOMER_SEGMENTS):
        return None
    state: dict[str, Any] = warehouse.query(STATE).to_pylist()[0]
    return state if state["snapshot_date"] is not None else None


def _segments(rows: pa.Table, model: SegmentModel | None, version: str, catalog: Catalog) -> pa.Table:
    """Rows of `customer_segments` for rows of features with their previous personas."""
    rows = rows.sort_by("customer_id")
    scored = score(model, frame(rows.select(list(CUSTOMER_FEATURES.names))), catalog)
    by_rule = scored["cluster"].to_numpy() < 0
    columns = {
        "persona": pa.array(scored["persona"].to_numpy(dtype=object), pa.string()),
        "cluster": pa.array(scored["cluster"].to_numpy(), pa.int32(), mask=by_rule),
        "confidence": pa.array(scored["confidence"].to_numpy(), pa.float64(), mask=by_rule),
        "tags": pa.array(scored["tags"].to_numpy(dtype=object), pa.string()),
        "favourite_category": pa.array(scored["favourite_category"].tolist(), pa.string(), from_pandas=True),
        "lapsed_risk": pa.array(scored["lapsed_risk"].to_numpy(), pa.bool_()),
        "model_version": pa.array([version] * rows.num_rows, pa.string()),
    }
    schema = CUSTOMER_SEGMENTS.arrow_schema()
    arrays = [columns[f.name] if f.name in columns else rows[f.name].cast(f.type) for f in schema]
    return pa.table(arrays, schema=schema)

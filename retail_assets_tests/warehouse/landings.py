"""Small landings as cleaning would leave them in the lake, and what the tables must then hold, in plain Python."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, LakeFile
from retail_assets.tables import SALES, SALES_CLEAN, SALES_QUARANTINE, Table
from retail_assets.warehouse.protocol import Warehouse

SOURCE = "shop"
DAY = dt.date(2024, 3, 1)

Row = dict[str, Any]


def line(transaction: str, cents: int, landed_on: dt.date = DAY, file: str = "a.csv", at: int = 2, **known: Any) -> Row:
    """One line of a landed file as a canonical sale; what is not `known` is ordinary."""
    sold_at = known.get("sold_at", dt.datetime(2024, 2, 29, 12))
    return {
        "transaction_id": transaction,
        "order_id": f"O-{transaction}",
        "sold_at": sold_at,
        "sale_date": sold_at.date(),
        "customer_id": None,
        "gender": None,
        "age": None,
        "age_group": None,
        "product_id": None,
        "product_category": "Books",
        "quantity": Decimal("-1.000" if cents < 0 else "1.000"),
        "unit_price": Decimal(abs(cents)).scaleb(-2).quantize(Decimal("0.0001")),
        "total_amount": Decimal(cents).scaleb(-2),
        "store_id": None,
        "source": SOURCE,
        "landed_on": landed_on,
        "source_file": file,
        "source_line": at,
        "list_price": None,
        "discount": None,
    } | known


def rejected(at: int, landed_on: dt.date = DAY, file: str = "a.csv", cents: int | None = None) -> Row:
    """One quarantined line."""
    return {
        "source": SOURCE,
        "landed_on": landed_on,
        "source_file": file,
        "source_line": at,
        "reasons": "invalid_date",
        "raw_text": f"línea {at},'\"",
        "contract_version": "shop@1+00000000",
        "transaction_id": None,
        "total_amount": None if cents is None else Decimal(cents).scaleb(-2),
        "sale_date": None,
    }


def latest_lines(lines: Iterable[Row]) -> list[Row]:
    """Of each transaction the line of the latest landing, then of the last file, then the last one: the definition."""
    latest: dict[str, Row] = {}
    for row in sorted(lines, key=lambda r: (r["landed_on"], r["source_file"], r["source_line"])):
        latest[row["transaction_id"]] = row
    return list(latest.values())


def write(
    lake: Lake,
    landed_on: dt.date,
    lines: Sequence[Row],
    quarantined: Sequence[Row] = (),
    *,
    run: str = "run",
    files: int = 1,
) -> CleanManifest:
    """Write the files of a cleaned landing, `files` of a kind; returns its manifest, not yet published."""
    kept = latest_lines(lines)
    current = {id(row) for row in kept}
    superseded = [row for row in lines if id(row) not in current]
    return CleanManifest(
        source=lake.source,
        landed_on=landed_on,
        run_id=run,
        contract="shop@1+00000000",
        raw_digest=run,
        files={
            "clean": _write(lake, landed_on, SALES_CLEAN, kept, f"{run}/clean", files),
            "quarantine": _write(lake, landed_on, SALES_QUARANTINE, quarantined, f"{run}/quarantine", files),
            "superseded": _write(lake, landed_on, SALES_CLEAN, superseded, f"{run}/superseded", files),
        },
        reasons={"invalid_date": len(quarantined)} if quarantined else {},
    )


def publish(lake: Lake, landed_on: dt.date, lines: Sequence[Row], *rest: Any, **known: Any) -> CleanManifest:
    """`write`, and publish the manifest."""
    manifest = write(lake, landed_on, lines, *rest, **known)
    lake.publish_clean(manifest)
    return manifest


def _write(
    lake: Lake, landed_on: dt.date, table: Table, rows: Sequence[Row], name: str, files: int
) -> tuple[LakeFile, ...]:
    run, _, status = name.partition("/")
    written = []
    for number in range(files):
        part = rows[number::files]
        if not part:
            continue
        key = lake.data_key(landed_on, run, f"{status}-{number}")
        with lake.store.writing(key) as f:
            pq.write_table(pa.Table.from_pylist(list(part), schema=table.arrow_schema()), f)
        amount = sum((row["total_amount"] or Decimal(0) for row in part), Decimal("0.00"))
        size = len(lake.store.read(key))
        written.append(LakeFile(key, len(part), len(part), str(amount), size))
    return tuple(written)


def held(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables that are kept from load to load, in a defined order."""
    return {table.name: rows_of(warehouse, table) for table in (SALES_CLEAN, SALES_QUARANTINE, SALES)}


def rows_of(warehouse: Warehouse, table: Table) -> list[tuple[Any, ...]]:
    return ordered(table, warehouse.query(f"SELECT {table.column_list} FROM {table.name}").to_pylist())


def ordered(table: Table, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows as tuples in the order of the table's columns, sorted by its key."""
    return [tuple(row[n] for n in table.names) for row in sorted(rows, key=lambda r: tuple(r[k] for k in table.key))]


def defined(
    lines: Mapping[dt.date, Sequence[Row]], quarantined: Mapping[dt.date, Sequence[Row]] | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """What `held` must be when these landings, and nothing else, are loaded: computed from scratch."""
    everything = [row for landing in lines.values() for row in landing]
    return {
        SALES_CLEAN.name: ordered(SALES_CLEAN, [r for landing in lines.values() for r in latest_lines(landing)]),
        SALES_QUARANTINE.name: ordered(
            SALES_QUARANTINE, [row for landing in (quarantined or {}).values() for row in landing]
        ),
        SALES.name: ordered(SALES, latest_lines(everything)),
    }

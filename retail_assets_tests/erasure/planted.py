"""The person, planted in every place of a home that can hold somebody."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from retail_assets.defs.metadata import preview
from retail_assets.exports.bundle.publish import publish_files
from retail_assets.serving import schema
from retail_assets.serving.manifest import DATABASE, MODEL, Manifest
from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS, DIM_CUSTOMER, Table
from retail_assets.warehouse import marts
from retail_assets_tests.erasure.shop import D1, D2, NOW, PERSON, Shop, csv, row, workbook

_VALUES: dict[str, Any] = {
    "bigint": 1,
    "integer": 1,
    "double": 0.5,
    "boolean": True,
    "date": D1,
    "timestamp": dt.datetime(2024, 3, 1),
}
_FACTS = ("source", "currency", "country", "timezone", "forecast_model", "segment_model")
_SQLITE: dict[str, Any] = {"TEXT": "2024-03-01", "INTEGER": 1, "REAL": 0.5}


def everywhere(shop: Shop) -> None:
    """Plant the person in what a run leaves, in what killed runs leave, and in what other programs keep in the home."""
    warehouse, lake, raw = shop.platform.warehouse, shop.platform.lake, shop.platform.raw
    warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    for table in (CUSTOMER_FEATURES, CUSTOMER_SEGMENTS):
        warehouse.replace(table, _rows(table, [PERSON, "C1"]))
    # Landed and not yet registered; a file of the lake that no manifest names; writes of killed processes.
    shop.land(dt.date(2024, 3, 5), "waiting.csv", csv([row(9000, PERSON), row(9001, "C1")]))
    [file, *_] = lake.clean(D2).files["clean"]
    lake.store.write(lake.data_key(D2, "killed", "clean-0"), lake.store.read(file.key))
    for store in (raw, lake.store, shop.platform.output):
        Path(store.uri, "." + "0" * 32 + ".part").parent.mkdir(parents=True, exist_ok=True)
        Path(store.uri, "." + "0" * 32 + ".part").write_text(PERSON)
    fetched = shop.platform.settings.duckdb_path.parent / ".incoming-killed"
    fetched.mkdir()
    (fetched / "0.parquet").write_bytes(lake.store.read(file.key))
    _bundles(shop)
    models = Path(shop.platform.settings.models_uri, "shop", "segments", "versions", "20240301-0")
    models.mkdir(parents=True)
    listing = f"| customer_id | n |\n|---|---|\n| {PERSON} | 3 |"
    (models / "card.md").write_text(f"# Card\n\n{listing}\n\nThe largest: {PERSON}.\n")
    output = shop.platform.output
    listed = f"customer_id,persona\n{PERSON},Regulars\nC1,Regulars\n"
    output.write("segments/activation/regulars.csv", b"\xef\xbb\xbf" + listed.encode())
    output.write("summary.json", f'{{"best": [{{"customer_id": "{PERSON}"}}], "note": "{PERSON} left"}}'.encode())
    output.write("insights.md", f"- {PERSON} bought most.\n- Sales rose.\n".encode())
    output.write("report.html", f"<p>{PERSON}</p>".encode())
    output.write("tables.xlsx", workbook([row(1, PERSON)]))
    output.write("tableau/sales.hyper", f"HyPe{PERSON}".encode())
    _dagster(shop)
    alerts = shop.folder / "home" / "alerts"
    alerts.mkdir()
    with sqlite3.connect(alerts / "shop.sqlite") as outbox:
        outbox.execute("PRAGMA journal_mode = WAL")
        outbox.execute("CREATE TABLE message (body TEXT)")
        outbox.executemany(
            "INSERT INTO message VALUES (?)", [(f"{i}: customer {PERSON} is missing",) for i in range(99)]
        )
        outbox.execute("DELETE FROM message WHERE rowid > 9")  # free pages
    outbox.close()
    (shop.folder / "home" / "lineage").mkdir()
    (shop.folder / "home" / "lineage" / "1.json").write_text(f'{{"run": {{"message": "{PERSON}"}}}}')


def _rows(table: Table, customers: list[str]) -> pa.Table:
    """Return a row per customer with something in every column."""

    def value(name: str, kind: str, customer: str) -> Any:
        if name == "customer_id":
            return customer
        return _VALUES.get(kind, Decimal(1) if kind.startswith("decimal") else "x")

    rows = [{c.name: value(c.name, c.type, customer) for c in table.columns} for customer in customers]
    return pa.Table.from_pylist(rows, schema=table.arrow_schema())


def _bundles(shop: Shop) -> None:
    """Publish two bundles with the person, one after the other."""
    for number in (1, 2):
        folder = shop.folder / f"bundle{number}"
        folder.mkdir()
        with sqlite3.connect(folder / DATABASE) as database:
            for table in schema.ALL:
                database.execute(table.ddl)
            for customer in (PERSON, "C1", "C2"):
                kinds = schema.CUSTOMER.columns
                cells = [customer if n == "customer_id" else _SQLITE[k.rstrip("?")] for n, k in kinds]
                database.execute(f"INSERT INTO customer VALUES ({', '.join('?' * len(cells))})", cells)
            names = schema.CHECK_RESULT.columns
            cells = [f"{PERSON} {n}" if k == "TEXT" else _SQLITE[k.rstrip("?")] for n, k in names]
            database.execute(f"INSERT INTO check_result VALUES ({', '.join('?' * len(cells))})", cells)
        database.close()
        (folder / MODEL).write_text("{}")
        facts: dict[str, Any] = dict.fromkeys(_FACTS, "shop")
        manifest = Manifest(
            version="",
            created=NOW.isoformat(),
            first_day="2024-03-01",
            cutoff=f"2024-03-0{number}",
            schema_version=schema.SCHEMA_VERSION,
            code_version="1",
            counts={"customer": 3, "check_result": 1},
            **facts,
        )
        publish_files(shop.platform.serving, manifest, folder, NOW)
        for path in (folder / DATABASE, folder / MODEL):
            path.unlink()


def _dagster(shop: Shop) -> None:
    """Record previews, a failed check and a run with the person in a home of Dagster, and what a run printed."""
    root = shop.folder / "home" / "dagster"
    root.mkdir()
    lake = shop.platform.lake
    rows = lake.head([lake.clean(D1)], "clean", rows=99).to_pylist()
    theirs = [r for r in rows if r["customer_id"] == PERSON]
    others = [r for r in rows if r["customer_id"] != PERSON]
    shown = preview(pa.Table.from_pylist([*others[:2], *theirs[:2], *others[2:3]]))
    with dg.DagsterInstance.local_temp(str(root)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("clean_sales", metadata={"preview": shown}))
        found = {"examples": dg.MetadataValue.json({"missing": [PERSON, "C1"]})}
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("sales"),
            check_name="columns",
            passed=False,
            metadata=found,
            description=f"no {PERSON}",
        )
        instance.report_runless_asset_event(evaluation)
        run = instance.create_run_for_job(_nothing, tags={"asked": PERSON})
        instance.report_engine_event(f"looking for {PERSON}", run)
    logs = root / "storage" / "run" / "compute_logs"
    logs.mkdir(parents=True)
    (logs / "step.err").write_text(f"WARNING {PERSON} twice\nWARNING something else\n")


@dg.job
def _nothing() -> None:
    """Do nothing."""

"""What only Redshift has: definitions of tables, migration, statistics, tags, statements and memory at size."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retail_assets import doctor
from retail_assets.errors import StorageError, WarehouseError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, LakeFile
from retail_assets.storage import Store
from retail_assets.tables import ALL, DIM_DATE, SALES, SALES_CLEAN, Table
from retail_assets.warehouse.redshift import sql
from retail_assets.warehouse.redshift.staging import Staging
from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse
from retail_assets_tests.services.redshift.stack import BUCKET, LOADER
from retail_assets_tests.services.redshift.wire import Event
from retail_assets_tests.warehouse.landings import DAY, SOURCE, defined, held, line, publish, rejected

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack


@pytest.fixture
def schema() -> str:
    return f"shop_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def lake(stack: Stack) -> Lake:
    return stack.lake(SOURCE)


@pytest.fixture
def warehouse(stack: Stack, lake: Lake, schema: str) -> RedshiftWarehouse:
    return stack.warehouse(lake, schema)


def statements_since(stack: Stack, since: int) -> list[str]:
    return [statement for _, statement in stack.wire.statements[since:]]


def many(lake: Lake, rows: int, files: int, run: str) -> CleanManifest:
    """A landing of many rows, built from one, in so many files."""
    one = pa.Table.from_pylist([line("T", 100)], schema=SALES_CLEAN.arrow_schema())
    written: list[LakeFile] = []
    each = rows // files
    for number in range(files):
        part = one.take(pa.array([0] * each, pa.int64()))
        ids = pa.array([f"T{number}-{i}" for i in range(each)])
        part = part.set_column(0, one.schema.field(0), ids)
        key = lake.data_key(DAY, run, f"clean-{number}")
        with lake.store.writing(key) as handle:
            pq.write_table(part, handle)
        written.append(LakeFile(key, each, each, f"{each}.00", len(lake.store.read(key))))
    kept = {"clean": tuple(written), "quarantine": (), "superseded": ()}
    manifest = CleanManifest(SOURCE, DAY, run, "shop@1", run, kept)  # type: ignore[arg-type]
    lake.publish_clean(manifest)
    return manifest


def test_a_load_says_as_much_for_thousands_of_rows_in_twenty_files_as_for_ten_in_one(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse
) -> None:
    warehouse.load_landings(lake.store, [many(lake, 10, 1, "first")])
    counts = []
    for rows, files in ((10, 1), (5_000, 20)):
        before = len(stack.wire.statements)
        loaded = warehouse.load_landings(lake.store, [many(lake, rows, files, f"r{rows}")])
        assert loaded.sales_total == rows
        counts.append(len(statements_since(stack, before)))
    assert counts[0] == counts[1] < 40


@pytest.mark.skipif(not os.environ.get("RETAIL_TEST_MILLION"), reason="RETAIL_TEST_MILLION is not set: half a minute")
def test_a_million_rows(stack: Stack, lake: Lake, warehouse: RedshiftWarehouse) -> None:
    before = len(stack.wire.statements)
    loaded = warehouse.load_landings(lake.store, [many(lake, 1_000_000, 8, "million")])
    assert loaded.sales_total == 1_000_000
    assert len(statements_since(stack, before)) < 45


def test_a_load_begins_with_the_lock_and_never_truncates(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse
) -> None:
    warehouse.load_landings(lake.store, [])
    before = len(stack.wire.statements)
    warehouse.load_landings(lake.store, [publish(lake, DAY, [line("A", 1)])])
    statements = statements_since(stack, before)
    lock = next(n for n, s in enumerate(statements) if s.startswith("LOCK"))
    # Neither of these two takes a snapshot.
    assert statements[lock - 2] == "begin transaction"
    assert statements[lock - 1].startswith("SET statement_timeout")
    after = statements[lock + 1 : statements.index("commit", lock)]
    assert [s for s in after if s.startswith(("begin", "commit", "rollback", "TRUNCATE", "ALTER"))] == []
    assert statements[-1] == "commit"


def test_nothing_is_left_in_the_staging_folder(lake: Lake, warehouse: RedshiftWarehouse, schema: str) -> None:
    warehouse.load_landings(lake.store, [publish(lake, DAY, [line("A", 1)], [rejected(2)])])
    warehouse.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
    list(warehouse.scan("SELECT * FROM sales"))
    with pytest.raises(WarehouseError):
        warehouse.rebuild(DIM_DATE, "SELECT nonsense FROM sales")
    assert [e.key for e in lake.store.list(f"{schema}/warehouse")] == []


def test_every_session_is_tagged(stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str) -> None:
    before = len(stack.wire.statements)
    warehouse.load_landings(lake.store, [])
    warehouse.query("SELECT count(*) FROM sales")
    assert f"SET query_group TO 'retail-assets/{schema}/load'" in statements_since(stack, before)
    assert f"SET query_group TO 'retail-assets/{schema}/query'" in statements_since(stack, before)
    assert stack.wire.startups[-1]["application_name"] == "retail-assets"


# Definitions.


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.name)
def test_every_table_says_how_it_is_spread_sorted_and_encoded(table: Table) -> None:
    ddl = sql.create_table("shop", table)
    assert ddl.count(" ENCODE ") == len(table.columns)
    assert "DISTSTYLE" in ddl
    assert "PRIMARY KEY" not in ddl


def test_what_is_joined_on_is_spread_by_it() -> None:
    assert "DISTKEY (transaction_id)" in sql.create_table("shop", SALES)
    assert "DISTKEY (transaction_id)" in sql.create_stage("stage", SALES_CLEAN)
    assert "SORTKEY (landed_on, transaction_id)" in sql.create_table("shop", SALES_CLEAN)
    assert "sale_date DATE NOT NULL ENCODE RAW" in sql.create_table("shop", SALES)


@pytest.mark.parametrize("table", [t for t in ALL if t.key == ("customer_id",)], ids=lambda t: t.name)
def test_a_table_of_customers_is_spread_by_customer_and_no_node_holds_all(table: Table) -> None:
    assert "DISTKEY (customer_id)" in sql.create_table("shop", table)
    assert "DISTKEY (customer_id)" in sql.create_stage("stage", table)


def test_a_name_that_is_no_identifier_gets_into_no_statement(stack: Stack, lake: Lake) -> None:
    for name in ('shop"; DROP SCHEMA public; --', "Shop", "", "a" * 200):
        with pytest.raises(ValueError, match="not a valid SQL identifier"):
            stack.warehouse(lake, name)


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("it's", "'it''s'"),
        ("a\\'b", "'a\\\\''b'"),
        (None, "NULL"),
        (True, "TRUE"),
        (-7, "-7"),
        (dt.date(2024, 2, 29), "DATE '2024-02-29'"),
        (dt.datetime(2024, 2, 29, 1, 2, 3, 4), "TIMESTAMP '2024-02-29 01:02:03.000004'"),
    ],
)
def test_a_value_becomes_a_literal(value: Any, literal: str) -> None:
    assert sql.literal(value) == literal


def test_places_in_literals_are_not_filled_in() -> None:
    assert sql.filled_in("SELECT '?', ? WHERE a = ?", [1, "?"]) == "SELECT '?', 1 WHERE a = '?'"
    with pytest.raises(ValueError, match="2 values for 1 places"):
        sql.filled_in("SELECT ?", [1, 2])


# Migration.


def test_a_column_that_is_new_and_may_be_null_is_added_and_the_rows_stay(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str
) -> None:
    rows = [line("A", 1), line("B", 2, at=3)]
    manifest = publish(lake, DAY, rows)
    warehouse.load_landings(lake.store, [manifest])
    stack.wire.as_superuser(f"ALTER TABLE {schema}.sales_clean DROP COLUMN store_id")
    stack.wire.as_superuser(f"ALTER TABLE {schema}.sales DROP COLUMN store_id, DROP COLUMN age")
    warehouse.load_landings(lake.store, [])
    assert warehouse.query("SELECT count(*) AS n, count(store_id) AS known FROM sales").to_pylist() == [
        {"n": 2, "known": 0}
    ]
    warehouse.load_landings(lake.store, [manifest])  # the new column stands at the end, and COPY goes by position
    assert held(warehouse) == defined({DAY: rows})


def test_a_column_that_is_too_narrow_is_widened(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str
) -> None:
    warehouse.load_landings(lake.store, [])
    stack.wire.as_superuser(f"ALTER TABLE {schema}.sales_clean ALTER COLUMN customer_id TYPE varchar(8)")
    rows = [line("A", 1, customer_id="a customer")]
    warehouse.load_landings(lake.store, [publish(lake, DAY, rows)])
    assert held(warehouse) == defined({DAY: rows})


def test_a_column_of_somebody_else_stays(stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str) -> None:
    warehouse.load_landings(lake.store, [])
    stack.wire.as_superuser(f"ALTER TABLE {schema}.sales ADD COLUMN remark varchar(10)")
    rows = [line("A", 1)]
    warehouse.load_landings(lake.store, [publish(lake, DAY, rows)])
    assert held(warehouse) == defined({DAY: rows})
    assert "remark" in warehouse.query("SELECT * FROM sales").column_names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE {}.sales_clean DROP COLUMN order_id", r"order_id VARCHAR\(128\) NOT NULL is missing"),
        (
            "ALTER TABLE {}.sales ALTER COLUMN total_amount TYPE decimal(9,2)",
            r"total_amount is DECIMAL\(9,2\), expected DECIMAL\(18,2\)",
        ),
        (
            "ALTER TABLE {}.sales ADD COLUMN must varchar(1) NOT NULL",
            "must is .* NOT NULL and not a column of",
        ),
    ],
)
def test_a_table_of_another_version_is_refused_and_not_changed(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str, change: str, message: str
) -> None:
    warehouse.load_landings(lake.store, [])
    stack.wire.as_superuser(change.format(schema))
    with pytest.raises(WarehouseError, match=f"made by another version.*{message}.*Nothing was changed"):
        warehouse.load_landings(lake.store, [])


def test_a_derived_table_of_another_version_is_made_again(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str
) -> None:
    warehouse.load_landings(lake.store, [])
    stack.wire.as_superuser(
        f"CREATE TABLE {schema}.dim_date (something_else integer)", f"ALTER TABLE {schema}.dim_date OWNER TO {LOADER}"
    )
    assert warehouse.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table()) == 0
    assert warehouse.query("SELECT * FROM dim_date").column_names == list(DIM_DATE.names)


def test_a_schema_that_is_there_needs_no_right_to_make_one(stack: Stack, lake: Lake, schema: str) -> None:
    name = f"owner_{schema}"
    stack.user(name, "pw")
    stack.wire.as_superuser(f"CREATE SCHEMA {schema} AUTHORIZATION {name}")
    own = stack.warehouse(lake, schema, stack.settings(user=name, password="pw"))
    assert own.load_landings(lake.store, []).sales_total == 0
    forbidden = stack.warehouse(lake, f"{schema}_b", stack.settings(user=name, password="pw"))
    with pytest.raises(WarehouseError, match="permission denied while"):
        forbidden.load_landings(lake.store, [])


# Statistics.


def test_a_load_of_many_rows_is_analyzed_and_one_of_few_is_not(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retail_assets.warehouse.redshift.warehouse._ANALYZE_ROWS", 100)
    before = len(stack.wire.statements)
    warehouse.load_landings(lake.store, [publish(lake, DAY, [line("A", 1)])])
    assert not any(s.startswith("ANALYZE") for s in statements_since(stack, before))
    warehouse.load_landings(lake.store, [many(lake, 200, 1, "many")])
    assert f"ANALYZE {schema}.sales PREDICATE COLUMNS" in statements_since(stack, before)


def test_statistics_that_fail_do_not_make_a_load_that_is_committed_fail(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retail_assets.warehouse.redshift.warehouse._ANALYZE_ROWS", 100)
    from retail_assets_tests.services.redshift.wire import Cut

    def cut(event: Event) -> None:
        if event.sql.startswith("ANALYZE"):
            raise Cut

    with stack.wire.hooked(cut):
        assert warehouse.load_landings(lake.store, [many(lake, 200, 1, "many")]).sales_total == 200


# Size.

_SCAN = """
import pathlib, pickle, re, sys
recipe = pickle.loads(bytes.fromhex(sys.argv[1]))
lake, warehouse = recipe.open()
rows = sum(b.num_rows for b in warehouse.scan("SELECT * FROM sales WHERE source_line < ?", [int(sys.argv[2])]))
print(rows, re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
def test_rows_are_read_back_in_memory_that_does_not_grow_with_them(
    stack: Stack, lake: Lake, warehouse: RedshiftWarehouse, schema: str
) -> None:
    """400,000 of these rows are 200 MB as Arrow."""
    import pickle

    from retail_assets_tests.warehouse.contract.warehouses import Recipe

    warehouse.load_landings(lake.store, [])
    stack.wire.as_superuser(
        f"INSERT INTO {schema}.sales (transaction_id, order_id, sold_at, sale_date, customer_id, product_category, "
        "quantity, unit_price, total_amount, source, landed_on, source_file, source_line) "
        "SELECT 'T' || n, repeat('x', 100) || n, '2024-01-01', '2024-01-01', repeat('y', 100) || n, 'Books', 1, 1, 1, "
        f"'shop', '2024-01-01', repeat('z', 100), n FROM generate_series(0, 399999) AS n"
    )
    recipe = Recipe("redshift", lake.store.uri, schema, settings=stack.settings(), environ=stack.environ)
    peaks = []
    for rows in (100_000, 400_000):
        command = [sys.executable, "-c", _SCAN, pickle.dumps(recipe).hex(), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        count, peak = map(int, done.stdout.split())
        assert count == rows
        peaks.append(peak / 1024)
    assert peaks[1] < peaks[0] + 40, peaks


def test_a_table_is_sent_in_memory_that_does_not_hold_its_file(lake: Lake) -> None:
    """Customers by the million are written a row group at a time; the file itself is never in memory."""
    noise = np.random.default_rng(0).bytes(16 * 600_000)
    rows = pa.table(
        {"noise": pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), 600_000, [None, pa.py_buffer(noise)])}
    )
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        with Staging(lake.store, "sending").folder() as folder:
            manifest = folder.table("rows", rows)
            [entry] = json.loads(lake.store.read(manifest.removeprefix(f"{lake.store.uri}/")))["entries"]
            key = entry["url"].removeprefix(f"{lake.store.uri}/")
            assert entry["meta"]["content_length"] == len(lake.store.read(key)) > 9_000_000
    finally:
        pa.set_memory_pool(usual)
    assert (pool.max_memory() or 0) < 6_000_000


# Where the lake is not on S3, and what doctor says.


def test_a_lake_that_is_not_on_s3_is_refused(warehouse: RedshiftWarehouse, tmp_path: Any) -> None:
    local = Lake(Store(str(tmp_path)), SOURCE)
    with pytest.raises(WarehouseError, match=r"loads from S3.*RETAIL_LAKE_URI"):
        warehouse.load_landings(local.store, [publish(local, DAY, [line("A", 1)])])


def test_a_staging_folder_that_cannot_be_written_is_a_storage_error(stack: Stack, schema: str) -> None:
    nowhere = Lake(Store("s3://no-such-bucket-here/x"), SOURCE)
    with pytest.raises(StorageError):
        stack.warehouse(nowhere, schema).examine()


def environ_of(stack: Stack, environ: dict[str, str], **changes: str | None) -> dict[str, str]:
    places = {
        "RETAIL_WAREHOUSE": "redshift",
        "RETAIL_LAKE_URI": f"s3://{BUCKET}/doctor",
        "PATH": os.environ["PATH"],
    }
    return environ | places | stack.redshift(**changes)


def test_doctor_logs_in_and_lets_redshift_read_a_file(stack: Stack, environ: dict[str, str]) -> None:
    found = {f.name: f for f in doctor.run(environ_of(stack, environ), start_spark=False)}
    assert found["warehouse"].ok, found["warehouse"]
    assert "as loader" in found["warehouse"].detail
    assert "reads S3" in found["warehouse"].detail


def test_doctor_says_what_is_in_the_way(stack: Stack, environ: dict[str, str]) -> None:
    wrong = {
        "password": ("nope", "refused the login"),
        "iam_role": ("arn:aws:iam::123456789012:role/other", "not authorized to assume"),
    }
    for name, (value, message) in wrong.items():
        found = {f.name: f for f in doctor.run(environ_of(stack, environ, **{name: value}), start_spark=False)}
        assert not found["warehouse"].ok
        assert message in found["warehouse"].detail


def test_a_promise_that_changed_meanwhile_is_not_loaded(lake: Lake, warehouse: RedshiftWarehouse) -> None:
    manifest = publish(lake, DAY, [line("A", 1)])
    stale = replace(manifest, run_id="older")
    with pytest.raises(WarehouseError, match="Cleaned again by another run"):
        warehouse.load_landings(lake.store, [stale])

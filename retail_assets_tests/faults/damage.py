"""Damage to files: data files of the lake that do not match their manifest, and database files that cannot be read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import LakeFile
from retail_assets.tables import SALES_CLEAN
from retail_assets_tests.warehouse.landings import DAY, Row, line

# Data files of one landing in a lake of any store. The landing has one clean and one quarantine file.


def shorten(lake: Lake, day: dt.date) -> None:
    """Cut off the end of the clean file."""
    file = _clean_file(lake, day)
    lake.store.write(file.key, lake.store.read(file.key)[:-20])


def overwrite_with_zeros(lake: Lake, day: dt.date) -> None:
    file = _clean_file(lake, day)
    lake.store.write(file.key, b"\0" * file.size)


def remove_quarantine_file(lake: Lake, day: dt.date) -> None:
    lake.store.delete([f.key for f in lake.clean(day).files["quarantine"]])


def promise_more_rows(lake: Lake, day: dt.date) -> None:
    """Let the manifest claim a row that the file does not have."""
    _promise(lake, day, rows=3)


def promise_other_money(lake: Lake, day: dt.date) -> None:
    _promise(lake, day, amount="3.51")


def repeat_a_key(lake: Lake, day: dt.date) -> None:
    rewrite(lake, day, _table(line("B", -50, day), line("B", 400, day, at=3)))


def mix_in_another_landing(lake: Lake, day: dt.date) -> None:
    rewrite(lake, day, _table(line("B", -50, day), line("D", 400, DAY, at=3)))


def drop_a_column(lake: Lake, day: dt.date) -> None:
    rewrite(lake, day, _content(lake, day).drop_columns(["store_id"]))


def add_a_file_without_a_column(lake: Lake, day: dt.date) -> None:
    """Name a second file, which lacks a column."""
    manifest, file = lake.clean(day), _clean_file(lake, day)
    key = file.key.replace("clean-0", "clean-1")
    with lake.store.writing(key) as handle:
        pq.write_table(_table(line("E", 1, day, at=7)).drop_columns(["store_id"]), handle)
    second = replace(file, key=key, rows=1, lines=1, amount="0.01", size=len(lake.store.read(key)))
    lake.publish_clean(replace(manifest, files=manifest.files | {"clean": (file, second)}))


def amounts_as_text(lake: Lake, day: dt.date) -> None:
    table = _content(lake, day)
    at = table.schema.get_field_index("total_amount")
    rewrite(lake, day, table.set_column(at, "total_amount", pa.array(["-0.50", "4.00"])))


def ages_as_wider_numbers(lake: Lake, day: dt.date) -> None:
    table = _content(lake, day)
    at = table.schema.get_field_index("age")
    rewrite(lake, day, table.set_column(at, "age", pa.array([None, 33], pa.int64())))


def too_long_a_customer(lake: Lake, day: dt.date) -> None:
    """Put in 65 characters of 130 bytes where 128 bytes fit."""
    first, *others = _content(lake, day).to_pylist()
    rewrite(lake, day, _table(first | {"customer_id": "é" * 65}, *others))


def rewrite(lake: Lake, day: dt.date, table: pa.Table) -> None:
    """Replace the content of the clean file, with a manifest that knows its rows and size."""
    key = _clean_file(lake, day).key
    with lake.store.writing(key) as handle:
        pq.write_table(table, handle)
    _promise(lake, day, rows=table.num_rows, size=len(lake.store.read(key)))


def _promise(lake: Lake, day: dt.date, **changes: Any) -> None:
    manifest = lake.clean(day)
    file = replace(_clean_file(lake, day), **changes)
    lake.publish_clean(replace(manifest, files=manifest.files | {"clean": (file,)}))


def _clean_file(lake: Lake, day: dt.date) -> LakeFile:
    [file] = lake.clean(day).files["clean"]
    return file


def _content(lake: Lake, day: dt.date) -> pa.Table:
    with lake.store.open(_clean_file(lake, day).key) as handle:
        return pq.ParquetFile(handle).read()


def _table(*rows: Row) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SALES_CLEAN.arrow_schema())


# Database files.


def database_of_text(path: Path) -> None:
    path.write_text("hello " * 5000)


def empty_database(path: Path) -> None:
    path.write_bytes(b"")


def half_a_database(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def database_without_a_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:12288] = bytes(8192)
    path.write_bytes(bytes(data))


def folder_for_a_database(path: Path) -> None:
    path.unlink()
    path.mkdir()

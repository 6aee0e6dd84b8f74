"""A task writes what it was given and returns the statistics of it; a failure leaves nothing behind."""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from retail_assets.cleaning import rules, write
from retail_assets.cleaning.parse import PARSED_SCHEMA
from retail_assets.cleaning.write import CLEAN, QUARANTINE, SUPERSEDED, Target, write_rows
from retail_assets.errors import StorageError
from retail_assets.storage import Store
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE
from retail_assets_tests.trials import trials

DAY = dt.date(2024, 3, 1)
JUDGED = pa.schema(
    [
        *PARSED_SCHEMA,
        pa.field("landed_on", pa.date32()),
        pa.field("file_number", pa.int32()),
        pa.field("status", pa.int32()),
    ]
)
_STORES = itertools.count()


def target(uri: str) -> Target:
    return Target(uri, "shop", "run", "shop@1+0", ("shop/dt=2024-03-01/ä.csv", "b.csv"))


def judged(at: int, status: int = CLEAN, day: dt.date = DAY, cents: int | None = 100, **values: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"T{at}",
        "order_id": "O",
        "sold_at": dt.datetime(2024, 2, 29, 12),
        "product_category": "Books",
        "quantity": Decimal("1.000"),
        "unit_price": Decimal("1.0000"),
        "total_amount": None if cents is None else Decimal(cents).scaleb(-2),
        "landed_on": day,
        "file_number": 0,
        "source_line": at,
        "lines": 1,
        "reasons": rules.INVALID_DATE.mask if status == QUARANTINE else 0,
        "raw_text": "raw" if status == QUARANTINE else None,
        "status": status,
    } | values


def written(rows: list[dict[str, Any]], uri: str, day: dt.date = DAY) -> list[dict[str, Any]]:
    return write_rows(pa.Table.from_pylist(rows, schema=JUDGED), day, target(uri))


_ROWS = st.lists(
    st.tuples(
        st.sampled_from([CLEAN, QUARANTINE, SUPERSEDED]),
        st.none() | st.integers(-(10**6), 10**6),
        st.integers(1, 5),
    ),
    max_size=20,
)


@given(_ROWS)
@settings(max_examples=trials(30))
def test_the_account_of_the_files_is_what_is_in_them_and_nothing_is_lost(
    drawn: list[tuple[int, int | None, int]],
) -> None:
    rows = [
        judged(at, status, DAY, cents if status == QUARANTINE else cents or 0, lines=lines)
        for at, (status, cents, lines) in enumerate(drawn, 2)
    ]
    store = Store(f"memory://written-{next(_STORES)}")
    statistics = written(rows, store.uri)
    assert len({s["key"] for s in statistics}) == len(statistics)
    assert sum(s["rows"] for s in statistics) == len(rows)
    for code, status in enumerate(("clean", "quarantine", "superseded")):
        of_status = [s for s in statistics if (s["landed_on"], s["status"]) == (DAY, status)]
        given_rows = [r for r in rows if r["status"] == code]
        tables = [pq.read_table(pa.BufferReader(store.read(s["key"]))) for s in of_status]
        assert [t.num_rows for t in tables] == [s["rows"] for s in of_status]
        assert [len(store.read(s["key"])) for s in of_status] == [s["size"] for s in of_status]
        assert sum(s["lines"] for s in of_status) == sum(r["lines"] for r in given_rows)
        assert sum(s["amount"] for s in of_status) == sum(r["total_amount"] or 0 for r in given_rows)
        in_files = [(r["source_line"], r["total_amount"]) for t in tables for r in t.to_pylist()]
        assert sorted(in_files, key=str) == sorted(((r["source_line"], r["total_amount"]) for r in given_rows), key=str)
        reasons = [json.loads(s["reasons"]) for s in of_status]
        expected = {"invalid_date": len(given_rows)} if status == "quarantine" and given_rows else {}
        assert sum(r.get("invalid_date", 0) for r in reasons) == expected.get("invalid_date", 0)


def test_files_have_the_schema_of_their_tables_and_the_names_of_their_rows(tmp_path: Path) -> None:
    both = rules.INVALID_DATE.mask | rules.INVALID_AGE.mask
    rows = [
        judged(2, sold_at=dt.datetime(1969, 12, 31, 23, 30), file_number=1),
        judged(3, QUARANTINE, reasons=both, raw_text="é" * 40_000, transaction_id="x" * 129),
    ]
    files = {s["status"]: s["key"] for s in written(rows, str(tmp_path))}
    clean, quarantine = (pq.read_table(tmp_path / files[status]) for status in ("clean", "quarantine"))
    assert clean.schema.equals(SALES_CLEAN.arrow_schema())
    assert quarantine.schema.equals(SALES_QUARANTINE.arrow_schema())
    [sale], [rejected] = clean.to_pylist(), quarantine.to_pylist()
    assert (sale["sale_date"], sale["source_file"], sale["source"]) == (dt.date(1969, 12, 31), "b.csv", "shop")
    assert rejected["reasons"] == "invalid_date,invalid_age"
    assert rejected["source_file"] == "shop/dt=2024-03-01/ä.csv"
    assert rejected["raw_text"] == "é" * 32_767  # 65,535 bytes hold no half character
    assert rejected["transaction_id"] is None


def test_no_rows_make_no_files(tmp_path: Path) -> None:
    assert written([], str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def _nothing_left(folder: Path) -> bool:
    return not [p for p in folder.rglob("*") if p.is_file()]


ROWS = [judged(2), judged(3, QUARANTINE), judged(4, SUPERSEDED)]


def test_a_full_disk_at_the_end_of_a_file_is_said_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"Cannot write .*clean-.*: the disk is full"):
        written(ROWS, str(tmp_path))
    assert _nothing_left(tmp_path)


def test_a_full_disk_in_the_middle_of_a_file_is_said_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(write, "_ROWS_IN_GROUP", 1)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(StorageError, match="the disk is full"):
        written(ROWS, str(tmp_path))
    assert _nothing_left(tmp_path)


def test_a_file_that_cannot_be_begun_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("no such compression")

    monkeypatch.setattr(pq, "ParquetWriter", refuse)
    with pytest.raises(pa.ArrowInvalid):
        written(ROWS, str(tmp_path))
    assert _nothing_left(tmp_path)


def test_a_writer_that_is_stopped_half_way_leaves_nothing_of_the_file_it_had_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pq.ParquetWriter, "write_table", stopped)
    with pytest.raises(KeyboardInterrupt):
        written(ROWS, str(tmp_path))
    assert _nothing_left(tmp_path)


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the lake should be")
    with pytest.raises(StorageError, match="Cannot write"):
        written(ROWS, str(tmp_path / "lake"))

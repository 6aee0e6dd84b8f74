"""Batches of records, and the rows that cleaning reads of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from retail_assets.cleaning import rules
from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.streamed import Offsets
from retail_assets.storage import Store
from retail_assets.streaming.batch import Batch
from retail_assets.streaming.record_lines import Decode, RecordLines
from retail_assets_tests.streaming.topics import SOURCE

CONTRACT = loading.load(SOURCE)
DAY = dt.date(2026, 11, 29)


def batches(
    records: list[tuple[int, bytes | None]], contract: Contract = CONTRACT, decode: Decode | None = None
) -> list[Batch]:
    """Gather (offset, value) in as many batches as they need."""
    lines, made = RecordLines(contract, decode), list[Batch]()
    for offset, value in records:
        if not made or not made[-1].add(offset, 1, value):
            made.append(Batch(lines, "sales", 0, offset, 1))
            assert made[-1].add(offset, 1, value)
    return made


def typed(folder: Path, batch: Batch, contract: Contract = CONTRACT) -> list[dict[str, Any]]:
    """Land a batch; return its rows as cleaning types and judges them, `reasons` by name."""
    store = Store(str(folder))
    key = Offsets("sales", 0, batch.first, batch.next).key(SOURCE, DAY)
    store.write(key, batch.content())
    [entry] = [e for e in store.list(SOURCE) if e.key == key]
    profile = inspect_file(store, entry, contract)
    with store.open(key) as handle, Parser(profile, contract, DAY) as parser:
        tables = [parser.parse(records.table) for records in read_records(handle, profile)]
    return [row | {"reasons": rules.names_of(row["reasons"])} for table in tables for row in table.to_pylist()]


def landed(folder: Path, batch: Batch) -> tuple[FileProfile, list[tuple[int, str]]]:
    """Land a batch; return its profile, and line and text of every row that cleaning reads."""
    store = Store(str(folder))
    key = Offsets("sales", 0, batch.first, batch.next).key(SOURCE, DAY)
    store.write(key, batch.content())
    [entry] = [e for e in store.list(SOURCE) if e.key == key]
    profile = inspect_file(store, entry, CONTRACT)
    with store.open(key) as handle:
        rows = [
            (line, text)
            for records in read_records(handle, profile)
            for line, text in zip(records.table["line"].to_pylist(), records.table["raw"].to_pylist(), strict=True)
        ]
    return profile, rows

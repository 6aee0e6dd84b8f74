"""Rows exchanged between tasks: none is lost, those of a transaction meet, in the order of files and lines."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given

from retail_assets.cleaning import exchange, rules
from retail_assets.cleaning.exchange import Landing
from retail_assets.cleaning.latest import latest
from retail_assets.cleaning.parse import PARSED_SCHEMA
from retail_assets.cleaning.write import CLEAN, QUARANTINE, SUPERSEDED
from retail_assets.errors import LandingError

DAY = dt.date(2024, 3, 1)
_SIZES = st.lists(st.tuples(st.integers(0, 30_000_000), st.integers(0, 8 << 30)), min_size=1, max_size=40)


@given(_SIZES)
@example([(0, 0)])
@example([(1, 1)] * 366)
def test_every_slot_has_one_partition_and_no_partition_much_more_than_a_task_should_hold(
    sizes: list[tuple[int, int]],
) -> None:
    landings = [Landing(DAY + dt.timedelta(days=i), lines, size) for i, (lines, size) in enumerate(sizes)]
    places = exchange.slots(landings)
    taken: list[int] = []
    for landing in landings:
        first, buckets = places.of(landing.landed_on)
        assert landing.lines / buckets <= exchange.BUCKET_LINES
        assert landing.bytes / buckets <= exchange.BUCKET_BYTES
        assert all(places.landing_of(slot) == landing.landed_on for slot in range(first, first + buckets))
        taken += range(first, first + buckets)
    assert taken == list(range(len(places.partition)))
    assert set(places.partition) == set(range(places.partitions))
    load = defaultdict[int, float](float)
    for slot, partition in enumerate(places.partition):
        of = landings[(places.landing_of(slot) - DAY).days]
        load[partition] += of.lines / places.of(of.landed_on)[1]
    assert max(load.values()) <= 2 * exchange.BUCKET_LINES


def rows(*ids: tuple[str, int]) -> pa.Table:
    """Rows of one file from line 2 on: (transaction, reasons)."""
    listed: list[dict[str, Any]] = [
        {"transaction_id": t, "source_line": n, "lines": 1, "reasons": r, "spread": hash(t) % 2**64 if not r else n}
        for n, (t, r) in enumerate(ids, 2)
    ]
    return pa.Table.from_pylist(listed, schema=PARSED_SCHEMA)


_FILES = st.lists(
    st.lists(st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from([0, 0, 0, rules.INVALID_AGE.mask])), max_size=15),
    min_size=1,
    max_size=4,
)


@given(_FILES, st.integers(2, 5), st.booleans(), st.randoms(use_true_random=False))
def test_what_meets_in_buckets_is_judged_as_if_it_had_never_been_apart(
    files: list[list[tuple[str, int]]], buckets: int, numbered: bool, rng: Any
) -> None:
    whole = [exchange.of_file(rows(*f).drop_columns(["spread"]), n, DAY) for n, f in enumerate(files)]
    expected = latest(pa.concat_tables(whole), numbered=numbered)

    batches = [
        exchange.packed_batch(0, bucket, number, line, packed)
        for number, file in enumerate(files)
        for block in (rows(*file).slice(at, 4) for at in range(0, len(file), 4))
        for bucket, line, packed in exchange.pack(block, buckets)
    ]
    rng.shuffle(batches)
    met = [latest(exchange.unpack(values, DAY), numbered=numbered) for values in exchange.by_slot(batches).values()]
    place = lambda r: (r["file_number"], r["source_line"])  # noqa: E731
    actual = sorted((r for table in met for r in table.to_pylist()), key=place)
    assert actual == sorted(expected.to_pylist(), key=place)


@given(_FILES)
def test_the_last_whole_line_of_a_transaction_stands(files: list[list[tuple[str, int]]]) -> None:
    whole = [exchange.of_file(rows(*f).drop_columns(["spread"]), n, DAY) for n, f in enumerate(files)]
    judged = latest(pa.concat_tables(whole), numbered=False).to_pylist()
    last = {r["transaction_id"]: (r["file_number"], r["source_line"]) for r in judged if not r["reasons"]}
    for row in judged:
        is_last = last.get(row["transaction_id"]) == (row["file_number"], row["source_line"])
        assert row["status"] == (QUARANTINE if row["reasons"] else CLEAN if is_last else SUPERSEDED)


def test_millions_of_lines_with_one_id_are_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BUCKET_LINES", 2)
    values = [(1, packed) for _, _, packed in exchange.pack(rows(*[("till-7", 0)] * 30), 2)]
    assert exchange.unpack(values, DAY).num_rows == 30
    with pytest.raises(LandingError, match=r"more than 40 lines share .* 'till-7'.*transaction_id"):
        exchange.unpack(values * 2, DAY)


def test_a_batch_shares_the_memory_of_what_it_packs() -> None:
    packed = pa.py_buffer(np.arange(1000).tobytes())
    batch = exchange.packed_batch(1, 2, 3, 4, packed)
    assert batch.schema == exchange.PACKED_SCHEMA
    assert [batch.column(i)[0].as_py() for i in range(4)] == [1, 2, 3, 4]
    assert batch.column(4).buffers()[2].address == packed.address

"""Rows exchanged between tasks: packed by landing and bucket, so that Spark moves a few large values, not many rows.

All rows of one transaction in one landing meet in one bucket, whatever file they come from. The number of buckets of a
landing depends on its size. A packed value is an Arrow stream of rows of one file, in the order of the file.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from retail_assets.errors import LandingError

#: One row per packed value. `slot` numbers the buckets of all landings; `first_line` is where in its file it begins.
PACKED_SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("slot", pa.int32()),
        ("file_number", pa.int32()),
        ("first_line", pa.int64()),
        ("rows", pa.binary()),
    ]
)
PACKED_DDL = "partition INT, slot INT, file_number INT, first_line BIGINT, rows BINARY"

#: What a task holds in memory at once: this many lines, of about 150 bytes each, or this many bytes of landed files.
BUCKET_LINES = 500_000
BUCKET_BYTES = 128 << 20
#: A bucket of more than this many times `BUCKET_LINES` rows contains one transaction of millions of lines.
_MOST_TIMES = 20
#: Small landings share Spark partitions, but there are at least this many, so that no cores stay idle.
_LEAST_PARTITIONS = 4


@dataclass(frozen=True)
class Landing:
    """The size of a landing: physical lines, and uncompressed bytes of its files."""

    landed_on: dt.date
    lines: int
    bytes: int

    @property
    def buckets(self) -> int:
        """The number of parts in which it fits the memory of a task; 1 means as a whole."""
        return max(1, math.ceil(self.lines / BUCKET_LINES), math.ceil(self.bytes / BUCKET_BYTES))


@dataclass(frozen=True)
class Slots:
    """Where the rows of each landing go: slots `first` to `first + buckets`, each in one Spark partition."""

    landings: tuple[dt.date, ...]
    first: tuple[int, ...]
    buckets: tuple[int, ...]
    partition: tuple[int, ...]

    @property
    def partitions(self) -> int:
        return max(self.partition) + 1

    def of(self, landed_on: dt.date) -> tuple[int, int]:
        """Return the first slot of a landing, and its number of buckets."""
        at = self.landings.index(landed_on)
        return self.first[at], self.buckets[at]

    def landing_of(self, slot: int) -> dt.date:
        return self.landings[int(np.searchsorted(self.first, slot, side="right")) - 1]


def slots(landings: Sequence[Landing]) -> Slots:
    """Assign slots to landings of these sizes, in partitions of about equal numbers of lines."""
    buckets = [n.buckets for n in landings]
    first = np.concatenate(([0], np.cumsum(buckets)[:-1])).tolist()
    # The weight of a slot, as a share of what a partition should hold.
    weights = [
        max(n.lines / BUCKET_LINES, n.bytes / BUCKET_BYTES) / b
        for n, b in zip(landings, buckets, strict=True)
        for _ in range(b)
    ]
    count = min(len(weights), max(_LEAST_PARTITIONS, math.ceil(sum(weights))))
    loads = [0.0] * count
    partition = [0] * len(weights)
    for slot in sorted(range(len(weights)), key=lambda s: (-weights[s], s)):
        partition[slot] = loads.index(min(loads))
        loads[partition[slot]] += weights[slot] + 1e-6  # so that slots without weight are spread too
    return Slots(tuple(n.landed_on for n in landings), tuple(first), tuple(buckets), tuple(partition))


def pack(rows: pa.Table, buckets: int) -> Iterator[tuple[int, int, pa.Buffer]]:
    """Yield (bucket, first line, packed rows) of a block of one file. The column `spread` decides where a row goes."""
    bucket = rows["spread"].to_numpy() % np.uint64(buckets)
    order = np.argsort(bucket, kind="stable")
    bounds = np.searchsorted(bucket[order], np.arange(buckets + 1)).tolist()
    ordered = rows.drop_columns(["spread"]).take(pa.array(order))
    for number, (low, high) in enumerate(itertools.pairwise(bounds)):
        if high > low:
            part = ordered.slice(low, high - low)
            yield number, part["source_line"][0].as_py(), _packed(part)


def packed_batch(partition: int, slot: int, file_number: int, first_line: int, packed: pa.Buffer) -> pa.RecordBatch:
    """Return one row of PACKED_SCHEMA, which shares the memory of `packed`."""
    place = (partition, slot, file_number, first_line)
    offsets = pa.py_buffer(np.array([0, packed.size], dtype=np.int32))
    value = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, packed])
    columns = [pa.array([v], f.type) for v, f in zip(place, PACKED_SCHEMA, strict=False)]
    return pa.RecordBatch.from_arrays([*columns, value], schema=PACKED_SCHEMA)


def _packed(rows: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
        stream.write_table(rows)
    return sink.getvalue()


def by_slot(batches: Iterable[pa.RecordBatch]) -> dict[int, list[tuple[int, pa.Buffer]]]:
    """Group the packed values of a Spark partition by slot: (file number, rows), in the order of files and lines."""
    values: dict[int, list[tuple[int, int, pa.Buffer]]] = {}
    for batch in batches:
        places = (batch.column(c).to_pylist() for c in (1, 2, 3))
        for i, (slot, file_number, first_line) in enumerate(zip(*places, strict=True)):
            values.setdefault(slot, []).append((file_number, first_line, batch.column(4)[i].as_buffer()))
    return {slot: [(n, rows) for n, _, rows in sorted(values[slot], key=lambda v: v[:2])] for slot in sorted(values)}


def unpack(values: Iterable[tuple[int, pa.Buffer]], landed_on: dt.date) -> pa.Table:
    """Return the rows of packed values, each with its `file_number` and the landing day (`landed_on`).

    Raises LandingError if millions of lines have one id, because they would have to fit in the memory of one task.
    """
    tables: list[pa.Table] = []
    count = 0
    for file_number, rows in values:
        tables.append(of_file(pa.ipc.open_stream(rows).read_all(), file_number, landed_on))
        count += tables[-1].num_rows
        if count > _MOST_TIMES * BUCKET_LINES:
            first = tables[0]["transaction_id"][0].as_py()
            raise LandingError(
                f"In the landing of {landed_on}, more than {_MOST_TIMES * BUCKET_LINES:,} lines share a few "
                f"transaction ids, such as {first!r}. Check that the contract maps `transaction_id` to the right "
                "column."
            )
    return pa.concat_tables(tables)


def of_file(rows: pa.Table, file_number: int, landed_on: dt.date) -> pa.Table:
    """Return the rows with the columns `file_number` and `landed_on` added."""
    rows = rows.append_column("file_number", pa.repeat(pa.scalar(file_number, pa.int32()), rows.num_rows))
    return rows.append_column("landed_on", pa.repeat(pa.scalar(landed_on, pa.date32()), rows.num_rows))

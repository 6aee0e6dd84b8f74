"""Writing judged rows as Parquet from inside the Spark tasks, to any store, with statistics of what was written.

Each task writes its own files under the run id and returns one row of statistics per file, from which the driver makes
manifests. So a task that dies leaves only files that no manifest names.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import uuid
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.cleaning import rules
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import AS_TEXT, Status, table_of
from retail_assets.storage import Store
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE

_STATUS_OF_CODE: tuple[Status, ...] = ("clean", "quarantine", "superseded", "excluded")
CLEAN, QUARANTINE, SUPERSEDED, EXCLUDED = range(4)

#: Statistics of one written file, as Spark returns them to the driver.
STATISTICS_SCHEMA = pa.schema(
    [
        ("landed_on", pa.date32()),
        ("status", pa.string()),
        ("key", pa.string()),
        ("rows", pa.int64()),
        ("lines", pa.int64()),
        ("amount", pa.decimal128(38, 2)),
        ("size", pa.int64()),
        ("digest", pa.string()),
        ("reasons", pa.string()),
    ]
)
STATISTICS_DDL = (
    "landed_on DATE, status STRING, key STRING, rows BIGINT, lines BIGINT, amount DECIMAL(38,2), size BIGINT, "
    "digest STRING, reasons STRING"
)

_ROWS_IN_GROUP = 256_000
_REJECTED_ROWS_IN_GROUP = 32_768
_RAW_BYTES = 65_535
#: Columns whose values seldom repeat, so that a dictionary would only cost.
_SELDOM_REPEAT = ("transaction_id", "order_id", "customer_id", "total_amount", "source_line", "raw_text")


@dataclass(frozen=True)
class Target:
    """Where a run writes, and what rows refer to by number: file keys, and names of rules that exclude rows.

    Sent to the tasks.
    """

    store_uri: str
    source: str
    run_id: str
    contract: str
    file_keys: tuple[str, ...]
    row_rules: tuple[str, ...] = ()

    def lake(self) -> Lake:
        return Lake(Store(self.store_uri), self.source)


class _Hashed:
    """A file being written whose bytes are hashed on their way: the same rows give the same bytes."""

    closed = False  # asked by pyarrow

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._hash = hashlib.blake2b(digest_size=16)

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._sink.write(data)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        """Leave the file to the block that opened it."""

    def tell(self) -> int:
        return self._sink.tell()

    def digest(self) -> str:
        return self._hash.hexdigest()


class _OpenFile:
    """One Parquet file being written for one landing and status. Ends with `close` or `discard`."""

    def __init__(self, target: Target, landed_on: dt.date, status: Status) -> None:
        self._landed_on, self._status = landed_on, status
        lake = target.lake()
        self.key = lake.data_key(landed_on, target.run_id, f"{status}-{uuid.uuid4().hex}")
        self._target = target
        table = table_of(status)
        with contextlib.ExitStack() as stack:
            self._sink = _Hashed(stack.enter_context(lake.store.writing(self.key)))
            self._writer = stack.enter_context(
                pq.ParquetWriter(
                    self._sink,
                    table.arrow_schema(),
                    compression="zstd",
                    compression_level=1,
                    use_dictionary=[c.name for c in table.columns if c.name not in _SELDOM_REPEAT],
                    # Files are read whole, and statistics of texts would cost a third.
                    write_statistics=["sale_date", "landed_on"],
                )
            )
            self._stack = stack.pop_all()
        self._rows, self._lines, self._amount = 0, 0, Decimal("0.00")
        self._reasons: Counter[str] = Counter()

    def add(self, rows: pa.Table, judged: pa.Table) -> None:
        """Write a row group; `judged` are the same rows before they got the table's columns."""
        self._rows += judged.num_rows
        self._lines += pc.sum(judged["lines"]).as_py() or 0
        self._amount += pc.sum(judged["total_amount"].cast(pa.decimal128(38, 2))).as_py() or 0
        if self._status in AS_TEXT:
            masks, counts = np.unique(judged["reasons"].to_numpy(), return_counts=True)
            for mask, count in zip(masks.tolist(), counts.tolist(), strict=True):
                self._reasons.update(dict.fromkeys(_names_of(mask, self._target), count))
        elif self._status == "clean":
            notes = judged["reasons"].to_numpy()
            if np.bitwise_or.reduce(notes):
                found = {note.name: np.count_nonzero(notes & note.mask) for note in rules.NOTES}
                self._reasons.update({name: int(count) for name, count in found.items() if count})
        self._writer.write_table(rows)

    def close(self) -> dict[str, Any]:
        """Finish the file and make it visible; return its statistics. Leaves nothing behind if that fails."""
        with self._stack:
            self._writer.close()
            size = self._sink.tell()
        return {
            "landed_on": self._landed_on,
            "status": self._status,
            "key": self.key,
            "rows": self._rows,
            "lines": self._lines,
            "amount": self._amount,
            "size": size,
            "digest": self._sink.digest(),
            "reasons": json.dumps(self._reasons),
        }

    def discard(self, error: BaseException) -> BaseException:
        """Leave nothing behind, and return the error, explained by the store if it came from there."""
        try:
            self._stack.__exit__(type(error), error, error.__traceback__)
        except BaseException as explained:
            return explained
        return error


def write_rows(rows: pa.Table, landed_on: dt.date, target: Target) -> list[dict[str, Any]]:
    """Write the judged rows of one landing; return the statistics of each file.

    `rows` have the columns of PARSED_SCHEMA without `spread`, and `file_number`, `landed_on` and `status`.
    """
    done: list[dict[str, Any]] = []
    status = rows["status"].to_numpy()
    for code, name in enumerate(_STATUS_OF_CODE):
        chosen = status == code
        count = int(np.count_nonzero(chosen))
        if count:
            part = rows if count == rows.num_rows else rows.filter(pa.array(chosen))
            file = _OpenFile(target, landed_on, name)
            try:
                # Rejected rows have their raw text, which may be long.
                step = min(_ROWS_IN_GROUP, _REJECTED_ROWS_IN_GROUP if name in AS_TEXT else _ROWS_IN_GROUP)
                for low in range(0, count, step):
                    piece = part.slice(low, step)
                    file.add((_text_rows if name in AS_TEXT else _clean_rows)(piece, target), piece)
            except BaseException as e:
                explained = file.discard(e)
                if explained is e:
                    raise
                raise explained from e
            done.append(file.close())
    return done


def _lineage(part: pa.Table, target: Target) -> dict[str, Any]:
    keys = pa.array(target.file_keys, pa.string())
    return {
        "source": pa.repeat(target.source, part.num_rows),
        "source_file": keys.take(part["file_number"].combine_chunks()),
        "source_line": part["source_line"],
        "landed_on": part["landed_on"],
    }


def _clean_rows(part: pa.Table, target: Target) -> pa.Table:
    columns = {name: part[name] for name in part.column_names} | _lineage(part, target)
    columns["sale_date"] = part["sold_at"].cast(pa.date32(), safe=False)
    schema = SALES_CLEAN.arrow_schema()
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(part.num_rows, f.type) for f in schema],
        schema=schema,
    )


def _text_rows(part: pa.Table, target: Target) -> pa.Table:
    columns = {"transaction_id": part["transaction_id"], "total_amount": part["total_amount"]} | _lineage(part, target)
    masks = part["reasons"].to_pylist()
    named = {mask: ",".join(_names_of(mask, target)) for mask in set(masks)}
    columns["reasons"] = pa.array([named[m] for m in masks], pa.string())
    columns["raw_text"] = pa.array([_cut(t or "") for t in part["raw_text"].to_pylist()], pa.string())
    columns["contract_version"] = pa.repeat(target.contract, part.num_rows)
    columns["sale_date"] = part["sold_at"].cast(pa.date32(), safe=False)
    ids = [None if t is None or len(t.encode()) > 128 else t for t in part["transaction_id"].to_pylist()]
    columns["transaction_id"] = pa.array(ids, pa.string())
    schema = SALES_QUARANTINE.arrow_schema()
    return pa.table([columns[f.name].cast(f.type) for f in schema], schema=schema)


def _names_of(mask: int, target: Target) -> list[str]:
    return rules.exclusions_of(mask, target.row_rules) or rules.names_of(mask)


def _cut(text: str) -> str:
    """Return the text within the bytes of its column, cut between characters."""
    data = text.encode()
    return text if len(data) <= _RAW_BYTES else data[:_RAW_BYTES].decode("utf-8", "ignore")

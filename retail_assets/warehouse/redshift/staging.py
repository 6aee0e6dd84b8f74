"""Files on their way into and out of Redshift: in a new folder each time, which is removed at the end.

Files that a killed process leaves here are never read. The bucket's lifecycle rule removes them, or whoever erases a
customer.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retail_assets.errors import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.lake.manifests import LakeFile
    from retail_assets.storage import Store


_BATCH_ROWS = 10_000
#: Columns of a row group are read in pieces of this size; without it each is read whole.
_BUFFER_BYTES = 1 << 20
#: Rows that are converted to Parquet, and held in memory, at a time.
_ROW_GROUP = 100_000


class Staging:
    """Folders below `prefix` in a store on S3."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    @contextlib.contextmanager
    def folder(self) -> Iterator[StagingFolder]:
        """Yield a new folder, and delete what is in it at the end."""
        folder = StagingFolder(self._store, f"{self._prefix}/{uuid.uuid4().hex}")
        try:
            yield folder
        finally:
            with contextlib.suppress(
                StorageError
            ):  # files that stay are harmless; the error must not hide that of the block
                self._store.delete([e.key for e in self._store.list(folder.key)])

    def discard(self) -> None:
        """Delete every folder, also of processes that are at work: what they stage is gone, and they fail."""
        self._store.delete([e.key for e in self._store.list(self._prefix)])


class StagingFolder:
    """One folder, which is empty until something is written."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self.key = key

    @property
    def uri(self) -> str:
        return self._store.uri_of(self.key)

    def inner(self) -> StagingFolder:
        """Return a new folder in this one."""
        return StagingFolder(self._store, f"{self.key}/{uuid.uuid4().hex}")

    def manifest(self, name: str, store: Store, files: Sequence[LakeFile]) -> str:
        """Publish a COPY manifest of files in `store`; return its URI.

        A manifest, not a prefix: `dt=2026-01-1` would also match `dt=2026-01-10`, and files that a crash left behind.
        """
        entries = [{"url": store.uri_of(f.key), "mandatory": True, "meta": {"content_length": f.size}} for f in files]
        return self._write(f"{name}.manifest", json.dumps({"entries": entries}).encode())

    def table(self, name: str, rows: pa.Table) -> str:
        """Write rows as one Parquet file and its manifest; return the manifest's URI."""
        import pyarrow.parquet as pq

        key = f"{self.key}/{name}.parquet"
        with self._store.writing(key) as sink:  # spooled to disk: a table of all customers is many row groups
            pq.write_table(rows, sink, row_group_size=_ROW_GROUP)
            size = sink.tell()
        entry = {"url": self._store.uri_of(key), "mandatory": True, "meta": {"content_length": size}}
        return self._write(f"{name}.manifest", json.dumps({"entries": [entry]}).encode())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the Parquet files that UNLOAD wrote here, in batches."""
        import pyarrow.parquet as pq

        for entry in self._store.list(self.key):
            with self._store.open(entry.key) as file:
                for batch in pq.ParquetFile(file, buffer_size=_BUFFER_BYTES).iter_batches(_BATCH_ROWS):
                    yield _with_microseconds(batch)

    def _write(self, name: str, data: bytes) -> str:
        key = f"{self.key}/{name}"
        self._store.write(key, data)
        return self._store.uri_of(key)


def _with_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Redshift unloads timestamps as INT96, which Arrow reads as nanoseconds."""
    import pyarrow as pa

    micro = pa.timestamp("us")
    schema = pa.schema([f.with_type(micro) if f.type == pa.timestamp("ns") else f for f in batch.schema])
    return batch if schema.equals(batch.schema) else batch.cast(schema)

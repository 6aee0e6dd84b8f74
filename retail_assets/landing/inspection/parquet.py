"""Inspecting a Parquet file: its columns, types and rows, from its own metadata."""

from __future__ import annotations

import hashlib
from typing import IO

from retail_assets.errors import LandingError
from retail_assets.landing.inspection.shape import Shape
from retail_assets.landing.inspection.text_stream import READ_BYTES
from retail_assets.landing.replacement import use_instead
from retail_assets.storage import Entry

_LONGEST_TYPE = 100  # characters; a nested type names everything in it


def inspect_parquet(handle: IO[bytes], entry: Entry) -> Shape:
    """Hash an open Parquet file and read its metadata. Raises LandingError if it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    hashing = hashlib.sha256()
    while chunk := handle.read(READ_BYTES):
        hashing.update(chunk)
    handle.seek(0)
    try:
        file = pq.ParquetFile(handle)
        header, rows = list(file.schema_arrow.names), file.metadata.num_rows
        types = [str(kind)[:_LONGEST_TYPE] for kind in file.schema_arrow.types]
        unpacked = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
    except (pa.ArrowException, OSError) as e:
        if isinstance(e, OSError) and e.errno is not None:
            raise  # an error of the store, not of Parquet
        raise LandingError(
            f"{entry.key} is not a complete Parquet file ({str(e)[:300]}). {use_instead(entry.key, 'a complete copy')}"
        ) from e
    return Shape(
        sha256=hashing.hexdigest(),
        encoding="utf-8",
        delimiter="",
        line_end="lf",
        header=header,
        header_lines=0,
        lines=rows,
        unpacked=max(entry.size, unpacked),
        types=types,
    )

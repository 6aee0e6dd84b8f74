"""Reading a landed file: the reader for its format, and errors of the file as a whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from retail_assets.cleaning.readers.blocks import BLOCK_BYTES, utf8_blocks
from retail_assets.cleaning.readers.delimited import DelimitedReader
from retail_assets.cleaning.readers.fill_down import filled_down
from retail_assets.cleaning.readers.json_lines import JsonLinesReader
from retail_assets.cleaning.readers.parquet import parquet_records
from retail_assets.cleaning.readers.records import Records, before_line
from retail_assets.cleaning.readers.workbook import workbook_records
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.replacement import use_instead


def read_records(handle: IO[bytes], profile: FileProfile, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Records]:
    """Yield every record of an open file between its header and its totals, in order.

    Text files stream in blocks of `block_bytes`, so memory does not grow with the file. Where a block ends makes no
    difference to the records.

    Raises LandingError if the file as a whole cannot be read: a truncated gzip stream, a broken Parquet file, a line of
    more than MAX_LINE_BYTES.
    """
    try:
        records = _of_format(handle, profile, block_bytes)
        if profile.totals_from:
            records = before_line(records, profile.totals_from)
        yield from filled_down(records, profile.fill_down) if profile.fill_down else records
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise LandingError(
            f"{profile.key} is damaged: its gzip stream is truncated or corrupt ({e}). "
            f"{use_instead(profile.key, 'a complete copy')} Nothing from this file has been loaded."
        ) from e
    except pa.ArrowException as e:
        raise LandingError(
            f"{profile.key} cannot be read as {profile.format}: {str(e)[:300]}. "
            f"{use_instead(profile.key, 'a complete copy')}"
        ) from e


def _of_format(handle: IO[bytes], profile: FileProfile, block_bytes: int) -> Iterator[Records]:
    if profile.format == "parquet":
        return parquet_records(handle, profile)
    if profile.format == "xlsx":
        return workbook_records(handle, profile)
    blocks = utf8_blocks(handle, profile, block_bytes)
    if profile.format == "jsonl":
        reader = JsonLinesReader(profile.header, profile.positions.values(), profile.key, profile.decimal_commas)
        return reader.records(blocks)
    return DelimitedReader(profile).records(blocks)

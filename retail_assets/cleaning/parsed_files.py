"""The typed and judged rows of landed files, in this process and without Spark.

A query costs some 20 ms before its first row. So small files of a landing, such as the objects of a stream, are read
one by one and judged many at a time; each row still has its file and line.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import pyarrow as pa

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.blocks import BLOCK_BYTES
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.storage import Store

#: A text file of more unpacked bytes is judged by itself, in blocks. What another format unpacks to is not known.
SMALL_BYTES = 1 << 20
_SMALL_FORMATS = ("csv", "jsonl")
#: What is judged at once, at most: as much as a block of a large file has.
_TOGETHER_BYTES = BLOCK_BYTES
_TOGETHER_LINES = 1 << 18
_READS_AT_ONCE = 16  # from a remote store, which answers slowly, but many requests at once


def parsed_rows(
    store: Store,
    profile: FileProfile,
    contract: Contract,
    landed_on: dt.date,
    references: Mapping[str, pa.Table] | None = None,
) -> Iterator[pa.Table]:
    """Yield the typed and judged rows (PARSED_SCHEMA) of a file in blocks.

    Raises LandingError if the file cannot be read, or does not have its registered size.
    """
    with store.open(profile.key) as handle, Parser(profile, contract, landed_on, references) as parser:
        _refuse_replaced(handle, profile)
        for records in read_records(handle, profile):
            yield parser.parse(records.table)


def parsed_files(
    store: Store,
    profiles: Sequence[FileProfile],
    contract: Contract,
    landed_on: dt.date,
    references: Mapping[str, pa.Table] | None = None,
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of files of one landing: the position of a file among `profiles`, and a table of its rows.

    They come in the order of files and lines, and are what `parsed_rows` has of each file. Raises as it does.
    """
    for together in _batches(profiles):
        if len(together) == 1:
            [(at, profile)] = together
            yield from ((at, rows) for rows in parsed_rows(store, profile, contract, landed_on, references))
        else:
            yield from _judged_together(list(_records(store, together)), together, contract, landed_on, references)


def _batches(profiles: Sequence[FileProfile]) -> Iterator[list[tuple[int, FileProfile]]]:
    """Yield the files with their positions, in order: small ones several at a time, each other one alone."""
    batch: list[tuple[int, FileProfile]] = []
    size = lines = 0
    for at, profile in enumerate(profiles):
        small = profile.format in _SMALL_FORMATS and _bytes_of(profile) <= SMALL_BYTES
        size, lines = size + _bytes_of(profile), lines + profile.lines
        if batch and (not small or size > _TOGETHER_BYTES or lines > _TOGETHER_LINES):
            yield batch
            batch, size, lines = [], _bytes_of(profile), profile.lines
        if small:
            batch.append((at, profile))
        else:
            yield [(at, profile)]
            size = lines = 0
    if batch:
        yield batch


def _bytes_of(profile: FileProfile) -> int:
    return max(profile.size, profile.unpacked)


def _records(store: Store, files: Sequence[tuple[int, FileProfile]]) -> Iterator[tuple[int, pa.Table]]:
    """Yield the records of small files, in order: the position of a file, and a table."""
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        contents = (map if store.is_local else pool.map)(lambda file: store.read(file[1].key), files)
        for (at, profile), data in zip(files, contents, strict=True):
            handle = io.BytesIO(data)
            _refuse_replaced(handle, profile)
            yield from ((at, records.table) for records in read_records(handle, profile))


def _judged_together(
    records: Sequence[tuple[int, pa.Table]],
    files: Sequence[tuple[int, FileProfile]],
    contract: Contract,
    landed_on: dt.date,
    references: Mapping[str, pa.Table] | None,
) -> Iterator[tuple[int, pa.Table]]:
    """Judge the records of files that have the same columns in one query, and part the rows again."""
    named = dict(files)
    alike: dict[object, list[int]] = {}
    for number, (at, _) in enumerate(records):
        alike.setdefault(_read_alike(named[at]), []).append(number)
    judged: dict[int, pa.Table] = {}
    for numbers in alike.values():
        with Parser(named[records[numbers[0]][0]], contract, landed_on, references) as parser:
            rows = parser.parse(pa.concat_tables([records[number][1] for number in numbers]))
        begin = 0
        for number in numbers:
            judged[number] = rows.slice(begin, records[number][1].num_rows)
            begin += judged[number].num_rows
    yield from ((records[number][0], judged[number]) for number in range(len(records)))


def _read_alike(profile: FileProfile) -> object:
    """Return what the parser takes from a profile: files with the same need no parser of their own."""
    return (len(profile.header), tuple(profile.positions.items()), profile.date_order, tuple(profile.types))


def _refuse_replaced(handle: IO[bytes], profile: FileProfile) -> None:
    """Raise LandingError if a file does not have its registered size. Comparing hashes would mean reading it twice."""
    size = handle.seek(0, io.SEEK_END)
    handle.seek(0)
    if size != profile.size:
        raise LandingError(
            f"{profile.key} has {size} bytes, but had {profile.size} when it was registered: it was replaced "
            "meanwhile. Materialize raw_sales_files and clean_sales again for this landing."
        )

"""Parquet files without some rows, or with other texts in some columns: everything else stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retail_assets.landing.erased_rows import ENTRY, erased_rows, original_numbers


def without_rows(source: IO[bytes], sink: IO[bytes], rows: Iterable[int]) -> int:
    """Copy a Parquet file without the rows of some numbers (as the file landed). Returns the number of rows left."""
    file = pq.ParquetFile(source)
    before = erased_rows(file.metadata.metadata)
    gone = np.unique(np.concatenate((before, np.fromiter(rows, dtype=np.int64))))
    schema = file.schema_arrow
    schema = schema.with_metadata({**(schema.metadata or {}), ENTRY: json.dumps(gone.tolist()).encode()})
    number, left = 1, 0
    with pq.ParquetWriter(sink, schema, compression=_compression(file)) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            stays = ~np.isin(original_numbers(number, table.num_rows, before), gone)
            number += table.num_rows
            table = without_unused(table.filter(pa.array(stays)))
            left += table.num_rows
            if table.num_rows:
                writer.write_table(table.cast(schema))
    return left


def without_unused(table: pa.Table) -> pa.Table:
    """Return a table whose dictionaries, such as of categories of pandas, have no values but those of its rows."""
    for place, field in enumerate(table.schema):
        plain = _plain(field.type)
        if plain != field.type:
            decoded = table.column(place).cast(plain)
            again = decoded.dictionary_encode().cast(field.type) if pa.types.is_dictionary(field.type) else decoded
            table = table.set_column(place, field.with_type(again.type), again)
    return table


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return a type with values in place of dictionaries of them."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def with_columns(source: IO[bytes], sink: IO[bytes], columns: Mapping[int, pa.Array]) -> None:
    """Copy a Parquet file with other columns, of text, in place of some; they are given by their numbers, whole."""
    file = pq.ParquetFile(source)
    schema = file.schema_arrow
    for place in columns:
        schema = schema.set(place, pa.field(schema.field(place).name, pa.string()))
    number = 0
    with pq.ParquetWriter(sink, schema, compression=_compression(file)) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for place, column in columns.items():
                table = table.set_column(place, schema.field(place), column.slice(number, table.num_rows))
            number += table.num_rows
            writer.write_table(table.cast(schema))


def _compression(file: pq.ParquetFile) -> str:
    if not file.num_row_groups or not file.metadata.num_columns:
        return "snappy"
    name: str = file.metadata.row_group(0).column(0).compression
    return "none" if name == "UNCOMPRESSED" else name.lower()

"""Parquet: rows as text, so that typing and judging work as for text files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from retail_assets.cleaning.readers.records import REPLACEMENT_CHARACTER, Records
from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.erased_rows import erased_rows, original_numbers
from retail_assets.landing.replacement import use_instead

_ROWS_PER_BATCH = 100_000


def parquet_records(handle: IO[bytes], profile: FileProfile) -> Iterator[Records]:
    """Yield the rows of a Parquet file as text; `line` is the row number and the raw text a JSON object.

    A number is that of the file as it landed, also where rows were erased before it.

    A row is malformed if a column that the contract reads is nested, and not text if one contains other bytes.
    Raises LandingError if the file is damaged.
    """
    import duckdb

    used = sorted(set(profile.positions.values()))
    line = 1
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            file = pyarrow.parquet.ParquetFile(handle)
            erased = erased_rows(file.metadata.metadata)
            for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
                mask = np.zeros(batch.num_rows, dtype=np.int64)
                if any(pa.types.is_nested(batch.schema.field(i).type) for i in used):
                    mask |= MALFORMED_ROW.mask
                columns = [_castable(column) for column in batch.columns]
                con.register("batch", pa.table([c for c, _ in columns], names=[f"b{i}" for i in range(len(columns))]))
                texts = ", ".join(
                    _as_text(f"b{i}", f"c{i}", c.type, decimal_comma=i in profile.decimal_commas)
                    for i, (c, _) in enumerate(columns)
                )
                pairs = ", ".join(f"{literal(h)}, c{i}" for i, h in enumerate(profile.header))
                table: pa.Table = con.sql(
                    f"SELECT *, CAST(json_object({pairs}) AS VARCHAR) AS raw FROM (SELECT {texts} FROM batch)"
                ).to_arrow_table()
                con.unregister("batch")
                for i in used:
                    mask[columns[i][1] | _contains_nul(table[f"c{i}"])] |= NOT_TEXT.mask
                n = table.num_rows
                yield Records.of(
                    [table[f"c{i}"] for i in range(len(columns))],
                    pa.array(original_numbers(line, n, erased), pa.int64()),
                    pa.array(np.ones(n), pa.int32()),
                    table["raw"],
                    pa.array(mask, pa.int64()),
                )
                line += n
        except (duckdb.Error, OSError) as e:
            if isinstance(e, OSError) and e.errno is not None:
                raise  # an error of the store, not of Parquet
            raise LandingError(
                f"{profile.key} cannot be read as Parquet: {str(e)[:300]}. "
                f"{use_instead(profile.key, 'a complete copy')}"
            ) from e


def _castable(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return a column in a type that DuckDB can cast to text, and which rows hold bytes that are not text."""
    bad = np.zeros(len(column), dtype=bool)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _castable(column.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            return column.cast(pa.binary()).cast(pa.string()), bad
        except pa.ArrowInvalid:
            texts = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
            bad |= [t is not None and REPLACEMENT_CHARACTER in t for t in texts]
            return pa.array(texts, pa.string()), bad
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()), bad
    if pa.types.is_decimal256(kind) or pa.types.is_null(kind):
        return column.cast(pa.string()), bad
    return column, bad


def _as_text(column: str, name: str, kind: pa.DataType, *, decimal_comma: bool) -> str:
    not_nan = f"CASE WHEN NOT isnan({column}) THEN {column} END"
    text = f"CAST({not_nan if pa.types.is_floating(kind) else column} AS VARCHAR)"
    is_number = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return f"replace({text}, '.', ',') AS {name}" if decimal_comma and is_number else f"{text} AS {name}"


def _contains_nul(column: pa.ChunkedArray) -> np.ndarray:
    matches = pa.compute.fill_null(pa.compute.match_substring_regex(column, "[\\x00\\x{fffd}]"), False)
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)

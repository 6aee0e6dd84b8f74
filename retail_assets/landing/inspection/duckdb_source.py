"""A landed file as DuckDB reads it: the second parser, independent of cleaning's readers on purpose."""

from __future__ import annotations

import codecs
import contextlib
import csv
import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES
from retail_assets.storage import Store

_COMPARED = 200  # cells of a line of totals
_CSV_ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16", "iso8859-1": "latin-1"}


@contextlib.contextmanager
def connected(store: Store) -> Iterator[Any]:
    """Open a connection for one file.

    Connections to local files share one engine, because starting one takes longer than reading a small file.
    """
    with contextlib.ExitStack() as stack:
        if store.is_local:
            con = stack.enter_context(_local_engine().cursor())
        else:
            con = stack.enter_context(_new_engine())
            con.register_filesystem(store.filesystem())
        con.execute("SET TimeZone = 'UTC'")  # time stamps of Parquet become text
        yield con


@functools.cache
def _local_engine() -> Any:
    return _new_engine()


def _new_engine() -> Any:
    import duckdb

    # Turning IN lists into joins costs DuckDB 40 ms of planning per file, and gains nothing with lists of four.
    return duckdb.connect(config={"threads": 2, "disabled_optimizers": "in_clause"})


def one_path(store: Store, key: str) -> str:
    """Return the path of an object for DuckDB, which would read `[`, `*` and `?` as a pattern of several files."""
    return re.sub(r"[\[*?]", r"[\g<0>]", store.uri_of(key))


def duckdb_reads(encoding: str, line_end: str) -> bool:
    """Return whether DuckDB reads JSON lines in this encoding with these line ends."""
    return line_end != "cr" and codecs.lookup(encoding).name in ("utf-8", "ascii")


def file_source(profile: FileProfile, path: str) -> str:
    """Return SQL for a file as a table of text columns c0…cN. Raises UnicodeError if DuckDB cannot read it."""
    if profile.format == "parquet":
        names = ", ".join(f"r{i}" for i in range(len(profile.header)))
        texts = ", ".join(_parquet_text(profile, i) for i in range(len(profile.header)))
        return f"(SELECT {texts} FROM read_parquet({literal(path)}, hive_partitioning=false) AS r({names}))"
    if profile.format == "jsonl":
        if not duckdb_reads(profile.encoding, profile.line_end):
            raise UnicodeError(f"DuckDB does not read JSON in {profile.encoding} with line ends {profile.line_end}")
        return f"(SELECT {_json_values(profile)} FROM {json_objects([path])})"
    encoding = _CSV_ENCODINGS.get(codecs.lookup(profile.encoding).name)
    if encoding is None or profile.line_end == "cr":
        raise UnicodeError(f"DuckDB does not read {profile.encoding} with line ends {profile.line_end}")
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(profile.header)))
    # DuckDB skips records, not lines.
    records = profile.header_records or profile.header_lines - sum(name.count("\n") for name in profile.header)
    return (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={records}, "
        f"delim={literal(profile.delimiter)}, quote='\"', escape='\"', columns={{{types}}}, encoding='{encoding}', "
        f"store_rejects=true, strict_mode=true, max_line_size={MAX_LINE_BYTES + 4096}, "
        # Its default is sixteen of the longest lines: 256 MB per file, with several files at once.
        f"buffer_size={2 * MAX_LINE_BYTES}, hive_partitioning=false)"
    )


def json_source(profile: FileProfile, paths: Sequence[str]) -> str:
    """Return SQL for several files of JSON lines with the header of `profile`, as one table with `filename` in it."""
    return f"(SELECT {_json_values(profile)}, filename FROM {json_objects(paths)})"


def json_objects(paths: Sequence[str]) -> str:
    """Return SQL for the lines of files that are JSON: the columns `json` and `filename`."""
    listed = ", ".join(map(literal, paths))
    return f"read_ndjson_objects([{listed}], ignore_errors=true, filename=true, hive_partitioning=false)"


def _json_values(profile: FileProfile) -> str:
    keys = (literal(_json_path(h)) for h in profile.header)
    return ", ".join(_json_value(key, i in profile.decimal_commas) + f" AS c{i}" for i, key in enumerate(keys))


def _json_path(key: str) -> str:
    """Return what DuckDB finds a key by: a path, or a pointer (RFC 6901) where a path means something else.

    To a path, the empty key is an error, `*` is every key, and an escaped control character is no key.
    """
    if key in ("", "*") or any(letter < " " for letter in key):
        return "/" + key.replace("~", "~0").replace("/", "~1")
    return "$." + json.dumps(key, ensure_ascii=False)


def _json_value(key: str, decimal_comma: bool) -> str:
    text = f"json_extract_string(json, {key})"
    if not decimal_comma:
        return text
    return f"CASE WHEN json_type(json, {key}) = 'VARCHAR' THEN {text} ELSE replace({text}, '.', ',') END"


def _parquet_text(profile: FileProfile, column: int) -> str:
    text = f"CAST(r{column} AS VARCHAR)"
    if column in profile.decimal_commas:
        is_text = f"typeof(r{column}) IN ('VARCHAR', 'BLOB')"
        text = f"CASE WHEN {is_text} THEN {text} ELSE replace({text}, '.', ',') END"
    return f"{text} AS c{column}"


def without_totals(source: str, profile: FileProfile, totals: Sequence[str]) -> str:
    """Return SQL for a delimited file without the rows that say the same as its lines of totals.

    Such a row elsewhere in the file is left out as well. Then rows and lines do not add up, which says that there is no
    control total.
    """
    conditions = []
    for text in totals:
        cells = next(csv.reader([text], delimiter=profile.delimiter), [])
        if len(cells) == len(profile.header):
            same = (f"coalesce(c{i}, '') = {literal(cell)}" for i, cell in enumerate(cells[:_COMPARED]))
            conditions.append(f"({' AND '.join(same)})")
    return f"(SELECT * FROM {source} WHERE NOT ({' OR '.join(conditions)}))" if conditions else source


def filled_down(source: str, profile: FileProfile) -> str:
    """Return SQL for a file whose blank cells have the value of the line above, within the lines of one key."""
    if not profile.fill_down:
        return source
    texts = {i: f"nullif(trim(c{i}, ' \t'), '')" for i in profile.fill_down}
    key = texts[profile.fill_down[0]]
    above = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    columns = (
        f"last_value({texts[i]} IGNORE NULLS) OVER (PARTITION BY key_group ORDER BY place {above}) AS c{i}"
        if i in texts
        else f"c{i}"
        for i in range(len(profile.header))
    )
    return f"""(
        WITH placed AS (SELECT *, row_number() OVER () AS place FROM {source}),
        keyed AS (SELECT *, last_value({key} IGNORE NULLS) OVER (ORDER BY place {above}) AS key_text FROM placed),
        changed AS (SELECT *, key_text IS DISTINCT FROM lag(key_text) OVER (ORDER BY place) AS begins FROM keyed),
        grouped AS (SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY place {above}) AS key_group FROM changed)
        SELECT {", ".join(columns)} FROM grouped
    )"""

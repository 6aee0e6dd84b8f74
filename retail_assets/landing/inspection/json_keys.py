"""The header of a JSON-lines file: the keys of its objects."""

from __future__ import annotations

import json
from collections.abc import Mapping

from retail_assets.errors import LandingError
from retail_assets.landing.inspection.duckdb_source import connected, duckdb_reads, json_objects, one_path
from retail_assets.landing.inspection.shape import Shape
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Store

_SAMPLED_LINES = 1000
_MOST_KEYS = 1000


def json_keys(text: str, key: str) -> list[str]:
    """Return the keys of the first lines of `text` in order of appearance.

    Raises LandingError if there are none, except for records of a stream: whoever sent them sends no other file.

    >>> json_keys('{"id": 1, "qty": 2}\\n{"id": 2, "note": ""}', "a.jsonl")
    ['id', 'qty', 'note']
    """
    keys: dict[str, None] = {}
    for line in text.split("\n")[:_SAMPLED_LINES]:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    if not keys and offsets_of(key) is None:
        raise LandingError(f"{key}: no line is a JSON object. Expected one object per line, with column names as keys.")
    return list(keys)


def all_json_keys(store: Store, key: str, shape: Shape) -> list[str]:
    """Return the header of the shape, and after it the keys that only later lines have.

    Only the header where DuckDB cannot read the file, or where there are too many keys.
    """
    import duckdb

    if not duckdb_reads(shape.encoding, shape.line_end):
        return shape.header
    with connected(store) as con:
        names = f"SELECT unnest(json_keys(json)) AS name FROM {json_objects([one_path(store, key)])}"
        try:
            rows = con.execute(
                f"SELECT DISTINCT name FROM ({names} WHERE json_type(json) = 'OBJECT') LIMIT {_MOST_KEYS + 1}"
            ).fetchall()
        except (duckdb.Error, UnicodeError):
            return shape.header
    return _with_more(shape.header, {name for (name,) in rows})


def json_headers(store: Store, shapes: Mapping[str, Shape]) -> dict[str, list[str]]:
    """Return what `all_json_keys` has of several small files, by key, in one query; without those it cannot answer for.

    Raises what DuckDB raises where it cannot read one of the files.
    """
    paths = {store.uri_of(key): key for key, shape in shapes.items() if duckdb_reads(shape.encoding, shape.line_end)}
    objects = json_objects([one_path(store, key) for key in paths.values()])
    with connected(store) as con:
        names = f"SELECT filename, unnest(json_keys(json)) AS name FROM {objects} WHERE json_type(json) = 'OBJECT'"
        rows = con.execute(f"SELECT filename, list(DISTINCT name) FROM ({names}) GROUP BY filename").fetchall()
    return {paths[path]: _with_more(shapes[paths[path]].header, set(names)) for path, names in rows if path in paths}


def _with_more(header: list[str], names: set[str]) -> list[str]:
    return [*header, *sorted(names - set(header))] if len(names) <= _MOST_KEYS else header

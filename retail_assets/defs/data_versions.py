"""Data versions by content: what is written again as it was marks nothing downstream as out of date.

Without them, Dagster makes a version from the code and the versions of the inputs, so a re-clean under a contract that
reads the same, or of one day after a range, would call every result of it stale. Each asset records the hash of what it
wrote as its metadata `content` as well, because Dagster gives all partitions of a range the same version.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from retail_assets.tables import Table
from retail_assets.warehouse.protocol import Warehouse

CONTENT = "content"

#: The tag of Dagster's event in which it keeps the version.
_VERSION_TAG = "dagster/data_version"

#: Columns that say when a row was written: the same forecast, issued again, is the same.
_TIMES = frozenset({"issued_at"})


def hash_of(parts: Iterable[bytes | str]) -> str:
    """Return a short hash of texts or bytes in their order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def hash_of_files(files: Mapping[str, bytes]) -> str:
    """Return a short hash of files by name, in whatever order they were written."""
    return hash_of(part for name in sorted(files) for part in (name, files[name]))


def hash_of_table(warehouse: Warehouse, table: Table) -> str:
    """Return a short hash of the rows of a table, except of when they were written."""
    return hash_of([warehouse.fingerprint(table, _TIMES & set(table.names))])


def materialized(content: str, metadata: Mapping[str, Any], asset: str | None = None) -> dg.MaterializeResult:
    """Return the result of an asset without partitions, with the hash of what it wrote as its version."""
    return dg.MaterializeResult(
        asset_key=asset, metadata={**metadata, CONTENT: content}, data_version=dg.DataVersion(content)
    )


def materialized_by_landing(
    context: dg.AssetExecutionContext,
    asset: str,
    landings: Mapping[dt.date, Mapping[str, Any]],
    shared: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult:
    """Return the result of an asset with a partition per landing: each partition gets the metadata of its landing.

    Parameters
    ----------
    context
        Of the step.
    asset
        The name of the asset.
    landings
        Metadata of each landing, with the hash of what was written as `content`.
    shared
        Metadata of all partitions of the run.
    """
    contents = {day: str(metadata[CONTENT]) for day, metadata in landings.items()}
    for day, metadata in landings.items():
        # Dagster's pages keep the order: counts and money of the landing first, the hash last.
        ordered = {name: value for name, value in metadata.items() if name != CONTENT}
        context.add_asset_metadata(
            {**ordered, **(shared or {}), CONTENT: contents[day]}, asset_key=asset, partition_key=day.isoformat()
        )
    version = _version_as_before(context.instance, asset, contents) or _version_of(contents)
    return dg.MaterializeResult(asset_key=asset, data_version=dg.DataVersion(version))


def _version_of(contents: Mapping[dt.date, str]) -> str:
    if len(contents) == 1:
        return next(iter(contents.values()))
    return hash_of(part for day in sorted(contents) for part in (day.isoformat(), contents[day]))


def _version_as_before(instance: dg.DagsterInstance, asset: str, contents: Mapping[dt.date, str]) -> str | None:
    """Return the version of these partitions if all have one, the same, and hold what was written now; else None.

    A day that was in a range has the version of the range. Where days of several versions are written in one run, even
    as they were, they get a new one: what was made from them is then called stale, although it is not.
    """
    versions = set()
    for day, content in contents.items():
        latest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[day.isoformat()]), limit=1
        ).records
        event = latest[0].asset_materialization if latest else None
        recorded = event.metadata.get(CONTENT) if event else None
        if event is None or recorded is None or recorded.value != content:
            return None
        versions.add((event.tags or {}).get(_VERSION_TAG))
        if len(versions) > 1:
            return None
    return versions.pop() if versions else None

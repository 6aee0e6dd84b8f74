"""Publishing a bundle: files first, then the manifest, then one conditional move of the pointer; old ones are swept.

A crash leaves the old bundle in use, and files that nobody reads, which the next publication removes in time. Whoever
reads the old bundle can go on for `keep_days`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retail_assets import __version__
from retail_assets.contracts.model import Contract
from retail_assets.errors import StorageBusyError
from retail_assets.exports.bundle.content import Check, write_database
from retail_assets.exports.bundle.numbers import segment_numbers
from retail_assets.exports.bundle.pictures import draw_pictures
from retail_assets.exports.report.facts import read_facts
from retail_assets.models.kinds import NO_MODEL
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.model.serialization import loads
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.serving import segment_numbers as numbers_file
from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.manifest import (
    BUNDLES,
    DATABASE,
    FILES,
    MANIFEST,
    MODEL,
    MOST_BYTES,
    POINTER,
    File,
    Manifest,
    Pointer,
    Publication,
    is_version,
    key,
    read_manifest,
    read_pointer,
    version_of,
)
from retail_assets.serving.schema import SCHEMA_VERSION
from retail_assets.storage import Entry, Store
from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS
from retail_assets.warehouse.protocol import Warehouse

_ATTEMPTS = 5
_CHUNK = 1024**2


@dataclass(frozen=True)
class Published:
    """A publication.

    Attributes:
        manifest: of the bundle in use now.
        uri: address for `Predictor.from_uri`.
        bytes: size of its files.
        swept: versions that were removed.
    """

    manifest: Manifest
    uri: str
    bytes: int
    swept: tuple[str, ...]


def publish_bundle(
    warehouse: Warehouse,
    output: Store,
    models: ModelStore,
    serving: Store,
    *,
    source: str,
    contract: Contract,
    catalog: Catalog,
    checks: Sequence[Check],
    now: dt.datetime,
    keep_days: int,
) -> Published:
    """Write a bundle from the tables and the segments' model, and put it in use.

    The same content is the same version: then nothing but what is damaged is written again.

    Args:
        warehouse: has the tables.
        output: has the recommendations.
        models: versions of the segments' model.
        serving: store of all bundles.
        source: name of the shop's contract: the folder in the store.
        contract: of the source.
        catalog: the personas.
        checks: what the checks of the data found last.
        now: the time, in UTC.
        keep_days: how long a bundle stays after another has come into use.

    Raises:
        NothingToServeError: there is no forecast, as before the first sales; what is in use stays.
        NotReadyError: a table does not exist yet.
        ModelStoreError, SegmentModelFileError: the segments' model cannot be read.
        BadBundleError: the bundle is larger than a predictor accepts.
        WarehouseError, StorageError: the warehouse or a store refuses.
    """
    with tempfile.TemporaryDirectory(prefix="retail-bundle-") as scratch:
        folder = Path(scratch)
        pictures = draw_pictures(read_facts(warehouse, None, contract.currency))
        written = write_database(
            folder / DATABASE, warehouse, output, catalog=catalog, checks=checks, pictures=pictures
        )
        version, snapshot, window_days = _of_segments(warehouse)
        model = None if version == NO_MODEL else loads(models.load(version))
        numbers = segment_numbers(
            model,
            version,
            snapshot or written.cutoff,
            window_days=window_days,
            catalog=catalog,
            contract=contract,
        )
        (folder / MODEL).write_bytes(numbers_file.dumps(numbers))
        manifest = Manifest(
            version="",
            created=now.isoformat(timespec="seconds"),
            source=source,
            currency=contract.currency,
            country=contract.country,
            timezone=contract.timezone,
            first_day=written.first_day.isoformat(),
            cutoff=written.cutoff.isoformat(),
            forecast_model=written.forecast_model,
            segment_model=version,
            schema_version=SCHEMA_VERSION,
            code_version=__version__,
            counts=written.counts,
        )
        manifest = publish_files(serving, manifest, folder, now)
    return Published(
        manifest,
        serving.uri_of(source),
        sum(file.bytes for file in manifest.files.values()),
        sweep(serving, source, now=now, keep_days=keep_days),
    )


def publish_files(serving: Store, manifest: Manifest, folder: Path, now: dt.datetime) -> Manifest:
    """Publish the files of a folder as a bundle, and put it in use.

    Args:
        serving: store of all bundles.
        manifest: the facts of the bundle; its version and its files follow from the content.
        folder: has the files.
        now: the time, in UTC.

    Returns:
        The manifest in use now: the stored one where the same content had been published before.
    """
    manifest = replace(manifest, files={name: _file(folder / name) for name in FILES})
    manifest = replace(manifest, version=version_of(manifest))
    pointer, _ = _pointer(serving, manifest.source)
    # Answers contain the time, and a version always gives the same answers: also where it has been swept meanwhile.
    before = [each.at for each in pointer.history if each.version == manifest.version] if pointer else []
    manifest = replace(manifest, created=before[0] if before else manifest.created)
    read_manifest(manifest.dumps(), manifest.version, "The new bundle", MOST_BYTES)
    manifest = _store(serving, manifest.source, manifest, {name: folder / name for name in FILES})
    _put_in_use(serving, manifest.source, manifest.version, now)
    return manifest


def sweep(serving: Store, source: str, *, now: dt.datetime, keep_days: int) -> tuple[str, ...]:
    """Remove bundles that have been out of use for `keep_days`, and what crashes have left for that long.

    Returns the versions that were removed.
    """
    removed = []
    for version, entries in out_of_use(serving, source, now=now, keep_days=keep_days).items():
        if remove(serving, source, version, entries):
            removed.append(version)
    return tuple(sorted(removed))


def out_of_use(serving: Store, source: str, *, now: dt.datetime, keep_days: int) -> dict[str, list[Entry]]:
    """Find the bundles that `sweep` removes, with their files, and remove nothing."""
    pointer, _ = _pointer(serving, source)
    if pointer is None:
        return {}
    left: dict[str, dt.datetime] = {}
    for earlier, later in zip(pointer.history, pointer.history[1:], strict=False):
        left[earlier.version] = dt.datetime.fromisoformat(later.at)
    limit = now - dt.timedelta(days=keep_days)
    by_version: dict[str, list[Entry]] = {}
    for entry in serving.list(f"{source}/{BUNDLES}"):
        by_version.setdefault(entry.key.split("/")[-2], []).append(entry)
    old = {}
    for version, files in by_version.items():
        modified = dt.datetime.fromtimestamp(max(f.modified or now.timestamp() for f in files), dt.UTC)
        # A version that is not in the history was never put in use, or so long ago that the history has forgotten it.
        if version != pointer.version and max(left.get(version, modified), modified) < limit and is_version(version):
            old[version] = files
    return old


def remove(serving: Store, source: str, version: str, files: Sequence[Entry]) -> bool:
    """Remove the files of a bundle that is out of use; False, and it stays, where it has come into use again."""
    manifest = f"{source}/{key(version, MANIFEST)}"
    data = serving.read_if_exists(manifest)
    # The manifest first: what is half removed is no bundle. Whoever has put it in use meanwhile gets it back.
    serving.delete([manifest])
    pointer, _ = _pointer(serving, source)
    if data is not None and pointer is not None and pointer.version == version:
        serving.write(manifest, data)
        return False
    serving.delete([file.key for file in files])
    if serving.is_local:
        with contextlib.suppress(OSError):
            shutil.rmtree(serving.local_path(f"{source}/{BUNDLES}/{version}"))
    return True


def _of_segments(warehouse: Warehouse) -> tuple[str, dt.date | None, int]:
    """The model that has given the shop's customers their segments, their snapshot, and the days that it covers."""
    [row] = warehouse.query(
        f"SELECT max(model_version) AS version, max(snapshot_date) AS snapshot_date FROM {CUSTOMER_SEGMENTS.name}"
    ).to_pylist()
    days = None
    if warehouse.exists(CUSTOMER_FEATURES):
        [found] = warehouse.query(f"SELECT max(window_days) AS days FROM {CUSTOMER_FEATURES.name}").to_pylist()
        days = found["days"]
    return row["version"] or NO_MODEL, row["snapshot_date"], days or WINDOW_DAYS


def _file(path: Path) -> File:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return File(digest.hexdigest(), path.stat().st_size)


def _store(serving: Store, source: str, manifest: Manifest, files: Mapping[str, Path]) -> Manifest:
    """Write the files of a version, unless it is there whole; return the manifest that is there then."""
    there = f"{source}/{key(manifest.version, MANIFEST)}"
    found = serving.read_if_exists(there)
    if found is not None:
        with contextlib.suppress(BadBundleError):
            stored = read_manifest(found, manifest.version, there)
            if all(_is_whole(serving, f"{source}/{key(stored.version, name)}", stored.files[name]) for name in FILES):
                return stored
    for name, path in files.items():
        with path.open("rb") as data, serving.writing(f"{source}/{key(manifest.version, name)}") as target:
            shutil.copyfileobj(data, target, _CHUNK)
    # Last: a version without a manifest is no version.
    serving.write(there, manifest.dumps())
    return manifest


def _is_whole(serving: Store, name: str, expected: File) -> bool:
    if not serving.exists(name):
        return False
    digest, size = hashlib.sha256(), 0
    with serving.open(name) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return File(digest.hexdigest(), size) == expected


def _put_in_use(serving: Store, source: str, version: str, now: dt.datetime) -> None:
    at = now.isoformat(timespec="seconds")
    for _ in range(_ATTEMPTS):
        pointer, tag = _pointer(serving, source)
        if pointer is not None and pointer.version == version:
            return
        moved = pointer.moved(version, at) if pointer else Pointer((Publication(version, at),))
        if serving.swap(f"{source}/{POINTER}", moved.dumps(), tag):
            return
    raise StorageBusyError(
        "Other processes keep publishing bundles at the same time. Materialize serving_bundle again."
    )


def _pointer(serving: Store, source: str) -> tuple[Pointer | None, str | None]:
    """The pointer and its tag. A damaged one is None: the next publication repairs it."""
    tagged = serving.read_tagged(f"{source}/{POINTER}")
    if tagged is None:
        return None, None
    with contextlib.suppress(BadBundleError):
        return read_pointer(tagged[0], serving.uri_of(f"{source}/{POINTER}")), tagged[1]
    return None, tagged[1]

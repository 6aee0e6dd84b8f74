"""Vacuum: delete what no manifest, pointer or table names any more, and say how many bytes that frees.

Everything here is safe beside a running pipeline. The lake loses what its own sweeps delete (`lake/sweep.py`), the
serving store what `exports/bundle` removes. Of models, nothing goes that was ever in use, that waits for a person, or
that a table or a bundle names. What is younger than a day stays: its writer may be at work.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retail_assets.errors import NotReadyError
from retail_assets.exports.bundle.publish import out_of_use
from retail_assets.exports.bundle.publish import remove as remove_bundle
from retail_assets.forecasting.lifecycle.issued import too_old_to_score
from retail_assets.lake.sweep import GRACE, left_over, left_over_references, sweep_references, unfinished
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST, KINDS
from retail_assets.models.store import ModelStore
from retail_assets.platform import Platform
from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.manifest import BUNDLES, MANIFEST, POINTER, read_manifest, read_pointer
from retail_assets.storage import Entry, Store
from retail_assets.tables import CUSTOMER_SEGMENTS, SALES_FORECAST

#: Versions of a model, and bundles, that stay whatever becomes of them: the newest ones.
KEEP = 5


@dataclass(frozen=True)
class Freed:
    """What was deleted, or would be, of one kind of files: how many objects and bytes, where, and which.

    `names` are the versions, or the keys of files that belong to none.
    """

    what: str
    where: str
    objects: int
    bytes: int
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields for programs."""
        return {**asdict(self), "names": list(self.names)}


def vacuum(platform: Platform, *, now: dt.datetime, keep: int = KEEP, dry_run: bool = False) -> list[Freed]:
    """Delete what is not needed any more of one source.

    Args:
        platform: the places of the source.
        now: the time, in UTC.
        keep: the newest versions of each kind of model, and the newest bundles, that stay in any case; at least 1.
        dry_run: find everything, delete nothing.

    Returns:
        One entry per kind of files, also where there is nothing to delete.

    Raises:
        ModelStoreError, BadBundleError: a pointer cannot be read, so nobody knows what it names. Nothing of its kind
            is deleted then; what was deleted before stays deleted.
        StorageError, WarehouseError: a store or the warehouse refuses.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, not {keep}")
    lake = platform.lake
    freed = [
        _files("files of ended runs", lake.store, left_over(lake, now), dry_run),
        _references(platform, now, dry_run),
    ]
    listed = {lake.store.uri_of(name) for each in freed for name in each.names}
    freed += [_unfinished(platform, now, listed, dry_run), _bundles(platform, now, keep, dry_run)]
    named = _versions_of_tables(platform) | _versions_of_bundles(platform, leave_out=set(freed[-1].names))
    for kind in KINDS.values():
        freed.append(_versions(platform.model_store(kind), named, now, keep, dry_run))
    models = platform.model_store(FORECAST)
    freed.append(_files("issued forecasts, scored long ago", models.store, too_old_to_score(models), dry_run))
    return freed


def _files(what: str, store: Store, entries: Sequence[Entry], dry_run: bool) -> Freed:
    if not dry_run:
        store.delete([entry.key for entry in entries])
    return _freed(what, store.uri, entries, [entry.key for entry in entries])


def _freed(what: str, where: str, entries: Sequence[Entry], names: Sequence[str]) -> Freed:
    return Freed(what, where, len(entries), sum(entry.size for entry in entries), tuple(sorted(names)))


def _references(platform: Platform, now: dt.datetime, dry_run: bool) -> Freed:
    entries = left_over_references(platform.lake, now)
    if not dry_run:
        swept = set(sweep_references(platform.lake, now))
        entries = [entry for entry in entries if entry.key in swept]
    store = platform.lake.store
    return _freed("copies of reference files", store.uri, entries, [entry.key for entry in entries])


def _unfinished(platform: Platform, now: dt.datetime, listed: Collection[str], dry_run: bool) -> Freed:
    """Temporary files of the other stores, whose writers were killed.

    A store may be around others, such as outputs in the folder of the home: what is `listed` already is not again.
    """
    source = platform.source
    places = [(platform.raw, source), (platform.serving, source), (platform.output, "")]
    places += [(platform.model_store(kind).store, f"{source}/{kind.name}") for kind in KINDS.values()]
    entries: dict[str, Entry] = {}
    for store, folder in places:
        found = {store.uri_of(entry.key): entry for entry in unfinished(store, folder, now)}
        new = {uri: entry for uri, entry in found.items() if uri not in listed and uri not in entries}
        if not dry_run:
            store.delete([entry.key for entry in new.values()])
        entries |= new
    return _freed("unfinished writes", str(platform.settings.home), list(entries.values()), list(entries))


def _bundles(platform: Platform, now: dt.datetime, keep: int, dry_run: bool) -> Freed:
    """Bundles that have been out of use for the days of the settings, but never the `keep` newest publications."""
    serving, source = platform.serving, platform.source
    old = out_of_use(serving, source, now=now, keep_days=platform.settings.serving_keep_days)
    newest: list[str] = []
    if old and (data := serving.read_if_exists(f"{source}/{POINTER}")) is not None:
        pointer = read_pointer(data, serving.uri_of(f"{source}/{POINTER}"))
        newest = list(dict.fromkeys(each.version for each in reversed(pointer.history)))[: keep + 1]
    entries, versions = [], []
    for version, files in sorted(old.items()):
        young = any(file.modified is None or file.modified >= (now - GRACE).timestamp() for file in files)
        if version in newest or young or not (dry_run or remove_bundle(serving, source, version, files)):
            continue
        entries += files
        versions.append(version)
    return _freed("bundles out of use", serving.uri, entries, versions)


def _versions(models: ModelStore, named: set[str], now: dt.datetime, keep: int, dry_run: bool) -> Freed:
    """Versions of one kind of model that nothing needs, and trainings that were cut short."""
    stays = _needed(models, keep) | named
    young = (now - GRACE).timestamp()
    entries, versions = [], []
    for version, files in sorted(models.files().items()):
        if version in stays or any(file.modified is None or file.modified >= young for file in files):
            continue
        if dry_run or models.remove(version):
            entries += files
            versions.append(version)
    return _freed(f"versions of the model of {models.kind.subject}", models.store.uri, entries, versions)


def _needed(models: ModelStore, keep: int) -> set[str]:
    """Versions that were ever in use (a person may want them back), the held one, damaged ones, and the newest."""
    champion = models.champion()
    waiting = promotion.held(models)
    names = {m.version for m in models.versions()[-keep:]} | set(models.damaged())
    names |= {champion.version, *(move.version for move in champion.history)} if champion else set()
    return names | ({waiting.version} if waiting else set())


def _versions_of_tables(platform: Platform) -> set[str]:
    """The versions that made the rows of the warehouse: the next bundle reads the segments' one."""
    versions: set[str] = set()
    for table in (CUSTOMER_SEGMENTS, SALES_FORECAST):
        try:
            rows = platform.warehouse.query(f"SELECT DISTINCT model_version AS version FROM {table.name}").to_pylist()
        except NotReadyError:
            continue
        versions |= {row["version"] for row in rows if row["version"]}
    return versions


def _versions_of_bundles(platform: Platform, leave_out: set[str]) -> set[str]:
    versions: set[str] = set()
    folder = f"{platform.source}/{BUNDLES}"
    for bundle in set(platform.serving.folders(folder)) - leave_out:
        key = f"{folder}/{bundle}/{MANIFEST}"
        if (data := platform.serving.read_if_exists(key)) is not None:
            with contextlib.suppress(
                BadBundleError
            ):  # of another version of the program; a bundle needs no model itself
                manifest = read_manifest(data, bundle, platform.serving.uri_of(key))
                versions |= {manifest.forecast_model, manifest.segment_model}
    return versions

"""Sweeping: deleting what killed or outdated runs left, and nothing that a reader may still need."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from retail_assets.errors import NotReadyError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, day_of
from retail_assets.storage import Entry, Store, part_files

#: Files that no manifest names are kept this long: a reader may still hold the old manifest, a writer may be running.
GRACE = dt.timedelta(days=1)
#: How many landings are swept with a run that are not its own.
_OTHERS_SWEPT = 3
_READS_AT_ONCE = 16
_UNNAMED = "unnamed.json"


def sweep(lake: Lake, landed_on: dt.date, now: dt.datetime) -> list[str]:
    """Delete what killed or outdated runs left of a partition. Returns the keys.

    A data file is deleted when no manifest names it, its run has written nothing for `GRACE`, and the manifest was
    published `GRACE` ago without naming it: until then a reader may hold the manifest before. So nothing is deleted
    right after publishing; a later sweep does it. Of a partition whose manifest cannot be read, nothing is deleted.
    Temporary files are deleted when they are older than `GRACE` and their writer is gone.
    """
    return _delete(lake.store, _left_over(lake, [landed_on], f"{lake.source}/clean/dt={landed_on.isoformat()}", now))


def sweep_around(lake: Lake, landings: Collection[dt.date], now: dt.datetime) -> list[str]:
    """Sweep the landings of a run and a few others in rotation, or all if the run has at least half of them.

    So the cost of a daily run does not grow with the history, and no leftover stays indefinitely. Returns the keys.
    """
    others = sorted(set(lake.days("clean")).difference(landings))
    if len(landings) >= len(others):
        return sweep_all(lake, now)
    turn = now.date().toordinal() * _OTHERS_SWEPT
    also = [others[(turn + i) % len(others)] for i in range(min(_OTHERS_SWEPT, len(others)))]
    return [key for day in (*landings, *also) for key in sweep(lake, day, now)]


def sweep_all(lake: Lake, now: dt.datetime) -> list[str]:
    """Sweep every partition, with one listing of the files. Returns the keys."""
    return _delete(lake.store, left_over(lake, now))


def left_over(lake: Lake, now: dt.datetime) -> list[Entry]:
    """Find what `sweep_all` deletes, and delete nothing."""
    folder = f"{lake.source}/clean"
    days = [d for d in map(day_of, lake.store.folders(folder)) if d is not None]
    return unfinished(lake.store, f"{lake.source}/raw", now) + _left_over(lake, days, folder, now)


def sweep_references(lake: Lake, now: dt.datetime) -> list[str]:
    """Delete copies of reference files that no raw manifest has named for `GRACE`. Returns the keys.

    When a copy was first seen without a manifest is kept beside the copies. If a manifest cannot be read, nothing is
    deleted. Costs one listing, and the raw manifests if there are copies older than `GRACE`.
    """
    swept = sweep_unfinished(lake.store, f"{lake.source}/references", now)
    due, since, before = _unnamed_references(lake, now)
    keys = _delete(lake.store, due)
    left = {key: moment.isoformat() for key, moment in since.items() if key not in keys}
    if left != {key: moment.isoformat() for key, moment in before.items()}:
        record = f"{lake.source}/references/{_UNNAMED}"
        lake.store.write(record, json.dumps(left, indent=1, sort_keys=True).encode())
    return keys + swept


def left_over_references(lake: Lake, now: dt.datetime) -> list[Entry]:
    """Find what `sweep_references` deletes, and delete and record nothing."""
    return _unnamed_references(lake, now)[0] + unfinished(lake.store, f"{lake.source}/references", now)


_Moments = dict[str, dt.datetime]


def _unnamed_references(lake: Lake, now: dt.datetime) -> tuple[list[Entry], _Moments, _Moments]:
    """Copies to delete, and when each unnamed copy was first seen: by this look, and by those before."""
    folder, oldest = f"{lake.source}/references", (now - GRACE).timestamp()
    entries = {e.key: e for e in lake.store.list(folder) if e.key.endswith(".parquet")}
    old = {key for key, e in entries.items() if e.modified is not None and e.modified < oldest}
    if not old:
        return [], {}, {}
    before = _unnamed_since(lake.store, f"{folder}/{_UNNAMED}")
    try:
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            manifests = list(pool.map(lake.raw_if_registered, lake.days("raw")))
    except StorageError:
        return [], before, before
    unnamed = old - {version.key for m in manifests if m is not None for version in m.references}
    since = {key: before.get(key, now) for key in unnamed}
    due = sorted(key for key, moment in since.items() if now - moment >= GRACE)
    # Whoever registers a landing with an old copy writes it again: such a copy is young by now.
    again = {e.key: e.modified for e in lake.store.list(folder)} if due else {}
    return [entries[key] for key in due if again.get(key) == entries[key].modified], since, before


def _unnamed_since(store: Store, record: str) -> dict[str, dt.datetime]:
    """Return when each copy was first seen without a manifest; none if the record cannot be read."""
    try:
        read = json.loads(store.read_if_exists(record) or b"{}")
        return {key: dt.datetime.fromisoformat(text).astimezone(dt.UTC) for key, text in read.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def sweep_unfinished(store: Store, folder: str, now: dt.datetime) -> list[str]:
    """Delete temporary files below a folder whose writers were killed more than `GRACE` ago. Returns the keys.

    A remote store has none: an upload appears whole or not at all.
    """
    return _delete(store, unfinished(store, folder, now))


def unfinished(store: Store, folder: str, now: dt.datetime) -> list[Entry]:
    """Find what `sweep_unfinished` deletes, and delete nothing. The folder `""` is the whole store."""
    if not store.is_local:
        return []
    root, before = Path(store.uri), (now - GRACE).timestamp()
    found = []
    for path in part_files.left_over(store.local_path(folder) if folder else root, before):
        with contextlib.suppress(FileNotFoundError):  # published or swept since
            about = path.stat()
            found.append(Entry(path.relative_to(root).as_posix(), about.st_size, about.st_mtime))
    return found


def _delete(store: Store, entries: list[Entry]) -> list[str]:
    keys = [entry.key for entry in entries]
    store.delete(keys)
    return keys


def _left_over(lake: Lake, days: list[dt.date], folder: str, now: dt.datetime) -> list[Entry]:
    # Manifests before the listing: one that the listing shows to be old is then certainly the one that was read.
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        named = dict(zip(days, pool.map(lambda day: _named(lake, day), days), strict=True))
    oldest = (now - GRACE).timestamp()
    files: dict[dt.date | None, list[Entry]] = {}
    young, running = set(), set()
    for entry in lake.store.list(folder):
        files.setdefault(day_of(entry.key.split("/")[2]), []).append(entry)
        if entry.modified is None or entry.modified >= oldest:
            young.add(entry.key)
            running.add(_run_of(entry.key))  # even a run of more than a day is not dead while it writes
    orphans: list[Entry] = []
    for day in days:
        still_named = named[day]
        if still_named is None or lake.manifest_key("clean", day) in young:
            continue
        data = [e for e in files.get(day, ()) if e.key.endswith(".parquet")]
        orphans += [e for e in data if _run_of(e.key) not in running and e.key not in still_named]
    return orphans + unfinished(lake.store, folder, now)


def _named(lake: Lake, landed_on: dt.date) -> set[str] | None:
    """Return the keys of the data files that the published manifest names.

    An empty set if there is no manifest, None if it cannot be read.
    """
    try:
        manifest = lake.clean(landed_on)
    except NotReadyError:
        return set()
    except StorageError:
        return None
    return {key for status in STATUSES for key in manifest.keys(status)}


def _run_of(key: str) -> str:
    """Return the run that wrote `<source>/clean/dt=…/<run>/<name>.parquet`; an empty string for any other key."""
    parts = key.split("/")
    return parts[3] if len(parts) == 5 else ""

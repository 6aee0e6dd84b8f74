"""The lake between the raw files and the warehouse: commit by manifest.

Writers put new files under a new run id and then publish one small manifest per landing partition. Nothing is
overwritten, and nothing is deleted before the new manifest stands, so a crash leaves the old state and a reader never
sees half of a new one. Not here: what is in the files (`cleaning/`), and loading them (`warehouse/`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from retail_assets.errors import NotReadyError, StorageBusyError, StorageError
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile, RawManifest, Status
from retail_assets.lake.profile import FileProfile
from retail_assets.storage import Entry, Store, part_files
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE

#: Files that no manifest names are kept this long: a reader may still hold the old manifest, a writer may be at work.
GRACE = dt.timedelta(days=1)
#: Of the landings that a run is not about, so many are swept with it.
_OTHERS_SWEPT = 3

_READS_AT_ONCE = 16
_PUBLISH_TRIES = 5
_PUBLISH_AGAIN = "Materialize raw_sales_files and clean_sales again for this landing."


class Lake:
    """Manifests and data files of one source in a store."""

    def __init__(self, store: Store, source: str) -> None:
        self.store = store
        self.source = source

    def publish_raw(self, manifest: RawManifest) -> str:
        """Publish what was found in a landing; returns the manifest's URI."""
        data = {
            "source": manifest.source,
            "landed_on": manifest.landed_on.isoformat(),
            "contract": manifest.contract,
            "digest": manifest.digest,
            "files": [f.to_json() for f in manifest.files],
        }
        return self._publish(self._key("raw", manifest.landed_on), data)

    def raw(self, landed_on: dt.date) -> RawManifest:
        """The published raw manifest. Raises NotReadyError when the partition has not been looked at."""
        data = self._read(self._key("raw", landed_on))
        if data is None:
            raise NotReadyError(
                f"{self.source}: the landing of {landed_on} has not been registered. "
                f"Materialize raw_sales_files for {landed_on} first."
            )
        with self._readable("raw", landed_on):
            files = tuple(FileProfile.from_json(f) for f in data["files"])
            return RawManifest(data["source"], dt.date.fromisoformat(data["landed_on"]), data["contract"], files)

    def raw_manifest_uri(self, landed_on: dt.date) -> str:
        """Where the raw manifest of a landing is, for messages."""
        return self.store.uri_of(self._key("raw", landed_on))

    def publish_clean(self, manifest: CleanManifest, replacing: CleanManifest | None = None) -> str:
        """Publish the result of cleaning a landing; returns the manifest's URI.

        Of two runs at once the one whose files are those registered last stands, whichever ends last; and with
        `replacing`, only that manifest is replaced. Raises StorageBusyError where another run was first.
        """
        key = self._key("clean", manifest.landed_on)
        data = _text(asdict(manifest) | {"landed_on": manifest.landed_on.isoformat()})
        for _ in range(_PUBLISH_TRIES):
            # The tag before what is compared: what changes after the comparison changes the tag.
            found = self.store.read_tagged(key)
            if replacing is not None:
                overtaken = found is None or self.clean(manifest.landed_on) != replacing
            else:
                raw = self._read(self._key("raw", manifest.landed_on))
                overtaken = raw is not None and raw.get("digest") != manifest.raw_digest
            if overtaken:
                break
            if self.store.swap(key, data, found[1] if found else None):
                return self.store.uri_of(key)
        raise StorageBusyError(
            f"{self.source}: another run has registered or cleaned the landing of {manifest.landed_on} meanwhile. "
            "Nothing of this run was published for it; run the same again."
        )

    def clean(self, landed_on: dt.date) -> CleanManifest:
        """The published clean manifest. Raises NotReadyError when the partition has not been cleaned."""
        data = self._read(self._key("clean", landed_on))
        if data is None:
            raise NotReadyError(
                f"{self.source}: the landing of {landed_on} has not been cleaned. "
                f"Materialize clean_sales for {landed_on} first."
            )
        with self._readable("clean", landed_on):
            files: dict[Status, tuple[LakeFile, ...]] = {
                status: tuple(LakeFile(**f) for f in data["files"].get(status, ())) for status in STATUSES
            }
            return CleanManifest(
                data["source"],
                dt.date.fromisoformat(data["landed_on"]),
                data["run_id"],
                data["contract"],
                data["raw_digest"],
                files,
                data["reasons"],
            )

    def cleaned(self, among: Collection[dt.date] | None = None) -> list[tuple[RawManifest, CleanManifest]]:
        """Raw and clean manifest of every landing (`among` some days) that has been cleaned, in order of the days."""
        days = self.landings("clean", among)
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:  # a remote store answers slowly, and many at once
            return list(zip(pool.map(self.raw, days), pool.map(self.clean, days), strict=True))

    def days(self, layer: Literal["raw", "clean"]) -> list[dt.date]:
        """Days that have a folder in a layer, in order; nearly always a published manifest, too. One listing."""
        return sorted(d for d in map(_day_of, self.store.folders(f"{self.source}/{layer}")) if d is not None)

    def landings(self, layer: Literal["raw", "clean"], among: Collection[dt.date] | None = None) -> list[dt.date]:
        """Days (`among` some) whose manifest is published in a layer, in order."""
        days = self.days(layer) if among is None else sorted(among)
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            published = pool.map(lambda day: self.store.exists(self._key(layer, day)), days)
            return sorted(day for day, is_there in zip(days, published, strict=True) if is_there)

    def data_key(self, landed_on: dt.date, run_id: str, name: str) -> str:
        """Key of a new data file; unreachable for readers until a manifest names it."""
        return f"{self.source}/clean/dt={landed_on.isoformat()}/{run_id}/{name}.parquet"

    def head(self, manifests: Iterable[CleanManifest], status: Status, rows: int = 5) -> pa.Table:
        """The first rows of the first file with this status, as a sample; no rows when there is none."""
        import pyarrow.parquet as pq

        table = SALES_QUARANTINE if status == "quarantine" else SALES_CLEAN
        for key in (key for m in manifests for key in m.keys(status)):
            with self.store.open(key) as handle:
                batch = next(pq.ParquetFile(handle).iter_batches(batch_size=rows), None)
                if batch is not None:
                    return pa.Table.from_batches([batch])
        return table.arrow_schema().empty_table()

    def sweep(self, landed_on: dt.date, now: dt.datetime) -> list[str]:
        """Delete what killed or outdated runs left of a partition; returns the keys.

        A data file goes when no manifest names it, its run has written nothing for `GRACE`, and the manifest has stood
        for `GRACE` without naming it: until then a reader may hold the manifest before. So nothing goes right after
        publishing; a later sweep takes it. Of a partition whose manifest cannot be read nothing goes. Temporary files
        go when they are older than `GRACE` and their writer is gone.
        """
        return self._swept([landed_on], f"{self.source}/clean/dt={landed_on.isoformat()}", now)

    def sweep_around(self, landings: Collection[dt.date], now: dt.datetime) -> list[str]:
        """`sweep` over the landings of a run, and over a few others in rotation; over all where it has half of them.

        So the cost of a daily run does not grow with the history, and nothing that nobody needs stays for good.
        """
        others = sorted(set(self.days("clean")).difference(landings))
        if len(landings) >= len(others):
            return self.sweep_all(now)
        turn = now.date().toordinal() * _OTHERS_SWEPT
        also = [others[(turn + i) % len(others)] for i in range(min(_OTHERS_SWEPT, len(others)))]
        return [key for day in (*landings, *also) for key in self.sweep(day, now)]

    def sweep_all(self, now: dt.datetime) -> list[str]:
        """`sweep` over every partition, with one listing of the files."""
        folder = f"{self.source}/clean"
        days = [d for d in map(_day_of, self.store.folders(folder)) if d is not None]
        return sweep_unfinished(self.store, f"{self.source}/raw", now) + self._swept(days, folder, now)

    def _swept(self, days: list[dt.date], folder: str, now: dt.datetime) -> list[str]:
        # Manifests before the listing: one that the listing shows to be old is then certainly the one that was read.
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            named = dict(zip(days, pool.map(self._named, days), strict=True))
        oldest = (now - GRACE).timestamp()
        files: dict[dt.date | None, list[Entry]] = {}
        young, at_work = set(), set()
        for entry in self.store.list(folder):
            files.setdefault(_day_of(entry.key.split("/")[2]), []).append(entry)
            if entry.modified is None or entry.modified >= oldest:
                young.add(entry.key)
                at_work.add(_run_of(entry.key))  # a run of more than a day is no dead one
        orphans = []
        for day in days:
            still_named = named[day]
            if still_named is None or self._key("clean", day) in young:
                continue
            data = [e.key for e in files.get(day, ()) if e.key.endswith(".parquet")]
            orphans += [key for key in data if _run_of(key) not in at_work and key not in still_named]
        self.store.delete(orphans)
        return orphans + sweep_unfinished(self.store, folder, now)

    def _named(self, landed_on: dt.date) -> set[str] | None:
        """Keys of the data files that the published manifest names; none where there is none; None if unreadable."""
        try:
            manifest = self.clean(landed_on)
        except NotReadyError:
            return set()
        except StorageError:
            return None
        return {key for status in STATUSES for key in manifest.keys(status)}

    def _key(self, layer: str, landed_on: dt.date) -> str:
        return f"{self.source}/{layer}/dt={landed_on.isoformat()}/manifest.json"

    def _publish(self, key: str, data: dict[str, Any]) -> str:
        self.store.write(key, _text(data))
        return self.store.uri_of(key)

    def _read(self, key: str) -> dict[str, Any] | None:
        data = self.store.read_if_exists(key)
        if data is None:
            return None
        try:
            read = json.loads(data)
            if isinstance(read, dict):
                return read
        except ValueError:
            pass
        raise StorageError(f"{self.store.uri_of(key)} is no manifest: it is damaged. {_PUBLISH_AGAIN}")

    @contextlib.contextmanager
    def _readable(self, layer: str, landed_on: dt.date) -> Iterator[None]:
        """Turn what a manifest of another version lacks or has too much into an error that says so."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            uri = self.store.uri_of(self._key(layer, landed_on))
            raise StorageError(f"{uri} was written by another version ({e}). {_PUBLISH_AGAIN}") from e


def _text(data: dict[str, Any]) -> bytes:
    return json.dumps(data, indent=1, sort_keys=True).encode()


def _day_of(folder: str) -> dt.date | None:
    """The day of `dt=YYYY-MM-DD`; None for a folder that is not ours."""
    try:
        return dt.date.fromisoformat(folder.removeprefix("dt=")) if folder.startswith("dt=") else None
    except ValueError:
        return None


def _run_of(key: str) -> str:
    """The run that wrote `<source>/clean/dt=…/<run>/<name>.parquet`; nothing for what no run wrote."""
    parts = key.split("/")
    return parts[3] if len(parts) == 5 else ""


def sweep_unfinished(store: Store, folder: str, now: dt.datetime) -> list[str]:
    """Delete temporary files below a folder that writers left when they were killed more than `GRACE` ago.

    A remote store has none: an upload appears whole or not at all.
    """
    if not store.is_local:
        return []
    root, before = Path(store.uri), (now - GRACE).timestamp()
    left = [p.relative_to(root).as_posix() for p in part_files.left_over(store.local_path(folder), before)]
    store.delete(left)
    return left

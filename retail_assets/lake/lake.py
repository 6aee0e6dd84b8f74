"""The lake between the raw files and the warehouse: commit by manifest.

Writers put new files under a new run id and then publish one small manifest per landing partition. Nothing is
overwritten, and nothing is deleted before the new manifest is published. So a crash leaves the old state, and a reader
never sees half of a new one. Not here: what is in the files (`cleaning/`), deleting old ones (`sweep.py`), and loading
them (`warehouse/`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from retail_assets.errors import DamagedError, NotReadyError, StorageBusyError
from retail_assets.lake.manifests import (
    MANIFEST,
    STATUSES,
    CleanEntry,
    CleanManifest,
    Erased,
    LakeFile,
    RawEntry,
    RawManifest,
    RawSummary,
    ReferenceVersion,
    Status,
    day_of,
    table_of,
)
from retail_assets.lake.profile import FileProfile
from retail_assets.lake.register import Register
from retail_assets.storage import Store
from retail_assets.storage.records import as_record
from retail_assets.storage.versions import read_version

if TYPE_CHECKING:
    import pyarrow as pa

_READS_AT_ONCE = 16
_PUBLISH_TRIES = 5
_PUBLISH_AGAIN = (
    "Materialize raw_sales_files and clean_sales again for this landing; if that is refused, delete the manifest first."
)


class Lake:
    """Manifests and data files of one source in a store."""

    def __init__(self, store: Store, source: str) -> None:
        self.store = store
        self.source = source
        self.raw_register = Register(store, source, "raw", RawEntry, self._raw_entry)
        self.clean_register = Register(store, source, "clean", CleanEntry, self._clean_entry)

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Write nothing for reading's sake either: the registers stay as they are."""
        registers = (self.raw_register, self.clean_register)
        for register in registers:
            register.recording = False
        try:
            yield
        finally:
            for register in registers:
                register.recording = True

    def publish_raw(self, manifest: RawManifest) -> str:
        """Publish the manifest of a landing's raw files. Returns its URI."""
        data: dict[str, Any] = {
            "source": manifest.source,
            "landed_on": manifest.landed_on.isoformat(),
            "contract": manifest.contract,
            "digest": manifest.digest,
            "files": [f.to_json() for f in manifest.files],
        }
        by = {"inspected_by": manifest.inspected_by, "looked_through_by": manifest.looked_through_by}
        data |= {name: code for name, code in by.items() if code}
        if manifest.references:
            data["references"] = [asdict(r) for r in manifest.references]
        if manifest.erasures:
            data |= {"erased": manifest.erased, "erasures": [asdict(e) for e in manifest.erasures]}
        return self._publish(self.manifest_key("raw", manifest.landed_on), data)

    def raw(self, landed_on: dt.date) -> RawManifest:
        """Return the published raw manifest. Raises NotReadyError if the landing has not been registered."""
        data = self._read(self.manifest_key("raw", landed_on))
        if data is None:
            raise NotReadyError(
                f"{self.source}: the landing of {landed_on} has not been registered. "
                f"Materialize raw_sales_files for {landed_on} first."
            )
        return self._as_raw(landed_on, data)

    def _as_raw(self, landed_on: dt.date, data: dict[str, Any]) -> RawManifest:
        with self._readable("raw", landed_on):
            files = tuple(FileProfile.from_json(f) for f in data["files"])
            for file in files:
                as_record(asdict(file), FileProfile)
            versions = (
                r | {"files": tuple((key, size) for key, size in r["files"])} for r in data.get("references", ())
            )
            references = tuple(ReferenceVersion(**r) for r in versions)
            landed_on = dt.date.fromisoformat(data["landed_on"])
            erasures = tuple(as_record(e, Erased) for e in data.get("erasures", ()))
            by = (str(data.get(name, "")) for name in ("inspected_by", "looked_through_by"))
            return RawManifest(data["source"], landed_on, data["contract"], files, references, erasures, *by)

    def registered(self, days: Iterable[dt.date]) -> list[RawManifest]:
        """Return the raw manifests of those of the days that have one."""
        return list(self.registered_by_day(list(days)).values())

    def registered_by_day(self, days: Sequence[dt.date]) -> dict[dt.date, RawManifest]:
        """Return the same by day."""
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            found = zip(days, pool.map(self.raw_if_registered, days), strict=True)
            return {day: manifest for day, manifest in found if manifest is not None}

    def latest_registered(self) -> RawManifest | None:
        """Return the raw manifest of the latest landing that has files; None if nothing has landed."""
        for day in reversed(self.days("raw")):
            landing = self.raw_if_registered(day)
            if landing is not None and landing.files:
                return landing
        return None

    def raw_if_registered(self, landed_on: dt.date) -> RawManifest | None:
        """Return the published raw manifest, or None if the landing has not been registered."""
        try:
            return self.raw(landed_on)
        except NotReadyError:  # a folder without a manifest
            return None

    def raw_manifest_uri(self, landed_on: dt.date) -> str:
        """Return the URI of a landing's raw manifest, for messages."""
        return self.store.uri_of(self.manifest_key("raw", landed_on))

    def publish_clean(self, manifest: CleanManifest, replacing: CleanManifest | None = None) -> str:
        """Publish the result of cleaning a landing. Returns the manifest's URI.

        Of two concurrent runs, the one that cleaned the files registered last wins, whichever ends last. With
        `replacing`, only that manifest is replaced. Raises StorageBusyError if another run was first.
        """
        key = self.manifest_key("clean", manifest.landed_on)
        data = _text(self.content(manifest))
        for _ in range(_PUBLISH_TRIES):
            # Read the tag before comparing: whatever changes after the comparison changes the tag.
            tagged = self.store.read_tagged(key)
            if replacing is not None:
                overtaken = tagged is None or self.clean(manifest.landed_on) != replacing
            else:
                raw = self._read(self.manifest_key("raw", manifest.landed_on))
                overtaken = raw is not None and raw.get("digest") != manifest.raw_digest
            if overtaken:
                break
            if self.store.swap(key, data, tagged[1] if tagged else None):
                return self.store.uri_of(key)
        raise StorageBusyError(
            f"{self.source}: meanwhile, another run has registered or cleaned the landing of {manifest.landed_on}. "
            "This run published nothing for it. Run the same again."
        )

    def clean(self, landed_on: dt.date) -> CleanManifest:
        """Return the published clean manifest. Raises NotReadyError if the landing has not been cleaned."""
        data = self._read(self.manifest_key("clean", landed_on))
        if data is None:
            raise NotReadyError(
                f"{self.source}: the landing of {landed_on} has not been cleaned. "
                f"Materialize clean_sales for {landed_on} first."
            )
        return self._as_clean(landed_on, data)

    @staticmethod
    def content(manifest: CleanManifest) -> dict[str, Any]:
        """Return what is stored of a clean manifest: JSON, which `as_clean` reads."""
        return asdict(manifest) | {"landed_on": manifest.landed_on.isoformat()}

    def as_clean(self, content: dict[str, Any]) -> CleanManifest:
        """Return the clean manifest of a content. Raises DamagedError where it is none."""
        return self._as_clean(dt.date.fromisoformat(content["landed_on"]), json.loads(_text(content)))

    def _as_clean(self, landed_on: dt.date, data: dict[str, Any]) -> CleanManifest:
        with self._readable("clean", landed_on):
            files: dict[Status, tuple[LakeFile, ...]] = {
                status: tuple(as_record(f, LakeFile) for f in data["files"].get(status, ())) for status in STATUSES
            }
            return CleanManifest(
                data["source"],
                dt.date.fromisoformat(data["landed_on"]),
                data["run_id"],
                data["contract"],
                data["raw_digest"],
                files,
                data["reasons"],
                data.get("notes", {}),
                data.get("currency", ""),
                data.get("exclusions", {}),
                data.get("row_rules", ""),
                data.get("erased", 0),
                data.get("erased_lines", 0),
            )

    def cleaned(self, among: Collection[dt.date] | None = None) -> list[tuple[RawManifest, CleanManifest]]:
        """Return raw and clean manifest of every cleaned landing, or of those `among` some days, in order."""
        landings = self.clean_landings(among)
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            return list(zip(pool.map(self.raw, [m.landed_on for m in landings]), landings, strict=True))

    def cleaned_summaries(self) -> list[tuple[RawSummary, CleanManifest]]:
        """Return what the registers have of every cleaned landing, in order, as its manifests are now."""
        cleaned = self.clean_register.published()
        registered = self.raw_register.published()
        found = []
        for day, landing in cleaned.items():
            raw = registered[day].entry.summary if day in registered else self._summary_if_registered(day)
            if raw is not None:  # somebody has deleted it, so that the landing is registered as it is now
                found.append((raw, landing.entry.manifest))
        return found

    def _summary_if_registered(self, landed_on: dt.date) -> RawSummary | None:
        raw = self.raw_if_registered(landed_on)
        return None if raw is None else raw.summary()

    def clean_landings(self, among: Collection[dt.date] | None = None) -> list[CleanManifest]:
        """Return the clean manifest of every cleaned landing, or of those `among` some days, in order.

        Those of all landings come from the register, as they are now.
        """
        if among is None:
            return [landing.entry.manifest for landing in self.clean_register.published().values()]
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:  # a remote store answers slowly, but many requests at once
            return [m for m in pool.map(self._clean_if_published, sorted(among)) if m is not None]

    def _raw_entry(self, landed_on: dt.date) -> RawEntry | None:
        found = read_version(self.store, key := self.manifest_key("raw", landed_on))
        return found and RawEntry(found[1], self._as_raw(landed_on, self._parsed(key, found[0])).summary())

    def _clean_entry(self, landed_on: dt.date) -> CleanEntry | None:
        found = read_version(self.store, key := self.manifest_key("clean", landed_on))
        return found and CleanEntry(found[1], self._as_clean(landed_on, self._parsed(key, found[0])))

    def _clean_if_published(self, landed_on: dt.date) -> CleanManifest | None:
        try:
            return self.clean(landed_on)
        except NotReadyError:  # a folder without a manifest
            return None

    def days(self, layer: Literal["raw", "clean"], since: dt.date | None = None) -> list[dt.date]:
        """Return the days (from `since` on) that have a folder in a layer, in order; nearly always also a manifest.

        Costs one listing; S3 lists a thousand folders per request.
        """
        names = self.store.folders(f"{self.source}/{layer}", f"dt={since}" if since else "")
        return sorted(d for d in map(day_of, names) if d is not None)

    def known_days(self, layer: Literal["raw", "clean"]) -> list[dt.date]:
        """Return the days of the register, or without one of the folders: nearly all landings, in one request.

        For what need not be exact, or is read from the manifest afterwards.
        """
        register = self.raw_register if layer == "raw" else self.clean_register
        return register.known_days() or self.days(layer)

    def landings(self, layer: Literal["raw", "clean"], among: Collection[dt.date] | None = None) -> list[dt.date]:
        """Return the days (or those `among` some) with a published manifest in a layer, in order."""
        days = self.days(layer) if among is None else sorted(among)
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            published = pool.map(lambda day: self.store.exists(self.manifest_key(layer, day)), days)
            return sorted(day for day, is_there in zip(days, published, strict=True) if is_there)

    def data_key(self, landed_on: dt.date, run_id: str, name: str) -> str:
        """Return the key of a new data file. Readers cannot reach it until a manifest names it."""
        return f"{self.source}/clean/dt={landed_on.isoformat()}/{run_id}/{name}.parquet"

    def head(self, manifests: Iterable[CleanManifest], status: Status, rows: int = 5) -> pa.Table:
        """Return the first rows of the first file with this status, as a sample; no rows if there is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = table_of(status)
        for key in (key for m in manifests for key in m.keys(status)):
            with self.store.open(key) as handle:
                batch = next(pq.ParquetFile(handle).iter_batches(batch_size=rows), None)
                if batch is not None:
                    return pa.Table.from_batches([batch])
        return table.arrow_schema().empty_table()

    def manifest_key(self, layer: Literal["raw", "clean"], landed_on: dt.date) -> str:
        """Return the key of a landing's manifest in a layer, whether it has been published or not."""
        return f"{self.source}/{layer}/dt={landed_on.isoformat()}/{MANIFEST}"

    def _publish(self, key: str, data: dict[str, Any]) -> str:
        self.store.write(key, _text(data))
        return self.store.uri_of(key)

    def _read(self, key: str) -> dict[str, Any] | None:
        data = self.store.read_if_exists(key)
        return None if data is None else self._parsed(key, data)

    def _parsed(self, key: str, data: bytes) -> dict[str, Any]:
        try:
            read = json.loads(data)
            if isinstance(read, dict):
                return read
        except (ValueError, RecursionError):
            pass
        raise DamagedError(f"{self.store.uri_of(key)} is not a manifest: it is damaged. {_PUBLISH_AGAIN}")

    @contextlib.contextmanager
    def _readable(self, layer: Literal["raw", "clean"], landed_on: dt.date) -> Iterator[None]:
        """Turn missing or unexpected keys, as in a manifest of another version, into an error that says so."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            uri = self.store.uri_of(self.manifest_key(layer, landed_on))
            raise DamagedError(f"{uri} was written by another version ({e}). {_PUBLISH_AGAIN}") from e


def _text(data: dict[str, Any]) -> bytes:
    return json.dumps(data, indent=1, sort_keys=True).encode()

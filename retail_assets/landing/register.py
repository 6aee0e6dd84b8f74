"""Registering a landing: every file of a partition, inspected, in the raw manifest that cleaning reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import priced_by
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import Erased, RawManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.inspection.inspector import inspector
from retail_assets.landing.inspection.joined_source import References
from retail_assets.landing.inspection.together import batches, inspect_together
from retail_assets.landing.land import sha256_of
from retail_assets.landing.overlooked import refuse_unreadable
from retail_assets.landing.partitions import is_data, partition_folder, partition_of
from retail_assets.landing.references import LandedReferences, register_references
from retail_assets.landing.schema_drift import SchemaDrift, refuse_schema_drift, refuses_schema_drift, schema_drift_of
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Entry, Store

_AT_ONCE = 4
_READS_AT_ONCE = 16


def inspect_landings(
    store: Store,
    source: str,
    days: list[dt.date],
    contract: Contract,
    landed: LandedReferences | None = None,
    known: Mapping[str, FileProfile] | None = None,
) -> list[RawManifest]:
    """Inspect the files of landings. Returns one raw manifest per day, with its files in the order of their keys.

    A file that is the same as in `known`, by its key, is not inspected again. Without the `landed` references there are
    no totals of money that depends on one. Raises LandingError for the first file (by day and key) that cannot be read
    as the contract says, and for what is not a file.
    """
    refuse_unreadable(store, source, days)
    listed = [(day, [e for e in store.list(partition_folder(source, day)) if is_data(e.key)]) for day in days]
    prices = {day: landed.prices(day) if landed and entries else None for day, entries in listed}
    inspected = _unchanged(store, [entry for _, entries in listed for entry in entries], known or {})
    inspected |= _together(store, listed, contract, inspected)
    # Hashing and the control totals' parser release the interpreter lock, so threads share the cores.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [
            (day, [pool.submit(_inspected, store, entry, contract, day, prices[day], inspected) for entry in entries])
            for day, entries in listed
        ]
        try:
            return [
                RawManifest(
                    source,
                    day,
                    contract.digest,
                    tuple(job.result() for job in submitted),
                    inspected_by=inspector(),
                )
                for day, submitted in jobs
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # the first error is the answer, so stop reading
            raise


def _unchanged(store: Store, entries: Sequence[Entry], known: Mapping[str, FileProfile]) -> dict[str, FileProfile]:
    """Return those of the known files that are still the ones that were inspected."""
    asked = [(entry, known[entry.key]) for entry in entries if entry.key in known]
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:  # a remote store answers slowly, but many requests at once
        same = pool.map(lambda file: is_unchanged(store, *file), asked)
        return {entry.key: profile for (entry, profile), is_same in zip(asked, same, strict=True) if is_same}


def _together(
    store: Store,
    listed: Sequence[tuple[dt.date, list[Entry]]],
    contract: Contract,
    inspected: Mapping[str, FileProfile],
) -> dict[str, FileProfile]:
    """Inspect the small objects of a stream among the files that are not inspected yet, as far as they agree."""
    waiting = [
        (batch, day)
        for day, entries in listed
        for batch in batches([entry for entry in entries if entry.key not in inspected], contract)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda each: inspect_together(store, each[0], contract, each[1]), waiting)
        return {key: profile for profiles in found for key, profile in profiles.items()}


def _inspected(
    store: Store,
    entry: Entry,
    contract: Contract,
    landed_on: dt.date,
    references: References | None,
    inspected: Mapping[str, FileProfile],
) -> FileProfile:
    return inspected.get(entry.key) or inspect_file(store, entry, contract, landed_on, references)


def is_unchanged(store: Store, entry: Entry, profile: FileProfile) -> bool:
    """Return whether a file is still the one that was inspected. It is read if its size is the same."""
    return profile.size == entry.size and sha256_of(store, entry.key) == profile.sha256


def is_rewritten(store: Store, lake: Lake, key: str) -> bool:
    """Return whether a landed file is as it was registered after customers were erased from it."""
    day = partition_of(key)
    manifest = lake.raw_if_registered(day) if day else None
    hashes = {e.sha256 for e in manifest.erasures if e.key == key} if manifest else set()
    return bool(hashes) and sha256_of(store, key) in hashes


@dataclass(frozen=True)
class Registered:
    """Landings whose manifests are published: `uris` of the manifests, and the schema drift of each landing."""

    manifests: tuple[RawManifest, ...]
    drifts: tuple[SchemaDrift, ...]
    uris: tuple[str, ...]


class Without(Protocol):
    """Takes erased customers out of the files of a landing; returns the files that are left, and what is gone of each.

    `version` changes with whom it takes out, and with how it looks for them. It is called with the keys of those files
    that one of the same version has looked through.
    """

    @property
    def version(self) -> str: ...

    def __call__(
        self, landed_on: dt.date, profiles: Sequence[FileProfile], looked_through: Collection[str]
    ) -> tuple[list[FileProfile], list[Erased]]: ...


def register_landings(
    raw: Store, lake: Lake, days: list[dt.date], contract: Contract, without: Without | None = None
) -> Registered:
    """Inspect the landings of some days and publish their manifests once all have passed.

    `without` rewrites files that hold erased customers (`erasure/registration.py`). What was erased of a file before
    stays recorded as long as the file is the same, or gone because nothing was left of it.

    Raises LandingError if a file cannot be read as the contract says, if a registered file is gone, or if the contract
    refuses the schema drift.
    """
    landed = LandedReferences(raw, lake.source, contract)
    registered = lake.registered_by_day(days)
    known = {f.key: f for m in registered.values() for f in _known_files(m, contract)}
    manifests = inspect_landings(raw, lake.source, days, contract, landed if contract.references else None, known)
    refuse_vanished(lake, manifests, registered)
    manifests = [_without(m, registered.get(m.landed_on), without) for m in manifests]
    drifts = schema_drift_of(lake, manifests, contract)
    refuse_schema_drift(lake, manifests, drifts, contract)
    if contract.references and any(m.files for m in manifests):
        manifests = [
            replace(m, references=register_references(landed, lake, contract, m.landed_on)) if m.files else m
            for m in manifests
        ]
    return Registered(tuple(manifests), tuple(drifts), tuple(lake.publish_raw(m) for m in manifests))


def _known_files(manifest: RawManifest, contract: Contract) -> Iterator[FileProfile]:
    """Yield the files of a manifest that are not inspected again while their bytes are the same.

    Those without rows that were erased: these may have been all that proved how the dates are written. And those of a
    stream, of which a landing has thousands, and each of its runs a few new ones; unless they were inspected by other
    code, or have prices from a reference file, which may be another one now.
    """
    if manifest.contract != contract.digest:
        return
    rewritten = {(e.key, e.sha256) for e in manifest.erasures}
    same = manifest.inspected_by == inspector() and not priced_by(contract.references, contract.columns)
    for file in manifest.files:
        if (same and offsets_of(file.key) is not None) or (file.key, file.sha256) in rewritten:
            yield file


def _without(manifest: RawManifest, before: RawManifest | None, without: Without | None) -> RawManifest:
    """Take erased customers out of the files of a landing, and keep what was erased of them before."""
    present = {f.key: f.sha256 for f in manifest.files}
    erasures = {e.key: e for e in (before.erasures if before else ()) if present.get(e.key, "") == e.sha256}
    if without is None or not manifest.files:
        return replace(manifest, erasures=tuple(erasures.values()))
    looked: set[str] = set()
    if before and (before.looked_through_by, before.contract) == (without.version, manifest.contract):
        looked = {f.key for f in before.files if present.get(f.key) == f.sha256}
    files, more = without(manifest.landed_on, manifest.files, looked)
    for each in more:
        had = erasures.get(each.key)
        both = replace(each, rows=each.rows + had.rows, lines=each.lines + had.lines) if had else each
        erasures[each.key] = both
    return replace(
        manifest,
        files=tuple(files),
        erasures=tuple(erasures[key] for key in sorted(erasures)),
        looked_through_by=without.version,
    )


def refuse_vanished(
    lake: Lake, manifests: Sequence[RawManifest], registered: Mapping[dt.date, RawManifest] | None = None
) -> None:
    """Refuse landings that lack a file which was registered before, so that no sales disappear unnoticed.

    `registered` are the manifests of before; without them they are read.

    Raises LandingError with the names of the files, and what to do if they were withdrawn on purpose.
    """
    if registered is None:
        registered = lake.registered_by_day([m.landed_on for m in manifests])
    for manifest in manifests:
        before = registered.get(manifest.landed_on)
        present = {f.key for f in manifest.files}
        if gone := [f for f in (before.files if before else ()) if f.key not in present]:
            named = ", ".join(f"{f.key} ({f.lines:,} lines)" for f in gone[:5]) + (", …" if len(gone) > 5 else "")
            withdrawn = lake.raw_manifest_uri(manifest.landed_on)
            raise LandingError(
                f"Registered before, but no longer in the raw store: {named}. Nothing was changed. Restore the file. "
                f"If it was withdrawn on purpose, delete {withdrawn} and run the same again."
            )


def refuse_schema_drift_before_landing(
    lake: Lake, landed_on: dt.date, profiles: Sequence[FileProfile], contract: Contract
) -> None:
    """Raise LandingError if the contract refuses how these files differ from the landing before."""
    if not refuses_schema_drift(contract):
        return
    landing = RawManifest(lake.source, landed_on, contract.digest, tuple(profiles))
    refuse_schema_drift(lake, [landing], schema_drift_of(lake, [landing], contract), contract)


def check_before_landing(path: Path, contract: Contract, landed_on: dt.date | None = None) -> FileProfile:
    """Inspect a local file as it will be after landing (on `landed_on`), so that an unreadable file does not land.

    Raises LandingError with the file's own name in the message.
    """
    folder = Store(str(path.absolute().parent))
    return inspect_file(folder, Entry(path.name, path.stat().st_size, None), contract, landed_on)

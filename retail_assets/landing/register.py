"""Registering a landing: every file of one partition, inspected, as the manifest that cleaning reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.drift import drift_of, refuse_drift, refuses_anything
from retail_assets.landing.inspect import inspect_file
from retail_assets.landing.land import partition_folder
from retail_assets.storage import Entry, Store

_AT_ONCE = 4


def register_landings(store: Store, source: str, days: list[dt.date], contract: Contract) -> list[RawManifest]:
    """One manifest a day, its files in the order of their keys; a day without files has none.

    Raises LandingError for the first file (by day and key) that cannot be read as the contract says.
    """
    listed = [(day, _visible(store.list(partition_folder(source, day)))) for day in days]
    # Hashing and the control totals' parser release the interpreter lock, so threads share the cores.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [
            (day, [pool.submit(inspect_file, store, entry, contract) for entry in entries]) for day, entries in listed
        ]
        try:
            return [
                RawManifest(source, day, contract.digest, tuple(job.result() for job in submitted))
                for day, submitted in jobs
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # the first error is the answer: do not read on
            raise


def _visible(entries: list[Entry]) -> list[Entry]:
    """Without what engines write beside their data: `_SUCCESS`, `_committed_…`, `_delta_log/…`."""
    return [e for e in entries if not any(part.startswith("_") for part in e.key.split("/")[2:])]


def refuse_vanished(lake: Lake, manifests: Sequence[RawManifest]) -> None:
    """Refuse landings that lack a file which was registered before: a lost file must not take its sales along unseen.

    Raises LandingError naming the files, and what to do where they were withdrawn on purpose.
    """
    known = set(lake.landings("raw"))
    for manifest in manifests:
        if manifest.landed_on not in known:
            continue
        there = {f.key for f in manifest.files}
        if gone := [f for f in lake.raw(manifest.landed_on).files if f.key not in there]:
            named = ", ".join(f"{f.key} ({f.lines:,} lines)" for f in gone[:5]) + (", …" if len(gone) > 5 else "")
            withdrawn = lake.raw_manifest_uri(manifest.landed_on)
            raise LandingError(
                f"Registered before and gone from the raw store: {named}. Nothing was changed. Restore the file; or, "
                f"if it was withdrawn on purpose, delete {withdrawn} and run the same again."
            )


def refuse_drift_before_landing(
    lake: Lake, landed_on: dt.date, profiles: Sequence[FileProfile], contract: Contract
) -> None:
    """Raise LandingError where the contract refuses what is other in these files than in the landing before."""
    if not refuses_anything(contract):
        return
    landing = RawManifest(lake.source, landed_on, contract.digest, tuple(profiles))
    refuse_drift(lake, [landing], drift_of(lake, [landing], contract), contract)


def check_before_landing(path: Path, contract: Contract) -> FileProfile:
    """Inspect a local file as it will be after landing, so that what cannot be read is refused before it lands.

    Raises LandingError, with the file's own name in the message.
    """
    folder = Store(str(path.absolute().parent))
    return inspect_file(folder, Entry(path.name, path.stat().st_size, None), contract)

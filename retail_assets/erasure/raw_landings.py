"""Erasing rows from landed files: each is rewritten, and its landing's raw manifest says how many rows are gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from retail_assets.contracts.model import Contract
from retail_assets.erasure.control import control_without
from retail_assets.erasure.journal import PlannedFile
from retail_assets.erasure.person import Rows
from retail_assets.erasure.raw_files import rewrite
from retail_assets.erasure.replaced_files import is_replaced
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import Erased, RawManifest
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.references import LandedReferences
from retail_assets.storage import Entry, Store


def erase_from_landings(raw: Store, lake: Lake, contract: Contract, files: Sequence[PlannedFile]) -> None:
    """Rewrite the planned files, and publish the raw manifests that name them. Repeating it changes nothing more."""
    by_day: dict[str, list[PlannedFile]] = {}
    for file in files:
        by_day.setdefault(file.landed_on, []).append(file)
    for day, of_day in sorted(by_day.items()):
        manifest = lake.raw_if_registered(dt.date.fromisoformat(day)) if day else None
        if manifest is None:
            for file in of_day:
                _rewrite_unregistered(raw, contract, file)
        else:
            _erase_from(raw, lake, contract, manifest, of_day)


def _erase_from(
    raw: Store, lake: Lake, contract: Contract, manifest: RawManifest, files: Sequence[PlannedFile]
) -> None:
    planned = {file.key: file for file in files}
    profiles: list[FileProfile | None] = []
    erasures = {e.key: e for e in manifest.erasures}
    references = LandedReferences(raw, lake.source, contract) if contract.references else None
    changed = False
    for profile in manifest.files:
        file = planned.get(profile.key)
        if file is None or profile.sha256 != file.sha256 or is_replaced(raw, profile, contract, file):
            profiles.append(profile)  # another file, or one that is done
            continue
        changed = True
        new = erased_from(raw, contract, manifest.landed_on, profile, file.rows, references, manifest.contract)
        profiles.append(new)
        erasures[profile.key] = with_more(erasures.get(profile.key), profile.key, file.rows, new)
    if changed:
        left = tuple(p for p in profiles if p is not None)
        gone = tuple(erasures[key] for key in sorted(erasures))
        # The file last: while the manifest still has the old hash, a run that is cut short begins here again.
        lake.publish_raw(replace(manifest, files=left, erasures=gone))


def erased_from(
    raw: Store,
    contract: Contract,
    landed_on: dt.date,
    profile: FileProfile,
    rows: Rows,
    references: LandedReferences | None,
    registered_by: str,
) -> FileProfile | None:
    """Take rows out of a landed file. Returns its new profile; None if nothing else was in it, and it is gone."""
    left = profile.lines - sum(rows.lines)
    if left <= 0:
        raw.delete([profile.key])
        return None
    same_contract = registered_by == contract.digest
    control = control_without(raw, profile, contract, landed_on, rows.every_line()) if same_contract else None
    digest, size = rewrite(raw, profile, rows.every_line())
    new = replace(profile, sha256=digest, size=size, lines=left, unpacked=max(size, profile.unpacked))
    if control is not None:
        return replace(new, control=control)
    if not same_contract:
        return replace(new, control=Control(note="not taken: erased under another contract than registered it"))
    prices = references.prices(landed_on) if references else None
    try:
        seen = inspect_file(raw, Entry(profile.key, size, None), contract, landed_on, prices)
    except LandingError as e:  # such as dates whose order only the erased rows proved
        return replace(new, control=Control(note=f"not taken: {str(e)[:200]}"))
    if seen.lines != left:
        raise LandingError(
            f"{profile.key} would have {seen.lines} lines after erasing, and not {left}. Its manifest is unchanged: "
            "materialize raw_sales_files and clean_sales again for its landing, and report this as a bug."
        )
    return replace(seen, date_order=profile.date_order)


def with_more(before: Erased | None, key: str, rows: Rows, new: FileProfile | None) -> Erased:
    """Add rows to what was erased of a file before."""
    had = (before.rows, before.lines) if before else (0, 0)
    return Erased(key, had[0] + len(rows.line), had[1] + sum(rows.lines), new.sha256 if new else "")


def _rewrite_unregistered(raw: Store, contract: Contract, file: PlannedFile) -> None:
    """Rewrite a file that no manifest has. Registering it later counts what is in it then."""
    entries = [e for e in raw.list(file.key.rpartition("/")[0]) if e.key == file.key]
    if not entries:
        return
    day = dt.date.fromisoformat(file.landed_on) if file.landed_on else None
    try:
        profile = inspect_file(raw, entries[0], contract, day)
    except LandingError:  # all of its rows are gone already
        return
    if sum(file.rows.lines) >= profile.lines and profile.sha256 == file.sha256:
        raw.delete([file.key])
    elif not is_replaced(raw, profile, contract, file):
        rewrite(raw, profile, file.rows.every_line())


def lines_by_place(files: Iterable[PlannedFile]) -> dict[tuple[str, int], int]:
    """Return how many physical lines each planned row has, by its file and line, as lake and warehouse know them."""
    return {
        (file.key, line): lines
        for file in files
        if not file.replaced
        for line, lines in zip(file.rows.line, file.rows.lines, strict=True)
    }

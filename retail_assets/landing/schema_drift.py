"""Schema drift: files of a landing that have another shape than those of the landing before, and if that is allowed.

Drift is always shown; the contract decides whether it also warns or stops the landing. Not here: what counts as a
change (`schema_changes.py`).
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.landing.replacement import use_instead
from retail_assets.landing.schema_changes import SchemaChange, compare
from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording.formats import plural

_SHOWN = 20
#: The landing before is looked for among so many days; only then among all.
_NEAR = dt.timedelta(days=90)
_CELL = 60


@dataclass(frozen=True)
class SchemaDrift:
    """The changes of a landing since `earlier`, the last landing before it that has files (None if there is none)."""

    landed_on: dt.date
    earlier: dt.date | None
    changes: tuple[SchemaChange, ...] = ()

    @property
    def unwelcome(self) -> tuple[SchemaChange, ...]:
        """The changes that the contract does not simply accept."""
        return tuple(c for c in self.changes if c.verdict != "accept")

    def sentences(self) -> list[str]:
        """Return one sentence per unwelcome change, however many files have it."""
        return [f"{self.landed_on} since {self.earlier}: {c} in {files}." for c, files in _each_once(self.unwelcome)]


def _each_once(changes: Sequence[SchemaChange]) -> list[tuple[SchemaChange, str]]:
    """Return each change once, of the first file that has it, with the name of that file and how many others."""
    having: dict[tuple[str, ...], list[SchemaChange]] = {}
    for change in changes:
        having.setdefault((change.rule, change.what, change.before, change.after), []).append(change)
    return [
        (first, first.file.rsplit("/", 1)[-1] + (f" and {plural(len(others), 'other file')}" if others else ""))
        for first, *others in having.values()
    ]


def schema_drift_of(lake: Lake, landings: Sequence[RawManifest], contract: Contract) -> list[SchemaDrift]:
    """Compare each landing that has files with the last one before it that has, in order of the days.

    A landing among `landings` takes precedence over its published manifest. Costs one listing of the folders of some
    days before, and usually one manifest, however long the history is.
    """
    given: dict[dt.date, RawManifest | None] = {m.landed_on: m for m in landings}
    having_files = sorted((m for m in landings if m.files), key=lambda m: m.landed_on)
    if not having_files:
        return []

    def known(day: dt.date) -> RawManifest | None:
        if day not in given:
            given[day] = lake.raw_if_registered(day)
        return given[day]

    def last_before(landing: RawManifest, days: list[dt.date]) -> RawManifest | None:
        before = reversed(days[: bisect.bisect_left(days, landing.landed_on)])
        return next((m for m in map(known, before) if m is not None and m.files), None)

    near = sorted({*lake.days("raw", since=having_files[0].landed_on - _NEAR), *given})
    all_days: list[dt.date] = []
    drifts = []
    for landing in having_files:
        earlier = last_before(landing, near)
        if earlier is None:
            all_days = all_days or sorted({*lake.days("raw"), *given})
            earlier = last_before(landing, all_days)
        if earlier is None:
            drifts.append(SchemaDrift(landing.landed_on, None))
            continue
        changes = [c for file in landing.files for c in compare(file, earlier.files, contract)]
        drifts.append(SchemaDrift(landing.landed_on, earlier.landed_on, tuple(changes)))
    return drifts


def refuses_schema_drift(contract: Contract) -> bool:
    """Return whether the contract refuses any kind of change."""
    return "refuse" in contract.drift.model_dump().values()


def refuse_schema_drift(
    lake: Lake, landings: Sequence[RawManifest], drifts: Sequence[SchemaDrift], contract: Contract
) -> None:
    """Raise LandingError for changes that the contract refuses.

    A file whose bytes are already registered for its day can always be materialized again.
    """
    if not refuses_schema_drift(contract):
        return
    by_day = {m.landed_on: m for m in landings}
    for drift in drifts:
        landing = by_day[drift.landed_on]
        refused = [c for c in drift.changes if c.verdict == "refuse"]
        if refused:
            known = {f.sha256 for m in lake.registered([landing.landed_on]) for f in m.files}
            new = {f.key for f in landing.files if f.sha256 not in known}
            refused = [c for c in refused if c.file in new]
        if refused:
            lines = [f"  {c.file}: {c}. {c.advice} (drift.{c.rule}: refuse)" for c in refused[:_SHOWN]]
            if len(refused) > _SHOWN:
                lines.append(f"  and {len(refused) - _SHOWN:,} more")
            listed = "\n".join(lines)
            files = list(dict.fromkeys(c.file for c in refused))[:_SHOWN]
            right = " ".join(dict.fromkeys(use_instead(file, "the right file") for file in files))
            raise LandingError(
                f"Schema drift: the files of {drift.landed_on} differ from those of {drift.earlier}, and contract "
                f"{contract.name!r} refuses that. Nothing was changed.\n{listed}\n"
                f"  If the change is an error, remove the file or have it corrected. {right}\n"
                "  If it is intended, change the contract as described, or set the rule to `warn`. Then run the same "
                "again."
            )


def schema_drift_as_markdown(drifts: Sequence[SchemaDrift]) -> str:
    """Return the changes of some landings as a small Markdown table, or a sentence if there are none."""
    rows = [(d, c, files) for d in drifts for c, files in _each_once(d.changes)]
    alone = [d for d in drifts if d.earlier is None]
    lines = []
    if alone:
        lines.append(f"Nothing landed before {alone[0].landed_on}: no landing to compare with.")
    if rows:
        lines.append(
            "| landing | since | file | what | before | now | contract |\n| --- | --- | --- | --- | --- | --- | --- |"
        )
        lines[-1] += "".join(
            f"\n| {d.landed_on} | {d.earlier} | "
            + " | ".join(as_cell(text, _CELL) for text in (files, c.what, c.before, c.after, f"{c.rule}: {c.verdict}"))
            + " |"
            for d, c, files in rows[:_SHOWN]
        )
        if len(rows) > _SHOWN:
            lines.append(f"and {len(rows) - _SHOWN:,} more")
    elif len(alone) < len(drifts):
        lines.append("The same shape as before.")
    return "\n\n".join(lines) or "No files."

"""Schema drift: what about the files of a landing is other than in the landing before, and whether that is allowed.

Compared are the profiles that were taken when files were registered; no file is read again. The contract's `drift`
decides what a change means. Not here: columns that a file must have (`contracts/headers.py`).
"""

from __future__ import annotations

import bisect
import datetime as dt
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retail_assets.contracts.model import Contract, Verdict, normalise
from retail_assets.errors import LandingError, NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.lake.profile import FileProfile

Rule = Literal["new_columns", "missing_columns", "renamed_columns", "column_order", "file_format"]

_SHOWN = 20
_CELL = 60
_SEPARATORS = {"\t": "tab"}
_LINE_ENDS = {"lf": "line feed", "cr": "carriage return"}
_ORDERS = {"dmy": "day first", "mdy": "month first", None: "no numeric dates"}


@dataclass(frozen=True)
class Change:
    """One thing that is other in a file: `rule` is the contract's key that decides on it, `verdict` its decision."""

    file: str
    rule: Rule
    what: str
    before: str
    after: str
    verdict: Verdict
    advice: str = ""

    def __str__(self) -> str:
        if self.before and self.after:
            return f"{self.what}: {self.before!r}, now {self.after!r}"
        return f"{self.what} {self.before or self.after!r}"


@dataclass(frozen=True)
class Drift:
    """The changes of a landing since `earlier`, the last landing before it that has files; None if there is none."""

    landed_on: dt.date
    earlier: dt.date | None
    changes: tuple[Change, ...] = ()

    @property
    def unwelcome(self) -> tuple[Change, ...]:
        """The changes that the contract does not simply accept."""
        return tuple(c for c in self.changes if c.verdict != "accept")


def registered_landings(lake: Lake, days: Iterable[dt.date]) -> list[RawManifest]:
    """The raw manifests of those of the days that have one."""
    found = (_registered(lake, day) for day in days)
    return [m for m in found if m is not None]


def latest_landing(lake: Lake) -> list[RawManifest]:
    """The raw manifest of the last landing that has files; none where nothing has landed."""
    for day in reversed(lake.days("raw")):
        landing = _registered(lake, day)
        if landing is not None and landing.files:
            return [landing]
    return []


def _registered(lake: Lake, day: dt.date) -> RawManifest | None:
    try:
        return lake.raw(day)
    except NotReadyError:  # a folder without a manifest
        return None


def drift_of(lake: Lake, landings: Sequence[RawManifest], contract: Contract) -> list[Drift]:
    """Each landing that has files compared with the last one before it that has, in order of the days.

    Of a landing before it that is among `landings`, that counts and not what is published. Costs one listing of
    folders, and mostly one manifest.
    """
    given: dict[dt.date, RawManifest | None] = {m.landed_on: m for m in landings}
    days = sorted({*lake.days("raw"), *given})

    def known(day: dt.date) -> RawManifest | None:
        if day not in given:
            given[day] = _registered(lake, day)
        return given[day]

    drifts = []
    for landing in sorted((m for m in landings if m.files), key=lambda m: m.landed_on):
        before = reversed(days[: bisect.bisect_left(days, landing.landed_on)])
        earlier = next((m for m in map(known, before) if m is not None and m.files), None)
        if earlier is None:
            drifts.append(Drift(landing.landed_on, None))
            continue
        changes = [c for file in landing.files for c in compare(file, earlier.files, contract)]
        drifts.append(Drift(landing.landed_on, earlier.landed_on, tuple(changes)))
    return drifts


def refuses_anything(contract: Contract) -> bool:
    """Whether there is a change that the contract refuses."""
    return "refuse" in contract.drift.model_dump().values()


def refuse_drift(lake: Lake, landings: Sequence[RawManifest], drifts: Sequence[Drift], contract: Contract) -> None:
    """Raise LandingError for changes that the contract refuses.

    A file whose bytes were registered for its day under an earlier decision can be materialized again at any time.
    """
    if not refuses_anything(contract):
        return
    by_day = {m.landed_on: m for m in landings}
    for drift in drifts:
        landing = by_day[drift.landed_on]
        refused = [c for c in drift.changes if c.verdict == "refuse"]
        if refused:
            known = {f.sha256 for m in registered_landings(lake, [landing.landed_on]) for f in m.files}
            new = {f.key for f in landing.files if f.sha256 not in known}
            refused = [c for c in refused if c.file in new]
        if refused:
            told = "\n".join(f"  {c.file}: {c}. {c.advice} (drift.{c.rule}: refuse)" for c in refused[:_SHOWN]) + _more(
                len(refused)
            )
            raise LandingError(
                f"The files of {drift.landed_on} look other than those of {drift.earlier}, and contract "
                f"{contract.name!r} refuses that. Nothing was changed.\n{told}\n"
                "  If the change is an error, land the right file with --replace, or remove it. If it is meant to be, "
                "change the contract as said, or the rule itself to `warn`; then run the same again."
            )


def compare(file: FileProfile, earlier: Iterable[FileProfile], contract: Contract) -> list[Change]:
    """What is other in a file than in the one among `earlier` that is most like it.

    A landing may hold files of several shapes: each is compared with its own kind.
    """
    candidates = [_changes(before, file, contract) for before in _each_shape_once(earlier)]
    return min(candidates, key=len, default=[])


def _each_shape_once(files: Iterable[FileProfile]) -> list[FileProfile]:
    shapes: dict[tuple[object, ...], FileProfile] = {}
    for f in files:
        shape = (f.format, f.encoding, f.delimiter, f.line_end, f.date_order, tuple(f.header), tuple(f.types))
        shapes.setdefault(shape, f)
    return list(shapes.values())


def _changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[Change]:
    return [*_column_changes(before, after, contract), *_format_changes(before, after, contract)]


def _column_changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[Change]:
    old, new = _columns(before.header, contract), _columns(after.header, contract)
    read = set(contract.raw_columns())
    rules = contract.drift
    gone = [c for c in old if c not in new]
    added = [c for c in new if c not in old]
    renamed_to = _likely_renamed(gone, added, old, new, read)
    changes = []
    for column in gone:
        verdict = rules.missing_columns if column in read else _of_others(rules.missing_columns, contract)
        advice = "Ask for the column, or take it out of the contract."
        if other := renamed_to.get(column):
            advice = f"If {new[other]!r} is its new name, add that to its `aliases` in the contract."
        changes.append(Change(after.key, "missing_columns", "missing column", old[column], "", verdict, advice))
    for column in added:
        if column in read:  # the contract has been waiting for it
            verdict, advice = _at_most_warn(rules.new_columns), "It is loaded from now on."
        else:
            verdict = "accept" if contract.unknown_columns == "ignore" else rules.new_columns
            advice = "Map it in the contract, or list it in `ignore_columns`."
        changes.append(Change(after.key, "new_columns", "new column", "", new[column], verdict, advice))
    both = [c for c in new if c in old]
    for column in both:
        if normalise(old[column]) != normalise(new[column]):
            names = (old[column], new[column])
            advice = "The contract knows both names."
            changes.append(
                Change(after.key, "renamed_columns", "renamed column", *names, rules.renamed_columns, advice)
            )
    in_order = [c for c in old if c in new]
    if in_order != both and "jsonl" not in (before.format, after.format):
        orders = (", ".join(old[c] for c in in_order), ", ".join(new[c] for c in both))
        advice = "Columns are found by their names."
        changes.append(Change(after.key, "column_order", "order of columns", *orders, rules.column_order, advice))
    return changes


def _columns(header: Sequence[str], contract: Contract) -> dict[str, str]:
    """The columns of a header as they are written, by what they mean: the contract's column, or the bare name."""
    meaning = {normalise(n): column for column, names in contract.raw_columns().items() for n in names}
    ignored = {normalise(c) for c in contract.ignore_columns} - meaning.keys()
    columns: dict[str, str] = {}
    for place, written in enumerate(header, 1):
        bare = normalise(written)
        if bare not in ignored:
            # Not to be confused with the contract's own names, which are as somebody has written them.
            columns.setdefault(meaning.get(bare, f"\0{bare}"), written.strip() or f"(no name, column {place})")
    return columns


def _likely_renamed(
    gone: Sequence[str], added: Sequence[str], old: dict[str, str], new: dict[str, str], read: set[str]
) -> dict[str, str]:
    """For columns that are gone, the unknown new one that stands in the same place or has the nearest name."""
    unknown = {normalise(new[c]): c for c in added if c not in read}
    places = dict(enumerate(new))
    likely = {}
    for column in gone:
        here = places.get(list(old).index(column))
        if near := difflib.get_close_matches(normalise(old[column]), list(unknown), n=1, cutoff=0.6):
            likely[column] = unknown[near[0]]
        elif here in unknown.values():
            likely[column] = str(here)
    return likely


def _of_others(verdict: Verdict, contract: Contract) -> Verdict:
    """The verdict on a column that nobody reads: its absence stops nothing."""
    return "accept" if contract.unknown_columns == "ignore" else _at_most_warn(verdict)


def _at_most_warn(verdict: Verdict) -> Verdict:
    return "warn" if verdict == "refuse" else verdict


def _format_changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[Change]:
    old, new = _format(before, contract), _format(after, contract)
    verdict = contract.drift.file_format
    return [
        Change(after.key, "file_format", what, old[what], new[what], verdict, "Ask whether the sender meant it.")
        for what in new
        if what in old and old[what] != new[what]
    ]


def _format(file: FileProfile, contract: Contract) -> dict[str, str]:
    """What a file is apart from its columns, in words. What only one of two files has is not compared."""
    told = {"format": file.format}
    if file.format != "parquet":
        told["encoding"] = file.encoding
        told["line ends"] = _LINE_ENDS.get(file.line_end, file.line_end)
    if file.format == "csv":
        told["separator"] = _SEPARATORS.get(file.delimiter, file.delimiter)
    if contract.dates.day_month_order is None:
        told["order of day and month"] = _ORDERS.get(file.date_order, str(file.date_order))
    if len(file.types) == len(file.header):
        written = {normalise(n): kind for n, kind in zip(file.header, file.types, strict=True)}
        names = contract.raw_columns().items()
        told |= {f"type of {c}": written[normalise(n)] for c, ns in names for n in ns if normalise(n) in written}
    return told


def as_markdown(drifts: Sequence[Drift]) -> str:
    """The changes of some landings as a small table, or a sentence where there are none."""
    rows = [(d, c) for d in drifts for c in d.changes]
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
            + " | ".join(map(_cell, (c.file.rsplit("/", 1)[-1], c.what, c.before, c.after, f"{c.rule}: {c.verdict}")))
            + " |"
            for d, c in rows[:_SHOWN]
        )
        if len(rows) > _SHOWN:
            lines.append(f"and {len(rows) - _SHOWN:,} more")
    elif len(alone) < len(drifts):
        lines.append("The same as before.")
    return "\n\n".join(lines) or "No files."


def _cell(text: str) -> str:
    shown = text if len(text) <= _CELL else text[: _CELL - 1] + "…"
    return "".join(c if c.isprintable() else " " for c in shown).replace("\\", "\\\\").replace("|", "\\|")


def _more(count: int) -> str:
    return f"\n  and {count - _SHOWN:,} more" if count > _SHOWN else ""

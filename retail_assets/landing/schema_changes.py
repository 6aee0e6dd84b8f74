"""Schema changes: how the shape of one file differs from another's, and what the contract says about that.

Compares the profiles taken when files were registered, so no file is read again. The `drift` section of the contract
decides what each change means. Not here: columns that a file must have (`contracts/headers.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.sections import Verdict
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.streamed import offsets_of

Rule = Literal["new_columns", "missing_columns", "renamed_columns", "column_order", "file_format"]

_TYPE = "type of "
_SEPARATORS = {"\t": "tab"}
_LINE_ENDS = {"lf": "line feed", "cr": "carriage return"}
_NO_ORDER = "no numeric dates"
_ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "year first", "typed": _NO_ORDER, None: _NO_ORDER}


@dataclass(frozen=True)
class SchemaChange:
    """One thing that changed in a file. `rule` is the contract's key that decides about it, `verdict` the decision."""

    file: str
    rule: Rule
    what: str
    before: str
    after: str
    verdict: Verdict
    advice: str = ""

    @property
    def topic(self) -> str:
        """What changed, in a word for a title."""
        if self.rule == "column_order":
            return "order of columns"
        if self.rule != "file_format":
            return "columns"
        return "types of columns" if self.what.startswith(_TYPE) else self.what

    def __str__(self) -> str:
        if self.before and self.after:
            return f"{self.what}: {self.before!r}, now {self.after!r}"
        return f"{self.what} {self.before or self.after!r}"


def compare(file: FileProfile, earlier: Iterable[FileProfile], contract: Contract) -> list[SchemaChange]:
    """Return what changed in a file since the one among `earlier` that is most similar.

    A landing may contain files of several shapes; each is compared with its own kind. Objects of a stream and files
    beside them have other formats, which is no change: a stream begins, or has a day without files.
    """
    candidates = [_changes(before, file, contract) for before in _each_shape_once(earlier)]
    return min(candidates, key=len, default=[])


def _each_shape_once(files: Iterable[FileProfile]) -> list[FileProfile]:
    shapes: dict[tuple[object, ...], FileProfile] = {}
    for f in files:
        shape = (
            offsets_of(f.key) is None,
            f.format,
            f.encoding,
            f.delimiter,
            f.line_end,
            f.date_order,
            tuple(f.header),
            tuple(f.types),
        )
        shapes.setdefault(shape, f)
    return list(shapes.values())


def _changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[SchemaChange]:
    changes = _column_changes(before, after, contract)
    same_kind = (offsets_of(before.key) is None) == (offsets_of(after.key) is None)
    return [*changes, *_format_changes(before, after, contract)] if same_kind else changes


def _column_changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[SchemaChange]:
    old, new = _columns(before.header, contract), _columns(after.header, contract)
    read = set(contract.raw_columns())
    rules = contract.drift
    gone = [c for c in old if c not in new]
    added = [c for c in new if c not in old]
    renamed_to = _likely_renamed(gone, added, old, new, read)
    changes = []
    for column in gone:
        verdict = rules.missing_columns if column in read else _of_others(rules.missing_columns, contract)
        advice = "Ask the sender for the column, or remove it from the contract."
        if other := renamed_to.get(column):
            advice = f"If {new[other]!r} is its new name, add that to its `aliases` in the contract."
        changes.append(SchemaChange(after.key, "missing_columns", "missing column", old[column], "", verdict, advice))
    for column in added:
        if column in read:  # the contract reads it already
            verdict, advice = _at_most_warn(rules.new_columns), "It is loaded from now on."
        else:
            verdict = "accept" if contract.unknown_columns == "ignore" else rules.new_columns
            advice = "Map it in the contract, or list it in `ignore_columns`."
        changes.append(SchemaChange(after.key, "new_columns", "new column", "", new[column], verdict, advice))
    both = [c for c in new if c in old]
    for column in both:
        if normalize_header(old[column]) != normalize_header(new[column]):
            names = (old[column], new[column])
            advice = "The contract knows both names."
            changes.append(
                SchemaChange(after.key, "renamed_columns", "renamed column", *names, rules.renamed_columns, advice)
            )
    in_order = [c for c in old if c in new]
    if in_order != both and "jsonl" not in (before.format, after.format):
        orders = (", ".join(old[c] for c in in_order), ", ".join(new[c] for c in both))
        advice = "Columns are found by their names."
        changes.append(SchemaChange(after.key, "column_order", "order of columns", *orders, rules.column_order, advice))
    return changes


def _columns(header: Sequence[str], contract: Contract) -> dict[str, str]:
    """Return the columns of a header as written, by what they mean: the contract's column, or the normalized name."""
    meaning = {normalize_header(n): column for column, names in contract.raw_columns().items() for n in names}
    ignored = {normalize_header(c) for c in contract.ignore_columns} - meaning.keys()
    columns: dict[str, str] = {}
    for place, written in enumerate(header, 1):
        bare = normalize_header(written)
        if bare not in ignored:
            # The prefix keeps these apart from the contract's own names.
            columns.setdefault(meaning.get(bare, f"\0{bare}"), written.strip() or f"(no name, column {place})")
    return columns


def _likely_renamed(
    gone: Sequence[str], added: Sequence[str], old: dict[str, str], new: dict[str, str], read: set[str]
) -> dict[str, str]:
    """Return, for columns that are gone, the unknown new one with the nearest name or in the same place."""
    unknown = {normalize_header(new[c]): c for c in added if c not in read}
    places = dict(enumerate(new))
    likely = {}
    for column in gone:
        here = places.get(list(old).index(column))
        if near := difflib.get_close_matches(normalize_header(old[column]), list(unknown), n=1, cutoff=0.6):
            likely[column] = unknown[near[0]]
        elif here in unknown.values():
            likely[column] = str(here)
    return likely


def _of_others(verdict: Verdict, contract: Contract) -> Verdict:
    """Return the verdict on a missing column that nobody reads; it stops nothing."""
    return "accept" if contract.unknown_columns == "ignore" else _at_most_warn(verdict)


def _at_most_warn(verdict: Verdict) -> Verdict:
    return "warn" if verdict == "refuse" else verdict


def _format_changes(before: FileProfile, after: FileProfile, contract: Contract) -> list[SchemaChange]:
    old, new = _format(before, contract), _format(after, contract)
    verdict = contract.drift.file_format
    return [
        SchemaChange(
            after.key, "file_format", what, old[what], new[what], verdict, "Ask the sender whether that was intended."
        )
        for what in new
        if what in old and old[what] != new[what]
    ]


def _format(file: FileProfile, contract: Contract) -> dict[str, str]:
    """Describe a file apart from its columns. What only one of two files has is not compared."""
    facts = {"format": file.format}
    if file.format not in ("parquet", "xlsx"):
        facts["encoding"] = file.encoding
        facts["line ends"] = _LINE_ENDS.get(file.line_end, file.line_end)
    if file.format == "csv":
        facts["separator"] = _SEPARATORS.get(file.delimiter, file.delimiter)
    if contract.dates.day_month_order is None:
        facts["order of day and month"] = _ORDERS.get(file.date_order, str(file.date_order))
    if len(file.types) == len(file.header):
        written = {normalize_header(n): kind for n, kind in zip(file.header, file.types, strict=True)}
        names = contract.raw_columns().items()
        facts |= {
            f"{_TYPE}{c}": written[normalize_header(n)] for c, ns in names for n in ns if normalize_header(n) in written
        }
    return facts

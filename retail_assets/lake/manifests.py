"""Manifests of the lake: the files of one landing when they were registered, and what cleaning made of them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from retail_assets.lake.profile import FileProfile
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE, Table

#: The name of every manifest, in the folder of its landing.
MANIFEST = "manifest.json"

Status = Literal["clean", "quarantine", "superseded", "excluded"]
STATUSES: tuple[Status, ...] = ("clean", "quarantine", "superseded", "excluded")
#: What people read instead of a status.
NAMES: dict[Status, str] = {
    "clean": "clean",
    "quarantine": "quarantined",
    "superseded": "superseded",
    "excluded": "excluded",
}
#: Rows of these statuses are kept as the text that they are in the file, with the names of the rules.
AS_TEXT: tuple[Status, ...] = ("quarantine", "excluded")


def day_of(folder: str) -> dt.date | None:
    """Return the day of a folder name `dt=YYYY-MM-DD`; None for a folder that is not one of ours.

    >>> day_of("dt=2024-01-31"), day_of("_delta_log")
    (datetime.date(2024, 1, 31), None)
    """
    try:
        return dt.date.fromisoformat(folder.removeprefix("dt=")) if folder.startswith("dt=") else None
    except ValueError:
        return None


def table_of(status: Status) -> Table:
    """Return the table whose columns rows of a status have in the lake."""
    return SALES_QUARANTINE if status in AS_TEXT else SALES_CLEAN


@dataclass(frozen=True)
class ReferenceVersion:
    """The version of a reference file that a landing is joined with: the landed files, and its rows in the lake.

    `files` has key and size of each landed file, `digest` the hash of their bytes.
    """

    name: str
    digest: str
    key: str
    rows: int
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Erased:
    """What erasing customers took out of a landed file: rows, and the physical lines that they spanned.

    `sha256` is the file's hash without them; empty for a file that held nothing else and is gone.
    """

    key: str
    rows: int
    lines: int
    sha256: str = ""


@dataclass(frozen=True)
class RawManifest:
    """The files of one landing when they were registered, each with its hash, shape and control totals.

    `erasures` say what erasing customers took out of these files, and of files that are gone. `inspected_by` names the
    code that inspected the files, `looked_through_by` the code and the erased customers for which they were looked
    through; empty where nobody was erased, and in manifests of earlier releases.
    """

    source: str
    landed_on: dt.date
    contract: str
    files: tuple[FileProfile, ...]
    references: tuple[ReferenceVersion, ...] = ()
    erasures: tuple[Erased, ...] = ()
    inspected_by: str = ""
    looked_through_by: str = ""

    @property
    def digest(self) -> str:
        """A hash that changes when a file of the landing does, or a reference file that it is joined with."""
        texts = [f"{f.key}\0{f.sha256}\n" for f in self.files]
        texts += [f"reference {r.name}\0{r.digest}\n" for r in self.references]
        return hashlib.sha256("".join(texts).encode()).hexdigest()

    @property
    def lines(self) -> int:
        return sum(f.lines for f in self.files)

    @property
    def erased(self) -> int:
        """Rows that erasing customers took out of the files."""
        return sum(e.rows for e in self.erasures)

    @property
    def erased_lines(self) -> int:
        """The physical lines of the erased rows. Lines landed are `lines` and these."""
        return sum(e.lines for e in self.erasures)

    @property
    def skipped(self) -> int:
        """Lines above the headers and lines of totals, which are no rows."""
        return sum(f.skipped_above + f.skipped_below for f in self.files)

    @property
    def size(self) -> int:
        return sum(f.size for f in self.files)

    def summary(self) -> RawSummary:
        """Return what the register keeps of this manifest."""
        named = {(f.key, f.size) for f in self.files}
        return RawSummary(
            self.landed_on, self.contract, self.digest, len(self.files), digest_of_names(named), self.references
        )


@dataclass(frozen=True)
class RawSummary:
    """What is asked of the raw manifests of all landings at once: `files` is their number, `names` their names' hash.

    A landing of a file every minute has a thousand profiles, which nobody needs of the past.
    """

    landed_on: dt.date
    contract: str
    digest: str
    files: int
    names: str
    references: tuple[ReferenceVersion, ...] = ()


def digest_of_names(files: Collection[tuple[str, int]]) -> str:
    """Return a hash of the keys and sizes of files."""
    return hashlib.sha256("".join(f"{key}\0{size}\n" for key, size in sorted(files)).encode()).hexdigest()


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file: its rows, the physical source lines they stand for, the sum of `total_amount`, its bytes.

    `digest` is a hash of the bytes; files of earlier versions and those that a replay writes have none.
    """

    key: str
    rows: int
    lines: int
    amount: str
    size: int
    digest: str = ""


@dataclass(frozen=True)
class CleanManifest:
    """The result of cleaning one landing: files by status, and counts of rejected, excluded and noted rows by name.

    `exclusions` counts excluded rows by the rule of the contract (`rows`) that excludes them; `row_rules` are these
    rules as JSON, empty for none: a replay under other rules would have to look at clean rows too. A note is what could
    not be read although the row counts, such as a word for the gender that is not known. Version 0.1.0 did not record
    the `currency`. `erased` rows (on `erased_lines` lines) have landed and are nowhere any more, because a customer was
    erased.
    """

    source: str
    landed_on: dt.date
    run_id: str
    contract: str
    raw_digest: str
    files: dict[Status, tuple[LakeFile, ...]]
    reasons: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    currency: str = ""
    exclusions: dict[str, int] = field(default_factory=dict)
    row_rules: str = ""
    erased: int = 0
    erased_lines: int = 0

    def __post_init__(self) -> None:
        """Give every status its files; an earlier version did not know them all."""
        object.__setattr__(self, "files", {status: self.files.get(status, ()) for status in STATUSES})

    def rows(self, status: Status) -> int:
        return sum(f.rows for f in self.files[status])

    def amount(self, status: Status) -> Decimal:
        return sum((Decimal(f.amount) for f in self.files[status]), Decimal("0.00"))

    @property
    def landed_rows(self) -> int:
        """Rows that landed: clean + quarantined + superseded + excluded + erased."""
        return self.kept_rows + self.erased

    @property
    def kept_rows(self) -> int:
        """Rows that are in the files of the lake, whatever their status."""
        return sum(self.rows(s) for s in STATUSES)

    @property
    def lines(self) -> int:
        return sum(f.lines for s in STATUSES for f in self.files[s])

    def keys(self, status: Status) -> list[str]:
        return [f.key for f in self.files[status]]

    def content(self, status: Status) -> str:
        """A hash of the rows of a status: the same when the same rows are written again, in whatever files."""
        named = sorted(f.digest or f.key for f in self.files[status])
        return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RawEntry:
    """A raw manifest in the register, and its version when it was read."""

    version: str
    summary: RawSummary


@dataclass(frozen=True)
class CleanEntry:
    """A clean manifest in the register, and its version when it was read."""

    version: str
    manifest: CleanManifest


def total_reasons(manifests: Iterable[CleanManifest]) -> dict[str, int]:
    """Return rejected rows by reason over several landings, most frequent first. A row counts once for each reason."""
    return total_counts(manifest.reasons for manifest in manifests)


def total_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sum of counts by name, most frequent first."""
    total: Counter[str] = Counter()
    for of_one in counts:
        total.update(of_one)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

"""What an alert is about: a cause with its kind, the landings it touches, the reason and the fix.

One cause is one message, however many assets it touches. Each kind has a section of its own in docs/operations.md.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from retail_assets.wording.formats import listed

Severity = Literal["error", "warning", "info"]

#: kind -> what it means, as the heading of its section in docs/operations.md.
KINDS: dict[str, str] = {
    "run-failed": "A run failed",
    "run-died": "A run ended without a failed step",
    "run-stuck": "A run has been silent for hours",
    "drift": "The files have another shape",
    "landing-late": "A landing is late or empty",
    "landing-small": "A landing is much smaller than usual",
    "file-overlooked": "Files are not read",
    "quarantine": "Unusually many rows are rejected",
    "not-reconciled": "Rows or money do not reconcile",
    "ids": "Ids do not identify sales",
    "values-unread": "Values cannot be read",
    "references": "Reference files do not fit",
    "table-shape": "A table breaks its contract",
    "forecast": "The forecast is not usable as it is",
    "accuracy-drift": "Forecasts have become less accurate",
    "segments": "The segments are not usable as they are",
    "outputs": "An output is incomplete",
    "check-failed": "Another check failed",
    "test": "A test message",
    "digest": "The daily digest",
}
#: Kinds that are no trouble: shown without a severity, and never open.
NO_TROUBLE = ("test", "digest")

#: Checks by the kind of cause that they report. Checks of one kind and one landing are one message.
_CHECKS: dict[str, tuple[str, ...]] = {
    "drift": ("schema_unchanged", "columns_match_contract"),
    "landing-late": ("landing_is_not_empty",),
    "landing-small": ("landing_size_is_usual",),
    "file-overlooked": ("nothing_is_overlooked",),
    "quarantine": ("quarantine_is_small", "quarantine_share_is_usual", "enough_is_clean"),
    "not-reconciled": (
        "rows_are_conserved",
        "revenue_reconciles_with_raw",
        "revenue_reconciles_with_clean",
        "revenue_reconciles_with_sales",
        "revenue_reconciles_with_daily_category_sales",
        "rows_add_up_by_day",
    ),
    "ids": ("ids_identify_sales", "sales_keep_their_day"),
    "values-unread": ("values_are_understood", "local_times_exist"),
    "outputs": ("names_can_be_drawn",),
    "accuracy-drift": ("accuracy_has_not_drifted",),
}
#: Titles of checks that find less than their kind says.
_TITLES = {"columns_match_contract": "The files have columns that the contract does not know"}
_KIND_OF_CHECK = {check: kind for kind, checks in _CHECKS.items() for check in checks}
#: Kinds of other checks, by the beginning of the name of their asset; the first that fits.
_ASSETS: tuple[tuple[str, str], ...] = (
    ("forecast", "forecast"),
    ("sales_forecast", "forecast"),
    ("segment", "segments"),
    ("customer_segments", "segments"),
    ("serving", "outputs"),
    ("tableau", "outputs"),
)
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
_REASONS_SHOWN = 3
#: Longest reason and fix of a message.
_LONGEST = 1200


@dataclass(frozen=True)
class Subject:
    """What a cause touches: a landing day, a range of them, or "" where it is no landing; `concerned` is its size."""

    name: str
    concerned: str = ""


@dataclass(frozen=True)
class Cause:
    """One cause.

    Attributes:
        kind: a name of `KINDS`.
        key: two occurrences with the same key are the same cause.
        title: one line.
        reason, todo: what is wrong, and what to do.
        subjects: what it touches.
        found_by: the checks that found it, as people know them.
        member: the check or step that found it; the cause ends when each has passed again.
        consequence: what stays undone, such as the number of assets that keep their last state.
        link: an address for people, if there is one.
    """

    kind: str
    key: str
    title: str
    reason: str
    todo: str = ""
    subjects: tuple[Subject, ...] = (Subject(""),)
    member: str = ""
    found_by: str = ""
    consequence: str = ""
    severity: Severity = "error"
    link: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of cause.")


def test_cause() -> Cause:
    """Return the cause of a test message."""
    return Cause(
        kind="test",
        key="test",
        title="A test message of retail-assets",
        reason="This channel receives alerts. Nothing is wrong.",
        severity="info",
    )


def landings_named(first: dt.date, last: dt.date) -> str:
    """Return the name of a subject that is a landing day or a range of them.

    >>> first = dt.date(2024, 1, 1)
    >>> landings_named(first, first), landings_named(first, dt.date(2024, 1, 3))
    ('2024-01-01', '2024-01-01 to 2024-01-03')
    """
    return str(first) if first == last else f"{first} to {last}"


def span_of_name(subject: str) -> tuple[str, str]:
    """Return the first and the last day of a subject's name, for comparison; a name of no days is both.

    >>> span_of_name("2024-01-01 to 2024-01-03"), span_of_name("2024-01-01"), span_of_name("")
    (('2024-01-01', '2024-01-03'), ('2024-01-01', '2024-01-01'), ('', ''))
    """
    first, _, last = subject.partition(" to ")
    return first, last or first


def is_within(subject: str, span: str) -> bool:
    """Return whether the days of a subject's name are among those of another.

    >>> is_within("2024-01-02", "2024-01-01 to 2024-01-03"), is_within("", "2024-01-01")
    (True, False)
    """
    (first, last), (from_day, to_day) = span_of_name(span), span_of_name(subject)
    return first <= from_day and to_day <= last


def rest_of_span(span: str, subject: str) -> list[str]:
    """Return the names of what is left of a span without the days of a subject.

    >>> rest_of_span("2024-01-01 to 2024-01-05", "2024-01-02"), rest_of_span("2024-01-01", "2024-01-01")
    (['2024-01-01', '2024-01-03 to 2024-01-05'], [])
    """
    if not is_within(subject, span):
        return [span]
    if not subject:
        return []
    first, last = map(dt.date.fromisoformat, span_of_name(span))
    from_day, to_day = map(dt.date.fromisoformat, span_of_name(subject))
    day = dt.timedelta(1)
    pieces = ((first, from_day - day), (to_day + day, last))
    return [landings_named(*piece) for piece in pieces if piece[0] <= piece[1]]


def kind_of_check(check: str, asset: str) -> str:
    """Return the kind of cause that a failed check is.

    >>> kind_of_check("schema_unchanged", "raw_sales_files"), kind_of_check("horizon_is_complete", "sales_forecast")
    ('drift', 'forecast')
    """
    if check in _KIND_OF_CHECK:
        return _KIND_OF_CHECK[check]
    if "reference" in check:
        return "references"
    if check in ("matches_contract", "key_is_unique", "unique_transaction"):
        return "table-shape"
    return next((kind for start, kind in _ASSETS if asset.startswith(start)), "check-failed")


def title_of_check(check: str, kind: str, changed: Sequence[str] = ()) -> str:
    """Return the title of a failed check, without what it is about; `changed` is what has changed in the files.

    >>> title_of_check("schema_unchanged", "drift", ["format", "encoding"])
    'The files have changed: format and encoding'
    """
    if changed:
        return f"The files have changed: {listed(changed)}"
    return _TITLES.get(check, KINDS[kind])


def key_of_error(kind: str, error: str, message: str) -> str:
    """Return the key of a failed step: its error without numbers, so that the same error in many steps is one cause.

    >>> key_of_error("run-failed", "WarehouseBusyError", "Waited 120 s for run 7f3a")
    'run-failed:WarehouseBusyError:Waited # s for run #f#a'
    """
    first = message.strip().splitlines()[0] if message.strip() else ""
    return f"{kind}:{error}:{re.sub('[0-9]+', '#', first)[:200]}"


def anchor(kind: str) -> str:
    """Return where docs/operations.md explains a kind.

    >>> anchor("run-failed")
    'docs/operations.md#a-run-failed'
    """
    return "docs/operations.md#" + re.sub(r"[^\w -]", "", KINDS[kind].lower()).replace(" ", "-")


def join(causes: Sequence[Cause]) -> Cause:
    """Join causes of one key: subjects together, the reason of the worst first.

    >>> one = Cause("drift", "drift", "t", "a new column", subjects=(Subject("2024-01-01"),), severity="warning")
    >>> two = dataclasses.replace(one, reason="a lost column", subjects=(Subject("2024-01-02"),))
    >>> joined = join([one, two])
    >>> joined.reason, [subject.name for subject in joined.subjects]
    ('a new column a lost column', ['2024-01-01', '2024-01-02'])
    """
    worst = sorted(causes, key=lambda cause: _ORDER[cause.severity])
    first = worst[0]
    if len(causes) == 1:
        return first
    subjects: dict[str, Subject] = {}
    for cause in causes:
        for subject in cause.subjects:
            if not subjects.get(subject.name, Subject("")).concerned:
                subjects[subject.name] = subject
    reasons, todos = (list(dict.fromkeys(filter(None, texts))) for texts in (
        [c.reason for c in worst], [c.todo for c in worst]))  # fmt: skip
    more = len(reasons) - _REASONS_SHOWN
    return dataclasses.replace(
        first,
        reason=cut(" ".join(reasons[:_REASONS_SHOWN]) + (f" And {more} more." if more > 0 else "")),
        todo=cut(" ".join(todos[:_REASONS_SHOWN])),
        subjects=tuple(subjects.values()),
        found_by=", ".join(dict.fromkeys(c.found_by for c in worst if c.found_by)),
        consequence=next((c.consequence for c in worst if c.consequence), ""),
    )


def cut(text: str, longest: int = _LONGEST) -> str:
    """Return a text, cut to what a message has room for."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"

"""What a check of the machine found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` says what to do; it is empty if `ok`, or if `detail` already says it."""

    name: str
    ok: bool
    detail: str
    fix: str = ""

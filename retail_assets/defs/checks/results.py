"""Results of checks, in words: what is wrong and what to do, with a limited number of examples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from retail_assets.storage.markdown_text import as_text

_SHOWN = 10
#: Name of the metadata that list the landings a check found, for alerts.
LANDINGS_FOUND = "landings_found"
#: Name of the metadata that list what has changed in files, in words for a title.
CHANGED = "changed"


def check_result(
    *,
    passed: bool,
    description: str | None = None,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    metadata: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    """Return a check result. Dagster renders `description` as Markdown; here it is text, and shown as it is."""
    return dg.AssetCheckResult(
        passed=passed,
        severity=severity,
        description=None if description is None else as_text(description),
        metadata=metadata,
    )


def result(
    *,
    passed: bool,
    problem: str,
    todo: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    **metadata: Any,
) -> dg.AssetCheckResult:
    """Return a check result that says what is wrong and what to do if the check did not pass."""
    return check_result(
        passed=passed, severity=severity, description=None if passed else f"{problem} {todo}", metadata=metadata
    )


def landings_found(days: Iterable[dt.date]) -> dg.JsonMetadataValue:
    """Return the landings that a check found, for its metadata `LANDINGS_FOUND`, which alerts read."""
    return dg.MetadataValue.json([str(day) for day in sorted(days)])


def listed(days: Iterable[str]) -> str:
    """Return days for a sentence, in order, with the number of those that are left out.

    >>> listed(["2024-01-02", "2024-01-01"])
    '2024-01-01, 2024-01-02'
    """
    ordered = sorted(days)
    return ", ".join(ordered[:_SHOWN]) + (f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else "")


def by_name(values: Mapping[str, Any]) -> str:
    """Return values by name for a sentence.

    >>> by_name({"invalid_date": 1200, "quantity": "double"})
    'invalid_date 1,200, quantity double'
    """
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in values.items()
    )


def examples(values: Mapping[str, Any]) -> dg.JsonMetadataValue:
    """Return the first values as metadata."""
    return dg.MetadataValue.json(dict(list(values.items())[:_SHOWN]))

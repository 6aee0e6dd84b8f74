"""A run's event log in short: what it materialized, how its checks ended, and why its steps failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_bridge.runs import RESUMES, Check, Report

#: Metadata of a materialization: rows of one partition, of all partitions of the run, of the table.
ROWS_OF_PARTITION, ROWS_OF_RANGE, ROWS = "dagster/partition_row_count", "rows_in_range", "dagster/row_count"
#: Part of Dagster's message about a step that a blocking check has stopped. It names the check, but not the reason.
_BLOCKED = "blocking asset check"


def report(pages: Iterable[tuple[Mapping[str, str], list[dict[str, Any]]]]) -> tuple[Report, str | None]:
    """Return the report of one run, and the id of the run that it resumes. A page is the run's tags and events."""
    resumes: str | None = None
    rows: dict[str, int] = {}
    by_partition: dict[str, dict[str | None, int]] = {}
    materialized: dict[str, None] = {}
    checks: list[Check] = []
    failed_in: dict[str | None, list[Check]] = {}
    failures: list[str] = []
    for tags, events in pages:
        resumes = tags.get(RESUMES)
        for event in events:
            kind = event["__typename"]
            if kind == "MaterializationEvent" and event["assetKey"]:
                key = "/".join(event["assetKey"]["path"])
                materialized[key] = None
                numbers = _numbers(event["metadataEntries"])
                if ROWS_OF_PARTITION in numbers:
                    by_partition.setdefault(key, {})[event["partition"]] = numbers[ROWS_OF_PARTITION]
                elif (count := numbers.get(ROWS_OF_RANGE, numbers.get(ROWS))) is not None:
                    rows[key] = count
            elif kind == "AssetCheckEvaluationEvent":
                check = _check(event["evaluation"])
                checks.append(check)
                if not check.passed and check.severity == "ERROR":
                    failed_in.setdefault(event["stepKey"], []).append(check)
            elif kind == "ExecutionStepFailureEvent":
                cause = _cause(event)
                blocked_by = failed_in.get(event["stepKey"], []) if _BLOCKED in cause else []
                failures += [f"check {check}" for check in blocked_by if check.name in cause] or [
                    f"step {event['stepKey']}: {cause}"
                ]
            elif kind == "RunFailureEvent" and not failures:
                failures.append(_cause(event))
    rows |= {key: sum(counts.values()) for key, counts in by_partition.items()}
    return Report(tuple(materialized), rows, tuple(checks), tuple(dict.fromkeys(failures))), resumes


def _check(evaluation: Mapping[str, Any]) -> Check:
    return Check(
        name=evaluation["checkName"],
        asset="/".join(evaluation["assetKey"]["path"]),
        passed=evaluation["success"],
        severity=evaluation["severity"],
        description=evaluation["description"] or "",
    )


def _numbers(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the integers of a materialization's metadata, by label."""
    return {e["label"]: int(e["intRepr"]) for e in entries if "intRepr" in e}  # intValue ends at 2**31


def _cause(event: Mapping[str, Any]) -> str:
    """Return the innermost reason: the message of the step's author, not that a step failed."""
    described = (event.get("failureMetadata") or {}).get("description")
    if described:
        return str(described).strip()
    error = event.get("error") or {}
    messages = [error.get("message"), *(c.get("message") for c in error.get("causes") or ())]
    reasons = [m.strip() for m in messages if m and m.strip()]
    return reasons[-1] if reasons else str(event.get("message") or "no reason given")

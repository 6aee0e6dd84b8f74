"""Causes as text in the outbox, which outlives the version of the program that wrote it."""

from __future__ import annotations

import dataclasses
import json

from retail_assets.alerts.causes import KINDS, Cause, Subject


def write_cause(cause: Cause) -> str:
    """Return a cause as the text that `read_cause` reads."""
    return json.dumps(dataclasses.asdict(cause))


def read_cause(text: str) -> Cause:
    """Return a stored cause. Another version may have written it: what this one does not know is left out."""
    try:
        data = json.loads(text)
        known = {field.name: data[field.name] for field in dataclasses.fields(Cause) if field.name in data}
        if known["kind"] not in KINDS:
            known["kind"] = "check-failed"
        subjects = tuple(Subject(str(s["name"]), str(s.get("concerned", ""))) for s in data["subjects"])
        return Cause(**{**known, "subjects": subjects})
    except (ValueError, KeyError, TypeError, AttributeError):
        return Cause(
            kind="check-failed",
            key="unreadable",
            title="An alert that cannot be read",
            reason="Another version of the program wrote it, or the outbox is damaged.",
            todo="Look at the failed runs and checks in Dagster.",
        )

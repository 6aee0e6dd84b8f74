"""A console logger for people: one line a step, warnings of checks, no event stream and no tracebacks.

Used by `retail-assets materialize`; in the UI it can be chosen for any run with `loggers: {steps: {}}`. The event log
keeps everything, whatever is shown.
"""

from __future__ import annotations

import logging
import sys

import dagster as dg
from dagster import DagsterEventType as Event


@dg.logger(config_schema=None, description="One line a step, and what checks object to.")
def steps(_init: dg.InitLoggerContext) -> logging.Logger:
    """The logger named `steps` of the definitions."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(told)s", datefmt="%H:%M:%S"))
    handler.addFilter(_tell)
    logger = logging.Logger("retail_assets.steps", level=logging.DEBUG)
    logger.addHandler(handler)
    return logger


def _tell(record: logging.LogRecord) -> bool:
    """Keep what is worth a line, and put the line on the record."""
    meta = getattr(record, "dagster_meta", None) or {}
    event: dg.DagsterEvent | None = meta.get("dagster_event")
    if event:
        line = told(event)
    else:  # what an asset logs itself; that a step waits in vain for one that failed is Dagster's own
        said = str(meta.get("orig_message") or record.getMessage())
        line = None if record.levelno < logging.INFO or said.startswith("Dependencies for step") else said
    record.told = line
    return line is not None


def told(event: dg.DagsterEvent) -> str | None:
    """One line for an event, or None for those that say nothing new."""
    step = event.step_key or ""
    if event.event_type is Event.STEP_SUCCESS:
        return f"{step:44s} {event.step_success_data.duration_ms / 1000:7.1f} s"
    if event.event_type is Event.STEP_FAILURE:
        return f"{step}: FAILED"
    if event.event_type is Event.STEP_UP_FOR_RETRY:
        return f"{step}: will be tried again"
    if event.event_type is Event.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        if not found.passed:
            sign = "warning" if found.severity is dg.AssetCheckSeverity.WARN else "FAILED"
            return f"check {found.check_name} of {found.asset_key.to_user_string()}: {sign}: {found.description or ''}"
    return None

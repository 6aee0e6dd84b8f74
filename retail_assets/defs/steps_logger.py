"""A console logger for people: one line per step, warnings of checks, no event stream and no tracebacks.

`retail-assets materialize` uses it; in the UI it can be chosen for any run with `loggers: {steps: {}}`. The event log
keeps everything, whatever the console shows.
"""

from __future__ import annotations

import logging
import sys

import dagster as dg
from dagster import DagsterEventType as Event


@dg.logger(config_schema=None, description="One line per step, and the checks that did not pass.")
def steps(_init: dg.InitLoggerContext) -> logging.Logger:
    """Return the logger that the definitions call `steps`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(line)s", datefmt="%H:%M:%S"))
    handler.addFilter(_has_line)
    logger = logging.Logger("retail_assets.steps", level=logging.DEBUG)
    logger.addHandler(handler)
    return logger


def _has_line(record: logging.LogRecord) -> bool:
    """Keep records that are worth a line, and attach the line."""
    meta = getattr(record, "dagster_meta", None) or {}
    event: dg.DagsterEvent | None = meta.get("dagster_event")
    if event:
        line = line_of(event)
    else:  # logged by an asset; or by Dagster, for a step that is skipped because another one failed
        message = str(meta.get("orig_message") or record.getMessage())
        line = None if record.levelno < logging.INFO or message.startswith("Dependencies for step") else message
    record.line = line
    return line is not None


def line_of(event: dg.DagsterEvent) -> str | None:
    """Return the line for an event, or None for an event that adds nothing."""
    step = event.step_key or ""
    if event.event_type is Event.STEP_SUCCESS:
        return f"{step:44s} {event.step_success_data.duration_ms / 1000:7.1f} s"
    if event.event_type is Event.STEP_FAILURE:
        return f"{step}: FAILED"
    if event.event_type is Event.STEP_UP_FOR_RETRY:
        return f"{step}: will be tried again"
    if event.event_type is Event.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        if not check.passed:
            result = "warning" if check.severity is dg.AssetCheckSeverity.WARN else "FAILED"
            asset = check.asset_key.to_user_string()
            return f"check {check.check_name} of {asset}: {result}: {check.description or ''}"
    return None

"""What a person sees in the terminal while assets are computed: one line a step, and errors without tracebacks.

Everything, with tracebacks, is in Dagster's event log and UI, whatever is shown here. Set DAGSTER's own log level in
the run configuration (`loggers: {console: {config: {log_level: DEBUG}}}`) to see all events.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import dagster as dg
from dagster import DagsterEventType as Event

_SHOWN_EVENTS = {
    Event.STEP_SUCCESS,
    Event.STEP_FAILURE,
    Event.STEP_UP_FOR_RETRY,
    Event.RUN_FAILURE,
    Event.RUN_SUCCESS,
    Event.RUN_CANCELED,
}


class _Line(logging.Formatter):
    """`16:02:29  eda  finished in 5.1 s`"""

    def format(self, record: logging.LogRecord) -> str:
        clock = self.formatTime(record, "%H:%M:%S")
        event = _event(record)
        if event is None:
            return f"{clock}  {getattr(record, 'dagster_meta', {}).get('orig_message') or record.getMessage()}"
        return f"{clock}  {_told(event)}"


class _OnlyTelling(logging.Filter):
    """Lets through what assets log themselves, the end of each step, and checks that do not pass."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        if self._level <= logging.DEBUG:
            return True
        event = _event(record)
        if event is None:
            return record.levelno >= self._level
        if event.event_type is Event.STEP_SUCCESS:
            return not _is_check(event)
        if event.event_type is Event.ASSET_CHECK_EVALUATION:
            return not event.event_specific_data.passed
        return event.event_type in _SHOWN_EVENTS


@dg.logger(
    config_schema={"log_level": dg.Field(str, is_required=False, default_value="INFO")},
    description="One line a step; DEBUG shows every event.",
)
def console(init: dg.InitLoggerContext) -> logging.Logger:
    """The console logger of the definitions."""
    level = logging.getLevelName(str(init.logger_config["log_level"]).upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(_OnlyTelling(level))
    logger = logging.Logger("retail_assets", level=logging.DEBUG)
    logger.addHandler(handler)
    return logger


def _event(record: logging.LogRecord) -> dg.DagsterEvent | None:
    found: dg.DagsterEvent | None = getattr(record, "dagster_meta", {}).get("dagster_event")
    return found


def _is_check(event: dg.DagsterEvent) -> bool:
    return event.step_kind_value == "COMPUTE" and "_check" in str(event.logging_tags.get("dagster/step_tags", ""))


def _told(event: dg.DagsterEvent) -> str:
    step = event.step_key or "run"
    data: Any = event.event_specific_data
    if event.event_type is Event.STEP_SUCCESS:
        return f"{step:32s} {data.duration_ms / 1000:7.1f} s"
    if event.event_type is Event.ASSET_CHECK_EVALUATION:
        sign = "WARNING" if data.severity is dg.AssetCheckSeverity.WARN else "FAILED"
        return f"{sign}: check {data.check_name} of {data.asset_key.to_user_string()}: {data.description or ''}"
    if event.event_type is Event.STEP_FAILURE:
        return f"FAILED: {step}: {_cause(data)}"
    return event.message or event.event_type_value


def _cause(data: Any) -> str:
    """The message that says what to do: a Failure's description, else the innermost error."""
    if data.user_failure_data is not None:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "unknown error"

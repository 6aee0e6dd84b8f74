"""The server's log: one JSON object per line, without personal data: a request has its route there, not its path."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback
from typing import Any

from retail_assets.errors import RetailError


def log(event: str, **facts: Any) -> None:
    """Write an event to standard error."""
    _write({"time": _now(), "level": "info", "event": event, **facts})


def log_failure(error: BaseException, **facts: Any) -> None:
    """Write what went wrong inside and where, without the values that it was about: these may be a customer's."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    # The family's messages name places and files; those of others may have any value in them.
    text = {"text": str(error)[:500]} if isinstance(error, RetailError) else {}
    about = {"error": type(error).__name__, **text, "at": where, **facts}
    _write({"time": _now(), "level": "error", "event": "failure", **about})


class JsonFormatter(logging.Formatter):
    """Writes the records of uvicorn as the other lines are."""

    def format(self, record: logging.LogRecord) -> str:
        content = {"time": _now(), "level": record.levelname.lower(), "event": "server", "text": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            content["error"] = record.exc_info[0].__name__
        return _line(content)


LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
"""For uvicorn; its own log of requests is off, since it has whole paths."""


def _write(content: dict[str, Any]) -> None:
    try:
        sys.stderr.write(_line(content) + "\n")
    except (OSError, ValueError):  # nobody reads the log any more, or the disk is full: answers go on
        return


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=True, separators=(",", ":"))


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")

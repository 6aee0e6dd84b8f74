"""The server's log: one JSON object per line, without personal data: a request has its route there, not its path."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import sys
import time
import traceback
from typing import Any

from retail_assets.errors import RetailError


def log(event: str, **facts: Any) -> None:
    """Write an event to standard error."""
    _write({"time": _now(), "level": "info", "event": event, **facts})


def log_request(request: str, method: str, route: str, status: int, seconds: float, size: int, key: str | None) -> None:
    """Write that a request was answered. It is the line of most servers' days, so it is put together by hand."""
    who = "" if key is None else f',"key":{_quoted(key)}'
    _put(
        f'{{"time":"{_now()}","level":"info","event":"request","request":"{request}","method":{_quoted(method)},'
        f'"route":{_quoted(route)},"status":{status},"ms":{seconds * 1000:.2f},"bytes":{size}{who}}}\n'
    )


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
    _put(_line(content) + "\n")


def _put(line: str) -> None:
    # Nobody may read the log any more, or the disk is full: answers go on.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line)


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=True, separators=(",", ":"))


@functools.lru_cache(maxsize=1000)
def _quoted(text: str) -> str:
    return json.dumps(text)


def _now() -> str:
    now = time.time()
    return f"{_second(int(now))}.{int(now * 1000) % 1000:03d}+00:00"


@functools.lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))

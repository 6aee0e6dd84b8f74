"""Calls a WSGI application as a server does, and checks that it keeps WSGI's rules."""

from __future__ import annotations

import io
import urllib.parse
import wsgiref.util
import wsgiref.validate
from collections.abc import Callable
from typing import Any

from retail_assets_tests.serving.questions import Request

Answer = tuple[int, dict[str, str], bytes]


def call(app: Callable[..., Any], request: Request, below: str = "", host: str = "127.0.0.1") -> Answer:
    """Return status, headers (names in lower case) and body of what an application answers.

    Args:
        app: the application.
        request: with a path below `below`.
        below: where the answers are mounted in the application.
        host: name in the Host header.
    """
    environ: dict[str, Any] = {}
    wsgiref.util.setup_testing_defaults(environ)
    raw = urllib.parse.unquote_to_bytes(below + request.path).decode("latin-1")
    environ |= {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": raw,
        "QUERY_STRING": request.query,
        "HTTP_HOST": host,
        "wsgi.input": io.BytesIO(request.body),
    }
    if request.body or request.method == "POST":
        environ["CONTENT_LENGTH"] = str(len(request.body))
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda data: None

    chunks = wsgiref.validate.validator(app)(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()  # type: ignore[attr-defined]
    status, headers = started[-1]
    return int(status[:3]), {name.lower(): value for name, value in headers}, body

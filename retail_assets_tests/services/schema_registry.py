"""A schema registry on a real socket: Confluent's answers for schemas by id and by subject, as it documents them.

It can be stopped and started again, ask for a login, and answer with any status.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TYPE = "application/vnd.schemaregistry.v1+json"


class SchemaRegistry:
    """`status` is what it answers instead of a schema; `login` is user and password that it asks for.

    `late` are ids that it knows from the second question on, as a node that follows another one; for `failing` ones it
    answers with an error of its own.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.status: int | None = None
        self.body: bytes | None = None
        self.login: tuple[str, str] | None = None
        self.late: set[int] = set()
        self.failing: set[int] = set()
        self.asked: list[str] = []
        self._context = context
        self._schemas: dict[int, dict[str, Any]] = {}
        self._subjects: dict[str, int] = {}
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://localhost:{self._port}"

    def add(
        self,
        schema: Any,
        *,
        number: int | None = None,
        kind: str | None = None,
        subject: str | None = None,
        references: Sequence[str] = (),
    ) -> int:
        """Register a schema (JSON, or a text as it is) and return its id; `references` are subjects."""
        number = len(self._schemas) + 1 if number is None else number
        entry: dict[str, Any] = {"schema": schema if isinstance(schema, str) else json.dumps(schema)}
        if kind:
            entry["schemaType"] = kind
        if references:
            entry["references"] = [{"name": name, "subject": name, "version": 1} for name in references]
        self._schemas[number] = entry
        if subject:
            self._subjects[subject] = number
        return number

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, body = outer._answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Type", _TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        if self._context:
            self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def _answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        if self.status is not None:
            return self.status, self.body or _error(self.status, f"HTTP {self.status}")
        if self.login is not None:
            expected = base64.b64encode(":".join(self.login).encode()).decode()
            if authorization != f"Basic {expected}":
                return 401, _error(401, "Unauthorized")
        match path.partition("?")[0].strip("/").split("/"):
            case ["schemas", "ids", number]:
                if int(number) in self.late:
                    self.late.discard(int(number))
                    return 404, _error(40403, "Schema not found")
                if int(number) in self.failing:
                    return 500, _error(50001, "Error in the backend data store")
                found = self._schemas.get(int(number))
                return (200, json.dumps(found).encode()) if found else (404, _error(40403, "Schema not found"))
            case ["subjects", subject, "versions", "1"]:
                registered = self._subjects.get(urllib.parse.unquote(subject))
                if registered is None:
                    return 404, _error(40401, f"Subject '{subject}' not found.")
                return 200, json.dumps(
                    {"subject": subject, "version": 1, "id": registered, **self._schemas[registered]}
                ).encode()
        return 404, _error(404, "HTTP 404 Not Found")


def _error(code: int, message: str) -> bytes:
    return json.dumps({"error_code": code, "message": message}).encode()


@contextmanager
def schema_registry(context: ssl.SSLContext | None = None) -> Iterator[SchemaRegistry]:
    """Run a schema registry until the block ends."""
    running = SchemaRegistry(context)
    try:
        yield running
    finally:
        running.stop()

"""A server that takes OpenLineage events on a real socket, and can be made to hang, to refuse, or to redirect."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LineageServer:
    """`status` is what it answers; None: it takes the request and never answers, until it is released."""

    def __init__(self) -> None:
        self.status: int | None = 201
        self.refuses: str | None = None
        self.events: list[str] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.asked_at: list[float] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.paths.append(self.path)
                outer.keys.append(self.headers.get("Authorization"))
                outer.asked_at.append(time.time())
                if outer.status is None:
                    outer.released.wait(60)
                    self.close_connection = True
                    return
                refused = outer.refuses is not None and outer.refuses in body
                status = 422 if refused else outer.status
                if status < 300:
                    outer.events.append(body)
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def lineage_server() -> Iterator[LineageServer]:
    server = LineageServer()
    try:
        yield server
    finally:
        server.close()

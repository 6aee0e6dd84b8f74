"""Receivers of alerts: a web server and a mail server that are really there, and that can be away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebReceiver:
    """Takes what is posted to it. `answer` says the status of the next requests; one of 200 is received."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.identities: list[str] = []
        self.paths: list[str] = []
        self.answer: Callable[[dict[str, Any]], int] = lambda body: 200
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = receiver.answer(body)
                receiver.paths.append(self.path)
                if status == 200:
                    receiver.bodies.append(body)
                    receiver.identities += self.headers["Idempotency-Key"].split(",")
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self._handler = Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/B0/hook-secret-token"

    @property
    def texts(self) -> list[str]:
        return [str(body["text"]) for body in self.bodies]

    def go_away(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self._serve()

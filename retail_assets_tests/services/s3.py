"""A real moto server in its own process, and a door in front of it that records requests and can break them."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import http.server
import socket
import struct
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from retail_assets_tests.services.server import served


def moto(folder: Path) -> contextlib.AbstractContextManager[str]:
    """All of AWS that moto knows, at one URL."""

    def healthy(url: str) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    program = str(Path(sys.executable).with_name("moto_server"))
    return served(lambda port: [program, "-H", "127.0.0.1", "-p", str(port)], folder / "moto.log", healthy)


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the door says in place of S3."""

    status: int
    code: str = ""
    message: str = ""
    region: str = ""

    def body(self) -> bytes:
        return f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>".encode()


#: What may be done to a request instead of passing it on; "after" passes it on and loses the answer.
Fault = Answer | str  # "reset", "after", "cut"


class Door:
    """A proxy before an S3 endpoint. `requests` holds what passed; `faults` are used up, one a request that it fits."""

    def __init__(self, target: str) -> None:
        self.requests: list[Request] = []
        self._faults: list[tuple[Fault, Callable[[Request], bool]]] = []
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        door, host = self, urlsplit(target).netloc

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {k.lower(): v for k, v in self.headers.items()}
                request = Request(self.command, unquote(parts.path), query, headers)
                body = self._body()
                fault = door._met(request)
                if fault == "reset":
                    self._reset()
                elif isinstance(fault, Answer):
                    self._say(fault.status, {"x-amz-bucket-region": fault.region}, fault.body())
                else:
                    # S3 compares and writes in one step; moto looks first and writes then, in threads.
                    conditional = {"if-match", "if-none-match"} & set(headers) and self.command == "PUT"
                    turn = door._one_at_a_time if conditional else contextlib.nullcontext()
                    upstream = http.client.HTTPConnection(host, timeout=60)
                    with turn, contextlib.closing(upstream):
                        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("expect", "connection")}
                        kept.pop("Transfer-Encoding", None)
                        kept["Content-Length"] = str(len(body))
                        upstream.request(self.command, self.path, body, kept)
                        answer = upstream.getresponse()
                        data = answer.read()
                    if fault == "after":
                        self._reset()
                    else:
                        self._say(answer.status, dict(answer.getheaders()), data, cut=fault == "cut")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the base class names them

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(chunks)

            def _say(self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                length = (
                    headers.get("Content-Length", headers.get("content-length")) if self.command == "HEAD" else None
                )
                self.send_header("Content-Length", length or str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if cut else data)
                if cut:
                    self.wfile.flush()
                    self._reset()

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def finish(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that hangs up is no news

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def meets(self, *faults: Fault, when: Callable[[Request], bool] = lambda _: True) -> None:
        """Do these things, one after the other, to the coming requests that fit."""
        with self._lock:
            self._faults.extend((fault, when) for fault in faults)

    def _met(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            for position, (fault, when) in enumerate(self._faults):
                if when(request):
                    del self._faults[position]
                    return fault
        return None

    @property
    def log(self) -> list[str]:
        """The requests in words: `GET key`, `LIST prefix`."""
        words = []
        for r in self.requests:
            if "list-type" in r.query:
                words.append(f"LIST {r.query.get('prefix', '')}")
            else:
                words.append(f"{r.method} {r.path.split('/', 2)[2] if r.path.count('/') > 1 else ''}".strip())
        return words

    def __enter__(self) -> Door:
        threading.Thread(target=self._server.serve_forever, name="door", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

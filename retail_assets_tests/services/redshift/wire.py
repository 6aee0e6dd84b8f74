"""A model of Redshift: the protocol as `redshift_connector` speaks it in front, a real PostgreSQL behind.

    client --(start-up, TLS, password, Redshift's SQL)--> wire --> PostgreSQL, the same session and transaction

What Redshift has and PostgreSQL lacks is translated (`dialect`) or done here (`transfer`); what Redshift refuses is
refused. It is no Redshift: planning, distribution, encoding, snapshots and numbers of digits are PostgreSQL's.
Strictly in step: what the client sends up to a Sync goes on, then the whole answer goes back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from retail_assets_tests.services.redshift import dialect
from retail_assets_tests.services.redshift.backend import Backend, BackendError, packed, read_message
from retail_assets_tests.services.redshift.transfer import Transfer, TransferError

_SSL_REQUEST, _GSS_REQUEST, _START_UP = 80877103, 80877104, 196608
_NOTHING = "SET redshift.transferred TO ''"

_SYSTEM_VIEWS = """
CREATE TABLE IF NOT EXISTS pg_catalog.sys_load_error_detail (
    query_id bigint, session_id bigint, start_time timestamp DEFAULT now(), file_name text, line_number bigint,
    column_name text, error_code integer, error_message text);
GRANT SELECT ON pg_catalog.sys_load_error_detail TO PUBLIC;
"""

#: As Redshift: backslashes escape in literals, transactions are serializable.
_SESSION = {
    "default_transaction_isolation": "serializable",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "client_min_messages": "error",
    "TimeZone": "UTC",
}


class Cut(Exception):  # noqa: N818 - not an error of anybody's
    """Raised by a hook: the connection is lost now."""


@dataclass(frozen=True)
class Event:
    """A statement before PostgreSQL gets it, or after it has run and before the client hears of it."""

    when: Literal["before", "after"]
    sql: str
    session: int


@dataclass
class Wire:
    """The server. `hooks` are called at every event and may raise Cut, kill, or wait."""

    path: Path
    database: str
    authenticate: Callable[[str, str], str | None]
    tls: ssl.SSLContext
    s3: Any
    roles: frozenset[str]
    port: int = 0
    hooks: list[Callable[[Event], None]] = field(default_factory=list)
    statements: list[tuple[int, str]] = field(default_factory=list)
    startups: list[dict[str, str]] = field(default_factory=list)

    def as_superuser(self, *statements: str) -> list[list[str | None]]:
        """Run statements behind the wire's back; rows of the last one."""
        with contextlib.closing(Backend(self.path, "postgres", self.database)) as backend:
            backend.started()
            return [backend.ask(sql) for sql in statements][-1]

    def happened(self, event: Event) -> None:
        if event.when == "before":
            self.statements.append((event.session, event.sql))
        for hook in list(self.hooks):
            hook(event)

    @contextlib.contextmanager
    def hooked(self, hook: Callable[[Event], None]) -> Iterator[None]:
        self.hooks.append(hook)
        try:
            yield
        finally:
            self.hooks.remove(hook)


@contextlib.contextmanager
def serving(wire: Wire) -> Iterator[Wire]:
    """Serve on a free port of 127.0.0.1 until the block ends."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 32

    class Session(_Session):
        pass

    Session.wire = wire
    wire.as_superuser(_SYSTEM_VIEWS)
    with Server(("127.0.0.1", wire.port), Session) as server:
        wire.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, name="wire", daemon=True).start()
        try:
            yield wire
        finally:
            server.shutdown()


class _Session(socketserver.BaseRequestHandler):
    """One client and its session of PostgreSQL."""

    wire: Wire
    backend: Backend | None = None

    def handle(self) -> None:
        try:
            if self._start():
                while self._batch():
                    pass
        except (ConnectionError, OSError, struct.error, Cut, ValueError):
            pass  # one of the two is gone; so is this session
        finally:
            if self.backend is not None:
                self.backend.close()
            with contextlib.suppress(OSError):
                self.request.close()

    def _start(self) -> bool:
        while True:
            length, code = struct.unpack("!ii", self._receive(8))
            body = self._receive(length - 8)
            if code == _SSL_REQUEST:
                self.request.sendall(b"S")
                self.request = self.wire.tls.wrap_socket(self.request, server_side=True)
            elif code == _START_UP:
                break
            else:
                self.request.sendall(b"N")
        self.client = self.request.makefile("rb")
        parts = body.rstrip(b"\0").decode().split("\0")
        given = dict(zip(parts[::2], parts[1::2], strict=False))
        self.wire.startups.append(given)
        self._send(packed(b"R", struct.pack("!i", 3)))  # the password, please
        _, password = read_message(self.client)
        role = self.wire.authenticate(given["user"], password[:-1].decode())
        if role is None:
            message = f'password authentication failed for user "{given["user"]}"'
            self._send(_error("28000", message))
            return False
        self.backend = Backend(self.wire.path, role, given.get("database", ""), **_SESSION)
        try:
            messages = self.backend.started()
        except BackendError as e:
            self._send(packed(b"E", e.raw))
            return False
        out = b""
        for tag, content in messages:
            if tag == b"S" and content.startswith(b"server_version\0"):
                content = b"server_version\x008.0.2\0"
            out += packed(tag, content)
        self._send(out)
        self.texts: dict[bytes, str] = {}
        self.transfers: dict[bytes, Transfer] = {}
        return True

    def _batch(self) -> bool:
        """Everything up to a Sync or a simple query, and its answer. False when the client says goodbye."""
        assert self.backend is not None
        onward = bytearray()
        ran: list[str] = []
        failed: TransferError | BackendError | None = None
        while True:
            tag, body = read_message(self.client)
            if tag == b"X":
                self.backend.send(packed(tag, body))
                return False
            if failed is None:
                try:
                    body = self._rewritten(tag, body, ran)
                except (TransferError, BackendError) as e:
                    failed = e
            onward += packed(tag, body)
            if tag in b"SQ":
                break
        if isinstance(failed, BackendError):
            answer = packed(b"E", failed.raw) + packed(b"Z", self.backend.status)
        else:
            if failed is not None:  # raised behind the wire, so that the transaction there is aborted for real
                onward = bytearray(packed(b"Q", _raising(failed).encode() + b"\0"))
                self._log(failed)
            self.backend.send(bytes(onward))
            answer = self._answer()
        for sql in ran:
            self.wire.happened(Event("after", sql, self.backend.pid))
        self._send(answer)
        return True

    def _rewritten(self, tag: bytes, body: bytes, ran: list[str]) -> bytes:
        """The message as PostgreSQL shall get it. Does a COPY or UNLOAD when it is bound to run."""
        assert self.backend is not None
        if tag == b"P":
            name, text, rest = body.split(b"\0", 2)
            sql = text.decode()
            self.texts[name] = sql
            self.transfers.pop(name, None)
            if reason := dialect.refusal(sql):
                raise TransferError(reason, code="0A000")
            if transfer := Transfer.of(sql, self.wire.roles):
                self.transfers[name] = transfer
                sql = _NOTHING
            return name + b"\0" + dialect.translated(sql).encode() + b"\0" + rest
        if tag == b"Q":
            sql = body[:-1].decode()
            self._happens(sql, ran)
            if reason := dialect.refusal(sql):
                raise TransferError(reason, code="0A000")
            return dialect.translated(sql).encode() + b"\0"
        if tag == b"B":
            name = body.split(b"\0", 2)[1]
            self._happens(self.texts[name], ran)
            if transfer := self.transfers.get(name):
                transfer.run(self.backend, self.wire.s3)
        return body

    def _happens(self, sql: str, ran: list[str]) -> None:
        assert self.backend is not None
        ran.append(sql)
        self.wire.happened(Event("before", sql, self.backend.pid))

    def _answer(self) -> bytes:
        assert self.backend is not None
        answer = bytearray()
        while True:
            tag, body = read_message(self.backend.stream)
            if tag == b"E":
                body = _as_redshift(body)
            answer += packed(tag, body)
            if tag == b"Z":
                self.backend.status = body
                return bytes(answer)

    def _log(self, error: TransferError) -> None:
        assert self.backend is not None
        if error.file:
            texts = (error.file, error.column, f"{error} {error.detail}".strip())
            values = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
            self.wire.as_superuser(
                "INSERT INTO pg_catalog.sys_load_error_detail (session_id, line_number, error_code, file_name, "
                f"column_name, error_message) VALUES ({self.backend.pid}, 0, 15007, {values})"
            )

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (more := self.request.recv(size - len(data))):
                raise ConnectionError("closed")
            data += more
        return data

    def _send(self, data: bytes) -> None:
        self.request.sendall(data)


def _error(code: str, message: str) -> bytes:
    return packed(b"E", f"SFATAL\0C{code}\0M{message}\0\0".encode())


def _as_redshift(body: bytes) -> bytes:
    """A conflict of transactions, in Redshift's words."""
    fields = [part for part in body.split(b"\0") if part]
    if b"C40001" not in fields:
        return body
    kept = [part for part in fields if part[:1] in b"SV"]
    kept += [b"CXX000", b"M1023", b"DSerializable isolation violation on table in Redshift"]
    return b"\0".join(kept) + b"\0\0"


def _raising(error: TransferError) -> str:
    def literal(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    return (
        f"DO $raise$ BEGIN RAISE EXCEPTION USING ERRCODE = {literal(error.code)}, MESSAGE = {literal(str(error))}, "
        f"DETAIL = {literal(error.detail)}; END $raise$"
    )


def renamed(wire: Wire, **changes: Any) -> Wire:
    """Another wire in front of the same PostgreSQL."""
    return dataclasses.replace(wire, port=0, hooks=[], statements=[], startups=[], **changes)

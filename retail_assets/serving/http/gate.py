"""What every request passes, whatever it asks for: host, key, rate and size are checked, then it is counted and logged.

It is plain ASGI around the application, so that a request that is turned away costs next to nothing.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from retail_assets.serving.http.keys import KeyFile
from retail_assets.serving.http.logs import log_failure, log_request
from retail_assets.serving.http.metrics import Metrics
from retail_assets.serving.http.options import ServerOptions
from retail_assets.serving.http.rates import RateLimit
from retail_assets.serving.requests import RequestError, Response, refused, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

ROUTE = "retail_assets.route"
"""Where the application leaves the template of the path in the scope."""
CLOSED = "default-src 'none'; frame-ancestors 'none'"
"""Content security policy of what is no page: nothing in it is ever run or shown in another page."""
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CHALLENGE = (("www-authenticate", 'Bearer realm="retail-assets", Basic realm="retail-assets"'),)
_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_PREFLIGHT_SECONDS = 600


class Gate:
    """An ASGI application around another one."""

    def __init__(self, inner: Application, options: ServerOptions, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics
        self._keys = KeyFile(Path(options.keys)) if options.keys is not None else None
        self._rate = RateLimit(options.rate / options.workers)
        self._hosts = options.hosts
        self._origins = frozenset(options.allowed_origins)
        self._most = options.most_body_bytes
        self._log = options.access_log
        # Ids of requests: of this worker, counted. They are no secret.
        self._first, self._numbers = secrets.token_hex(4), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        request = f"{self._first}{next(self._numbers):08x}"
        headers = dict(scope["headers"])
        extra = (*_ALWAYS, (b"x-request-id", request.encode()), *self._of_origin(headers))
        status = written = 0

        async def sending(message: Message) -> None:
            nonlocal status, written
            if message["type"] == "http.response.start":
                status = message["status"]
                has_policy = any(name == b"content-security-policy" for name, _ in message["headers"])
                policy = () if has_policy else ((b"content-security-policy", CLOSED.encode()),)
                message["headers"] = [*message["headers"], *extra, *policy]
            elif message["type"] == "http.response.body":
                written += len(message.get("body", b""))
            await send(message)

        self._metrics.running += 1
        key: str | None = None
        try:
            try:
                key = self._checked(scope, headers)
            except RequestError as e:
                await send_response(refused(e), sending)
            else:
                if self._is_preflight(scope, headers):
                    await send_response(self._preflight(), sending)
                else:
                    await self._inner(scope, receive, sending)
        except Exception as e:  # a bug of ours; the client gets an answer if none has begun
            log_failure(e, request=request, route=scope.get(ROUTE))
            if not status:
                await send_response(refused(e), sending)
        finally:
            self._metrics.running -= 1
            seconds = time.perf_counter() - started
            route = scope.get(ROUTE, "(none)")
            self._metrics.count(scope["method"], route, status, seconds)
            if self._log:
                log_request(request, scope["method"][:10], route, status, seconds, written, key)

    def _checked(self, scope: Scope, headers: dict[bytes, bytes]) -> str | None:
        """Return the name of the request's key, if keys are asked for. Raises RequestError."""
        if self._hosts is not None and not self._host_is_ours(headers):
            self._metrics.refuse("host")
            raise RequestError(
                421,
                "misdirected-request",
                "This server answers only to the names of this machine. Another one is allowed with --allow-host NAME.",
            )
        name = None
        if self._keys is not None and scope["path"] not in _OPEN_PATHS:
            name = self._keys.name_of(_key(headers)) if not self._is_preflight(scope, headers) else "(preflight)"
            if name is None:
                self._metrics.refuse("key")
                self._limit(f"without a key {_address(scope)}")
                raise RequestError(
                    401,
                    "unauthorized",
                    "Send an API key: `Authorization: Bearer KEY`, or `X-API-Key: KEY`.",
                    _CHALLENGE,
                )
        if scope["path"] not in _OPEN_PATHS:
            self._limit(name or _address(scope))
        length = headers.get(b"content-length", b"0")
        # What is longer than the limit is not read at all: the connection ends with the answer.
        if len(length) > 12 or (length.isdigit() and int(length) > self._most):
            self._metrics.refuse("body")
            raise too_large(self._most, (("connection", "close"),))
        return name

    def _limit(self, client: str) -> None:
        wait = self._rate.seconds_to_wait(client)
        if wait:
            self._metrics.refuse("rate")
            raise RequestError(
                429, "too-many-requests", f"Too many requests. Wait {wait} s.", (("retry-after", str(wait)),)
            )

    def _host_is_ours(self, headers: dict[bytes, bytes]) -> bool:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdigit() or host.endswith("]"):
            name = host
        return self._hosts is not None and name in self._hosts

    def _of_origin(self, headers: dict[bytes, bytes]) -> tuple[Header, ...]:
        if not self._origins:
            return ()
        origin = headers.get(b"origin", b"")
        allowed = ((b"access-control-allow-origin", origin),) if origin.decode("latin-1") in self._origins else ()
        expose = ((b"access-control-expose-headers", b"etag, retry-after, x-request-id"),) if allowed else ()
        return ((b"vary", b"origin"), *allowed, *expose)

    def _is_preflight(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        return (
            scope["method"] == "OPTIONS"
            and b"access-control-request-method" in headers
            and headers.get(b"origin", b"").decode("latin-1") in self._origins
        )

    def _preflight(self) -> Response:
        return Response(
            204,
            (
                ("access-control-allow-methods", "GET, HEAD, POST"),
                ("access-control-allow-headers", "authorization, x-api-key, content-type, if-none-match"),
                ("access-control-max-age", str(_PREFLIGHT_SECONDS)),
            ),
            b"",
        )


async def send_response(response: Response, send: Send) -> None:
    """Send a response that is ready."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    if response.status not in (204, 304) and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _key(headers: dict[bytes, bytes]) -> str:
    """The key of a request: as a bearer, in a header of its own, or as the password that a browser asks for."""
    own = headers.get(b"x-api-key")
    if own is not None:
        return own.decode("latin-1").strip()
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (ValueError, binascii.Error):
            return ""
    return ""


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "(unknown)"

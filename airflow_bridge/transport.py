"""One question to Dagster's GraphQL over HTTP: bounded in time and size, every failure in words. Needs only httpx."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from airflow_bridge.answers import AnswerError, Body
from airflow_bridge.problems import DagsterError, RefusedError, UnreachableError

#: HTTP status of a proxy in between while Dagster is down.
_TEMPORARY = frozenset({429, 502, 503, 504})
#: A request may take so many times the timeout from beginning to end, however steadily its answer trickles in.
_TIMES = 4
#: A shorter header value is not a secret, and masking it would garble ordinary words.
_SHORTEST_SECRET = 5


@dataclass
class GraphQL:
    """The GraphQL endpoint of one Dagster webserver.

    `timeout`: seconds without an answer; a whole request may take four times as long. `verify`: verify TLS or not, or a
    CA file.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout: float = 30.0
    verify: bool | str = True
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    async_transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")

    def ask(self, query: str, field: str, **variables: Any) -> Any:
        """Return one field of the answer. Raises UnreachableError or RefusedError."""
        late = threading.Event()
        with (
            self._explained(late),
            httpx.Client(
                timeout=self.timeout, headers=self.headers, auth=self.auth, verify=self._tls(), transport=self.transport
            ) as http,
        ):

            def give_up() -> None:
                late.set()
                http.close()  # whoever waits for the next bytes then gets an error

            timer = threading.Timer(self.timeout * _TIMES, give_up)
            timer.daemon = True
            timer.start()
            try:
                with http.stream("POST", f"{self.url}/graphql", json={"query": query, "variables": variables}) as reply:
                    body = Body(reply.headers)
                    for chunk in cast("httpx.SyncByteStream", reply.stream):
                        body.add(chunk)
            finally:
                timer.cancel()
        return self._answer(reply, body.data, field)

    async def aask(self, query: str, field: str, **variables: Any) -> Any:
        """Like `ask`, for the triggerer."""
        late = threading.Event()

        async def answer() -> tuple[httpx.Response, bytes]:
            async with (
                httpx.AsyncClient(
                    timeout=self.timeout,
                    headers=self.headers,
                    auth=self.auth,
                    verify=self._tls(),
                    transport=self.async_transport,
                ) as http,
                http.stream("POST", f"{self.url}/graphql", json={"query": query, "variables": variables}) as reply,
            ):
                body = Body(reply.headers)
                async for chunk in cast("httpx.AsyncByteStream", reply.stream):
                    body.add(chunk)
            return reply, body.data

        with self._explained(late):
            try:
                reply, data = await asyncio.wait_for(answer(), self.timeout * _TIMES)
            except asyncio.TimeoutError:  # noqa: UP041 - another class before Python 3.11
                late.set()
                raise
        return self._answer(reply, data, field)

    def _tls(self) -> bool | ssl.SSLContext:
        if isinstance(self.verify, bool):
            return self.verify
        try:
            return ssl.create_default_context(cafile=self.verify)
        except OSError as e:
            raise RefusedError(
                f"`verify` in the Airflow connection is {self.verify!r}, which is not a certificate file: {e}"
            ) from e

    @contextlib.contextmanager
    def _explained(self, late: threading.Event) -> Iterator[None]:
        """Explain network errors so that whoever is paged knows where to look. `late`: the request was given up."""
        try:
            yield
        except DagsterError:
            raise
        except AnswerError as e:
            raise RefusedError(
                f"{self.url} {e}. Check that the host of the Airflow connection is that of dagster-webserver."
            ) from None
        except Exception as e:
            explained = self._late() if late.is_set() else self._in_words(e)
            if explained is None:
                raise
            raise explained from e

    def _late(self) -> UnreachableError:
        return UnreachableError(
            f"Dagster at {self.url} did not finish its answer within {self.timeout * _TIMES:g} s. If it is busy, raise "
            "`timeout` in the extra of the Airflow connection.",
            sent=True,
        )

    def _in_words(self, error: Exception) -> DagsterError | None:
        """Return what a network error means; None for an error that is not the network's."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            hint = (
                "Is dagster-webserver running, and is this the host and port of the Airflow connection?"
                if "CERTIFICATE" not in str(error)
                else "Set `verify` in the extra of the Airflow connection to the file of the CA to trust."
            )
            reason = str(error) or type(error).__name__
            return UnreachableError(f"Nothing answers at {self.url} ({reason}). {hint}", sent=False)
        if isinstance(error, httpx.TimeoutException):
            return UnreachableError(
                f"Dagster at {self.url} did not answer within {self.timeout:g} s. If it is busy, raise `timeout` in "
                "the extra of the Airflow connection.",
                sent=True,
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return RefusedError(
                f"{self.url!r} is not an address of Dagster ({error}). Set the host of the Airflow connection, for "
                "example to http://127.0.0.1:3000"
            )
        if isinstance(error, httpx.HTTPError):
            return UnreachableError(
                self.masked(f"The connection to Dagster at {self.url} was lost: {error!r}"), sent=True
            )
        return None

    def _answer(self, reply: httpx.Response, data: bytes, field: str) -> Any:
        """Return Dagster's answer, or raise what came instead. A PythonError of Dagster is HTTP 500 with JSON."""
        status = f"HTTP {reply.status_code}"
        if reply.status_code in (401, 403):
            raise RefusedError(
                f"{self.url} refuses Airflow's login ({status}). Set the password (an API token) or the headers of "
                "the Airflow connection."
            )
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and isinstance(body.get("data"), dict) and body["data"].get(field) is not None:
            return body["data"][field]
        if isinstance(body, dict) and body.get("errors"):
            messages = "; ".join(str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in body["errors"])
            text = self.masked(f"Dagster at {self.url} failed to answer ({status}): {messages}")
            # Dagster's own code failed, for example on its database; it may have done what it was asked before that.
            raise UnreachableError(text, sent=True) if reply.status_code >= 500 else RefusedError(text)
        if reply.status_code in _TEMPORARY or (reply.status_code >= 500 and body is None):
            raise UnreachableError(f"{self.url} is not available ({status})", sent=True)
        what = "HTML" if "html" in reply.headers.get("content-type", "") else "something else"
        raise RefusedError(
            f"{self.url}/graphql is not Dagster's GraphQL: it answered with {what} ({status}). Check that the host of "
            "the connection is that of dagster-webserver, with its path prefix."
        )

    def masked(self, text: object) -> str:
        """Mask secrets meant for the webserver, in case something on the way has repeated them in its message."""
        shown = str(text)
        values = [*self.headers.values(), *(self.auth[1:] if self.auth else ())]
        secrets = {word for value in values for word in (value, value.partition(" ")[2])}
        if self.auth:
            login = ":".join(self.auth)
            secrets |= {login, base64.b64encode(login.encode()).decode()}
        written = {
            form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], urllib.parse.quote(secret))
        }
        for word in sorted((w for w in written if len(w) >= _SHORTEST_SECRET), key=len, reverse=True):
            shown = shown.replace(word, "***")
        return shown

"""Sends one event: to a server that speaks OpenLineage, or to the end of a file. Bounded waits, no attempt of its own.

The client of OpenLineage would try five times and wait in between, which is 9 s per event where nobody listens. Here
one attempt is made, and the spool keeps the event for later.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from retail_assets.errors import RetailError
from retail_assets.settings.lineage import LineageSettings
from retail_assets.storage.locks import lock_within

_SECONDS = 2.0
#: A server that says one of these has read the event and will never take it. Others may be a wrong key or address, or
#: a server that is not ready.
_NEVER = (400, 413, 415, 422)


class NotSentError(RetailError):
    """The event was not taken; another attempt later can help."""


class RefusedEventError(RetailError):
    """The server will never take this event."""


class Transport(Protocol):
    """Sends events. `place` says where to, without secrets."""

    place: str

    def send(self, event: str) -> None:
        """Send one JSON object. Raises NotSentError or RefusedEventError."""
        ...

    def problem(self) -> str | None:
        """Say why nothing could be sent, as far as that shows without sending; None where nothing shows."""
        ...


def open_transport(settings: LineageSettings) -> Transport:
    """Return what sends events where the settings say. Nothing is opened before the first event."""
    return ToFile(Path(settings.url)) if settings.is_file else ToServer(settings)


class ToFile:
    """Appends events to a file, one per line; two processes never mix lines."""

    def __init__(self, path: Path) -> None:
        self._path, self.place = path, str(path)

    def send(self, event: str) -> None:
        """Append one event. Raises NotSentError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if not lock_within(handle, _SECONDS):
                    raise NotSentError(f"{self.place} is locked by another process")
                with os.fdopen(os.dup(handle), "ab") as file:
                    file.write(f"{event}\n".encode())
            finally:
                os.close(handle)
        except OSError as e:
            raise NotSentError(f"{self.place} cannot be written: {e.strerror or e}") from None

    def problem(self) -> str | None:
        """Say why the file cannot be written to."""
        there = self._path if self._path.exists() else next(p for p in self._path.parents if p.exists())
        return None if os.access(there, os.W_OK) else f"{there} cannot be written"


class ToServer:
    """Posts events to `<url>/api/v1/lineage`, with the transport of OpenLineage's client."""

    def __init__(self, settings: LineageSettings) -> None:
        import requests
        from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

        self.place = settings.url
        session = requests.Session()
        session.max_redirects = 0  # a POST that is redirected becomes a GET, which says OK and takes no event
        key = settings.api_key
        auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
        config = HttpConfig(url=f"{settings.url}/", timeout=_SECONDS, retry={"total": 0}, auth=auth, session=session)
        self._transport = HttpTransport(config)

    def send(self, event: str) -> None:
        """Post one event. Raises NotSentError or RefusedEventError."""
        import json

        import requests

        try:
            self._transport.emit(json.loads(event))
        except requests.HTTPError as e:
            status = e.response.status_code if e.response is not None else 0
            if status in _NEVER:
                raise RefusedEventError(f"{self.place} refused an event (HTTP {status})") from None
            raise NotSentError(f"{self.place} answered with HTTP {status}{_advice(status)}") from None
        except requests.Timeout:
            raise NotSentError(f"{self.place} did not answer within {_SECONDS:g} s") from None
        except requests.TooManyRedirects:
            raise NotSentError(f"{self.place} redirects to another address: set RETAIL_LINEAGE_URL to that") from None
        except requests.RequestException as e:
            raise NotSentError(f"{self.place} cannot be reached ({type(e).__name__})") from None

    def problem(self) -> str | None:
        """Say why nobody can be reached at the address."""
        address = urlsplit(self.place)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            socket.create_connection((address.hostname or "", port), _SECONDS).close()
        except OSError as e:
            return f"{self.place} cannot be reached ({e.strerror or type(e).__name__})"
        return None


def _advice(status: int) -> str:
    if status in (401, 403):
        return ": check RETAIL_LINEAGE_API_KEY"
    return ": check RETAIL_LINEAGE_URL" if status in (404, 405) else ""

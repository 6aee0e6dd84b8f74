"""The schema registry: which schema an id names, asked over Confluent's protocol, and its answers in words.

While it is away it is waited for, as the broker is: a record is never called unreadable because nobody answers.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import requests

from retail_assets.errors import StreamError, StreamStoppedError, StreamUnreachableError
from retail_assets.settings.stream_registry import RegistrySettings
from retail_assets.storage.deadline import within

Say = Callable[[str], None]

_SECONDS = 10.0
_LARGEST_ANSWER = 2 << 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_MOST_REFERENCES = 50
_TRANSIENT = (408, 425, 429)
#: Confluent's own codes of what is not there. A wrong address answers 404 without one of them.
_NOT_THERE = range(40401, 40500)
#: A node of a registry that follows another one knows a new schema a moment later. Waited for once in this time.
_GRACE_SECONDS, _GRACE_EVERY = 1.0, 60.0
_HEADERS = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}


class UnknownSchemaError(Exception):
    """The registry has no schema of an id, or none of Avro; the message says which."""


class _AwayError(Exception):
    """No answer; the message says why."""


class Registry:
    """A schema registry. `wait` pauses for some seconds and returns whether to stop; `say` gets lines of text.

    `patience` is how long it is waited for, None for as long as it takes.
    """

    def __init__(
        self, settings: RegistrySettings, wait: Callable[[float], bool], say: Say, patience: float | None = None
    ) -> None:
        self._settings, self._wait, self._say, self._patience = settings, wait, say, patience
        self._session = requests.Session()
        self._session.headers.update(_HEADERS)
        # Always one of our own, also without a user: requests would take a login from ~/.netrc.
        login = settings.user, settings.password
        self._session.auth = (login[0], login[1]) if login[0] and login[1] else lambda request: request
        self._next_grace = 0.0

    def schema(self, number: int) -> tuple[str, list[str]]:
        """Return the text of a schema, and of those that it refers to, each after what it needs itself.

        Raises UnknownSchemaError if no record can be read with it, StreamError if the registry refuses,
        StreamUnreachableError if waiting for it ended.
        """
        path = f"schemas/ids/{number}"
        found = self._answer(path)
        if found is None and self._may_be_late():
            found = self._answer(path)
        if found is None:
            raise UnknownSchemaError(f"schema {number} is not in the registry")
        kind = found.get("schemaType", "AVRO")
        if kind != "AVRO":
            raise UnknownSchemaError(f"schema {number} is not Avro but {str(kind)[:40]}")
        texts: dict[tuple[str, str], str] = {}
        self._collect(number, found, texts)
        return _text(found), list(texts.values())

    def _may_be_late(self) -> bool:
        """Wait a moment for a schema that is new, but not often: any byte may stand where an id is."""
        now = time.monotonic()
        if now < self._next_grace:
            return False
        self._next_grace = now + _GRACE_EVERY
        if self._wait(_GRACE_SECONDS):
            raise self._stopped()
        return True

    def _collect(self, number: int, found: dict[str, Any], texts: dict[tuple[str, str], str], depth: int = 0) -> None:
        """Add the texts that a schema refers to, deepest first."""
        for reference in found.get("references") or []:
            place = (str(reference["subject"]), str(reference["version"]))
            if place in texts:
                continue
            if len(texts) >= _MOST_REFERENCES or depth >= _MOST_REFERENCES:
                raise UnknownSchemaError(f"schema {number} refers to more than {_MOST_REFERENCES} others")
            subject, version = (urllib.parse.quote(part, safe="") for part in place)
            other = self._answer(f"subjects/{subject}/versions/{version}")
            if other is None:
                raise UnknownSchemaError(f"schema {number} refers to {place[0][:80]}, which is not in the registry")
            self._collect(number, other, texts, depth + 1)
            texts[place] = _text(other)

    def _answer(self, path: str) -> dict[str, Any] | None:
        """Return an answer, None for what is not there, asking again with growing pauses while the registry is away."""
        begun, pause = time.monotonic(), _FIRST_PAUSE
        waited = False
        while True:
            try:
                answer = within(_SECONDS, lambda: self._asked(path))
            except (_AwayError, TimeoutError) as e:
                if not waited:
                    self._say(f"The schema registry does not answer ({e}). Waiting for it; nothing is lost.")
                waited = True
            else:
                if waited:
                    self._say(f"The schema registry answers again, after {time.monotonic() - begun:,.0f} s.")
                return answer
            if self._patience is not None and time.monotonic() - begun >= self._patience:
                raise StreamUnreachableError(
                    f"The schema registry at {self._settings.url} does not answer. Nothing is lost: the records land "
                    "when it is back. Check RETAIL_STREAM_REGISTRY, the network."
                )
            if self._wait(pause):
                raise self._stopped()
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _stopped(self) -> StreamStoppedError:
        return StreamStoppedError(
            f"Stopped while waiting for the schema registry at {self._settings.url}. Nothing is lost."
        )

    def _asked(self, path: str) -> dict[str, Any] | None:
        url, ca = self._settings.url, self._settings.ca
        try:
            with self._session.get(
                f"{url}/{path}",
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
                # Given with each request, because a variable of requests would take precedence over the session's.
                verify=str(ca) if ca else True,
            ) as got:
                status, body = got.status_code, _bounded(got)
        except requests.exceptions.SSLError as e:
            why = "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in str(e) else "TLS fails"
            raise StreamError(
                f"The schema registry at {url}: {why}. Set RETAIL_STREAM_REGISTRY_CA to the file of the authorities "
                "that signed its certificate (PEM), and check the address."
            ) from None
        except requests.RequestException as e:
            raise _AwayError(type(e).__name__) from None
        if status >= 500 or status in _TRANSIENT:
            raise _AwayError(f"HTTP {status}")
        if status in (401, 403):
            raise StreamError(
                f"The schema registry at {url} refuses: HTTP {status}. Check RETAIL_STREAM_REGISTRY_USER and "
                "RETAIL_STREAM_REGISTRY_PASSWORD, and that this user may read the schemas."
            )
        found = _parsed(body)
        if status == 404 and found is not None and found.get("error_code") in _NOT_THERE:
            return None
        if status != 200 or found is None or not isinstance(found.get("schema"), str):
            raise StreamError(
                f"{url} does not answer like a schema registry: HTTP {status} for /{path}. Set RETAIL_STREAM_REGISTRY "
                "to the address below which the registry has /schemas/ids."
            )
        return found


def _bounded(got: requests.Response) -> bytes:
    """Return the body of an answer; of one that is too large its beginning, which is no JSON."""
    body = b""
    for chunk in got.iter_content(64 << 10):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            break
    return body


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(found: dict[str, Any]) -> str:
    text: str = found["schema"]
    return text

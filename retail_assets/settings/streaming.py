"""Where sales are streamed from: the `RETAIL_STREAM_*` variables. The password appears in no repr and in no error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.errors import SettingsError, nearest, unusable, without_secrets
from retail_assets.settings.stream_registry import VARIABLES as REGISTRY_VARIABLES
from retail_assets.settings.stream_registry import RegistrySettings, existing_file
from retail_assets.settings.stream_registry import load as load_registry

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_STREAM_SERVERS": ("none", "Kafka brokers to stream from: host:port, several joined by commas"),
    "RETAIL_STREAM_TOPICS": ("needed to stream", "topics to land, joined by commas"),
    "RETAIL_STREAM_GROUP": (
        "retail-assets-<source>",
        "group under which offsets are reported to lag monitors; nothing depends on it",
    ),
    "RETAIL_STREAM_SECONDS": ("3", "seconds after which an unfinished batch lands, 0.1 to 3600"),
    "RETAIL_STREAM_RECORDS": ("50000", "records after which a batch lands, 1 to 1000000"),
    "RETAIL_STREAM_MEMORY": ("256m", "memory of `retail-assets stream`, 160m or more, such as 512m or 1g"),
    "RETAIL_STREAM_SECURITY": ("PLAINTEXT", "PLAINTEXT, SSL (TLS), SASL_SSL or SASL_PLAINTEXT, as the broker calls it"),
    "RETAIL_STREAM_CA": ("the machine's", "file of the authorities that signed the brokers' certificates (PEM)"),
    "RETAIL_STREAM_CERTIFICATE": ("none", "file of the client's own certificate (PEM), where the broker asks for one"),
    "RETAIL_STREAM_KEY": ("none", "file of its private key (PEM)"),
    "RETAIL_STREAM_SASL": ("needed with SASL", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    "RETAIL_STREAM_USER": ("needed with SASL", "user"),
    "RETAIL_STREAM_PASSWORD": ("needed with SASL", "its password"),
    **REGISTRY_VARIABLES,
}
_SECURITY = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
_SASL = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):([1-9]\d{0,4})\Z")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}\Z")
_FILES = {
    "RETAIL_STREAM_CA": "ca",
    "RETAIL_STREAM_CERTIFICATE": "certificate",
    "RETAIL_STREAM_KEY": "key",
}
_LEAST_MEGABYTES = 160


@dataclass(frozen=True)
class StreamSettings:
    """Where to stream from, how to log in, and how large a batch becomes. `megabytes` bounds the whole process."""

    servers: str
    topics: tuple[str, ...]
    group: str | None = None
    seconds: float = 3.0
    records: int = 50_000
    megabytes: int = 256
    security: str = "PLAINTEXT"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    sasl: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Where the schemas of Avro are; None if records are JSON.
    registry: RegistrySettings | None = None


def load(environ: Mapping[str, str]) -> StreamSettings | None:
    """Read and validate the settings; None if nothing is streamed. Raises SettingsError."""
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if not values:
        return None
    if missing := [name for name in ("RETAIL_STREAM_SERVERS", "RETAIL_STREAM_TOPICS") if name not in values]:
        raise SettingsError(
            f"{next(iter(values))} is set, and {missing[0]} is not ({VARIABLES[missing[0]][1]}). Set it, or unset the "
            "others. See docs/streaming.md."
        )
    security = values.get("RETAIL_STREAM_SECURITY", "PLAINTEXT")
    if security not in _SECURITY:
        raise unusable("RETAIL_STREAM_SECURITY", security, f"{', '.join(_SECURITY)}.{nearest(security, _SECURITY)}")
    files = {name: existing_file(name, values[name]) for name in _FILES if name in values}
    _refuse_incomplete(values, security)
    return StreamSettings(
        servers=_servers(values["RETAIL_STREAM_SERVERS"]),
        topics=_topics(values["RETAIL_STREAM_TOPICS"]),
        group=_group(values.get("RETAIL_STREAM_GROUP")),
        seconds=_seconds(values.get("RETAIL_STREAM_SECONDS", "3")),
        records=_records(values.get("RETAIL_STREAM_RECORDS", "50000")),
        megabytes=_megabytes(values.get("RETAIL_STREAM_MEMORY", "256m")),
        security=security,
        sasl=values.get("RETAIL_STREAM_SASL"),
        user=values.get("RETAIL_STREAM_USER"),
        # Leading and trailing blanks belong to it.
        password=environ["RETAIL_STREAM_PASSWORD"] if "RETAIL_STREAM_PASSWORD" in values else None,
        registry=load_registry(environ),
        **{_FILES[name]: path for name, path in files.items()},
    )


def _refuse_incomplete(values: Mapping[str, str], security: str) -> None:
    """Refuse a login that lacks a part, and one that would not be used: it would look safer than it is."""
    login = ("RETAIL_STREAM_SASL", "RETAIL_STREAM_USER", "RETAIL_STREAM_PASSWORD")
    if security.startswith("SASL"):
        if missing := [name for name in login if name not in values]:
            raise SettingsError(
                f"RETAIL_STREAM_SECURITY={security} needs {' and '.join(missing)}. See docs/streaming.md."
            )
        if values["RETAIL_STREAM_SASL"] not in _SASL:
            raise unusable("RETAIL_STREAM_SASL", values["RETAIL_STREAM_SASL"], ", ".join(_SASL))
    elif given := [name for name in login if name in values]:
        raise SettingsError(
            f"{given[0]} is set, but RETAIL_STREAM_SECURITY={security} has no login. Set it to SASL_SSL, or unset the "
            "other."
        )
    if not security.endswith("SSL") and (given := [name for name in _FILES if name in values]):
        raise SettingsError(
            f"{given[0]} is set, but RETAIL_STREAM_SECURITY={security} does not encrypt. Set it to SSL or SASL_SSL, or "
            "unset the other."
        )
    if ("RETAIL_STREAM_CERTIFICATE" in values) != ("RETAIL_STREAM_KEY" in values):
        raise SettingsError("RETAIL_STREAM_CERTIFICATE and RETAIL_STREAM_KEY belong together. Set both, or neither.")


def _servers(text: str) -> str:
    if without_secrets(text) != text or "@" in text:
        raise SettingsError(
            "RETAIL_STREAM_SERVERS must not contain credentials. Set it to host:port; the login has its own settings."
        )
    servers = [part.strip() for part in text.split(",")]
    for server in servers:
        match = _SERVER.match(server)
        if match is None or int(match[2]) > 65535:
            raise unusable("RETAIL_STREAM_SERVERS", text, "host:port, several joined by commas, as in broker-1:9092")
    return ",".join(servers)


def _topics(text: str) -> tuple[str, ...]:
    topics = tuple(part.strip() for part in text.split(","))
    for topic in topics:
        if not _TOPIC.match(topic) or topic in (".", ".."):
            raise unusable("RETAIL_STREAM_TOPICS", text, "names of topics: letters, digits and . _ -, joined by commas")
    if len(set(topics)) < len(topics):
        raise unusable("RETAIL_STREAM_TOPICS", text, "each topic once")
    return topics


def _group(text: str | None) -> str | None:
    if text is not None and not re.match(r"[\w.-]{1,200}\Z", text):
        raise unusable("RETAIL_STREAM_GROUP", text, "at most 200 letters, digits and . _ -")
    return text


def _seconds(text: str) -> float:
    if not re.match(r"\d{1,4}(\.\d+)?\Z", text) or not 0.1 <= float(text) <= 3600:
        raise unusable("RETAIL_STREAM_SECONDS", text, "seconds, 0.1 to 3600, such as 3")
    return float(text)


def _records(text: str) -> int:
    if not re.match(r"\d{1,7}\Z", text) or not 1 <= int(text) <= 1_000_000:
        raise unusable("RETAIL_STREAM_RECORDS", text, "a whole number, 1 to 1000000, such as 50000")
    return int(text)


def _megabytes(text: str) -> int:
    match = re.match(r"([1-9]\d{0,5})([gGmM])\Z", text)
    megabytes = int(match[1]) * (1024 if match[2] in "gG" else 1) if match else 0
    if megabytes < _LEAST_MEGABYTES:
        raise unusable("RETAIL_STREAM_MEMORY", text, f"{_LEAST_MEGABYTES}m or more, such as 256m or 1g")
    return megabytes

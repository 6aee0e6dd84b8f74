"""Which records are streamed, and where the schemas of Avro are: the password appears in no repr and in no error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.errors import SettingsError, nearest, unusable, without_secrets
from retail_assets.settings.addresses import is_web_address, keeps_secrets

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_STREAM_FORMAT": ("json", "what records are: json, or avro with the ids of a schema registry"),
    "RETAIL_STREAM_REGISTRY": ("needed for avro", "address of the schema registry, such as https://registry:8081"),
    "RETAIL_STREAM_REGISTRY_USER": ("none", "user, or key, where the registry asks for a login"),
    "RETAIL_STREAM_REGISTRY_PASSWORD": ("none", "its password, or secret"),
    "RETAIL_STREAM_REGISTRY_CA": (
        "the usual ones",
        "file of the authorities that signed the registry's certificate (PEM)",
    ),
}
_FORMATS = ("json", "avro")


@dataclass(frozen=True)
class RegistrySettings:
    """Where schemas are asked for, and how to log in there."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None


def load(environ: Mapping[str, str]) -> RegistrySettings | None:
    """Read and validate the settings; None if records are JSON. Raises SettingsError."""
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    kind = values.pop("RETAIL_STREAM_FORMAT", "json")
    if kind not in _FORMATS:
        raise unusable("RETAIL_STREAM_FORMAT", kind, f"{' or '.join(_FORMATS)}.{nearest(kind.lower(), _FORMATS)}")
    if kind == "json":
        if values:
            raise SettingsError(
                f"{next(iter(values))} is set, but RETAIL_STREAM_FORMAT is json, which has no schemas. Set it to avro, "
                "or unset the other."
            )
        return None
    if "RETAIL_STREAM_REGISTRY" not in values:
        raise SettingsError(
            "RETAIL_STREAM_FORMAT=avro needs RETAIL_STREAM_REGISTRY, such as https://registry:8081. See "
            "docs/streaming.md."
        )
    login = [f"RETAIL_STREAM_REGISTRY_{part}" for part in ("USER", "PASSWORD")]
    if (login[0] in values) != (login[1] in values):
        raise SettingsError(f"{login[0]} and {login[1]} belong together. Set both, or neither.")
    return RegistrySettings(
        _address(values["RETAIL_STREAM_REGISTRY"], login[1] if login[1] in values else None),
        values.get(login[0]),
        environ[login[1]] if login[1] in values else None,  # leading and trailing blanks belong to it
        _authorities(values.get("RETAIL_STREAM_REGISTRY_CA"), values["RETAIL_STREAM_REGISTRY"]),
    )


def _address(text: str, secret: str | None) -> str:
    if without_secrets(text) != text or "@" in text or "?" in text:
        raise SettingsError(
            "RETAIL_STREAM_REGISTRY must not contain credentials, nor a query. Set it to https://host; the login has "
            "settings of its own, RETAIL_STREAM_REGISTRY_USER and RETAIL_STREAM_REGISTRY_PASSWORD."
        )
    if not is_web_address(text):
        raise unusable("RETAIL_STREAM_REGISTRY", text, "one address, such as https://registry:8081")
    if secret and not keeps_secrets(text):
        raise unusable("RETAIL_STREAM_REGISTRY", text, f"https://host, because {secret} is sent there")
    return text.rstrip("/")


def _authorities(text: str | None, address: str) -> Path | None:
    if text is None:
        return None
    if not address.startswith("https://"):
        raise SettingsError(
            "RETAIL_STREAM_REGISTRY_CA is set, but RETAIL_STREAM_REGISTRY does not begin with https://. Change it, or "
            "unset the other."
        )
    return existing_file("RETAIL_STREAM_REGISTRY_CA", text)


def existing_file(name: str, text: str) -> Path:
    """Return the path in a setting. Raises SettingsError if there is no such file."""
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise unusable(name, text, "the path of a file that exists")
    return path

"""Takes secrets out of texts that others wrote, such as the error of a library, before they become a message."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retail_assets.settings import Settings

#: A password may have `/` and `@` in it.
_IN_ADDRESS = re.compile(r"([A-Za-z][\w+.-]*://)(?:[^\s/@]*:\S*|[^\s/@]*)@")
_ASSIGNED = re.compile(
    r"(?i)\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|signature|sig))(\"?'?\s*[=:]\s*)"
    r"(?:bearer\s+|basic\s+)?(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that the settings hold."""
    found = list(settings.alerts.secrets) if settings.alerts else []
    found += [settings.redshift.password or "", settings.redshift.secret or ""] if settings.redshift else []
    found += [settings.tableau.token] if settings.tableau else []
    found += [settings.stream.password or ""] if settings.stream else []
    found += [each.api_key or "" for each in (settings.lineage, settings.weather) if each]
    return tuple(text for text in found if text)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without these secrets, and without what looks like one: logins in addresses, `password=…`, keys.

    >>> redacted("cannot open https://shop:pa55@host/x with password='hunter2' or s3cret", ["s3cret"])
    'cannot open https://***@host/x with password=*** or ***'
    >>> redacted("postgresql://shop:pa/ss@word@host/x and s3://bucket/a@b.csv")
    'postgresql://***@host/x and s3://bucket/a@b.csv'
    """
    for secret in secrets:
        text = text.replace(secret, "***")
    text = _IN_ADDRESS.sub(r"\1***@", text)
    text = _ASSIGNED.sub(r"\1\2***", text)
    return _AWS_KEY.sub("***", text)

"""Where alerts go: the `RETAIL_ALERT_*` variables. Secrets appear in no repr and in no error."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import shutil
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

from retail_assets.errors import SettingsError, unusable, without_secrets

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_ALERT_WEBHOOK": ("none", "address that takes Slack's messages, https://…; whoever knows it can post"),
    "RETAIL_ALERT_SMTP": ("none", "mail server: smtps://host:465, or smtp://host:587 with STARTTLS"),
    "RETAIL_ALERT_SMTP_USER": ("none", "login there"),
    "RETAIL_ALERT_SMTP_PASSWORD": ("none", "its password"),
    "RETAIL_ALERT_FROM": ("needed for e-mail", "address that alerts come from"),
    "RETAIL_ALERT_TO": ("needed for e-mail", "addresses that get them, separated by commas"),
    "RETAIL_ALERT_COMMAND": ("none", "program with arguments that gets each alert as JSON on its standard input"),
    "RETAIL_ALERT_REPEAT_HOURS": ("24", "hours until a cause that is still there is reported again, 1 to 720"),
    "RETAIL_ALERT_PER_HOUR": ("20", "messages per hour and channel; what is above comes together in one, 1 to 1000"),
    "RETAIL_ALERT_LANDED_BY": ("as in the past", "time of day in shop time, HH:MM, when a day's landing is late"),
    "RETAIL_ALERT_DIGEST_AT": ("none", "time of day in shop time, HH:MM, of the daily digest"),
}
_CHANNELS = ("RETAIL_ALERT_WEBHOOK", "RETAIL_ALERT_SMTP", "RETAIL_ALERT_COMMAND")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PLAIN_WORD = re.compile(r"-{0,2}[A-Za-z]+([-_.][A-Za-z]+)*\Z")
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    """Where e-mail goes. `encrypted` is the scheme: smtps, or STARTTLS; plain only on this machine."""

    host: str
    port: int
    scheme: str
    sender: str
    recipients: tuple[str, ...]
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        return self.host in _LOOPBACK


@dataclass(frozen=True)
class AlertSettings:
    """Channels and limits; at least one channel is set."""

    webhook: str | None = field(default=None, repr=False)
    mail: MailServer | None = None
    command: tuple[str, ...] = field(default=(), repr=False)
    repeat_hours: int = 24
    per_hour: int = 20
    landed_by: dt.time | None = None
    digest_at: dt.time | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no message, log or error: the longest first."""
        # A plain word of a command, such as `--team retail`, would be taken out of every other text as well.
        arguments = [word for word in self.command[1:] if not _PLAIN_WORD.match(word)]
        found = [self.webhook, self.mail.password if self.mail else None, *arguments]
        return tuple(sorted((text for text in found if text and len(text) >= 6), key=len, reverse=True))


def load(environ: Mapping[str, str]) -> AlertSettings | None:
    """Read and validate the settings; None if no channel is set. Raises SettingsError."""
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if not values:
        return None
    if not any(name in values for name in _CHANNELS):
        raise SettingsError(
            f"{min(values)} is set, and no alert goes anywhere. Set one of {', '.join(_CHANNELS)}; or unset it."
        )
    return AlertSettings(
        webhook=_webhook(values.get("RETAIL_ALERT_WEBHOOK")),
        mail=_mail(values),
        command=_command(values.get("RETAIL_ALERT_COMMAND")),
        repeat_hours=_whole("RETAIL_ALERT_REPEAT_HOURS", values, 24, 720),
        per_hour=_whole("RETAIL_ALERT_PER_HOUR", values, 20, 1000),
        landed_by=_time("RETAIL_ALERT_LANDED_BY", values),
        digest_at=_time("RETAIL_ALERT_DIGEST_AT", values),
    )


def _webhook(text: str | None) -> str | None:
    """The address itself is the secret, so no error repeats it."""
    if text is None:
        return None
    allowed = "RETAIL_ALERT_WEBHOOK is not usable. Allowed: https://host/path, the address of an incoming webhook"
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{allowed}.") from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[^!-~]", text) or parts.fragment:
        raise SettingsError(f"{allowed}.")
    if parts.username or parts.password:
        raise SettingsError(f"{allowed}, without a login in it.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise SettingsError(f"{allowed}. Over http:// others could read it on the way; only this machine may have it.")
    return text


def _mail(values: Mapping[str, str]) -> MailServer | None:
    text = values.get("RETAIL_ALERT_SMTP")
    own = [n for n in ("RETAIL_ALERT_SMTP_USER", "RETAIL_ALERT_SMTP_PASSWORD", "RETAIL_ALERT_FROM", "RETAIL_ALERT_TO")
           if n in values]  # fmt: skip
    if text is None:
        if own:
            raise SettingsError(
                f"{own[0]} is set, and RETAIL_ALERT_SMTP is not. Set it to smtps://host:465; or unset the others."
            )
        return None
    if "@" in text or "?" in text:
        raise SettingsError(
            "RETAIL_ALERT_SMTP must not contain a login. Set it to smtps://host:465, and the login in "
            "RETAIL_ALERT_SMTP_USER and RETAIL_ALERT_SMTP_PASSWORD."
        )
    match = re.match(r"(smtps?)://([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[::1\])(?::(\d{1,5}))?/?\Z", text)
    port = int(match[3] or _PORTS[match[1]]) if match else 0
    if match is None or not 0 < port < 65536:
        raise unusable("RETAIL_ALERT_SMTP", text, "smtps://host:465, or smtp://host:587 for a server with STARTTLS")
    if missing := [name for name in ("RETAIL_ALERT_FROM", "RETAIL_ALERT_TO") if name not in values]:
        raise SettingsError(f"RETAIL_ALERT_SMTP is set, so {' and '.join(missing)} must be. See docs/alerts.md.")
    user, password = values.get("RETAIL_ALERT_SMTP_USER"), values.get("RETAIL_ALERT_SMTP_PASSWORD")
    if (user is None) != (password is None):
        raise SettingsError("RETAIL_ALERT_SMTP_USER and RETAIL_ALERT_SMTP_PASSWORD belong together: set both or none.")
    recipients = tuple(
        dict.fromkeys(_address("RETAIL_ALERT_TO", part) for part in values["RETAIL_ALERT_TO"].split(","))
    )
    return MailServer(
        host=match[2].strip("[]"),
        port=port,
        scheme=match[1],
        sender=_address("RETAIL_ALERT_FROM", values["RETAIL_ALERT_FROM"]),
        recipients=recipients,
        user=user,
        password=password,
    )


def _address(name: str, text: str) -> str:
    text = text.strip()
    if parseaddr(text)[1] != text or not re.match(r"[^\s@<>,;\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z", text):
        raise unusable(name, text, "e-mail addresses such as ops@example.com, separated by commas")
    return text


def _command(text: str | None) -> tuple[str, ...]:
    """The words of a command; it is run without a shell, so pipes and variables are no part of it."""
    if text is None:
        return ()
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        raise SettingsError("RETAIL_ALERT_COMMAND is not usable: a quotation mark is not closed.") from None
    found = shutil.which(words[0]) if words else None
    if found is None:
        program = without_secrets(words[0]) if words else ""
        raise SettingsError(
            f"RETAIL_ALERT_COMMAND: there is no program {program!r} that can be run. Allowed: a program with its "
            "arguments, such as /usr/local/bin/notify --team retail. No shell reads it."
        )
    # Absolute, because the daemon has another working folder than the shell in which it was set.
    return (str(Path(found).absolute()), *words[1:])


def _whole(name: str, values: Mapping[str, str], default: int, most: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not re.match(r"\d{1,4}\Z", text) or not 1 <= int(text) <= most:
        raise unusable(name, text, f"a whole number, 1 to {most}")
    return int(text)


def _time(name: str, values: Mapping[str, str]) -> dt.time | None:
    text = values.get(name)
    if text is None:
        return None
    match = re.match(r"(\d{1,2}):(\d{2})\Z", text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise unusable(name, text, "a time of day as HH:MM, such as 07:00")
    return dt.time(int(match[1]), int(match[2]))

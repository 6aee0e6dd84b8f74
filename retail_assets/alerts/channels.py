"""Where messages go: a webhook, a mail server, a command. Attempts are bounded in time; no error shows a secret."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess  # runs the user's command, without a shell
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from retail_assets.alerts.message import (
    Message,
    as_html,
    as_json,
    as_slack,
    as_text,
    combined_title,
    identities,
    identity_of,
)
from retail_assets.errors import RetailError
from retail_assets.settings.alerts import AlertSettings, MailServer
from retail_assets.storage.deadline import within

SECONDS = 10.0
#: The program of a command may take longer, as it may itself send somewhere.
_COMMAND_SECONDS = 30.0
#: Answers that say "not now"; of the others from 400 on, those below concern the channel, the rest this message.
_LATER = (408, 425, 429)
_CHANNEL = (401, 403, 404, 405, 407, 410)
#: Until someone corrects an address or a login, trying every minute helps nobody, and may lock the login.
_WRONG_SECONDS = 900.0
#: A receiver may ask for so much patience.
_LONGEST_WAIT = 3600.0


class DeliveryError(RetailError):
    """A message was not received. `of_message`: the channel works and refuses this message."""

    retryable = True

    def __init__(self, text: str, *, of_message: bool = False, wait_seconds: float | None = None) -> None:
        super().__init__(text)
        self.of_message = of_message
        self.wait_seconds = wait_seconds


class Channel(Protocol):
    """Sends messages together, as one; `name` is the same from run to run and shows no secret."""

    @property
    def name(self) -> str: ...

    def send(self, messages: Sequence[Message]) -> None:
        """Send. Raises DeliveryError unless the receiver has confirmed that it has them."""


class ReachableChannel(Channel, Protocol):
    """A channel of the settings, which can be tried without a message."""

    def reach(self) -> str:
        """See whether a message could be sent, sending none; return what was seen. Raises DeliveryError."""


def attempt(channel: Channel, messages: Sequence[Message]) -> None:
    """Send, with every error as a DeliveryError: a fault of ours must neither lose a message nor show an address."""
    try:
        channel.send(messages)
    except DeliveryError:
        raise
    except Exception as e:
        raise DeliveryError(f"Sending failed unexpectedly ({type(e).__name__}).", of_message=True) from None


def channels(settings: AlertSettings) -> Sequence[ReachableChannel]:
    """Return the channels that are set; each recipient of e-mail is one: a wrong address holds up no other."""
    found: list[ReachableChannel] = []
    if settings.webhook:
        found.append(Webhook(settings.webhook))
    if settings.mail:
        found += [Mail(settings.mail, recipient) for recipient in settings.mail.recipients]
    if settings.command:
        found.append(Command(settings.command))
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the message to another address."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


@dataclass(frozen=True)
class Webhook:
    """Posts JSON in the form of Slack's incoming webhooks, which Mattermost and others take, too."""

    address: str
    seconds: float = SECONDS
    name: str = "webhook"

    def __repr__(self) -> str:
        return "Webhook()"

    def send(self, messages: Sequence[Message]) -> None:
        body = json.dumps(as_slack(messages)).encode()
        request = urllib.request.Request(  # noqa: S310 - the settings allow https only, and http on this machine
            self.address,
            data=body,
            method="POST",
            headers={"Content-Type": "application/json", "Idempotency-Key": identities(messages)},
        )
        opener = urllib.request.build_opener(_NoRedirect)

        def post() -> None:
            # The status is the answer: a receiver may never end the text behind it.
            opener.open(request, timeout=self.seconds).close()

        try:
            within(self.seconds + 1, post)
        except urllib.error.HTTPError as e:
            code = e.code
            asked = _asked_seconds(e.headers.get("Retry-After", "") if e.headers else "")
            e.close()
            wait_seconds = asked if asked is not None else _WRONG_SECONDS if code in _CHANNEL else None
            of_message = 400 <= code < 500 and code not in (*_LATER, *_CHANNEL)
            raise DeliveryError(
                f"The webhook answered {code}.", of_message=of_message, wait_seconds=wait_seconds
            ) from None
        except (TimeoutError, OSError, http.client.HTTPException) as e:
            raise DeliveryError(f"The webhook cannot be reached ({_why(e)}).") from None

    def reach(self) -> str:
        """Connect, without a request: some receivers take every request for a message."""
        parts = urllib.parse.urlsplit(self.address)
        host = parts.hostname or ""
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(host):
            via = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            place, context = (via.hostname or "", via.port or 80), None
        else:
            default, context = (443, ssl.create_default_context()) if parts.scheme == "https" else (80, None)
            place = (host, parts.port or default)

        def connect() -> None:
            with socket.create_connection(place, self.seconds) as connection:
                if context is not None:
                    context.wrap_socket(connection, server_hostname=host).close()

        try:
            within(self.seconds + 1, connect)
        except (TimeoutError, OSError) as e:
            what = "The webhook" if place[0] == host else "The proxy before the webhook"
            raise DeliveryError(f"{what} cannot be reached ({_why(e)}).") from None
        # The host alone: the path of the address is the secret.
        return f"{host} answers" if place[0] == host else f"the proxy before {host} answers"


@dataclass(frozen=True)
class Mail:
    """Sends an e-mail to one recipient: text and HTML, encrypted unless the server is on this machine."""

    server: MailServer
    recipient: str
    seconds: float = SECONDS

    @property
    def name(self) -> str:
        return f"e-mail to {self.recipient}"

    def send(self, messages: Sequence[Message]) -> None:
        mail = EmailMessage()
        mail["Subject"] = combined_title(messages)
        mail["From"], mail["To"] = self.server.sender, self.recipient
        mail["Date"] = email.utils.localtime()
        # The same for every attempt: a mail server that has it already may drop it.
        mail["Message-ID"] = f"<{identity_of(messages)}@retail-assets.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(as_text(messages))
        mail.add_alternative(as_html(messages), subtype="html")

        def deliver() -> None:
            with self._logged_in() as smtp:
                smtp.send_message(mail)

        self._within_time(deliver)

    def reach(self) -> str:
        """Log in, and name no recipient."""

        def log_in() -> None:
            with self._logged_in() as smtp:
                smtp.noop()

        self._within_time(log_in)
        return f"{self.server.host}:{self.server.port} {'takes the login' if self.server.user else 'answers'}"

    def _within_time(self, work: Callable[[], None]) -> None:
        """Do what needs the server, with its errors in words. Raises DeliveryError."""
        try:
            within(3 * self.seconds, work)
        except smtplib.SMTPAuthenticationError as e:
            raise DeliveryError(
                f"The mail server refused the login ({e.smtp_code}).", wait_seconds=_WRONG_SECONDS
            ) from None
        except smtplib.SMTPRecipientsRefused as e:
            [(code, _)] = list(e.recipients.values())[:1] or [(0, b"")]
            wait_seconds = _WRONG_SECONDS if code >= 500 else None
            raise DeliveryError(
                f"The mail server refused {self.recipient} ({code}).", wait_seconds=wait_seconds
            ) from None
        except smtplib.SMTPResponseException as e:
            of_message = isinstance(e, smtplib.SMTPDataError) and e.smtp_code >= 500
            raise DeliveryError(f"The mail server answered {e.smtp_code}.", of_message=of_message) from None
        except smtplib.SMTPNotSupportedError:
            raise DeliveryError(
                "The mail server offers no STARTTLS or no login; nothing was sent in the clear."
            ) from None
        except (smtplib.SMTPException, TimeoutError, OSError) as e:
            raise DeliveryError(f"The mail server cannot be reached ({_why(e)}).") from None

    @contextlib.contextmanager
    def _logged_in(self) -> Iterator[smtplib.SMTP]:
        server, context = self.server, ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self.seconds, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.seconds)
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.scheme == "smtp" and (smtp.has_extn("starttls") or not server.is_local):
                smtp.starttls(context=context)
            if server.user and server.password:
                smtp.login(server.user, server.password)
            yield smtp
        finally:
            # The server has the message or has not; how it says goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()


@dataclass(frozen=True)
class Command:
    """Runs a program without a shell: the messages are JSON on its standard input, and it must end with 0."""

    words: tuple[str, ...]
    seconds: float = _COMMAND_SECONDS
    name: str = "command"

    def __repr__(self) -> str:
        return "Command()"

    def send(self, messages: Sequence[Message]) -> None:
        first = messages[0]
        # What a program needs to start; no settings and no secrets of ours.
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ
        }
        environment = {
            **kept,
            "ALERT_ID": identity_of(messages),
            "ALERT_KIND": first.cause.kind,
            "ALERT_SEVERITY": first.cause.severity,
            "ALERT_TITLE": combined_title(messages),
        }
        try:
            process = subprocess.Popen(  # noqa: S603 - the settings' own program, as words
                self.words,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as e:
            raise DeliveryError(f"The command cannot be started ({_why(e)}).") from None
        try:
            process.communicate(json.dumps(as_json(messages)).encode(), timeout=self.seconds)
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"The command did not end within {self.seconds:.0f} s.") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # it, and what it has started
                process.wait()
        if process.returncode:
            raise DeliveryError(f"The command ended with {process.returncode}.")

    def reach(self) -> str:
        """Look for the program; it is not run."""
        if not os.access(self.words[0], os.X_OK):
            raise DeliveryError("The command cannot be started: its program is gone, or may not be run.")
        return f"{os.path.basename(self.words[0])} can be run"


def _asked_seconds(retry_after: str) -> float | None:
    """Return how long a receiver asks to wait, an hour at most: seconds, or a date (RFC 9110, 10.2.3)."""
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return min(float(retry_after), _LONGEST_WAIT)
    try:
        seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _why(error: BaseException) -> str:
    """The reason of a failure in a few words; addresses, which may be secret, are no part of it."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError | socket.timeout):
        return "no answer in time"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(reason, OSError) and reason.errno:
        return os.strerror(reason.errno) if not isinstance(reason, socket.gaierror) else "its name is not known"
    return type(reason).__name__ if isinstance(reason, BaseException) else "no connection"

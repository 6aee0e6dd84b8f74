"""Every channel says whether the message was received, in bounded time, and shows no secret when it was not."""

from __future__ import annotations

import email
import email.policy
import email.utils
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from retail_assets.alerts.causes import Cause, Subject, test_cause
from retail_assets.alerts.channels import Command, DeliveryError, Mail, Webhook, channels
from retail_assets.alerts.message import Message, as_html, as_slack, as_text, identities, title
from retail_assets.errors import SettingsError
from retail_assets.settings.alerts import MailServer, load
from retail_assets_tests.alerts.receivers import WebReceiver
from retail_assets_tests.services.redshift.certificate import server_context
from retail_assets_tests.services.server import free_port

SECRET = "hook-secret-token"
HOSTILE = (
    "<!channel> <http://evil/x|click> *bold* `code` & <script>alert(1)</script> <img src=x onerror=y>\r\nBcc: all@evil"
)
MESSAGE = Message("0123456789abcdef", "shop", Cause(
    kind="run-failed", key="k", title=f"Run failed {HOSTILE}", reason=HOSTILE, todo=HOSTILE,
    subjects=(Subject("2024-01-05", "12 lines"),), link="javascript:alert(1)",
))  # fmt: skip


class Inbox:
    """A mail server that keeps what it takes, and refuses the recipients that a test names."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.data_answer = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.data_answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, MailServer]]:
    handler, port = Inbox(), free_port()

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=isinstance(data, LoginPassword) and data.password == b"right", handled=False)

    controller = Controller(
        handler, hostname="127.0.0.1", port=port, authenticator=login, auth_require_tls=False, ready_timeout=30
    )
    controller.start()
    yield handler, MailServer("127.0.0.1", port, "smtp", "retail@example.com", ("ops@example.com",))
    controller.stop()


def test_an_email_arrives_with_text_and_html_in_which_nothing_is_markup(inbox: tuple[Inbox, MailServer]) -> None:
    handler, server = inbox
    Mail(server, "ops@example.com").send([MESSAGE])
    [mail] = handler.mails
    assert mail["To"] == "ops@example.com"
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[shop] Error: Run failed <!channel>")
    assert mail["Message-ID"] == "<0123456789abcdef@retail-assets.invalid>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert "Concerned: 2024-01-05: 12 lines" in text
    assert "<script" not in html
    assert "<img" not in html
    assert "href" not in html
    assert "&lt;script&gt;" in html


def test_a_mail_with_more_messages_is_another_mail(inbox: tuple[Inbox, MailServer]) -> None:
    """A server drops what has an id that it knows: what came together with a message that it had was lost."""
    handler, server = inbox
    more = replace(MESSAGE, identity="fedcba9876543210")
    for messages in ([MESSAGE], [MESSAGE, more], [MESSAGE, more], [more]):
        Mail(server, "ops@example.com").send(messages)
    one, both, again, other = (mail["Message-ID"] for mail in handler.mails)
    assert both == again
    assert len({one, both, other}) == 3


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda i: i.refused.add("ops@example.com"), "refused ops@example.com (550)", id="recipient"),
        pytest.param(lambda i: setattr(i, "data_answer", "451 later"), "answered 451", id="later"),
    ],
)
def test_a_mail_server_that_refuses_is_said(
    spoil: Callable[[Inbox], None], said: str, inbox: tuple[Inbox, MailServer]
) -> None:
    handler, server = inbox
    spoil(handler)
    with pytest.raises(DeliveryError) as caught:
        Mail(server, "ops@example.com").send([MESSAGE])
    assert said in str(caught.value)
    assert not caught.value.of_message
    assert handler.mails == []


def test_a_login_works_and_a_wrong_one_shows_no_password(inbox: tuple[Inbox, MailServer]) -> None:
    handler, server = inbox
    Mail(replace(server, user="retail", password="right"), "ops@example.com").send([MESSAGE])
    assert len(handler.mails) == 1
    wrong = Mail(replace(server, user="retail", password=SECRET), "ops@example.com")
    with pytest.raises(DeliveryError, match=r"refused the login \(535\)") as caught:
        wrong.send([MESSAGE])
    assert SECRET not in f"{caught.value}{caught.value.__cause__}{wrong!r}"


def test_a_mail_server_is_tried_without_a_mail(inbox: tuple[Inbox, MailServer]) -> None:
    handler, server = inbox
    assert "answers" in Mail(server, "ops@example.com").reach()
    assert "takes the login" in Mail(replace(server, user="retail", password="right"), "ops@example.com").reach()
    with pytest.raises(DeliveryError, match=r"refused the login \(535\)") as caught:
        Mail(replace(server, user="retail", password=SECRET), "ops@example.com").reach()
    assert SECRET not in str(caught.value)
    assert handler.mails == []


def test_a_webhook_is_tried_without_a_message_and_without_its_secret(
    receiver: WebReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Webhook(receiver.address).reach() == "127.0.0.1 answers"
    assert receiver.paths == []
    # What answers has no certificate, so it is not the receiver.
    with pytest.raises(DeliveryError, match="The webhook cannot be reached") as caught:
        Webhook(receiver.address.replace("http:", "https:")).reach()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DeliveryError, match="The proxy before the webhook cannot be reached") as behind:
        Webhook(receiver.address.replace("127.0.0.1", "hooks.example.com")).reach()
    assert SECRET not in f"{caught.value}{behind.value}"
    receiver.go_away()
    monkeypatch.delenv("http_proxy")
    with pytest.raises(DeliveryError, match=r"\(Connection refused\)"):
        Webhook(receiver.address).reach()
    receiver.come_back()


def test_a_command_is_looked_for_and_not_run(tmp_path: Path) -> None:
    program = tmp_path / "notify"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    program.chmod(0o755)
    assert Command((str(program), SECRET)).reach() == "notify can be run"
    program.chmod(0o644) if os.getuid() else program.unlink()
    with pytest.raises(DeliveryError, match="its program is gone, or may not be run"):
        Command((str(program), SECRET)).reach()
    assert not (tmp_path / "was_run").exists()


def test_nothing_is_sent_in_the_clear_to_another_machine(
    inbox: tuple[Inbox, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, server = inbox
    monkeypatch.setattr(MailServer, "is_local", False)
    with pytest.raises(DeliveryError, match="nothing was sent in the clear"):
        Mail(server, "ops@example.com").send([MESSAGE])
    assert handler.mails == []


def test_starttls_is_used_and_a_certificate_that_nobody_trusts_stops_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = server_context(tmp_path)
    handler, port = Inbox(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
                            ready_timeout=30)  # fmt: skip
    controller.start()
    try:
        server = MailServer("localhost", port, "smtp", "retail@example.com", ("ops@example.com",))
        with pytest.raises(DeliveryError, match="its certificate is not trusted"):
            Mail(server, "ops@example.com").send([MESSAGE])
        assert handler.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Mail(server, "ops@example.com").send([MESSAGE])
        assert len(handler.mails) == 1
    finally:
        controller.stop()


def test_a_mail_server_that_is_away_is_said() -> None:
    server = MailServer("127.0.0.1", free_port(), "smtp", "retail@example.com", ("ops@example.com",))
    with pytest.raises(DeliveryError, match=r"The mail server cannot be reached \(Connection refused\)"):
        Mail(server, "ops@example.com").send([MESSAGE])


def test_slack_sees_neither_markup_nor_mentions_nor_links(receiver: WebReceiver) -> None:
    Webhook(receiver.address).send([MESSAGE])
    [body] = receiver.bodies
    assert receiver.identities == [MESSAGE.identity]
    assert {block["text"]["type"] for block in body["blocks"]} == {"plain_text"}
    assert "<" not in body["text"].replace("&lt;", "")
    assert "javascript" not in json.dumps(body)
    assert body["unfurl_links"] is body["unfurl_media"] is False


def test_a_link_of_ours_is_a_link() -> None:
    message = replace(MESSAGE, cause=replace(MESSAGE.cause, link="https://pages/runs/1?a=b&c=d"))
    assert "<https://pages/runs/1?a=b&amp;c=d|Open it>" in as_slack([message])["text"]
    assert '<a href="https://pages/runs/1?a=b&amp;c=d">' in as_html([message])


def test_long_texts_keep_to_what_slack_takes() -> None:
    long = replace(MESSAGE, cause=replace(MESSAGE.cause, title="t" * 1000, reason="r" * 9000))
    body = as_slack([long] * 45)
    assert len(body["text"]) <= 4000
    assert len(body["blocks"]) <= 50
    assert max(len(block["text"]["text"]) for block in body["blocks"]) <= 3000
    assert len(body["blocks"][0]["text"]["text"]) <= 150
    assert len(title(long)) <= 200


@pytest.mark.parametrize("number", [2, 24, 40, 41, 500])
def test_no_message_of_many_is_cut_off_whether_they_have_links_or_not(number: int) -> None:
    """With links, 40 alerts together were 14 more blocks than Slack takes, and these were dropped unseen."""
    linked = replace(MESSAGE.cause, link="https://pages/runs/1")
    many = [
        replace(MESSAGE, identity=f"id{n}", cause=replace(linked, title=f"title {n} {'t' * 300}"))
        for n in range(number)
    ]
    blocks = as_slack(many)["blocks"]
    assert len(blocks) <= 50
    for shown in ("\n".join(block["text"]["text"] for block in blocks), as_text(many), as_html(many)):
        assert [n for n in range(number) if f" title {n} " not in shown] == []
    assert max(len(block["text"]["text"]) for block in blocks) <= 3000
    assert len(identities(many)) < 1000


@pytest.mark.parametrize(
    "text",
    ["@channel", "@all now", "![](http://evil/x.png)", "[click](http://evil)", "see https://evil/x", "www.evil.x"],
)
def test_receivers_that_read_markdown_see_no_mention_link_or_picture(text: str) -> None:
    """Mattermost takes Slack's messages, and reads their text as Markdown."""
    message = replace(MESSAGE, cause=replace(MESSAGE.cause, title=text, reason=text, todo=text))
    body = as_slack([message])["text"]
    assert not re.search(r"@(channel|all)|\]\(|https?://|www\.", body)
    assert body.replace("\u200b", "").count(text) == 3


@pytest.mark.parametrize(
    ("status", "of_message"), [(500, False), (429, False), (404, False), (302, False), (400, True)]
)
def test_an_answer_is_an_error_that_shows_no_address(receiver: WebReceiver, status: int, of_message: bool) -> None:
    receiver.answer = lambda body: status
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    with pytest.raises(DeliveryError) as caught:
        Webhook(receiver.address).send([MESSAGE])
    assert str(caught.value) == f"The webhook answered {status}."
    assert caught.value.of_message is of_message
    assert SECRET not in f"{caught.value}{caught.value.__cause__}{Webhook(receiver.address)!r}"
    assert [path for path in receiver.paths if "elsewhere" in path] == []


def test_a_receiver_that_never_answers_takes_bounded_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/{SECRET}"
        with pytest.raises(DeliveryError, match=r"cannot be reached \(no answer in time\)") as caught:
            Webhook(address, seconds=0.3).send([MESSAGE])
    assert SECRET not in str(caught.value)


def test_a_receiver_that_never_ends_its_answer_has_the_message() -> None:
    """The status is the answer; where its text was waited for, the same message came again every minute."""

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            while connection.recv(65536):  # until the client has gone
                pass

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/x", seconds=2).send([MESSAGE])
        thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        pytest.param("120", (120, 120), id="seconds"),
        pytest.param("999999999", (3600, 3600), id="very long"),
        pytest.param(600, (1, 600), id="a date"),
        pytest.param(-600, (0, 0), id="a date that is over"),
    ],
)
def test_a_receiver_says_how_long_to_wait_in_seconds_or_by_a_date(
    asked: str | int, waits: tuple[float, float], receiver: WebReceiver
) -> None:
    """A number stands for a date so many seconds from now, when the test runs."""
    header = asked if isinstance(asked, str) else email.utils.formatdate(time.time() + asked, usegmt=True)
    receiver.answer, receiver.headers = (lambda body: 429), {"Retry-After": header}
    with pytest.raises(DeliveryError) as caught:
        Webhook(receiver.address).send([MESSAGE])
    least, most = waits
    assert caught.value.wait_seconds is not None
    assert least <= caught.value.wait_seconds <= most


@pytest.mark.parametrize("asked", ["", "soon", "-5", "\u00b2"])
def test_a_wait_that_nobody_can_read_is_none(asked: str, receiver: WebReceiver) -> None:
    receiver.answer, receiver.headers = (lambda body: 503), {"Retry-After": asked}
    with pytest.raises(DeliveryError, match="answered 503") as caught:
        Webhook(receiver.address).send([MESSAGE])
    assert caught.value.wait_seconds is None


def test_a_receiver_that_drips_takes_bounded_time() -> None:
    """Each byte comes before the socket's own limit is over; the answer as a whole does not."""
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(400):
                if stop.wait(0.05):
                    return
                connection.sendall(b"H")

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        with pytest.raises(DeliveryError):
            Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/x", seconds=0.2).send([MESSAGE])
        stop.set()
        thread.join(30)


def command(tmp_path: Path, code: str) -> Command:
    script = tmp_path / "notify.py"
    script.write_text(code)
    return Command((sys.executable, str(script), "--team", "a; rm -rf $HOME"))


def test_a_command_gets_the_message_on_its_input_and_no_shell_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_ALERT_WEBHOOK", SECRET)
    command(
        tmp_path,
        f"""
import json, os, sys
json.dump([json.load(sys.stdin), sys.argv[1:], dict(os.environ)], open({str(tmp_path / "got.json")!r}, "w"))
""",
    ).send([MESSAGE, MESSAGE])
    messages, arguments, environment = json.loads((tmp_path / "got.json").read_text())
    assert [m["id"] for m in messages] == [MESSAGE.identity] * 2
    assert messages[0]["kind"] == "run-failed"
    assert messages[0]["text"] == as_text([MESSAGE])
    assert arguments == ["--team", "a; rm -rf $HOME"]
    assert environment["ALERT_KIND"] == "run-failed"
    assert SECRET not in environment.values()
    assert "\n" not in environment["ALERT_TITLE"]


def test_a_command_that_fails_is_said_without_its_arguments(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"^The command ended with 3\.$"):
        command(tmp_path, "raise SystemExit(3)").send([MESSAGE])
    with pytest.raises(DeliveryError, match=r"^The command cannot be started \(No such file or directory\)\.$"):
        Command(("/no/such/program", SECRET)).send([MESSAGE])


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child.pid"
    code = f"""
import subprocess, sys, time
p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(child)!r}, "w").write(str(p.pid))
time.sleep(600)
"""
    made = command(tmp_path, code)
    slow = Command(made.words, seconds=2.0)
    with pytest.raises(DeliveryError, match="did not end within 2 s"):
        slow.send([MESSAGE])
    if child.exists():  # a slow machine may not have come so far
        state = Path(f"/proc/{child.read_text()}/stat")
        deadline = time.monotonic() + 30
        while state.exists() and state.read_text().split()[2] != "Z" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not state.exists() or state.read_text().split()[2] == "Z"


def test_channels_are_those_of_the_settings_and_each_recipient_is_one() -> None:
    settings = load({
        "RETAIL_ALERT_WEBHOOK": f"https://hooks.example.com/{SECRET}",
        "RETAIL_ALERT_SMTP": "smtps://mail.example.com",
        "RETAIL_ALERT_FROM": "retail@example.com",
        "RETAIL_ALERT_TO": "ops@example.com, shop@example.com",
        "RETAIL_ALERT_COMMAND": f"{sys.executable} -c pass",
    })  # fmt: skip
    assert settings is not None
    names = [channel.name for channel in channels(settings)]
    assert names == ["webhook", "e-mail to ops@example.com", "e-mail to shop@example.com", "command"]
    assert SECRET not in repr((settings, channels(settings)))
    assert settings.mail is not None
    assert settings.mail.port == 465


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"RETAIL_ALERT_DIGEST_AT": "07:00"}, "no alert goes anywhere"),
        ({"RETAIL_ALERT_WEBHOOK": f"http://hooks.example.com/{SECRET}"}, "others could read it"),
        ({"RETAIL_ALERT_WEBHOOK": f"hooks.example.com/{SECRET}"}, "https://host/path"),
        ({"RETAIL_ALERT_WEBHOOK": f"https://me:{SECRET}@host/x"}, "without a login"),
        ({"RETAIL_ALERT_SMTP": "mail.example.com"}, "smtps://host:465"),
        ({"RETAIL_ALERT_SMTP": f"smtps://me:{SECRET}@host"}, "must not contain a login"),
        ({"RETAIL_ALERT_SMTP": "smtp://host:99999"}, "smtps://host:465"),
        ({"RETAIL_ALERT_SMTP": "smtps://host"}, "RETAIL_ALERT_FROM and RETAIL_ALERT_TO must be"),
        ({"RETAIL_ALERT_COMMAND": "true", "RETAIL_ALERT_TO": "a@b.de"}, "RETAIL_ALERT_SMTP is not"),
        ({"RETAIL_ALERT_COMMAND": "no-such-program x"}, "no program 'no-such-program'"),
        ({"RETAIL_ALERT_COMMAND": "true 'x"}, "quotation mark is not closed"),
        ({"RETAIL_ALERT_COMMAND": "true", "RETAIL_ALERT_DIGEST_AT": "7 am"}, "HH:MM"),
        ({"RETAIL_ALERT_COMMAND": "true", "RETAIL_ALERT_LANDED_BY": "24:00"}, "HH:MM"),
        ({"RETAIL_ALERT_COMMAND": "true", "RETAIL_ALERT_PER_HOUR": "0"}, "1 to 1000"),
        ({"RETAIL_ALERT_COMMAND": "true", "RETAIL_ALERT_REPEAT_HOURS": "day"}, "1 to 720"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed_and_no_secret(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_plain_words_of_a_command_are_no_secrets_and_others_are(tmp_path: Path) -> None:
    """`notify --team retail`, as in docs/alerts.md, made `***-assets` of every alert's text."""
    words = f"{sys.executable} --team retail --channel ops-night key=4711abcd https://hooks/x1"
    settings = load({"RETAIL_ALERT_COMMAND": words})
    assert settings is not None
    assert set(settings.secrets) == {"key=4711abcd", "https://hooks/x1"}


def test_addresses_that_would_be_headers_are_refused() -> None:
    mail = {"RETAIL_ALERT_SMTP": "smtps://host", "RETAIL_ALERT_FROM": "a@example.com"}
    for wrong in ("b@example.com\nBcc: c@example.com", "Bob <b@example.com>", "b@", "b@example.com,,"):
        with pytest.raises(SettingsError, match="RETAIL_ALERT_TO"):
            load({**mail, "RETAIL_ALERT_TO": wrong})


def test_one_test_message_says_what_it_is() -> None:
    assert as_text([Message("1", "shop", test_cause())]).startswith("[shop] A test message of retail-assets\n")

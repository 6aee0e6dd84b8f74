"""No message is lost and none is sent twice, whoever is away; a cause is one message."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_assets.alerts import deliver as deliver_module
from retail_assets.alerts.causes import Cause, Subject
from retail_assets.alerts.channels import Channel, DeliveryError, Webhook
from retail_assets.alerts.deliver import deliver
from retail_assets.alerts.message import Message
from retail_assets.alerts.outbox import Outbox
from retail_assets.errors import StorageError
from retail_assets_tests.alerts.conftest import Clock
from retail_assets_tests.alerts.receivers import WebReceiver

HOOK = ["webhook"]
DAY = 86_400.0


def cause(number: int = 1, *subjects: str, reason: str = "broken", **changes: object) -> Cause:
    named = tuple(Subject(name) for name in subjects or ("2024-01-01",))
    values = {"kind": "run-failed", "key": f"k{number}", "title": f"t{number}", "reason": reason, "subjects": named}
    return Cause(**{**values, **changes})  # type: ignore[arg-type]


def titles(outbox: Outbox) -> list[str]:
    return [waiting.message.cause.title for waiting in outbox.waiting()]


def test_the_receiver_is_away_for_ten_minutes_and_nothing_is_lost_or_doubled(
    outbox: Outbox, receiver: WebReceiver, clock: Clock
) -> None:
    channel = Webhook(receiver.address)
    receiver.go_away()
    for second in range(0, 600, 5):  # as the sensor does, every five seconds
        if second % 60 == 0:
            outbox.record([cause(second)], HOOK, clock())
        assert deliver(outbox, [channel], 20, clock).sent == {}
        clock.pass_by(5)
    assert len(outbox.waiting()) == 10
    assert {waiting.error for waiting in outbox.waiting()} <= {
        "",
        "The webhook cannot be reached (Connection refused).",
    }
    receiver.come_back()
    for _ in range(60 // 5 + 1):
        deliver(outbox, [channel], 20, clock)
        clock.pass_by(5)
    assert outbox.waiting() == []
    assert len(receiver.identities) == len(set(receiver.identities)) == 10
    assert [text.splitlines()[0] for text in receiver.texts] == [f"*[shop] Error: t{n}*" for n in range(0, 600, 60)]


def test_a_cause_that_is_met_again_is_one_message_until_it_is_repeated(outbox: Outbox, clock: Clock) -> None:
    assert outbox.record([cause()], HOOK, clock()) == 1
    for _ in range(5):
        assert outbox.record([cause()], HOOK, clock.pass_by(3600)) == 0
    outbox.delivered(outbox.due("webhook", clock()), "webhook", clock())
    assert outbox.record([cause()], HOOK, clock.pass_by(DAY)) == 1
    [message] = outbox.due("webhook", clock())
    assert message.again == 6


def test_a_warning_that_becomes_an_error_is_said_at_once_and_once(outbox: Outbox, clock: Clock) -> None:
    """A landing with many rejected rows is a warning; that the contract's limit stops it is found a second later."""
    warning = cause(severity="warning", member="small")
    outbox.record([warning], HOOK, clock())
    outbox.delivered(outbox.due("webhook", clock()), "webhook", clock())
    assert outbox.record([cause(severity="error", member="enough")], HOOK, clock.pass_by(1)) == 1
    [message] = outbox.due("webhook", clock())
    assert message.cause.severity == "error"
    outbox.delivered([message], "webhook", clock())
    assert outbox.record([warning, cause(severity="error", member="enough")], HOOK, clock.pass_by(1)) == 0
    assert outbox.record([warning], HOOK, clock.pass_by(1)) == 0


def test_the_first_error_does_not_wait_for_the_landings_that_only_warn(outbox: Outbox, clock: Clock) -> None:
    """A landing with some rejected rows warned; the next one was refused, which nobody heard for ten minutes."""
    outbox.record([cause(1, "2024-01-01", severity="warning")], HOOK, clock())
    outbox.delivered(outbox.due("webhook", clock()), "webhook", clock())
    outbox.record([cause(1, "2024-01-02", severity="error")], HOOK, clock.pass_by(5))
    [message] = outbox.due("webhook", clock())
    assert [s.name for s in message.cause.subjects] == ["2024-01-02"]
    outbox.delivered([message], "webhook", clock())
    outbox.record([cause(1, "2024-01-03", severity="error")], HOOK, clock())
    assert outbox.due("webhook", clock()) == []


def test_what_has_ended_is_a_new_cause_when_it_comes_back(outbox: Outbox, clock: Clock) -> None:
    broken = cause(member="sales.check")
    outbox.record([broken], HOOK, clock())
    outbox.delivered(outbox.due("webhook", clock()), "webhook", clock())
    assert [c.title for c in outbox.open_causes()] == ["t1"]
    outbox.record([], HOOK, clock.pass_by(60), ended=[("sales.check", "2024-01-02")])
    assert len(outbox.open_causes()) == 1  # another landing has passed
    outbox.record([], HOOK, clock.pass_by(60), ended=[("sales.check", "2023-12-30 to 2024-01-05")])
    assert outbox.open_causes() == []
    assert outbox.record([broken], HOOK, clock.pass_by(60)) == 1
    assert len(outbox.due("webhook", clock())) == 1


def test_what_fails_and_passes_in_one_reading_is_reported_and_not_open(outbox: Outbox, clock: Clock) -> None:
    assert outbox.record([cause(member="m")], HOOK, clock(), ended_after=[("m", "2024-01-01")]) == 1
    assert outbox.open_causes() == []
    assert titles(outbox) == ["t1"]


def test_landings_with_one_cause_come_together(outbox: Outbox, clock: Clock) -> None:
    """A backfill of a year fails on each day: first one message, then one for all others."""
    outbox.record([cause(1, "2024-01-01"), cause(1, "2024-01-02")], HOOK, clock())
    [message] = outbox.due("webhook", clock())
    assert [s.name for s in message.cause.subjects] == ["2024-01-01", "2024-01-02"]
    outbox.delivered([message], "webhook", clock())
    for number in range(3, 28):
        outbox.record([cause(1, f"2024-01-{number:02}")], HOOK, clock.pass_by(5))
        assert outbox.due("webhook", clock()) == []
    [message] = outbox.due("webhook", clock.pass_by(600))
    assert len(message.cause.subjects) == 25


def test_messages_above_the_limit_per_hour_come_in_one(outbox: Outbox, receiver: WebReceiver, clock: Clock) -> None:
    channel = Webhook(receiver.address)
    outbox.record([cause(n) for n in range(30)], HOOK, clock())
    deliver(outbox, [channel], 5, clock)
    assert len(receiver.bodies) == 5
    assert len(receiver.identities) == len(set(receiver.identities)) == 30
    assert "26 alerts: a run failed" in receiver.texts[-1]
    outbox.record([cause(99)], HOOK, clock())
    assert deliver(outbox, [channel], 5, clock).sent == {}
    clock.pass_by(3601)
    assert deliver(outbox, [channel], 5, clock).sent == {"webhook": 1}


def test_a_message_that_is_refused_holds_up_no_other(outbox: Outbox, receiver: WebReceiver, clock: Clock) -> None:
    receiver.answer = lambda body: 400 if "poison" in body["text"] else 200
    outbox.record([cause(1, reason="poison")], HOOK, clock())
    outbox.record([cause(2)], HOOK, clock.pass_by(1))
    result = deliver(outbox, [Webhook(receiver.address)], 20, clock)
    assert (result.sent, result.errors) == ({"webhook": 1}, {"webhook": "The webhook answered 400."})
    assert titles(outbox) == ["t1"]
    receiver.answer = lambda body: 200
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {}
    clock.pass_by(3601)
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {"webhook": 1}


def test_the_receiver_says_how_long_to_wait(outbox: Outbox, receiver: WebReceiver, clock: Clock) -> None:
    receiver.answer, receiver.headers = (lambda body: 429), {"Retry-After": "900"}
    outbox.record([cause()], HOOK, clock())
    deliver(outbox, [Webhook(receiver.address)], 20, clock)
    receiver.answer, receiver.headers = (lambda body: 200), {}
    clock.pass_by(890)
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {}
    clock.pass_by(20)
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {"webhook": 1}


def test_a_fault_of_a_channel_loses_nothing_and_shows_nothing(outbox: Outbox, clock: Clock) -> None:
    class Faulty:
        name = "webhook"

        def send(self, messages: object) -> None:
            raise ValueError("https://hooks/secret is not ASCII")

    outbox.record([cause()], HOOK, clock())
    result = deliver(outbox, [Faulty()], 20, clock)
    assert result.errors == {"webhook": "Sending failed unexpectedly (ValueError)."}
    assert titles(outbox) == ["t1"]


def test_two_processes_do_not_send_at_once(outbox: Outbox, receiver: WebReceiver, clock: Clock) -> None:
    outbox.record([cause()], HOOK, clock())
    with outbox.turn() as is_ours:
        assert is_ours
        assert deliver(outbox, [Webhook(receiver.address)], 20, clock).busy
    assert receiver.bodies == []


def test_many_threads_record_one_cause_and_it_is_one_message(outbox: Outbox, clock: Clock) -> None:
    made: list[int] = []
    threads = [
        threading.Thread(target=lambda: made.append(outbox.record([cause()], HOOK, clock.now))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(made) == [0, 0, 0, 0, 0, 1]
    assert len(outbox.waiting()) == 1


def test_a_crash_between_reading_and_recording_loses_nothing(outbox: Outbox, clock: Clock) -> None:
    """Causes and how far the events were read are one transaction."""

    def causes() -> object:
        yield cause()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.record(causes(), HOOK, clock(), marks={"run:1": "done"})  # type: ignore[arg-type]
    assert outbox.mark("run:1") is None
    assert outbox.waiting() == []
    outbox.record([cause()], HOOK, clock(), marks={"run:1": "done"})
    assert (outbox.mark("run:1"), titles(outbox)) == ("done", ["t1"])


def test_what_was_received_is_in_the_file_no_more_and_others_cannot_read_it(outbox: Outbox, clock: Clock) -> None:
    outbox.record([cause(reason="CUSTOMER-4711 is named here")], HOOK, clock())
    assert b"CUSTOMER-4711" in outbox.path.read_bytes()
    assert stat.S_IMODE(outbox.path.stat().st_mode) == 0o600
    outbox.delivered(outbox.due("webhook", clock()), "webhook", clock())
    assert [path.name for path in outbox.path.parent.iterdir() if b"CUSTOMER-4711" in path.read_bytes()] == []


def test_a_crash_after_the_receiver_took_it_repeats_it_under_the_same_identity(
    outbox: Outbox, receiver: WebReceiver, clock: Clock
) -> None:
    """The one way in which a message comes twice: docs/alerts.md says so, and receivers can tell."""

    class Dying(Webhook):
        def send(self, messages: Sequence[Message]) -> None:
            super().send(messages)
            raise KeyboardInterrupt

    outbox.record([cause()], HOOK, clock())
    with pytest.raises(KeyboardInterrupt):
        deliver(outbox, [Dying(receiver.address)], 20, clock)
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {"webhook": 1}
    assert len(receiver.identities) == 2
    assert len(set(receiver.identities)) == 1


def test_a_damaged_file_is_said_in_words(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "shop.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match=r"outbox of alerts, .*shop\.sqlite: file is not a database"):
        Outbox(path, "shop").record([cause()], HOOK, clock())


def test_a_thousand_causes_at_once_arrive_within_two_hours_each_once(
    outbox: Outbox, receiver: WebReceiver, clock: Clock
) -> None:
    outbox.record([cause(n) for n in range(1000)], HOOK, clock())
    for _ in range(2):
        for _ in range(3):
            deliver(outbox, [Webhook(receiver.address)], 20, clock)
        clock.pass_by(3601)
    assert outbox.waiting() == []
    assert len(receiver.bodies) <= 40
    shown = "\n".join(block["text"]["text"] for body in receiver.bodies for block in body["blocks"])
    assert sorted(map(int, re.findall(r"Error: t(\d+)$", shown, re.MULTILINE))) == list(range(1000))


def test_channels_that_hang_keep_none_waiting_that_works(
    outbox: Outbox, receiver: WebReceiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve recipients at a mail server that hangs took every round: what stood behind them never got a message."""
    monkeypatch.setattr(deliver_module, "time", SimpleNamespace(monotonic=clock))

    class Hanging:
        def __init__(self, number: int) -> None:
            self.name = f"e-mail to {number}"

        def send(self, messages: object) -> None:
            clock.pass_by(10)
            raise DeliveryError("no answer in time")

    channels: list[Channel] = [*map(Hanging, range(12)), Webhook(receiver.address)]
    outbox.record([cause(1)], [channel.name for channel in channels[:-1]], clock())
    for _ in range(30):
        deliver(outbox, channels, 20, clock)
        clock.pass_by(5)
    outbox.record([cause(2)], HOOK, clock())
    deliver(outbox, channels, 20, clock)
    assert len(receiver.bodies) == 1


def test_a_clock_that_was_a_year_ahead_keeps_no_message_back(
    outbox: Outbox, receiver: WebReceiver, clock: Clock
) -> None:
    """A machine that woke up with a wrong clock, which was corrected: alerts were silent for a year."""
    channel = Webhook(receiver.address)
    clock.pass_by(365 * DAY)
    outbox.record([cause(1)], HOOK, clock())
    assert deliver(outbox, [channel], 1, clock).sent == {"webhook": 1}
    receiver.answer = lambda body: 503
    outbox.record([cause(2)], HOOK, clock())
    deliver(outbox, [channel], 20, clock)
    clock.pass_by(-365 * DAY)
    receiver.answer = lambda body: 200
    outbox.record([cause(3)], HOOK, clock())
    clock.pass_by(3601)
    assert deliver(outbox, [channel], 20, clock).sent == {"webhook": 2}
    assert max(open_cause.last for open_cause in outbox.open_causes()) <= clock()
    outbox.record([cause(1)], HOOK, clock.pass_by(DAY))  # still there a day later
    assert deliver(outbox, [channel], 20, clock).sent == {"webhook": 1}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: {**data, "owner": "ops"}, id="a field that is not known here"),
        pytest.param(lambda data: {**data, "kind": "solar-storm"}, id="a kind that is not known here"),
        pytest.param(lambda data: {"kind": "run-failed"}, id="fields are missing"),
        pytest.param(lambda data: [], id="something else"),
    ],
)
def test_what_another_version_left_in_the_outbox_goes_out_and_holds_up_nothing(
    spoil: Callable[[dict[str, object]], object], outbox: Outbox, receiver: WebReceiver, clock: Clock
) -> None:
    """After a rollback, every tick and every run of the command line ended with a traceback."""
    outbox.record([cause(1)], HOOK, clock())
    with sqlite3.connect(outbox.path) as db:
        [text] = db.execute("SELECT cause FROM message").fetchone()
        db.execute("UPDATE message SET cause = ?", [json.dumps(spoil(json.loads(text)))])
    outbox.record([cause(2)], HOOK, clock.pass_by(1))
    assert len(outbox.waiting()) == 2
    assert deliver(outbox, [Webhook(receiver.address)], 20, clock).sent == {"webhook": 2}


def test_a_lock_that_cannot_be_written_is_said_in_words(outbox: Outbox, clock: Clock) -> None:
    outbox.record([cause(1)], HOOK, clock())
    outbox.path.with_suffix(".lock").mkdir()
    with pytest.raises(StorageError, match=r"beside the outbox of alerts, .*\.lock: Is a directory"):
        deliver(outbox, [], 20, clock)


class _Unreliable:
    """A channel that is away as often as the example says."""

    name = "webhook"

    def __init__(self, answers: list[str]) -> None:
        self._answers = iter(itertools.chain(answers, itertools.repeat("ok")))
        self.received: list[str] = []

    def send(self, messages: list[Message]) -> None:
        answer = next(self._answers)
        if answer != "ok":
            raise DeliveryError(answer, of_message=answer == "refused")
        self.received += [message.identity for message in messages]


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(st.sampled_from(["ok", "away", "refused"]), max_size=12),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), min_size=1, max_size=8),
    per_hour=st.integers(1, 4),
)
def test_whatever_happens_each_message_arrives_once(
    answers: list[str], steps: list[tuple[int, int]], per_hour: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outbox, clock = Outbox(tmp_path_factory.mktemp("outbox") / "shop.sqlite", "shop"), Clock()
    channel = _Unreliable(answers)
    made = 0
    numbers = itertools.count()
    for causes, seconds in steps:
        made += outbox.record([cause(next(numbers)) for _ in range(causes)], HOOK, clock())
        deliver(outbox, [channel], per_hour, clock)  # type: ignore[list-item]
        clock.pass_by(seconds)
    for _ in range(60):
        clock.pass_by(2 * 3600)
        deliver(outbox, [channel], per_hour, clock)  # type: ignore[list-item]
    assert outbox.waiting() == []
    assert len(channel.received) == len(set(channel.received)) == made

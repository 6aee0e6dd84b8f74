"""`retail-assets alerts` and `digest`: what a person sees, with a receiver that is there, away and back."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.cli.app import main
from retail_assets.platform import Platform
from retail_assets.settings import load
from retail_assets_tests.alerts.receivers import WebReceiver


@pytest.fixture
def receiver(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    for name, value in {**environ, "RETAIL_ALERT_WEBHOOK": receiver.address}.items():
        monkeypatch.setenv(name, value)
    yield receiver
    receiver.go_away()


def test_a_test_message_is_received_or_the_channel_is_named(
    receiver: WebReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "test"]) == 0
    assert capsys.readouterr().out == "webhook: received\n"
    assert "This channel receives alerts." in receiver.texts[0]
    receiver.answer = lambda body: 403
    assert main(["alerts", "test"]) == 1
    assert capsys.readouterr().err == "Error: webhook: The webhook answered 403.\n"


def test_without_a_channel_the_way_to_one_is_said(
    receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RETAIL_ALERT_WEBHOOK")
    for command in ("test", "pending", "send"):
        assert main(["alerts", command]) == 1
        assert "Set RETAIL_ALERT_WEBHOOK" in capsys.readouterr().err
    assert main(["digest"]) == 0
    assert "without a channel (RETAIL_ALERT_*) nothing is collected" in capsys.readouterr().out


@pytest.mark.slow
def test_a_failed_run_of_the_command_line_is_reported_when_the_receiver_is_back(
    receiver: WebReceiver, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody is there to hear it; `send`, as under cron, delivers it later, once."""
    sales = tmp_path / "sales.csv"
    sales.write_text("Transaction ID,Date\n1,2024-01-05\n")
    assert main(["land", "--no-check", "--date", "2024-01-05", str(sales)]) == 0
    receiver.go_away()
    assert main(["materialize", "--partition", "2024-01-05", "--select", "raw_sales_files,insights"]) == 1
    assert "Alerts wait: The webhook cannot be reached (Connection refused)." in capfd.readouterr().err
    assert main(["alerts", "pending", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert {item["title"] for item in found["waiting"]} == {item["title"] for item in found["open"]}
    titles = sorted(item["title"] for item in found["waiting"])
    assert "Run failed in raw_sales_files (2024-01-05)" in titles
    receiver.come_back()
    let_the_wait_be_over(tmp_path)
    assert main(["alerts", "send"]) == 0
    assert main(["alerts", "send"]) == 0
    assert len(receiver.identities) == len(set(receiver.identities)) == len(titles)
    assert main(["alerts", "pending"]) == 0
    assert "Not received yet: 0 messages" in capfd.readouterr().out


def test_send_looks_for_late_landings_each_time(
    receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A first `send` on an empty store hid for ten minutes what was missing from the history that landed next."""
    monkeypatch.setenv("RETAIL_ALERT_LANDED_BY", "06:00")
    assert main(["alerts", "send"]) == 0
    platform = Platform(load(os.environ))
    today = platform.settings.today()
    for back in range(3, 40):
        platform.raw.write(f"{platform.source}/dt={today - dt.timedelta(back)}/a.csv", b"x")
    assert main(["alerts", "send"]) == 0
    capsys.readouterr()
    assert main(["alerts", "pending", "--json"]) == 0
    [late] = json.loads(capsys.readouterr().out)["open"]
    assert late["kind"] == "landing-late"
    assert late["subjects"][:2] == [str(today - dt.timedelta(back)) for back in (2, 1)]


def let_the_wait_be_over(tmp_path: Path) -> None:
    """Let the wait after the failed attempt be over."""
    import sqlite3

    [path] = tmp_path.rglob("retail_sales.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE channel SET next = 0")
    db.close()


def test_the_digest_is_printed_and_sent(receiver: WebReceiver, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digest", "--send"]) == 0
    shown = capsys.readouterr().out
    assert "What sold\nNo sales have been loaded yet." in shown
    assert "1 to webhook." in shown
    assert "*What needs attention*\nNothing is open." in receiver.texts[0]
    kinds = [(block["type"], block["text"]["text"].partition("\n")[0]) for block in receiver.bodies[0]["blocks"]]
    assert kinds[1:3] == [("section", "*What sold*"), ("section", "No sales have been loaded yet.")]


def test_the_digest_is_printed_where_the_outbox_cannot_be_read(
    receiver: WebReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The outbox is for the user of the daemon alone; what sold is not."""
    blocked = tmp_path / "blocked"
    (blocked / "alerts").mkdir(parents=True)
    monkeypatch.setenv("RETAIL_HOME", str(blocked))
    for name in ("retail_sales", "shop"):
        (blocked / "alerts" / f"{name}.sqlite").mkdir()
    assert main(["digest"]) == 0
    shown = capsys.readouterr().out
    assert "What needs attention\nNot known: Cannot write the outbox of alerts" in shown

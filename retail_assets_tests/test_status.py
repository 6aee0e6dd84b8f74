"""`retail-assets status` beyond landings and tables: what waits in the outbox of alerts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retail_assets.alerts.causes import test_cause
from retail_assets.alerts.outbox import Outbox, outbox_path
from retail_assets.cli.app import main
from retail_assets.settings import load

SECRET = "hook-secret-token"


@pytest.fixture
def outbox(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Outbox:
    for name, value in {**environ, "RETAIL_ALERT_WEBHOOK": f"https://hooks.example.com/{SECRET}"}.items():
        monkeypatch.setenv(name, value)
    settings = load()
    return Outbox(outbox_path(settings.home, settings.source), settings.source)


def _shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines about alerts."""
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert SECRET not in "".join(lines)
    if "Alerts" not in lines:
        return []
    begin = lines.index("Alerts") + 2
    return lines[begin : lines.index("", begin)]


def test_messages_that_wait_are_counted_with_the_oldest_and_the_last_error(
    outbox: Outbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this a receiver that is away for days is noticed only by whoever misses its messages."""
    assert _shown(capsys) == ["None open, none waiting."]
    outbox.record([test_cause()], ["webhook", "e-mail to ops@example.com"], 1_700_000_000.0)
    outbox.record([test_cause()], ["webhook"], 1_700_090_000.0)
    outbox.failed(outbox.due("webhook", 1_700_100_000.0), "webhook", "The webhook answered 503.", 1_700_100_000.0)
    monkeypatch.setenv("COLUMNS", "200")
    assert _shown(capsys) == [
        "1 message waits for e-mail to ops@example.com, the oldest since 2023-11-14 22:13 UTC.",
        "2 messages wait for webhook, the oldest since 2023-11-14 22:13 UTC. The webhook answered 503.",
        "Next:  retail-assets alerts pending",
    ]
    assert main(["status", "--json"]) == 0
    alerts = json.loads(capsys.readouterr().out)["alerts"]
    assert [(item["channel"], item["messages"]) for item in alerts["waiting"]] == [
        ("e-mail to ops@example.com", 1),
        ("webhook", 2),
    ]
    assert alerts["waiting"][1]["oldest"] == "2023-11-14T22:13:20+00:00"


def test_an_outbox_that_cannot_be_read_hides_nothing_else(outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    outbox.path.parent.mkdir(parents=True)
    outbox.path.write_bytes(b"not a database" * 100)
    assert "Cannot write the outbox of alerts" in " ".join(_shown(capsys))


def test_without_a_channel_there_is_nothing_about_alerts(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert _shown(capsys) == []

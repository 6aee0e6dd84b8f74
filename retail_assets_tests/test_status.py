"""`retail-assets status` on a bad day: what is gone, what is damaged, what waits in the outbox of alerts."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from retail_assets.alerts.causes import test_cause
from retail_assets.alerts.outbox import Outbox, outbox_path
from retail_assets.cli.app import main
from retail_assets.defs.execute import waiting_landings
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.landing import same_content
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets.settings import load
from retail_assets.status import read_status

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


DAY = dt.date(2024, 1, 5)
KEY = f"retail_sales/dt={DAY}/a.csv"


@pytest.fixture
def cleaned(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A landing that is cleaned, to no row."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return _cleaned(Platform(load()))


def _cleaned(platform: Platform) -> Platform:
    contract = platform.settings.contract
    platform.raw.write(
        KEY, b"Transaction ID,Date,Product Category,Quantity,Price per Unit,Total Amount\n1,2024-01-05,Beauty,1,50,50\n"
    )
    [raw] = register_landings(platform.raw, platform.lake, [DAY], contract).manifests
    platform.lake.publish_clean(
        CleanManifest("retail_sales", DAY, "run", contract.digest, raw.digest, {s: () for s in STATUSES})
    )
    return platform


def _state(platform: Platform) -> str:
    [landing] = read_status(platform).landings
    return landing.state


def test_a_landing_whose_files_are_gone_is_named_with_the_next_step(
    cleaned: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _state(cleaned) == "loaded"
    cleaned.raw.delete([KEY])
    assert _state(cleaned) == "gone"
    assert main(["status"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"no longer in the raw store, and still loaded: {DAY}. Next: retail-assets materialize --partition" in shown


def _other_bytes(platform: Platform) -> bytes:
    with platform.raw.open(KEY) as file:
        return file.read().replace(b"1,50,50", b"2,25,50")


def test_a_corrected_file_of_the_same_size_waits_for_a_run(cleaned: Platform) -> None:
    """It was shown as loaded, `materialize` found nothing that waits, and the tables kept the old amounts."""
    cleaned.raw.write(KEY, _other_bytes(cleaned))
    assert _state(cleaned) == "changed"
    assert waiting_landings(cleaned) == [(DAY, DAY)]
    register_landings(cleaned.raw, cleaned.lake, [DAY], cleaned.settings.contract)
    assert _state(cleaned) == "changed"  # registered, and not yet cleaned


@pytest.mark.slow
def test_a_corrected_object_of_the_same_size_waits_for_a_run(s3: Any, bucket: str, environ: dict[str, str]) -> None:
    """S3 has times in whole seconds: one that is written in the second of its registration is compared."""
    platform = _cleaned(
        Platform(load(environ | {"RETAIL_RAW_URI": f"s3://{bucket}/raw", "RETAIL_LAKE_URI": f"s3://{bucket}/lake"}))
    )
    assert _state(platform) == "loaded"
    platform.raw.write(KEY, _other_bytes(platform))
    assert _state(platform) == "changed"


def test_a_corrected_file_may_bear_an_old_time(cleaned: Platform) -> None:
    """As `mv`, `cp -p` and `rsync -t` put it in place."""
    path = Path(cleaned.raw.local_path(KEY))
    corrected = path.parent.parent / "corrected.csv"
    corrected.write_bytes(_other_bytes(cleaned))
    os.utime(corrected, (1_700_000_000, 1_700_000_000))
    corrected.replace(path)
    assert _state(cleaned) == "changed"


def test_a_file_that_is_only_touched_or_too_large_to_compare(
    cleaned: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned.raw.write(KEY, Path(cleaned.raw.local_path(KEY)).read_bytes())
    assert _state(cleaned) == "loaded"
    monkeypatch.setattr(same_content, "_BYTES_COMPARED", 10)
    assert _state(cleaned) == "changed"
    register_landings(cleaned.raw, cleaned.lake, [DAY], cleaned.settings.contract)
    assert _state(cleaned) == "loaded"  # one run settles it


def test_status_answers_after_a_manifest_was_deleted_as_the_runbook_says(cleaned: Platform) -> None:
    """Whoever withdraws a file on purpose deletes the raw manifest: until the next run, `status` had nothing to say."""
    cleaned.lake.store.delete([cleaned.lake.manifest_key("raw", DAY)])
    assert _state(cleaned) == "changed"
    cleaned.raw.delete([KEY])
    assert _state(cleaned) == "gone"
    assert cleaned.lake.cleaned_summaries() == []


def test_what_engines_write_next_to_data_changes_no_landing(cleaned: Platform) -> None:
    """With a `_SUCCESS` in it, a landing was loaded again by every run."""
    cleaned.raw.write(f"retail_sales/dt={DAY}/_SUCCESS", b"")
    cleaned.raw.write("retail_sales/dt=2024-01-06/_SUCCESS", b"")
    assert _state(cleaned) == "loaded"
    assert waiting_landings(cleaned) == []
    assert landed_partitions(cleaned.raw, "retail_sales") == [DAY]


def test_a_damaged_ledger_of_a_stream_hides_nothing_else(cleaned: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    cleaned.raw.write("_streams/retail_sales/topic=sales/0.json", b'{"topic":')
    assert main(["status"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert str(DAY) in shown
    assert "topic=sales/0.json is damaged" in shown
    assert main(["status", "--json"]) == 0
    [problem] = json.loads(capsys.readouterr().out)["damaged_streams"]
    assert "0.json is damaged" in problem

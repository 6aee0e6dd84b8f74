"""Events reach the server or wait: nothing raises, nothing is lost, and one attempt ends at the first failure."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.lineage import spool as spool_module
from retail_assets.lineage.spool import Spool
from retail_assets.lineage.transport import open_transport
from retail_assets.settings.lineage import LineageSettings
from retail_assets.storage.locks import try_lock
from retail_assets_tests.lineage.lineage_server import LineageServer, lineage_server

SECONDS = 30.0
NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def server() -> Iterator[LineageServer]:
    with lineage_server() as running:
        yield running


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "lineage")


def events(run: str, count: int = 2) -> list[str]:
    return [
        json.dumps({"eventTime": "2024-01-01T12:00:00Z", "eventType": f"E{n}", "run": {"runId": run}})
        for n in range(count)
    ]


def add(spool: Spool, run: str, minutes: int = 0, count: int = 2) -> list[str]:
    spool.add(run, NOON + dt.timedelta(minutes=minutes), events(run, count))
    return events(run, count)


def sent_to(server: LineageServer) -> list[dict]:
    return [json.loads(event) for event in server.events]


def test_events_arrive_oldest_run_first_with_the_key(spool: Spool, server: LineageServer) -> None:
    late, early = add(spool, "b", 5), add(spool, "a", 1)
    result = spool.send(open_transport(LineageSettings(server.url, api_key="secret")), SECONDS)
    assert sent_to(server) == [json.loads(event) for event in [*early, *late]]
    assert set(server.paths) == {"/api/v1/lineage"}
    assert set(server.keys) == {"Bearer secret"}
    assert (result.events, result.waiting, result.problem) == (4, 0, "")


def test_a_path_of_the_address_stays(spool: Spool, server: LineageServer) -> None:
    add(spool, "a")
    spool.send(open_transport(LineageSettings(f"{server.url}/marquez")), SECONDS)
    assert set(server.paths) == {"/marquez/api/v1/lineage"}


def test_nobody_listens_and_later_somebody_does(spool: Spool) -> None:
    with lineage_server() as gone:
        url = gone.url
    expected = add(spool, "a")
    result = spool.send(open_transport(LineageSettings(url)), SECONDS)
    assert (result.events, result.waiting) == (0, 1)
    assert "cannot be reached" in result.problem
    with lineage_server() as back:
        spool.send(open_transport(LineageSettings(back.url)), SECONDS)
        assert sent_to(back) == [json.loads(event) for event in expected]
    assert spool.waiting() == 0


def test_a_server_that_hangs_is_left_after_one_event(spool: Spool, server: LineageServer) -> None:
    server.status = None
    add(spool, "a", count=50)
    result = spool.send(open_transport(LineageSettings(server.url)), SECONDS)
    assert (result.events, result.waiting) == (0, 1)
    assert "did not answer within 2 s" in result.problem
    assert len(server.paths) == 1


def test_the_time_limit_holds_also_where_the_server_sends_byte_by_byte(spool: Spool, server: LineageServer) -> None:
    """The limit of a read starts again with each byte, so the whole attempt has a limit of its own."""
    server.status = None
    add(spool, "a")
    result = spool.send(open_transport(LineageSettings(server.url)), 0.3)
    assert (result.waiting, "did not answer within 0.3 s" in result.problem) == (1, True)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503, 302, 308])
def test_what_may_be_taken_later_waits(spool: Spool, server: LineageServer, status: int) -> None:
    server.status = status
    expected = add(spool, "a")
    result = spool.send(open_transport(LineageSettings(server.url)), SECONDS)
    assert (result.events, result.refused, result.waiting) == (0, 0, 1)
    assert result.problem
    server.status = 200
    assert spool.send(open_transport(LineageSettings(server.url)), SECONDS).waiting == 0
    assert sent_to(server) == [json.loads(event) for event in expected]


def test_an_event_that_is_refused_for_good_is_kept_and_holds_up_no_other(
    spool: Spool, server: LineageServer, tmp_path: Path
) -> None:
    server.refuses = '"E0"'
    add(spool, "a")
    add(spool, "b", 1)
    result = spool.send(open_transport(LineageSettings(server.url)), SECONDS)
    assert (result.events, result.refused, result.waiting) == (2, 2, 0)
    assert {event["eventType"] for event in sent_to(server)} == {"E1"}
    kept = sorted((tmp_path / "lineage" / "refused").iterdir())
    assert [json.loads(path.read_text())["event"]["run"]["runId"] for path in kept] == ["a", "b"]
    assert "HTTP 422" in json.loads(kept[0].read_text())["why"]


def test_what_was_sent_before_a_failure_is_not_sent_again(spool: Spool, server: LineageServer) -> None:
    expected = add(spool, "a", count=3)
    transport = open_transport(LineageSettings(server.url))
    send, seen = transport.send, []

    def breaking(event: str) -> None:
        seen.append(event)
        server.status = 503 if len(seen) == 2 else 201
        send(event)

    transport.send = breaking  # type: ignore[method-assign]
    assert spool.send(transport, SECONDS).events == 1
    assert spool.send(transport, SECONDS).events == 2
    assert sent_to(server) == [json.loads(event) for event in expected]


def test_two_senders_do_not_send_the_same(spool: Spool, server: LineageServer, tmp_path: Path) -> None:
    add(spool, "a")
    handle = os.open(tmp_path / "lineage" / "sending.lock", os.O_RDWR | os.O_CREAT)
    try:
        assert try_lock(handle)
        result = spool.send(open_transport(LineageSettings(server.url)), SECONDS)
        assert (result.events, result.waiting) == (0, 1)
    finally:
        os.close(handle)
    assert spool.send(open_transport(LineageSettings(server.url)), SECONDS).events == 2


def test_a_server_that_is_gone_fills_no_disk(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MOST_WAITING", 3)
    given_up = [spool.add(str(n), NOON + dt.timedelta(minutes=n), events(str(n))) for n in range(5)]
    assert given_up == [0, 0, 0, 1, 1]
    assert spool.waiting() == 3


def test_a_file_gets_one_event_per_line_and_keeps_what_it_has(spool: Spool, tmp_path: Path) -> None:
    path = tmp_path / "out" / "lineage.jsonl"
    transport = open_transport(LineageSettings(str(path)))
    first = add(spool, "a")
    spool.send(transport, SECONDS)
    second = add(spool, "b", 1)
    spool.send(transport, SECONDS)
    assert path.read_text().splitlines() == [*first, *second]


def test_a_file_that_cannot_be_written_is_a_problem_and_no_error(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    add(spool, "a")
    result = spool.send(open_transport(LineageSettings(str(tmp_path / "taken" / "lineage.jsonl"))), SECONDS)
    assert (result.events, result.waiting) == (0, 1)
    assert "cannot be written" in result.problem


@pytest.mark.parametrize("damage", [b"\0" * 40, b'{"eventTime": "2024', b"\xff\xfe", b"[1]"])
def test_an_event_that_the_disk_has_damaged_is_put_aside_and_holds_up_no_other(
    spool: Spool, server: LineageServer, tmp_path: Path, damage: bytes
) -> None:
    add(spool, "a")
    expected = add(spool, "b", 5)
    [first, _] = sorted((tmp_path / "lineage" / "waiting").iterdir())
    first.write_bytes(damage + b"\n")
    result = spool.send(open_transport(LineageSettings(server.url)), SECONDS)
    assert sent_to(server) == [json.loads(event) for event in expected]
    assert (result.events, result.refused, result.waiting) == (2, 1, 0)
    [aside] = (tmp_path / "lineage" / "refused").iterdir()
    assert "damaged on the disk" in json.loads(aside.read_bytes())["why"]

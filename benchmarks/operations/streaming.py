"""Streaming: records per second, seconds from produced to landed, memory, and what 20 random SIGKILLs per broker do.

Each figure is the worst of both brokers. Landers are processes as users start them, and their start counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Store
from retail_assets_tests.services.brokers import NAMES, RunningBroker, broker, produce
from retail_assets_tests.services.s3 import Door, moto
from retail_assets_tests.services.s3_fixtures import REGION, aws_environment
from retail_assets_tests.services.schema_registry import schema_registry
from retail_assets_tests.streaming.avro import SALE, avro_sales
from retail_assets_tests.streaming.kills import killed_at_random
from retail_assets_tests.streaming.topics import environment, landed_ids, landed_keys, new_topic, sale, start
from retail_assets_tests.waiting import until

RECORDS = 1_000_000
PARTITIONS = 4
KILLS = 20
_ROUND = 3_000
_LATENCY_SECONDS = 25.0
_RECORDS_PER_TICK, _TICK = 200, 0.1
_END_SECONDS = 600


def measure() -> dict[str, float]:
    """Return the figures of the issue. Rates and seconds are the worst of both brokers."""
    found: dict[str, list[float]] = {}
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder, broker(name, Path(folder)) as running:
            for measured in (_throughput, _avro_throughput, _latency, _kills):
                for figure, value in measured(running, Path(folder)).items():
                    found.setdefault(figure, []).append(value)
                    print(f"{name}: {figure} {value:,.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder, broker("noida", Path(folder)) as running:
        for figure, value in _kills_on_s3(running, Path(folder)).items():
            found[figure].append(value)
            print(f"noida, S3: {figure} {value:,.1f}", flush=True)
    worst = {"stream_records_per_s": min, "stream_avro_records_per_s": min}
    return {figure: round(worst.get(figure, max)(values), 2) for figure, values in found.items()}


def _throughput(running: RunningBroker, folder: Path) -> dict[str, float]:
    """Land a topic that waits, with the settings as they are; its peak is the memory of the whole process.

    noida answers a fetch with all that a partition has, whatever is asked for, so with a topic that waits its client's
    memory is the broker's doing. There the peak is that of `_latency`, where the topic grows meanwhile.
    """
    seconds, peak = _landed_once(running, folder / "throughput", map(sale, range(RECORDS)), "Transaction ID")
    figures = {"stream_records_per_s": RECORDS / seconds}
    return figures if running.name == "noida" else {**figures, "stream_peak_mb": peak}


def _avro_throughput(running: RunningBroker, folder: Path) -> dict[str, float]:
    """Land a topic of Avro that waits: sales of seven fields, with decimals, an instant, an enum and a union."""
    with schema_registry() as registry:
        values = avro_sales(registry.add(SALE), range(RECORDS))
        avro = {"RETAIL_STREAM_FORMAT": "avro", "RETAIL_STREAM_REGISTRY": registry.url}
        seconds, peak = _landed_once(running, folder / "avro", values, "transaction_id", **avro)
    figures = {"stream_avro_records_per_s": RECORDS / seconds}
    return figures if running.name == "noida" else {**figures, "stream_peak_mb": peak}


def _landed_once(
    running: RunningBroker, folder: Path, values: Iterable[bytes], key: str, **more: str
) -> tuple[float, float]:
    """Land records that wait; return seconds and the most memory of the process in MB."""
    topic = new_topic(running.address, partitions=PARTITIONS)
    produce(running.address, topic, values, settings={"compression.type": "lz4"})
    environ = environment(folder, running.address, topic, **more)
    folder.mkdir()
    log = folder / "stream.log"
    begun = time.monotonic()
    lander = start(environ, "--once", log=log)
    peak = 0.0
    while lander.poll() is None:
        peak = max(peak, _peak(lander.pid))
        time.sleep(0.01)
    seconds = time.monotonic() - begun
    assert lander.returncode == 0, log.read_text()
    assert len(landed_ids(environ, key)) == RECORDS
    return seconds, peak


def _peak(pid: int) -> float:
    """Return the most memory that a process has had, in MB; 0 once it has ended.

    Not `ru_maxrss`, which begins with the memory of the process that started it.
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _latency(running: RunningBroker, folder: Path) -> dict[str, float]:
    """Send records all the time; each waits at most from when it was sent to when its object was there."""
    topic = new_topic(running.address, partitions=PARTITIONS)
    environ = environment(folder / "latency", running.address, topic)
    log = folder / "latency.log"
    sent: dict[int, float] = {}
    with _streaming(environ, log) as lander:
        number = 0
        end = time.monotonic() + _LATENCY_SECONDS
        while time.monotonic() < end:
            now = time.time()
            values = []
            for _ in range(_RECORDS_PER_TICK):
                sent[number] = now
                values.append(sale(number))
                number += 1
            produce(running.address, topic, values, settings={"linger.ms": 0})
            time.sleep(_TICK)
        settings = settings_module.load(environ)
        until(lambda: len(landed_ids(environ)) >= number, _END_SECONDS, log.read_text, pause=0.5)
        memory = _peak(lander)
    store, waited = Store(settings.raw_uri), 0.0
    for key in landed_keys(settings):
        assert offsets_of(key) is not None
        there = store.local_path(key).stat().st_mtime
        waited = max(waited, *(there - sent[number] for number in _numbers(store, key)))
    return {"stream_latency_s": waited, "stream_peak_mb": memory}


def _numbers(store: Store, key: str) -> list[int]:
    import gzip

    return [json.loads(line)["Transaction ID"] for line in gzip.decompress(store.read(key)).splitlines() if line]


@contextlib.contextmanager
def _streaming(environ: dict[str, str], log: Path) -> Iterator[int]:
    """Run a lander until the block ends; yields its process id."""
    lander = start(environ, log=log)
    try:
        until(lambda: "Streaming" in log.read_text() or lander.poll() is not None, _END_SECONDS, log.read_text)
        assert lander.poll() is None, log.read_text()
        yield lander.pid
        lander.terminate()
        assert lander.wait(60) == 0, log.read_text()
    finally:
        lander.kill()
        lander.wait()


def _kills(running: RunningBroker, folder: Path, raw: str | None = None) -> dict[str, float]:
    """Kill pairs of landers, while the topic grows; count what landed never, and what landed again."""
    topic = new_topic(running.address, partitions=PARTITIONS)
    environ = environment(folder / f"kills-{bool(raw)}", running.address, topic, RETAIL_STREAM_RECORDS="100")
    environ["RETAIL_STREAM_SECONDS"] = "0.2"
    if raw:
        environ["RETAIL_RAW_URI"] = raw

    def feed(number: int) -> None:
        produce(running.address, topic, map(sale, range(number * _ROUND, (number + 1) * _ROUND)))

    killed_at_random(environ, feed, kills=KILLS, seed=len(running.name), folder=folder)
    times = Counter(landed_ids(environ))
    lost = sum(number not in times for number in range(KILLS // 2 * _ROUND))
    return {"stream_lost": lost, "stream_doubled": sum(n - 1 for n in times.values())}


def _kills_on_s3(running: RunningBroker, folder: Path) -> dict[str, float]:
    with moto(folder) as url, Door(url) as door:
        os.environ |= aws_environment(door.url)
        from retail_assets.storage import s3_client

        bucket = "retail-stream"
        s3_client.client().create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        return _kills(running, folder, f"s3://{bucket}/raw")

"""Two landers at once, killed at random: every record lands once, on both brokers, in a folder and on S3.

A short form; `python -m benchmarks.operations.streaming` kills twenty times on each broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from retail_assets_tests.services.brokers import RunningBroker, produce
from retail_assets_tests.services.s3 import Door
from retail_assets_tests.services.schema_registry import schema_registry
from retail_assets_tests.streaming.avro import SALE, avro_sales
from retail_assets_tests.streaming.kills import killed_at_random
from retail_assets_tests.streaming.topics import environment, landed_ids, new_topic, sales

#: Records of a round, of which a hundred make an object.
ROUND = 1_000
KILLS = 4


def kill(
    running: RunningBroker,
    folder: Path,
    seed: int,
    *,
    made: Callable[[Iterable[int]], list[bytes]] = sales,
    key: str = "Transaction ID",
    **settings: str,
) -> list[int]:
    """Kill landers of a topic that grows; return the transactions of every record that landed."""
    topic = new_topic(running.address, partitions=2)
    environ = environment(folder, running.address, topic, RETAIL_STREAM_RECORDS="100", RETAIL_STREAM_SECONDS="0.2")
    environ |= settings

    def feed(number: int) -> None:
        produce(running.address, topic, made(range(number * ROUND, (number + 1) * ROUND)))

    killed_at_random(environ, feed, kills=KILLS, seed=seed, folder=folder)
    return landed_ids(environ, key)


def test_killed_landers_lose_and_double_nothing(cluster: RunningBroker, tmp_path: Path) -> None:
    assert kill(cluster, tmp_path, seed=1) == list(range(KILLS // 2 * ROUND))


def test_killed_landers_lose_and_double_nothing_on_s3(
    noida: RunningBroker, tmp_path: Path, bucket: str, door: Door
) -> None:
    landed = kill(noida, tmp_path, seed=2, RETAIL_RAW_URI=f"s3://{bucket}/raw")
    assert landed == list(range(KILLS // 2 * ROUND))


def test_killed_landers_of_avro_lose_and_double_nothing(cluster: RunningBroker, tmp_path: Path) -> None:
    with schema_registry() as registry:
        made = partial(avro_sales, registry.add(SALE))
        format_ = {"RETAIL_STREAM_FORMAT": "avro", "RETAIL_STREAM_REGISTRY": registry.url}
        landed = kill(cluster, tmp_path, seed=3, made=made, key="transaction_id", **format_)
    assert landed == list(range(KILLS // 2 * ROUND))

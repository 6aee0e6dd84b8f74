"""Two landers at once, killed at random: every record lands once, on both brokers, in a folder and on S3.

A short form; `python -m benchmarks.operations.streaming` kills twenty times on each broker.
"""

from __future__ import annotations

from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets_tests.services.brokers import RunningBroker, create_topic, produce
from retail_assets_tests.services.s3 import Door
from retail_assets_tests.streaming.kills import killed_at_random
from retail_assets_tests.streaming.topics import environment, landed_ids, landed_keys, new_topic, sales

RECORDS = 6_000


def test_killed_landers_lose_and_double_nothing(cluster: RunningBroker, tmp_path: Path) -> None:
    topic = new_topic()
    create_topic(cluster.address, topic, partitions=2)
    produce(cluster.address, topic, sales(range(RECORDS)))
    environ = environment(tmp_path, cluster.address, topic, RETAIL_STREAM_RECORDS="100", RETAIL_STREAM_SECONDS="0.2")
    killed_at_random(environ, kills=4, seed=1, folder=tmp_path)
    assert len(landed_keys(settings_module.load(environ))) >= RECORDS / 100
    assert landed_ids(environ) == list(range(RECORDS))


def test_killed_landers_lose_and_double_nothing_on_s3(
    noida: RunningBroker, tmp_path: Path, bucket: str, door: Door
) -> None:
    topic = new_topic()
    create_topic(noida.address, topic, partitions=2)
    produce(noida.address, topic, sales(range(2_000)))
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_RECORDS="100", RETAIL_STREAM_SECONDS="0.2")
    environ["RETAIL_RAW_URI"] = f"s3://{bucket}/raw"
    killed_at_random(environ, kills=2, seed=2, folder=tmp_path)
    assert landed_ids(environ) == list(range(2_000))

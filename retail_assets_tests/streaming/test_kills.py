"""Two landers at once, killed at random: every record lands once, on both brokers, in a folder and on S3.

A short form; `python -m benchmarks.operations.streaming` kills twenty times on each broker.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from importlib import resources
from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets.platform import Platform
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.storage import Store
from retail_assets_tests.services.brokers import RunningBroker, produce
from retail_assets_tests.services.s3 import Door
from retail_assets_tests.services.schema_registry import schema_registry
from retail_assets_tests.streaming.avro import SALE, avro_sales
from retail_assets_tests.streaming.kills import killed_at_random
from retail_assets_tests.streaming.topics import (
    environment,
    landed_ids,
    landed_keys,
    landed_lines,
    new_topic,
    sales,
)

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
    return landed_ids(killed(running, folder, seed, made=made, **settings), key)


def killed(
    running: RunningBroker,
    folder: Path,
    seed: int,
    *,
    made: Callable[[Iterable[int]], list[bytes]] = sales,
    **settings: str,
) -> dict[str, str]:
    """Kill landers of a topic that grows; return the environment of what landed."""
    topic = new_topic(running.address, partitions=2)
    environ = environment(folder, running.address, topic, RETAIL_STREAM_RECORDS="100", RETAIL_STREAM_SECONDS="0.2")
    environ |= settings

    def feed(number: int) -> None:
        produce(running.address, topic, made(range(number * ROUND, (number + 1) * ROUND)))

    killed_at_random(environ, feed, kills=KILLS, seed=seed, folder=folder)
    return environ


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


def check_pseudonyms(environ: dict[str, str], folder: Path) -> None:
    """Every record landed once with its customer's pseudonym, and no id is in any byte that was written."""
    assert landed_ids(environ) == list(range(KILLS // 2 * ROUND))
    settings = settings_module.load(environ)
    pseudonyms = pseudonyms_of(settings, Platform(settings).lake, landing=False)
    assert pseudonyms is not None
    of = [pseudonyms.of(f"C{number}") for number in range(97)]
    raw = Store(settings.raw_uri)
    for _, _, _, line in landed_lines(environ):
        assert json.loads(line)["Customer ID"] == of[json.loads(line)["Transaction ID"] % 97]
    for data in (*(raw.read(key) for key in landed_keys(settings)), *map(Path.read_bytes, _files(folder))):
        assert not re.search(rb"\bC\d+\b", gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "ours.yaml"]


def _with_pseudonyms(folder: Path) -> dict[str, str]:
    text = (resources.files("retail_assets.contracts") / "shipped" / "retail_sales.yaml").read_text()
    contract = folder / "ours.yaml"
    contract.write_text(f"{text}\npseudonymize: true\n")
    temporary = folder / "temporary"
    temporary.mkdir()
    return {"RETAIL_SOURCE": str(contract), "TMPDIR": str(temporary)}


def test_killed_landers_replace_every_id_and_lose_and_double_nothing(tansu: RunningBroker, tmp_path: Path) -> None:
    check_pseudonyms(killed(tansu, tmp_path, seed=4, made=sales, **_with_pseudonyms(tmp_path)), tmp_path)


def test_killed_landers_replace_every_id_on_s3(noida: RunningBroker, tmp_path: Path, bucket: str) -> None:
    raw = {"RETAIL_RAW_URI": f"s3://{bucket}/raw"}
    check_pseudonyms(killed(noida, tmp_path, seed=5, made=sales, **_with_pseudonyms(tmp_path), **raw), tmp_path)

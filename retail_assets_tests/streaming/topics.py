"""Records of sales for topics, landers in this process and as processes, and what they landed."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from retail_assets import settings as settings_module
from retail_assets.landing.streamed import offsets_of
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.streaming.lander import Lander, Totals
from retail_assets_tests.services.brokers import create_topic, produce

SOURCE = "retail_sales"


def new_topic(address: str, records: Iterable[bytes | None] = (), *, partitions: int = 1) -> str:
    """Create a topic of its own for a test, with these records, and return its name."""
    topic = f"sales-{uuid.uuid4().hex[:8]}"
    create_topic(address, topic, partitions)
    produce(address, topic, records)
    return topic


def sale(number: int, **changes: Any) -> bytes:
    """Return a record of the contract `retail_sales`, with some keys changed, or left out where None."""
    record = {
        "Transaction ID": number,
        "Date": "2026-11-29",
        "Customer ID": f"C{number % 97}",
        "Product Category": "Beauty",
        "Quantity": 2,
        "Price per Unit": 25,
        "Total Amount": 50,
    }
    return json.dumps({k: v for k, v in {**record, **changes}.items() if v is not None}).encode()


def sales(numbers: Iterable[int]) -> list[bytes]:
    return [sale(number) for number in numbers]


def environment(home: Path, address: str, topic: str, **more: str) -> dict[str, str]:
    return {
        "RETAIL_HOME": str(home),
        "RETAIL_OUTPUT": str(home / "output"),
        "RETAIL_STREAM_SERVERS": address,
        "RETAIL_STREAM_TOPICS": topic,
        **more,
    }


def land(
    environ: Mapping[str, str],
    *,
    accept_gap: bool = False,
    until_end: bool = True,
    stopping: Callable[[], bool] = lambda: False,
    said: list[str] | None = None,
) -> Totals:
    """Land in this process what the topics have by now."""
    settings = settings_module.load(environ)
    assert settings.stream is not None

    def wait(seconds: float) -> bool:
        time.sleep(min(seconds, 0.2))
        return stopping()

    say: Callable[[str], None] = print if said is None else said.append
    lander = Lander(settings, settings.stream, wait=wait, stopping=stopping, say=say)
    return lander.run(until_end=until_end, accept_gap=accept_gap)


def start(environ: Mapping[str, str], *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start `retail-assets stream` as a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_")}
    with (log or Path(os.devnull)).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "retail_assets.cli", "stream", *arguments],
            env={**kept, **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def landed_keys(settings: Settings) -> list[str]:
    return [entry.key for entry in Store(settings.raw_uri).list(SOURCE)]


def landed_lines(environ: Mapping[str, str]) -> list[tuple[str, int, int, bytes]]:
    """Return every line that is a record: topic, partition, offset, its bytes, as the objects say."""
    settings = settings_module.load(environ)
    store, found = Store(settings.raw_uri), []
    for key in landed_keys(settings):
        offsets = offsets_of(key)
        assert offsets is not None, key
        lines = gzip.decompress(store.read(key)).split(b"\n")
        assert lines.pop() == b""
        assert len(lines) == offsets.next - offsets.first
        found += [(offsets.topic, offsets.partition, offsets.first + n, line) for n, line in enumerate(lines) if line]
    return found


def landed_ids(environ: Mapping[str, str], key: str = "Transaction ID") -> list[int]:
    """Return the transactions of every landed record, as often as they landed, sorted."""
    return sorted(json.loads(line)[key] for _, _, _, line in landed_lines(environ))

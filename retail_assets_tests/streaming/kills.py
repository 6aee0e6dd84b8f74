"""Landers as processes, two at once, each killed at a random moment of its work, and a last one that ends the work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retail_assets import settings as settings_module
from retail_assets.storage import Store
from retail_assets.streaming.ledger import read_progress
from retail_assets_tests.streaming.topics import start

OBJECTS_PER_ROUND = 10
_BEGIN_SECONDS = 300
_END_SECONDS = 600


def killed_at_random(
    environ: Mapping[str, str], feed: Callable[[int], None], *, kills: int, seed: int, folder: Path
) -> None:
    """Kill landers until `kills` of them died while they worked; then let two go on to the end.

    `feed` sends the records of a round, OBJECTS_PER_ROUND objects or more. It is called when both landers are at work,
    and they die when some of these objects have landed: so it does not depend on the machine.
    """
    moments = random.Random(seed)
    settings = settings_module.load(environ)
    store = Store(settings.raw_uri)
    for number in range(0, kills, 2):
        logs = [folder / f"lander-{number}-{n}.log" for n in range(2)]
        landers = [start(environ, log=log) for log in logs]

        def wait_for(condition: Callable[[], bool], landers: Any = landers, logs: Any = logs) -> None:
            deadline = time.monotonic() + _BEGIN_SECONDS
            while not condition():
                assert time.monotonic() < deadline, [log.read_text() for log in logs]
                assert all(lander.poll() is None for lander in landers), [log.read_text() for log in logs]
                time.sleep(0.002)

        try:
            wait_for(lambda logs=logs: all("Streaming" in log.read_text() for log in logs))  # type: ignore[misc]
            wanted = _objects(store, settings.source) + moments.randint(1, OBJECTS_PER_ROUND - 4)
            feed(number // 2)
            wait_for(lambda wanted=wanted: _objects(store, settings.source) >= wanted)  # type: ignore[misc]
            for lander in landers:
                time.sleep(moments.uniform(0.0, 0.05))
                lander.kill()
        finally:
            for lander in landers:
                lander.kill()
                lander.wait()
    logs = [folder / f"lander-last-{n}.log" for n in range(2)]
    landers = [start(environ, "--once", log=log) for log in logs]
    try:
        for lander, log in zip(landers, logs, strict=True):
            assert lander.wait(_END_SECONDS) == 0, log.read_text()
    finally:
        for lander in landers:
            lander.kill()
            lander.wait()


def _objects(store: Store, source: str) -> int:
    return sum(progress.objects for progress in read_progress(store, source))

"""Landers as processes, two at once, each killed at a random moment of its work, and a last one that ends the work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets.storage import Store
from retail_assets.streaming.ledger import read_progress
from retail_assets_tests.streaming.topics import start

_BEGIN_SECONDS = 120
_END_SECONDS = 600


def killed_at_random(
    environ: Mapping[str, str],
    *,
    kills: int,
    seed: int,
    folder: Path,
    before_the_end: Callable[[], None] = lambda: None,
) -> int:
    """Kill landers until `kills` of them died while they worked; then let two go on to the end. Returns the kills.

    A pair dies once both are at work and a few more objects have landed, so that it does not depend on the machine.
    """
    moments = random.Random(seed)
    settings = settings_module.load(environ)
    store = Store(settings.raw_uri)
    died = 0
    while died < kills:
        logs = [folder / f"lander-{died}-{n}.log" for n in range(2)]
        landers = [start(environ, log=log) for log in logs]
        try:
            deadline = time.monotonic() + _BEGIN_SECONDS
            before = _objects(store, settings.source)
            wanted = before + moments.randint(1, 8)
            while not (
                all("Streaming" in log.read_text() for log in logs) and _objects(store, settings.source) >= wanted
            ):
                assert time.monotonic() < deadline, ["no more objects", *(log.read_text() for log in logs)]
                assert all(lander.poll() is None for lander in landers), [log.read_text() for log in logs]
            for lander in landers:
                time.sleep(moments.uniform(0.0, 0.05))
                lander.kill()
                died += 1
        finally:
            for lander in landers:
                lander.kill()
                lander.wait()
    before_the_end()
    logs = [folder / f"lander-last-{n}.log" for n in range(2)]
    landers = [start(environ, "--once", log=log) for log in logs]
    try:
        for lander, log in zip(landers, logs, strict=True):
            assert lander.wait(_END_SECONDS) == 0, log.read_text()
    finally:
        for lander in landers:
            lander.kill()
            lander.wait()
    return died


def _objects(store: Store, source: str) -> int:
    return sum(progress.objects for progress in read_progress(store, source))

"""Landers as processes, two at once, each killed at a random moment of its work, and a last one that ends the work."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets.storage import Store
from retail_assets.streaming.ledger import read_progress
from retail_assets_tests.streaming.topics import start
from retail_assets_tests.waiting import until

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
        try:
            _wait(landers, logs, lambda: all("Streaming" in log.read_text() for log in logs))  # noqa: B023
            wanted = _objects(store, settings.source) + moments.randint(1, OBJECTS_PER_ROUND - 4)
            feed(number // 2)
            _wait(landers, logs, lambda: _objects(store, settings.source) >= wanted)  # noqa: B023
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
            ended = lander.wait(_END_SECONDS)
            assert ended == 0, f"exit code {ended}: {log.read_text()}"
    finally:
        for lander in landers:
            lander.kill()
            lander.wait()


def _wait(landers: list[subprocess.Popen[bytes]], logs: list[Path], condition: Callable[[], bool]) -> None:
    """Wait for a condition while all landers run."""

    def said() -> list[str]:
        return [log.read_text() for log in logs]

    def reached() -> bool:
        if condition():
            return True
        assert all(lander.poll() is None for lander in landers), said()
        return False

    until(reached, _BEGIN_SECONDS, said, pause=0.002)


def _objects(store: Store, source: str) -> int:
    return sum(progress.objects for progress in read_progress(store, source)[0])

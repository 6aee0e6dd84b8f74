"""Concurrent writers of a store: of those that have read the same version of an object, exactly one succeeds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from retail_assets.storage import Store


def one_writer_goes_through(store: Store, key: str, *, writers: int, attempts: int) -> str | None:
    """Swap an object from several threads at once, `attempts` times. Returns the tag of the last version."""

    def swap(number: int) -> bool:
        begin.wait(timeout=120)
        return store.swap(key, b"%d %d" % (attempt, number), tag)

    tag = None
    for attempt in range(attempts):
        begin = threading.Barrier(writers)
        with ThreadPoolExecutor(writers) as pool:
            through = list(pool.map(swap, range(writers)))
        assert sum(through) == 1
        tagged = store.read_tagged(key)
        assert tagged is not None
        assert tagged[0] == b"%d %d" % (attempt, through.index(True))
        tag = tagged[1]
    return tag

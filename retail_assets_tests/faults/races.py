"""Writers of a store at the same moment: of those that have read the same version of an object, one goes through."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from retail_assets.storage import Store


def one_writer_goes_through(store: Store, key: str, *, writers: int, attempts: int) -> str | None:
    """Swap an object from several threads at once, `attempts` times over; returns the tag of the last version."""

    def swap(number: int) -> bool:
        begin.wait(timeout=120)
        return store.swap(key, b"%d %d" % (attempt, number), tag)

    tag = None
    for attempt in range(attempts):
        begin = threading.Barrier(writers)
        with ThreadPoolExecutor(writers) as pool:
            through = list(pool.map(swap, range(writers)))
        assert sum(through) == 1
        found = store.read_tagged(key)
        assert found is not None
        assert found[0] == b"%d %d" % (attempt, through.index(True))
        tag = found[1]
    return tag

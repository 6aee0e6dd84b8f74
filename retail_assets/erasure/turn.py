"""Turns: one erasing of a source at a time, and no step of a run begins while it lasts.

A mark in the lake shows that an erasing is in progress, on every machine. Its process renews it; a mark that nobody
renews is of a process that was killed, and stops nobody.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator

from retail_assets.erasure.tombstones import folder_of
from retail_assets.errors import RetailError, StorageBusyError
from retail_assets.lake.lake import Lake

_RENEWED_SECONDS = 2.0
#: A mark that has not been renewed for so long is of a process that was killed.
_DEAD_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_LONGEST_SECONDS = 1800.0
#: In place of the mark of a killed process: there is no way to delete a file only if it is still the same.
_FREE = b"{}"

#: Waits some seconds.
Sleep = Callable[[float], None]


class ErasingInProgressError(RetailError):
    """A customer is being erased: what begins now could write them again."""

    retryable = True


def wait_for_erasing(lake: Lake, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.monotonic) -> None:
    """Wait until no customer of the lake's source is being erased. Costs one read if nobody is.

    Raises ErasingInProgressError after half an hour.
    """
    began = seen = clock()
    last = None
    while (mark := lake.store.read_tagged(_key(lake))) is not None and mark[0] != _FREE:
        now = clock()
        if mark[1] != last:
            last, seen = mark[1], now
        elif now - seen >= _DEAD_SECONDS:
            lake.store.swap(_key(lake), _FREE, mark[1])
            continue
        if now - began >= _LONGEST_SECONDS:
            raise ErasingInProgressError(
                f"A customer of {lake.source} is being erased, and has been for {_LONGEST_SECONDS / 60:,.0f} minutes. "
                "What begins now could write them again. Run the same again when erase-customer has ended."
            )
        sleep(_LOOK_SECONDS)


@contextlib.contextmanager
def erasing(
    lake: Lake, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[], None]]:
    """Take the turn: wait for another erasing to end, and let no step of a run begin until this one ends.

    Yields what raises StorageBusyError if the turn was lost, because the store took no renewal: call it between steps.
    """
    mark = _Mark(lake, clock)
    try:
        while not mark.taken():
            wait_for_erasing(lake, sleep, clock)
        renewing = threading.Thread(target=mark.renew, name="erasing", daemon=True)
        renewing.start()
        try:
            yield mark.refuse_lost
        finally:
            mark.ended.set()
            renewing.join()
    finally:
        mark.remove()


class _Mark:
    """The mark of this process."""

    def __init__(self, lake: Lake, clock: Callable[[], float]) -> None:
        self._lake, self._clock = lake, clock
        self._id = uuid.uuid4().hex
        self._renewals = 0
        self._lost = False
        self._renewed = clock()
        self.ended = threading.Event()

    def taken(self) -> bool:
        """Set the mark; return False if another one is there."""
        there = self._lake.store.read_tagged(_key(self._lake))
        if there is not None and there[0] != _FREE:
            return False
        return self._swap(there[1] if there else None)

    def renew(self) -> None:
        """Renew the mark until the erasing ends."""
        while not self.ended.wait(_RENEWED_SECONDS):
            with contextlib.suppress(RetailError):  # the store may answer the next time
                there = self._lake.store.read_tagged(_key(self._lake))
                if there is None or not self._is_mine(there[0]) or not self._swap(there[1]):
                    self._lost = True
                    return

    def refuse_lost(self) -> None:
        """Raise StorageBusyError if others may have gone on because this mark was not renewed."""
        if self._lost or self._clock() - self._renewed >= _DEAD_SECONDS:
            raise StorageBusyError(
                f"{self._lake.store.uri_of(_key(self._lake))} could not be renewed in time, so runs may have begun "
                "while the customer was being erased. Run the same again: it goes on from there."
            )

    def remove(self) -> None:
        """Remove the mark, if it is still that of this process."""
        there = self._lake.store.read_tagged(_key(self._lake))
        if there is not None and self._is_mine(there[0]):
            self._lake.store.delete([_key(self._lake)])

    def _swap(self, tag: str | None) -> bool:
        self._renewals += 1
        data = json.dumps({"erasing": self._id, "renewals": self._renewals}).encode()
        began = self._clock()
        if not self._lake.store.swap(_key(self._lake), data, tag):
            return False
        self._renewed = began
        return True

    def _is_mine(self, data: bytes) -> bool:
        return self._id.encode() in data


def _key(lake: Lake) -> str:
    return f"{folder_of(lake.source)}/in_progress.json"

"""The bundle in use, replaced by a newer one as soon as that is verified, and kept where the newer one is damaged.

Who asks gets one bundle for the whole question. A version that could not be opened is tried again only after a while,
so that a damaged gigabyte is not fetched every second.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable

from retail_assets.errors import RetailError
from retail_assets.serving.bundles import BundleAddress
from retail_assets.serving.errors import NoBundleError
from retail_assets.serving.manifest import Pointer
from retail_assets.serving.open_bundle import OpenBundle

RETRY_SECONDS = 30.0
"""After a version could not be opened, until it is tried again."""


class Refresher:
    """Holds the bundle in use.

    Args:
        address: where bundles are published.
        check_seconds: how often the address is looked at.
        background: look in a thread of its own, so that no question waits for it; else in the first question that is
            asked when it is time.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        address: BundleAddress,
        check_seconds: float,
        background: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.problem: str | None = None
        self.pointer: Pointer | None = None
        self.swaps = 0
        # A thread that never waits would take a core.
        self._check_seconds = max(check_seconds, 0.05) if background else check_seconds
        self._background = background
        self._clock = clock
        self._bundle: OpenBundle | None = None
        self._checking = threading.Lock()
        self._checked = self._due = clock()
        self._failed: tuple[Pointer, float] | None = None
        self._stop = threading.Event()
        self._process: int | None = None

    def start(self, required: bool) -> None:
        """Look at the address for the first time. Raises RetailError if no bundle can be opened and one is required."""
        try:
            self._look()
        except RetailError as e:
            self.problem = str(e)
            if required:
                raise
        self._checked = self._clock()
        self._due = self._checked + self._check_seconds

    def bundle(self) -> OpenBundle:
        """Return the bundle to answer a question from. Raises NoBundleError if there is none."""
        if self._background:
            if self._process != os.getpid():  # the first question, or the first after a fork
                self._watch()
        elif self._clock() >= self._due:
            self.check()
        if self._bundle is None:
            raise NoBundleError(self.problem or f"There is no bundle at {self.address.uri} yet.")
        return self._bundle

    @property
    def present(self) -> OpenBundle | None:
        """The bundle in use, without looking for another."""
        return self._bundle

    @property
    def checked_seconds_ago(self) -> float:
        return max(self._clock() - self._checked, 0.0)

    def check(self) -> None:
        """Look at the address now, unless another thread does; the bundle in use stays where that fails."""
        if not self._checking.acquire(blocking=self._bundle is None):
            return
        try:
            self._look()
        except RetailError as e:
            self.problem = str(e)
        except Exception as e:  # what a store or a file makes of it must not end the answers
            self.problem = f"The address cannot be read ({type(e).__name__})."
        finally:
            self._checked = self._clock()
            self._due = self._checked + self._check_seconds
            self._checking.release()

    def close(self) -> None:
        """Stop looking, and close the bundle."""
        self._stop.set()
        if self._bundle is not None:
            self._bundle.close()

    def _look(self) -> None:
        pointer = self.address.pointer()
        if self._bundle is not None and pointer.version == self._bundle.manifest.version:
            self.pointer, self.problem, self._failed = pointer, None, None
            return
        if self._failed is not None and self._failed[0] == pointer and self._clock() < self._failed[1]:
            return
        try:
            bundle = self.address.open(pointer.version)
        except RetailError:
            self._failed = pointer, self._clock() + RETRY_SECONDS
            raise
        before, self._bundle = self._bundle, bundle
        self.pointer, self.problem, self._failed = pointer, None, None
        if before is not None:
            self.swaps += 1  # `before` closes its file when the last question has been answered from it

    def _watch(self) -> None:
        with self._checking:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
        watched = weakref.ref(self)
        threading.Thread(
            target=_keep_looking, args=(watched, self._stop, self._check_seconds), name="bundle-refresh", daemon=True
        ).start()


def _keep_looking(watched: weakref.ref[Refresher], stop: threading.Event, seconds: float) -> None:
    """Look until the refresher is closed, or nobody has it any more."""
    while not stop.wait(seconds):
        refresher = watched()
        if refresher is None:
            return
        with contextlib.suppress(Exception):
            refresher.check()
        del refresher

"""How many requests a client may send: a bucket of tokens each, refilled evenly."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_CLIENTS = 10_000


class RateLimit:
    """Lets each client send `rate` requests per second, and twice as many at once after a pause.

    Args:
        rate: requests per second; 0 lets everything pass.
        clock: seconds that never go back.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = max(2 * rate, 1.0)
        self._clock = clock
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> int:
        """Count a request; return 0, or after how many whole seconds the client may send it again."""
        if not self._rate:
            return 0
        now = self._clock()
        tokens, since = self._clients.pop(client, (self._most, now))
        tokens = min(tokens + (now - since) * self._rate, self._most)
        allowed = tokens >= 1
        self._clients[client] = (tokens - 1 if allowed else tokens, now)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - tokens) / self._rate))

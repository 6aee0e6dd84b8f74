"""A client that costs little next to the server: plain sockets, one request at a time on each connection."""

from __future__ import annotations

import contextlib
import itertools
import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_SECONDS = 30.0
"""Without an answer, a request is lost."""


@dataclass
class Load:
    """What came of the requests.

    Attributes:
        latencies: seconds of each answered request; of paced ones from when they were due, so that waiting counts.
        errors: requests that were lost, or answered with another status than 200.
        seconds: from the first request to the last answer.
    """

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass
class _Connection:
    socket: socket.socket
    begun: float = 0.0
    answer: bytes = b""

    def send(self, request: bytes, begun: float) -> None:
        self.begun, self.answer = begun, b""
        self.socket.sendall(request)


class Client:
    """Asks a server on this machine for some paths in turn.

    Args:
        port: of the server.
        paths: what is asked for, again and again.
        connections: that are open.
    """

    def __init__(self, port: int, paths: Sequence[str], connections: int) -> None:
        self._port = port
        self._requests = itertools.cycle(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)
        self._connections = connections

    def flood(self, *, seconds: float = 3600.0, requests: int = 10**9) -> Load:
        """Send on every connection as soon as the last answer is there, for so long or so many requests."""
        load = Load()
        with self._opened() as (selector, connections):
            began = time.perf_counter()
            for connection in connections:
                connection.send(next(self._requests), time.perf_counter())
            sent = busy = len(connections)
            while busy:
                for connection in _answered(selector, load, _SECONDS):
                    now = time.perf_counter()
                    if now - began < seconds and sent < requests:
                        connection.send(next(self._requests), now)
                        sent += 1
                    else:
                        busy -= 1
            load.seconds = time.perf_counter() - began
        return load

    def pace(self, rate: float, seconds: float) -> Load:
        """Send so many requests per second, evenly, whether or not earlier ones have been answered."""
        load = Load()
        dues: deque[float] = deque()
        with self._opened() as (selector, idle):
            began = time.perf_counter()
            number, total, most = 0, int(rate * seconds), len(idle)
            while number < total or dues or len(idle) < most:
                now = time.perf_counter()
                while number < total and began + number / rate <= now:
                    dues.append(began + number / rate)
                    number += 1
                while dues and idle:
                    idle.pop().send(next(self._requests), dues.popleft())
                pause = began + number / rate - time.perf_counter() if number < total else _SECONDS
                idle += _answered(selector, load, max(pause, 0.0))
            load.seconds = time.perf_counter() - began
        return load

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[selectors.BaseSelector, list[_Connection]]]:
        with contextlib.ExitStack() as stack:
            selector = stack.enter_context(contextlib.closing(selectors.DefaultSelector()))
            connections = []
            for _ in range(self._connections):
                opened = stack.enter_context(socket.create_connection(("127.0.0.1", self._port), timeout=_SECONDS))
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections.append(_Connection(opened))
                selector.register(opened, selectors.EVENT_READ, connections[-1])
            yield selector, connections


def _answered(selector: selectors.BaseSelector, load: Load, seconds: float) -> list[_Connection]:
    """The connections whose answer has come, within so many seconds. Raises ConnectionError if one is closed."""
    ready = selector.select(seconds)
    if not ready and seconds == _SECONDS:
        raise ConnectionError(f"No answer within {seconds:.0f} s.")
    whole = []
    for key, _ in ready:
        connection: _Connection = key.data
        data = connection.socket.recv(262_144)
        if not data:
            raise ConnectionError("The server closed a connection.")
        connection.answer += data
        if _is_whole(connection.answer):
            load.latencies.append(time.perf_counter() - connection.begun)
            load.errors += not connection.answer.startswith(b"HTTP/1.1 200")
            whole.append(connection)
    return whole


def _is_whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(answer, 0, head + 2)
    return length is not None and len(answer) >= head + 4 + int(length[1])

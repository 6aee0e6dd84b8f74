"""What the server counts, as Prometheus reads it. The workers of one server add up their counts through small files.

A route stands for all paths of its kind, so that no label has a customer's id and none is without bound.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from retail_assets.serving.results import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper ends of the classes of durations, in seconds."""
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_LIVE_SECONDS = 10.0
Labels = tuple[str, ...]


class Metrics:
    """Counts of one worker.

    Args:
        folder: where the workers of a server put their counts; None: there is one worker.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._requests: Counter[Labels] = Counter()
        self._seconds: Counter[str] = Counter()
        self._classes: dict[str, list[int]] = {}
        self._refused: Counter[str] = Counter()
        self.running = 0

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests[method if method in _METHODS else "OTHER", route, str(status)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]
        classes = self._classes.get(route)
        if classes is None:
            classes = self._classes[route] = [0] * (len(BUCKETS) + 1)
        for place, end in enumerate(BUCKETS):
            if seconds <= end:
                classes[place] += 1
                return
        classes[-1] += 1

    def refuse(self, reason: str) -> None:
        """Count a request that was turned away: `key`, `rate`, `host`, `body`."""
        self._refused[reason] += 1

    def save(self) -> None:
        """Put the counts where the other workers find them; a disk that is full loses no request."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            descriptor, part = tempfile.mkstemp(dir=self._folder, prefix=".")
            with os.fdopen(descriptor, "w") as file:
                json.dump(self._content(), file)
            os.replace(part, self._folder / f"{os.getpid()}.json")

    def text(self, health: Health) -> str:
        """Return the counts of all workers, and the state of the bundle, in Prometheus's text format."""
        return "\n".join(_lines([self._content(), *self._others()], health)) + "\n"

    def _content(self) -> dict[str, Any]:
        return {
            "at": time.time(),
            "worker": os.getpid(),
            "memory": _resident_bytes(),
            "running": self.running,
            "requests": [[*labels, number] for labels, number in self._requests.items()],
            "seconds": dict(self._seconds),
            "classes": self._classes,
            "refused": dict(self._refused),
        }

    def _others(self) -> Iterator[Mapping[str, Any]]:
        """The counts of the other workers, those that have ended among them: a count never falls."""
        if self._folder is None:
            return
        for path in sorted(self._folder.glob("*.json")):
            if path.stem != str(os.getpid()):
                with contextlib.suppress(OSError, ValueError):
                    yield json.loads(path.read_text())


def _lines(workers: Iterable[Mapping[str, Any]], health: Health) -> Iterator[str]:
    workers = list(workers)
    requests: Counter[Labels] = Counter()
    refused: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    classes: dict[str, list[int]] = {}
    for worker in workers:
        for *labels, number in worker["requests"]:
            requests[tuple(labels)] += number
        refused.update(worker["refused"])
        for route, spent in worker["seconds"].items():
            seconds[route] = seconds.get(route, 0.0) + spent
            before = classes.get(route, [0] * (len(BUCKETS) + 1))
            classes[route] = [a + b for a, b in zip(before, worker["classes"][route], strict=True)]
    yield from _head("retail_serving_requests_total", "counter", "Requests that were answered.")
    for (method, route, status), number in sorted(requests.items()):
        yield _sample("retail_serving_requests_total", number, method=method, route=route, status=status)
    yield from _head("retail_serving_refused_total", "counter", "Requests that were turned away, by reason.")
    for reason, number in sorted(refused.items()):
        yield _sample("retail_serving_refused_total", number, reason=reason)
    name = "retail_serving_request_seconds"
    yield from _head(name, "histogram", "Seconds from the request to the end of the response.")
    for route, counts in sorted(classes.items()):
        total = 0
        for end, number in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            total += number
            yield _sample(f"{name}_bucket", total, route=route, le=end)
        yield _sample(f"{name}_sum", round(seconds[route], 6), route=route)
        yield _sample(f"{name}_count", total, route=route)
    live = [worker for worker in workers if worker["at"] > time.time() - _LIVE_SECONDS]
    yield from _head("retail_serving_running_requests", "gauge", "Requests that are being answered.")
    yield _sample("retail_serving_running_requests", sum(worker["running"] for worker in live))
    yield from _head("retail_serving_worker_memory_bytes", "gauge", "Resident memory of each worker.")
    for worker in live:
        yield _sample("retail_serving_worker_memory_bytes", worker["memory"], worker=str(worker["worker"]))
    yield from _of_bundle(health)


def _of_bundle(health: Health) -> Iterator[str]:
    yield from _head("retail_serving_ready", "gauge", "1 if there is a bundle to answer from.")
    yield _sample("retail_serving_ready", int(health.ready))
    yield from _head("retail_serving_bundle_problem", "gauge", "1 if the newest published bundle is not in use.")
    yield _sample("retail_serving_bundle_problem", int(health.problem is not None))
    yield from _head("retail_serving_bundle_swaps_total", "counter", "Bundles that replaced another, of this worker.")
    yield _sample("retail_serving_bundle_swaps_total", health.swaps)
    yield from _head("retail_serving_bundle_checked_seconds", "gauge", "Seconds since a newer bundle was looked for.")
    yield _sample("retail_serving_bundle_checked_seconds", health.checked_seconds_ago)
    if health.provenance is not None:
        p = health.provenance
        yield from _head("retail_serving_bundle_info", "gauge", "The bundle in use.")
        yield _sample(
            "retail_serving_bundle_info",
            1,
            bundle=p.bundle,
            source=p.source,
            cutoff=p.cutoff.isoformat(),
            forecast_model=p.forecast_model,
            segment_model=p.segment_model,
        )


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _sample(name: str, value: float, **labels: str) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

"""The spool: events of runs that wait on this machine's disk until they are sent, oldest run first.

Nothing is sent while a run is under way, and what cannot be sent waits for the next run or the next tick of the sensor.
An event may be sent twice, where a process ends between sending it and noting that: the two are the same bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retail_assets.lineage.transport import NotSentError, RefusedEventError, Transport
from retail_assets.storage import Store
from retail_assets.storage.deadline import within
from retail_assets.storage.locks import try_lock

#: Runs that wait at most; beyond, the oldest are given up, so that a server that is gone fills no disk.
MOST_WAITING = 1_000
#: Refused events that are kept to look at.
_MOST_REFUSED = 100
_WAITING, _REFUSED, _LOCK = "waiting", "refused", "sending.lock"


@dataclass(frozen=True)
class Sent:
    """What became of an attempt: events sent and refused, runs that wait still, and why; "" where nothing is wrong."""

    events: int = 0
    refused: int = 0
    waiting: int = 0
    problem: str = ""


def spool_of(home: Path, source: str) -> Spool:
    """Return the spool of a source; it is below RETAIL_HOME, whatever stores are in use."""
    return Spool(home / "lineage" / source)


def _refuse_damaged(event: str) -> None:
    """Raise RefusedEventError for what is no JSON object: one that a disk damaged would block all later events."""
    try:
        whole = isinstance(json.loads(event), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise RefusedEventError("an event that waited was damaged on the disk")


class Spool:
    """A folder with one file of events per run that waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = Store(str(folder))

    def add(self, run_id: str, ended: dt.datetime, events: Sequence[str]) -> int:
        """Keep the events of a run until they are sent; return how many older runs were given up for it.

        Raises StorageError.
        """
        moment = ended.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S")
        self._write(f"{_WAITING}/{moment}-{run_id}.jsonl", events)
        keys = self._keys(_WAITING)
        given_up = keys[: max(len(keys) - MOST_WAITING, 0)]
        self._store.delete(given_up)
        return len(given_up)

    def waiting(self) -> int:
        """Count the runs whose events wait."""
        return len(self._keys(_WAITING))

    def send(self, transport: Transport, seconds: float) -> Sent:
        """Send what waits, for at most so many seconds; what is left waits on.

        It ends at the first failure, because the next event would fail as well. Never raises: a run has ended, and its
        lineage must not turn it into a failure.
        """
        deadline = time.monotonic() + seconds
        try:
            return within(seconds, lambda: self._send(transport, deadline))
        except TimeoutError:
            return Sent(waiting=self._safe_waiting(), problem=f"{transport.place} did not answer within {seconds:g} s")
        except Exception as e:
            return Sent(waiting=self._safe_waiting(), problem=type(e).__name__)

    def _send(self, transport: Transport, deadline: float) -> Sent:
        sent = refused = 0
        problem = ""
        with self._alone() as alone:
            if not alone:
                return Sent(waiting=self.waiting(), problem="another process is sending events")
            for key in self._keys(_WAITING):
                events = self._store.read(key).decode("utf-8", "replace").splitlines()
                done = 0
                for event in events:
                    if time.monotonic() > deadline:
                        problem = "the time to send ended"
                        break
                    try:
                        _refuse_damaged(event)
                        transport.send(event)
                        sent += 1
                    except RefusedEventError as e:
                        self._keep_refused(event, str(e))
                        refused += 1
                        problem = str(e)
                    except NotSentError as e:
                        problem = str(e)
                        break
                    done += 1
                if done < len(events):
                    if done:
                        self._write(key, events[done:])
                    break
                self._store.delete([key])
        return Sent(sent, refused, self.waiting(), problem)

    def _keep_refused(self, event: str, why: str) -> None:
        try:
            content = json.loads(event)
            name = f"{content['eventTime'].replace(':', '')}-{content['run']['runId']}-{content['eventType']}.json"
        except (ValueError, TypeError, KeyError):
            content, name = event, f"damaged-{hashlib.sha256(event.encode()).hexdigest()[:16]}.json"
        self._write(f"{_REFUSED}/{name}", [json.dumps({"why": why, "event": content})])
        self._store.delete(self._keys(_REFUSED)[:-_MOST_REFUSED])

    def _keys(self, folder: str) -> list[str]:
        return [entry.key for entry in self._store.list(folder)]

    def _write(self, key: str, lines: Sequence[str]) -> None:
        self._store.write(key, "".join(f"{line}\n" for line in lines).encode())

    def _safe_waiting(self) -> int:
        try:
            return self.waiting()
        except Exception:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process sends; the lock ends with this one, however it ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield try_lock(handle)
        finally:
            os.close(handle)

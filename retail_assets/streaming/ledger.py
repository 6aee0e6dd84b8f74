"""How far each partition of a topic has landed: one small record per partition, changed by one conditional write.

Whoever lands a batch first writes it into the record: from which offset to which, and under which key. Of several who
try, the store lets one succeed. Then the object is written, and if its writer ends before that, the next one writes it
from the same offsets. So each offset is in one object, whoever is killed when.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from retail_assets.errors import StreamError
from retail_assets.storage import Store
from retail_assets.storage.records import RecordError, read_record

#: The folder of the raw store that holds the records: next to the sources, whose names begin with a letter.
LEDGERS = "_streams"


@dataclass(frozen=True)
class Newest:
    """The newest object of a partition: about to be written, or `written`, which is noted when the stream rests.

    An object that was written may be gone for good: an erasure deletes one that held a single person's records.
    """

    key: str
    first: int
    next: int
    records: int
    first_timestamp: int | None
    last_timestamp: int | None
    written: bool = False


@dataclass(frozen=True)
class Gap:
    """Offsets that the broker no longer had, and that somebody decided to go on without."""

    first: int
    next: int
    generation: int
    accepted_at: float


@dataclass(frozen=True)
class Progress:
    """How far a partition has landed: `next` is the offset that lands next.

    `records` and the rest are totals, `rejected` those that could not be read as records of the contract. `landed_at`
    is in seconds since 1970; `lag` (records that waited) and `per_second` are of that moment. `topic_id` is the
    broker's own id of the topic, empty if it has none.
    """

    topic: str
    partition: int
    next: int
    topic_id: str = ""
    generation: int = 1
    records: int = 0
    rejected: int = 0
    objects: int = 0
    bytes: int = 0
    landed_at: float | None = None
    lag: int = 0
    per_second: float = 0.0
    newest: Newest | None = None
    gaps: tuple[Gap, ...] = ()


class Ledger:
    """The record of one partition in the raw store."""

    def __init__(self, store: Store, source: str, topic: str, partition: int) -> None:
        self._store = store
        self._key = f"{LEDGERS}/{source}/topic={topic}/{partition}.json"  # a topic may begin with a dot

    def read(self) -> tuple[Progress | None, str | None]:
        """Return the record and the tag of this version, for `swap`. Raises StreamError if it is damaged."""
        found = self._store.read_tagged(self._key)
        return (None, None) if found is None else (_parsed(found[0], self._store.uri_of(self._key)), found[1])

    def swap(self, progress: Progress, tag: str | None) -> bool:
        """Write the record if nobody has changed it since it was read; return whether it was written."""
        data = json.dumps(dataclasses.asdict(progress), indent=1).encode()
        return self._store.swap(self._key, data, tag)


def read_progress(store: Store, source: str) -> tuple[list[Progress], list[str]]:
    """Return how far every streamed partition of a source has landed, by topic and partition, and what is damaged.

    Needs no broker.
    """
    keys = [entry.key for entry in store.list(f"{LEDGERS}/{source}") if entry.key.endswith(".json")]
    found, problems = [], []
    for key in keys:
        try:
            found.append(_parsed(store.read(key), store.uri_of(key)))
        except StreamError as e:
            problems.append(str(e))
    return sorted(found, key=lambda p: (p.topic, p.partition)), problems


def _parsed(data: bytes, uri: str) -> Progress:
    try:
        return read_record(data, Progress)
    except RecordError as e:
        raise StreamError(
            f"{uri} is damaged ({e}), so nobody knows which offset lands next. Restore it from a version or a backup. "
            "Otherwise delete it: the next start writes it again, by the objects that have landed."
        ) from None

"""Landing topics: read, gather batches, and land each batch exactly once, whoever else lands the same topics.

The protocol is in `ledger.py`. Nothing that this process knows is needed after its end: it may be killed at any moment,
and two of them may run at once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from retail_assets.errors import StorageError, StreamError, StreamStoppedError, StreamUnreachableError
from retail_assets.landing.streamed import Offsets
from retail_assets.settings import Settings
from retail_assets.settings.streaming import StreamSettings
from retail_assets.storage import Store
from retail_assets.streaming.batch import LARGEST_BATCH, Batch
from retail_assets.streaming.broker import (
    Broker,
    Partition,
    RecordsGoneError,
    Say,
    UnknownTopicError,
    is_end,
    is_gone,
    timestamp_of,
)
from retail_assets.streaming.formats import record_lines
from retail_assets.streaming.landed import bring_up
from retail_assets.streaming.ledger import Gap, Ledger, Newest, Progress

_PER_CALL = 2_000
_LONGEST_WAIT = 0.25
_REPORT_SECONDS = 10.0
_LOOK_FOR_PARTITIONS_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: How long after a lost race the winner's object is looked for: it may have ended before it wrote it.
_FINISHED_SECONDS = 10.0
#: Memory of the process itself, with Python, librdkafka and boto3 in it.
_BASE_MEGABYTES = 112
#: And with Avro, for its packages and schemas.
_AVRO_MEGABYTES = 24
#: How long a run that is to end waits for the broker.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Totals:
    """What one process has landed. `lost_races` counts the batches that another one landed first."""

    records: int = 0
    rejected: int = 0
    objects: int = 0
    lost_races: int = 0


class _Reading:
    """One partition while it is read. `expected` is where it stands in the ledger, as far as this process knows."""

    def __init__(self, name: Partition, ledger: Ledger, progress: Progress) -> None:
        self.name, self.ledger = name, ledger
        self.expected, self.generation = progress.next, progress.generation
        self.batch: Batch | None = None
        self.opened = 0.0
        #: The offset that comes next of the messages, and the end that the broker has reported behind it.
        self.position, self.end = progress.next, progress.next
        self.at_end = self.at_end_once = False
        self.written = progress.newest.key if progress.newest else None
        #: When the object of another process is looked for.
        self.look_at: float | None = None
        #: Whether the ledger says so.
        self.noted = progress.newest is None or progress.newest.written


class Lander:
    """Lands the topics of the settings in their raw store.

    `wait` pauses for some seconds and returns whether to stop; `stopping` says so at once; `say` gets lines for people.
    """

    def __init__(
        self,
        settings: Settings,
        stream: StreamSettings,
        *,
        wait: Callable[[float], bool],
        stopping: Callable[[], bool],
        say: Say,
    ) -> None:
        self._settings, self._stream = settings, stream
        self._store = Store(settings.raw_uri)
        self._zone = ZoneInfo(settings.contract.timezone)
        self._wait, self._stopping, self._say = wait, stopping, say
        base = _BASE_MEGABYTES + (_AVRO_MEGABYTES if stream.registry else 0)
        spare = (stream.megabytes - base) << 20
        self._most_held = spare // 2
        group = stream.group or f"retail-assets-{settings.source}"
        self._broker = Broker(stream, group, wait, say, queue_bytes=spare // 4)
        self._readings: dict[Partition, _Reading] = {}
        self._totals = Totals()
        #: Offsets to report to lag monitors.
        self._landed: dict[Partition, int] = {}

    def run(self, *, until_end: bool = False, accept_gap: bool = False) -> Totals:
        """Land records until `stopping`, or with `until_end` those that are there by now. Returns what was landed.

        With `accept_gap`, partitions whose next records the broker no longer has go on where it has some.

        Raises StreamError, with the way out, if a topic is unknown, the broker refuses, or records are gone.
        """
        patience = _PATIENCE if until_end else None
        try:
            self._lines = record_lines(self._settings, self._stream, self._wait, self._say, patience)
            self._begin(accept_gap, patience)
            self._read(until_end)
        except StreamUnreachableError:
            if not self._stopping():  # whoever asks it to end while the broker is away gets no error
                raise
        finally:
            self._broker.close()
        return self._totals

    def _read(self, until_end: bool) -> None:
        reported = looked = time.monotonic()
        before = self._totals
        while not self._stopping():
            if until_end and all(r.at_end_once for r in self._readings.values()):
                break
            try:
                messages = self._broker.records(_PER_CALL, self._patience())
            except RecordsGoneError:
                self._refuse_gone()
                raise StreamError(_NOT_THERE.format(topics=", ".join(self._stream.topics))) from None
            except UnknownTopicError:
                self._broker.partitions(self._stream.topics)  # it says so if a topic is gone
                if self._wait(1.0):
                    break
                self._restart()
                continue
            try:
                self._take(messages)
            except StreamStoppedError:
                break
            self._land_what_is_due()
            self._broker.probe()
            now = time.monotonic()
            if now - reported >= _REPORT_SECONDS:
                self._report(before, now - reported)
                before, reported = self._totals, now
            if now - looked >= _LOOK_FOR_PARTITIONS_SECONDS and self._broker.away_since is None:
                looked = now
                if set(self._broker.partitions(self._stream.topics)) - set(self._readings):
                    self._say("A topic has more partitions than before.")
                    self._restart()
        self._land_what_is_due(everything=True)
        for reading in self._readings.values():
            self._settle(reading)

    # --- where to begin

    def _begin(self, accept_gap: bool, patience: float | None) -> None:
        partitions = self._broker.partitions(self._stream.topics, patience)
        ids = self._broker.topic_ids(self._stream.topics)
        bounds = self._broker.bounds(partitions, patience)
        self._readings = {}
        ledgers = {name: Ledger(self._store, self._settings.source, *name) for name in partitions}
        for topic in self._stream.topics:
            own = {number: ledger for (name, number), ledger in ledgers.items() if name == topic}
            bring_up(self._store, self._settings.source, topic, ids[topic], own, self._retried, self._say)
        for name, ledger in ledgers.items():
            topic, _ = name
            progress = self._progress(ledger, name, bounds[name], ids[topic], accept_gap)
            progress = self._complete(ledger, progress, accept_gap)
            self._readings[name] = _Reading(name, ledger, progress)
        self._broker.assign({name: r.expected for name, r in self._readings.items()})
        waiting = sum(max(0, bounds[name][1] - r.expected) for name, r in self._readings.items())
        self._say(
            f"Streaming {', '.join(self._stream.topics)} ({len(partitions):,} partitions, about {waiting:,} records "
            f"wait) into {self._store.uri_of(self._settings.source)}."
        )

    def _progress(
        self, ledger: Ledger, name: Partition, bounds: tuple[int, int], topic_id: str, accept_gap: bool
    ) -> Progress:
        """Return the record of a partition, new if there is none. Raises StreamError if its next records are gone."""
        topic, number = name
        while True:
            progress, tag = self._retried(ledger.read)
            low, high = bounds
            if progress is None:
                new = Progress(topic, number, low, topic_id)
            else:
                again = bool(progress.topic_id and topic_id and progress.topic_id != topic_id)
                # Another process may have landed more since the bounds were asked.
                again = again or (progress.next > high and not self._broker.has(name, progress.next))
                if not again and progress.next >= low:
                    return progress
                if not accept_gap:
                    raise _gone(progress, low, high, again)
                gap = Gap(progress.next, max(low, progress.next), progress.generation, time.time())
                new = dataclasses.replace(
                    progress,
                    next=low,
                    topic_id=topic_id,
                    generation=progress.generation + again,
                    newest=None if again else progress.newest,
                    gaps=(*progress.gaps, gap),
                )
                self._say(f"{topic}/{number}: on from offset {low:,}; before, {progress.next:,} was next.")
            if self._retried(lambda new=new, tag=tag: ledger.swap(new, tag)):  # type: ignore[misc]
                return new

    def _refuse_gone(self) -> None:
        """Raise StreamError for the partition whose next records the broker no longer has."""
        bounds = self._broker.bounds(list(self._readings))
        ids = self._broker.topic_ids(self._stream.topics)
        for name, reading in self._readings.items():
            self._progress(reading.ledger, name, bounds[name], ids[name[0]], False)

    def _restart(self) -> None:
        """Read on from where the ledgers stand; what has been read and not landed is read again."""
        self._begin(accept_gap=False, patience=None)

    # --- gathering

    def _patience(self) -> float:
        """Return how long to wait for records: until the oldest batch is due."""
        now = time.monotonic()
        due = [r.opened + self._stream.seconds - now for r in self._readings.values() if r.batch]
        return max(0.01, min([_LONGEST_WAIT, *due]))

    def _take(self, messages: list[Any]) -> None:
        skipped: set[Partition] = set()
        for message in messages:
            name = (message.topic(), message.partition())
            reading = self._readings.get(name)
            if reading is None or name in skipped:
                continue
            offset = message.offset()
            if is_end(message):
                reading.end, reading.at_end, reading.at_end_once = max(reading.end, offset), True, True
                continue
            if offset < reading.position:
                continue
            reading.at_end = False
            timestamp, value = timestamp_of(message), message.value()
            if reading.batch and not reading.batch.add(offset, timestamp, value) and not self._land(reading):
                skipped.add(name)  # another one has landed these: reading goes on elsewhere
                continue
            if reading.batch is None:
                reading.batch = Batch(self._lines, *name, offset, timestamp)
                reading.opened = time.monotonic()
                reading.batch.add(offset, timestamp, value)
            reading.position = offset + 1
            if reading.batch.records >= self._stream.records and not self._land(reading):
                skipped.add(name)

    def _land_what_is_due(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        held = sum(r.batch.held for r in self._readings.values() if r.batch)
        largest_first = sorted(self._readings.values(), key=lambda r: -r.batch.held if r.batch else 0)
        for reading in largest_first:
            batch = reading.batch
            if reading.look_at is not None and (now >= reading.look_at or (everything and not self._stopping())):
                self._finish(reading)
            if batch is None:
                if reading.at_end and (reading.end > reading.expected or not reading.noted):
                    self._settle(reading)
                continue
            too_much = held > self._most_held
            old = now - reading.opened >= self._stream.seconds
            if everything or too_much or old or batch.size >= LARGEST_BATCH:
                held -= batch.held
                self._land(reading)
        if self._landed:
            self._broker.commit(self._landed)
            self._landed = {}

    # --- landing

    def _land(self, reading: _Reading) -> bool:
        """Land a partition's batch. Returns False if another process was faster; then reading goes on behind that."""
        batch = reading.batch
        if batch is None:
            return True
        reading.batch = None
        progress, tag = self._retried(reading.ledger.read)
        if progress is None or progress.generation != reading.generation or progress.next < reading.expected:
            raise StreamError(
                f"The record of {_shown(reading.name)} in the raw store was deleted or set back while this process was "
                "running, or the topic was made again. Nothing more is landed. Start `retail-assets stream` again."
            )
        if progress.next != reading.expected:
            return self._lost(reading, progress)
        if progress.newest and progress.newest.key != reading.written:
            self._complete(reading.ledger, progress, accept_gap=False)
        content = batch.content()
        following = max(batch.next, reading.end if reading.at_end else 0)
        offsets = Offsets(*reading.name, batch.first, batch.next, reading.generation)
        key = offsets.key(self._settings.source, self._landing_day(batch.first_timestamp))
        newest = Newest(key, batch.first, batch.next, batch.records, batch.first_timestamp, batch.last_timestamp)
        now = time.time()
        claim = dataclasses.replace(
            progress,
            next=following,
            records=progress.records + batch.records,
            rejected=progress.rejected + batch.rejected,
            objects=progress.objects + 1,
            bytes=progress.bytes + len(content),
            landed_at=now,
            lag=self._broker.lag(reading.name, following),
            per_second=round(batch.records / max(time.monotonic() - reading.opened, 1.0), 1),
            newest=newest,
        )
        if not self._retried(lambda: reading.ledger.swap(claim, tag)):
            progress, _ = self._retried(reading.ledger.read)
            return self._lost(reading, progress)
        self._retried(lambda: self._store.swap(key, content, None))  # False: it is there already
        reading.written, reading.noted, reading.expected = key, False, following
        self._landed[reading.name] = following
        reading.position = max(reading.position, following)
        self._totals = dataclasses.replace(
            self._totals,
            records=self._totals.records + batch.records,
            rejected=self._totals.rejected + batch.rejected,
            objects=self._totals.objects + 1,
        )
        return True

    def _lost(self, reading: _Reading, progress: Progress) -> bool:
        """Read on behind what another process has landed."""
        reading.expected = reading.position = reading.end = progress.next
        reading.at_end = False
        is_written = progress.newest is None or progress.newest.written
        reading.look_at = None if is_written else time.monotonic() + _FINISHED_SECONDS
        self._broker.seek(reading.name, progress.next)
        self._totals = dataclasses.replace(self._totals, lost_races=self._totals.lost_races + 1)
        return False

    def _finish(self, reading: _Reading) -> None:
        """Write the object of the process that landed these records first, if it ended before it did."""
        reading.look_at = None
        progress, _ = self._retried(reading.ledger.read)
        if progress is not None and progress.next == reading.expected and progress.newest is not None:
            self._complete(reading.ledger, progress, accept_gap=False)
            reading.written, reading.noted = progress.newest.key, progress.newest.written

    def _landing_day(self, milliseconds: int | None) -> dt.date:
        """Return the day in the shop of a broker's time, within the partitions: an odd clock must hide no sales."""
        if milliseconds is None:
            return self._settings.today()
        try:
            day = dt.datetime.fromtimestamp(milliseconds / 1000, self._zone).date()
        except (ValueError, OverflowError, OSError):
            return self._settings.today()
        return min(max(day, self._settings.start_date), self._settings.last_landing_day())

    def _settle(self, reading: _Reading) -> None:
        """Note in the ledger that the newest object is written, and where the partition ends.

        Up to there it has nothing to land: aborted records, and marks of the broker's own. Otherwise they would look
        like lost records once the broker has deleted them.
        """
        progress, tag = self._retried(reading.ledger.read)
        if progress is None or progress.next != reading.expected or progress.generation != reading.generation:
            reading.end, reading.noted = reading.expected, True  # another process has been here since
            return
        newest = progress.newest
        if newest is not None and newest.key == reading.written:
            newest = dataclasses.replace(newest, written=True)
        following = max(progress.next, reading.end if reading.at_end else 0)
        settled = dataclasses.replace(progress, next=following, newest=newest)
        if settled == progress or self._retried(lambda: reading.ledger.swap(settled, tag)):
            reading.expected, reading.noted = following, True
            reading.position = max(reading.position, following)

    def _complete(self, ledger: Ledger, progress: Progress, accept_gap: bool) -> Progress:
        """Write the newest object of a partition from the broker, if whoever was to write it ended before that.

        Returns the partition's record. Raises StreamError if the broker no longer has the object's records.
        """
        newest = progress.newest
        if newest is None or newest.written or self._retried(lambda: self._store.exists(newest.key)):
            return progress
        name = (progress.topic, progress.partition)
        self._say(f"{_shown(name)}: writing {newest.key}, which another process had not finished.")
        low, _ = self._broker.bounds([name])[name]
        content = self._read_again(name, newest) if low <= newest.first else None
        if content is not None:
            self._retried(lambda: self._store.swap(newest.key, content, None))
            return progress
        current, tag = self._retried(ledger.read)
        if current != progress or self._retried(lambda: self._store.exists(newest.key)):
            return current or progress  # its writer, or another one, was faster
        if not accept_gap:
            raise StreamError(
                f"{_shown(name)}: a process ended while it wrote {newest.key}, and the broker no longer has its "
                f"{newest.records:,} records (offsets {newest.first:,} to {newest.next - 1:,}). Put a copy of them "
                "there, or go on without them: retail-assets stream --accept-gap"
            )
        gap = Gap(newest.first, newest.next, progress.generation, time.time())
        without = dataclasses.replace(
            progress,
            newest=None,
            records=progress.records - newest.records,
            objects=progress.objects - 1,
            gaps=(*progress.gaps, gap),
        )
        return without if self._retried(lambda: ledger.swap(without, tag)) else self._retried(ledger.read)[0]

    def _read_again(self, name: Partition, newest: Newest) -> bytes | None:
        """Return the content of an object from the broker; None if records of it are missing, or it exists by now."""
        reader = self._broker.another({name: newest.first})
        batch: Batch | None = None
        quiet = time.monotonic()
        try:
            while not self._stopping():
                for message in reader.consume(_PER_CALL, _LONGEST_WAIT):
                    if message.error() is not None:
                        if is_gone(message.error()):
                            return None
                        continue
                    quiet = time.monotonic()
                    if message.offset() >= newest.next:
                        return None  # the last record of the batch would have come before
                    timestamp = timestamp_of(message)
                    batch = batch or Batch(self._lines, *name, newest.first, timestamp)
                    batch.add(message.offset(), timestamp, message.value(), anyway=True)
                    if message.offset() == newest.next - 1:
                        return batch.content() if batch.records == newest.records else None
                if time.monotonic() - quiet > 1.0 and self._retried(lambda: self._store.exists(newest.key)):
                    return None
        finally:
            reader.close()
        raise StreamError(f"{_shown(name)}: stopped before {newest.key} was written. The next start writes it.")

    # --- saying so

    def _retried(self, action: Callable[[], Any]) -> Any:
        """Return the result of an action on the store, trying again with growing pauses while the store is away."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return action()
            except StorageError as e:
                if not e.retryable:
                    raise
                if pause == _FIRST_PAUSE:
                    self._say(f"{e} Waiting for the store; nothing is lost.")
                if self._wait(pause):
                    raise
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _report(self, before: Totals, seconds: float) -> None:
        records = self._totals.records - before.records
        if not records:
            return
        lag = sum(self._broker.lag(name, r.position) for name, r in self._readings.items())
        rejected = self._totals.rejected - before.rejected
        wrong = f", {rejected:,} of them not records of the contract" if rejected else ""
        self._say(
            f"Landed {records:,} records in {self._totals.objects - before.objects:,} objects{wrong}; "
            f"{records / seconds:,.0f} records/s, {lag:,} wait."
        )


_NOT_THERE = (
    "The broker does not have the next offset of a partition of {topics}, although its bounds say so. Start "
    "`retail-assets stream` again; if that does not help, check the broker's log."
)


def _shown(name: Partition) -> str:
    return f"{name[0]}/{name[1]}"


def _gone(progress: Progress, low: int, high: int, again: bool) -> StreamError:
    """Return what to do about a partition whose next records the broker does not have."""
    where = f"{progress.topic}/{progress.partition}"
    if again:
        return StreamError(
            f"{where}: offset {progress.next:,} is next, but the broker has offsets {low:,} to {high:,}: the topic was "
            "deleted and made again, or its broker lost records. Nothing was landed. What has landed stays. Check with "
            "the broker's owner which; then go on with what the topic has now: retail-assets stream --accept-gap"
        )
    return StreamError(
        f"{where}: records are lost. Offset {progress.next:,} is next, but the broker has deleted what is before "
        f"{low:,} (its retention is shorter than the pause of this program). Nothing was landed. Get "
        f"{low - progress.next:,} offsets from the producer as a file and land it, or do without them. Then go on: "
        "retail-assets stream --accept-gap"
    )

"""The sensor of the raw store: it finds landings that changed, in a local folder, on S3 and on Azure alike.

Where the contract has reference files, it finds those that another version of one changes, too (`late_references.py`).
Whether a landing may be loaded is not decided here: the sensor requests a run, and the run checks.
"""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from retail_assets.defs.automation import REPEATED_IF_KILLED, sensor_status
from retail_assets.defs.late_references import Progress, late
from retail_assets.errors import DamagedError, NotReadyError, StorageError
from retail_assets.landing.listing import Landing, landings, pages, references
from retail_assets.landing.same_content import has_content_of
from retail_assets.platform import Platform
from retail_assets.settings.automation import LANDINGS
from retail_assets.storage import Store
from retail_assets.storage.objects import Page
from retail_assets.wording.formats import plural

#: The job of the whole graph, and the job of ingest alone for all but the last of several landings, so that everything
#: that is computed from the whole history is computed once.
PIPELINE, INGEST = "retail_pipeline", "ingest"

#: The names of the sensors by the scheme of the raw store; Dagster keeps by name whether somebody has switched it.
_NAMES = {"": "landings_in_folder", "s3": "landings_on_s3", "abfs": "landings_on_azure"}

_INTERVAL_SECONDS = 60
#: A landing may have several files. Its run is requested when the last one is this old, by the store's own clock.
_SETTLED_SECONDS = 30
#: A tick ends long before Dagster's limit of 60 s; the next one continues where it stopped. Only a landing that was
#: begun is listed to its end.
_PAGES_PER_TICK = 5
_LOOKUPS_PER_TICK = 100
_REQUESTS_PER_TICK = 50
_SECONDS_PER_TICK = 20.0
_SECONDS_PER_LOCAL_TICK = 1.5
#: The newest days, which each tick looks at.
_RECENT_DAYS = 3

_NO_DIGEST = "-" * 8
_DAYS_PER_MONTH = 31


@dataclass
class Cursor:
    """What earlier ticks saw: one digest of 8 characters per landing, so 3 KB per year however many files land.

    `after` is the landing after which a scan was interrupted; `changes` counts the ticks that found a change;
    `references` is how far the landings are compared with the reference files.
    """

    place: str
    seen: dict[dt.date, str] = field(default_factory=dict)
    after: dt.date | None = None
    changes: int = 0
    references: Progress = field(default_factory=Progress)

    @classmethod
    def read(cls, text: str | None, place: str) -> Cursor:
        """Parse a cursor; return a new one if there is none, or if it belongs to another place or version."""
        try:
            data = json.loads(text or "")
            if data["place"] != place:
                return cls(place)
            seen = {}
            for month, digests in data["seen"].items():
                for number in range(_DAYS_PER_MONTH):
                    digest = digests[number * 8 : number * 8 + 8]
                    if digest != _NO_DIGEST:
                        seen[dt.date.fromisoformat(f"{month}-{number + 1:02d}")] = digest
            after = data["after"] and dt.date.fromisoformat(data["after"])
            digest, compared = data.get("references") or ("", None)
            progress = Progress(str(digest), compared and dt.date.fromisoformat(compared))
            return cls(place, seen, after, int(data["changes"]), progress)
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(place)

    def text(self) -> str:
        """Return the cursor as the text that `read` parses."""
        months: dict[str, list[str]] = {}
        for day, digest in sorted(self.seen.items()):
            months.setdefault(f"{day:%Y-%m}", [_NO_DIGEST] * _DAYS_PER_MONTH)[day.day - 1] = digest
        data: dict[str, Any] = {
            "place": self.place,
            "seen": {month: "".join(digests) for month, digests in months.items()},
            "after": self.after.isoformat() if self.after else None,
            "changes": self.changes,
        }
        if self.references.digest:
            compared = self.references.after
            data["references"] = [self.references.digest, compared.isoformat() if compared else None]
        return json.dumps(data, separators=(",", ":"))


class Limits:
    """What one tick may do: pages of a remote listing, reads of the lake, requests of runs, and time."""

    def __init__(self, *, is_local: bool) -> None:
        self.pages = math.inf if is_local else _PAGES_PER_TICK
        self.lookups = math.inf if is_local else _LOOKUPS_PER_TICK
        self.requests = _REQUESTS_PER_TICK
        self._until = time.monotonic() + (_SECONDS_PER_LOCAL_TICK if is_local else _SECONDS_PER_TICK)

    def paged(self, pages: Iterable[Page]) -> Iterator[Page]:
        for page in pages:
            self.pages -= 1
            yield page

    @property
    def reached(self) -> bool:
        return self.pages <= 0 or self.lookups <= 0 or self.requests <= 0 or time.monotonic() > self._until


@dataclass
class Scan:
    """What a tick finds: the days whose files changed, and notes about what it left alone.

    A landing has changed if its digest is not that of the cursor, unless `is_loaded` says that the lake has these very
    files. One whose files are gone has changed as well: its run names them, and stops. Landings outside `first` to
    `last`, and those that are still arriving, are not added to the cursor, so that a later tick finds them.
    """

    cursor: Cursor
    first: dt.date
    last: dt.date
    is_loaded: Callable[[Landing], bool]
    settled_seconds: float
    limits: Limits
    changed: list[dt.date] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _outside: int = 0
    _arriving: int = 0

    def read(self, listed: Iterable[Landing], after: dt.date | None) -> dt.date | None:
        """Compare the landings after a day with the cursor; return the last day that was reached, None at the end."""
        before = after
        known = sorted(self.cursor.seen)
        for landing in listed:
            self._add_vanished(known, before, landing.day)
            self._compare(landing)
            before = landing.day
            if self.limits.reached:
                return before
        self._add_vanished(known, before, None)
        return None

    def _compare(self, landing: Landing) -> None:
        seen = self.cursor.seen
        if not self.first <= landing.day <= self.last:
            self._outside += 1
        elif seen.get(landing.day) == landing.digest:
            return
        elif landing.quiet_seconds < self.settled_seconds:
            self._arriving += 1
        else:
            self.limits.lookups -= 1
            if not self.is_loaded(landing):
                self._add(landing.day)
            seen[landing.day] = landing.digest

    def _add_vanished(self, known: list[dt.date], after: dt.date | None, before: dt.date | None) -> None:
        """Remove from the cursor the days between two consecutive landings that the store no longer has.

        Those that are above the limit of requests stay, so that the next round finds them.
        """
        begin = 0 if after is None else bisect.bisect_right(known, after)
        end = len(known) if before is None else bisect.bisect_left(known, before)
        for day in known[begin:end]:
            if self.limits.requests <= 0:
                return
            del self.cursor.seen[day]
            if self.first <= day <= self.last:
                self._add(day)

    def _add(self, day: dt.date) -> None:
        self.changed.append(day)
        self.limits.requests -= 1

    def all_notes(self) -> list[str]:
        """Return the notes, with the counts of what was left alone."""
        counts = []
        if self._arriving:
            counts.append(f"{self._arriving} still arriving")
        if self._outside:
            counts.append(
                f"{self._outside} outside the partitions {self.first} to {self.last} (RETAIL_START_DATE, "
                "RETAIL_END_DATE)"
            )
        return [*counts, *self.notes]


def scan(store: Store, source: str, root: str, found: Scan) -> None:
    """Compare the landings of a store with the cursor, in two parts, and move the cursor on.

    The first part goes on where the last tick stopped. If that one does not get to the end, the second part looks at
    the newest days, where landings are expected: they are found at once, however many objects a round has.
    """
    cursor = found.cursor
    newest = max(cursor.seen, default=found.last)
    after_last = landings(found.limits.paged(pages(store, source, cursor.after)), root)
    first = next(after_last, None)
    if first is None and cursor.after is None and cursor.seen and not store.folders(source):
        raise StorageError(
            f"{store.uri_of(source)} has no landing any more, and had {plural(len(cursor.seen), 'landing')} before. No "
            "run is requested. Mount the store, or correct RETAIL_RAW_URI. If all were withdrawn on purpose, reset the "
            "cursor of this sensor on its page."
        )
    cursor.after = found.read([] if first is None else itertools.chain([first], after_last), cursor.after)
    if cursor.after is None:
        return
    found.notes.append(f"scanned up to {cursor.after}; the next tick continues")
    recent = newest - dt.timedelta(_RECENT_DAYS)
    if found.limits.requests > 0 and recent > cursor.after:
        found.limits = Limits(is_local=store.is_local)
        found.limits.requests -= len(found.changed)
        listed = found.limits.paged(pages(store, source, recent))
        found.read(landings(listed, root), recent)


class LoadedLandings:
    """Whether the lake has the very files of a landing: none has been rewritten since, not even with the same size."""

    def __init__(self, platform: Platform) -> None:
        self._lake, self._raw = platform.lake, platform.raw

    def __call__(self, landing: Landing) -> bool:
        try:
            raw, clean = self._lake.raw(landing.day), self._lake.clean(landing.day)
        except (NotReadyError, DamagedError):  # of a damaged manifest, the run says what to do
            return False
        if {(f.key, f.size) for f in raw.files} != landing.files or clean.raw_digest != raw.digest:
            return False
        folder = f"{self._lake.source}/raw/dt={landing.day.isoformat()}"
        registered = [e.modified for e in self._lake.store.list(folder) if e.modified is not None]
        # S3 rounds times to seconds: an object with the same time may have been written later.
        if not registered or landing.newest < min(registered):
            return bool(registered)
        # A remote store has tags that change with the content alone, and reading its objects would take too long.
        return self._raw.is_local and has_content_of(self._raw, raw)


def requests(days: Sequence[dt.date], cursor: Cursor, source: str) -> Iterator[dg.RunRequest]:
    """Yield one run request per landing: ingest alone, and for the last existing landing the whole graph.

    The run key is the same for the same change, so a tick that is repeated after a crash requests nothing twice.
    """
    # The run of a landing whose files are gone stops, so the whole graph goes with a landing that exists.
    existing = [day for day in days if day in cursor.seen]
    last = existing[-1] if existing else None
    for day in days:
        is_last = day == last
        yield dg.RunRequest(
            run_key=f"{source}:{day}:{cursor.seen.get(day, 'gone')}:{cursor.changes}",
            job_name=PIPELINE if is_last else INGEST,
            partition_key=day.isoformat(),
            # After the others in the queue.
            tags={**({"dagster/priority": "-1"} if is_last and len(days) > 1 else {}), **REPEATED_IF_KILLED},
        )


def changes_in(run_key: str | None) -> int:
    """Return the count of changes in the run key of a request; 0 if there is none.

    >>> changes_in("shop:2024-01-31:abcd-_gh:12"), changes_in(None)
    (12, 0)
    """
    number = (run_key or "").rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def landing_sensor(
    platform: Platform, jobs: Sequence[dg.UnresolvedAssetJobDefinition], *, settled_seconds: float = _SETTLED_SECONDS
) -> dg.SensorDefinition:
    """Return the sensor that requests a run for each landing that changed.

    It is off unless RETAIL_AUTOMATION or someone switches it on.
    """
    settings, raw = platform.settings, platform.raw
    place = f"{settings.raw_uri}/{settings.source}"
    scheme = "" if raw.is_local else settings.raw_uri.split("://")[0]
    root = root_of(settings.raw_uri)

    @dg.sensor(
        name=_NAMES.get(scheme, f"landings_on_{scheme}"),
        jobs=[job for job in jobs if job.name in (PIPELINE, INGEST)],
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=sensor_status(settings, LANDINGS),
        description=f"Requests a run for each landing whose files in {place}/dt=… were added, rewritten or removed"
        + (", or that another version of a reference file changes." if settings.contract.references else "."),
    )
    def changed_landings(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor = Cursor.read(context.cursor, place)
        # Dagster starts a run key once, and keeps the last one when a person sets the cursor to nothing.
        cursor.changes = max(cursor.changes, changes_in(context.last_run_key))
        last = settings.last_landing_day()
        limits = Limits(is_local=raw.is_local)
        found = Scan(cursor, settings.start_date, last, LoadedLandings(platform), settled_seconds, limits)
        scan(raw, settings.source, root, found)
        changed, notes = found.changed, found.all_notes()
        if settings.contract.references and cursor.after is None:
            digest, quiet = references(raw, settings.source, root)
            if quiet < settled_seconds and digest != cursor.references.digest:
                notes.append("reference files are still arriving")
            elif digest:
                among = [day for day in cursor.seen if settings.start_date <= day <= last]
                outdated = late(platform, cursor.references, digest, among, changed)
                changed, notes = [*changed, *outdated.days], [*notes, *outdated.notes]
        cursor.changes += bool(changed)
        run_requests = list(requests(sorted(set(changed)), cursor, settings.source))
        skip_reason = None if run_requests else "; ".join(["No landing has changed", *notes]) + "."
        if run_requests and notes:
            context.log.info("; ".join(notes))
        return dg.SensorResult(run_requests=run_requests, skip_reason=skip_reason, cursor=cursor.text())

    return changed_landings


def root_of(raw_uri: str) -> str:
    """Return what stands before the keys in digests: on S3 the prefix, as cursors of older versions have it."""
    if not raw_uri.startswith("s3://"):
        return ""
    prefix = raw_uri.removeprefix("s3://").partition("/")[2]
    return f"{prefix}/" if prefix else ""

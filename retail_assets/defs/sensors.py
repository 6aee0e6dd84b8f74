"""The sensor of the raw store on S3: it finds landings that changed, by key and ETag of their objects.

Where the contract has reference files, it finds those that another version of one changes, too (`late_references.py`).

It exists only if RETAIL_RAW_URI is s3://, because it imports boto3. Whether a landing may be loaded is not decided
here: the sensor requests a run, and the run checks.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from retail_assets.defs.late_references import Progress, files_on_s3, late
from retail_assets.errors import NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.landing.partitions import partition_of
from retail_assets.platform import Platform
from retail_assets.storage.s3_objects import S3Objects

#: The job of the whole graph, and the job of ingest alone for all but the last of several landings, so that everything
#: that is computed from the whole history is computed once.
PIPELINE, INGEST = "retail_pipeline", "ingest"

_INTERVAL_SECONDS = 60
#: A landing may have several files. Its run is requested when the last one is this old, by S3's own clock.
_SETTLED_SECONDS = 30
#: A tick ends before Dagster's limit of 60 s; the next one continues where it stopped.
_PAGES_PER_TICK = 50
_LOOKUPS_PER_TICK = 100
_REQUESTS_PER_TICK = 50

_DIGEST_BYTES = 6
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


@dataclass(frozen=True)
class Landing:
    """The objects of one landing: keys below the raw store with sizes, a digest, and seconds since the last one."""

    day: dt.date
    files: frozenset[tuple[str, int]]
    digest: str
    newest: dt.datetime
    quiet_seconds: float


class _LimitError(Exception):
    """A tick has read its limit of pages."""


def landings(client: Any, bucket: str, root: str, source: str, after: dt.date | None, pages: int) -> Iterator[Landing]:
    """Yield the landings of a source after a day, in order. Raises _LimitError after so many pages of the listing."""
    prefix = f"{root}{source}/dt="
    # "0" is the character after "/", so this sorts after every key of that landing and before every key of the next.
    start = {} if after is None else {"StartAfter": f"{prefix}{after.isoformat()}0"}
    responses = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **start)
    day: dt.date | None = None
    items: list[Any] = []
    now = dt.datetime.now(dt.UTC)
    for page, response in enumerate(responses):
        if date := response["ResponseMetadata"].get("HTTPHeaders", {}).get("date"):
            now = parsedate_to_datetime(date)
        for item in response.get("Contents", ()):
            key = item["Key"][len(root) :]
            landed_on = partition_of(key)
            if landed_on is None or key.endswith("/") or any(part.startswith(".") for part in key.split("/")):
                continue
            if landed_on != day and day is not None:
                yield _landing(day, items, root, now)
                items = []
                if page >= pages:
                    raise _LimitError
            day = landed_on
            items.append(item)
    if day is not None:
        yield _landing(day, items, root, now)


def _landing(day: dt.date, items: list[Any], root: str, now: dt.datetime) -> Landing:
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item['Key']}\0{item['ETag']}\0{item['Size']}\n".encode())
    newest = max(item["LastModified"] for item in items)
    return Landing(
        day,
        frozenset((item["Key"][len(root) :], item["Size"]) for item in items),
        base64.urlsafe_b64encode(digest.digest()[:_DIGEST_BYTES]).decode(),
        newest,
        (now - newest).total_seconds(),
    )


@dataclass(frozen=True)
class Scan:
    """The result of a tick: the days whose files changed, and notes about what it left alone."""

    changed: list[dt.date]
    notes: list[str]


def scan(
    listed: Iterator[Landing],
    cursor: Cursor,
    first: dt.date,
    last: dt.date,
    is_loaded: Callable[[Landing], bool],
    *,
    settled_seconds: float = _SETTLED_SECONDS,
) -> Scan:
    """Compare the listed landings with the cursor, and update the cursor.

    A landing that is not in the cursor has changed unless `is_loaded` says that the lake has it. A landing whose files
    are gone has changed as well: its run names them, and stops. Landings outside `first` to `last`, and those that are
    still arriving, are not added to the cursor, so that a later tick finds them.
    """
    changed: list[dt.date] = []
    outside, arriving, lookups = 0, 0, 0
    before = cursor.after
    finished = False
    try:
        for landing in listed:
            changed += [day for day in _vanished(cursor, before, landing.day) if first <= day <= last]
            if not first <= landing.day <= last:
                outside += 1
            elif cursor.seen.get(landing.day) != landing.digest:
                if landing.quiet_seconds < settled_seconds:
                    arriving += 1
                else:
                    if landing.day not in cursor.seen:
                        lookups += 1
                    if landing.day in cursor.seen or not is_loaded(landing):
                        changed.append(landing.day)
                    cursor.seen[landing.day] = landing.digest
            before = landing.day
            if lookups >= _LOOKUPS_PER_TICK or len(changed) >= _REQUESTS_PER_TICK:
                break
        else:
            changed += [day for day in _vanished(cursor, before, None) if first <= day <= last]
            finished = True
    except _LimitError:
        pass
    cursor.after = None if finished else before
    cursor.changes += bool(changed)
    notes = []
    if arriving:
        notes.append(f"{arriving} still arriving")
    if outside:
        notes.append(f"{outside} outside the partitions {first} to {last} (RETAIL_START_DATE, RETAIL_END_DATE)")
    if not finished:
        notes.append(f"scanned up to {before}; the next tick continues")
    return Scan(changed, notes)


def _vanished(cursor: Cursor, after: dt.date | None, before: dt.date | None) -> list[dt.date]:
    """Remove from the cursor the days between two consecutive landings that S3 no longer has, and return them."""
    gone = [day for day in sorted(cursor.seen) if (after is None or day > after) and (before is None or day < before)]
    for day in gone:
        del cursor.seen[day]
    return gone


def is_loaded(lake: Lake, landing: Landing) -> bool:
    """Return whether the lake has these very files: none has been rewritten since, not even with the same size."""
    try:
        raw, clean = lake.raw(landing.day), lake.clean(landing.day)
    except NotReadyError:
        return False
    if {(f.key, f.size) for f in raw.files} != landing.files or clean.raw_digest != raw.digest:
        return False
    folder = f"{lake.source}/raw/dt={landing.day.isoformat()}"
    registered = [e.modified for e in lake.store.list(folder) if e.modified is not None]
    # S3 rounds times to seconds: an object with the same time may have been written later.
    return bool(registered) and landing.newest.timestamp() < min(registered)


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
            tags={"dagster/priority": "-1"} if is_last and len(days) > 1 else {},
        )


def landing_sensor(
    platform: Platform, jobs: Sequence[dg.UnresolvedAssetJobDefinition], *, settled_seconds: float = _SETTLED_SECONDS
) -> dg.SensorDefinition:
    """Return the sensor that requests a run for each landing that changed on S3; off until someone starts it.

    It uses the resource `s3` (S3Resource).
    """
    settings = platform.settings
    bucket, _, prefix = settings.raw_uri.removeprefix("s3://").partition("/")
    root = f"{prefix}/" if prefix else ""
    place = f"{settings.raw_uri}/{settings.source}"

    @dg.sensor(
        name="landings_on_s3",
        jobs=[job for job in jobs if job.name in (PIPELINE, INGEST)],
        minimum_interval_seconds=_INTERVAL_SECONDS,
        description=f"Requests a run for each landing whose files in {place}/dt=… were added, rewritten or removed"
        + (", or that another version of a reference file changes." if settings.contract.references else "."),
    )
    def landings_on_s3(context: dg.SensorEvaluationContext, s3: S3Resource) -> dg.SensorResult:
        cursor = Cursor.read(context.cursor, place)
        today = settings.today()
        last = min(settings.end_date, today) if settings.end_date else today
        with S3Objects(settings.raw_uri).explaining(f"list {place}"):
            listed = landings(s3.get_client(), bucket, root, settings.source, cursor.after, _PAGES_PER_TICK)
            result = scan(
                listed,
                cursor,
                settings.start_date,
                last,
                lambda landing: is_loaded(platform.lake, landing),
                settled_seconds=settled_seconds,
            )
        if settings.contract.references and cursor.after is None:
            with S3Objects(settings.raw_uri).explaining(f"list {place}"):
                digest, quiet = files_on_s3(s3.get_client(), bucket, root, settings.source)
            if quiet < settled_seconds and digest != cursor.references.digest:
                result.notes.append("reference files are still arriving")
            elif digest:
                among = [day for day in cursor.seen if settings.start_date <= day <= last]
                found = late(platform, cursor.references, digest, among, result.changed)
                cursor.changes += bool(found.days and not result.changed)
                result = Scan(sorted({*result.changed, *found.days}), [*result.notes, *found.notes])
        run_requests = list(requests(result.changed, cursor, settings.source))
        skip_reason = None if run_requests else "; ".join(["No landing has changed.", *result.notes])
        if run_requests and result.notes:
            context.log.info("; ".join(result.notes))
        return dg.SensorResult(run_requests=run_requests, skip_reason=skip_reason, cursor=cursor.text())

    return landings_on_s3

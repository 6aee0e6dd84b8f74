"""The sensor over the raw store on S3: which landings changed, by key and ETag of what lies there.

It is only made where RETAIL_RAW_URI is s3://, because it imports boto3. What a landing means, and whether it may be
loaded, is not its business: it asks for a run, and the run says.
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

from retail_assets.errors import NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.landing.partitions import partition_of
from retail_assets.platform import Platform
from retail_assets.storage.s3_objects import S3Objects

#: Runs of the whole graph; and of ingest alone, for all but the last of several landings: what is made from the whole
#: history is then made once.
PIPELINE, INGEST = "retail_pipeline", "ingest"

_INTERVAL_SECONDS = 60
#: A landing may be several files. Its run is asked for when the last one has been there this long, by S3's own clock.
_SETTLED_SECONDS = 30
#: A tick ends before Dagster's limit of 60 s; the next one goes on where it stopped.
_PAGES_A_TICK = 50
_LOOKED_UP_A_TICK = 100
_REQUESTS_A_TICK = 50

_DIGEST_BYTES = 6
_NO_DIGEST = "-" * 8
_DAYS_OF_A_MONTH = 31


@dataclass
class Cursor:
    """What has been seen: a digest a landing, in 8 characters; so it grows by 3 KB a year, however many files land.

    `after` is the landing at which a scan was interrupted; `changes` counts the ticks that found any.
    """

    place: str
    seen: dict[dt.date, str] = field(default_factory=dict)
    after: dt.date | None = None
    changes: int = 0

    @classmethod
    def read(cls, text: str | None, place: str) -> Cursor:
        """The cursor in `text`; a new one where there is none, or one of another place or version."""
        try:
            data = json.loads(text or "")
            if data["place"] != place:
                return cls(place)
            seen = {}
            for month, digests in data["seen"].items():
                for number in range(_DAYS_OF_A_MONTH):
                    digest = digests[number * 8 : number * 8 + 8]
                    if digest != _NO_DIGEST:
                        seen[dt.date.fromisoformat(f"{month}-{number + 1:02d}")] = digest
            after = data["after"] and dt.date.fromisoformat(data["after"])
            return cls(place, seen, after, int(data["changes"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(place)

    def text(self) -> str:
        """As `read` reads it."""
        months: dict[str, list[str]] = {}
        for day, digest in sorted(self.seen.items()):
            months.setdefault(f"{day:%Y-%m}", [_NO_DIGEST] * _DAYS_OF_A_MONTH)[day.day - 1] = digest
        data = {
            "place": self.place,
            "seen": {month: "".join(digests) for month, digests in months.items()},
            "after": self.after.isoformat() if self.after else None,
            "changes": self.changes,
        }
        return json.dumps(data, separators=(",", ":"))


@dataclass(frozen=True)
class Landing:
    """The objects of one landing: keys below the raw store with their sizes, a digest, and how long nothing came."""

    day: dt.date
    files: frozenset[tuple[str, int]]
    digest: str
    newest: dt.datetime
    quiet_seconds: float


class _LimitError(Exception):
    """A tick has read as many pages as it may."""


def landings(client: Any, bucket: str, root: str, source: str, after: dt.date | None, pages: int) -> Iterator[Landing]:
    """The landings of a source after a day, in order. Raises _LimitError when so many pages are read."""
    prefix = f"{root}{source}/dt="
    # "0" is the character behind "/": behind every key of that landing, and before every one of the next.
    start = {} if after is None else {"StartAfter": f"{prefix}{after.isoformat()}0"}
    answers = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **start)
    day: dt.date | None = None
    found: list[Any] = []
    now = dt.datetime.now(dt.UTC)
    for number, answer in enumerate(answers):
        if told := answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date"):
            now = parsedate_to_datetime(told)
        for item in answer.get("Contents", ()):
            key = item["Key"][len(root) :]
            its_day = partition_of(key)
            if its_day is None or key.endswith("/") or any(part.startswith(".") for part in key.split("/")):
                continue
            if its_day != day and day is not None:
                yield _landing(day, found, root, now)
                found = []
                if number >= pages:
                    raise _LimitError
            day = its_day
            found.append(item)
    if day is not None:
        yield _landing(day, found, root, now)


def _landing(day: dt.date, found: list[Any], root: str, now: dt.datetime) -> Landing:
    digest = hashlib.sha256()
    for item in found:
        digest.update(f"{item['Key']}\0{item['ETag']}\0{item['Size']}\n".encode())
    newest = max(item["LastModified"] for item in found)
    return Landing(
        day,
        frozenset((item["Key"][len(root) :], item["Size"]) for item in found),
        base64.urlsafe_b64encode(digest.digest()[:_DIGEST_BYTES]).decode(),
        newest,
        (now - newest).total_seconds(),
    )


@dataclass(frozen=True)
class Look:
    """What a tick found: the days whose files changed, and words for what it left alone."""

    changed: list[dt.date]
    notes: list[str]


def look(
    found: Iterator[Landing],
    cursor: Cursor,
    first: dt.date,
    last: dt.date,
    is_loaded: Callable[[Landing], bool],
    *,
    settled_seconds: float = _SETTLED_SECONDS,
) -> Look:
    """Compare what is there with the cursor, and bring the cursor up to date.

    A landing that the cursor does not know has changed unless `is_loaded` says that the lake has it. One whose files
    are gone has changed too: its run says which, and stops. Landings outside of `first` to `last`, and those that still
    arrive, stay unknown, so that a later tick finds them.
    """
    changed: list[dt.date] = []
    outside, arriving = 0, 0
    looked_up = 0
    before = cursor.after
    finished = False
    try:
        for landing in found:
            changed += [day for day in _vanished(cursor, before, landing.day) if first <= day <= last]
            if not first <= landing.day <= last:
                outside += 1
            elif cursor.seen.get(landing.day) != landing.digest:
                if landing.quiet_seconds < settled_seconds:
                    arriving += 1
                else:
                    if landing.day not in cursor.seen:
                        looked_up += 1
                    if landing.day in cursor.seen or not is_loaded(landing):
                        changed.append(landing.day)
                    cursor.seen[landing.day] = landing.digest
            before = landing.day
            if looked_up >= _LOOKED_UP_A_TICK or len(changed) >= _REQUESTS_A_TICK:
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
        notes.append(f"looked as far as {before}; the next tick goes on")
    return Look(changed, notes)


def _vanished(cursor: Cursor, after: dt.date | None, before: dt.date | None) -> list[dt.date]:
    """Days that the cursor knows and S3, between two landings that follow each other, does not; forgotten then."""
    gone = [day for day in sorted(cursor.seen) if (after is None or day > after) and (before is None or day < before)]
    for day in gone:
        del cursor.seen[day]
    return gone


def is_loaded(lake: Lake, landing: Landing) -> bool:
    """Whether these files were registered and cleaned, and none was rewritten since, even with as many bytes."""
    try:
        raw, clean = lake.raw(landing.day), lake.clean(landing.day)
    except NotReadyError:
        return False
    if {(f.key, f.size) for f in raw.files} != landing.files or clean.raw_digest != raw.digest:
        return False
    folder = f"{lake.source}/raw/dt={landing.day.isoformat()}"
    registered = [e.modified for e in lake.store.list(folder) if e.modified is not None]
    # Times of S3 are whole seconds: what was written in the same one may have been written after.
    return bool(registered) and landing.newest.timestamp() < min(registered)


def requests(days: Sequence[dt.date], cursor: Cursor, source: str) -> Iterator[dg.RunRequest]:
    """One run a landing: ingest alone, and for the last one there everything that is made from the whole history.

    The key is the same for the same change, so a tick that is repeated after a crash asks for nothing twice.
    """
    # A landing whose files are gone stops its run, so what is made from the whole history goes with one that is there.
    there = [day for day in days if day in cursor.seen]
    last = there[-1] if there else None
    for day in days:
        is_last = day == last
        yield dg.RunRequest(
            run_key=f"{source}:{day}:{cursor.seen.get(day, 'gone')}:{cursor.changes}",
            job_name=PIPELINE if is_last else INGEST,
            partition_key=day.isoformat(),
            # Behind the others in the queue.
            tags={"dagster/priority": "-1"} if is_last and len(days) > 1 else {},
        )


def landing_sensor(
    platform: Platform, jobs: Sequence[dg.UnresolvedAssetJobDefinition], *, settled_seconds: float = _SETTLED_SECONDS
) -> dg.SensorDefinition:
    """Asks for runs of the landings that changed on S3. Uses the resource `s3` (S3Resource). Off until turned on."""
    settings = platform.settings
    bucket, _, prefix = settings.raw_uri.removeprefix("s3://").partition("/")
    root = f"{prefix}/" if prefix else ""
    place = f"{settings.raw_uri}/{settings.source}"

    @dg.sensor(
        name="landings_on_s3",
        jobs=[job for job in jobs if job.name in (PIPELINE, INGEST)],
        minimum_interval_seconds=_INTERVAL_SECONDS,
        description=f"Files that landed, were rewritten or are gone below {place}/dt=…: a run for each such landing.",
    )
    def landings_on_s3(context: dg.SensorEvaluationContext, s3: S3Resource) -> dg.SensorResult:
        cursor = Cursor.read(context.cursor, place)
        today = settings.today()
        last = min(settings.end_date, today) if settings.end_date else today
        with S3Objects(settings.raw_uri).explaining(f"list {place}"):
            found = landings(s3.get_client(), bucket, root, settings.source, cursor.after, _PAGES_A_TICK)
            seen = look(
                found,
                cursor,
                settings.start_date,
                last,
                lambda landing: is_loaded(platform.lake, landing),
                settled_seconds=settled_seconds,
            )
        asked = list(requests(seen.changed, cursor, settings.source))
        skipped = None if asked else "; ".join(["No landing has changed.", *seen.notes])
        if asked and seen.notes:
            context.log.info("; ".join(seen.notes))
        return dg.SensorResult(run_requests=asked, skip_reason=skipped, cursor=cursor.text())

    return landings_on_s3

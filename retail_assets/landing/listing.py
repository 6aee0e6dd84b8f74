"""Landings as the store lists them: which files each has now, as one short digest that any change of a file changes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retail_assets.landing.partitions import REFERENCES, is_data, partition_of
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Store
from retail_assets.storage.objects import Entry, Page

_DIGEST_BYTES = 6
#: A file whose time is later than now by more than this was written by a clock that has been set back since.
_FUTURE_SECONDS = 3600.0
#: A stream never comes to rest. What it landed changes a landing once in so many seconds, when they are over.
STREAM_WINDOW_SECONDS = 600


@dataclass(frozen=True)
class Landing:
    """The files of one landing: keys below the raw store with sizes, a digest of 8 characters, and their age.

    `newest` is when the last file was written, in seconds since 1970; `quiet_seconds` how long ago that was, both by
    the store's clock where it has one. `files` are keys and sizes.

    Objects of a stream are among the files; they count for the digest from the end of their window of
    STREAM_WINDOW_SECONDS on, and never for `quiet_seconds`, which is 0 where nothing else has landed.
    """

    day: dt.date
    files: frozenset[tuple[str, int]]
    digest: str
    newest: float
    quiet_seconds: float


def pages(store: Store, source: str, after: dt.date | None) -> Iterator[Page]:
    """Yield the listing of a source's landings after a day, page by page."""
    return store.pages(source, "dt=", f"dt={after.isoformat()}" if after else "")


def landings(listed: Iterable[Page], root: str) -> Iterator[Landing]:
    """Yield the landings of a listing, in order; `root` is the place of the store, which the digests contain."""
    day: dt.date | None = None
    entries: list[Entry] = []
    listed_at = 0.0
    folder: str | None = None
    for page in listed:
        listed_at = page.listed_at
        for entry in filter(lambda e: is_data(e.key), page.entries):
            if folder is not None and entry.key.startswith(folder):
                entries.append(entry)
                continue
            landed_on = partition_of(entry.key)
            if landed_on is None:
                continue
            folder = "/".join(entry.key.split("/")[:2]) + "/"
            if landed_on != day and day is not None:
                yield _landing(day, entries, root, listed_at)
                entries = []
            day = landed_on
            entries.append(entry)
    if day is not None:
        yield _landing(day, entries, root, listed_at)


def references(store: Store, source: str, root: str) -> tuple[str, float]:
    """Return a digest of the landed reference files, and the seconds since the last was written.

    The digest is empty if none has landed.
    """
    found: list[Entry] = []
    listed_at = 0.0
    for page in store.pages(source, REFERENCES):
        found += [entry for entry in page.entries if entry.key.startswith(f"{source}/{REFERENCES}/")]
        listed_at = page.listed_at
    if not found:
        return "", 0.0
    return _digest(found, root), listed_at - max(entry.modified or 0.0 for entry in found)


def _landing(day: dt.date, entries: list[Entry], root: str, listed_at: float) -> Landing:
    written = {entry.key: _written(entry, listed_at) for entry in entries}
    files = frozenset((entry.key, entry.size) for entry in entries)
    window = listed_at - listed_at % STREAM_WINDOW_SECONDS
    streamed = {entry.key for entry in entries if offsets_of(entry.key)}
    counted = [e for e in entries if e.key not in streamed or written[e.key] < window]
    # An object of a stream is whole, and no other belongs to it.
    settling = [at for key, at in written.items() if key not in streamed]
    quiet = listed_at - max(settling) if settling else math.inf if counted else 0.0
    newest = max(entry.modified or 0.0 for entry in entries)
    return Landing(day, files, _digest(counted, root), newest, quiet)


def _written(entry: Entry, now: float) -> float:
    """Return when a file was written: 0 if its time is that of a wrong clock, for which nobody should wait."""
    at = entry.modified or 0.0
    return at if at <= now + _FUTURE_SECONDS else 0.0


def _digest(entries: list[Entry], root: str) -> str:
    lines = "".join(f"{root}{entry.key}\0{entry.tag}\0{entry.size}\n" for entry in entries)
    return base64.urlsafe_b64encode(hashlib.sha256(lines.encode()).digest()[:_DIGEST_BYTES]).decode()

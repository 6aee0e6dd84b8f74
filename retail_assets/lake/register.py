"""The register: what the manifests of all landings say, in one object beside them, so that a run need not read each.

It is a copy and never the truth. An entry counts only while its manifest has the version (ETag, or size, time and
inode) that the entry was read from; everything else is read from the manifest again. So writers of manifests need not
know the register, and no crash, no second writer and no damage to it makes a wrong answer: it only costs time. Deleting
the objects is always allowed. Not here: what a manifest is (`manifests.py`).
"""

from __future__ import annotations

import datetime as dt
import gzip
import logging
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from retail_assets.errors import StorageError
from retail_assets.lake.manifests import MANIFEST, day_of
from retail_assets.storage import Store
from retail_assets.storage.records import RecordError, read_record, write_record
from retail_assets.storage.versions import in_folders

FOLDER = "register"
_READS_AT_ONCE = 16
_TRIES = 3
_LEVEL = 1
_log = logging.getLogger(__name__)
#: What this process has parsed, by place, with the tag of that content. A run asks a dozen times for the same; parsing
#: 3,000 landings takes 0.1 s.
_PARSED: dict[tuple[str, str], tuple[str, dict[dt.date, Any]]] = {}
_MOST_PARSED = 8


class _Versioned(Protocol):
    @property
    def version(self) -> str: ...


K = TypeVar("K")
E = TypeVar("E", bound=_Versioned)


class Kept(Generic[K]):
    """Records by landing day in one compressed object, which may be missing, damaged or behind at any time."""

    def __init__(self, store: Store, key: str, kind: type[K]) -> None:
        self._store, self._key, self._kind = store, key, kind

    def read(self) -> dict[dt.date, K]:
        """Return what is kept; nothing if it cannot be read."""
        return self._read()[0]

    def update(self, changed: Mapping[dt.date, K], gone: Callable[[dt.date], bool] = lambda _: False) -> None:
        """Add or replace records, and drop those that are gone. Records that another process adds meanwhile stay.

        What cannot be written is not kept: the next reader does without it.
        """
        try:
            for _ in range(_TRIES):
                kept, tag = self._read()
                records = {day: record for day, record in (kept | dict(changed)).items() if not gone(day)}
                data = write_record(dict(sorted(records.items())), _by_day(self._kind))
                if self._store.swap(self._key, gzip.compress(data, _LEVEL, mtime=0), tag):
                    return
        except StorageError as e:
            _log.info("The register could not be written, so the next run reads more manifests: %s", e)

    def _read(self) -> tuple[dict[dt.date, K], str | None]:
        tagged = self._store.read_tagged(self._key)
        if tagged is None:
            return {}, None
        place = (self._store.uri, self._key)
        tag, records = _PARSED.get(place, ("", {}))
        if tag == tagged[1]:
            return records, tag
        try:
            records = read_record(gzip.decompress(tagged[0]), _by_day(self._kind))
            if len(_PARSED) >= _MOST_PARSED:
                _PARSED.clear()
            _PARSED[place] = (tagged[1], records)
        except (RecordError, OSError, EOFError, zlib.error):  # cut, damaged, or of another version
            _log.warning("%s cannot be read; it is written again.", self._store.uri_of(self._key))
            records = {}
        return records, tagged[1]


@dataclass(frozen=True)
class Published(Generic[E]):
    """The entry of a landing, and when its manifest was published (None if the store does not say)."""

    entry: E
    published_at: float | None


class Register(Generic[E]):
    """The entries of one layer of a lake. `read` reads the manifest of a landing; None if there is none."""

    def __init__(
        self, store: Store, source: str, layer: str, kind: type[E], read: Callable[[dt.date], E | None]
    ) -> None:
        self._store, self._folder, self._layer = store, f"{source}/{layer}", layer
        self._kept = Kept(store, f"{source}/{FOLDER}/{layer}.json.gz", kind)
        self._read = read
        #: Off where a look must change nothing, such as a dry run: the next reader then reads the same manifests again.
        self.recording = True

    def known_days(self) -> list[dt.date]:
        """Return the landings in the register, in order: a hint, which may lack some and have deleted ones."""
        return sorted(self._kept.read())

    def published(self) -> dict[dt.date, Published[E]]:
        """Return every landing that has a manifest, by day, as the manifests are now.

        Costs the register, a listing, and the manifests that have changed since. Raises StorageError if one of them
        cannot be read.
        """
        found = {day_of(folder): entry for folder, entry in in_folders(self._store, self._folder, MANIFEST).items()}
        listed = {day: entry for day, entry in found.items() if day is not None}
        kept = self._kept.read()
        entries = {day: e for day, e in kept.items() if day in listed and listed[day].tag == e.version}
        changed = sorted(listed.keys() - entries.keys())
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:  # a remote store answers slowly, but many requests at once
            again = {day: e for day, e in zip(changed, pool.map(self._read, changed), strict=True) if e is not None}
        # One that was written between the listing and the reading is kept by the next reader.
        sound = {day: e for day, e in again.items() if listed[day].tag == e.version}
        if self.recording and (sound or kept.keys() - listed.keys()):
            self._kept.update(sound, gone=lambda day: day not in listed)
        entries |= again
        return {day: Published(entries[day], listed[day].modified) for day in sorted(entries)}


def _by_day(kind: Any) -> Any:
    return dict[dt.date, kind]

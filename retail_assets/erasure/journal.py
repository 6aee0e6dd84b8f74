"""The journal of one erasing: which rows of which files, and which steps are done. It names nobody.

It is written before anything is changed, and removed at the end. A run that was killed is finished by the next one from
the journal, because what is erased already can no longer be found.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from retail_assets.erasure.person import Rows
from retail_assets.erasure.tombstones import ErasureError, folder_of
from retail_assets.lake.lake import Lake
from retail_assets.storage.records import RecordError, read_record


@dataclass(frozen=True)
class PlannedFile:
    """A landed file, its hash before rows are erased, and where these are. `landed_on` is empty outside a landing.

    With `replaced`, another file of this name was registered: lake and warehouse have other rows by its line numbers.
    """

    key: str
    landed_on: str
    sha256: str
    rows: Rows
    replaced: bool = False


@dataclass(frozen=True)
class Journal:
    """What is to be done, `done` steps by name, and what they counted.

    `fresh` are the landings that were cleaned from exactly the files that are registered and there, when this began,
    and `current` those that were registered with the reference files of that time. `unreadable` are files that nobody
    could look into.
    """

    hash: str
    receipt: str
    started: str
    files: tuple[PlannedFile, ...] = ()
    fresh: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def after(self, step: str, counts: dict[str, int]) -> Journal:
        """Return the journal after a step."""
        return replace(self, done=(*self.done, step), counts={**self.counts, **counts})


def read(lake: Lake, keyed_hash: str) -> Journal | None:
    """Return the journal of a customer's erasing that was cut short; None if there is none."""
    data = lake.store.read_if_exists(_key(lake, keyed_hash))
    if data is None:
        return None
    try:
        return read_record(data, Journal)
    except RecordError as e:
        raise ErasureError(
            f"{lake.store.uri_of(_key(lake, keyed_hash))} cannot be read ({e}). Delete it and run the same again."
        ) from None


def write(lake: Lake, journal: Journal) -> None:
    """Publish the journal in place of the one before."""
    lake.store.write(_key(lake, journal.hash), json.dumps(asdict(journal), sort_keys=True).encode())


def remove(lake: Lake, keyed_hash: str) -> None:
    """Remove the journal, because everything is done."""
    lake.store.delete([_key(lake, keyed_hash)])


def unfinished(lake: Lake) -> list[str]:
    """Return the keyed hashes of customers whose erasing was cut short."""
    entries = lake.store.list(f"{folder_of(lake.source)}/journals")
    return [e.key.rpartition("/")[2].removesuffix(".json") for e in entries]


def _key(lake: Lake, keyed_hash: str) -> str:
    return f"{folder_of(lake.source)}/journals/{keyed_hash}.json"

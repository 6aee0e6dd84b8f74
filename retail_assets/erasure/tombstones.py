"""Tombstones: who was erased, as keyed hashes, so that files which land later do not bring a person back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from retail_assets.erasure.key import key_of
from retail_assets.errors import RetailError, StorageBusyError
from retail_assets.lake.lake import Lake
from retail_assets.settings import Settings
from retail_assets.storage.records import RecordError, read_record
from retail_assets.storage.secret_keys import keyed_hash

_ATTEMPTS = 5


class ErasureError(RetailError):
    """A customer cannot be erased, or erased customers cannot be recognized; the message says what to do."""


@dataclass(frozen=True)
class Tombstone:
    """The keyed hash of an erased customer, and the day of erasing."""

    hash: str
    erased_on: str


@dataclass(frozen=True)
class _Record:
    """The file. `check` is the keyed hash of nobody: it shows whether a key is the one that made the hashes."""

    check: str
    tombstones: tuple[Tombstone, ...] = ()


@dataclass(frozen=True)
class Erased:
    """The erased customers of a source, for one key. Empty without any."""

    source: str
    key: bytes
    hashes: frozenset[str]

    def among(self, customer_ids: Iterable[str]) -> set[str]:
        """Return those of the customer ids that are erased customers."""
        return {c for c in customer_ids if keyed_hash(self.key, self.source, c) in self.hashes}


def folder_of(source: str) -> str:
    """Return the folder of everything that is kept about erasing, below the lake."""
    return f"{source}/erasure"


def record_key(source: str) -> str:
    """Return the key of the tombstones in the lake."""
    return f"{folder_of(source)}/tombstones.json"


def erased_customers(settings: Settings, lake: Lake) -> Erased | None:
    """Return the erased customers; None if nobody was erased. Costs one read.

    Raises ErasureError if the key that made the tombstones is not there: files with erased customers would come back.
    """
    record = _read(lake)[0]
    if record is None or not record.tombstones:
        return None
    key = key_of(settings, create=False)
    _refuse_other_key(lake, key, record)
    return Erased(lake.source, key or b"", frozenset(t.hash for t in record.tombstones))


def erased_on(settings: Settings, lake: Lake, customer_id: str) -> dt.date | None:
    """Return the day on which a customer was erased first; None if they were not. Raises as `erased_customers` does."""
    record = _read(lake)[0]
    if record is None or not record.tombstones:
        return None
    key = key_of(settings, create=False)
    _refuse_other_key(lake, key, record)
    wanted = keyed_hash(key or b"", lake.source, customer_id)
    return next((dt.date.fromisoformat(t.erased_on) for t in record.tombstones if t.hash == wanted), None)


def set_tombstone(lake: Lake, key: bytes, customer_id: str, today: dt.date) -> str:
    """Remember that a customer was erased. Returns the keyed hash. Raises ErasureError for another key."""
    wanted = keyed_hash(key, lake.source, customer_id)
    for _ in range(_ATTEMPTS):
        record, tag = _read(lake)
        if record is not None:
            _refuse_other_key(lake, key, record)
            if any(t.hash == wanted for t in record.tombstones):
                return wanted
        before = record.tombstones if record else ()
        new = _Record(_check(key, lake.source), (*before, Tombstone(wanted, today.isoformat())))
        text = json.dumps(asdict(new), indent=1, sort_keys=True).encode()
        if lake.store.swap(record_key(lake.source), text, tag):
            return wanted
    raise StorageBusyError("Other processes keep writing tombstones at the same time. Run the same again.")


def carry_over(old: Lake, new: Lake) -> int:
    """Add the tombstones of one lake to another that is older; return how many customers it did not know as erased.

    Raises ErasureError if the two were made with different keys.
    """
    known, more = _read(new)[0], _read(old)[0]
    if more is None:
        return 0
    if known is not None and known.check != more.check:
        raise ErasureError(
            f"The tombstones of {new.source} in {old.store.uri} and {new.store.uri} were made with different keys. "
            "Nothing was changed. Restore into another home, and erase the customers there again by their ids."
        )
    before = known.tombstones if known else ()
    hashes = {t.hash for t in before}
    added = tuple(t for t in more.tombstones if t.hash not in hashes)
    if added:
        text = json.dumps(asdict(_Record(more.check, (*before, *added))), indent=1, sort_keys=True).encode()
        new.store.write(record_key(new.source), text)
    return len(added)


def _check(key: bytes, source: str) -> str:
    return keyed_hash(key, source, "\0")


def _refuse_other_key(lake: Lake, key: bytes | None, record: _Record) -> None:
    if key is None or _check(key, lake.source) != record.check:
        raise ErasureError(
            f"Customers were erased from {lake.source} with a key that is not here, so nobody can tell who they are: "
            "what lands could bring them back. Set RETAIL_ERASURE_KEY as on the machine that erased them, or put its "
            "erasure.key into RETAIL_HOME."
        )


def _read(lake: Lake) -> tuple[_Record | None, str | None]:
    tagged = lake.store.read_tagged(record_key(lake.source))
    if tagged is None:
        return None, None
    try:
        return read_record(tagged[0], _Record), tagged[1]
    except RecordError as e:
        raise ErasureError(
            f"{lake.store.uri_of(record_key(lake.source))} cannot be read ({e}), so nobody can tell who was erased. "
            "Restore it from a backup."
        ) from None

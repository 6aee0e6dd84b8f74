"""Finding a person's rows in everything that has landed, before anything is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.contracts.model import Contract
from retail_assets.erasure.journal import PlannedFile
from retail_assets.erasure.person import Among, rows_of
from retail_assets.erasure.reference_rows import current_landings
from retail_assets.errors import LandingError, NotReadyError, RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import AS_TEXT, STATUSES, CleanManifest, day_of
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.partitions import REFERENCES
from retail_assets.landing.register import is_unchanged
from retail_assets.storage import Entry, Store
from retail_assets.storage.unread import unread
from retail_assets.warehouse.protocol import Warehouse

_READS_AT_ONCE = 4


@dataclass(frozen=True)
class Plan:
    """The landed files with rows to erase, and files that nobody can read: what is in these is not known.

    `fresh` are landings that were cleaned from the files as they are registered and still are in the raw store,
    `current` those that are registered with the reference files as they are.
    """

    files: tuple[PlannedFile, ...]
    unreadable: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    current: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(len(file.rows.line) for file in self.files)


def make_plan(
    raw: Store, lake: Lake, contract: Contract, among: Among, customer_id: str, corrected: Sequence[str] = ()
) -> Plan:
    """Look for a customer's rows in every file of the raw store, registered or not. Changes nothing.

    `corrected` are transactions whose current version is the customer's.
    """
    manifests = lake.registered(lake.days("raw"))
    registered = {f.key: f.sha256 for m in manifests for f in m.files}
    every, unreadable = landed_files(raw, lake, contract)
    intact = {name for name, (_, profile) in every.items() if registered.get(name) == profile.sha256}
    cleaned = {m.landed_on: m for m in lake.clean_landings([m.landed_on for m in manifests])}
    # Line numbers of the lake say nothing about a file that has been replaced since.
    fresh = [
        m.landed_on
        for m in manifests
        if m.landed_on in cleaned
        and cleaned[m.landed_on].raw_digest == m.digest
        and all(f.key in intact for f in m.files)
    ]
    # Where several lines share an id and get numbers, an id does not say which line it was.
    versions = () if contract.columns["transaction_id"].occurrence else corrected
    known = _in_lake(lake, [cleaned[day] for day in fresh], customer_id, versions)
    rows = rows_of(raw, [f for _, f in every.values()], contract, among, known)
    files = (
        PlannedFile(
            key,
            every[key][0].isoformat() if key in intact else "",
            every[key][1].sha256,
            of,
            replaced=key not in intact and key in registered,
        )
        for key, of in sorted(rows.items())
    )
    current = current_landings(raw, lake, contract)
    return Plan(tuple(files), tuple(unreadable), tuple(day.isoformat() for day in fresh), current)


def landed_files(
    raw: Store, lake: Lake, contract: Contract
) -> tuple[dict[str, tuple[dt.date, FileProfile]], list[str]]:
    """Return every file of the raw store by its key with landing and profile, and what nobody can look into."""
    profiles = {f.key: (m.landed_on, f) for m in lake.registered(lake.days("raw")) for f in m.files}
    entries = [e for e in raw.list(lake.source) if e.key.split("/")[1] != REFERENCES]
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        same = pool.map(lambda e: e.key in profiles and is_unchanged(raw, e, profiles[e.key][1]), entries)
        intact = {e.key for e, is_same in zip(entries, same, strict=True) if is_same}
    found, unreadable = _unregistered(raw, [e for e in entries if e.key not in intact], contract)
    unreadable += [item.name for item in unread(raw, lake.source)]
    return {key: profiles[key] for key in intact} | found, unreadable


def _unregistered(
    raw: Store, entries: Sequence[Entry], contract: Contract
) -> tuple[dict[str, tuple[dt.date, FileProfile]], list[str]]:
    """Inspect files that no manifest has: they have landed and wait, or are no longer what was registered."""
    found, unreadable = {}, []
    for entry in entries:
        day = day_of(entry.key.split("/")[1])
        try:
            found[entry.key] = (day or dt.date.min, inspect_file(raw, entry, contract, day))
        except LandingError:
            unreadable.append(entry.key)
    return found, unreadable


def _in_lake(
    lake: Lake, landings: Sequence[CleanManifest], customer_id: str, versions: Sequence[str]
) -> dict[str, set[int]]:
    """Return the lines by file that the lake has for the customer, as the contract of that time read their ids.

    `versions` are transactions whose current version is the customer's: all of their rows go.
    """
    keys = [key for m in landings for status in STATUSES if status not in AS_TEXT for key in m.keys(status)]
    known: dict[str, set[int]] = {}
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        for places in pool.map(lambda key: places_in(lake.store, key, customer_id, versions), keys):
            for file, line in places:
                known.setdefault(file, set()).add(line)
    return known


def places_in(store: Store, key: str, customer_id: str, versions: Sequence[str]) -> list[tuple[str, int]]:
    """Return file and line of the customer's rows in a file of the lake, and of rows of some transactions."""
    with store.open(key) as handle:
        file = pq.ParquetFile(handle)
        columns = ["customer_id", "transaction_id", "source_file", "source_line"]
        rows = file.read(columns=columns, use_threads=False)
    theirs = pc.fill_null(pc.equal(rows["customer_id"], pa.scalar(customer_id)), False)
    if versions:
        theirs = pc.or_(theirs, pc.is_in(rows["transaction_id"], pa.array(versions, pa.string())))
    rows = rows.filter(theirs)
    return list(zip(rows["source_file"].to_pylist(), rows["source_line"].to_pylist(), strict=True))


def corrected_by(warehouse: Warehouse, customer_id: str) -> list[str]:
    """Return the transactions whose current version is the customer's; none where nothing has been loaded."""
    try:
        found = warehouse.query("SELECT transaction_id FROM sales WHERE customer_id = ?", [customer_id])
    except NotReadyError:
        return []
    ids: list[str] = found["transaction_id"].to_pylist()
    return ids


def canonical_id(text: str) -> str:
    """Return a customer id as the tables have it: without space around it, and 17850 for 17850.0.

    >>> canonical_id(" 17850.0 ")
    '17850'
    """
    import duckdb

    from retail_assets.contracts.typing_sql.identifiers import identifier
    from retail_assets.contracts.typing_sql.text_columns import BLANKS

    trimmed = text.strip(BLANKS)
    if not trimmed:
        raise EmptyIdError("A customer id is needed. Give it as the tables have it (column customer_id of sales).")
    with duckdb.connect() as con:
        [(found,)] = con.execute(f"SELECT {identifier('($1)')}", [trimmed]).fetchall()
    return str(found)


class EmptyIdError(RetailError):
    """No customer id was given."""

"""What belongs to a person in landed files: their own rows, and the rows of their orders that name nobody.

A row is theirs if the contract reads their id from it; if it names no customer and is part of one of their orders, or a
version of one of their transactions; and if it could not be split into fields and has their id as one of its words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.contracts.model import Contract
from retail_assets.erasure.file_ids import IdReader, words_of
from retail_assets.lake.profile import FileProfile
from retail_assets.storage import Store

_FILES_AT_ONCE = 2

#: Returns those of some customer ids that are to be erased.
Among = Callable[[Iterable[str]], set[str]]


@dataclass(frozen=True)
class Rows:
    """Rows of a landed file: where each begins, its physical lines, and how many of these are not blank."""

    line: tuple[int, ...] = ()
    spanned: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()

    def every_line(self) -> list[int]:
        """Return the number of each physical line of the rows."""
        pairs = zip(self.line, self.spanned, strict=True)
        return [line + i for line, spanned in pairs for i in range(spanned)]


@dataclass
class _Found:
    """What one pass over a file found. Rows without a customer may turn out to be the person's."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)
    transactions: set[str] = field(default_factory=set)
    nameless: list[tuple[pa.Table, np.ndarray]] = field(default_factory=list)


def rows_of(
    store: Store,
    profiles: Sequence[FileProfile],
    contract: Contract,
    among: Among,
    known: Mapping[str, set[int]] | None = None,
) -> dict[str, Rows]:
    """Return the rows to erase by the key of their file; files without any are left out.

    Args:
        store: the raw store.
        profiles: the files, as they were inspected.
        contract: how the ids in them are written.
        among: who is to be erased.
        known: lines by file that are to be erased whatever their ids: what the lake knows of them.

    Raises:
        LandingError: a file cannot be read.
    """
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:

        def look(profile: FileProfile) -> _Found:
            return _look(store, profile, contract, among, (known or {}).get(profile.key, set()))

        found = dict(zip([p.key for p in profiles], pool.map(look, profiles), strict=True))
    orders = set().union(*(f.orders for f in found.values())) if "order_id" in contract.columns else set()
    own = set().union(*(f.transactions for f in found.values())) if found else set()
    if orders and any(_matching(f, orders, "order_id") for f in found.values()):
        orders -= _shared(store, profiles, contract, among, orders)
    for each in found.values():
        for ids_of, places in each.nameless:
            theirs = _is_in(ids_of["order_id"], orders) | _is_in(ids_of["transaction_id"], own)
            each.rows += [tuple(place) for place in places[theirs].tolist()]
    return {key: _as_rows(each.rows) for key, each in found.items() if each.rows}


def _as_rows(places: list[tuple[int, int, int]]) -> Rows:
    line, spanned, lines = zip(*sorted(set(places)), strict=True)
    return Rows(line, spanned, lines)


def _look(store: Store, profile: FileProfile, contract: Contract, among: Among, known: set[int]) -> _Found:
    found = _Found()
    lines = np.array(sorted(known), dtype=np.int64)
    with engine() as con:
        for rows in IdReader(profile, contract, con).rows(store):
            theirs = _is_in(rows.customers, among(rows.customers.unique().drop_null().to_pylist()))
            theirs |= np.isin(rows.line, lines)
            for at, text in rows.texts.items():
                if not theirs[at] and among(words_of(text, profile.delimiter)):
                    theirs[at] = True
            if theirs.any():
                found.rows += [tuple(place) for place in rows.places(theirs).tolist()]
                chosen = rows.others(theirs)
                found.orders |= set(chosen["order_id"].drop_null().to_pylist())
                found.transactions |= set(chosen["transaction_id"].drop_null().to_pylist())
            nameless = np.asarray(rows.customers.is_null().to_numpy(zero_copy_only=False), dtype=bool) & ~theirs
            if nameless.any():
                found.nameless.append((rows.others(nameless), rows.places(nameless)))
    return found


def _matching(found: _Found, ids: set[str], column: str) -> bool:
    return any(_is_in(table[column], ids).any() for table, _ in found.nameless)


def _shared(
    store: Store, profiles: Sequence[FileProfile], contract: Contract, among: Among, orders: set[str]
) -> set[str]:
    """Return those of some orders that other customers have as well: such an id is not one person's receipt."""
    shared: set[str] = set()
    wanted = pa.array(sorted(orders), pa.string())
    with engine() as con:
        for profile in profiles:
            for rows in IdReader(profile, contract, con).rows(store):
                others = sorted(set(rows.customers.unique().drop_null().to_pylist()))
                named = _is_in(rows.customers, set(others) - among(others))
                found = rows.others(named)["order_id"]
                shared |= set(found.filter(pc.is_in(found, wanted)).to_pylist())
    return shared


def _is_in(column: pa.Array | pa.ChunkedArray, values: set[str]) -> np.ndarray:
    if not values:
        return np.zeros(len(column), dtype=bool)
    found: np.ndarray = pc.is_in(column, pa.array(sorted(values), pa.string())).to_numpy(zero_copy_only=False)
    return found.astype(bool)


def engine() -> Any:
    """Return a connection of this thread's own; starting an engine takes longer than reading a small file."""
    return _shared_engine().cursor()


@functools.cache
def _shared_engine() -> Any:
    import duckdb

    return duckdb.connect(config={"threads": 1, "preserve_insertion_order": True, "disabled_optimizers": "in_clause"})

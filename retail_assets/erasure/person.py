"""What belongs to a person in landed files: their own rows, and the rows of their orders that name nobody.

A row is theirs if the contract reads their id from it; if it names no customer and is part of one of their orders, or a
version of one of their transactions; and if it could not be split into fields and has their id as one of its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.contracts.model import Contract
from retail_assets.erasure.file_ids import id_rows, words_of
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
    *,
    known: Mapping[str, set[int]] | None = None,
    corrected: Iterable[str] = (),
) -> dict[str, Rows]:
    """Return the rows to erase by the key of their file; files without any are left out.

    Args:
        store: the raw store.
        profiles: the files, as they were inspected.
        contract: how the ids in them are written.
        among: who is to be erased.
        known: lines by file that are to be erased whatever their ids: what the lake knows of them.
        corrected: transactions whose current version is the person's: their other versions go as well.

    Raises:
        LandingError: a file cannot be read.
    """
    # Where several lines share an id and get numbers, an id does not say which line it was.
    ids = () if contract.columns["transaction_id"].occurrence else corrected
    transactions = pa.array(sorted(set(ids)), pa.string())
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:

        def look(profile: FileProfile) -> _Found:
            return _look(store, profile, contract, among, (known or {}).get(profile.key, set()), transactions)

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


def _look(
    store: Store, profile: FileProfile, contract: Contract, among: Among, known: set[int], transactions: pa.Array
) -> _Found:
    found = _Found()
    lines = np.array(sorted(known), dtype=np.int64)
    with _engine() as con:
        for rows in id_rows(store, profile, contract, con):
            customers = rows.ids["customer_id"].combine_chunks()
            theirs = _is_in(customers, among(customers.unique().drop_null().to_pylist()))
            theirs |= np.isin(rows.line, lines)
            if len(transactions):
                theirs |= np.asarray(pc.is_in(rows.ids["transaction_id"], transactions).to_numpy(), dtype=bool)
            for at, text in rows.texts.items():
                if not theirs[at] and among(words_of(text, profile.delimiter)):
                    theirs[at] = True
            places = np.stack((rows.line, rows.spanned, rows.lines), axis=1)
            if theirs.any():
                found.rows += [tuple(place) for place in places[theirs].tolist()]
                chosen = rows.ids.filter(pa.array(theirs))
                found.orders |= set(chosen["order_id"].drop_null().to_pylist())
                found.transactions |= set(chosen["transaction_id"].drop_null().to_pylist())
            nameless = np.asarray(customers.is_null().to_numpy(zero_copy_only=False), dtype=bool) & ~theirs
            if nameless.any():
                ids = rows.ids.filter(pa.array(nameless)).select(["order_id", "transaction_id"])
                found.nameless.append((ids, places[nameless]))
    return found


def _matching(found: _Found, ids: set[str], column: str) -> bool:
    return any(_is_in(table[column], ids).any() for table, _ in found.nameless)


def _shared(
    store: Store, profiles: Sequence[FileProfile], contract: Contract, among: Among, orders: set[str]
) -> set[str]:
    """Return those of some orders that other customers have as well: such an id is not one person's receipt."""
    shared: set[str] = set()
    wanted = pa.array(sorted(orders), pa.string())
    with _engine() as con:
        for profile in profiles:
            for rows in id_rows(store, profile, contract, con):
                of = rows.ids.filter(
                    pc.and_(pc.is_in(rows.ids["order_id"], wanted), rows.ids["customer_id"].is_valid())
                )
                customers = of["customer_id"].unique().to_pylist()
                others = pa.array(sorted(set(customers) - among(customers)), pa.string())
                shared |= set(of.filter(pc.is_in(of["customer_id"], others))["order_id"].to_pylist())
    return shared


def _is_in(column: pa.Array | pa.ChunkedArray, values: set[str]) -> np.ndarray:
    if not values:
        return np.zeros(len(column), dtype=bool)
    found: np.ndarray = pc.is_in(column, pa.array(sorted(values), pa.string())).to_numpy(zero_copy_only=False)
    return found.astype(bool)


def _engine() -> Any:
    import duckdb

    return duckdb.connect(config={"threads": 1, "preserve_insertion_order": True, "disabled_optimizers": "in_clause"})

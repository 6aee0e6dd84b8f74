"""Erasing everybody again whose tombstone is there, and who is here nevertheless: after a restore of an older backup.

A tombstone names nobody, so every id of the places is hashed and compared with it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator

import pyarrow.parquet as pq

from retail_assets.erasure.erase import Elsewhere, Receipt, erase_customer, erase_in_turn
from retail_assets.erasure.person import rows_of
from retail_assets.erasure.plan import landed_files
from retail_assets.erasure.reference_rows import erase_from_reference_files
from retail_assets.erasure.scratch import scratch
from retail_assets.erasure.tombstones import erased_customers
from retail_assets.erasure.turn import erasing
from retail_assets.errors import NotReadyError, RetailError
from retail_assets.lake.manifests import AS_TEXT, STATUSES
from retail_assets.platform import Platform
from retail_assets.serving.manifest import BUNDLES, DATABASE, key
from retail_assets.tables import ALL


def erase_again(
    platform: Platform,
    now: dt.datetime,
    *,
    dry_run: bool = False,
    elsewhere: Elsewhere | None = None,
    ready: Callable[[], None] = lambda: None,
    watch: Callable[[str], None] = lambda step: None,
) -> list[Receipt]:
    """Erase every customer again who was erased before and is in one of the places.

    Arguments and errors are those of `erase_customer`. Returns one receipt per customer who was there.
    """
    if dry_run:
        watch("who is here again")
        with platform.lake.unchanged():
            customers = present_again(platform)
        return [
            erase_customer(platform, customer, now, dry_run=True, elsewhere=elsewhere, watch=watch)
            for customer in customers
        ]
    watch("turn")
    with erasing(platform.lake) as refuse_lost:  # one turn for all: no run begins between two customers
        ready()
        watch("who is here again")
        return [
            erase_in_turn(platform, customer, now, refuse_lost, elsewhere, watch)
            for customer in present_again(platform)
        ]


def present_again(platform: Platform) -> list[str]:
    """Return the ids of erased customers that are in landed files, lake, warehouse or bundles.

    Raises ErasureError if the key of the tombstones is not there.
    """
    settings, lake, source = platform.settings, platform.lake, platform.source
    erased = erased_customers(settings, lake)
    if erased is None:
        return []
    found: set[str] = set()

    def among(ids: Iterable[str]) -> set[str]:
        theirs = erased.among(ids)
        found.update(theirs)
        return theirs

    files, _ = landed_files(platform.raw, lake, settings.contract)
    rows_of(platform.raw, [profile for _, profile in files.values()], settings.contract, among)
    erase_from_reference_files(platform.raw, source, settings.contract, among, dry_run=True)
    for ids in (*_in_lake(platform), *_in_tables(platform), *_in_bundles(platform)):
        among(ids)
    return sorted(found)


def _in_lake(platform: Platform) -> Iterator[set[str]]:
    for landing in platform.lake.clean_landings():
        for name in (name for status in STATUSES if status not in AS_TEXT for name in landing.keys(status)):
            with platform.lake.store.open(name) as handle:
                ids = pq.ParquetFile(handle).read(columns=["customer_id"])["customer_id"]
                yield set(ids.unique().drop_null().to_pylist())


def _in_tables(platform: Platform) -> Iterator[set[str]]:
    for table in ALL:
        if "customer_id" in table.names:
            with contextlib.suppress(NotReadyError):
                query = f"SELECT DISTINCT customer_id FROM {table.name} WHERE customer_id IS NOT NULL"
                yield set(platform.warehouse.query(query)["customer_id"].to_pylist())


def _in_bundles(platform: Platform) -> Iterator[set[str]]:
    serving, source = platform.serving, platform.source
    for version in serving.folders(f"{source}/{BUNDLES}"):
        with scratch() as folder:
            copy = folder / DATABASE
            with contextlib.suppress(
                RetailError, sqlite3.Error
            ):  # a damaged one is removed with whoever is erased next
                with serving.open(f"{source}/{key(version, DATABASE)}") as data, copy.open("wb") as target:
                    shutil.copyfileobj(data, target)
                with contextlib.closing(sqlite3.connect(copy)) as database:
                    yield {str(row[0]) for row in database.execute("SELECT DISTINCT customer_id FROM customer")}

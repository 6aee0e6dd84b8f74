"""Erasing one customer, step by step, from every place of a source. Run again, it finishes what was cut short.

The order is that of the data: raw files first, so that nothing can be made from them again, then what was made from
them. The journal is written before the first change and after each step.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from retail_assets.eda.daily_quality import daily_quality
from retail_assets.erasure import journal as journals
from retail_assets.erasure.bundles import erase_from_bundles
from retail_assets.erasure.home_files import erase_from_home
from retail_assets.erasure.journal import Journal
from retail_assets.erasure.key import key_of
from retail_assets.erasure.lake_landings import Wanted, erase_from_lake
from retail_assets.erasure.mentions import Mentions, pattern_of
from retail_assets.erasure.model_files import erase_from_models
from retail_assets.erasure.outputs import erase_from_outputs
from retail_assets.erasure.person import Among
from retail_assets.erasure.plan import Plan, canonical_id, corrected_by, make_plan
from retail_assets.erasure.raw_landings import erase_from_landings, lines_by_place
from retail_assets.erasure.reference_rows import erase_from_copies, erase_from_reference_files, register_again
from retail_assets.erasure.replaced_files import with_replaced
from retail_assets.erasure.scratch import discard_left
from retail_assets.erasure.tombstones import erased_on, folder_of, set_tombstone
from retail_assets.erasure.turn import erasing
from retail_assets.platform import Platform
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.storage import Store, part_files
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    DIM_PRODUCT,
    DIM_STORE,
    SALES,
    Table,
)
from retail_assets.warehouse import erasures, marts
from retail_assets.warehouse.customer_hash import Customer

#: Sums over sales. `dim_customer` has a row for each customer, so it only loses theirs.
_MARTS: tuple[tuple[Table, str], ...] = (
    (DIM_PRODUCT, marts.DIM_PRODUCT),
    (DIM_STORE, marts.DIM_STORE),
    (DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES),
    (DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES),
)

#: Erases the customer from a place that this room does not know, such as Dagster's event log; returns counts.
Elsewhere = Callable[[Mentions, bool], dict[str, int]]


@dataclass(frozen=True)
class Receipt:
    """What was erased: how much of what, and when. It does not say whom.

    `hash` is the keyed hash of the customer: whoever has the key and the id can prove that they were erased. `counts`
    are rows and files by place. `unreadable` are files of the raw store that nobody could look into. `erased_before` is
    the day on which an earlier erasing of the customer was begun, empty without one.
    """

    id: str
    source: str
    hash: str
    started: str
    finished: str
    counts: Mapping[str, int]
    unreadable: tuple[str, ...] = ()
    erased_before: str = ""

    @property
    def found(self) -> bool:
        """Whether anything was erased."""
        return any(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"counts": dict(sorted(self.counts.items()))}


def erase_customer(
    platform: Platform,
    customer_id: str,
    now: dt.datetime,
    *,
    dry_run: bool = False,
    elsewhere: Elsewhere | None = None,
    ready: Callable[[], None] = lambda: None,
    watch: Callable[[str], None] = lambda step: None,
) -> Receipt:
    """Erase a customer from every place of the platform's source, and keep them from coming back.

    Args:
        platform: the places.
        customer_id: as the tables have it; spaces around it and `.0` behind a number do not count. Where the tables
            have pseudonyms, the person's own id is taken as well.
        now: the time, in UTC.
        dry_run: only count what would be erased.
        elsewhere: erases from places beyond the platform.
        ready: called when no step of a run can begin any more, before anything is changed; raises if one has begun.
        watch: called with the name of each step before it begins.

    Returns:
        The receipt; it is also kept in the lake unless it is a dry run.

    Raises:
        LandingError: a landed file cannot be read.
        ErasureError: the key of earlier erasings is not there.
        StorageError, WarehouseError: a place refuses. Run the same again: it goes on from there.
    """
    person = _person(platform, customer_id)
    if dry_run:
        with platform.lake.unchanged():
            return _counted(platform, person, now, elsewhere, watch)
    watch("turn")
    with erasing(platform.lake) as refuse_lost:
        ready()

        return erase_in_turn(platform, person, now, refuse_lost, elsewhere, watch)


def _counted(
    platform: Platform, person: str, now: dt.datetime, elsewhere: Elsewhere | None, watch: Callable[[str], None]
) -> Receipt:
    """Return what would be erased; nothing is changed."""
    started, before = now.isoformat(timespec="seconds"), _erased_before(platform, person)
    watch("plan")
    plan = _plan(platform, person)
    work = Journal("", "", started, plan.files, plan.fresh, plan.current)
    counts = {"rows_in_files": plan.rows, "files": len(plan.files)}
    for name, step in _steps(platform, person, work, now, True, elsewhere):
        watch(name)
        counts |= step()
    return Receipt("", platform.source, "", started, started, counts, plan.unreadable, before)


def erase_in_turn(
    platform: Platform,
    person: str,
    now: dt.datetime,
    refuse_lost: Callable[[], None],
    elsewhere: Elsewhere | None,
    watch: Callable[[str], None],
) -> Receipt:
    """Erase a customer, as the tables have them, while this process has the turn (see `erasing`)."""
    lake, started = platform.lake, now.isoformat(timespec="seconds")
    before = _erased_before(platform, person)
    key = key_of(platform.settings, create=True) or b""
    # First of all: what lands from now on is looked through.
    hashed = set_tombstone(lake, key, person, now.date())
    journal = journals.read(lake, hashed)
    if journal is None:
        watch("plan")
        plan = _plan(platform, person)
        counts = {"rows_in_files": plan.rows, "files": len(plan.files)}
        journal = Journal(
            hashed, uuid.uuid4().hex, started, plan.files, plan.fresh, plan.current, (), counts, plan.unreadable
        )
        journals.write(lake, journal)
    else:
        before = ""  # it was this one, which was cut short
        files = with_replaced(platform.raw, lake, platform.settings.contract, journal.files)
        journal = replace(journal, files=files)
    for name, step in _steps(platform, person, journal, now, False, elsewhere):
        if name in journal.done:
            continue
        refuse_lost()
        watch(name)
        journal = journal.after(name, step())
        journals.write(lake, journal)
    refuse_lost()
    finished = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    counts, unreadable = journal.counts, journal.unreadable
    receipt = Receipt(journal.receipt, lake.source, hashed, journal.started, finished, counts, unreadable, before)
    text = json.dumps(receipt.to_json(), indent=1).encode()
    lake.store.write(f"{folder_of(lake.source)}/receipts/{receipt.id}.json", text)
    journals.remove(lake, hashed)
    return receipt


def is_erased(platform: Platform, customer_id: str) -> bool:
    """Return whether a customer was erased, as a tombstone says."""
    return erased_on(platform.settings, platform.lake, _person(platform, customer_id)) is not None


def _erased_before(platform: Platform, person: str) -> str:
    day = erased_on(platform.settings, platform.lake, person)
    return day.isoformat() if day else ""


def _person(platform: Platform, customer_id: str) -> str:
    """Return the customer as the tables have them: by their id, or by its pseudonym."""
    person = canonical_id(customer_id)
    pseudonyms = pseudonyms_of(platform.settings, platform.lake, landing=False)
    return pseudonyms.of(person) if pseudonyms else person


def _only(person: str) -> Among:
    """Return what finds the person among customer ids."""

    def among(ids: Iterable[str]) -> set[str]:
        return {person} & set(ids)

    return among


def _plan(platform: Platform, person: str) -> Plan:
    among = _only(person)
    corrected = corrected_by(platform.warehouse, person)
    return make_plan(platform.raw, platform.lake, platform.settings.contract, among, person, corrected)


def _steps(
    platform: Platform, person: str, journal: Journal, now: dt.datetime, dry_run: bool, elsewhere: Elsewhere | None
) -> list[tuple[str, Callable[[], dict[str, int]]]]:
    """Return the steps by name, in order. Each can be repeated."""
    lake, warehouse, source = platform.lake, platform.warehouse, platform.source
    contract, pattern = platform.settings.contract, pattern_of(person)
    lines, among = lines_by_place(journal.files), _only(person)
    mentions = Mentions(person, frozenset(lines))
    sold = [journal.counts.get(f"table_{SALES.name}", 0)]
    run_id = f"erase-{(journal.receipt or uuid.uuid4().hex)[:16]}"

    def raw_files() -> dict[str, int]:
        if not dry_run:
            erase_from_landings(platform.raw, lake, contract, journal.files)
        return {}

    def reference_files() -> dict[str, int]:
        rows = erase_from_reference_files(platform.raw, source, contract, among, dry_run=dry_run)
        if not dry_run:
            register_again(platform.raw, lake, contract, journal.current)
        return {"reference_rows": rows, "reference_copies": erase_from_copies(lake, contract, person, dry_run=dry_run)}

    def lake_files() -> dict[str, int]:
        found = erase_from_lake(lake, Wanted.of(journal, person, pattern), run_id, dry_run=dry_run)
        return {"rows_in_lake": found.rows, "lake_files": found.files}

    def tables() -> dict[str, int]:
        places = erasures.places(sorted(lines))
        counts = warehouse.erase(places, Customer.of(person), dry_run=dry_run)
        sold.append(counts.get(SALES.name, 0))
        return {f"table_{name}": rows for name, rows in counts.items()}

    def aggregates() -> dict[str, int]:
        return {} if dry_run else _rebuild(platform)

    def space() -> dict[str, int]:
        if not dry_run:
            warehouse.purge()
        return {}

    def bundles() -> dict[str, int]:
        return erase_from_bundles(platform.serving, source, mentions, now, dry_run=dry_run)

    def models() -> dict[str, int]:
        return erase_from_models(Store(platform.settings.models_uri), source, mentions, dry_run=dry_run)

    def outputs() -> dict[str, int]:
        had_sales = bool(lines) or any(sold)
        return erase_from_outputs(platform.output, mentions, had_sales=had_sales, dry_run=dry_run)

    def home() -> dict[str, int]:
        places = [platform.settings.raw_uri, platform.settings.lake_uri, platform.settings.models_uri]
        places += [platform.settings.serving_uri, platform.settings.output_uri]
        return erase_from_home(platform.settings.home, places, mentions, dry_run=dry_run)

    def unfinished() -> dict[str, int]:
        return {} if dry_run else _discard_unfinished(platform)

    steps = [
        ("raw files", raw_files),
        ("references", reference_files),
        ("lake", lake_files),
        ("tables", tables),
        ("aggregates", aggregates),
        ("space", space),
        ("bundles", bundles),
        ("models", models),
        ("outputs", outputs),
        ("home", home),
        ("unfinished writes", unfinished),
    ]
    if elsewhere is not None:
        steps.append(("events", lambda: elsewhere(mentions, dry_run)))
    return steps


def _rebuild(platform: Platform) -> dict[str, int]:
    """Compute again what is a sum over sales or manifests: it included the customer."""
    done = 0
    for table, query in _MARTS:
        if platform.warehouse.exists(table):
            platform.warehouse.rebuild(table, query)
            done += 1
    if platform.warehouse.exists(DAILY_QUALITY):
        platform.warehouse.replace(DAILY_QUALITY, daily_quality(platform.lake.clean_landings()))
        done += 1
    return {"tables_computed_again": done}


def _discard_unfinished(platform: Platform) -> dict[str, int]:
    """Delete what writers that were killed have left: it may be a copy of anything."""
    gone = discard_left()
    places = [platform.raw, platform.lake.store, platform.output, platform.serving, Store(platform.settings.models_uri)]
    for store in places:
        if store.is_local and Path(store.uri).is_dir():
            for path in part_files.left_over(Path(store.uri), float("inf")):
                path.unlink(missing_ok=True)
                gone += 1
    return {"unfinished_writes": gone}

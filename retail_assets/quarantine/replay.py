"""Judging rejected records again with the contract of today, and moving what is now clean to its place.

The order of things: `plan` says what texts can do, `judge` sends them through the cleaning job, `move` publishes. Here
is what holds them together: one replay at a time, landings in groups that fit in memory, and what a crash leaves.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from retail_assets.contracts.model import Contract
from retail_assets.errors import NotReadyError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.quarantine.judge import judge, nothing
from retail_assets.quarantine.move import ReplayConflictError, Replayed, move
from retail_assets.quarantine.plan import MOST_ROWS, LandingPlan, chosen_rows, plan_landing
from retail_assets.quarantine.rows import Selection, tables
from retail_assets.storage import Store
from retail_assets.storage.locks import lock_within

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets.warehouse.protocol import Warehouse

#: Run ids of replays begin so: a landing whose load did not come about is known by it.
RUN_PREFIX = "replay-"
_LOCK_SECONDS = 600.0


def replay(
    session: Callable[[], SparkSession],
    raw: Store,
    lake: Lake,
    contract: Contract,
    plans: Sequence[LandingPlan],
    selection: Selection,
    *,
    again: bool = False,
    publish: bool = True,
    lock_seconds: float = _LOCK_SECONDS,
) -> list[Replayed]:
    """Judge the planned rows again and publish a new manifest for each landing; one result a landing.

    Without `publish`, say what would happen. One replay of a source is at work at a time (on a local lake; elsewhere
    the second one notices and refuses); a plan that another one has overtaken is made again. Raises
    ReplayConflictError, and what cleaning raises. After an error, landings are each as before or replayed.
    """
    run_id = f"{RUN_PREFIX}{uuid.uuid4().hex[:12]}"
    results: list[Replayed] = []
    with _alone(lake, lock_seconds) if publish else contextlib.nullcontext():
        current = [_up_to_date(raw, lake, contract, p, selection, again=again) for p in plans]
        for group in _groups(current):
            chosen = {
                p.landed_on: chosen_rows(lake, p.manifest, selection, contract, again=again)
                for p in group
                if p.selected and p.whole is None
            }
            texts = [(p, chosen[p.landed_on].texts) for p in group if p.landed_on in chosen]
            judged = judge(session, lake, contract, texts, run_id)
            for p in group:
                if p.landed_on in chosen:
                    rows, found = chosen[p.landed_on], judged.get(p.landed_on, nothing())
                    results.append(move(lake, contract, p, rows, found, run_id, publish=publish))
                else:
                    results.append(Replayed(p.landed_on, p.selected, whole=p.whole))
    return results


def _up_to_date(
    raw: Store, lake: Lake, contract: Contract, plan: LandingPlan, selection: Selection, *, again: bool
) -> LandingPlan:
    manifest = lake.clean(plan.landed_on)
    return plan if manifest == plan.manifest else plan_landing(raw, lake, contract, manifest, selection, again=again)


def _groups(plans: Sequence[LandingPlan]) -> Iterator[list[LandingPlan]]:
    """Landings in order, so many at once that their texts fit in memory."""
    group: list[LandingPlan] = []
    rows = 0
    for plan in plans:
        held = plan.selected if plan.whole is None else 0
        if group and rows + held > MOST_ROWS:
            yield group
            group, rows = [], 0
        group.append(plan)
        rows += held
    if group:
        yield group


@contextlib.contextmanager
def _alone(lake: Lake, seconds: float) -> Iterator[None]:
    """Keep other replays of the source out. The lock goes with the process, however it ends."""
    if not lake.store.is_local:
        yield
        return
    path = lake.store.local_path(f"{lake.source}/.replay.lock")
    try:
        handle = path.open("ab")
    except OSError as e:
        raise StorageError(f"Cannot write {path}: {e.strerror or e}. Check the owner, the rights and the space.") from e
    with handle:
        if not lock_within(handle.fileno(), seconds):
            raise ReplayConflictError(
                f"Another replay of {lake.source} is at work and was not done within {math.ceil(seconds)} s. "
                "Nothing was changed; run the same again."
            )
        yield


def not_loaded(lake: Lake, warehouse: Warehouse, manifests: Sequence[CleanManifest]) -> list[dt.date]:
    """Landings that were replayed, or loaded before, and of which the warehouse does not hold what the manifest says.

    That is what a crash between publishing and loading leaves. Compared are the number of clean rows, and that of the
    rejected ones by reasons and contract.
    """
    if not manifests:
        return []
    between = "WHERE landed_on BETWEEN ? AND ? GROUP BY landed_on"
    days = [min(m.landed_on for m in manifests), max(m.landed_on for m in manifests)]
    loaded: dict[dt.date, Counter[tuple[str, str]]] = {}
    with contextlib.suppress(NotReadyError):
        queries = (
            f"SELECT landed_on, '' AS reasons, '' AS version, count(*) AS n FROM sales_clean {between}",
            "SELECT landed_on, reasons, contract_version AS version, count(*) AS n FROM sales_quarantine "
            f"{between}, reasons, contract_version",
        )
        for row in (row for sql in queries for row in warehouse.query(sql, days).to_pylist()):
            loaded.setdefault(row["landed_on"], Counter())[row["reasons"], row["version"]] = row["n"]
    late = []
    for manifest in manifests:
        if manifest.landed_on not in loaded and not manifest.run_id.startswith(RUN_PREFIX):
            continue  # never loaded: that is for whoever cleans it to do
        there = Counter({("", ""): manifest.rows("clean")})
        for _, table in tables(lake, manifest, ["reasons", "contract_version"]):
            there.update(zip(*(c.to_pylist() for c in table.columns), strict=True))
        if there != loaded.get(manifest.landed_on, Counter()):
            late.append(manifest.landed_on)
    return late

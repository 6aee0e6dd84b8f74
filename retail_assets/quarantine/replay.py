"""Replaying rejected rows: judging them again with today's contract, and moving what is now clean to its place.

`plan` decides what can be done with the quarantined texts, `judge` sends them through the cleaning job, `move`
publishes. This module holds them together: one replay at a time, landings in groups that fit in memory, and what a
crash leaves.
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

#: Run ids of replays begin with this, which identifies a replayed landing whose load did not happen.
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
    """Judge the planned rows again and publish a new manifest for each landing. Returns one result per landing.

    Without `publish`, only report what would happen. Only one replay of a source runs at a time (on a local lake;
    elsewhere the second one notices and refuses). A plan that another replay has overtaken is made again. Raises
    ReplayConflictError, and what cleaning raises. After an error, each landing is either as before or replayed.
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
                    rows, of_landing = chosen[p.landed_on], judged.get(p.landed_on, nothing())
                    results.append(move(lake, contract, p, rows, of_landing, run_id, publish=publish))
                else:
                    results.append(Replayed(p.landed_on, p.selected, whole=p.whole))
    return results


def _up_to_date(
    raw: Store, lake: Lake, contract: Contract, plan: LandingPlan, selection: Selection, *, again: bool
) -> LandingPlan:
    manifest = lake.clean(plan.landed_on)
    return plan if manifest == plan.manifest else plan_landing(raw, lake, contract, manifest, selection, again=again)


def _groups(plans: Sequence[LandingPlan]) -> Iterator[list[LandingPlan]]:
    """Group landings in order, as many at once as have texts that fit in memory."""
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
    """Keep other replays of the source out. The lock ends with the process, however that ends."""
    if not lake.store.is_local:
        yield
        return
    path = lake.store.local_path(f"{lake.source}/.replay.lock")
    try:
        handle = path.open("ab")
    except OSError as e:
        raise StorageError(
            f"Cannot write {path}: {e.strerror or e}. Check its owner, permissions and free space."
        ) from e
    with handle:
        if not lock_within(handle.fileno(), seconds):
            raise ReplayConflictError(
                f"Another replay of {lake.source} is running and did not finish within {math.ceil(seconds)} s. "
                "Nothing was changed. Run the same again."
            )
        yield


def not_loaded(lake: Lake, warehouse: Warehouse, manifests: Sequence[CleanManifest]) -> list[dt.date]:
    """Return landings that were replayed or loaded before, but for which the warehouse differs from the manifest.

    A crash between publishing and loading leaves that. Compares the number of clean rows, and that of rejected rows by
    reasons and contract.
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
            continue  # never loaded: that is up to the run that cleans it
        published = Counter({("", ""): manifest.rows("clean")})
        for _, table in tables(lake, manifest, ["reasons", "contract_version"]):
            published.update(zip(*(c.to_pylist() for c in table.columns), strict=True))
        if published != loaded.get(manifest.landed_on, Counter()):
            late.append(manifest.landed_on)
    return late

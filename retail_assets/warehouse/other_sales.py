"""Landings that replace sales of another day or store: their ids do not identify a sale, so loading would lose sales.

A later landing replaces rows with the same id; that is how corrections work. But receipt numbers that restart every day
are not corrections. A load refuses them before it changes a table, and a check counts what is below the limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.errors import WarehouseError
from retail_assets.lake.manifests import CleanManifest

_EXAMPLES = 3
_PAIRS_SHOWN = 3
#: A correction does not move a sale to another day or store. A store that is not given proves nothing.
_OTHER_SALE = "(n.sale_date <> o.sale_date OR n.store_id <> o.store_id)"

#: Runs a SELECT with parameters and returns its rows.
Select = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class _Pair:
    """Two landings, and how many sales of the earlier one the later one would replace by other sales."""

    earlier: dt.date
    later: dt.date
    sales: int


def refuse_other_sales(run: Select, landings: Sequence[CleanManifest], limit: float) -> None:
    """Refuse staged landings that replace, or are replaced by, too many sales of another day or store.

    Too many is more than one, and more than the share `limit` of the sales of either landing. Compares `stage_clean`
    with `sales`, and staged landings with each other. Raises WarehouseError with examples and the way out.
    """
    days = [m.landed_on for m in landings]
    marks = ", ".join("?" for _ in days)
    compared = {f"JOIN sales AS o ON o.transaction_id = n.transaction_id AND o.landed_on NOT IN ({marks})": days}
    if len(days) > 1:
        compared["JOIN stage_clean AS o ON o.transaction_id = n.transaction_id AND o.landed_on < n.landed_on"] = []
    found: list[_Pair] = []
    for join, parameters in compared.items():
        counted = run(
            "SELECT least(n.landed_on, o.landed_on) AS earlier, greatest(n.landed_on, o.landed_on) AS later, "
            f"count(*) AS times FROM stage_clean AS n {join} WHERE {_OTHER_SALE} GROUP BY 1, 2",
            parameters,
        )
        found += [_Pair(_day(earlier), _day(later), int(times)) for earlier, later, times in counted]
    if not found:
        return
    rows = {m.landed_on: m.rows("clean") for m in landings}
    if others := sorted({d for p in found for d in (p.earlier, p.later)} - set(days)):
        of = ", ".join("?" for _ in others)
        held = run(f"SELECT landed_on, count(*) FROM sales_clean WHERE landed_on IN ({of}) GROUP BY landed_on", others)
        rows |= {_day(day): int(count) for day, count in held}
    worst = sorted((p for p in found if p.sales > 1 and _share(p, rows) > limit), key=lambda p: -p.sales)
    if not worst:
        return
    examples: list[tuple[Any, ...]] = []
    for join, parameters in compared.items():
        examples += run(
            "SELECT n.transaction_id, o.source_file, o.source_line, o.sale_date, n.source_file, n.source_line, "
            f"n.sale_date FROM stage_clean AS n {join} WHERE {_OTHER_SALE} ORDER BY 2, 3 LIMIT {_EXAMPLES}",
            parameters,
        )
    pairs = "; ".join(f"{p.sales:,} sales of the landing {p.earlier} by {p.later}" for p in worst[:_PAIRS_SHOWN])
    more = f"; and {len(worst) - _PAIRS_SHOWN} more" if len(worst) > _PAIRS_SHOWN else ""
    shown = "; ".join(
        f"{name}: {old} line {old_line} ({old_day}) and {new} line {new_line} ({new_day})"
        for name, old, old_line, old_day, new, new_line, new_day in examples[:_EXAMPLES]
    )
    raise WarehouseError(
        f"Sales of another day or store have the same id, and would be replaced: {pairs}{more}. Such as {shown}. "
        "Nothing was loaded. Do receipt numbers restart, or does every store count by itself? Let the contract's "
        "transaction_id include the day or the store (`compose: [Date, Receipt]`), and materialize all landings again. "
        f"If these are corrections, raise the contract's `identity_limit` ({limit:g})."
    )


def _share(pair: _Pair, rows: dict[dt.date, int]) -> float:
    return max(pair.sales / max(1, rows.get(day, pair.sales)) for day in (pair.earlier, pair.later))


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def moved_sales(days: int) -> str:
    """Return SQL for the ids that landings gave to sales of several days or stores, of so many landings, or all with 0.

    The landing days are its parameters. It selects `ids`, how many there are, and `example`, the first one.
    """
    marks = ", ".join("?" for _ in range(days))
    of = (
        f"WHERE transaction_id IN (SELECT transaction_id FROM sales_clean WHERE landed_on IN ({marks}))" if days else ""
    )
    return (
        "SELECT count(*) AS ids, min(transaction_id) AS example FROM ("
        f"SELECT transaction_id FROM sales_clean {of} GROUP BY transaction_id "
        "HAVING min(sale_date) <> max(sale_date) OR min(store_id) <> max(store_id)) AS moved"
    )


#: Every version of one id, the earliest landing first; its parameter is the id.
VERSIONS = (
    "SELECT landed_on, sale_date, store_id, total_amount, source_file, source_line FROM sales_clean "
    "WHERE transaction_id = ? ORDER BY landed_on LIMIT 5"
)

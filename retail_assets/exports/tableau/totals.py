"""Control totals: what the warehouse has and what the extract has, asked in SQL of both, must be the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from retail_assets.tables import Column, Table

#: Runs a query that returns one row, of texts by name.
Ask = Callable[[str], Mapping[str, Any]]

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Total:
    """A total of a table: of its rows (`column` is None) or of a column."""

    table: Table
    column: Column | None
    name: str
    expression: str


def totals_of(table: Table) -> list[Total]:
    """Return the totals of a table: rows, values that are not null, and a sum or the ends of each column.

    >>> from retail_assets.tables import DIM_STORE
    >>> [(t.name, t.expression) for t in totals_of(DIM_STORE)][:3]
    [('rows', 'count(*)'), ('values', 'count(store_id)'), ('characters', 'sum(length(store_id))')]
    """
    found = [Total(table, None, "rows", "count(*)")]
    for column in table.columns:
        found.append(Total(table, column, "values", f"count({column.name})"))
        found += [Total(table, column, name, expression) for name, expression in _content(column)]
    return found


def _content(column: Column) -> list[tuple[str, str]]:
    name = column.name
    if column.type.startswith("varchar"):
        return [("characters", f"sum(length({name}))")]
    if column.type == "boolean":
        return [("true", f"sum(CASE WHEN {name} THEN 1 ELSE 0 END)")]
    if column.type in ("date", "timestamp"):
        return [("first", f"min(CAST({name} AS DATE))"), ("last", f"max(CAST({name} AS DATE))")]
    if column.type == "double":
        # Each side by itself: where a sum of both is near zero, it is made of the digits in which databases differ.
        return [(f"sum {sign} 0", f"sum(CASE WHEN {name} {sign} 0 THEN {name} ELSE 0 END)") for sign in (">", "<")]
    return [("sum", f"sum({name})")]


def read(ask: Ask, froms: Mapping[Table, str], as_text: str) -> dict[Total, str | None]:
    """Return the totals of tables as texts.

    Parameters
    ----------
    ask
        Runs a query.
    froms
        What stands after FROM, by table.
    as_text
        The database's type of texts.
    """
    totals = [totals_of(table) for table in froms]
    parts = [
        f"(SELECT {', '.join(f'CAST({t.expression} AS {as_text}) AS t{n}_{m}' for m, t in enumerate(of_table))} "
        f"FROM {from_}) AS q{n}"
        for n, (from_, of_table) in enumerate(zip(froms.values(), totals, strict=True))
    ]
    row = ask(f"SELECT * FROM {', '.join(parts)}")  # one query: Hyper starts for each, and tables are of one moment
    return {total: row[f"t{n}_{m}"] for n, of_table in enumerate(totals) for m, total in enumerate(of_table)}


def differences(expected: Mapping[Total, str | None], found: Mapping[Total, str | None]) -> list[str]:
    """Return in words which totals differ.

    Sums of doubles may differ in their last digits: they are added in another order.
    """
    differ = []
    for total, value in expected.items():
        other = found.get(total)
        if not _same(value, other, approximately=total.column is not None and total.column.type == "double"):
            what = f"{total.table.name}.{total.column.name}" if total.column else total.table.name
            differ.append(f"{what}: {total.name} {value} in the warehouse, {other} in the extract")
    return differ


def _same(one: str | None, other: str | None, *, approximately: bool) -> bool:
    if one == other:
        return True
    try:
        # The sum of no value is NULL in both.
        a, b = (Decimal(str(text)) for text in (one, other))
    except InvalidOperation:
        return False
    if a.is_nan() or b.is_nan():
        return a.is_nan() and b.is_nan()
    if approximately and a.is_finite() and b.is_finite():
        return math.isclose(float(a), float(b), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return a == b


def rows_of(totals: Mapping[Total, str | None]) -> dict[str, int]:
    """Return the number of rows by the name of their table."""
    return {total.table.name: int(value or 0) for total, value in totals.items() if total.column is None}

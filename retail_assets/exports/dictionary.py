"""The data dictionary: every table with its grain, columns, measures and joins, as Markdown and as JSON.

All of it is read from `tables.py` and `warehouse/semantics.py`; the workbook's sheet shows the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.storage.markdown_text import as_cell
from retail_assets.tables import ALL, Table
from retail_assets.warehouse import semantics
from retail_assets.warehouse.semantics import Join, Measure

_INTRODUCTION = """\
Every table of the warehouse: what one row is, its columns, what may be computed from it, and how tables join.
DuckDB and Redshift have the same tables, and each measure is SQL for both, over all rows or by any dimensions:
`SELECT <dimensions>, <measure> FROM <table> GROUP BY <dimensions>`. Money is in {currency}, shares are from 0 to 1.

- **Key**: the columns that no two rows share. **Dimension**: to group and filter by. **Number**: to compute with.
  **Text**: to read.
- **Additive**: values of groups add up to the value of all. **Semi-additive**: not over the columns named.
  **Non-additive**: compute it for each group again; never add or average its values.
- **Joins**: each row has at most one partner, so no join repeats a row.
"""


@dataclass(frozen=True)
class Entry:
    """One line of the dictionary: a column or a measure of a table.

    Attributes:
        table: its name.
        name: of the column or measure.
        kind: `key`, `dimension`, `number`, `text`, or how a measure adds up.
        type: the type of a column, the unit of a measure.
        sql: of a measure; empty for a column.
        meaning: what it is.
    """

    table: str
    name: str
    kind: str
    type: str
    sql: str
    meaning: str


def entries(table: Table, currency: str) -> Iterator[Entry]:
    """Yield a table's columns, then its measures; money is in `currency`."""
    for column in table.columns:
        kind = semantics.role(table, column)
        yield Entry(table.name, column.name, kind, column.type, "", column.description)
    for measure in semantics.measures(table):
        unit = _unit(measure, currency)
        yield Entry(table.name, measure.name, _adds_up(measure), unit, measure.sql, measure.description)


def as_markdown(currency: str | None = None, tables: Sequence[Table] = ALL) -> str:
    """Write the dictionary as a page; without a `currency`, for any shop."""
    lines = ["# Data dictionary", "", _INTRODUCTION.format(currency=as_cell(currency or "the shop's currency"))]
    lines += [f"- [{table.name}](#{table.name}): {as_cell(table.grain)}" for table in tables]
    for table in tables:
        lines += _section(table, currency or "money")
    return "\n".join(lines) + "\n"


def as_json(currency: str | None = None, tables: Sequence[Table] = ALL) -> bytes:
    """Write the dictionary for programs; the same as `as_markdown`."""
    content = {"currency": currency, "tables": [_object(table, currency or "money") for table in tables]}
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _section(table: Table, currency: str) -> list[str]:
    lines = ["", f"## {table.name}", "", f"{as_cell(table.grain[0].upper() + table.grain[1:])}.", ""]
    lines += [f"Key: {', '.join(f'`{name}`' for name in table.key)}.", ""]
    lines += ["| column | kind | type | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        kind = f"{semantics.role(table, column)}{', may be null' if column.nullable else ''}"
        lines.append(f"| `{column.name}` | {kind} | {column.type} | {as_cell(column.description)} |")
    lines += ["", "| measure | SQL | unit | adds up | meaning |", "|---|---|---|---|---|"]
    for measure in semantics.measures(table):
        unit = as_cell(_unit(measure, currency))
        lines.append(
            f"| `{measure.name}` | `{measure.sql}` | {unit} | {_adds_up(measure)} | {as_cell(measure.description)} |"
        )
    if found := semantics.joins(table):
        lines += ["", "Joins:", "", *(f"- `{condition(join)}`" for join in found)]
    return lines


def _object(table: Table, currency: str) -> dict[str, Any]:
    return {
        "name": table.name,
        "grain": table.grain,
        "key": list(table.key),
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "nullable": column.nullable,
                "kind": semantics.role(table, column),
                "description": column.description,
            }
            for column in table.columns
        ],
        "measures": [
            {
                "name": measure.name,
                "sql": measure.sql,
                "unit": _unit(measure, currency),
                "additivity": measure.additivity,
                "not_over": list(measure.not_over),
                "description": measure.description,
            }
            for measure in semantics.measures(table)
        ],
        "joins": [
            {"sql": join.sql, "to": join.to.name, "column": join.column, "condition": condition(join)}
            for join in semantics.joins(table)
        ],
    }


def condition(join: Join) -> str:
    """Write a join as it stands after `FROM table`.

    >>> condition(Join(ALL[2], "customer_id", ALL[4], "customer_id"))
    'LEFT JOIN dim_customer ON dim_customer.customer_id = sales.customer_id'
    """
    own = re.sub(r"'[^']*'|\w+", lambda word: _of_table(join.table, word[0]), join.sql)
    return f"LEFT JOIN {join.to.name} ON {join.to.name}.{join.column} = {own}"


def _of_table(table: Table, word: str) -> str:
    return f"{table.name}.{word}" if word in table.names else word


def _unit(measure: Measure, currency: str) -> str:
    return currency if measure.unit == "money" else measure.unit


def _adds_up(measure: Measure) -> str:
    over = f": not over {', '.join(measure.not_over)}" if measure.not_over else ""
    return f"{measure.additivity}{over}"

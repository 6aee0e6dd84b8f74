"""A file of sales as DuckDB reads it, joined with the reference files that its money depends on.

The control totals need the prices, and their join is another one than cleaning's (`cleaning/reference_join.py`): the
keys are read from DuckDB's rows, and matched by DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.identifiers import identifier
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA, TextColumns
from retail_assets.lake.profile import FileProfile

References = Mapping[str, pa.Table]


def joined_source(
    con: Any, source: str, profile: FileProfile, contract: Contract, references: References, names: Sequence[str]
) -> tuple[str, dict[str, int]]:
    """Return SQL for the rows of a source with the columns of its matches, and the numbers of all columns.

    No row is dropped or doubled: a reference has each key once, and a row without a match gets NULL.
    """
    columns = TextColumns(contract, profile.positions)
    positions = dict(profile.positions)
    selected, joins = ["sales.*"], []
    free = max((len(profile.header), *(p + 1 for p in positions.values())))
    for number, name in enumerate(names):
        rule = contract.references[name]
        con.register(f"reference_{number}", references[name])
        place = columns.position(rule.on)
        key = "NULL" if place is None else _key(f"sales.c{int(place)}", columns)
        joins.append(f"LEFT JOIN reference_{number} AS r{number} ON r{number}.key = {key}")
        for i, column in enumerate(rule.columns):
            positions[column] = free
            selected.append(f"r{number}.c{i} AS c{free}")
            free += 1
    return f"(SELECT {', '.join(selected)} FROM {source} AS sales {' '.join(joins)})", positions


def _key(text: str, columns: TextColumns) -> str:
    """Return SQL for the key in a text of a sale: without white space, as ids are read; NULL if it is missing."""
    blanks = literal(BLANKS)
    trimmed = f"trim(regexp_replace(trim({text}, {blanks}), {literal(FORMULA)}, '\\1'), {blanks})"
    return f"CASE WHEN NOT ({trimmed} = '' OR {columns.is_missing(trimmed)}) THEN {identifier(trimmed)} END"

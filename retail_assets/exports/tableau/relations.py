"""Which relations hold in the data: Hyper believes a declared key, and gives wrong results where it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retail_assets.exports.tableau.contents import RELATIONS, Relation
from retail_assets.tables import Table


def holding(
    ask: Callable[[str], Mapping[str, Any]], froms: Mapping[Table, str]
) -> tuple[tuple[Relation, ...], dict[str, str]]:
    """Return the relations that hold, and in words why the others do not, by the name of their table.

    A dimension that is older than the sales, for example, lacks new customers.

    Parameters
    ----------
    ask
        Runs a query that returns one row.
    froms
        What stands after FROM, by table; relations between other tables are left out.
    """
    candidates = [r for r in RELATIONS if r.table in froms and r.to in froms]
    if not candidates:
        return (), {}
    counts = ask(
        "SELECT "
        + ", ".join(
            f"(SELECT count(DISTINCT f.{r.column}) FROM {froms[r.table]} AS f LEFT JOIN {froms[r.to]} AS d "
            f"ON d.{r.key} = f.{r.column} WHERE d.{r.key} IS NULL) AS orphans_{n}, "
            f"(SELECT count(*) - count(DISTINCT d.{r.key}) FROM {froms[r.to]} AS d) AS doubled_{n}"
            for n, r in enumerate(candidates)
        )
    )
    related: list[Relation] = []
    problems: dict[str, str] = {}
    for n, r in enumerate(candidates):
        lacking, doubled = counts[f"orphans_{n}"], counts[f"doubled_{n}"]
        if not lacking and not doubled:
            related.append(r)
            continue
        problem = f"lacks {lacking:,} values of {r.column}" if lacking else f"has {doubled:,} rows too many"
        problems[r.table.name] = (
            f"not related to {r.to.name}, which {problem}. Materialize the asset {r.to.name}, then tableau_extract."
        )
    return tuple(related), problems

"""How the declared date formats that begin with something else than three numbers fare against other orders.

`%Y%m%d` and `%H:%M %d/%m/%Y` read some texts that `%Y%d%m` and `%H:%M %m/%d/%Y` read as well, as other days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.contracts.date_formats import has_offset, leading_date, other_orders
from retail_assets.contracts.sections import DateRule
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.named_dates import has_names, in_english
from retail_assets.contracts.typing_sql.offsets import with_offset_in_digits


@dataclass(frozen=True)
class FormatEvidence:
    """How often dates fit only what the contract declares, and only another order or format.

    `example` fits the other one only, and is `reading` there; `both` fits both, as `both_readings` (declared, other).
    `fix` is the format that reads `example`, if it is not `other` itself.
    """

    declared: str
    other: str
    only_declared: int = 0
    only_other: int = 0
    example: str | None = None
    reading: dt.date | None = None
    both: str | None = None
    both_readings: tuple[dt.date, dt.date] | None = None
    fix: str | None = None


def tested_formats(rule: DateRule) -> list[tuple[str, str]]:
    """Return pairs of a declared format and another one that reads the same texts as other days."""
    return [(f, other) for f in rule.formats if leading_date(f) is None for other in other_orders(f)]


def evidence_sql(text: str, rule: DateRule, landed_on: dt.date | None, rows: str = "1") -> str:
    """Return a select list with four aggregates for each of `tested_formats`; empty if there are none.

    `rows` is SQL for how many rows a text stands for.
    """
    columns = []
    for pair in tested_formats(rule):
        declared, other = (_day(text, f, rule, landed_on) for f in pair)
        only_other = f"{other} IS NOT NULL AND {declared} IS NULL"
        columns += [
            f"coalesce(sum({rows}) FILTER (WHERE {declared} IS NOT NULL AND {other} IS NULL), 0)::BIGINT",
            f"coalesce(sum({rows}) FILTER (WHERE {only_other}), 0)::BIGINT",
            f"min({{'text': {text}, 'day': {other}}}) FILTER (WHERE {only_other})",
            f"min({{'text': {text}, 'day': {declared}, 'other': {other}}}) FILTER (WHERE {declared} <> {other})",
        ]
    return ", ".join(columns)


def evidence_of(values: Sequence[Any], rule: DateRule) -> tuple[FormatEvidence, ...]:
    """Return the evidence from one row of `evidence_sql`."""
    found = []
    for i, (declared, other) in enumerate(tested_formats(rule)):
        only_declared, only_other, example, both = values[4 * i : 4 * i + 4]
        evidence = FormatEvidence(declared, other, only_declared, only_other)
        if example:
            evidence = FormatEvidence(declared, other, only_declared, only_other, example["text"], example["day"])
        if both:
            two = (both["day"], both["other"])
            evidence = FormatEvidence(
                declared, other, only_declared, only_other, evidence.example, evidence.reading, both["text"], two
            )
        found.append(evidence)
    return tuple(found)


def evidence_of_texts(
    texts: Mapping[str, int], rule: DateRule, landed_on: dt.date | None
) -> tuple[FormatEvidence, ...]:
    """Return the evidence from texts and how many rows have each."""
    import duckdb
    import pyarrow as pa

    table = pa.table({"written": list(texts), "n": pa.array(texts.values(), pa.int64())})
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("texts", table)
        [row] = con.sql(f"SELECT {evidence_sql('written', rule, landed_on, 'n')} FROM texts").fetchall()
    return evidence_of(row, rule)


def _day(text: str, pattern: str, rule: DateRule, landed_on: dt.date | None) -> str:
    if rule.language and has_names(pattern):
        text, pattern = in_english(text, pattern, rule.language)
    read = with_offset_in_digits(text) if has_offset(pattern) else text
    day = f"CAST(try_strptime({read}, {literal(pattern)}) AS DATE)"
    if "%y" not in pattern:
        return f"CASE WHEN year({day}) >= 1000 THEN {day} END"
    until = f" AND {day} <= DATE '{landed_on}' + {rule.days_after_landing}" if landed_on else ""
    return f"CASE WHEN {day} >= DATE '{rule.earliest}'{until} THEN {day} END"

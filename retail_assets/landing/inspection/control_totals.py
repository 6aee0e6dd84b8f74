"""Control totals: rows and money of a file, read by DuckDB's own parsers instead of cleaning's readers.

This second way of reading a file is redundant on purpose. The check `revenue_reconciles_with_raw` compares its totals
with what cleaning wrote, so the code that splits a file into rows must not be shared with `cleaning/readers`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from retail_assets.contracts.date_formats import END, THREE_NUMBERS
from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import priced_by
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.numbers import amount
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.landing.inspection.date_order import MOST_DATES, DateEvidence
from retail_assets.landing.inspection.duckdb_source import (
    connected,
    file_source,
    filled_down,
    json_source,
    one_path,
    without_totals,
)
from retail_assets.landing.inspection.format_evidence import evidence_of, evidence_sql, tested_formats
from retail_assets.landing.inspection.joined_source import References, joined_source
from retail_assets.storage import Store


def control_totals(
    store: Store,
    profile: FileProfile,
    contract: Contract,
    landed_on: dt.date | None = None,
    *,
    lost_text: bool,
    totals: Sequence[str] = (),
    texts: pa.Table | None = None,
    references: References | None = None,
) -> tuple[Control, DateEvidence | None]:
    """Return a file's control totals, and what its dates prove; None where DuckDB could not split it into its lines.

    `lost_text` says that the file contains NUL or U+FFFD; `totals` are the lines at its end that are no rows,
    and `texts` the cells of a sheet, which DuckDB cannot read from the file. `references` has the rows of the reference
    files that the money depends on; without them there is no total of it.
    """
    import duckdb

    priced = priced_by(contract.references, contract.columns)
    with connected(store) as con:
        try:
            source, positions = rows_of(con, store, profile, totals, texts), profile.positions
            if priced and references is not None:
                source, positions = joined_source(con, source, profile, contract, references, priced)
            columns = TextColumns(contract, positions)
            # Cleaning reads no money from a record with lost text.
            holds_lost = " OR ".join(f"regexp_matches(c{i}, '[\\x00\\x{{fffd}}]')" for i in range(len(profile.header)))
            lost = holds_lost if lost_text else "FALSE"
            found = con.execute(_control_sql(source, columns, lost, landed_on)).fetchall()
            rejected = 0
            if profile.format == "csv":
                not_blank = "regexp_matches(csv_line, '[^\\x00-\\x20]')"
                counted = f"SELECT count(DISTINCT line) FROM reject_errors WHERE {not_blank}"
                if totals:
                    counted += f" AND rtrim(csv_line, chr(13) || chr(10)) NOT IN ({', '.join(map(literal, totals))})"
                [(rejected,)] = con.execute(counted).fetchall()
        except (duckdb.Error, UnicodeError) as e:
            note = f"not taken: {str(e).splitlines()[0][:200]}"
            return Control(note=note), None
    rows, money, *evidence = found[0][1:] if found else _nothing(contract)
    dates = _evidence(contract, *evidence)
    if profile.format == "jsonl" and lost_text:
        return Control(rows=rows, rejected=0, note="not taken: the file holds text that is lost"), dates
    if profile.fill_down and (rejected or lost_text or profile.format == "jsonl"):
        note = "not taken: values are filled from lines above, and some lines cannot be read"
        return Control(rows=rows, rejected=rejected, note=note), dates
    if priced and references is None:
        return Control(rows=rows, rejected=rejected, note="not taken: prices are in a reference file"), dates
    control = _control(rows, rejected, money)
    swallowed = rows == 0 or (rejected and rows + rejected != profile.lines)  # an open quote takes everything after it
    return control, None if swallowed else dates


def control_totals_of_small(
    store: Store, profiles: Sequence[FileProfile], contract: Contract, landed_on: dt.date | None
) -> dict[str, tuple[Control, DateEvidence | None]]:
    """Return what `control_totals` has of small files of JSON lines with one header, by key, in one query.

    Without those of which no line is JSON. For files without lost text, columns that are filled down, and prices from
    reference files. Raises what DuckDB raises where it cannot read one of them.
    """
    paths = {store.uri_of(profile.key): profile.key for profile in profiles}
    source = json_source(profiles[0], [one_path(store, profile.key) for profile in profiles])
    columns = TextColumns(contract, profiles[0].positions)
    with connected(store) as con:
        found = con.execute(_control_sql(source, columns, "FALSE", landed_on, "filename")).fetchall()
    return {
        paths[path]: (_control(rows, 0, money), _evidence(contract, *evidence))
        for path, rows, money, *evidence in found
        if path in paths
    }


def _control(rows: int, rejected: int, money: Decimal | None) -> Control:
    return Control(rows=rows, rejected=rejected, amount=str(money if money is not None else Decimal("0.00")))


def rows_of(con: Any, store: Store, profile: FileProfile, totals: Sequence[str], texts: pa.Table | None) -> str:
    """Return SQL for the rows of a file, or of the cells of a sheet, as a table of text columns c0…cN.

    Raises UnicodeError if DuckDB cannot read it.
    """
    if texts is not None:
        con.register("sheet", texts)
        ends = f" WHERE line < {int(profile.totals_from)}" if profile.totals_from else ""
        source = f"(SELECT * EXCLUDE (line) FROM sheet{ends})"
    else:
        source = without_totals(file_source(profile, one_path(store, profile.key)), profile, totals)
    return filled_down(source, profile)


def _evidence(contract: Contract, days: list[dict[str, Any]] | None, *formats: Any) -> DateEvidence:
    written = {found["day"]: found["n"] for found in days or []}
    separate = contract.columns["sold_at"].time is not None
    timed = frozenset(found["day"] for found in days or [] if separate or found["timed"])
    return DateEvidence(written, evidence_of(formats, contract.dates), timed)


def _nothing(contract: Contract) -> tuple[Any, ...]:
    """Return what the query has of a file without rows."""
    return (0, None, None, *(0, 0, None, None) * len(tested_formats(contract.dates)))


def _control_sql(source: str, columns: TextColumns, lost: str, landed_on: dt.date | None, file: str = "0") -> str:
    """Return the query for totals and evidence of each `file` that has rows in the source."""
    # A word for a missing value is neither a number nor a date, so it matters only where a default replaces it.
    contract = columns.contract
    rules = contract.columns.values()
    with_default = [*rules, *(operand for rule in rules for operand in rule.operands), contract.currencies]
    missing = any(rule.default is not None for rule in with_default if rule)
    trimmed = columns.trimmed(trim=True, missing=missing)
    texts = f"SELECT {file} AS file, {trimmed}, ({lost}) IS TRUE AS lost FROM {source}"
    date = columns.field_text("sold_at")
    marks = " OR ".join(f"substr({date}, {place}, 1) IN ('-', '/', '.')" for place in (5, 3, 2))
    formats = evidence_sql("written", columns.contract.dates, landed_on)
    written = f", {columns.moment_text()} AS written" if formats else ""
    three = literal(f"({THREE_NUMBERS.removesuffix(END)}){END}")
    # Rows are counted by the begin of their dates, of which there are few; what those prove is for Python.
    return f"""
        WITH typed AS {"MATERIALIZED " if formats else ""}(
            SELECT file, lost, {amount(columns)} AS amount, CASE WHEN {marks} THEN left({date}, 11) END AS day{written}
            FROM ({texts})
        ),
        groups AS MATERIALIZED (
            SELECT file, day, count(*) AS n, sum(amount) FILTER (WHERE NOT lost) AS amount FROM typed GROUP BY file, day
        ),
        totals AS (
            SELECT file, sum(n)::BIGINT AS n, sum(amount) AS amount FROM groups GROUP BY file
        ),
        days AS (
            SELECT file, regexp_extract(day, {three}, 1) AS day, sum(n)::BIGINT AS n,
                   bool_or(strlen(day) > strlen(regexp_extract(day, {three}, 1))) AS timed
            FROM groups WHERE regexp_matches(day, {three})
            GROUP BY 1, 2
        ),
        listed AS (
            SELECT file, (list({{'day': day, 'n': n, 'timed': timed}} ORDER BY n DESC, day))[:{MOST_DATES}] AS days
            FROM days GROUP BY file
        )
        SELECT totals.file, totals.n, totals.amount, listed.days{", formats.* EXCLUDE (file)" if formats else ""}
        FROM totals LEFT JOIN listed ON listed.file = totals.file
             {
        f"JOIN (SELECT file, {formats} FROM typed GROUP BY file) AS formats ON formats.file = totals.file"
        if formats
        else ""
    }"""

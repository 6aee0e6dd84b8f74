"""Control totals: rows and money of a file, read by DuckDB's own parsers instead of cleaning's readers.

This second way of reading a file is redundant on purpose. The check `revenue_reconciles_with_raw` compares its totals
with what cleaning wrote, so the code that splits a file into rows must not be shared with `cleaning/readers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.numbers import amount
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.landing.inspection.date_order import NUMERIC_DATE, SHORT_DATE, DateEvidence
from retail_assets.landing.inspection.duckdb_source import (
    connected,
    file_source,
    filled_down,
    one_path,
    without_totals,
)
from retail_assets.storage import Store


def control_totals(
    store: Store, profile: FileProfile, contract: Contract, *, lost_text: bool, totals: Sequence[str] = ()
) -> tuple[Control, DateEvidence | None]:
    """Return a file's control totals, and what its dates prove; None where DuckDB could not split it into its lines.

    `lost_text` says that the file contains NUL or U+FFFD; `totals` are the lines at its end that are no rows.
    The evidence is empty where the contract declares the order of day and month.
    """
    import duckdb

    columns = TextColumns(contract, profile.positions)
    inferred = contract.dates.day_month_order is None
    with connected(store) as con:
        try:
            source = without_totals(file_source(profile, one_path(store, profile.key)), profile, totals)
            source = filled_down(source, profile)
            # Cleaning reads no money from a record with lost text.
            holds_lost = " OR ".join(f"regexp_matches(c{i}, '[\\x00\\x{{fffd}}]')" for i in range(len(profile.header)))
            lost = holds_lost if lost_text else "FALSE"
            [row] = con.execute(_control_sql(source, columns, lost, dates=inferred)).fetchall()
            rejected = 0
            if profile.format == "csv":
                not_blank = "regexp_matches(csv_line, '[^\\x00-\\x20]')"
                counted = f"SELECT count(DISTINCT line) FROM reject_errors WHERE {not_blank}"
                if totals:
                    counted += f" AND rtrim(csv_line, chr(13) || chr(10)) NOT IN ({', '.join(map(literal, totals))})"
                [(rejected,)] = con.execute(counted).fetchall()
        except (duckdb.Error, UnicodeError) as e:
            note = f"not taken: {str(e).splitlines()[0][:200]}"
            return Control(note=note), None if inferred else DateEvidence()
    rows, money, *evidence = row
    dates = DateEvidence(*evidence) if inferred else DateEvidence()
    if profile.format == "jsonl" and lost_text:
        return Control(rows=rows, rejected=0, note="not taken: the file holds text that is lost"), dates
    if profile.fill_down and (rejected or lost_text or profile.format == "jsonl"):
        note = "not taken: values are filled from lines above, and some lines cannot be read"
        return Control(rows=rows, rejected=rejected, note=note), dates
    control = Control(rows=rows, rejected=rejected, amount=str(money if money is not None else Decimal("0.00")))
    swallowed = rows == 0 or (rejected and rows + rejected != profile.lines)  # an open quote takes everything after it
    return control, None if inferred and swallowed else dates


def _control_sql(source: str, columns: TextColumns, lost: str, *, dates: bool) -> str:
    # A word for a missing value is neither a number nor a date, so it matters only where a default replaces it.
    contract = columns.contract
    missing = any(rule.default is not None for rule in (*contract.columns.values(), contract.currencies) if rule)
    texts = f"SELECT {columns.trimmed(trim=True, missing=missing)}, ({lost}) IS TRUE AS lost FROM {source}"
    if not dates:
        return f"SELECT count(*), sum({amount(columns)}) FILTER (WHERE NOT lost) FROM ({texts})"
    date = columns.field_text("sold_at")
    looks_numeric = f"(substr({date}, 2, 1) IN ('/', '.', '-') OR substr({date}, 3, 1) IN ('/', '.', '-'))"

    def part(group: int) -> str:
        digits = f"regexp_extract({date}, {literal(NUMERIC_DATE)}, {group})"
        return f"try_cast(CASE WHEN {looks_numeric} THEN {digits} END AS INTEGER)"

    day_first = "first BETWEEN 13 AND 31 AND second BETWEEN 1 AND 12"
    month_first = "second BETWEEN 13 AND 31 AND first BETWEEN 1 AND 12"
    numeric = "first BETWEEN 1 AND 31 AND second BETWEEN 1 AND 31 AND least(first, second) <= 12"
    return f"""
        WITH typed AS (
            SELECT lost, {amount(columns)} AS amount, {date} AS written, {part(1)} AS first, {part(2)} AS second
            FROM ({texts})
        )
        SELECT count(*), sum(amount) FILTER (WHERE NOT lost),
               count(*) FILTER (WHERE {numeric}), count(*) FILTER (WHERE {day_first}),
               count(*) FILTER (WHERE {month_first}),
               count(*) FILTER (WHERE first IS NOT NULL AND regexp_matches(written, {literal(SHORT_DATE)})),
               min(written) FILTER (WHERE {numeric}), min(written) FILTER (WHERE {day_first}),
               min(written) FILTER (WHERE {month_first})
        FROM typed"""

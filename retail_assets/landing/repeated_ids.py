"""Looking at a file before it lands: does an id stand for several sales in it?"""

from __future__ import annotations

from pathlib import Path

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.control_totals import rows_of
from retail_assets.landing.inspection.duckdb_source import connected
from retail_assets.storage import Store

#: Rows that are looked at, so that a file of gigabytes does not keep anybody waiting. Lines of an order stand together.
MOST_ROWS = 1_000_000
_COMPARED = ("product_id", "product_category", "total_amount", "customer_id", "sold_at", "store_id")


def warning_of_repeated_ids(path: Path, profile: FileProfile, contract: Contract) -> str | None:
    """Return a sentence about a local file whose ids repeat with other content; None if they do not.

    Also None where the contract numbers repeated ids, and where DuckDB cannot read the file: then cleaning finds out.
    """
    import duckdb

    rule = contract.columns["transaction_id"]
    if rule.occurrence:
        return None
    columns = TextColumns(contract, profile.positions)
    compared = [text for name in _COMPARED if name in contract.columns for text in columns.texts_of(name)]
    store = Store(str(path.absolute().parent))
    with connected(store) as con:
        try:
            source = rows_of(con, store, profile, (), None)
            content = f"hash({', '.join(compared)})" if compared else "0"
            sql = f"""
                WITH texts AS (
                    SELECT {columns.trimmed(trim=True)} FROM (SELECT * FROM {source} LIMIT {MOST_ROWS})
                ),
                rows AS (SELECT {columns.field_text("transaction_id")} AS id, {content} AS content FROM texts),
                repeated AS (
                    SELECT id, count(*) AS times FROM rows WHERE id IS NOT NULL
                    GROUP BY id HAVING count(*) > 1 AND min(content) <> max(content)
                )
                SELECT (SELECT count(*) FROM rows), count(*), sum(times), min(id), arg_min(times, id) FROM repeated
            """
            [(rows, ids, lines, example, times)] = con.execute(sql).fetchall()
        except (duckdb.Error, UnicodeError):
            return None
    if not ids:
        return None
    named = ", ".join(header for header, _ in rule.origins)
    seen = f"the first {rows:,} rows" if rows == MOST_ROWS else f"{rows:,} rows"
    product = contract.columns.get("product_id")
    more = ", ".join(dict.fromkeys([named, *(header for header, _ in (product.origins if product else ()))]))
    more = more if more != named else f"{named}, <a column that differs>"
    return (
        f"{path.name}: {ids:,} ids ({named}) stand for {int(lines):,} of {seen} with different content, such as "
        f"{example!r} {times} times. Only the last row of each id will count. If these are sales of their own, change "
        f"the contract: `transaction_id: {{compose: [{more}]}}`, or `occurrence: true` if nothing tells them apart."
    )

"""Which superseded rows of a landing were other sales: rows that share an id although they are not versions of one.

A later row replaces an earlier one with the same id. That is right for a correction, and wrong where the id does not
identify a sale, such as an order id in a file with a line per product. Nothing superseded costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, LakeFile

#: The columns that are compared, and those that name a row.
COMPARED = (
    "transaction_id",
    "sale_date",
    "customer_id",
    "product_id",
    "product_category",
    "total_amount",
    "store_id",
    "source_file",
    "source_line",
)
_EXAMPLES = 3

#: Within a file, a row with another product, amount, customer, day or store is not the row that has its id later on.
#: Values that are not given prove nothing.
_DIFFER_IN_FILE = (
    "o.product_id <> n.product_id OR o.product_category <> n.product_category OR o.total_amount <> n.total_amount "
    "OR o.customer_id <> n.customer_id OR o.sale_date <> n.sale_date OR o.store_id <> n.store_id"
)
#: A later file may correct an earlier one. It does not move a sale to another day or store, nor change everything.
_DIFFER_BETWEEN_FILES = (
    "o.sale_date <> n.sale_date OR o.store_id <> n.store_id OR (o.customer_id <> n.customer_id AND "
    "o.total_amount <> n.total_amount AND (o.product_id <> n.product_id OR o.product_category <> n.product_category))"
)


@dataclass(frozen=True)
class RepeatedIds:
    """Superseded rows of a landing that were other sales, of `read` rows that could be read.

    `money` is what they sum up to, `between_files` how many of them a row of another file replaced, and `examples` says
    of some which row replaced which.
    """

    rows: int = 0
    read: int = 0
    money: Decimal = Decimal("0.00")
    between_files: int = 0
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of the rows that could be read."""
        return self.rows / self.read if self.read else 0.0

    def exceeds(self, limit: float) -> bool:
        """Return whether this is more than chance. A single row may be anything."""
        return self.rows > 1 and self.share > limit


def repeated_ids(lake: Lake, manifest: CleanManifest) -> RepeatedIds:
    """Compare the superseded rows of a landing with those that replaced them."""
    read = manifest.rows("clean") + manifest.rows("superseded")
    if not manifest.rows("superseded"):
        return RepeatedIds(read=read)
    superseded = pa.concat_tables([_read(lake, f) for f in manifest.files["superseded"]])
    ids = pc.unique(superseded["transaction_id"])
    clean = [_read(lake, f, ids) for f in manifest.files["clean"]]
    return compare(pa.concat_tables([superseded, *clean]), read)


def compare(rows: pa.Table, read: int) -> RepeatedIds:
    """Compare superseded rows with those that replaced them, of `read` rows that could be read.

    `rows` has both, with the columns `COMPARED`; rows whose id no other has change nothing.
    """
    import duckdb

    with duckdb.connect(config={"threads": 2}) as con:
        con.register("rows", rows)
        totals = "count(*), count(*) FILTER (WHERE o_file <> n_file), coalesce(sum(o_money), 0)"
        [(number, between, money)] = con.execute(f"{_OTHERS} SELECT {totals} FROM others").fetchall()
        shown = con.execute(f"{_OTHERS} SELECT * FROM others ORDER BY o_file, o_line LIMIT {_EXAMPLES}").fetchall()
    return RepeatedIds(number, read, Decimal(money), between, tuple(map(_in_words, shown)))


def way_out(contract: Contract) -> str:
    """Say what to do about ids that stand for several sales, with the columns of the contract."""
    parts = [header for header, _ in contract.columns["transaction_id"].origins]
    more = [
        header
        for name in ("product_id", "sold_at")
        if name in contract.columns
        for header, _ in contract.columns[name].origins
    ]
    composed = ", ".join(dict.fromkeys([*parts, *more[:1]]))
    return (
        "Look at the files. If a file has several rows per id, let transaction_id be composed (compose) of what tells "
        f"them apart, such as {composed}, or number them (occurrence: true). If numbers restart, include the day."
    )


def _described(alias: str) -> str:
    product = f"coalesce({alias}.product_id, {alias}.product_category)"
    values = (
        f"{product} || ' ' || CAST({alias}.total_amount AS VARCHAR) || ' on ' || CAST({alias}.sale_date AS VARCHAR)"
    )
    return f"{alias}.source_file AS {alias}_file, {alias}.source_line AS {alias}_line, {values} AS {alias}_text"


# `last` has the last row per id and file: what the earlier ones of that file, and those of earlier files, gave way to.
_OTHERS = f"""
    WITH numbered AS (
        SELECT *, row_number() OVER (PARTITION BY transaction_id, source_file ORDER BY source_line DESC) AS nth,
               row_number() OVER (PARTITION BY transaction_id ORDER BY source_file DESC, source_line DESC) AS place
        FROM rows
    ),
    others AS (
        SELECT o.transaction_id AS id, o.total_amount AS o_money, {_described("o")}, {_described("n")}
        FROM numbered AS o JOIN numbered AS n
        ON n.transaction_id = o.transaction_id AND n.source_file = o.source_file AND n.nth = 1
        WHERE o.nth > 1 AND ({_DIFFER_IN_FILE})
        UNION ALL
        SELECT o.transaction_id, o.total_amount, {_described("o")}, {_described("n")}
        FROM numbered AS o JOIN numbered AS n ON n.transaction_id = o.transaction_id AND n.place = 1
        WHERE o.nth = 1 AND o.source_file <> n.source_file AND ({_DIFFER_BETWEEN_FILES})
    )
"""


def _read(lake: Lake, file: LakeFile, ids: Any = None) -> pa.Table:
    """Return the compared columns of a file, of all rows or of those with one of the ids."""
    tables = []
    with lake.store.open(file.key) as handle:
        parquet = pq.ParquetFile(handle)
        for group in range(parquet.num_row_groups):
            if ids is None:
                tables.append(parquet.read_row_group(group, columns=list(COMPARED)))
                continue
            chosen = pc.is_in(parquet.read_row_group(group, columns=["transaction_id"])["transaction_id"], ids)
            if pc.any(chosen).as_py():
                tables.append(parquet.read_row_group(group, columns=list(COMPARED)).filter(chosen))
        schema = pa.schema([parquet.schema_arrow.field(name) for name in COMPARED])
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _in_words(example: tuple[Any, ...]) -> str:
    name, _, old_file, old_line, old, new_file, new_line, new = example
    later = "" if new_file == old_file else f"{new_file.rsplit('/', 1)[-1]} "
    return f"{name} ({old_file.rsplit('/', 1)[-1]} line {old_line}: {old}; {later}line {new_line}: {new})"

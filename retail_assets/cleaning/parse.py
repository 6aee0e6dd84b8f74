"""From records of text to typed canonical rows, in one DuckDB query a block.

Runs inside the Spark tasks. A value that cannot be read is NULL and sets its reason's bit; nothing is rejected here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning import rules
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql import BLANKS, TextColumns, age_group, too_long
from retail_assets.landing.inspect import FileProfile

#: What a Spark task hands on for every record: the typed row, where it stood, what could not be read, its raw text.
PARSED_FIELDS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("transaction_id", pa.string(), "STRING"),
    ("order_id", pa.string(), "STRING"),
    ("sold_at", pa.timestamp("us"), "TIMESTAMP_NTZ"),
    ("customer_id", pa.string(), "STRING"),
    ("gender", pa.string(), "STRING"),
    ("age", pa.int32(), "INT"),
    ("age_group", pa.string(), "STRING"),
    ("product_id", pa.string(), "STRING"),
    ("product_category", pa.string(), "STRING"),
    ("quantity", pa.decimal128(18, 3), "DECIMAL(18,3)"),
    ("unit_price", pa.decimal128(18, 4), "DECIMAL(18,4)"),
    ("total_amount", pa.decimal128(18, 2), "DECIMAL(18,2)"),
    ("store_id", pa.string(), "STRING"),
    ("landed_on", pa.date32(), "DATE"),
    ("file_number", pa.int32(), "INT"),
    ("source_line", pa.int64(), "BIGINT"),
    ("lines", pa.int32(), "INT"),
    ("reasons", pa.int64(), "BIGINT"),
    ("raw_text", pa.string(), "STRING"),
)
PARSED_SCHEMA = pa.schema([(name, arrow) for name, arrow, _ in PARSED_FIELDS])
PARSED_DDL = ", ".join(f"{name} {spark}" for name, _, spark in PARSED_FIELDS)

_IDS = ("transaction_id", "order_id", "customer_id", "product_id", "store_id")
_MEMORY = "1GB"


class Parser:
    """Types the records of one file. Holds a DuckDB connection; use as a context manager."""

    def __init__(self, profile: FileProfile, contract: Contract, landed_on: dt.date, file_number: int) -> None:
        self._sql = parse_sql(TextColumns(contract, profile.positions, profile.date_order), contract)
        self._constants = [landed_on, file_number]
        self._used = sorted({f"c{p}" for p in profile.positions.values()})

    def __enter__(self) -> Self:
        import duckdb

        self._con = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "preserve_insertion_order": True})
        return self

    def __exit__(self, *_: Any) -> None:
        self._con.close()

    def parse(self, records: pa.Table) -> pa.Table:
        """Typed rows (PARSED_SCHEMA) of a block of records, in the same order."""
        self._con.register("records", _trimmed(records, self._used))
        try:
            return self._con.sql(self._sql, params=self._constants).to_arrow_table().cast(PARSED_SCHEMA)
        finally:
            self._con.unregister("records")


def _trimmed(records: pa.Table, used: list[str]) -> pa.Table:
    """The columns that the contract reads, without white space round the values, and the place of each record."""
    arrays = {name: pc.utf8_trim(records[name], characters=BLANKS) for name in used}
    return pa.table({**arrays, **{name: records[name] for name in ("line", "lines", "raw", "defects")}})


def parse_sql(columns: TextColumns, contract: Contract) -> str:
    """The query from `records` (c0…, line, lines, raw, defects) to typed rows; `?` are landing day and file number."""
    ids = {name: columns.field_text(name) for name in _IDS}
    if "order_id" not in contract.columns:
        ids["order_id"] = ids["transaction_id"]
    id_list = ", ".join(f"{columns.identifier(f'({text})')} AS {name}" for name, text in ids.items())
    required = {name for name, rule in contract.columns.items() if rule.required}
    price_wrong = f"({columns.field_text('unit_price')}) IS NOT NULL" + (" OR TRUE" if "unit_price" in required else "")
    amount_wrong = f"({columns.field_text('total_amount')}) IS NOT NULL OR {str('total_amount' in required).upper()}"
    if "total_amount" not in contract.columns:
        amount_wrong = "quantity IS NOT NULL AND unit_price IS NOT NULL"
    longest = " OR ".join(
        f"coalesce({too_long(name, name)}, FALSE)" for name in (*_IDS, "product_category", "age_group")
    )
    rounded = " OR ".join(f"coalesce({columns.is_rounded(name)}, FALSE)" for name in _IDS)
    bits = [
        (rules.INVALID_DATE, "sold_at IS NULL"),
        (rules.INVALID_QUANTITY, "quantity IS NULL"),
        (
            rules.INVALID_PRICE,
            f"unit_price IS NULL AND ({price_wrong})" if "unit_price" in contract.columns else "FALSE",
        ),
        (rules.INVALID_AMOUNT, f"total_amount IS NULL AND ({amount_wrong})"),
        (rules.INVALID_GENDER, "gender = '?'"),
        (rules.INVALID_AGE, f"age IS NULL AND ({columns.field_text('age')}) IS NOT NULL"),
        (rules.TEXT_TOO_LONG, longest),
        (rules.ROUNDED_ID, rounded),
    ]
    mask = " + ".join(f"CASE WHEN {condition} THEN {reason.mask} ELSE 0 END" for reason, condition in bits)
    band = columns.field_text("age_group")
    return f"""
        WITH texts AS (
            SELECT {columns.trimmed(trim=False)}, line, lines, raw, defects FROM records
        ),
        typed AS (
            SELECT *, {id_list},
                   {columns.moment()} AS any_moment,
                   {columns.gender()} AS gender,
                   {columns.age()} AS age,
                   {columns.category()} AS product_category,
                   {columns.quantity()} AS quantity,
                   {columns.price()} AS unit_price,
                   {columns.amount()} AS total_amount
            FROM texts
        ),
        complete AS (
            SELECT * REPLACE (
                       CASE WHEN unit_price IS NULL AND ({columns.field_text("unit_price")}) IS NULL AND quantity <> 0
                            THEN try_cast(round(CAST(total_amount AS DOUBLE) / CAST(quantity AS DOUBLE), 4)
                                          AS DECIMAL(18,4))
                            ELSE unit_price END AS unit_price),
                   CASE WHEN isfinite(any_moment) THEN any_moment END AS sold_at,
                   coalesce({band}, {age_group("age")}) AS age_group
            FROM typed
        )
        SELECT transaction_id, order_id, sold_at, customer_id, nullif(gender, '?') AS gender, age, age_group,
               product_id, product_category, quantity, unit_price, total_amount, store_id,
               ?::DATE AS landed_on, ?::INTEGER AS file_number, line AS source_line, lines,
               CASE WHEN defects <> 0 THEN defects ELSE ({mask})::BIGINT END AS reasons,
               raw AS raw_text
        FROM complete"""

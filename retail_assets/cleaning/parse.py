"""From records of text to typed and judged canonical rows: one small and one large DuckDB query a block.

Runs inside the Spark tasks. What a single text means (a date, a number, a category) is read once for every distinct
text where texts repeat; what depends on the whole row comes after. A value that cannot be read is NULL and sets its
reason's bit; nothing is dropped here.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning import rules
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql import BLANKS, TextColumns, age_group, too_long
from retail_assets.lake.profile import FileProfile
from retail_assets.tables import SALES_CLEAN

#: What is known of every record: the typed row, where it stood, why it is rejected (0 = it is not), and its raw text
#: if it is. `spread` is one number for all rows of a transaction; rejected rows, which belong to none, spread evenly.
PARSED_SCHEMA = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("order_id", pa.string()),
        ("sold_at", pa.timestamp("us")),
        ("customer_id", pa.string()),
        ("gender", pa.string()),
        ("age", pa.int32()),
        ("age_group", pa.string()),
        ("product_id", pa.string()),
        ("product_category", pa.string()),
        ("quantity", pa.decimal128(18, 3)),
        ("unit_price", pa.decimal128(18, 4)),
        ("total_amount", pa.decimal128(18, 2)),
        ("store_id", pa.string()),
        ("source_line", pa.int64()),
        ("lines", pa.int32()),
        ("reasons", pa.int64()),
        ("raw_text", pa.string()),
        ("spread", pa.uint64()),
    ]
)

_IDS = ("transaction_id", "order_id", "customer_id", "product_id", "store_id")
_MEMORY = "1GB"
_RAW_CHARACTERS = 65_535
[_LONGEST_ID] = next(c.numbers for c in SALES_CLEAN.columns if c.name == "transaction_id")
_NUMBER_BYTES = len("-4294967296")
#: So many texts of a column tell whether it is worth while to look for those that repeat.
_SAMPLED_TEXTS = 4096
_EXPONENT = re.compile(rb"E\+")


@dataclass(frozen=True)
class _Reading:
    """A value that one text alone decides: SQL for it, and the file column of the text; None: it is the same in all."""

    sql: str
    position: int | None


class Parser:
    """Types and judges the records of one file, for one thread. Holds a DuckDB connection: use as a context manager."""

    def __init__(self, profile: FileProfile, contract: Contract, landed_on: dt.date) -> None:
        columns = TextColumns(contract, profile.positions, profile.date_order)
        readings = _readings(columns)
        self._readings = {name: r.position for name, r in readings.items() if r.position is not None}
        self._same = {name: r.sql for name, r in readings.items() if r.position is None}
        values = ", ".join(f"{readings[name].sql} AS {name}" for name in self._readings)
        self._reading_sql = f"SELECT {values} FROM (SELECT {columns.trimmed(trim=False, missing=False)} FROM texts)"
        unread = parse_sql(columns, contract, self._same, "", rounded=True)
        self._whole_texts = _positions(unread)
        texts = columns.trimmed(trim=False, missing=False, only=self._whole_texts)
        self._sql = {r: parse_sql(columns, contract, self._same, texts, rounded=r) for r in (False, True)}
        self._landed_on = landed_on
        self._missing = pc.utf8_upper(pa.array(sorted(contract.missing_values), pa.string()))
        self._used = sorted(set(profile.positions.values()))
        self._ids = set(self._used) & _positions(" ".join(map(columns.field_text, _IDS)))

    def __enter__(self) -> Self:
        self._con = _engine().cursor()
        return self

    def __exit__(self, *_: Any) -> None:
        self._con.close()

    def parse(self, records: pa.Table) -> pa.Table:
        """Typed and judged rows (PARSED_SCHEMA) of a block of records, in the same order."""
        folded = set(self._readings.values())
        texts = {p: _Texts.of(_single(records[f"c{p}"]), self._missing, fold=p in folded) for p in self._used}
        columns = {f"c{p}": t.of_records(t.texts) for p, t in texts.items() if p in self._whole_texts}
        if self._readings:
            longest = max(len(t.texts) for t in texts.values())
            read = self._query(self._reading_sql, "texts", {f"c{p}": t.padded(longest) for p, t in texts.items()})
            columns |= {name: texts[p].of_records(_single(read[name])) for name, p in self._readings.items()}
        places = {name: records[name] for name in ("line", "lines", "raw", "defects")}
        sql = self._sql[any(_holds_exponent(texts[p].texts) for p in self._ids)]
        return self._query(sql, "records", columns | places, [self._landed_on]).cast(PARSED_SCHEMA)

    def _query(self, sql: str, name: str, columns: dict[str, Any], constants: list[Any] | None = None) -> pa.Table:
        self._con.register(name, pa.table(columns))
        try:
            return self._con.sql(sql, params=constants).to_arrow_table()
        finally:
            self._con.unregister(name)


@dataclass(frozen=True)
class _Texts:
    """The texts of a column without white space round them: each once where they repeat, then `index` is where."""

    texts: pa.Array
    index: pa.Array | None

    @classmethod
    def of(cls, column: pa.Array, missing: pa.Array, *, fold: bool) -> _Texts:
        """Without white space, and NULL where it is one of the words `missing`, in capitals or not."""
        sample = column.slice(0, _SAMPLED_TEXTS)
        index = None
        if fold and len(sample.unique()) * 2 <= len(sample):
            encoded = column.dictionary_encode(null_encoding="encode")
            column, index = encoded.dictionary, encoded.indices
        return cls(_null_where(pc.utf8_trim(column, characters=BLANKS), missing), index)

    def of_records(self, values: pa.Array) -> pa.Array:
        """A value for each record, from one for each text; what is beyond the texts is padding."""
        return values.slice(0, len(self.texts)) if self.index is None else values.take(self.index)

    def padded(self, length: int) -> pa.Array:
        missing = length - len(self.texts)
        return pa.concat_arrays([self.texts, pa.nulls(missing, pa.string())]) if missing else self.texts


def _null_where(texts: pa.Array, words: pa.Array) -> pa.Array:
    """The texts, NULL where they are one of the words."""
    if not len(words):
        return texts
    # Tells nearly every text, and costs next to nothing. Capitals may be some bytes longer or shorter.
    short = pc.less_equal(pc.binary_length(texts), 2 * pc.max(pc.binary_length(words)).as_py())
    missing = pc.is_in(pc.utf8_upper(texts.filter(short)), value_set=words)
    if not pc.any(missing).as_py():
        return texts
    return pc.replace_with_mask(texts, pc.fill_null(short, False), pc.if_else(missing, None, texts.filter(short)))


@functools.cache
def _engine() -> Any:
    """One DuckDB in a process, for all files: to start one takes longer than a small file."""
    import duckdb

    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "preserve_insertion_order": True,
            "disabled_optimizers": "in_clause",  # turning lists of a few words into joins takes longer than it gains
        }
    )


def _single(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _positions(sql: str) -> set[int]:
    """The numbers of the file columns whose texts a piece of SQL reads."""
    return {int(n) for n in re.findall(r"\bt(\d+)\b", sql)}


def _holds_exponent(ids: pa.Array) -> bool:
    """Whether `E+` stands anywhere in the texts: if not, none is an id that a spreadsheet has rounded."""
    data = ids.buffers()[2]
    return data is not None and _EXPONENT.search(memoryview(data)) is not None


def _readings(columns: TextColumns) -> dict[str, _Reading]:
    """Everything that is read from a text on its own, by the name that `parse_sql` knows it by."""
    given = {
        f"{short}_given": _Reading(f"({columns.field_text(name)}) IS NOT NULL", columns.position(name))
        for short, name in (("age", "age"), ("price", "unit_price"), ("amount", "total_amount"))
    }
    return {
        "any_moment": _Reading(columns.moment(), columns.position("sold_at")),
        "read_gender": _Reading(columns.gender(), columns.position("gender")),
        "age": _Reading(columns.age(), columns.position("age")),
        "product_category": _Reading(columns.category(), columns.position("product_category")),
        "quantity_number": _Reading(columns.number_of("quantity"), columns.position("quantity")),
        "price_number": _Reading(columns.number_of("unit_price"), columns.position("unit_price")),
        "amount_number": _Reading(columns.number_of("total_amount"), columns.position("total_amount")),
        "band": _Reading(columns.field_text("age_group"), columns.position("age_group")),
        **given,
    }


def parse_sql(columns: TextColumns, contract: Contract, same: dict[str, str], texts: str, *, rounded: bool) -> str:
    """The query from `records` to typed and judged rows; its parameter is the landing's day.

    `records` has line, lines, raw, defects, the columns that `texts` (a select list) reads, and the readings but those
    in `same`, which are the same SQL for every record. Without `rounded`, ids are not searched for such as 5.36365E+11.
    """
    ids = {name: columns.field_text(name) for name in _IDS}
    if "order_id" not in contract.columns:
        ids["order_id"] = ids["transaction_id"]
    id_list = ", ".join(f"{columns.identifier(f'({text})')} AS {name}" for name, text in ids.items())
    constants = "".join(f", {sql} AS {name}" for name, sql in same.items())
    given = "price_given" if "unit_price" in contract.columns else "FALSE"
    return f"""
        WITH texts AS (
            SELECT *{", " if texts else ""}{texts} FROM records
        ),
        readings AS (
            SELECT *{constants}, {id_list} FROM texts
        ),
        counted AS (
            SELECT *, {columns.quantity("quantity_number")} AS quantity,
                   {columns.price("price_number")} AS written_price
            FROM readings
        ),
        typed AS (
            SELECT *, {columns.amount("amount_number", "amount_given", "quantity", "written_price")} AS total_amount
            FROM counted
        ),
        complete AS (
            SELECT *, CASE WHEN written_price IS NULL AND NOT {given} AND quantity <> 0
                           THEN try_cast(round(CAST(total_amount AS DOUBLE) / CAST(quantity AS DOUBLE), 4)
                                         AS DECIMAL(18,4))
                           ELSE written_price END AS unit_price,
                   ?::DATE AS landed_on,
                   CASE WHEN isfinite(any_moment) THEN any_moment END AS sold_at,
                   coalesce(band, {age_group("age")}) AS age_group
            FROM typed
        ),
        judged AS (
            SELECT *, CASE WHEN defects <> 0 THEN defects ELSE ({_mask(columns, contract, rounded)})::BIGINT END
                      AS reasons
            FROM complete
        )
        SELECT transaction_id, order_id, sold_at, customer_id, nullif(read_gender, '?') AS gender, age, age_group,
               product_id, product_category, quantity, unit_price, total_amount, store_id,
               line AS source_line, lines, reasons,
               CASE WHEN reasons <> 0 THEN left(raw, {_RAW_CHARACTERS}) END AS raw_text,
               CASE WHEN reasons = 0 THEN hash(transaction_id) ELSE line::UBIGINT END AS spread
        FROM judged"""


def _mask(columns: TextColumns, contract: Contract, rounded: bool) -> str:
    """SQL for the reasons of a row that could be split, as one number."""
    required = {name for name, rule in contract.columns.items() if rule.required}
    price_asked = "TRUE" if "unit_price" in required else "price_given"
    if "unit_price" not in contract.columns:
        price_asked = "FALSE"
    amount_asked = "TRUE" if "total_amount" in required else "amount_given"
    if "total_amount" not in contract.columns:
        amount_asked = "quantity IS NOT NULL AND unit_price IS NOT NULL"
    # The order's id is the transaction's where the contract has no other.
    ids = [name for name in _IDS if name in contract.columns]
    texts = (*ids, "product_category", "age_group")
    long = " OR ".join(f"coalesce({too_long(name, name)}, FALSE)" for name in texts)
    bits = [
        (rules.INVALID_DATE, "sold_at IS NULL"),
        (rules.INVALID_QUANTITY, "quantity IS NULL"),
        (rules.INVALID_PRICE, f"unit_price IS NULL AND {price_asked}"),
        (rules.INVALID_AMOUNT, f"total_amount IS NULL AND {amount_asked}"),
        (rules.INVALID_GENDER, "read_gender = '?'"),
        (rules.INVALID_AGE, "age IS NULL AND age_given"),
        (rules.TEXT_TOO_LONG, _with_its_number(long) if contract.columns["transaction_id"].occurrence else long),
    ]
    if rounded:
        found = " OR ".join(f"coalesce({columns.is_rounded(name)}, FALSE)" for name in ids)
        bits.append((rules.ROUNDED_ID, found))
    bits += [(reason, str(reason.rule)) for reason in rules.judged(contract)]
    return " + ".join(f"CASE WHEN {condition} THEN {reason.mask} ELSE 0 END" for reason, condition in bits)


def _with_its_number(too_long: str) -> str:
    """An id that lines share gets their number behind it, and must fit its column with that, too."""
    return f"{too_long} OR coalesce(strlen(transaction_id) > {_LONGEST_ID - _NUMBER_BYTES}, FALSE)"

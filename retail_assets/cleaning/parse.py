"""From records of text to typed and judged canonical rows: one small and one large DuckDB query per block.

Runs inside the Spark tasks. What a single text means (a date, a number, a category) is read once per distinct text
where texts repeat; what depends on the whole row comes after. A value that cannot be read is NULL and sets the bit of
its reason. Nothing is dropped here. The queries themselves are in `parse_sql.py`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.block_query import query
from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.parse_sql import IDS, OPTIONAL, file_columns, parse_sql, readings_of
from retail_assets.cleaning.reference_join import ReferenceJoin
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.identifiers import EXACT_IN_SHORT_FLOAT, ROUNDED_MARKS
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA, FORMULA_MARK, TextColumns
from retail_assets.lake.profile import FileProfile
from retail_assets.tables import SALES_CLEAN

#: One row per record: the typed values, its place in the file, the reasons to reject it (0 = none) and, if there are
#: any, its raw text. `spread` is one number for all rows of a transaction; rejected rows, which belong to none, spread
#: evenly. Rows of a contract that maps one of the columns OPTIONAL have it besides.
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

_MEMORY = "1GB"


def parsed_schema(contract: Contract) -> pa.Schema:
    """Return PARSED_SCHEMA with those of the columns OPTIONAL that a contract maps, behind the store."""
    schema, types = PARSED_SCHEMA, SALES_CLEAN.arrow_schema()
    for name in (name for name in OPTIONAL if name in contract.columns):
        schema = schema.insert(schema.get_field_index("source_line"), pa.field(name, types.field(name).type))
    return schema


#: How many texts of a column decide whether looking for repeated ones is worth it.
_SAMPLED_TEXTS = 4096


class Parser:
    """Types and judges the records of one file, in one thread.

    Holds a DuckDB connection, so use it as a context manager.
    """

    def __init__(
        self,
        profile: FileProfile,
        contract: Contract,
        landed_on: dt.date,
        references: Mapping[str, pa.Table] | None = None,
    ) -> None:
        self._join = ReferenceJoin(profile, contract, references or {}) if contract.references else None
        positions = self._join.positions if self._join else profile.positions
        columns = TextColumns(contract, positions, profile.date_order)
        self._used = sorted(set(positions.values()))
        readings = readings_of(columns)
        self._readings = {name: r.position for name, r in readings.items() if r.position is not None}
        self._same = {name: r.sql for name, r in readings.items() if r.position is None}
        values = ", ".join(f"{readings[name].sql} AS {name}" for name in self._readings)
        self._reading_sql = f"SELECT {values} FROM (SELECT {columns.trimmed(trim=False, missing=False)} FROM texts)"
        kinds = dict(enumerate(profile.types))
        exact = {p: EXACT_IN_SHORT_FLOAT[k] for p, k in kinds.items() if k in EXACT_IN_SHORT_FLOAT}
        unread = parse_sql(columns, contract, self._same, "", rounded=True, exact=exact)
        self._whole_texts = file_columns(unread) | columns.moment_columns()
        texts = columns.trimmed(trim=False, missing=False, only=self._whole_texts)
        self._sql = {r: parse_sql(columns, contract, self._same, texts, rounded=r, exact=exact) for r in (False, True)}
        self._landed_on = landed_on
        self._schema = parsed_schema(contract)
        self._missing = pc.utf8_upper(pa.array(sorted(contract.missing_values), pa.string()))
        self._ids = set(self._used) & file_columns(" ".join(map(columns.field_text, IDS)))

    def __enter__(self) -> Self:
        self._con = _engine().cursor()
        return self

    def __exit__(self, *_: Any) -> None:
        self._con.close()

    def parse(self, records: pa.Table) -> pa.Table:
        """Return the typed and judged rows (`parsed_schema`) of a block of records, in the same order."""
        if self._join:
            records = self._join.of(records, self._con)
        folded = set(self._readings.values())
        texts = {p: _Texts.of(contiguous(records[f"c{p}"]), self._missing, fold=p in folded) for p in self._used}
        columns = {f"c{p}": t.of_records(t.texts) for p, t in texts.items() if p in self._whole_texts}
        if self._readings:
            longest = max(len(t.texts) for t in texts.values())
            padded = pa.table({f"c{p}": t.padded(longest) for p, t in texts.items()})
            read = query(self._con, self._reading_sql, "texts", padded)
            columns |= {name: texts[p].of_records(contiguous(read[name])) for name, p in self._readings.items()}
        places = {name: records[name] for name in ("line", "lines", "raw", "defects")}
        sql = self._sql[any(_may_be_rounded(texts[p].texts) for p in self._ids)]
        rows = query(self._con, sql, "records", pa.table(columns | places), [self._landed_on])
        return rows.cast(self._schema)


@dataclass(frozen=True)
class _Texts:
    """The texts of a column without surrounding white space.

    Where texts repeat, each stands once, and `index` says which text each record has.
    """

    texts: pa.Array
    index: pa.Array | None

    @classmethod
    def of(cls, column: pa.Array, missing: pa.Array, *, fold: bool) -> _Texts:
        """Trim the texts, and make those NULL that are one of the words `missing`, in any case."""
        sample = column.slice(0, _SAMPLED_TEXTS)
        index = None
        if fold and len(sample.unique()) * 2 <= len(sample):
            encoded = column.dictionary_encode(null_encoding="encode")
            column, index = encoded.dictionary, encoded.indices
        return cls(_null_where(_plain(pc.utf8_trim(column, characters=BLANKS)), missing), index)

    def of_records(self, values: pa.Array) -> pa.Array:
        """Return one value per record from one per text. Values beyond the texts are padding."""
        return values.slice(0, len(self.texts)) if self.index is None else values.take(self.index)

    def padded(self, length: int) -> pa.Array:
        missing = length - len(self.texts)
        return pa.concat_arrays([self.texts, pa.nulls(missing, pa.string())]) if missing else self.texts


def _plain(texts: pa.Array) -> pa.Array:
    """Return trimmed texts, with 00123 for `="00123"`."""
    if not pc.any(pc.starts_with(texts, FORMULA_MARK)).as_py():
        return texts
    return pc.utf8_trim(pc.replace_substring_regex(texts, FORMULA, r"\1"), characters=BLANKS)


def _null_where(texts: pa.Array, words: pa.Array) -> pa.Array:
    """Return the texts, with NULL where they are one of the words."""
    if not len(words):
        return texts
    # Decides nearly every text at almost no cost. Upper case may be a few bytes longer or shorter.
    short = pc.less_equal(pc.binary_length(texts), 2 * pc.max(pc.binary_length(words)).as_py())
    missing = pc.is_in(pc.utf8_upper(texts.filter(short)), value_set=words)
    if not pc.any(missing).as_py():
        return texts
    return pc.replace_with_mask(texts, pc.fill_null(short, False), pc.if_else(missing, None, texts.filter(short)))


@functools.cache
def _engine() -> Any:
    """Return the one DuckDB of this process, for all files: starting one takes longer than reading a small file."""
    import duckdb

    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "preserve_insertion_order": True,
            "disabled_optimizers": "in_clause",  # turning lists of a few words into joins costs more than it gains
        }
    )


def _may_be_rounded(ids: pa.Array) -> bool:
    """Return whether the texts contain what every rounded id contains. If not, none is."""
    data = ids.buffers()[2]
    if data is None:
        return False
    text = data.to_pybytes()
    # Looking for one character is ten times as fast as looking for two, and few ids have one of these.
    return any(mark[-1:] in text and mark in text for mark in ROUNDED_MARKS)

"""Who the rows of a landed file belong to: the ids of each row as the contract reads them, and no other column."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.parse_sql import file_columns
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.identifiers import identifier
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns
from retail_assets.lake.profile import FileProfile
from retail_assets.storage import Store

_NUMBER = re.compile(r"(\d{1,15})\.0")
_PARTS = re.compile(r"[^\s,;|:\"'{}\[\]()=<>]+")
#: A quoted text: CSV writes a quote in it twice, JSON behind a backslash.
_OF_CSV, _OF_JSON = re.compile(r'"((?:[^"]|"")*)"'), re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class IdRows:
    """Rows of a file, in order: their customers, and by `places` and `others` whatever else is asked of some of them.

    `customers` are ids as text, null where a row names nobody; `line` is where each row begins in the file. `texts` are
    the rows that could not be split into fields, by their position: nobody can tell which of their words is an id.
    """

    customers: pa.Array
    line: np.ndarray
    texts: dict[int, str]
    _records: pa.Table
    _reader: IdReader

    def places(self, chosen: np.ndarray) -> np.ndarray:
        """Return line, physical lines, and those of them that are not blank, one row per chosen row of the file."""
        records = self._records.filter(pa.array(chosen))
        spanned = np.ones(records.num_rows, dtype=np.int64)
        if self._reader.is_csv:
            spanned += np.asarray(pc.count_substring(records["raw"], "\n").to_numpy(), dtype=np.int64)
        lines = np.asarray(records["lines"].to_numpy(), dtype=np.int64)
        return np.stack((self.line[chosen], spanned, lines), axis=1)

    def others(self, chosen: np.ndarray) -> pa.Table:
        """Return `order_id` and `transaction_id` of the chosen rows."""
        return self._reader.ids(self._records.filter(pa.array(chosen)), ("order_id", "transaction_id"))


class IdReader:
    """Reads the ids of one landed file. `con` is a DuckDB connection with one thread."""

    def __init__(self, profile: FileProfile, contract: Contract, con: Any) -> None:
        self._profile, self._con = profile, con
        self._columns = TextColumns(contract, profile.positions, profile.date_order)
        self.is_csv = profile.format == "csv"

    def rows(self, store: Store) -> Iterator[IdRows]:
        """Yield the rows of the file in blocks. Raises LandingError if it cannot be read."""
        with store.open(self._profile.key) as handle:
            for records in read_records(handle, self._profile):
                table = records.table
                broken = np.flatnonzero(table["defects"].to_numpy() != 0)
                raw = table["raw"].take(pa.array(broken)).to_pylist() if len(broken) else []
                customers = contiguous(self.ids(table, ("customer_id",))["customer_id"])
                texts = dict(zip(broken.tolist(), raw, strict=True))
                yield IdRows(customers, table["line"].to_numpy(), texts, table, self)

    def ids(self, records: pa.Table, names: tuple[str, ...]) -> pa.Table:
        """Return ids of records as the contract reads them."""
        read = {name: f"{identifier(f'({self._columns.field_text(name)})')} AS {name}" for name in names}
        used = sorted(file_columns(" ".join(read.values())))
        texts = self._columns.trimmed(trim=True, missing=True, only=used) if used else ""
        trimmed = {f"c{p}": pc.utf8_trim(contiguous(records[f"c{p}"]), characters=BLANKS) for p in used}
        self._con.register("records", pa.table({"line": records["line"], **trimmed}))
        try:
            inner = f"SELECT line{', ' if texts else ''}{texts} FROM records"
            return self._con.sql(f"SELECT {', '.join(read.values())} FROM ({inner})").to_arrow_table()
        finally:
            self._con.unregister("records")


def words_of(text: str, delimiter: str) -> set[str]:
    """Return everything in the text of a row that may be an id: its fields, and the words in it, as ids are read.

    >>> sorted(words_of('7, "C 1",17.0', ","))
    ['1', '17', '7', 'C', 'C 1']
    >>> '5" O, 8' in words_of('7,"5"" O, 8",', ",")
    True
    """
    parts = text.split(delimiter) if delimiter else []
    parts = [part.strip(BLANKS).strip('"') for part in parts]
    parts += [part.replace('""', '"') for part in _OF_CSV.findall(text)]
    for part in _OF_JSON.findall(text):
        with contextlib.suppress(ValueError):  # a backslash that is no escape
            parts.append(json.loads(part))
    words = {part.strip(BLANKS) for part in (*parts, *_PARTS.findall(text))} - {""}
    return {match[1] if (match := _NUMBER.fullmatch(word)) else word for word in words}

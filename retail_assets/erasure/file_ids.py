"""Who the rows of a landed file belong to: the ids of each row as the contract reads them, and no other column."""

from __future__ import annotations

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

_IDS = ("customer_id", "order_id", "transaction_id")
_NUMBER = re.compile(r"(\d{1,15})\.0")
_PARTS = re.compile(r"[^\s,;|:\"'{}\[\]()=<>]+")


@dataclass(frozen=True)
class IdRows:
    """Rows of a file, in order.

    `ids` has `customer_id`, `order_id` and `transaction_id` as text; `line` is where each row begins in the file,
    `spanned` on how many physical lines it is, of which `lines` are not blank. `texts` are the rows that could not be
    split into fields, by their position: nobody can tell which of their words is an id.
    """

    ids: pa.Table
    line: np.ndarray
    lines: np.ndarray
    spanned: np.ndarray
    texts: dict[int, str]


def id_rows(store: Store, profile: FileProfile, contract: Contract, con: Any) -> Iterator[IdRows]:
    """Yield the rows of a landed file in blocks.

    `con` is a DuckDB connection with one thread. Raises LandingError if the file cannot be read.
    """
    columns = TextColumns(contract, profile.positions, profile.date_order)
    read = {name: f"{identifier(f'({columns.field_text(name)})')} AS {name}" for name in _IDS}
    used = sorted(file_columns(" ".join(read.values())))
    texts = columns.trimmed(trim=True, missing=True, only=used) if used else ""
    sql = f"SELECT {', '.join(read.values())} FROM (SELECT line{', ' if texts else ''}{texts} FROM records)"
    with store.open(profile.key) as handle:
        for records in read_records(handle, profile):
            yield _id_rows(records.table, profile, con, sql, used)


def _id_rows(table: pa.Table, profile: FileProfile, con: Any, sql: str, used: list[int]) -> IdRows:
    trimmed = {f"c{p}": pc.utf8_trim(contiguous(table[f"c{p}"]), characters=BLANKS) for p in used}
    con.register("records", pa.table({"line": table["line"], **trimmed}))
    try:
        ids = con.sql(sql).to_arrow_table()
    finally:
        con.unregister("records")
    broken = np.flatnonzero(table["defects"].to_numpy() != 0)
    spanned = np.ones(table.num_rows, dtype=np.int64)
    if profile.format == "csv":
        spanned += np.asarray(pc.count_substring(table["raw"], "\n").to_numpy(), dtype=np.int64)
    raw = table["raw"].take(pa.array(broken)).to_pylist() if len(broken) else []
    return IdRows(
        ids,
        table["line"].to_numpy(),
        np.asarray(table["lines"].to_numpy(), dtype=np.int64),
        spanned,
        dict(zip(broken.tolist(), raw, strict=True)),
    )


def words_of(text: str, delimiter: str) -> set[str]:
    """Return everything in the text of a row that may be an id: its fields, and the words in it, as ids are read.

    >>> sorted(words_of('7, "C 1",17.0', ","))
    ['1', '17', '7', 'C', 'C 1']
    """
    parts = [part.strip(BLANKS).strip('"').strip(BLANKS) for part in text.split(delimiter)] if delimiter else []
    words = {part for part in (*parts, *_PARTS.findall(text)) if part}
    return {match[1] if (match := _NUMBER.fullmatch(word)) else word for word in words}

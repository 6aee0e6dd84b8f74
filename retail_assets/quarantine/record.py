"""One rejected row in full: its reasons, its text next to the header, what is read of it today, and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.compute as pc

from retail_assets.cleaning import rules
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql import numbers, people
from retail_assets.contracts.typing_sql.categories import category
from retail_assets.contracts.typing_sql.exchange_rates import converted
from retail_assets.contracts.typing_sql.moments import moment
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.quarantine.advice import COLUMN_OF, advice_on
from retail_assets.quarantine.rows import SelectionError, tables
from retail_assets.quarantine.texts import fields, is_cut


@dataclass(frozen=True)
class Why:
    """A reason, its meaning under today's contract, and what to do about it."""

    name: str
    meaning: str
    advice: str


@dataclass(frozen=True)
class Field:
    """One field: header and text as in the file, the column it goes to, what is read of it today, reasons about it.

    `header` is None for a field too many, `text` for a missing one.
    """

    header: str | None
    text: str | None
    column: str | None
    read: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A rejected row with everything that is known about it."""

    landed_on: dt.date
    source_file: str
    source_line: int
    contract_version: str
    contract_now: str
    transaction_id: str | None
    total_amount: str | None
    reasons: tuple[Why, ...]
    fields: tuple[Field, ...]
    raw_text: str
    text_is_cut: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"landed_on": self.landed_on.isoformat()}


def find(
    lake: Lake,
    manifests: Sequence[CleanManifest],
    contract: Contract,
    *,
    file: str | None = None,
    line: int | None = None,
    transaction: str | None = None,
) -> list[Record]:
    """Return the rejected rows at a line of a file, or with a transaction id, in order of landing, file and line.

    Raises SelectionError if there is none.
    """
    records: list[Record] = []
    for manifest in manifests:
        for _, table in tables(lake, manifest):
            wanted = (
                pc.equal(table["source_line"], line)
                if transaction is None
                else pc.fill_null(pc.equal(table["transaction_id"], transaction), False)
            )
            for row in table.filter(wanted).to_pylist():
                if file is None or row["source_file"] == file or row["source_file"].endswith("/" + file):
                    profiles = {f.key: f for f in lake.raw(manifest.landed_on).files}
                    records.append(_record(row, profiles.get(row["source_file"]), contract))
    if not records:
        what = f"line {line} of {file}" if transaction is None else f"transaction {transaction!r}"
        raise SelectionError(
            f"There is no rejected row for {what}. A row of several lines is found by its first line; "
            "`retail-assets quarantine list` shows file, line and transaction of each."
        )
    return sorted(records, key=lambda r: (r.landed_on, r.source_file, r.source_line))


def _record(row: dict[str, Any], profile: FileProfile | None, contract: Contract) -> Record:
    meanings = {r.name: r.meaning for r in (*rules.READING, *rules.judged(contract))}
    names = row["reasons"].split(",")
    missing = "the contract required it then; today's does not"
    cut = is_cut(row["raw_text"])
    return Record(
        row["landed_on"],
        row["source_file"],
        row["source_line"],
        row["contract_version"],
        contract.digest,
        row["transaction_id"],
        None if row["total_amount"] is None else str(row["total_amount"]),
        tuple(Why(n, meanings.get(n, missing), advice_on(n)) for n in names),
        () if profile is None or cut else _fields(row["raw_text"], profile, contract, names),
        row["raw_text"],
        cut,
    )


def _fields(text: str, profile: FileProfile, contract: Contract, reasons: list[str]) -> tuple[Field, ...]:
    values = fields(text, profile)
    if values is None:
        return ()
    header = profile.header
    read: dict[str, str | None] = {}
    positions: dict[str, int] = {}
    if len(values) == len(header):
        positions = match_header(header, contract, profile.key).positions
        read = _read(values, positions, profile, contract)
    columns = _columns(contract, positions)
    shown = []
    for i in range(max(len(values), len(header))):
        names = columns.get(i, [])
        about = tuple(r for r in reasons if COLUMN_OF.get(r) in names)
        understood = [f"{read[n]}" for n in names if read.get(n) is not None]
        shown.append(
            Field(
                header[i] if i < len(header) else None,
                values[i] if i < len(values) else None,
                ", ".join(names) or None,
                ", ".join(dict.fromkeys(understood)) or None,
                about,
            )
        )
    return tuple(shown)


def _columns(contract: Contract, positions: dict[str, int]) -> dict[int, list[str]]:
    """Return canonical columns by the position of the raw column they are read from."""
    at = {normalize_header(n): p for c, p in positions.items() for n in (c, *contract.raw_columns().get(c, ()))}
    columns: dict[int, list[str]] = {}
    for name, rule in contract.columns.items():
        for raw in (*(header for header, _ in rule.origins), *rule.beside):
            if (position := at.get(normalize_header(raw))) is not None:
                columns.setdefault(position, []).append(name)
    return columns


def _read(
    values: list[str], positions: dict[str, int], profile: FileProfile, contract: Contract
) -> dict[str, str | None]:
    """Return what today's contract reads from the fields, by canonical column; None where it cannot."""
    import duckdb

    columns = TextColumns(contract, positions, profile.date_order)
    plain = ("transaction_id", "order_id", "customer_id", "product_id", "store_id", "age_group")
    expressions = {name: columns.field_text(name) for name in plain} | {
        "sold_at": moment(columns),
        "gender": f"nullif({people.gender(columns)}, '?')",
        "age": people.age(columns),
        "product_category": category(columns),
        "quantity": numbers.quantity(columns),
        "unit_price": numbers.price(columns),
        "total_amount": numbers.amount(columns),
        "list_price": converted(columns, numbers.written_list_price(columns), 4),
        "discount": converted(columns, numbers.written_discount(columns), 2),
    }
    used = sorted(set(positions.values()))
    given = ", ".join(f"?::VARCHAR AS c{p}" for p in used)
    selected = ", ".join(f"CAST({expressions[name]} AS VARCHAR) AS {name}" for name in contract.columns)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT {selected} FROM (SELECT {columns.trimmed(trim=True)} FROM (SELECT {given}))"
        [row] = con.execute(sql, [values[p].strip() for p in used]).fetchall()
    return dict(zip(contract.columns, row, strict=True))

"""One rejected record in full: why, its text beside the header, what can be read of it now, and what to do."""

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
from retail_assets.contracts.typing_sql.moments import moment
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.quarantine.rows import SelectionError, tables
from retail_assets.quarantine.texts import fields, is_cut

_CONTRACT = "then run `retail-assets quarantine replay`"
_SOURCE = "have it mended where it is written, and land the corrected file with `retail-assets land --replace`"
_RAW = "take the lines out (`quarantine export --raw`), mend them and land the mended file"
_MONEY = "Other marks or currency signs? Set `numbers: {decimal: …, thousands: …, currency_symbols: …}`"

#: What to do about a reason: whether a contract can say more, or only whoever wrote the file.
ADVICE: dict[str, str] = {
    "malformed_row": f"No contract helps: the line has another shape than its header. {_RAW.capitalize()}.",
    "unclosed_quote": f"No contract helps: close the quote, or write it twice. {_RAW.capitalize()}.",
    "not_text": "Is it another encoding? Set `file: {encoding: …}` and clean the landing again. "
    f"If the characters are lost, {_SOURCE}.",
    "invalid_date": "A way of writing dates that the contract does not know? Add it to `dates: {formats: […]}`, "
    f"{_CONTRACT}. Otherwise {_RAW}.",
    "invalid_quantity": "Other marks in numbers? Set `numbers: {decimal: …, thousands: …}`; empty cells may get a "
    f"`default`, {_CONTRACT}. Otherwise {_RAW}.",
    "invalid_price": f"{_MONEY}, {_CONTRACT}. Otherwise {_RAW}.",
    "invalid_amount": f"{_MONEY}, {_CONTRACT}. Otherwise {_RAW}.",
    "invalid_gender": f"A code of the shop's own? Do not map the column, or {_RAW}.",
    "invalid_age": f"Is it a year of birth, or an age band? Map the column to `age_group`, or {_RAW}.",
    "text_too_long": f"An id or name of this length is mostly two columns run together: {_RAW}.",
    "rounded_id": f"The digits are gone: {_SOURCE}. Format the column as text before saving.",
    "missing_transaction_id": "Does another column, or several together, name the line? Use `header` or `compose`, "
    f"{_CONTRACT}. Otherwise {_RAW}.",
    "missing_order_id": f"Without an order, leave `order_id` out of the contract: each line is then one, {_CONTRACT}.",
    "missing_category": f"Give `product_category` a `default` (such as UNKNOWN), {_CONTRACT}.",
    "missing_customer_id": f"Are anonymous sales normal? Set `required: false` for `customer_id`, {_CONTRACT}.",
    "missing_product_id": f"Set `required: false` for `product_id`, {_CONTRACT}.",
    "missing_store_id": f"Set `required: false` for `store_id`, or give a `default`, {_CONTRACT}.",
    "date_out_of_range": "History, or orders for later? Set `dates: {earliest: …}` or `days_after_landing`, "
    f"{_CONTRACT}. A mistyped year: {_RAW}.",
    "zero_quantity": "Mostly coupons and voided lines: nothing to do. If they carry money that counts, ask the shop.",
    "negative_price": "A return? It needs a negative quantity; a `cancellations` rule turns the marked lines; "
    f"{_CONTRACT}.",
    "total_mismatch": f"Rounding or tax in the total? Set `amount_tolerance`, or do not map `unit_price`, {_CONTRACT}.",
}

#: The canonical column that a reason is about.
_COLUMN_OF = {
    "invalid_date": "sold_at",
    "date_out_of_range": "sold_at",
    "invalid_quantity": "quantity",
    "zero_quantity": "quantity",
    "invalid_price": "unit_price",
    "negative_price": "unit_price",
    "invalid_amount": "total_amount",
    "total_mismatch": "total_amount",
    "invalid_gender": "gender",
    "invalid_age": "age",
    "missing_category": "product_category",
    "missing_transaction_id": "transaction_id",
    "missing_order_id": "order_id",
    "missing_customer_id": "customer_id",
    "missing_product_id": "product_id",
    "missing_store_id": "store_id",
}


@dataclass(frozen=True)
class Why:
    """A reason, its meaning under the contract of today, and what to do about it."""

    name: str
    meaning: str
    advice: str


@dataclass(frozen=True)
class Field:
    """One field: header and text as in the file, the column it goes to, what is read from it now, reasons about it.

    `header` is None for a field too many, `text` for one that is missing.
    """

    header: str | None
    text: str | None
    column: str | None
    read: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A rejected record with everything that is known about it."""

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
    """The rejected records at a line of a file, or with a transaction id, in order of landing, file and line.

    Raises SelectionError when there is none.
    """
    found: list[Record] = []
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
                    found.append(_record(row, profiles.get(row["source_file"]), contract))
    if not found:
        what = f"line {line} of {file}" if transaction is None else f"transaction {transaction!r}"
        raise SelectionError(
            f"No rejected row is {what}. A record of several lines goes by its first one; "
            "`retail-assets quarantine list` shows file, line and transaction of each."
        )
    return sorted(found, key=lambda r: (r.landed_on, r.source_file, r.source_line))


def _record(row: dict[str, Any], profile: FileProfile | None, contract: Contract) -> Record:
    meanings = {r.name: r.meaning for r in (*rules.READING, *rules.judged(contract))}
    names = row["reasons"].split(",")
    missing = "the contract asked for it then; today's does not"
    cut = is_cut(row["raw_text"])
    return Record(
        row["landed_on"],
        row["source_file"],
        row["source_line"],
        row["contract_version"],
        contract.digest,
        row["transaction_id"],
        None if row["total_amount"] is None else str(row["total_amount"]),
        tuple(Why(n, meanings.get(n, missing), ADVICE.get(n, f"{_RAW.capitalize()}.")) for n in names),
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
        about = tuple(r for r in reasons if _COLUMN_OF.get(r) in names)
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
    """Canonical columns by the position of the raw column they are read from."""
    at = {normalize_header(n): p for c, p in positions.items() for n in (c, *contract.raw_columns().get(c, ()))}
    found: dict[int, list[str]] = {}
    for name, rule in contract.columns.items():
        for raw in rule.compose or [rule.header or ""]:
            if (position := at.get(normalize_header(raw))) is not None:
                found.setdefault(position, []).append(name)
    return found


def _read(
    values: list[str], positions: dict[str, int], profile: FileProfile, contract: Contract
) -> dict[str, str | None]:
    """What the contract of today reads from the fields, by canonical column; None where it cannot."""
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
    }
    used = sorted(set(positions.values()))
    given = ", ".join(f"?::VARCHAR AS c{p}" for p in used)
    selected = ", ".join(f"CAST({expressions[name]} AS VARCHAR) AS {name}" for name in contract.columns)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT {selected} FROM (SELECT {columns.trimmed(trim=True)} FROM (SELECT {given}))"
        [row] = con.execute(sql, [values[p].strip() for p in used]).fetchall()
    return dict(zip(contract.columns, row, strict=True))

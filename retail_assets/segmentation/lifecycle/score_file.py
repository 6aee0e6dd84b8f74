"""Segments of customers whom no training has seen: from a CSV of their purchases, by the model in use.

The purchases go through the same SQL as the shop's own, in a warehouse of their own that is thrown away; so nothing is
computed in another way. What needs the whole shop (a favourite category is one against all customers) is left out.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import functools
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from retail_assets.contracts.typing_sql import BLANKS
from retail_assets.errors import RetailError, nearest
from retail_assets.segmentation.model.clustering import SegmentModel
from retail_assets.segmentation.model.features import frame
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.personas.catalog import Catalogue
from retail_assets.segmentation.queries import segments
from retail_assets.tables import DIM_CUSTOMER, DIM_DATE, SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("customer_id", "customer"),
    "sold_at": ("date", "sale_date", "sold_at"),
    "total_amount": ("amount", "total_amount", "total"),
    "order_id": ("order_id", "order"),
    "quantity": ("quantity",),
    "unit_price": ("unit_price", "price"),
    "product_category": ("product_category", "category"),
}
"""What a file may have, and the headers for it. Needed: customer, date, and amount or quantity and price."""

FIELDS = (
    "customer_id", "persona", "decided_by", "confidence", "tags", "frequency", "monetary", "average_basket",
    "last_sale_date", "snapshot_date", "model_version", "note",
)  # fmt: skip
"""Keys of each answer, in the order of columns."""

_CENT = Decimal("0.01")
_LARGEST = Decimal(10) ** 13
_OLDEST = dt.date(1900, 1, 1)
_LONGEST_ID = 128
_SPACES = " \u00a0\u202f"


class PurchaseFileError(RetailError):
    """A file of purchases cannot be read: names the file, the line and the mend."""


@dataclass(frozen=True)
class Format:
    """How a shop writes its files: other headers by canonical name, date formats, marks in numbers.

    `currency` holds what may stand before or behind money (`USD`, `$`), `missing` the words for no value.
    """

    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dates: Sequence[str] = ()
    decimal: str = "."
    thousands: str = ","
    currency: Sequence[str] = ("USD", "$")
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Unseen:
    """`rows` have the keys of `FIELDS`, by customer id; and the purchases of nobody, which have no segment."""

    rows: list[dict[str, Any]]
    anonymous_lines: int
    anonymous_amount: Decimal


def predict(
    path: Path,
    model: SegmentModel | None,
    version: str,
    last_day: dt.date | None,
    *,
    catalogue: Catalogue,
    country: str,
    form: Format | None = None,
    today: dt.date | None = None,
) -> Unseen:
    """The segments of the customers of a CSV file of purchases.

    Args:
        path: one line a purchase, or a line of one (lines of an `order_id` are one purchase; without that column, the
            lines of a customer's day are).
        model: the model in use; None if there is none: rules alone decide.
        version: of the model.
        last_day: last day of sales that the model has seen. Customers are looked at on that day, or on the file's last.
        catalogue: names of the groups that rules make.
        country: of the holidays.
        form: how the shop writes headers, dates and numbers, beside the plain way.
        today: purchases of later days are refused: a mistyped year would make everybody else dormant.

    Raises:
        PurchaseFileError: the file is not there, has no such columns, or a line cannot be read.
    """
    lines, nobody = _read(path, form or Format(), today)
    if not lines:
        return Unseen([], *nobody)
    table = _sales(lines)
    snapshot = max([row["sale_date"] for row in lines] + ([last_day] if last_day else []))
    first = min(row["sale_date"] for row in lines)
    with tempfile.TemporaryDirectory(prefix="retail-unseen-") as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "purchases.duckdb", "unseen")
        warehouse.replace(SALES, table)
        warehouse.replace(DIM_DATE, marts.dim_date(first, snapshot, country))
        warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
        counted = warehouse.query(segments.customer_features(snapshot)).sort_by("customer_id")
    features, money = frame(counted), counted["monetary"].to_pylist()
    # The window is the shop's, not the span of a few customers' purchases: frequency is measured by it.
    features["window_days"] = model.window_days if model else segments.WINDOW_DAYS
    features["favourite_category"] = None
    features["favourite_share"] = features["favourite_index"] = features["favourite_orders"] = np.nan
    found = score(model, features, catalogue)
    rows = []
    customers = zip(found.to_dict("records"), features.to_dict("records"), money, strict=True)
    for customer, known, paid in customers:
        by_rule = customer["cluster"] < 0
        rows.append(
            {
                "customer_id": customer["customer_id"],
                "persona": customer["persona"],
                "decided_by": "rule" if by_rule else "cluster",
                "confidence": None if by_rule else round(float(customer["confidence"]), 4),
                "tags": customer["tags"],
                "frequency": int(known["frequency"]),
                "monetary": paid,
                "average_basket": round(float(known["average_basket"]), 2),
                "last_sale_date": known["last_sale_date"],
                "snapshot_date": snapshot,
                "model_version": version,
                "note": _note(customer["persona"], catalogue, model) if by_rule else "",
            }
        )
    return Unseen(rows, *nobody)


def _note(persona: str, catalogue: Catalogue, model: SegmentModel | None) -> str:
    known = catalogue.named(persona)
    if persona == catalogue.groups["not_segmented"].name and model is None:
        return "No model is in use: the shop's own customers could not be told apart, or were not segmented yet."
    if persona == catalogue.groups["one_purchase"].name:
        return "Too new for a persona: one purchase says nothing of how often somebody buys."
    return known.description if known else ""


def _read(path: Path, form: Format, today: dt.date | None) -> tuple[list[dict[str, Any]], tuple[int, Decimal]]:
    """Purchases with a customer, and number and money of those without."""
    lines: list[dict[str, Any]] = []
    count, amount = 0, Decimal(0)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, _dialect(file), strict=True)
            header = next(reader, None)
            if not header:
                raise PurchaseFileError(f"{path} is empty. Its first line names the columns: customer_id,date,amount.")
            known = _positions(header, form, path)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if any(cell.strip() for cell in cells[len(header) :]):
                    raise PurchaseFileError(
                        f"{path}, line {reader.line_num}: has {len(cells)} cells, and the header {len(header)}. "
                        "Put a value with the separator in it between quotes."
                    )
                row = _line(cells, known, form, f"{path}, line {reader.line_num}")
                if today is not None and row["sale_date"] > today:
                    raise PurchaseFileError(
                        f"{path}, line {reader.line_num}: the day {row['sale_date']} has not come. Correct the year."
                    )
                if row["customer_id"]:
                    lines.append(row)
                else:
                    count, amount = count + 1, amount + row["total_amount"]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        told = getattr(e, "strerror", None) or (f"not a CSV file in UTF-8 ({e})")
        raise PurchaseFileError(f"{path} cannot be read: {told}.") from None
    return lines, (count, amount)


def _dialect(file: Any) -> Any:
    first = file.readline()
    file.seek(0)
    if first.startswith("\ufeff"):
        file.read(1)
    separator = max(",;\t|", key=first.count)

    class Dialect(csv.excel):
        delimiter = separator

    return Dialect


def _positions(header: Sequence[str], form: Format, path: Path) -> dict[str, int]:
    by_name = {_normal(name): at for at, name in reversed(list(enumerate(header)))}
    found: dict[str, int] = {}
    for column, names in COLUMNS.items():
        for name in (*form.headers.get(column, ()), *names):
            if _normal(name) in by_name:
                found[column] = by_name[_normal(name)]
                break
    missing = [name for name in ("customer_id", "sold_at") if name not in found]
    if "total_amount" not in found and not {"quantity", "unit_price"} <= set(found):
        missing.append("total_amount")
    if missing:
        spelt = ", ".join(COLUMNS[name][0] for name in missing)
        meant = nearest(COLUMNS[missing[0]][0], header)
        raise PurchaseFileError(
            f"{path} has no column {spelt}.{meant} Headers found: {', '.join(map(repr, header[:20]))}. "
            "Needed: customer_id, date, amount; order_id, quantity and category are used if there."
        )
    return found


def _line(cells: Sequence[str], known: Mapping[str, int], form: Format, where: str) -> dict[str, Any]:
    def cell(column: str) -> str:
        at = known.get(column)
        if at is None:
            return ""
        if at >= len(cells):
            raise PurchaseFileError(f"{where}: has {len(cells)} cells, and {column} is the cell {at + 1}.")
        text = cells[at].strip(BLANKS)
        return "" if text.upper() in missing else text

    missing = {word.upper() for word in form.missing}
    quantity = _number(cell("quantity"), form, where, "quantity") if cell("quantity") else None
    if cell("total_amount"):
        amount = _number(cell("total_amount"), form, where, "amount", money=True)
    elif quantity is not None and cell("unit_price"):
        amount = quantity * _number(cell("unit_price"), form, where, "price", money=True)
    else:
        raise PurchaseFileError(f"{where}: there is no amount. Write the money paid, below zero for a return.")
    if abs(amount) >= _LARGEST:
        raise PurchaseFileError(f"{where}: the amount {amount} is too large for a purchase.")
    return {
        "customer_id": _id(cell("customer_id"), where, "customer"),
        "sale_date": _day(cell("sold_at"), form, where),
        "total_amount": amount.quantize(_CENT),
        "order_id": _id(cell("order_id"), where, "order"),
        "quantity": quantity if quantity is not None else Decimal(1).copy_sign(amount),
        "product_category": cell("product_category") or "unknown",
    }


def _id(text: str, where: str, what: str) -> str:
    """An id as cleaning reads it: `17.0` is a spreadsheet's idea of 17."""
    if re.fullmatch(r"[0-9]+[.]0", text):
        return text[:-2]
    if re.fullmatch(r"[0-9][.][0-9]+E[+][0-9]+", text):
        raise PurchaseFileError(
            f"{where}: the {what} {text} is an id that a spreadsheet took for a number: its last digits are lost. "
            "Export the column as text."
        )
    if "\0" in text or len(text.encode()) > _LONGEST_ID:
        raise PurchaseFileError(
            f"{where}: the {what} {text[:40]!r} is no id: at most {_LONGEST_ID} bytes of text without NUL."
        )
    return text


@functools.cache
def _numbers(decimal: str, thousands: str, currency: tuple[str, ...]) -> re.Pattern[str]:
    """Numbers as cleaning reads them (`contracts.typing_sql`): thousands in groups of three, this currency or none.

    Anything else is refused: to drop what is no digit would make 1250 of `12,50`, and 10 of `1O0`.
    """
    group = _SPACES if thousands == " " else thousands
    whole = (rf"[0-9]{{1,3}}(?:[{re.escape(group)}][0-9]{{3}})+|" if group else "") + "[0-9]*"
    names = "|".join(map(re.escape, currency))
    around = f"[{BLANKS}]*(?:{names})?[{BLANKS}]*" if names else ""
    return re.compile(
        rf"(?P<sign>[+-]?){around}(?P<inner>[+-]?)(?P<whole>{whole})(?:[{re.escape(decimal)}](?P<part>[0-9]*))?"
        rf"(?P<power>[eE][+-]?[0-9]{{1,3}})?{around}"
    )


def _number(text: str, form: Format, where: str, what: str, *, money: bool = False) -> Decimal:
    read = _numbers(form.decimal, form.thousands, tuple(form.currency) if money else ()).fullmatch(text)
    if read is None or not (read["whole"] or read["part"]) or (read["sign"] and read["inner"]):
        marks = f"1{form.thousands}234{form.decimal}50" if form.thousands else f"1234{form.decimal}50"
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is not a number. Write it as in {marks}.")
    whole = re.sub(r"[^0-9]", "", read["whole"])
    number = Decimal(f"{read['sign']}{read['inner']}{whole or 0}.{read['part'] or 0}{read['power'] or ''}")
    if abs(number) >= Decimal(10) ** 15:
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is not a usable number.")
    return number


def _day(text: str, form: Format, where: str) -> dt.date:
    found: dt.date | None = None
    with contextlib.suppress(ValueError):
        found = dt.datetime.fromisoformat(text).date()
    for pattern in () if found else form.dates:
        with contextlib.suppress(ValueError):
            found = dt.datetime.strptime(text, pattern).date()
            break
    if found is None:
        raise PurchaseFileError(f"{where}: {text[:40]!r} is not a day. Write it as YYYY-MM-DD.")
    if found < _OLDEST:
        raise PurchaseFileError(f"{where}: the day {found} is before {_OLDEST}. Correct the year.")
    return found


def _sales(lines: Iterable[dict[str, Any]]) -> pa.Table:
    """The lines as rows of `sales`; without an order number, a customer's day is one order."""
    rows = []
    for number, line in enumerate(lines):
        order = line["order_id"] or f"day {line['sale_date']}"
        rows.append(
            {
                "transaction_id": str(number),
                "order_id": order,  # counted a customer, so customers may share it
                "sold_at": dt.datetime.combine(line["sale_date"], dt.time()),
                "sale_date": line["sale_date"],
                "customer_id": line["customer_id"],
                "product_category": line["product_category"],
                "quantity": line["quantity"].quantize(Decimal("0.001")),
                "unit_price": Decimal(0),
                "total_amount": line["total_amount"],
                "source": "csv",
                "landed_on": line["sale_date"],
                "source_file": "csv",
                "source_line": number,
            }
        )
    return pa.Table.from_pylist(rows, schema=SALES.arrow_schema())


def _normal(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.strip().casefold())

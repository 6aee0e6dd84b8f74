"""A CSV file of purchases, as people and spreadsheets write it: read in the shop's notation, or rejected with its line.

Anything that is not clearly a number or a date in the shop's notation is an error. It is never guessed.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.text_columns import BLANKS
from retail_assets.errors import RetailError, nearest

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("customer_id", "customer"),
    "sold_at": ("date", "sale_date", "sold_at"),
    "total_amount": ("amount", "total_amount", "total"),
    "order_id": ("order_id", "order"),
    "quantity": ("quantity",),
    "unit_price": ("unit_price", "price"),
    "product_category": ("product_category", "category"),
}
"""Columns that a file may have, and their headers. Required: customer, date, and amount or quantity and price."""

_CENT = Decimal("0.01")
_LARGEST = Decimal(10) ** 13
_OLDEST = dt.date(1900, 1, 1)
_LONGEST_ID = 128
_SPACES = " \u00a0\u202f"


class PurchaseFileError(RetailError):
    """A file of purchases cannot be read: the message has the file, the line and the fix."""


@dataclass(frozen=True)
class Format:
    """How a shop writes its files.

    Attributes:
        headers: headers by canonical column name, tried before those of `COLUMNS`.
        dates: date formats, tried after ISO.
        decimal: decimal mark.
        thousands: mark between groups of three digits; empty if there is none.
        currency: what may stand before or after money, such as `USD` and `$`.
        missing: words for a missing value.
    """

    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dates: Sequence[str] = ()
    decimal: str = "."
    thousands: str = ","
    currency: Sequence[str] = ("USD", "$")
    missing: Sequence[str] = ()

    @classmethod
    def of(cls, contract: Contract) -> Format:
        """Return the format that a source's contract declares."""
        columns = {name: contract.columns[name] for name in COLUMNS if name in contract.columns}
        headers = {name: [h for h in (column.header, *column.aliases) if h] for name, column in columns.items()}
        numbers = contract.numbers
        currency = (contract.currency, *numbers.symbols(contract.currency))
        return cls(
            headers, contract.dates.formats, numbers.decimal, numbers.thousands, currency, contract.missing_values
        )


@dataclass(frozen=True)
class Purchases:
    """A file of purchases that was read.

    Attributes:
        rows: one per line with a customer id: `customer_id`, `sale_date`, `total_amount`, `order_id`, `quantity`,
            `product_category`.
        anonymous_lines: lines without a customer id.
        anonymous_amount: their money.
    """

    rows: list[dict[str, Any]]
    anonymous_lines: int
    anonymous_amount: Decimal


def read_purchases(path: Path, form: Format, today: dt.date | None = None) -> Purchases:
    """Read a CSV file of purchases.

    Args:
        path: UTF-8, separated by comma, semicolon, tab or bar; the first line has the headers.
        form: how the shop writes headers, dates and numbers.
        today: later dates are rejected; None to accept every date.

    Raises:
        PurchaseFileError: the file is missing, lacks a column, or a line cannot be read.
    """
    rows: list[dict[str, Any]] = []
    count, amount = 0, Decimal(0)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, _dialect(file), strict=True)
            header = next(reader, None)
            if not header:
                raise PurchaseFileError(
                    f"{path} is empty. Its first line must have the headers, for example customer_id,date,amount."
                )
            positions = _positions(header, form, path)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                row = _row(cells, len(header), positions, form, f"{path}, line {reader.line_num}", today)
                if row["customer_id"]:
                    rows.append(row)
                else:
                    count, amount = count + 1, amount + row["total_amount"]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        reason = getattr(e, "strerror", None) or f"it is not a CSV file in UTF-8 ({e})"
        raise PurchaseFileError(f"{path} cannot be read: {reason}.") from None
    return Purchases(rows, count, amount)


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
    """Position of each canonical column in the header."""
    by_name = {_normal(name): at for at, name in reversed(list(enumerate(header)))}
    positions: dict[str, int] = {}
    for column, names in COLUMNS.items():
        for name in (*form.headers.get(column, ()), *names):
            if _normal(name) in by_name:
                positions[column] = by_name[_normal(name)]
                break
    missing = [name for name in ("customer_id", "sold_at") if name not in positions]
    if "total_amount" not in positions and not {"quantity", "unit_price"} <= set(positions):
        missing.append("total_amount")
    if missing:
        needed = ", ".join(COLUMNS[name][0] for name in missing)
        similar = nearest(COLUMNS[missing[0]][0], header)
        raise PurchaseFileError(
            f"{path} has no column {needed}.{similar} Its headers: {', '.join(map(repr, header[:20]))}. Required: "
            "customer_id, date, and amount or quantity and price; order_id and category are used if present."
        )
    return positions


def _row(
    cells: Sequence[str],
    width: int,
    positions: Mapping[str, int],
    form: Format,
    where: str,
    today: dt.date | None,
) -> dict[str, Any]:
    """One purchase, or one item of a purchase."""
    if any(cell.strip() for cell in cells[width:]):
        raise PurchaseFileError(
            f"{where}: {len(cells)} cells, but the header has {width}. Quote values that contain the separator."
        )

    missing = {word.upper() for word in form.missing}

    def cell(column: str) -> str:
        at = positions.get(column)
        if at is None:
            return ""
        if at >= len(cells):
            raise PurchaseFileError(f"{where}: {len(cells)} cells, but the header has {width}. Complete the line.")
        text = cells[at].strip(BLANKS)
        return "" if text.upper() in missing else text

    quantity = _number(cell("quantity"), form, where, "quantity") if cell("quantity") else None
    if cell("total_amount"):
        amount = _number(cell("total_amount"), form, where, "amount", money=True)
    elif quantity is not None and cell("unit_price"):
        amount = quantity * _number(cell("unit_price"), form, where, "price", money=True)
    else:
        raise PurchaseFileError(f"{where}: the amount is missing. Write the money paid, negative for a return.")
    if abs(amount) >= _LARGEST:
        raise PurchaseFileError(f"{where}: the amount {amount} is too large for a purchase. Correct it.")
    return {
        "customer_id": _id(cell("customer_id"), where, "customer"),
        "sale_date": _day(cell("sold_at"), form, where, today),
        "total_amount": amount.quantize(_CENT),
        "order_id": _id(cell("order_id"), where, "order"),
        "quantity": quantity if quantity is not None else Decimal(1).copy_sign(amount),
        "product_category": cell("product_category") or "unknown",
    }


def _id(text: str, where: str, what: str) -> str:
    """An id as cleaning reads it: a spreadsheet's `17.0` is 17."""
    if re.fullmatch(r"[0-9]+[.]0", text):
        return text[:-2]
    if re.fullmatch(r"[0-9][.][0-9]+E[+][0-9]+", text):
        raise PurchaseFileError(
            f"{where}: the {what} {text} is an id that a spreadsheet turned into a number, so that its last digits are "
            "lost. Export the column as text."
        )
    if "\0" in text or len(text.encode()) > _LONGEST_ID:
        raise PurchaseFileError(
            f"{where}: the {what} {text[:40]!r} is not a usable id. Use at most {_LONGEST_ID} bytes of text, no NUL."
        )
    return text


@functools.cache
def _numbers(decimal: str, thousands: str, currency: tuple[str, ...]) -> re.Pattern[str]:
    """Numbers as cleaning reads them (`contracts.typing_sql`): groups of three digits, this currency or none.

    Dropping what is not a digit instead would turn `12,50` into 1250, and `1O0` into 10.
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
    match = _numbers(form.decimal, form.thousands, tuple(form.currency) if money else ()).fullmatch(text)
    if match is None or not (match["whole"] or match["part"]) or (match["sign"] and match["inner"]):
        example = f"1{form.thousands}234{form.decimal}50" if form.thousands else f"1234{form.decimal}50"
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is not a number. Write it like {example}.")
    whole = re.sub(r"[^0-9]", "", match["whole"])
    number = Decimal(f"{match['sign']}{match['inner']}{whole or 0}.{match['part'] or 0}{match['power'] or ''}")
    if abs(number) >= Decimal(10) ** 15:
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is out of range. Correct it.")
    return number


def _day(text: str, form: Format, where: str, today: dt.date | None) -> dt.date:
    day: dt.date | None = None
    with contextlib.suppress(ValueError):
        day = dt.datetime.fromisoformat(text).date()
    for pattern in () if day else form.dates:
        with contextlib.suppress(ValueError):
            day = dt.datetime.strptime(text, pattern).date()
            break
    if day is None:
        raise PurchaseFileError(f"{where}: {text[:40]!r} is not a date. Write it as YYYY-MM-DD.")
    if day < _OLDEST:
        raise PurchaseFileError(f"{where}: the date {day} is before {_OLDEST}. Correct the year.")
    if today is not None and day > today:
        raise PurchaseFileError(f"{where}: the date {day} is in the future. Correct the year.")
    return day


def _normal(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.strip().casefold())

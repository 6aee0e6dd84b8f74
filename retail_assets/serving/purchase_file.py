"""A CSV file of purchases, as people and spreadsheets write it: read in the shop's notation, or rejected with its line.

Anything that is not clearly a number or a date in the shop's notation is an error. It is never guessed.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import functools
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_assets.errors import nearest
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.purchases import LARGEST, LONGEST_ID, OLDEST, Purchase
from retail_assets.serving.segment_numbers import Notation

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("customer_id", "customer"),
    "sold_at": ("date", "sale_date", "sold_at"),
    "total_amount": ("amount", "total_amount", "total"),
    "order_id": ("order_id", "order"),
    "quantity": ("quantity",),
    "unit_price": ("unit_price", "price"),
}
"""Columns that a file may have, and their headers. Required: customer, date, and amount or quantity and price."""

_CENT = Decimal("0.01")
_SPACES = " \u00a0\u202f"


class PurchaseFileError(BadRequestError):
    """A file of purchases cannot be read: the message has the file, the line and the fix."""


@dataclass(frozen=True)
class Purchases:
    """A file of purchases that was read.

    Attributes:
        rows: one per line with a customer id.
        anonymous_lines: lines without a customer id.
        anonymous_amount: their money.
    """

    rows: list[Purchase]
    anonymous_lines: int
    anonymous_amount: Decimal


def read_purchase_file(lines: Iterable[str], where: str, form: Notation, latest: dt.date | None = None) -> Purchases:
    """Read a CSV file of purchases.

    Args:
        lines: the lines of a text stream in UTF-8, opened with `newline=""`; separated by comma, semicolon, tab or bar.
            The first line has the headers.
        where: name of the file, for messages.
        form: how the shop writes headers, dates and numbers.
        latest: later dates are rejected; None to accept every date.

    Raises:
        PurchaseFileError: the file lacks a column, or a line cannot be read.
    """
    rows: list[Purchase] = []
    count, amount = 0, Decimal(0)
    try:
        given = iter(lines)
        first = next(given, "")
        reader = csv.reader(itertools.chain([first] if first else [], given), _dialect(first), strict=True)
        header = next(reader, None)
        if not header:
            raise PurchaseFileError(
                f"{where} is empty. Its first line must have the headers, for example customer_id,date,amount."
            )
        positions = _positions(header, form, where)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = _row(cells, len(header), positions, form, f"{where}, line {reader.line_num}", latest)
            if row.customer_id:
                rows.append(row)
            else:
                count, amount = count + 1, amount + row.amount
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        reason = getattr(e, "strerror", None) or f"it is not a CSV file in UTF-8 ({e})"
        raise PurchaseFileError(f"{where} cannot be read: {reason}.") from None
    return Purchases(rows, count, amount)


def _dialect(first: str) -> Any:
    separator = max(",;\t|", key=first.count)

    class Dialect(csv.excel):
        delimiter = separator

    return Dialect


def _positions(header: Sequence[str], form: Notation, where: str) -> dict[str, int]:
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
            f"{where} has no column {needed}.{similar} Its headers: {', '.join(map(repr, header[:20]))}. Required: "
            "customer_id, date, and amount or quantity and price; order_id is used if present."
        )
    return positions


def _row(
    cells: Sequence[str],
    width: int,
    positions: Mapping[str, int],
    form: Notation,
    where: str,
    today: dt.date | None,
) -> Purchase:
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
        text = cells[at].strip(form.blanks)
        return "" if text.upper() in missing else text

    quantity = _number(cell("quantity"), form, where, "quantity") if cell("quantity") else None
    if cell("total_amount"):
        amount = _number(cell("total_amount"), form, where, "amount", money=True)
    elif quantity is not None and cell("unit_price"):
        amount = quantity * _number(cell("unit_price"), form, where, "price", money=True)
    else:
        raise PurchaseFileError(f"{where}: the amount is missing. Write the money paid, negative for a return.")
    if abs(amount) >= LARGEST:
        raise PurchaseFileError(f"{where}: the amount {amount} is too large for a purchase. Correct it.")
    return Purchase(
        customer_id=_id(cell("customer_id"), where, "customer"),
        date=_day(cell("sold_at"), form, where, today),
        amount=amount.quantize(_CENT),
        order_id=_id(cell("order_id"), where, "order") or None,
        quantity=quantity,
    )


def _id(text: str, where: str, what: str) -> str:
    """An id as cleaning reads it: a spreadsheet's `17.0` is 17."""
    if re.fullmatch(r"[0-9]+[.]0", text):
        return text[:-2]
    if re.fullmatch(r"[0-9][.][0-9]+E[+][0-9]+", text):
        raise PurchaseFileError(
            f"{where}: the {what} {text} is an id that a spreadsheet turned into a number, so that its last digits are "
            "lost. Export the column as text."
        )
    if "\0" in text or len(text.encode()) > LONGEST_ID:
        raise PurchaseFileError(
            f"{where}: the {what} {text[:40]!r} is not a usable id. Use at most {LONGEST_ID} bytes of text, no NUL."
        )
    return text


@functools.cache
def _numbers(decimal: str, thousands: str, currency: tuple[str, ...], blanks: str) -> re.Pattern[str]:
    """Numbers as cleaning reads them (`contracts.typing_sql`): groups of three digits, this currency or none.

    Dropping what is not a digit instead would turn `12,50` into 1250, and `1O0` into 10.
    """
    group = _SPACES if thousands == " " else thousands
    whole = (rf"[0-9]{{1,3}}(?:[{re.escape(group)}][0-9]{{3}})+|" if group else "") + "[0-9]*"
    names = "|".join(map(re.escape, currency))
    around = f"[{re.escape(blanks)}]*(?:{names})?[{re.escape(blanks)}]*" if names else ""
    return re.compile(
        rf"(?P<sign>[+-]?){around}(?P<inner>[+-]?)(?P<whole>{whole})(?:[{re.escape(decimal)}](?P<part>[0-9]*))?"
        rf"(?P<power>[eE][+-]?[0-9]{{1,3}})?{around}"
    )


def _number(text: str, form: Notation, where: str, what: str, *, money: bool = False) -> Decimal:
    match = _numbers(form.decimal, form.thousands, tuple(form.currency) if money else (), form.blanks).fullmatch(text)
    if match is None or not (match["whole"] or match["part"]) or (match["sign"] and match["inner"]):
        example = f"1{form.thousands}234{form.decimal}50" if form.thousands else f"1234{form.decimal}50"
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is not a number. Write it like {example}.")
    whole = re.sub(r"[^0-9]", "", match["whole"])
    number = Decimal(f"{match['sign']}{match['inner']}{whole or 0}.{match['part'] or 0}{match['power'] or ''}")
    if abs(number) >= Decimal(10) ** 15:
        raise PurchaseFileError(f"{where}: the {what} {text[:40]!r} is out of range. Correct it.")
    return number


def _day(text: str, form: Notation, where: str, today: dt.date | None) -> dt.date:
    day: dt.date | None = None
    with contextlib.suppress(ValueError):
        day = dt.datetime.fromisoformat(text).date()
    for pattern in () if day else form.dates:
        with contextlib.suppress(ValueError):
            day = dt.datetime.strptime(text, pattern).date()
            break
    if day is None:
        raise PurchaseFileError(f"{where}: {text[:40]!r} is not a date. Write it as YYYY-MM-DD.")
    if day < OLDEST:
        raise PurchaseFileError(f"{where}: the date {day} is before {OLDEST}. Correct the year.")
    if today is not None and day > today:
        raise PurchaseFileError(f"{where}: the date {day} is in the future. Correct the year.")
    return day


def _normal(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.strip().casefold())

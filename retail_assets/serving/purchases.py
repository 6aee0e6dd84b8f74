"""Purchases of customers as a question brings them: checked, and exact to the cent."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from retail_assets.serving.errors import BadRequestError

MOST_PURCHASES = 1_000_000
"""Purchases of one question at most. A door may allow fewer."""

LONGEST_ID = 128
OLDEST = dt.date(1900, 1, 1)
LARGEST = Decimal(10) ** 13
_CENT = Decimal("0.01")
_FIELDS = ("customer_id", "date", "amount", "order_id", "quantity")


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase, or a line of one.

    Attributes:
        customer_id: at most 128 bytes of text.
        date: day of the purchase in shop time.
        amount: money paid, negative for a return; rounded to the cent.
        order_id: lines with the same one are one purchase; None: the lines of a customer's day are.
        quantity: negative for a return; None: the sign of the amount.
    """

    customer_id: str
    date: dt.date
    amount: Decimal
    order_id: str | None = None
    quantity: Decimal | None = None


def read_purchases(
    given: Iterable[Purchase | Mapping[str, Any]], latest: dt.date, most: int = MOST_PURCHASES
) -> list[Purchase]:
    """Check purchases, which may be objects as JSON has them: `{"customer_id": "C1", "date": "2024-01-31", ...}`.

    Args:
        given: purchases; numbers as numbers or as text such as `"12.50"`.
        latest: later dates are rejected.
        most: how many there may be.

    Raises:
        BadRequestError: names the purchase by its place (from 1), the field, its value and what is allowed.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise BadRequestError("purchases must be a list of objects with customer_id, date and amount.")
    purchases = []
    for number, each in enumerate(given, 1):
        if number > most:
            raise BadRequestError(f"There are more than {most:,} purchases. Ask for fewer customers at once.")
        purchases.append(_purchase(each, f"purchase {number}", latest))
    return purchases


def _purchase(each: object, where: str, latest: dt.date) -> Purchase:
    if isinstance(each, Purchase):
        values: Mapping[str, Any] = {name: getattr(each, name) for name in _FIELDS}
    elif isinstance(each, Mapping):
        values = each
        if unknown := [name for name in values if name not in _FIELDS]:
            raise BadRequestError(f"{where}: {_shown(unknown[0])} is not a field. Fields: {', '.join(_FIELDS)}.")
    else:
        raise BadRequestError(f"{where} is {_shown(each)} and not an object with customer_id, date and amount.")
    if missing := [name for name in _FIELDS[:3] if values.get(name) is None]:
        raise BadRequestError(f"{where} has no {missing[0]}. Required: customer_id, date and amount.")
    amount = _number(values["amount"], where, "amount")
    if abs(amount) >= LARGEST:
        raise BadRequestError(f"{where}: the amount {_shown(values['amount'])} is too large for a purchase.")
    quantity = values.get("quantity")
    order = values.get("order_id")
    return Purchase(
        _id(values["customer_id"], where, "customer_id"),
        _day(values["date"], where, latest),
        amount.quantize(_CENT),
        None if order is None else _id(order, where, "order_id"),
        None if quantity is None else _number(quantity, where, "quantity"),
    )


def _id(value: object, where: str, name: str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or "\0" in text or _bytes(text) > LONGEST_ID:
        raise BadRequestError(f"{where}: {name} is {_shown(value)}. Give 1 to {LONGEST_ID} bytes of text without NUL.")
    return text.strip()


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write
        return LONGEST_ID + 1


def _day(value: object, where: str, latest: dt.date) -> dt.date:
    day: dt.date | None = None
    if isinstance(value, dt.date):
        day = value.date() if isinstance(value, dt.datetime) else value
    elif isinstance(value, str) and len(value) == 10:
        try:
            day = dt.date.fromisoformat(value)
        except ValueError:
            day = None
    if day is None:
        raise BadRequestError(f"{where}: date is {_shown(value)}. Write it as YYYY-MM-DD.")
    if not OLDEST <= day <= latest:
        raise BadRequestError(f"{where}: the date {day} is outside {OLDEST} to {latest}. Correct the year.")
    return day


def _number(value: object, where: str, name: str) -> Decimal:
    number: Decimal | None = None
    if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool) and len(_shown(value)) < 60:
        try:
            # A float by its shortest text: 0.1 is a tenth.
            number = Decimal(repr(value) if isinstance(value, float) else value)
        except (InvalidOperation, ValueError):
            number = None
    if number is None or not number.is_finite() or (number and not math.isfinite(float(number))):
        raise BadRequestError(f"{where}: {name} is {_shown(value)}. Write a number such as 12.50.")
    if number and not -12 <= number.adjusted() <= 15:
        raise BadRequestError(f"{where}: {name} is {_shown(value)}, which is out of range.")
    return number


def _shown(value: object) -> str:
    """A value for a message, cut, on one line."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    return ascii(value)[:60] if isinstance(value, str | int | float | bool | Decimal) else type(value).__name__

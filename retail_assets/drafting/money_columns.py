"""How quantity, price and amount of a table belong together, and which of them a contract maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from retail_assets.drafting.evidence import Column, Numbers, number

_CENT = Decimal("0.011")
_ENOUGH = 0.99


@dataclass
class MoneyColumns:
    """What to map, and why. `notes` are sentences for the draft; `asks` are those that a person must answer."""

    quantity: Column | None = None
    price: Column | None = None
    amount: Column | None = None
    rounds: bool = False
    refunds: bool = False
    notes: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    expression: str | None = None


def money_columns(roles: dict[str, Column], marks: Numbers, orders: Column | None) -> MoneyColumns:
    """Decide which columns carry the money of a row, from whether they agree with each other in the rows."""
    found = MoneyColumns(roles.get("quantity"), roles.get("unit_price"), roles.get("total_amount"))
    values: dict[str, list[Decimal | None]] = {
        role: [number(t, marks) for t in roles[role].texts]
        for role in ("quantity", "unit_price", "total_amount", "discount", "tax")
        if role in roles
    }
    if found.amount and found.price and orders and _of_whole_orders(values["total_amount"], orders):
        found.notes.append(
            f"{found.amount.name} is the total of a whole order and not of its lines, so it is not read: the amount is "
            "quantity x price"
        )
        found.amount = None
    if found.amount and found.price:
        _compare(found, values, roles)
    if found.amount is None and found.price is None:
        found.asks.append("no column looks like money: name the amount or the price of a row")
    if found.amount is None and found.price and "discount" in roles:
        name = roles["discount"].name
        most = max((v for v in values["discount"] if v is not None), default=Decimal(0))
        share = f"[{name}]" + (" / 100" if most > 1 else "")
        per_cent = most <= 1 or "%" in name or "percent" in name.lower() or "rate" in name.lower()
        if found.quantity and most:
            gross = f"[{found.quantity.name}] * [{found.price.name}]"
            found.expression = f"{gross} * (1 - {share})" if per_cent else f"{gross} - [{name}]"
        if most:
            found.asks.append(f"does {name} lower {found.price.name}? It is taken as not")
    money = found.amount or found.price
    if money is not None:
        digits = 2 if found.amount else 4
        role = "total_amount" if found.amount else "unit_price"
        found.rounds = any(v is not None and v != round(v, digits) for v in values[role])
    found.rounds |= bool(found.price) and any(v is not None and v != round(v, 4) for v in values["unit_price"])
    if found.amount:
        amounts = values["total_amount"]
        pieces = values.get("quantity") or [Decimal(1)] * len(amounts)
        found.refunds = any(
            a is not None and a < 0 and (q is None or q > 0) for a, q in zip(amounts, pieces, strict=True)
        )
    return found


def _of_whole_orders(amounts: list[Decimal | None], orders: Column) -> bool:
    """Return whether the amount stands once per order, or the same in all lines of an order of several lines."""
    by_order: dict[str, list[Decimal | None]] = {}
    last = ""
    for order, amount in zip(orders.texts, amounts, strict=True):
        last = order or last
        by_order.setdefault(last, []).append(amount)
    several = [lines for lines in by_order.values() if len(lines) > 1]
    if not several:
        return False
    once = sum(lines[0] is not None and all(a is None for a in lines[1:]) for lines in several)
    return once >= 0.8 * len(several)


def _compare(found: MoneyColumns, values: dict[str, list[Decimal | None]], roles: dict[str, Column]) -> None:
    assert found.amount is not None  # noqa: S101 - by the caller
    assert found.price is not None  # noqa: S101
    amounts, prices = values["total_amount"], values["unit_price"]
    pieces = values.get("quantity") or [Decimal(1)] * len(amounts)
    none: list[Decimal | None] = [None] * len(amounts)
    rows = [
        (q, p, a, d or Decimal(0), t or Decimal(0))
        for q, p, a, d, t in zip(
            pieces, prices, amounts, values.get("discount") or none, values.get("tax") or none, strict=True
        )
        if q is not None and p is not None and a is not None
    ]
    if not rows:
        return
    most_discount = max(d for *_, d, _ in rows)
    per = Decimal(100) if most_discount > 1 else Decimal(1)
    price, amount = found.price.name, found.amount.name
    quantity = found.quantity.name if found.quantity else "1"

    def share(equal: list[bool]) -> float:
        return sum(equal) / len(equal)

    plain = share([abs(abs(q * p) - abs(a)) <= _CENT for q, p, a, _, _ in rows])
    if plain >= _ENOUGH:
        found.notes.append(f"{quantity} x {price} = {amount} in {plain:.1%} of the rows")
        return
    if most_discount and share([abs(q * p * (1 - d / per) - a) <= _CENT for q, p, a, d, _ in rows]) >= _ENOUGH:
        found.notes.append(f"{amount} is {quantity} x {price} less {roles['discount'].name}: only the amount is read")
    elif share([abs(q * p + t - a) <= _CENT * 2 for q, p, a, _, t in rows]) >= _ENOUGH and "tax" in roles:
        found.asks.append(
            f"{amount} is {quantity} x {price} plus {roles['tax'].name}. It is taken with the tax; without it, write "
            f'total_amount: {{expression: "[{amount}] - [{roles["tax"].name}]"}}'
        )
    elif share([abs(p - a) <= _CENT for _, p, a, _, _ in rows]) >= _ENOUGH:
        found.notes.append(f"{price} equals {amount} whatever the quantity, so it is no price of one piece: not read")
    else:
        found.asks.append(
            f"{quantity} x {price} is {amount} in only {plain:.1%} of the rows, so only {amount} is read. Is it the "
            "revenue of the row?"
        )
    found.price = None

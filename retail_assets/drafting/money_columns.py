"""How quantity, price and amount of a table belong together, and which of them a contract maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from retail_assets.drafting.evidence import Column, Numbers, number
from retail_assets.drafting.header_words import OF_ONE_PIECE, key_of

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
    lines = _line_amounts(values)
    whole = orders is not None and found.amount is not None and _of_whole_orders(values["total_amount"], orders, lines)
    if whole and found.amount and not found.price:
        found.asks.append(
            f"{found.amount.name} is the same in all lines of an order: if it is the total of the order, it would "
            "count once per line. Is it the revenue of the row?"
        )
    elif whole and found.amount:
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
    several = any(q is not None and abs(q) > 1 for q in values.get("quantity", ()))
    if several and found.amount is None and found.price and key_of(found.price.name) not in OF_ONE_PIECE:
        found.asks.append(
            f"is {found.price.name} the price of one piece? It is taken so; no column of amounts proves it"
        )
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


def _line_amounts(values: dict[str, list[Decimal | None]]) -> list[Decimal | None] | None:
    """Return quantity x price of each row; None without these columns."""
    if "unit_price" not in values:
        return None
    prices = values["unit_price"]
    pieces = values.get("quantity") or [Decimal(1)] * len(prices)
    return [None if q is None or p is None else q * p for q, p in zip(pieces, prices, strict=True)]


def _of_whole_orders(amounts: list[Decimal | None], orders: Column, lines: list[Decimal | None] | None) -> bool:
    """Return whether the amount stands once per order, or the same in all lines of an order of several lines.

    `lines` is quantity x price of each row. Where it is the amount of every row, equal lines prove nothing.
    """
    by_order: dict[str, list[tuple[Decimal | None, Decimal | None]]] = {}
    last = ""
    for order, amount, line in zip(orders.texts, amounts, lines or [None] * len(amounts), strict=True):
        last = order or last
        by_order.setdefault(last, []).append((amount, line))
    several = [rows for rows in by_order.values() if len(rows) > 1]
    if not several:
        return False

    def repeated(rows: list[tuple[Decimal | None, Decimal | None]]) -> bool:
        return rows[0][0] is not None and len({a for a, _ in rows}) == 1 and any(a != line for a, line in rows)

    once = sum(rows[0][0] is not None and all(a is None for a, _ in rows[1:]) for rows in several)
    return max(once, sum(map(repeated, several))) >= 0.8 * len(several)


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
    per = Decimal(100) if max(d for *_, d, _ in rows) > 1 else Decimal(1)
    price, amount = found.price.name, found.amount.name
    quantity = found.quantity.name if found.quantity else "1"

    def share(equal: list[bool]) -> float:
        return sum(equal) / len(equal)

    plain = share([abs(abs(q * p) - abs(a)) <= _CENT for q, p, a, _, _ in rows])
    if plain >= _ENOUGH:
        found.notes.append(f"{quantity} x {price} = {amount} in {plain:.1%} of the rows")
        return
    less_share = share([abs(q * p * (1 - d / per) - a) <= _CENT for q, p, a, d, _ in rows])
    less_money = share([abs(q * p - abs(d) - a) <= _CENT for q, p, a, d, _ in rows])
    if any(d for *_, d, _ in rows) and max(less_share, less_money) >= _ENOUGH:
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

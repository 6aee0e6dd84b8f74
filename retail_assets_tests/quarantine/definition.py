"""What a row of a small shop is under a contract, in plain Python: no code of the project, no SQL, no floats.

The shop's files have a price, a share of discount, a state and a department; a product master may give the department.
`Terms` are the parts of the contract that the sequences change. Amounts are exact fractions, rounded once.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract

COLUMNS = ("id", "date", "sku", "dept", "qty", "price", "disc", "state")
Master = Mapping[str, str]
Row = dict[str, Any]
_Numbers = Callable[..., Fraction | None]


def _if_all(compute: Callable[..., Fraction]) -> _Numbers:
    return lambda *numbers: None if None in numbers else compute(*numbers)


#: Each expression with what it means: of quantity, price and discount (None: no number), and whether the discount may
#: be empty.
EXPRESSIONS: tuple[tuple[str, _Numbers, bool], ...] = (
    ("qty * price * (1 - default(disc, 0))", _if_all(lambda q, p, d: q * p * (1 - d)), True),
    ("qty * price * (1 - disc)", _if_all(lambda q, p, d: q * p * (1 - d)), False),
    ("qty * round(price * (1 - default(disc, 0)), 2)", _if_all(lambda q, p, d: q * rounded(p * (1 - d), 2)), True),
    ("qty * price / 3 - default(disc, 0)", _if_all(lambda q, p, d: q * p / 3 - d), True),
)
#: Rules on which rows count, by name, with what they exclude.
RULES: tuple[tuple[str, dict[str, Callable[[str], bool]]], ...] = (
    ("", {}),
    ("rows: {keep: {paid: {column: state, equals: paid}}}", {"paid": lambda s: s.upper() != "PAID"}),
    (
        "rows: {keep: {known: {column: state, empty: false}}, drop: {tests: {column: state, prefix: test}}}",
        {"known": lambda s: s == "", "tests": lambda s: s.upper().startswith("TEST")},
    ),
)
REFERENCES = ("none", "optional", "required")
_MISSING = {"N/A"}  # of the default words for a missing value, those that the files have


@dataclass(frozen=True)
class Terms:
    """The terms of a contract: which expression, which rules, which use of the master, and what else is read."""

    expression: int = 0
    rules: int = 0
    reference: str = "required"
    lenient: bool = False
    default: bool = False
    discount: bool = False

    @property
    def text(self) -> str:
        referenced = self.reference != "none"
        more = "formats: ['%Y.%m.%d'], earliest: 1900-01-01, " if self.lenient else ""
        required = str(self.reference == "required").lower()
        lines = [
            "name: shop",
            "timezone: Europe/Berlin",
            "country: DE",
            "currency: EUR",
            "start_date: 2024-01-01",
            f"dates: {{{more}order: dmy}}",
            RULES[self.rules][0],
            f"references: {{products: {{on: product_id, key: SKU, columns: [Department], required: {required}}}}}"
            if referenced
            else "",
            "columns:",
            "  transaction_id: {header: id, required: true}",
            "  sold_at: {header: date, required: true}",
            "  product_id: {header: sku}",
            "  product_category: {header: "
            + ("Department" if referenced else "dept")
            + (", default: Unknown}" if self.default else "}"),
            "  quantity: {header: qty, required: true}",
            "  list_price: {header: price}" if self.discount else "",
            '  discount: {expression: "qty * price * default(disc, 0)"}' if self.discount else "",
            f'  total_amount: {{expression: "{EXPRESSIONS[self.expression][0]}"}}',
        ]
        return "\n".join(filter(None, lines))

    @property
    def contract(self) -> Contract:
        return _contract(self)


@functools.cache
def _contract(terms: Terms) -> Contract:
    return loading.parse(terms.text, "test")


def rounded(value: Fraction, places: int) -> Fraction:
    """Round half away from zero."""
    whole = (2 * abs(value) * 10**places + 1) // 2
    return Fraction(whole if value >= 0 else -whole, 10**places)


def _decimal(value: Fraction | None, places: int) -> Decimal | None:
    if value is None:
        return None
    units = rounded(value, places) * 10**places
    return Decimal(int(units)).scaleb(-places)


def _number(text: str) -> Fraction | None:
    match = re.fullmatch(r"(?:€ ?)?(-?\d+(?:\.\d+)?)(%?)", text)
    return Fraction(match[1]) / (100 if match[2] else 1) if match else None


def _date(text: str, terms: Terms) -> dt.date | None:
    if match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text):
        parts = match.groups()
    elif match := re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text):
        parts = match.groups()[::-1]
    elif terms.lenient and (match := re.fullmatch(r"(\d{4})\.(\d\d)\.(\d\d)", text)):
        parts = match.groups()
    else:
        return None
    try:
        return dt.date(*map(int, parts))
    except ValueError:
        return None


def judged(texts: Sequence[str] | None, terms: Terms, master: Master | None, landed_on: dt.date) -> tuple[str, Row]:
    """Return the status of a row when no other row counts, and its values; `texts` is None for a malformed row."""
    if texts is None:
        return "quarantine", _rejected("malformed_row", None, None, None, terms)
    values = {name: "" if text.strip() in _MISSING else text.strip() for name, text in zip(COLUMNS, texts, strict=True)}
    sold = _date(values["date"], terms)
    quantity, price, discount = (_number(values[name]) for name in ("qty", "price", "disc"))
    _, compute, may_be_empty = EXPRESSIONS[terms.expression]
    amount = compute(quantity, price, Fraction(0) if may_be_empty and not values["disc"] else discount)
    total = _decimal(amount, 2)
    name = values["id"] or None
    if excluding := [rule for rule, excludes in RULES[terms.rules][1].items() if excludes(values["state"])]:
        return "excluded", _rejected(",".join(excluding), name, total, sold, terms)

    sku = values["sku"]
    category = values["dept"] if terms.reference == "none" else (master or {}).get(sku, "")
    category = category or ("Unknown" if terms.default else "")
    unit_price = None if total is None or not quantity else _decimal(Fraction(total) / quantity, 4)
    taken = None
    if terms.discount and quantity is not None and price is not None and (discount is not None or not values["disc"]):
        taken = quantity * price * (discount or 0)
    wrong_price = (bool(values["price"]) and price is None) or (price is not None and price < 0)
    earliest = dt.date(1900 if terms.lenient else 1990, 1, 1)
    reasons = {
        "invalid_date": sold is None,
        "invalid_quantity": quantity is None,
        "invalid_amount": total is None,
        "missing_reference": terms.reference == "required" and sku != "" and sku not in (master or {}),
        "invalid_list_price": terms.discount and wrong_price,
        "invalid_discount": terms.discount and taken is None,
        "missing_transaction_id": name is None,
        "missing_category": not category,
        "date_out_of_range": sold is not None and not earliest <= sold <= landed_on + dt.timedelta(days=1),
        "zero_quantity": quantity == 0,
        "negative_price": unit_price is not None and unit_price < 0,
    }
    if any(reasons.values()):
        return "quarantine", _rejected(",".join(r for r, broken in reasons.items() if broken), name, total, sold, terms)
    assert sold is not None
    return "clean", {
        "transaction_id": name,
        "order_id": name,
        "sold_at": dt.datetime(sold.year, sold.month, sold.day),
        "sale_date": sold,
        "product_id": sku or None,
        "product_category": category,
        "quantity": _decimal(quantity, 3),
        "unit_price": unit_price,
        "total_amount": total,
        "list_price": _decimal(price, 4) if terms.discount else None,
        "discount": _decimal(taken, 2),
        "landed_on": landed_on,
    }


def _rejected(reasons: str, name: str | None, total: Decimal | None, sold: dt.date | None, terms: Terms) -> Row:
    return {
        "transaction_id": name,
        "total_amount": total,
        "reasons": reasons,
        "contract_version": terms.contract.digest,
        "sale_date": sold,
    }

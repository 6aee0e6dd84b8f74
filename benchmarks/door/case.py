"""One input file with the rows that must come of it, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

Sale = dict[str, str | Decimal | None]

SHOP = """\
name: corner_shop
timezone: America/New_York
country: US
currency: USD
start_date: 2024-01-01
unknown_columns: ignore
"""
COLUMNS = """\
columns:
  transaction_id: {header: ID, required: true}
  sold_at: {header: Date}
  customer_id: {header: Customer}
  product_category: {header: Category}
  quantity: {header: Qty}
  total_amount: {header: Total}
"""


@dataclass(frozen=True)
class Case:
    """A file, its contract and the exact outcome.

    It is `refused` with a message that contains this text, or its clean rows are `sales`, in the order of the file:
    each states the columns that matter. `rejected` counts rows by reason; `superseded` and `excluded` count rows.
    `masters` are texts of reference files.
    """

    group: str
    what: str
    contract: str
    data: Callable[[], bytes]
    sales: tuple[Sale, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    superseded: int = 0
    excluded: int = 0
    refused: str = ""
    name: str = "a.csv"
    note: str = ""
    masters: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """Its landing's files by name, and its reference files by `references/<name>/<file>`."""
        return {self.name: self.data(), **{key: text.encode() for key, text in self.masters.items()}}


def sale(transaction_id: str, sold_at: str, category: str, quantity: str, amount: str, **more: str | None) -> Sale:
    """Return an expected sale. `sold_at` is a day, or a day and a time."""
    return {
        "transaction_id": transaction_id,
        "sold_at": sold_at if " " in sold_at else f"{sold_at} 00:00:00",
        "product_category": category,
        "quantity": Decimal(quantity),
        "total_amount": Decimal(amount),
        **{
            k: Decimal(v) if v is not None and k in ("unit_price", "list_price", "discount") else v
            for k, v in more.items()
        },
    }


def lines(*rows: str, encoding: str = "utf-8", end: str = "\n") -> Callable[[], bytes]:
    """Make a file of these lines."""
    return lambda: (end.join(rows) + end).encode(encoding)


def shop(*more: str, columns: str = COLUMNS, **changes: str) -> str:
    """Return a contract: the shop's, with other values for its keys, further sections, and columns."""
    head = SHOP
    for key, value in changes.items():
        head = "".join(f"{key}: {value}\n" if line.startswith(f"{key}:") else f"{line}\n" for line in head.splitlines())
    return head + "".join(f"{section}\n" for section in more) + columns

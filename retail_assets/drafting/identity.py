"""What identifies a row of a table: one column, or several together, or these with a running number."""

from __future__ import annotations

from dataclasses import dataclass

from retail_assets.drafting.evidence import Column


@dataclass(frozen=True)
class Identity:
    """The columns of the transaction id. `occurrence` says that rows share it and are numbered. `why` is for people."""

    columns: tuple[Column, ...]
    occurrence: bool
    why: str


def identity_of(roles: dict[str, Column]) -> Identity | None:
    """Return the smallest proved identity of a row, or None if the table has nothing to compose one from."""
    line, order = roles.get("transaction_id"), roles.get("order_id")
    if line and line.unique:
        if order and _counts_up(line):
            return Identity(
                (order, line),
                False,
                f"{line.name} counts the rows of this file, and may start again in the next: {order.name} comes first",
            )
        return Identity((line,), False, f"{line.name} is given and different in each of {len(line.texts):,} rows")
    if order and order.unique:
        return Identity((order,), False, f"{order.name} is given and different in each of {len(order.texts):,} rows")
    whole = order or line
    if whole:
        for other in (roles.get("order_line"), line, roles.get("product_id"), roles.get("product_category")):
            if other and other is not whole and _is_whole(other) and _distinct((whole, other)):
                # A line number cannot repeat in its order; a product can, in the next file.
                numbers_lines = other is line or other is roles.get("order_line")
                more = (
                    "" if numbers_lines else " of this file; should they repeat in another one, its rows are numbered"
                )
                return Identity(
                    (whole, other),
                    not numbers_lines,
                    f"{whole.name} and {other.name} together are different in each row{more}",
                )
        product = roles.get("product_id") or roles.get("product_category")
        columns: tuple[Column, ...] = (whole, product) if product and product is not whole else (whole,)
        return Identity(
            columns, True, "several rows share these values, so rows of one landing are numbered (`occurrence`)"
        )
    parts = [roles[r] for r in ("sold_at", "store_id", "customer_id", "product_id", "product_category") if r in roles]
    columns = tuple(dict.fromkeys(parts))
    if not columns:
        return None
    unique = _distinct(columns)
    return Identity(
        columns,
        True,
        "the file has no id, so rows are numbered where these columns repeat"
        + (" (they do not in this file)" if unique else ""),
    )


def _is_whole(column: Column) -> bool:
    """Return whether a column has a value in nearly every row; an attribute of orders has not."""
    return len(column.given) >= 0.95 * len(column.texts)


def _counts_up(column: Column) -> bool:
    """Return whether a unique column is a running number from 0 or 1 on."""
    if not all(text.isdecimal() and len(text) < 10 for text in column.texts):
        return False
    numbers = {int(text) for text in column.texts}
    return min(numbers) in (0, 1) and max(numbers) - min(numbers) == len(numbers) - 1


def _distinct(columns: tuple[Column, ...]) -> bool:
    rows = list(zip(*(c.texts for c in columns), strict=True))
    return len(set(rows)) == len(rows)

"""SQL for numbers: quantities, prices and amounts, exact in decimals, in the contract's notation."""

from __future__ import annotations

import re

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns

#: A space between thousands is often a no-break space.
_SPACES = " \u00a0\u202f"


def number(columns: TextColumns, text: str, *, money: bool = False) -> str:
    """Return SQL for a DECIMAL(18,6).

    NULL for anything that is not a number in the contract's notation, or has 13 digits before the decimal mark. What
    lies beyond a millionth (a float's 0.30000000000000004) is rounded away. `money` allows a currency.
    """
    marks = columns.contract.numbers
    if marks.decimal == "." or not marks.thousands:
        plain = (
            text if marks.decimal == "." else f"CASE WHEN NOT contains({text}, '.') THEN replace({text}, ',', '.') END"
        )
    else:
        marked = f"contains({text}, '.') OR contains({text}, {literal(marks.thousands)})"
        plain = f"CASE WHEN NOT ({marked}) THEN replace({text}, ',', '.') END"
    # Nearly every number is plain; the careful reading runs only where the plain cast says NULL. It must not
    # repeat an expression: DuckDB would lift that out and evaluate it for every row.
    careful = _without_marks(columns, text, money)
    return f"coalesce(try_cast({plain} AS DECIMAL(18,6)), try_cast({careful} AS DECIMAL(18,6)))"


def _without_marks(columns: TextColumns, text: str, money: bool) -> str:
    """Return SQL for a number without currency and thousands marks; a lone point for what is not a number."""
    marks = columns.contract.numbers
    group = _SPACES if marks.thousands == " " else marks.thousands
    grouped = rf"\d{{1,3}}(?:[{group}]\d{{3}})+|" if group else ""
    names = [re.escape(n) for n in (columns.contract.currency, *marks.symbols(columns.contract.currency))]
    currency = f"(?:{'|'.join(names)})?" if money else ""
    space = f"[{BLANKS}]*"
    before, after = f"{space}([+-]?){space}{currency}{space}([+-]?)", f"{space}{currency}{space}"
    digits = rf"({grouped}\d*)(?:[{marks.decimal}](\d*))?([eE][+-]?\d+)?"
    pattern = f"(?s)^(?:{before}{digits}{after}|.*)$"
    bare = f"regexp_replace({text}, {literal(pattern)}, '\\1\\2\\3p\\4\\5')"
    return f"replace(translate({bare}, {literal(group)}, ''), 'p', '.')" if group else f"replace({bare}, 'p', '.')"


def number_of(columns: TextColumns, name: str) -> str:
    """Return SQL for the number in a canonical column as written, a DECIMAL(18,6)."""
    return number(columns, columns.field_text(name), money=name != "quantity")


def quantity(columns: TextColumns, value: str | None = None) -> str:
    """Return SQL for the quantity as DECIMAL(18,3), in the product's unit, negative for cancellations.

    More than three decimals are unreadable as written; after division by a unit they are rounded. `value` names a
    column that holds `number_of(columns, "quantity")`.
    """
    value = value or number_of(columns, "quantity")
    exact = f"CASE WHEN CAST({value} AS DECIMAL(18,3)) = {value} THEN CAST({value} AS DECIMAL(18,3)) END"
    for unit in columns.contract.quantity_units:
        divided = f"try_cast(round({value} / {int(unit.per_unit)}, 3) AS DECIMAL(18,3))"
        measured = f"{columns.begins(unit)} AND abs({value}) > {int(unit.above)}"
        exact = f"CASE WHEN {measured} THEN {divided} ELSE {exact} END"
    return _signed(columns, exact)


def price(columns: TextColumns, value: str | None = None) -> str:
    """Return SQL for the unit price as written, DECIMAL(18,4); NULL if the source has none, or more than 4 decimals.

    `value` names a column that holds `number_of(columns, "unit_price")`.
    """
    if "unit_price" not in columns.contract.columns:
        return "NULL::DECIMAL(18,4)"
    value = value or number_of(columns, "unit_price")
    return f"CASE WHEN CAST({value} AS DECIMAL(18,4)) = {value} THEN CAST({value} AS DECIMAL(18,4)) END"


def amount(
    columns: TextColumns,
    value: str | None = None,
    given: str | None = None,
    quantity_value: str | None = None,
    price_value: str | None = None,
) -> str:
    """Return SQL for the money of the line as DECIMAL(18,2).

    As written, in whole cents; quantity x unit price where the source has no amount, or where one is neither required
    nor given. The other parameters name columns that hold what this would otherwise compute: the number as written,
    whether there is a text, and the results of `quantity` and `price`.
    """
    # DuckDB multiplies two DECIMAL(18) as one, and stops the whole query when the product does not fit.
    product = f"CAST({quantity_value or quantity(columns)} AS DECIMAL(38,3)) * {price_value or price(columns)}"
    follows = f"try_cast(round({product}, 2) AS DECIMAL(18,2))"
    rule = columns.contract.columns.get("total_amount")
    if rule is None:
        return follows
    value = value or number_of(columns, "total_amount")
    given = given or columns.is_given("total_amount")
    in_cents = f"CASE WHEN CAST({value} AS DECIMAL(18,2)) = {value} THEN CAST({value} AS DECIMAL(18,2)) END"
    written = _signed(columns, in_cents)
    if rule.required or "unit_price" not in columns.contract.columns:
        return written
    return f"CASE WHEN {given} THEN {written} ELSE {follows} END"


def _signed(columns: TextColumns, value: str) -> str:
    rule = columns.contract.cancellations
    return value if rule is None else f"CASE WHEN {columns.begins(rule)} THEN -abs({value}) ELSE {value} END"

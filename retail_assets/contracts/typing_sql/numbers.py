"""SQL for the numbers of a sale: quantity, prices, amount and discount, exact in decimals."""

from __future__ import annotations

from retail_assets.contracts.expressions import Operand, parsed
from retail_assets.contracts.typing_sql.arithmetic import computed
from retail_assets.contracts.typing_sql.exchange_rates import converted, in_its_currency
from retail_assets.contracts.typing_sql.notation import number
from retail_assets.contracts.typing_sql.text_columns import TextColumns

_DECIMALS = {"quantity": 3, "unit_price": 4, "total_amount": 2, "list_price": 4, "discount": 2}


def number_columns(columns: TextColumns) -> set[int]:
    """Return the numbers of the file columns that numbers are read from."""
    rules = (columns.contract.columns[name] for name in _DECIMALS if name in columns.contract.columns)
    places = {columns.raw_position(header) for rule in rules for header, _ in rule.origins}
    return {place for place in places if place is not None}


def number_of(columns: TextColumns, name: str) -> str:
    """Return SQL for the number in a canonical column as written, a DECIMAL(18,6), or as its expression computes it."""
    rule = columns.contract.columns.get(name)
    if rule is not None and rule.expression:
        return computed(parsed(rule.expression), lambda operand: _units(columns, operand), _DECIMALS[name])
    return number(columns, columns.field_text(name), money=name != "quantity")


def _units(columns: TextColumns, operand: Operand) -> str:
    """Return SQL for an operand as a HUGEINT in units of 10^-9. It may have a currency, or be a percentage."""
    text = columns.text(operand.column)
    plain = number(columns, text, money=True, type_="DECIMAL(21,9)")
    percent = number(columns, f"left({text}, -1)", type_="DECIMAL(23,11)")
    missing = "" if operand.default is None else f"WHEN {text} IS NULL THEN {int(operand.default.scaleb(9))}::HUGEINT "
    return (
        f"CASE {missing}WHEN ends_with({text}, '%') THEN CAST({percent} * 10000000 AS HUGEINT) "
        f"ELSE CAST({plain} * 1000000000 AS HUGEINT) END"
    )


def quantity(columns: TextColumns, value: str | None = None) -> str:
    """Return SQL for the quantity as DECIMAL(18,3), in the product's unit, negative for cancellations.

    More than three decimals are unreadable as written, unless the contract rounds; after division by a unit they are
    rounded. `value` names a column that holds `number_of(columns, "quantity")`.
    """
    value = value or number_of(columns, "quantity")
    exact = _with_decimals(columns, value, 3)
    for unit in columns.contract.quantity_units:
        divided = f"try_cast(round({value} / {int(unit.per_unit)}, 3) AS DECIMAL(18,3))"
        measured = f"{columns.begins(unit)} AND abs({value}) > {int(unit.above)}"
        exact = f"CASE WHEN {measured} THEN {divided} ELSE {exact} END"
    return _signed(columns, exact)


def written_price(columns: TextColumns, value: str | None = None, currency: str | None = None) -> str:
    """Return SQL for the unit price as written, DECIMAL(18,4), in the currency of the row.

    NULL if the source has none, or more than four decimals. `value` names a column that holds
    `number_of(columns, "unit_price")`, `currency` one that holds `row_currency`.
    """
    return _money_of(columns, "unit_price", 4, value, currency)


def price(columns: TextColumns) -> str:
    """Return SQL for the unit price as written, DECIMAL(18,4), in the currency of the contract."""
    return converted(columns, written_price(columns), 4)


def written_amount(
    columns: TextColumns,
    value: str | None = None,
    given: str | None = None,
    quantity_value: str | None = None,
    price_value: str | None = None,
    currency: str | None = None,
) -> str:
    """Return SQL for the money of the line as DECIMAL(18,2), in the currency of the row.

    As written, in whole cents; quantity x unit price where the source has no amount, or where one is neither required
    nor given. The other parameters name columns that hold what this would otherwise compute: the number as written,
    whether there is a text, the results of `quantity` and `written_price`, and the row's currency.
    """
    # DuckDB multiplies two DECIMAL(18) as one, and stops the whole query when the product does not fit.
    product = f"CAST({quantity_value or quantity(columns)} AS DECIMAL(38,3)) * {price_value or written_price(columns)}"
    follows = f"try_cast(round({product}, 2) AS DECIMAL(18,2))"
    rule = columns.contract.columns.get("total_amount")
    if rule is None:
        return follows
    given = given or columns.is_given("total_amount")
    written = _signed(columns, _money_of(columns, "total_amount", 2, value, currency))
    if rule.required or rule.expression or "unit_price" not in columns.contract.columns:
        return written
    return f"CASE WHEN {given} THEN {written} ELSE {follows} END"


def amount(columns: TextColumns) -> str:
    """Return SQL for the money of the line as DECIMAL(18,2), in the currency of the contract.

    NULL where it cannot be read, or where the row is in a currency that the contract does not convert.
    """
    return converted(columns, written_amount(columns), 2)


def written_list_price(columns: TextColumns, value: str | None = None, currency: str | None = None) -> str:
    """Return SQL for the price per unit before discounts, DECIMAL(18,4), in the currency of the row."""
    return _money_of(columns, "list_price", 4, value, currency)


def written_discount(columns: TextColumns, value: str | None = None, currency: str | None = None) -> str:
    """Return SQL for the money taken off the line, DECIMAL(18,2), in the currency of the row."""
    return _signed(columns, _money_of(columns, "discount", 2, value, currency))


def _money_of(columns: TextColumns, name: str, decimals: int, value: str | None, currency: str | None) -> str:
    """Return SQL for the money in a canonical column as written, DECIMAL(18, decimals); NULL if it is not mapped."""
    if name not in columns.contract.columns:
        return f"NULL::DECIMAL(18,{decimals})"
    exact = _with_decimals(columns, value or number_of(columns, name), decimals)
    rule = columns.contract.columns[name]
    texts = [columns.text(column) for column, _ in rule.origins] if rule.expression else [columns.field_text(name)]
    return in_its_currency(columns, exact, texts, currency)


def _with_decimals(columns: TextColumns, value: str, decimals: int) -> str:
    """Return SQL for a number of at most so many decimals; with more it is rounded or NULL, as the contract says."""
    cast = f"CAST({value} AS DECIMAL(18,{decimals}))"  # rounds half away from zero
    return cast if columns.contract.numbers.round else f"CASE WHEN {cast} = {value} THEN {cast} END"


def _signed(columns: TextColumns, value: str) -> str:
    rule = columns.contract.cancellations
    return value if rule is None else f"CASE WHEN {columns.begins(rule)} THEN -abs({value}) ELSE {value} END"

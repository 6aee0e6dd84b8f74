"""The DuckDB queries that type and judge records: what one text means, then what depends on the whole row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.cleaning import rules
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql import numbers, people
from retail_assets.contracts.typing_sql.categories import category
from retail_assets.contracts.typing_sql.exchange_rates import converted, row_currency
from retail_assets.contracts.typing_sql.identifiers import identifier, is_rounded, too_long
from retail_assets.contracts.typing_sql.moments import moment
from retail_assets.contracts.typing_sql.row_rules import excluding
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.tables import SALES_CLEAN

#: Columns that only rows of contracts that map them have; all other rows get NULL when they are written.
OPTIONAL = ("list_price", "discount")
IDS = ("transaction_id", "order_id", "customer_id", "product_id", "store_id")
[_LONGEST_ID] = next(c.numbers for c in SALES_CLEAN.columns if c.name == "transaction_id")
_NUMBER_BYTES = len("-4294967296")
_RAW_CHARACTERS = 65_535
_MONEY = {"price": "unit_price", "amount": "total_amount"}


@dataclass(frozen=True)
class Reading:
    """A value that one text alone decides.

    `sql` computes it; `position` is the file column of the text, or None if the value is the same in every record.
    """

    sql: str
    position: int | None


def file_columns(sql: str) -> set[int]:
    """Return the numbers of the file columns whose texts a piece of SQL reads.

    >>> sorted(file_columns("t0 || t12 || title1"))
    [0, 12]
    """
    return {int(n) for n in re.findall(r"\bt(\d+)\b", sql)}


def readings_of(columns: TextColumns) -> dict[str, Reading]:
    """Return everything that is read from one text on its own, by the name that `parse_sql` uses for it."""
    given = {
        f"{short}_given": Reading(_has_text(columns, name), columns.position(name))
        for short, name in (("age", "age"), ("price", "unit_price"), ("amount", "total_amount"))
    }
    optional = [name for name in OPTIONAL if name in columns.contract.columns]
    given |= {f"{name}_given": Reading(_has_text(columns, name), columns.position(name)) for name in optional}
    given |= {f"{name}_number": Reading(numbers.number_of(columns, name), columns.position(name)) for name in optional}
    return {
        "any_moment": Reading(moment(columns), columns.position("sold_at")),
        "read_gender": Reading(people.gender(columns), columns.position("gender")),
        "age": Reading(people.age(columns), columns.position("age")),
        "product_category": Reading(category(columns), columns.position("product_category")),
        "quantity_number": Reading(numbers.number_of(columns, "quantity"), columns.position("quantity")),
        "price_number": Reading(numbers.number_of(columns, "unit_price"), columns.position("unit_price")),
        "amount_number": Reading(numbers.number_of(columns, "total_amount"), columns.position("total_amount")),
        "band": Reading(columns.field_text("age_group"), columns.position("age_group")),
        **given,
    }


def _has_text(columns: TextColumns, name: str) -> str:
    return "TRUE" if columns.has_expression(name) else f"({columns.field_text(name)}) IS NOT NULL"


def parse_sql(
    columns: TextColumns,
    contract: Contract,
    same: dict[str, str],
    texts: str,
    *,
    rounded: bool,
    exact: Mapping[int, int] | None = None,
) -> str:
    """Return the query from `records` to typed and judged rows. Its parameter is the landing day.

    `records` has line, lines, raw, defects, the columns that `texts` (a select list) reads, and all readings except
    those in `same`, which are the same SQL for every record. Without `rounded`, ids are not checked for values such as
    5.36365E+11. `exact` has, for file columns of short floats, up to which whole number they are exact.
    """
    ids = {name: columns.field_text(name) for name in IDS}
    order = contract.columns.get("order_id")
    if order is None:
        ids["order_id"] = ids["transaction_id"]
    elif not order.required:  # a line without an order is its own order
        ids["order_id"] = f"coalesce({ids['order_id']}, {ids['transaction_id']})"
    id_list = ", ".join(f"{identifier(f'({text})')} AS {name}" for name, text in ids.items())
    constants = "".join(f", {sql} AS {name}" for name, sql in same.items())
    given = "price_given" if "unit_price" in contract.columns else "FALSE"
    currency = "row_currency" if contract.currencies else None
    if contract.currencies:
        id_list += f", {row_currency(columns, contract.currencies)} AS row_currency"
    amount = numbers.written_amount(columns, "amount_number", "amount_given", "quantity", "written_price", currency)
    mask = _mask(columns, contract, rounded, exact or {})
    before_discount = [
        ("list_price", 4, numbers.written_list_price(columns, "list_price_number", currency)),
        ("discount", 2, numbers.written_discount(columns, "discount_number", currency)),
    ]
    mapped = [optional for optional in before_discount if optional[0] in contract.columns]
    written = "".join(f", {sql} AS written_{name}" for name, _, sql in mapped)
    optional = "".join(f", {converted(columns, f'written_{name}', s, currency)} AS {name}" for name, s, _ in mapped)
    return f"""
        WITH texts AS (
            SELECT *{", " if texts else ""}{texts} FROM records
        ),
        readings AS (
            SELECT *{constants}, {id_list} FROM texts
        ),
        counted AS (
            SELECT *, {numbers.quantity(columns, "quantity_number")} AS quantity,
                   {numbers.written_price(columns, "price_number", currency)} AS written_price
            FROM readings
        ),
        typed AS (
            SELECT *, {amount} AS written_amount{written}
            FROM counted
        ),
        settled AS (
            SELECT *{_refunds(contract)}{optional}, {converted(columns, "written_amount", 2, currency)} AS total_amount
            FROM typed
        ),
        complete AS (
            SELECT *, CASE WHEN written_price IS NULL AND NOT {given} AND quantity <> 0
                           THEN try_cast(round(CAST(total_amount AS DOUBLE) / CAST(quantity AS DOUBLE), 4)
                                         AS DECIMAL(18,4))
                           ELSE {converted(columns, "written_price", 4, currency)} END AS unit_price,
                   ?::DATE AS landed_on,
                   CASE WHEN isfinite(any_moment) THEN any_moment END AS sold_at,
                   coalesce(band, {people.age_group("age")}) AS age_group
            FROM settled
        ),
        judged AS (
            SELECT *, CASE WHEN defects <> 0 THEN defects{_excluded(columns, contract)} ELSE ({mask})::BIGINT END
                      AS rejecting
            FROM complete
        )
        SELECT transaction_id, order_id, sold_at, customer_id, nullif(read_gender, '?') AS gender, age, age_group,
               product_id, product_category, quantity, unit_price, total_amount, store_id,
               {"".join(f"{name}, " for name, *_ in mapped)}line AS source_line, lines,
               rejecting{_notes(contract)} AS reasons,
               CASE WHEN rejecting <> 0 THEN left(raw, {_RAW_CHARACTERS}) END AS raw_text,
               CASE WHEN rejecting = 0 THEN hash(transaction_id) ELSE line::UBIGINT END AS spread
        FROM judged"""


def _excluded(columns: TextColumns, contract: Contract) -> str:
    """Return the case of a row that a rule of the contract excludes, whatever else is wrong with it."""
    if contract.rows is None:
        return ""
    rules_that_exclude = excluding(columns, contract.rows)
    bits = (
        f"CASE WHEN {sql} THEN {1 << (rules.FIRST_EXCLUSION_BIT + i)} ELSE 0 END"
        for i, sql in enumerate(rules_that_exclude)
    )
    return f" WHEN {' OR '.join(rules_that_exclude)} THEN ({' + '.join(bits)})::BIGINT"


def _refunds(contract: Contract) -> str:
    """Return what turns a row of negative amount into a return: a negative quantity at a price above zero."""
    if contract.refunds is None:
        return ""
    turned = {"quantity": "-abs(quantity)", "written_price": "abs(written_price)"}
    if "discount" in contract.columns:
        turned["written_discount"] = "-abs(written_discount)"
    cases = (f"CASE WHEN written_amount < 0 THEN {sql} ELSE {name} END AS {name}" for name, sql in turned.items())
    return f" REPLACE ({', '.join(cases)})"


def _mask(columns: TextColumns, contract: Contract, rounded: bool, exact: Mapping[int, int]) -> str:
    """Return SQL for the reasons to reject a row that could be split, as one number."""
    required = {name for name, rule in contract.columns.items() if rule.required}
    price_expected = "TRUE" if "unit_price" in required else "price_given"
    if "unit_price" not in contract.columns:
        price_expected = "FALSE"
    amount_expected = "TRUE" if "total_amount" in required else "amount_given"
    if "total_amount" not in contract.columns:
        amount_expected = "quantity IS NOT NULL AND unit_price IS NOT NULL"
    # A row in a currency that is not converted has no money, for that reason alone.
    price, amount = "unit_price IS NULL", "total_amount IS NULL"
    if "unit_price" in required:  # a price that follows from the amount is not one that is given
        price = "written_price IS NULL"
    if contract.currencies:
        price = f"(written_price IS NULL OR (row_currency IS NOT NULL AND {price}))"
        amount = f"(written_amount IS NULL OR (row_currency IS NOT NULL AND {amount}))"
    sold = "quantity <> 0"
    # Where the contract has no order id, the order is the transaction.
    ids = [name for name in IDS if name in contract.columns]
    texts = (*ids, "product_category", "age_group")
    long = " OR ".join(f"coalesce({too_long(name, name)}, FALSE)" for name in texts)
    bits = [
        (rules.INVALID_DATE, "sold_at IS NULL"),
        (rules.INVALID_QUANTITY, "quantity IS NULL"),
        # What is neither given nor follows from the rest is missing; a result that fits no column is invalid.
        (
            rules.INVALID_PRICE,
            f"({price} AND {price_expected}) OR (unit_price IS NULL AND total_amount IS NOT NULL AND {sold})",
        ),
        (
            rules.INVALID_AMOUNT,
            f"({amount} AND {amount_expected}) OR (total_amount IS NULL AND unit_price IS NOT NULL AND {sold})",
        ),
        (rules.TEXT_TOO_LONG, _with_its_number(long) if contract.columns["transaction_id"].occurrence else long),
    ]
    for name, reason, below in (
        ("list_price", rules.INVALID_LIST_PRICE, " OR list_price < 0"),
        ("discount", rules.INVALID_DISCOUNT, ""),
    ):
        if name in contract.columns:
            missing = f"written_{name} IS NULL" + (
                f" OR (row_currency IS NOT NULL AND {name} IS NULL)" if contract.currencies else ""
            )
            expected = "TRUE" if name in required else f"{name}_given"
            bits.append((reason, f"({expected} AND ({missing})){below}"))
    if not {"unit_price", "total_amount"} & required:
        given = [f"{short}_given" for short, name in _MONEY.items() if name in contract.columns]
        bits.append((rules.MISSING_AMOUNT, f"NOT ({' OR '.join(given)})"))
    if contract.currencies:
        bits.append((rules.OTHER_CURRENCY, "row_currency IS NULL"))
    if orphans := [columns.is_orphan(name) for name, rule in contract.references.items() if rule.required]:
        bits.append((rules.MISSING_REFERENCE, " OR ".join(orphans)))
    if rounded:
        written = dict.fromkeys(text for name in ids for text in columns.texts_of(name))
        limits = {text: next((exact[n] for n in file_columns(text) if n in exact), None) for text in written}
        any_rounded = " OR ".join(f"coalesce({is_rounded(t, limit)}, FALSE)" for t, limit in limits.items())
        bits.append((rules.ROUNDED_ID, any_rounded))
    if inexact := _inexact_money(columns, exact):
        bits.append((rules.INVALID_AMOUNT, f"({inexact}) AND NOT ({dict(bits)[rules.INVALID_AMOUNT]})"))
    bits += [(reason, str(reason.rule)) for reason in rules.judged(contract)]
    return " + ".join(f"CASE WHEN {condition} THEN {reason.mask} ELSE 0 END" for reason, condition in bits)


def _inexact_money(columns: TextColumns, exact: Mapping[int, int]) -> str:
    """Return SQL that is true where money was rounded because the column's type of floating point is too short.

    Whole cents are exact up to a 128th of what whole numbers are: 131,072 in 32 bits. Empty without such columns.
    """
    money = [name for name in ("unit_price", "total_amount") if name in columns.contract.columns]
    texts = {n: f"t{n}" for name in money for text in columns.texts_of(name) for n in file_columns(text) if n in exact}
    return " OR ".join(f"coalesce(abs(try_cast({t} AS DOUBLE)) >= {exact[n] // 128}, FALSE)" for n, t in texts.items())


def _notes(contract: Contract) -> str:
    """Return SQL that adds what is noted of a row that could be split; nothing for columns that are not mapped."""
    noted = {
        "gender": (rules.UNKNOWN_GENDER, "read_gender = '?'"),
        "age": (rules.UNKNOWN_AGE, "age IS NULL AND age_given"),
    }
    return "".join(
        f" + CASE WHEN defects = 0 AND {condition} THEN {note.mask} ELSE 0 END"
        for column, (note, condition) in noted.items()
        if column in contract.columns
    )


def _with_its_number(too_long: str) -> str:
    """Add that an id which lines share gets a number appended, and must fit its column with it."""
    return f"{too_long} OR coalesce(strlen(transaction_id) > {_LONGEST_ID - _NUMBER_BYTES}, FALSE)"

"""The catalog of reasons: every way a row can be rejected, with its meaning and its rule.

Reasons travel as bits of one integer; their names appear only in what people read. The first group is found while text
is read (`readers/`, `parse.py`). The second is judged on the typed columns, with the SQL given here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.contracts.model import Contract


@dataclass(frozen=True)
class Reason:
    """A reason to reject a row. `rule` is DuckDB SQL that is true for a broken row.

    `bit` never changes once data has been written with it.
    """

    name: str
    bit: int
    meaning: str
    rule: str | None = None

    @property
    def mask(self) -> int:
        return 1 << self.bit


#: Found while reading the text.
MALFORMED_ROW = Reason(
    "malformed_row",
    0,
    "more or fewer fields than the header (empty ones after the last column do not count), or misplaced quotes",
)
UNCLOSED_QUOTE = Reason("unclosed_quote", 1, "a quote opens on this line and does not close within 1,000 lines")
NOT_TEXT = Reason(
    "not_text",
    2,
    "bytes that are not text in the file's encoding, NUL, or U+FFFD, the mark of text that was lost earlier",
)
INVALID_DATE = Reason("invalid_date", 3, "the date is missing, cannot be read, or does not exist")
INVALID_QUANTITY = Reason(
    "invalid_quantity", 4, "the quantity is missing, is not a number, or has more than three decimals"
)
INVALID_PRICE = Reason("invalid_price", 5, "the unit price is missing, is not a number, or has more than four decimals")
INVALID_AMOUNT = Reason("invalid_amount", 6, "the amount is missing, is not a number, or is not in whole cents")
#: Rejected rows in version 0.1.0; what cannot be read about the customer is missing now (NOTES).
INVALID_GENDER = Reason("invalid_gender", 7, "the gender is given but cannot be read (until version 0.1.0)")
INVALID_AGE = Reason("invalid_age", 8, "the age is given but is not a whole number from 0 to 120 (until 0.1.0)")
TEXT_TOO_LONG = Reason("text_too_long", 9, "an id or a name does not fit its warehouse column")
ROUNDED_ID = Reason(
    "rounded_id", 10, "an id such as 5.36365E+11 or 6e+17: something read it as a number and lost its last digits"
)
MISSING_AMOUNT = Reason("missing_amount", 11, "the row has neither a unit price nor an amount")
OTHER_CURRENCY = Reason(
    "other_currency", 12, "the row is in a currency other than the contract's, and the contract has no rate for it"
)
MISSING_REFERENCE = Reason(
    "missing_reference", 13, "the contract requires a reference file to have the row's key, and it does not"
)
INVALID_LIST_PRICE = Reason(
    "invalid_list_price", 14, "the list price is given but is no number, is below zero, or has more than four decimals"
)
INVALID_DISCOUNT = Reason("invalid_discount", 15, "the discount is given but is not a number, or is not in whole cents")

READING = (
    MALFORMED_ROW,
    UNCLOSED_QUOTE,
    NOT_TEXT,
    INVALID_DATE,
    INVALID_QUANTITY,
    INVALID_PRICE,
    INVALID_AMOUNT,
    INVALID_GENDER,
    INVALID_AGE,
    TEXT_TOO_LONG,
    ROUNDED_ID,
    MISSING_AMOUNT,
    OTHER_CURRENCY,
    MISSING_REFERENCE,
    INVALID_LIST_PRICE,
    INVALID_DISCOUNT,
)
#: What could not be read of a row that counts. Notes travel in the same integer as reasons and reject nothing.
UNKNOWN_GENDER = Reason("unknown_gender", 40, "the word for the gender is not known; the gender is missing")
UNKNOWN_AGE = Reason("unknown_age", 41, "the age is not a whole number from 0 to 120; the age is missing")
NOTES = (UNKNOWN_GENDER, UNKNOWN_AGE)
#: The bits of all reasons that reject a row.
REJECTING = (1 << UNKNOWN_GENDER.bit) - 1
#: From this bit on each bit is a rule of the contract (`rows`) that excludes the row; then no other bit is set.
FIRST_EXCLUSION_BIT = 42
STRUCTURAL_MASK = MALFORMED_ROW.mask | UNCLOSED_QUOTE.mask | NOT_TEXT.mask

_MISSING = {
    "transaction_id": (16, "missing_transaction_id", "the row has no transaction id"),
    "order_id": (17, "missing_order_id", "the contract requires an order, basket or invoice"),
    "product_category": (18, "missing_category", "the row has no product category"),
    "customer_id": (19, "missing_customer_id", "the contract requires a customer"),
    "product_id": (20, "missing_product_id", "the contract requires a product"),
    "store_id": (21, "missing_store_id", "the contract requires a store"),
    "gender": (28, "missing_gender", "the contract requires a gender"),
    "age": (29, "missing_age", "the contract requires an age"),
    "age_group": (30, "missing_age_group", "the contract requires an age band"),
}
#: Where a missing value is not a NULL of the column's own name.
_IS_MISSING = {"gender": "read_gender IS NULL", "age": "NOT age_given"}
#: Columns without which a row is not a sale, whatever the contract says.
_ALWAYS_REQUIRED = ("transaction_id", "product_category")


def judged(contract: Contract) -> tuple[Reason, ...]:
    """Return the rules for typed rows, as this contract sets them."""
    rules = []
    for column, (bit, name, meaning) in _MISSING.items():
        mapped = contract.columns.get(column)
        if column in _ALWAYS_REQUIRED or (mapped and mapped.required):
            rules.append(Reason(name, bit, meaning, _IS_MISSING.get(column, f"{column} IS NULL")))
    dates = contract.dates
    rules += [
        Reason(
            "date_out_of_range",
            24,
            f"sold before {dates.earliest} or more than {dates.days_after_landing} day(s) after it was landed",
            f"sold_at < TIMESTAMP '{dates.earliest} 00:00:00' "
            f"OR CAST(sold_at AS DATE) > landed_on + {int(dates.days_after_landing)}",
        ),
        Reason("zero_quantity", 25, "nothing was sold or returned", "quantity = 0"),
        Reason(
            "negative_price",
            26,
            "the unit price is below zero; returns have a negative quantity instead",
            "unit_price < 0",
        ),
    ]
    if {"unit_price", "total_amount"} <= set(contract.columns) and not contract.columns["unit_price"].expression:
        rules.append(
            Reason(
                "total_mismatch",
                27,
                f"amount and quantity x unit price differ by more than {contract.amount_tolerance}",
                # In the currency of the row, before rounding to another one. Wide enough for any product: DuckDB stops
                # the query where one does not fit its type. A derived price is not compared with its amount.
                f"abs(written_amount - CAST(quantity AS DECIMAL(38,3)) * written_price) > {contract.amount_tolerance}",
            )
        )
    return tuple(rules)


#: The name of every reason by its bit, to turn masks into names.
NAMES: dict[int, str] = {
    **{r.bit: r.name for r in READING},
    **{bit: name for bit, name, _ in _MISSING.values()},
    24: "date_out_of_range",
    25: "zero_quantity",
    26: "negative_price",
    27: "total_mismatch",
}


def names_of(mask: int) -> list[str]:
    """Return the names of the reasons in a mask, in the order of their bits.

    >>> names_of(0b1001)
    ['malformed_row', 'invalid_date']
    """
    return [name for bit, name in sorted(NAMES.items()) if mask >> bit & 1]


def exclusions_of(mask: int, names: Sequence[str]) -> list[str]:
    """Return which of the contract's rules exclude a row; `names` are those of all its rules.

    >>> exclusions_of(1 << 43, ["paid", "test_orders"])
    ['test_orders']
    """
    return [name for i, name in enumerate(names) if mask >> (FIRST_EXCLUSION_BIT + i) & 1]

"""What to do about each reason: what a change of the contract can fix, and what only the sender of the file can."""

from __future__ import annotations

_REPLAY = "then run `retail-assets quarantine replay`"
_SENDER = "have it fixed where the file is made, and land the corrected file in the place of this one"
_EXPORT = "export the lines (`quarantine export --raw`), fix them and land the corrected file"
_NUMBERS = (
    "More decimals than {decimals}? Set `numbers: {{round: cents}}`. Other marks or signs, brackets or a minus "
    "at the end, groups such as 6,00,000? See `decimal`, `thousands`, `currency_symbols`, `negatives` and `grouping`. "
    "A blank column of an `expression`? Write default(column, 0)"
)

_ADVICE: dict[str, str] = {
    "malformed_row": "No contract can fix this: the line does not have the shape of its header. "
    f"{_EXPORT.capitalize()}.",
    "unclosed_quote": f"No contract can fix this: close the quote, or write it twice. {_EXPORT.capitalize()}.",
    "not_text": "Another encoding? Set `file: {encoding: …}` and clean the landing again. "
    f"If the characters are lost, {_SENDER}.",
    "invalid_date": "A date format that the contract does not know? Add it to `dates: {formats: […]}` "
    "(an offset from UTC is %z). Names in another language, or numbers of days or seconds? Set `language` or `serial` "
    f"there, {_REPLAY}. Otherwise {_EXPORT}.",
    "invalid_quantity": "More decimals than three? Set `numbers: {round: cents}`. Other marks in numbers? Set "
    "`numbers: {decimal: …, thousands: …}`. Empty cells? Give "
    f"`quantity` a `default`. {_REPLAY.capitalize()}. Otherwise {_EXPORT}.",
    "invalid_price": f"{_NUMBERS.format(decimals='four')}, {_REPLAY}. Otherwise {_EXPORT}.",
    "invalid_amount": f"{_NUMBERS.format(decimals='two')}, {_REPLAY}. Otherwise {_EXPORT}.",
    "missing_amount": "Is the price or the amount in another column, or do such rows sell nothing? Map the column, or "
    f"exclude the rows with `rows: {{drop: …}}`, {_REPLAY}. If prices are in a reference file, land one that has the "
    f"product, and clean the landing again. Otherwise {_EXPORT}.",
    "invalid_gender": f"Such rows count now, without a gender. Say in `genders` what the words mean, {_REPLAY}.",
    "invalid_age": f"Such rows count now, without an age. Map an age band to `age_group`, {_REPLAY}.",
    "missing_gender": f"Set `required: false` for `gender`, {_REPLAY}.",
    "missing_age": f"Set `required: false` for `age`, {_REPLAY}.",
    "missing_age_group": f"Set `required: false` for `age_group`, {_REPLAY}.",
    "text_too_long": f"An id or name of this length is usually two columns run together: {_EXPORT}.",
    "rounded_id": f"The digits are lost: {_SENDER}. Format the column as text before saving the file.",
    "invalid_list_price": f"{_NUMBERS.format(decimals='four')}, {_REPLAY}. Otherwise {_EXPORT}.",
    "invalid_discount": "A share, such as 0.2 or 20%? Compute the money taken off the line: `discount: "
    f'{{expression: "Quantity * Price * Discount"}}`, {_REPLAY}. {_NUMBERS.format(decimals="two")}. '
    f"Otherwise {_EXPORT}.",
    "other_currency": "Give the currency a rate (`currencies: {rates: …}`), or a `default` where the row names none, "
    f"{_REPLAY}.",
    "missing_transaction_id": "Is the line identified by another column, or by several together? Use `header` or "
    f"`compose`, {_REPLAY}. Otherwise {_EXPORT}.",
    "missing_order_id": "Set `required: false` for `order_id`, so that a line without an order is its own order, "
    f"{_REPLAY}.",
    "missing_category": f"Give `product_category` a `default` (such as UNKNOWN), {_REPLAY}.",
    "missing_customer_id": f"Are anonymous sales normal? Set `required: false` for `customer_id`, {_REPLAY}.",
    "missing_product_id": f"Set `required: false` for `product_id`, {_REPLAY}.",
    "missing_reference": "Land the reference file that has the key (`retail-assets land --reference NAME FILE`) and "
    "clean the landing again, or set `required: false` for it in `references`.",
    "missing_store_id": f"Set `required: false` for `store_id`, or give it a `default`, {_REPLAY}.",
    "date_out_of_range": "Old history, or orders for later? Set `dates: {earliest: …}` or `days_after_landing`, "
    f"{_REPLAY}. If the year is mistyped, {_EXPORT}.",
    "zero_quantity": "Usually coupons and voided lines, so there is nothing to do. If they carry money that counts, "
    "ask the shop.",
    "negative_price": "A refund that has only a negative amount? Set `refunds: negative_amount`, "
    f"{_REPLAY}. If the file has both a sale and its cancellation, and marks the latter, use `cancellations`.",
    "total_mismatch": "Rounding or tax in the total? Set `amount_tolerance`, or leave `unit_price` out of the "
    f"contract. A price before discount? Map it to `list_price` instead. {_REPLAY.capitalize()}.",
}

#: The canonical column that a reason is about.
COLUMN_OF = {
    "invalid_date": "sold_at",
    "date_out_of_range": "sold_at",
    "invalid_quantity": "quantity",
    "zero_quantity": "quantity",
    "invalid_price": "unit_price",
    "negative_price": "unit_price",
    "invalid_amount": "total_amount",
    "missing_amount": "total_amount",
    "total_mismatch": "total_amount",
    "invalid_list_price": "list_price",
    "invalid_discount": "discount",
    "other_currency": "total_amount",
    "invalid_gender": "gender",
    "invalid_age": "age",
    "missing_category": "product_category",
    "missing_transaction_id": "transaction_id",
    "missing_order_id": "order_id",
    "missing_customer_id": "customer_id",
    "missing_product_id": "product_id",
    "missing_store_id": "store_id",
    "missing_gender": "gender",
    "missing_age": "age",
    "missing_age_group": "age_group",
}


def advice_on(reason: str) -> str:
    """Return what to do about rows that were rejected for this reason.

    >>> print(advice_on("missing_category"))
    Give `product_category` a `default` (such as UNKNOWN), then run `retail-assets quarantine replay`.
    """
    return _ADVICE.get(reason, f"{_EXPORT.capitalize()}.")

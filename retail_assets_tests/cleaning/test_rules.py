"""The catalog of reasons: bits that never change, names that people read."""

from __future__ import annotations

import pytest

from retail_assets.cleaning import rules
from retail_assets.contracts.loading import load, parse, shipped

#: What each bit means in data that has been written. A line may be added here, never changed.
WRITTEN = {
    0: "malformed_row",
    1: "unclosed_quote",
    2: "not_text",
    3: "invalid_date",
    4: "invalid_quantity",
    5: "invalid_price",
    6: "invalid_amount",
    7: "invalid_gender",
    8: "invalid_age",
    9: "text_too_long",
    10: "rounded_id",
    11: "missing_amount",
    12: "other_currency",
    13: "missing_reference",
    14: "invalid_list_price",
    15: "invalid_discount",
    16: "missing_transaction_id",
    17: "missing_order_id",
    18: "missing_category",
    19: "missing_customer_id",
    20: "missing_product_id",
    21: "missing_store_id",
    24: "date_out_of_range",
    25: "zero_quantity",
    26: "negative_price",
    27: "total_mismatch",
    28: "missing_gender",
    29: "missing_age",
    30: "missing_age_group",
}


def test_a_bit_keeps_its_meaning() -> None:
    assert rules.NAMES == WRITTEN


@pytest.mark.parametrize("name", shipped())
def test_the_judged_rules_of_a_contract_are_in_the_catalog_and_have_a_rule_and_a_meaning(name: str) -> None:
    judged = rules.judged(load(name))
    assert {r.bit: r.name for r in judged}.items() <= WRITTEN.items()
    assert all(r.rule and r.meaning for r in judged)
    assert all(r.rule is None and r.meaning for r in rules.READING)


def test_a_mask_reads_as_names_in_the_order_of_bits() -> None:
    assert rules.names_of(0) == []
    assert rules.names_of(1 << 27 | 1 << 3 | 1) == ["malformed_row", "invalid_date", "total_mismatch"]
    assert all(rules.names_of(1 << bit) == [name] for bit, name in WRITTEN.items())


def test_what_a_contract_requires_is_judged_and_nothing_else() -> None:
    def names(columns: str) -> set[str]:
        contract = parse(
            "name: s\ntimezone: UTC\ncountry: DE\ncurrency: EUR\nstart_date: 2024-01-01\ncolumns:\n"
            "  transaction_id: {header: a}\n  sold_at: {header: b}\n  product_category: {header: c}\n"
            f"  quantity: {{header: d}}\n{columns}",
            "test",
        )
        return {r.name for r in rules.judged(contract)}

    always = {"missing_transaction_id", "missing_category", "date_out_of_range", "zero_quantity", "negative_price"}
    assert names("  total_amount: {header: e}\n") == always
    assert names("  total_amount: {header: e}\n  unit_price: {header: f}\n") == always | {"total_mismatch"}
    orders = "  total_amount: {header: e}\n  order_id: {header: f}\n"
    assert names(orders) == always
    assert names(orders.replace("f}", "f, required: true}")) == always | {"missing_order_id"}
    both = "  total_amount: {header: e}\n  customer_id: {header: f, required: true}\n  store_id: {header: g}\n"
    assert names(both) == always | {"missing_customer_id"}

"""Money as shops write it is read right or refused: signs, groups, cents, refunds, currencies."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.contracts import loading
from retail_assets.contracts.currency_signs import signs_of
from retail_assets.contracts.headers import match_header
from retail_assets.errors import ContractError, LandingError
from retail_assets_tests.cleaning.test_parse import BOOKS, INDIAN, PLAIN, SWISS, contract, one, parsed
from retail_assets_tests.trials import trials


def amounts(source: Any, *texts: str) -> list[Any]:
    """Return what is read of each text as the amount of a row: the number, or the reasons."""
    rows = parsed(source, *({"amount": t, "price": "", "quantity": "1"} for t in texts))
    return [row["reasons"] or str(row["total_amount"]) for row in rows]


def shop(currency: str, numbers: str = "") -> Any:
    text = contract(f"numbers: {{{numbers}}}" if numbers else "").model_dump_json()
    return loading.parse(text.replace('"currency":"USD"', f'"currency":"{currency}"'), "test")


REFUSED = ["invalid_amount"]


def test_a_sign_of_several_letters_is_one_sign() -> None:
    """Case 11: `R$` counted as R or $, and ten dollars were read as ten reais."""
    for signs in ('currency_symbols: "R$"', 'currency_symbols: ["R$"]', ""):
        reais = shop("BRL", "decimal: ',', thousands: '.'" + (f", {signs}" if signs else ""))
        assert amounts(reais, "R$ 1.234,50", "R$10,00", "$10,00", "R10,00", "US$ 10,00") == [
            "1234.50",
            "10.00",
            *[REFUSED] * 3,
        ]


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("SEK", "100.50 kr"),
        ("NOK", "kr 100.50"),
        ("DKK", "100.50 kr."),
        ("CZK", "100.50 Kč"),
        ("PLN", "100.50 zł"),
        ("CHF", "Fr. 100.50"),
        ("CHF", "CHF 100.50"),
        ("MYR", "RM100.50"),
        ("IDR", "Rp100.50"),
        ("HUF", "100.50 Ft"),
        ("INR", "Rs.100.50"),
        ("INR", "rs 100.50"),
        ("INR", "₹100.50"),
        ("PEN", "S/.100.50"),
        ("USD", "US$100.50"),
        ("USD", "100.50 usd"),
    ],
)
def test_the_usual_signs_of_a_currency_are_known(currency: str, text: str) -> None:
    assert amounts(shop(currency), text) == ["100.50"]
    assert amounts(shop("GBP"), text) == [REFUSED]


def test_a_point_that_ends_a_sign_is_no_decimal_mark() -> None:
    assert amounts(shop("INR"), "Rs.500", "Rs500", "Rs. 500", "500 Rs.") == ["500.00"] * 4


def test_signs_are_those_that_cldr_have() -> None:
    from babel import Locale

    homes = {
        "BRL": "pt_BR",
        "SEK": "sv_SE",
        "CZK": "cs_CZ",
        "PLN": "pl_PL",
        "INR": "en_IN",
        "IDR": "id_ID",
        "HUF": "hu_HU",
        "MYR": "ms_MY",
        "DKK": "da_DK",
        "EUR": "de_DE",
        "GBP": "en_GB",
        "JPY": "ja_JP",
        "TRY": "tr_TR",
        "USD": "en_US",
    }
    for code, home in homes.items():
        assert Locale.parse(home).currency_symbols[code] in signs_of(code), code


def test_digits_in_indian_groups() -> None:
    """Case 16: most amounts of a file of rupees were rejected."""
    texts = ("₹6,00,000", "₹60,000", "₹1,23,45,678.50", "Rs. 500", "600,000", "1,2,345", "12,34", "1,234,56", "1,00,00")
    expected = ["600000.00", "60000.00", "12345678.50", "500.00", "600000.00", *[REFUSED] * 4]
    assert amounts(shop("INR", "thousands: ','"), *texts) == expected
    assert amounts(INDIAN, "$6,00,000") == ["600000.00"]
    assert amounts(contract("numbers: {thousands: ','}"), "6,00,000") == [REFUSED]
    assert amounts(shop("INR", "thousands: ',', grouping: thousands"), "6,00,000") == [REFUSED]


def test_other_ways_to_write_a_minus_and_nothing() -> None:
    texts = ("(12.50)", "$(1,012.50)", "($12.50)", "(12.50) USD", "12.50-", "12.50− USD", "−12.50", "$ -", "-")
    expected = ["-12.50", "-1012.50", "-12.50", "-12.50", "-12.50", "-12.50", "-12.50", "0.00", "0.00"]
    assert amounts(BOOKS, *texts) == expected
    bad = ("(12.50", "(-12.50)", "-(12.50)", "-12.50-", "12.50 CR", "12-50", "()", "(12)(5)", "12.50%", "5e-", "--")
    assert amounts(BOOKS, *bad) == [REFUSED] * len(bad)
    assert amounts(PLAIN, "(12.50)", "12.50-", "-", "−12.50") == [*[REFUSED] * 3, "-12.50"]
    assert amounts(SWISS, "1’234.50", "1'234.50") == ["1234.50", "1234.50"]


def test_amounts_beyond_cents_are_rounded_where_the_contract_says_so() -> None:
    """Case 07: the commonest sales file there is has amounts such as 957.5775."""
    cents = contract("numbers: {round: cents}")
    texts = ("957.5775", "22.368", "0.005", "-0.005", "0.0049", "911.42")
    assert amounts(cents, *texts) == ["957.58", "22.37", "0.01", "-0.01", "0.00", "911.42"]
    assert amounts(PLAIN, "957.5775") == [REFUSED]
    row = one(cents, quantity="0.12345", price="0.98765", amount="0.12")
    assert (row["quantity"], row["unit_price"]) == (Decimal("0.123"), Decimal("0.9877"))


def test_a_refund_that_has_only_a_negative_amount_is_a_return() -> None:
    """Case 13: its reason was a negative price, in a file without prices."""
    weekly = contract("refunds: negative_amount", unit_price="", quantity="{header: quantity, default: 1}")
    sale, refund = parsed(weekly, {"quantity": None, "amount": "24924.50"}, {"quantity": None, "amount": "-863.00"})
    assert (sale["quantity"], sale["unit_price"]) == (1, Decimal("24924.50"))
    assert (refund["quantity"], refund["unit_price"], refund["total_amount"]) == (-1, 863, Decimal("-863.00"))
    assert refund["reasons"] + refund["judged"] == []
    till = contract("refunds: negative_amount")
    for quantity, price in (("2", "-2.50"), ("-2", "2.50"), ("2", "2.50"), ("-2", "-2.50")):
        row = one(till, quantity=quantity, price=price, amount="-5.00")
        assert (row["quantity"], row["unit_price"], row["total_amount"]) == (-2, Decimal("2.5"), -5)
    computed = contract("refunds: negative_amount", total_amount="")
    row = one(computed, quantity="1", price="-12.00")
    assert (row["quantity"], row["unit_price"], row["total_amount"], row["judged"]) == (-1, 12, -12, [])
    assert one(till, quantity="0", amount="-5.00")["judged"] == ["zero_quantity", "total_mismatch"]


IN_DOLLARS = contract("currencies: {column: currency}")
RATES = contract("currencies: {column: currency, default: USD, rates: {EUR: 1.08, CAD: 0.73, JPY: 0.0000068}}")


def test_money_of_another_currency_is_not_added_up() -> None:
    """Case 12: 5000 JPY were 5000 USD."""
    rows = parsed(IN_DOLLARS, *({"currency": c} for c in ("usd", " US$", "$", "jpy", "", None, "€", "US dollars")))
    assert [r["reasons"] for r in rows] == [[]] * 3 + [["other_currency"]] * 5
    assert [r["total_amount"] for r in rows] == [Decimal("5.00")] * 3 + [None] * 5
    assert all(r["judged"] == [] for r in rows)
    no_price = contract("currencies: {column: currency}", unit_price="")
    row = one(no_price, currency="EUR", amount="x")
    assert row["reasons"] == ["invalid_amount", "other_currency"]


def test_money_with_a_rate_is_converted() -> None:
    row = one(RATES, currency="eur", quantity="3", price="3.33", amount="9.99")
    assert (row["total_amount"], row["unit_price"]) == (Decimal("10.79"), Decimal("3.5964"))
    assert one(RATES, currency="EUR", quantity="1", price="", amount="-0.50")["total_amount"] == Decimal("-0.54")
    assert one(RATES, currency="", amount="5.00")["total_amount"] == 5
    assert one(RATES, currency="JPY", quantity="1", price="", amount="735000")["total_amount"] == Decimal("5.00")
    # The tolerance is in the currency of the row; rounding to another one is no mismatch.
    assert one(RATES, currency="EUR", quantity="1000", price="0.0333", amount="33.30")["judged"] == []
    assert one(RATES, currency="EUR", quantity="2", price="2.50", amount="5.02")["judged"] == ["total_mismatch"]
    huge = one(contract("currencies: {column: c, rates: {EUR: 999999999}}"), c="EUR", price="", amount="999999999999")
    assert huge["reasons"] == ["invalid_amount"]


def test_a_sign_of_another_currency_than_the_rows_is_refused() -> None:
    def read(currency: str, amount: str) -> Any:
        row = one(RATES, currency=currency, quantity="1", price="", amount=amount)
        return row["reasons"] or str(row["total_amount"])

    assert [read("EUR", "€10"), read("USD", "$10"), read("CAD", "CA$10"), read("CAD", "$10")] == [
        "10.80",
        "10.00",
        "7.30",
        "7.30",
    ]
    for currency, amount in (("EUR", "$10"), ("USD", "€10"), ("USD", "C$10"), ("EUR", "10 USD"), ("USD", "£10")):
        assert read(currency, amount) == REFUSED
    assert read("$", "10") == ["other_currency"]  # of USD or of CAD


@settings(max_examples=trials(30))
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["USD", "eur", "Cad", "JPY", "GBP", "", "usd "]),
            st.decimals(-(10**9), 10**9, places=2),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_converted_amount_is_the_product_rounded_to_cents(rows: list[tuple[str, Decimal]]) -> None:
    rates = {"USD": Decimal(1), "": Decimal(1)} | {k: Decimal(v) for k, v in RATES.currencies.rates.items()}
    read = parsed(RATES, *({"currency": c, "quantity": "1", "price": "", "amount": str(a)} for c, a in rows))
    for (code, amount), row in zip(rows, read, strict=True):
        rate = rates.get(code.strip().upper())
        if rate is None:
            assert (row["total_amount"], row["reasons"]) == (None, ["other_currency"])
        else:
            assert row["total_amount"] == (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


def computed(expression: str, **columns: str) -> Any:
    return contract(**{"unit_price": "", "total_amount": f'{{expression: "{expression}"}}'} | columns)


def test_an_amount_may_be_an_expression_over_the_columns_of_the_file() -> None:
    source = computed("Quantity * Price * (1 - default(Discount, 0))")
    discounts = ("0.2", "20%", "12.5 %", "", "N/A", "0", "x", "-5%")
    rows = parsed(source, *({"quantity": "3", "Price": "9.99", "Discount": d} for d in discounts))
    assert [r["reasons"] or str(r["total_amount"]) for r in rows] == [
        *("23.98", "23.98", "26.22", "29.97", "29.97", "29.97", REFUSED, "31.47")
    ]
    assert str(rows[0]["unit_price"]) == "7.9933"
    net = computed("Total - [Tax (19%)]")
    assert str(one(net, **{"Total": "$11.90", "Tax (19%)": "$1.90"})["total_amount"]) == "10.00"
    assert one(net, **{"Total": "11.90", "Tax (19%)": ""})["reasons"] == REFUSED  # as long as it has no default
    assert one(net, **{"Total": "€11.90", "Tax (19%)": "0"})["reasons"] == REFUSED
    each = contract(unit_price='{expression: "amount / (packs * 6)"}', quantity='{expression: "packs * 6"}')
    row = one(each, packs="2", amount="5.00")
    assert (row["quantity"], str(row["unit_price"]), row["judged"]) == (12, "0.4167", [])
    assert one(each, packs="0", amount="5.00")["reasons"] == ["invalid_price"]
    assert one(each, packs="1000", amount="333.33")["judged"] == []  # a computed price is rounded, and not compared
    german = contract("numbers: {decimal: ','}", unit_price="", total_amount='{expression: "p * default(f, 0.5)"}')
    assert [str(r["total_amount"]) for r in parsed(german, {"p": "1,5", "f": ""}, {"p": "1,5", "f": "2,0"})] == [
        "0.75",
        "3.00",
    ]


def test_an_expression_that_gets_too_large_or_divides_by_zero_rejects_its_row_and_no_other() -> None:
    source = computed("a * a * a * a / b")
    cells = (("999999999999", "1"), ("1", "0"), ("2", "1"), ("1e11", "0.000001"), ("x", "1"))
    read = [r["reasons"] or r["total_amount"] for r in parsed(source, *({"a": a, "b": b} for a, b in cells))]
    assert read == [REFUSED, REFUSED, Decimal(16), REFUSED, REFUSED]


def test_an_expression_has_cancellations_refunds_and_currencies_too() -> None:
    more = "cancellations: {column: id, prefix: C}\ncurrencies: {column: cur, rates: {EUR: 2}}"
    source = contract(more, unit_price="", total_amount='{expression: "quantity * p"}')
    rows = parsed(
        source,
        {"id": "C1", "cur": "EUR", "p": "€1.50"},
        {"cur": "EUR", "p": "$1.50"},
        {"cur": "GBP", "p": "1.50"},
    )
    assert [r["reasons"] or str(r["total_amount"]) for r in rows] == ["-6.00", REFUSED, ["other_currency"]]


def test_the_columns_of_an_expression_are_read_and_asked_for() -> None:
    source = computed("Qty * Price * (1 - default(Discount, 0))")
    assert {"Qty", "Price", "Discount"} <= set(source.raw_columns())
    header = ["id", "date", "category", "quantity", "QTY"]
    with pytest.raises(LandingError, match=r"not found: +'Price' \(nearest: 'Prise'\)"):
        match_header([*header, "Prise"], source, "s.csv")
    assert match_header([*header, "price"], source, "s.csv").missing == ("Discount",)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("currencies: {column: c, rates: {USD: 1}}", "USD is the contract's own `currency`, and needs no rate"),
        ("currencies: {column: c, rates: {EUR: 0}}", "'0' is not a rate"),
        ("currencies: {column: c, rates: {EUR: -1}}", "'-1' is not a rate"),
        ("currencies: {column: c, rates: {eur: 1}}", "String should match pattern"),
        ("currencies: {column: c, default: EUR}", "neither the contract's `currency` nor has it a rate"),
        ("  store_id: {expression: a + b}", "columns.store_id: `expression` is for numbers only"),
        ("  product_id: {header: a, expression: b}", "one of `compose` and `expression`"),
        ("  product_id: {expression: a +}", "the end is missing (character 4 of the expression 'a +')"),
        ("  product_id: {expression: a, default: 1}", "write default(Discount, 0) in it"),
        ("currencies: {colum: c}", "Did you mean 'column'?"),
        ("numbers: {grouping: indian}", "needs the mark between groups"),
        ("numbers: {currency_symbols: ['.']}", "a point is no sign of a currency"),
        ("numbers: {currency_symbols: '$.'}", "a point is no sign of a currency"),
        ("numbers: {currency_symbols: ['5$']}", "String should match pattern"),
    ],
)
def test_a_wrong_rule_for_money_is_refused(more: str, problem: str) -> None:
    with pytest.raises(ContractError) as refused:
        contract(more)
    assert problem in str(refused.value)

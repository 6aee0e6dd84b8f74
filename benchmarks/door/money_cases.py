"""Files whose numbers, currencies, refunds and prices are written in every way that shops write them."""

from __future__ import annotations

from benchmarks.door.case import COLUMNS, Case, Sale, lines, sale, shop

GROUP = "Numbers and money"
HEADER = "ID,Date,Customer,Category,Qty,Total"
EURO = {"timezone": "Europe/Berlin", "country": "DE", "currency": "EUR"}


def _paid(*cells: str) -> tuple[str, ...]:
    return (HEADER, *('{},2026-03-01,C7,Toys,"{}","{}"'.format(i, *c.split("|")) for i, c in enumerate(cells, 1)))


def _sales(*values: str) -> tuple[Sale, ...]:
    return tuple(sale(str(i), "2026-03-01", "Toys", *value.split("|")) for i, value in enumerate(values, 1))


def _case(what: str, cells: tuple[str, ...], values: tuple[str, ...], contract: str = "", note: str = "") -> Case:
    return Case(GROUP, what, contract or shop(), lines(*_paid(*cells)), _sales(*values), note=note)


PRICED = COLUMNS.replace("total_amount: {header: Total}", "unit_price: {header: Price}")
BOTH = COLUMNS + "  unit_price: {header: Price}\n"

CASES: tuple[Case, ...] = (
    _case("plain numbers", ("2|10", "1|7.50"), ("2|10.00", "1|7.50")),
    _case(
        "thousands separators",
        ("1|1,234.50", "1|1,234,567.00"),
        ("1|1234.50", "1|1234567.00"),
        shop('numbers: {thousands: ","}'),
    ),
    _case(
        "decimal comma, points between thousands, €",
        ("1|1.234,50 €", "1|€ 7,00", "1|EUR 3"),
        ("1|1234.50", "1|7.00", "1|3.00"),
        shop("numbers: {decimal: ',', thousands: '.'}", **EURO),
    ),
    _case(
        "spaces between thousands, also no-break ones",
        ("1|1 234,50", "1|12\u00a0345,00", "1|1\u202f000"),
        ("1|1234.50", "1|12345.00", "1|1000.00"),
        shop("numbers: {decimal: ',', thousands: ' '}", **EURO),
    ),
    _case(
        "apostrophes between thousands",
        ("1|1'234.50", "1|CHF 12'000.00"),
        ("1|1234.50", "1|12000.00"),
        shop("""numbers: {thousands: "'"}""", timezone="Europe/Zurich", country="CH", currency="CHF"),
    ),
    _case(
        "lakh and crore",
        ("1|₹6,00,000", "1|₹60,000", "1|₹1,23,45,678.50", "1|Rs. 500"),
        ("1|600000", "1|60000", "1|12345678.50", "1|500"),
        shop('numbers: {thousands: ","}', timezone="Asia/Kolkata", country="IN", currency="INR"),
        "Case 16.",
    ),
    _case(
        "signs of several letters",
        ("1|R$ 10,50", "1|R$7,00"),
        ("1|10.50", "1|7.00"),
        shop("numbers: {decimal: ',', thousands: '.'}", timezone="America/Sao_Paulo", country="BR", currency="BRL"),
        "Case 11.",
    ),
    _case(
        "`kr` behind the amount",
        ("1|1 250,00 kr", "1|99 kr"),
        ("1|1250.00", "1|99.00"),
        shop("numbers: {decimal: ',', thousands: ' '}", timezone="Europe/Stockholm", country="SE", currency="SEK"),
        "Case 11.",
    ),
    Case(
        GROUP,
        "the sign of another currency",
        shop(),
        lines(*_paid("1|£10.00", "1|$5.00")),
        (sale("2", "2026-03-01", "Toys", "1", "5.00"),),
        {"invalid_amount": 1},
        note="Pounds are not read as dollars.",
    ),
    _case(
        "brackets and a trailing minus",
        ("-1|(12.50)", "-1|7.00-"),
        ("-1|-12.50", "-1|-7.00"),
        shop("numbers: {negatives: [brackets, trailing]}"),
    ),
    _case(
        "fractions of a cent, rounded as declared",
        ("2|261.96", "5|957.5775", "2|22.368"),
        ("2|261.96", "5|957.58", "2|22.37"),
        shop("numbers: {round: cents}"),
        "Case 07.",
    ),
    Case(
        GROUP,
        "fractions of a cent, not declared",
        shop(),
        lines(*_paid("2|261.96", "5|957.5775")),
        (sale("1", "2026-03-01", "Toys", "2", "261.96"),),
        {"invalid_amount": 1},
        note="Case 07.",
    ),
    Case(
        GROUP,
        "price × quantity, without an amount",
        shop(columns=PRICED),
        lines("ID,Date,Customer,Category,Qty,Price", "1,2026-03-01,C7,Toys,3,2.50"),
        (sale("1", "2026-03-01", "Toys", "3", "7.50", unit_price="2.50"),),
    ),
    Case(
        GROUP,
        "price, quantity and amount that differ",
        shop(columns=BOTH),
        lines(f"{HEADER},Price", "1,2026-03-01,C7,Toys,3,7.50,2.50", "2,2026-03-01,C7,Toys,3,8.00,2.50"),
        (sale("1", "2026-03-01", "Toys", "3", "7.50"),),
        {"total_mismatch": 1},
    ),
    Case(
        GROUP,
        "neither a price nor an amount",
        shop(columns=BOTH),
        lines(f"{HEADER},Price", "1,2026-03-01,C7,Toys,2,10.00,5.00", "2,2026-03-01,C7,Toys,1,,"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"),),
        {"missing_amount": 1},
        note="Case 01.",
    ),
    Case(
        GROUP,
        "an empty amount",
        shop(),
        lines(HEADER, "1,2026-03-01,C7,Toys,2,10.00", "2,2026-03-01,C7,Toys,1,"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"),),
        {"missing_amount": 1},
        note="Case 01.",
    ),
    Case(
        GROUP,
        "an amount as an expression: less a discount",
        shop(
            "numbers: {round: cents}",
            columns=COLUMNS.replace("{header: Total}", '{expression: "Qty * Price * (1 - Discount)"}'),
        ),
        lines(
            "ID,Date,Customer,Category,Qty,Price,Discount",
            "1,2026-03-01,C7,Toys,2,10.00,0.2",
            "2,2026-03-01,C7,Toys,3,9.99,0",
        ),
        (sale("1", "2026-03-01", "Toys", "2", "16.00"), sale("2", "2026-03-01", "Toys", "3", "29.97")),
    ),
    Case(
        GROUP,
        "an amount as an expression: without the tax",
        shop("numbers: {round: cents}", columns=COLUMNS.replace("{header: Total}", '{expression: "Total - [Tax 5%]"}')),
        lines(
            "ID,Date,Customer,Category,Qty,Total,Tax 5%",
            "1,2026-03-01,C7,Toys,7,548.9715,26.1415",
            "2,2026-03-01,C7,Toys,5,80.22,3.82",
        ),
        (sale("1", "2026-03-01", "Toys", "7", "522.83"), sale("2", "2026-03-01", "Toys", "5", "76.40")),
    ),
    Case(
        GROUP,
        "a column of currencies, others without a rate",
        shop("currencies: {column: Currency}"),
        lines(f"{HEADER},Currency", "1,2026-03-01,C7,Toys,1,15.00,usd", "2,2026-03-01,C7,Toys,1,5000,jpy"),
        (sale("1", "2026-03-01", "Toys", "1", "15.00"),),
        {"other_currency": 1},
        note="Case 12: yen are not added to dollars.",
    ),
    Case(
        GROUP,
        "a column of currencies, with a rate",
        shop("currencies: {column: Currency, rates: {JPY: 0.0065}}"),
        lines(f"{HEADER},Currency", "1,2026-03-01,C7,Toys,1,15.00,USD", "2,2026-03-01,C7,Toys,1,5000,JPY"),
        (sale("1", "2026-03-01", "Toys", "1", "15.00"), sale("2", "2026-03-01", "Toys", "1", "32.50")),
    ),
    Case(
        GROUP,
        "refunds that have only a negative amount",
        shop("refunds: negative_amount"),
        lines(*_paid("1|24924.50", "1|-863.00")),
        (sale("1", "2026-03-01", "Toys", "1", "24924.50"), sale("2", "2026-03-01", "Toys", "-1", "-863.00")),
        note="Case 13.",
    ),
    _case("returns with a negative quantity", ("-2|-10.00", "3|15.00"), ("-2|-10.00", "3|15.00")),
    Case(
        GROUP,
        "canceled lines beside their sales",
        shop("cancellations: {column: ID, prefix: C}"),
        lines(HEADER, "1,2026-03-01,C7,Toys,2,10.00", "C1,2026-03-02,C7,Toys,2,10.00"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"), sale("C1", "2026-03-02", "Toys", "-2", "-10.00")),
    ),
)

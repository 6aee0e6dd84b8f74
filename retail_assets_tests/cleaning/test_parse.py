"""Reading never changes a value silently: it means what was written, or the row has a reason."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.cleaning import rules
from retail_assets.cleaning.parse import Parser, parsed_schema
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.lake.profile import FileProfile
from retail_assets_tests.trials import trials

LANDED = dt.date(2024, 6, 1)
COLUMNS = {
    "transaction_id": "{header: id}",
    "sold_at": "{header: date}",
    "product_category": "{header: category}",
    "quantity": "{header: quantity}",
    "unit_price": "{header: price}",
    "total_amount": "{header: amount, required: true}",
}
GOOD = {"id": "1", "date": "2024-01-05", "category": "Toys", "quantity": "2", "price": "2.50", "amount": "5.00"}


def contract(more: str = "", **columns: str) -> Contract:
    rules_of_columns = {**COLUMNS, **columns}
    lines = "\n".join(f"  {name}: {rule}" for name, rule in rules_of_columns.items() if rule)
    return loading.parse(
        "name: test\ntimezone: America/New_York\ncountry: US\ncurrency: USD\nstart_date: 2024-01-01\n"
        f"columns:\n{lines}\n{more}",
        "test",
    )


def parsed(source: Contract, *rows: Mapping[str, str | None], date_order: str | None = None) -> list[dict[str, Any]]:
    """Return typed rows, each of which is GOOD with changes.

    `reasons` and `judged` name the broken rules, `noted` what could not be read of a row that counts.
    """
    header = list(source.raw_columns())
    whole = [{**GOOD, **row} for row in rows]
    profile = FileProfile(
        key="s.csv",
        size=1,
        sha256="",
        format="csv",
        compression=None,
        encoding="utf-8",
        delimiter=",",
        line_end="lf",
        header=header,
        header_lines=1,
        positions={name: i for i, name in enumerate(header)},
        unknown_columns=[],
        missing_columns=[],
        lines=len(rows),
        date_order=date_order,
    )
    n = len(whole)
    columns = {f"c{i}": pa.array([row.get(name) for row in whole], pa.string()) for i, name in enumerate(header)}
    records = pa.table(
        {
            **columns,
            "line": pa.array(range(2, n + 2), pa.int64()),
            "lines": pa.array([1] * n, pa.int32()),
            "raw": pa.array([",".join(str(row.get(h)) for h in header) for row in whole], pa.string()),
            "defects": pa.array([0] * n, pa.int64()),
        }
    )
    with Parser(profile, source, LANDED) as parser:
        table = parser.parse(records)
    assert table.schema == parsed_schema(source)
    assert table["source_line"].to_pylist() == list(range(2, n + 2))
    reading = sum(r.mask for r in rules.READING)
    masks = [(row, row["reasons"] & reading, row["reasons"] & ~reading) for row in table.to_pylist()]
    return [
        row
        | {"reasons": rules.names_of(read), "judged": rules.names_of(judged)}
        | {"mask": row["reasons"]}
        | {"noted": [note.name for note in rules.NOTES if row["reasons"] & note.mask]}
        for row, read, judged in masks
    ]


def one(source: Contract, date_order: str | None = None, **row: str | None) -> dict[str, Any]:
    return parsed(source, row, date_order=date_order)[0]


PLAIN = contract()
EURO = contract("numbers: {decimal: ',', thousands: '.'}")
FRENCH = contract("numbers: {decimal: ',', thousands: ' '}")
MARKED = contract("numbers: {thousands: ','}")
SWISS = contract('numbers: {thousands: "\'"}')
INDIAN = contract("numbers: {thousands: ',', grouping: indian}")
BOOKS = contract("numbers: {thousands: ',', negatives: [brackets, trailing], zeros: ['-']}")
ROUNDED = contract("numbers: {round: cents, negatives: [trailing]}")

NUMBER_LIKE = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.text(alphabet="0123456789.,-+ eE'’−$€()\u00a0_٣x%", max_size=10),
    st.from_regex(r"-?\d{1,3}([,.'’ ]\d{3}){0,2}([.,]\d{0,4})?", fullmatch=True),
    st.from_regex(r"\d{1,2}(,\d{2}){0,3},\d{3}([.]\d{0,3})?", fullmatch=True),
    st.from_regex(
        r"[$]?\([$]?\d{1,4}[.]\d{0,3}\)( USD)?|[$]?\d{1,3}[.]\d{0,3}( usd| US[$])?[-−]( usd)?", fullmatch=True
    ),
    st.sampled_from(["-", "$ -", "- USD", "--", "(-)", "$", ""]),
)


def meant(text: str, source: Contract, *, money: bool) -> Decimal | None:
    """Return what a text means in the contract's notation, in plain Python; None if it is not a number."""
    marks = source.numbers
    value = text.strip(" \t\u00a0").replace("−", "-")
    currency = r"(?:USD|US\$|\$)"
    if "brackets" in marks.negatives and value.count("(") == 1 and not set("+-") & set(value):
        value = re.sub(
            rf"^((?:{currency}\s*)?)\(([^()]+)\)((?:\s*{currency})?)$", r"-\1\2\3", value, flags=re.IGNORECASE
        )
    if "trailing" in marks.negatives:
        value = re.sub(rf"^([^()+-]*\d[^()+-]*)-((?:\s*{currency})?\s*)$", r"-\1\2", value, flags=re.IGNORECASE)
    if money:
        around = rf"^([+-]?)[\s\u00a0]*{currency}[\s\u00a0]*|[\s\u00a0]*{currency}$"
        value = re.sub(around, r"\1", value, flags=re.IGNORECASE)
    if value in marks.zeros:
        return Decimal(0)
    groups = {" ": "[ \u00a0\u202f]", "": "(?!)", "'": "['’]"}.get(marks.thousands, re.escape(marks.thousands))
    point = re.escape(marks.decimal)
    sign = r"[+-]?[\s\u00a0]*"
    whole = rf"\d{{1,3}}({groups}\d{{3}})+" + (r"|\d{1,2}(,\d{2})+,\d{3}" if marks.grouping == "indian" else "")
    if not re.fullmatch(rf"{sign}[+-]?({whole}|\d*)({point}\d*)?([eE][+-]?\d+)?", value, re.ASCII):
        return None
    bare = re.sub(groups, "", value) if marks.thousands else value
    try:
        return Decimal(re.sub(r"\s", "", bare.replace(marks.decimal, ".")))
    except InvalidOperation:
        return None


@settings(max_examples=trials(60))
@given(
    texts=st.lists(NUMBER_LIKE, min_size=1, max_size=30),
    source=st.sampled_from([PLAIN, EURO, FRENCH, MARKED, SWISS, INDIAN, BOOKS, ROUNDED]),
)
def test_a_number_is_what_was_written_or_the_row_has_a_reason(texts: list[str], source: Contract) -> None:
    half_a_millionth = Decimal("0.0000005")
    rows = parsed(source, *({"amount": t, "price": t, "quantity": t} for t in texts))
    for text, row in zip(texts, rows, strict=True):
        for name, reason, cents in (
            ("total_amount", "invalid_amount", Decimal("0.01")),
            ("unit_price", "invalid_price", Decimal("0.0001")),
            ("quantity", "invalid_quantity", Decimal("0.001")),
        ):
            word = text.strip(" \t\u00a0").upper()
            missing = not word or word in {w.upper() for w in source.missing_values}
            if reason in row["reasons"] or (name == "unit_price" and missing):
                continue  # a price that is not given follows from amount and quantity
            value = meant(text, source, money=name != "quantity")
            # An underscore between digits is Python's notation, and DuckDB's.
            value = Decimal(text.strip()) if value is None and "_" in text else value
            assert value is not None, (text, row[name])
            if source.numbers.round:
                value = value.quantize(Decimal("0.000001"), ROUND_HALF_UP).quantize(cents, ROUND_HALF_UP)
                assert row[name] == value, (text, row[name])
            assert abs(row[name] - value) <= half_a_millionth, (text, row[name])


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        (PLAIN, "5", "5.00"),
        (PLAIN, " 5.0 ", "5.00"),
        (PLAIN, "$5.00", "5.00"),
        (PLAIN, "-$5.00", "-5.00"),
        (PLAIN, "$ -5.00", "-5.00"),
        (PLAIN, "5.00 USD", "5.00"),
        (PLAIN, "\u00a05.00\u202f", "5.00"),
        (PLAIN, "-0", "0.00"),
        (PLAIN, "1e3", "1000.00"),
        (PLAIN, "5.000000000000001", "5.00"),
        (PLAIN, "€5.00", None),
        (PLAIN, "5$00", None),
        (PLAIN, "(5.00)", None),
        (PLAIN, "5.00-", None),
        (PLAIN, "5.001", None),
        (PLAIN, "1,234.56", None),
        (PLAIN, "٥", None),
        (PLAIN, "nan", None),
        (PLAIN, "infinity", None),
        (PLAIN, "1234567890123", None),
        (PLAIN, "", None),
        (MARKED, "$1,234,567.89", "1234567.89"),
        (MARKED, "1,23", None),
        (MARKED, "12,34.00", None),
        (EURO, "1.234,56", "1234.56"),
        (EURO, "1.234", "1234.00"),
        (EURO, "12,5", "12.50"),
        (EURO, "12.50", None),
        (EURO, "-1.234.567,8", "-1234567.80"),
        (FRENCH, "1\u202f234,56", "1234.56"),
        (FRENCH, "1\u00a0234 567,1 USD", "1234567.10"),
        (SWISS, "1'234.50", "1234.50"),
        (contract("numbers: {currency_symbols: '€$'}"), "€5.00", "5.00"),
        (contract("numbers: {currency_symbols: ''}"), "$5.00", None),
    ],
)
def test_an_amount(source: Contract, text: str, expected: str | None) -> None:
    row = one(source, amount=text, price="", quantity="1")
    assert row["total_amount"] == (None if expected is None else Decimal(expected))
    assert row["reasons"] == (["invalid_amount"] if expected is None else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.125", "0.125"), ("0.1254", None), ("-3", "-3.000"), ("2.0000000001", "2.000"), ("two", None), ("$2", None)],
)
def test_a_quantity(text: str, expected: str | None) -> None:
    row = one(PLAIN, quantity=text, price="")
    assert row["quantity"] == (None if expected is None else Decimal(expected))
    assert row["reasons"] == (["invalid_quantity"] if expected is None else [])


def test_a_price_keeps_four_decimals_and_is_not_rounded() -> None:
    assert one(PLAIN, price="0.0125")["unit_price"] == Decimal("0.0125")
    assert one(PLAIN, price="0.01251")["reasons"] == ["invalid_price"]


def test_what_is_not_given_follows_from_the_rest() -> None:
    assert one(PLAIN, price="")["unit_price"] == Decimal("2.5000")
    no_amount = contract(total_amount="")
    assert one(no_amount)["total_amount"] == Decimal("5.00")
    assert one(no_amount, price="x")["reasons"] == ["invalid_price"]
    optional = contract(total_amount="{header: amount}")
    assert (one(optional, amount="")["total_amount"], one(optional, amount="")["reasons"]) == (Decimal("5.00"), [])
    assert one(optional, amount="x")["reasons"] == ["invalid_amount"]
    assert one(PLAIN, amount="")["reasons"] == ["invalid_amount"]
    assert one(PLAIN, quantity="0", price="")["unit_price"] is None


@pytest.mark.parametrize(
    "money",
    [
        {"unit_price": "", "total_amount": "{header: amount}"},
        {"unit_price": "{header: price}", "total_amount": ""},
        {"unit_price": "{header: price}", "total_amount": "{header: amount}"},
    ],
)
@pytest.mark.parametrize("empty", ["", " ", "NULL"])
def test_a_row_with_neither_price_nor_amount_has_no_money(money: dict[str, str], empty: str) -> None:
    row = one(contract(**money), price=empty, amount=empty)
    assert (row["reasons"], row["judged"], row["total_amount"]) == (["missing_amount"], [], None)


def test_a_derived_price_or_amount_that_fits_no_column_is_a_reason() -> None:
    optional = contract(total_amount="{header: amount}")
    assert one(optional, amount="", quantity="999999999999", price="9999999999.99")["reasons"] == ["invalid_amount"]
    assert one(PLAIN, price="", quantity="0.001", amount="999999999999.99")["reasons"] == ["invalid_price"]


DAY = dt.datetime(2024, 1, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-05", DAY),
        ("2024/1/5", DAY),
        ("\u00a02024-01-05\t", DAY),
        ("2024-01-05 14:03", DAY.replace(hour=14, minute=3)),
        ("2024-01-05T14:03:22.5", DAY.replace(hour=14, minute=3, second=22, microsecond=500_000)),
        ("2024-01-05 14:03:22", DAY.replace(hour=14, minute=3, second=22)),
        ("2024-01-05T14:03:22Z", DAY.replace(hour=9, minute=3, second=22)),
        ("2024-07-05 14:03+02:00", dt.datetime(2024, 7, 5, 8, 3)),
        ("2024-07-05T14:03:22.25-0500", dt.datetime(2024, 7, 5, 15, 3, 22, 250_000)),
        ("2024-01-05 24:00", dt.datetime(2024, 1, 6)),
        ("2024-02-30", None),
        ("2023-02-29", None),
        ("2024-13-01", None),
        ("2024-01-05 10:00 PM", None),
        ("2024-01-05 10:00:00 America/New_York", None),
        ("2024-01-05 BC", None),
        ("epoch", None),
        ("infinity", None),
        ("-infinity", None),
        ("today", None),
        ("20240105", None),
        ("24-01-05", None),
        ("45296", None),
        ("05/01/2024", None),
        ("", None),
    ],
)
def test_a_date_in_iso_8601(text: str, expected: dt.datetime | None) -> None:
    row = one(PLAIN, date=text)
    assert row["sold_at"] == expected
    assert row["reasons"] == (["invalid_date"] if expected is None else [])


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("05/01/2024", "dmy", DAY),
        ("05/01/2024", "mdy", dt.datetime(2024, 5, 1)),
        ("5.1.2024 9:05", "dmy", DAY.replace(hour=9, minute=5)),
        ("1-5-2024 9:05:06", "mdy", DAY.replace(hour=9, minute=5, second=6)),
        ("1/5/24", "mdy", DAY),
        ("5/1/99", "dmy", dt.datetime(1999, 1, 5)),
        ("5/1/24 1:05 pm", "dmy", DAY.replace(hour=13, minute=5)),
        ("5/1/2024 12:30 AM", "dmy", DAY.replace(minute=30)),
        ("5/1/2024 1:05PM", "dmy", DAY.replace(hour=13, minute=5)),
        ("5/1/2024 13:05 PM", "dmy", None),
        ("30/02/2024", "dmy", None),
        ("13/13/2024", "dmy", None),
        ("05/01/202", "dmy", None),
        ("05/01/20245", "dmy", None),
        ("01/31/2024", "dmy", None),
    ],
)
def test_a_numeric_date(text: str, order: str, expected: dt.datetime | None) -> None:
    declared = contract(f"dates: {{order: {order}}}")
    for row in (one(declared, date=text), one(PLAIN, date=text, date_order=order)):
        assert row["sold_at"] == expected
        assert row["reasons"] == (["invalid_date"] if expected is None else [])


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        (["%d-%b-%Y"], "05-Jan-2024", DAY),
        (["%d-%b-%Y"], "05-Jan-24", None),
        (["%d-%b-%Y", "%d-%b-%y"], "05-Jan-24", DAY),
        (["%b %d, %Y"], "Jan 05, 2024", DAY),
        (["%Y%m%d"], "20240105", DAY),
        (["%y-%m-%d"], "24-01-05", DAY),
        (["%H:%M %d-%m-%Y"], "10:00 05-01-2024", DAY.replace(hour=10)),
        (["%m/%d/%Y %H:%M", "%m/%d/%y %H:%M"], "12/1/10 8:26", dt.datetime(2010, 12, 1, 8, 26)),
        (["%d.%m.%Y"], "05.01.2024", DAY),
    ],
)
def test_a_date_in_the_contracts_formats(formats: list[str], text: str, expected: dt.datetime | None) -> None:
    assert one(contract(f"dates: {{formats: {formats}}}"), date=text)["sold_at"] == expected


def test_time_stamps_in_another_zone_become_shop_time() -> None:
    source = contract("dates: {zone: UTC}")
    assert one(source, date="2024-01-05 03:00:00")["sold_at"] == dt.datetime(2024, 1, 4, 22)
    assert one(source, date="2024-01-05T03:00:00+01:00")["sold_at"] == dt.datetime(2024, 1, 4, 21)


@settings(max_examples=trials(60))
@given(
    moments=st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=20),
    style=st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y"]),
)
def test_a_date_that_was_written_comes_back(moments: list[dt.datetime], style: str) -> None:
    texts = [m.strftime(style) for m in moments]
    rows = parsed(contract("dates: {order: dmy}"), *({"date": t} for t in texts))
    assert [r["sold_at"] for r in rows] == [dt.datetime.strptime(t, style) for t in texts]


@settings(max_examples=trials(30))
@given(
    moments=st.lists(
        st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
        min_size=1,
        max_size=20,
    ),
    offset=st.integers(-14 * 4, 14 * 4).map(lambda quarters: dt.timezone(dt.timedelta(minutes=15 * quarters))),
)
def test_an_offset_from_utc_is_an_instant(moments: list[dt.datetime], offset: dt.timezone) -> None:
    shop = ZoneInfo("America/New_York")
    rows = parsed(PLAIN, *({"date": m.astimezone(offset).isoformat()} for m in moments))
    assert [r["sold_at"] for r in rows] == [m.astimezone(shop).replace(tzinfo=None) for m in moments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Male", "Male"),
        ("FEMALE", "Female"),
        (" f ", "Female"),
        ("w", "Female"),
        ("X", "Other"),
        ("Non-Binary", "Other"),
        ("unknown", None),
        ("n/a", None),
        ("", None),
    ],
)
def test_a_gender(text: str, expected: str | None) -> None:
    row = one(contract(gender="{header: gender}"), gender=text)
    assert (row["gender"], row["reasons"]) == (expected, [])


def test_a_gender_that_nobody_knows_is_missing_and_noted_and_the_sale_counts() -> None:
    row = one(contract(gender="{header: gender}"), gender="Q7")
    assert (row["gender"], row["reasons"], row["noted"]) == (None, [], ["unknown_gender"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mujer", "Female"),
        ("weiblich", "Female"),
        ("FÉMININ", "Female"),
        ("Fe\u0301minin", "Female"),
        ("женский", "Female"),
        ("女性", "Female"),
        ("KADIN", "Female"),
        ("Vrouw", "Female"),
        ("Hombre", "Male"),
        ("muž", "Male"),
        ("남성", "Male"),
        ("divers", "Other"),
        ("keine Angabe", None),
        ("Prefer not to answer", None),
    ],
)
def test_a_gender_in_other_languages(text: str, expected: str | None) -> None:
    """Case 22."""
    row = one(contract(gender="{header: gender}"), gender=text)
    assert (row["gender"], row["reasons"], row["noted"]) == (expected, [], [])


def test_the_words_for_gender_of_a_contract_win() -> None:
    spanish = contract("genders: {Female: [M, Señora X], Male: [H]}", gender="{header: gender}")
    read = [one(spanish, gender=text)["gender"] for text in ("m", "H", "señora x", "Male", "Female")]
    assert read == ["Female", "Male", "Female", "Male", "Female"]


@pytest.mark.parametrize(
    ("text", "expected", "band"),
    [
        ("34", 34, "25-34"),
        ("34.0", 34, "25-34"),
        ("0", 0, "under 18"),
        ("120", 120, "65+"),
        ("", None, None),
        ("34.5", None, None),
        ("-1", None, None),
        ("121", None, None),
        ("thirty", None, None),
    ],
)
def test_an_age(text: str, expected: int | None, band: str | None) -> None:
    row = one(contract(age="{header: age}"), age=text)
    assert (row["age"], row["age_group"]) == (expected, band)
    assert row["reasons"] == []
    assert row["noted"] == ([] if expected is not None or not text else ["unknown_age"])


def test_an_age_group_of_the_source_wins() -> None:
    row = one(contract(age="{header: age}", age_group="{header: band}"), age="34", band="30-39")
    assert (row["age"], row["age_group"]) == (34, "30-39")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17850.0", "17850"),
        ("00017", "00017"),
        ("0.0", "0"),
        ("17850.00", "17850.00"),
        ("A.0", "A.0"),
        ("1.2.0", "1.2.0"),
        ("\u200b 17\u00a0", "17"),
        ("SKU E+1", "SKU E+1"),
    ],
)
def test_an_id(text: str, expected: str) -> None:
    row = one(contract(customer_id="{header: customer}"), id=text, customer=text)
    assert (row["transaction_id"], row["order_id"], row["customer_id"]) == (expected, expected, expected)
    assert row["reasons"] == []


def test_an_id_whose_digits_a_spreadsheet_rounded_away_is_a_reason() -> None:
    assert one(PLAIN, id="5.36365E+11")["reasons"] == ["rounded_id"]


def test_a_text_that_does_not_fit_its_column_is_a_reason() -> None:
    assert one(PLAIN, id="x" * 128)["reasons"] == []
    assert one(PLAIN, id="x" * 129)["reasons"] == ["text_too_long"]
    assert one(PLAIN, category="é" * 65)["reasons"] == ["text_too_long"]  # bytes count, in Redshift


def test_composed_ids_need_all_their_parts() -> None:
    source = contract(transaction_id="{compose: [basket, line]}", order_id="{header: basket}")
    rows = parsed(source, {"basket": "7.0", "line": "01"}, {"basket": "7", "line": ""}, {"basket": None, "line": "1"})
    assert [r["transaction_id"] for r in rows] == ["7-01", None, None]
    assert [r["order_id"] for r in rows] == ["7", "7", None]


@pytest.mark.parametrize(
    ("case", "text", "expected"),
    [
        ("keep", "Home  &\u00a0Garden ", "Home & Garden"),
        ("keep", "home & garden", "home & garden"),
        ("keep", "Caf\u0065\u0301", "Café"),
        ("title", "HOME & garden", "Home & Garden"),
        ("title", "éLAN", "Élan"),
        ("title", "Home & Garden", "Home & Garden"),
        ("title", "o'neill's", "O'neill's"),
        ("upper", "café\t7", "CAFÉ 7"),
        ("upper", "TOYS", "TOYS"),
    ],
)
def test_a_category_is_one_name_however_it_is_spaced_and_cased(case: str, text: str, expected: str) -> None:
    assert one(contract(f"category_case: {case}"), category=text)["product_category"] == expected


def test_defaults_fill_what_is_empty_or_not_in_the_file() -> None:
    source = contract(product_category="{header: category, default: OTHER}", quantity="{header: quantity, default: 1}")
    row = one(source, category=" ", quantity=None, price="5")
    assert (row["product_category"], row["quantity"], row["reasons"]) == ("OTHER", Decimal("1.000"), [])


def test_units_of_quantity_are_counted_whole() -> None:
    source = contract("quantity_units: [{column: kind, prefix: gas, per_unit: 1000, unit: gallon}]", unit_price="")
    rows = parsed(source, {"kind": "GASOLINE-REG", "quantity": "12345"}, {"kind": "MILK"}, {"kind": None})
    assert [r["quantity"] for r in rows] == [Decimal("12.345"), Decimal("2.000"), Decimal("2.000")]
    assert rows[0]["unit_price"] == Decimal("0.4050")
    fill_ups = contract("quantity_units: [{column: kind, prefix: G, per_unit: 1000, above: 1, unit: gallon}]")
    rows = parsed(fill_ups, *({"kind": "GAS", "quantity": q} for q in ("1", "-1", "2", "-2000")))
    assert [r["quantity"] for r in rows] == [Decimal(1), Decimal(-1), Decimal("0.002"), Decimal(-2)]


@pytest.mark.parametrize(("quantity", "amount"), [("2", "5.00"), ("-2", "-5.00"), ("-2", "5.00")])
def test_a_cancellation_counts_negative_whatever_its_sign(quantity: str, amount: str) -> None:
    source = contract("cancellations: {column: id, prefix: c}")
    row = one(source, id="C1", quantity=quantity, amount=amount)
    assert (row["quantity"], row["total_amount"], row["unit_price"]) == (Decimal(-2), Decimal(-5), Decimal("2.5"))
    assert one(source, id="1")["quantity"] == Decimal(2)
    follows = contract("cancellations: {column: id, prefix: C}", total_amount="")
    assert one(follows, id="C1", quantity=quantity)["total_amount"] == Decimal(-5)


def test_defects_of_the_record_are_its_only_reasons() -> None:
    with_defect = pa.table(
        {
            **{f"c{i}": pa.nulls(1, pa.string()) for i in range(6)},
            "line": pa.array([9], pa.int64()),
            "lines": pa.array([3], pa.int32()),
            "raw": ["some text"],
            "defects": pa.array([rules.UNCLOSED_QUOTE.mask], pa.int64()),
        }
    )
    profile = FileProfile("s.csv", 1, "", "csv", None, "utf-8", ",", "lf", list(GOOD), 1, {}, [], [], 1)
    profile = FileProfile(**{**vars(profile), "positions": {name: i for i, name in enumerate(GOOD)}})
    with Parser(profile, PLAIN, LANDED) as parser:
        [row] = parser.parse(with_defect).to_pylist()
        assert parser.parse(with_defect.slice(0, 0)).num_rows == 0
    assert rules.names_of(row["reasons"]) == ["unclosed_quote"]
    assert (row["raw_text"], row["lines"], row["source_line"]) == ("some text", 3, 9)


def test_a_quote_in_a_contract_does_not_end_the_string() -> None:
    source = contract(
        'cancellations: {column: "it\'s", prefix: "\'"}', product_category='{header: category, default: "Kid\'s"}'
    )
    row = parsed(source, {"it's": "'1", "category": ""})[0]
    assert (row["product_category"], row["quantity"]) == ("Kid's", Decimal(-2))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, []),
        ({"id": ""}, ["missing_transaction_id"]),
        ({"category": " "}, ["missing_category"]),
        ({"date": "1990-01-01"}, []),
        ({"date": "1989-12-31"}, ["date_out_of_range"]),
        ({"date": "2024-06-02 23:59"}, []),  # landed on the first of June, and a day of grace
        ({"date": "2024-06-03"}, ["date_out_of_range"]),
        ({"quantity": "0", "amount": "0.00"}, ["zero_quantity"]),
        ({"quantity": "-2", "amount": "-5.00"}, []),
        ({"price": "-2.50", "amount": "-5.00"}, ["negative_price"]),
        ({"amount": "5.01"}, []),
        ({"amount": "4.99"}, []),
        ({"amount": "5.02"}, ["total_mismatch"]),
        ({"price": "2.5051"}, ["total_mismatch"]),  # 2 x 2.5051 = 5.0102
        ({"quantity": "0", "id": "", "amount": "1"}, ["missing_transaction_id", "zero_quantity", "total_mismatch"]),
        ({"date": "Tuesday"}, []),  # what cannot be read breaks no rule on top
    ],
)
def test_a_typed_row_breaks_the_rules_it_breaks_and_no_other(row: dict[str, str], expected: list[str]) -> None:
    assert one(PLAIN, **row)["judged"] == expected


def test_an_order_is_asked_for_where_the_contract_requires_it() -> None:
    assert one(contract(order_id="{header: order, required: true}"), order="")["judged"] == ["missing_order_id"]


def test_a_line_without_an_order_is_its_own_order_where_none_is_required() -> None:
    """Case 23: an export of 1,073 rows, none with an order id, was rejected as a whole."""
    rows = parsed(contract(order_id="{header: order}"), {"id": "7", "order": ""}, {"id": "8", "order": "A"})
    assert [(row["order_id"], row["judged"]) for row in rows] == [("7", []), ("A", [])]


@pytest.mark.parametrize(
    ("column", "header", "reason"),
    [
        ("unit_price", "price", "invalid_price"),
        ("total_amount", "amount", "invalid_amount"),
        ("gender", "gender", "missing_gender"),
        ("age", "age", "missing_age"),
        ("age_group", "band", "missing_age_group"),
        ("customer_id", "customer", "missing_customer_id"),
        ("product_id", "product", "missing_product_id"),
        ("store_id", "store", "missing_store_id"),
    ],
)
def test_required_means_that_a_row_without_a_value_is_rejected(column: str, header: str, reason: str) -> None:
    """Case 23. Without `required` the row counts, and `default` fills what is required."""
    required = one(contract(**{column: f"{{header: {header}, required: true}}"}), **{header: ""})
    assert required["reasons"] + required["judged"] == [reason]
    optional = one(contract(**{column: f"{{header: {header}}}"}), **{header: ""})
    assert optional["reasons"] + optional["judged"] == []
    value = {"price": "2.5", "amount": "5", "gender": "f", "age": "30"}.get(header, "x")
    filled = one(contract(**{column: f"{{header: {header}, required: true, default: {value!r}}}"}), **{header: ""})
    assert filled["reasons"] + filled["judged"] == []


@pytest.mark.parametrize("amount", ["{header: amount, required: true}", ""])
def test_numbers_whose_product_fits_no_column_reject_their_row_and_no_other(amount: str) -> None:
    huge = {"quantity": "999999999999", "price": "999999999999"}
    first, second = parsed(contract(total_amount=amount), huge, {})
    assert first["reasons"] or first["judged"]
    assert (second["reasons"], second["judged"], second["total_amount"]) == ([], [], Decimal("5.00"))


def test_rows_of_one_transaction_spread_alike_and_rejected_rows_evenly() -> None:
    rows = parsed(PLAIN, *({"id": f"T{n % 3}"} for n in range(9)), *({"id": "T1", "date": "never"} for _ in range(40)))
    sold, rejected = rows[:9], rows[9:]
    assert len({(r["transaction_id"], r["spread"]) for r in sold}) == 3
    assert [sum(r["spread"] % 4 == n for r in rejected) for n in range(4)] == [10] * 4


@given(st.lists(st.sampled_from(["T1", "17850.0", " 007 ", "1.5E+11", "", "Ä\u00a0"]), min_size=1, max_size=12))
@settings(max_examples=trials(30))
def test_a_text_means_the_same_among_others_that_repeat_and_alone(ids: list[str]) -> None:
    """Repeated texts are read once: whatever a block contains, each row comes out as it does alone."""
    rows = [
        {"id": i, "date": ["2024-01-05", "05 Jan", ""][n % 3], "category": ["toys", " Toys", "TOYS "][n % 3]}
        for n, i in enumerate(ids)
    ]
    together = parsed(PLAIN, *rows)
    for n, row in enumerate(rows):
        alone = one(PLAIN, **row)
        same = {k: v for k, v in together[n].items() if k not in ("source_line", "spread")}
        assert same == {k: v for k, v in alone.items() if k not in ("source_line", "spread")}


def test_a_rounded_id_is_found_where_the_raw_text_writes_its_plus_in_another_way() -> None:
    """As JSON may: `5.36365E\\u002B11`."""
    records = pa.table(
        {
            **{f"c{i}": pa.array([v]) for i, v in enumerate({**GOOD, "id": "5.36365E+11"}.values())},
            "line": pa.array([2], pa.int64()),
            "lines": pa.array([1], pa.int32()),
            "raw": ["escaped"],
            "defects": pa.array([0], pa.int64()),
        }
    )
    profile = FileProfile("s.jsonl", 1, "", "jsonl", None, "utf-8", "", "lf", list(GOOD), 0, {}, [], [], 1)
    profile = FileProfile(**{**vars(profile), "positions": {name: i for i, name in enumerate(GOOD)}})
    with Parser(profile, PLAIN, LANDED) as parser:
        [row] = parser.parse(records).to_pylist()
    assert rules.names_of(row["reasons"]) == ["rounded_id"]


@pytest.mark.parametrize("word", ["weiß nicht", "kayıt yok", "NULL", "ñ/d"])
def test_a_word_for_a_missing_value_is_one_in_every_language(word: str) -> None:
    source = contract(f"missing_values: ['{word}']", customer_id="{header: customer}")
    texts = (word, f" {word} ", word.lower())
    assert [r["customer_id"] for r in parsed(source, *({"customer": t} for t in texts))] == [None] * 3
    assert one(source, customer=f"{word}!")["customer_id"] == f"{word}!"


def test_a_price_that_follows_from_the_amount_is_not_held_against_it() -> None:
    row = one(PLAIN, quantity="1000", price="", amount="333.33")
    assert (row["unit_price"], row["judged"]) == (Decimal("0.3333"), [])


def test_a_default_that_looks_like_a_column_of_ours_is_a_text() -> None:
    source = contract(customer_id="{header: customer, default: 't99'}", store_id="{header: shop, default: t0}")
    row = one(source, customer="", shop="")
    assert (row["customer_id"], row["store_id"], row["reasons"]) == ("t99", "t0", [])

"""Customers of a file: read as people write files, rejected with the line, segmented by the model in use."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pytest
from hypothesis import given

from retail_assets.segmentation.lifecycle.purchase_file import Format, PurchaseFileError
from retail_assets.segmentation.lifecycle.score_file import FIELDS, ScoredFile, score_file
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets_tests.segmentation.shoppers import PLANTED, SNAPSHOT, planted


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    trained = train(planted(tuple(PLANTED), 60)[0]).model
    assert trained is not None
    return trained


def ask(tmp_path: Path, text: str | bytes, model: SegmentModel | None, form: Format | None = None) -> ScoredFile:
    file = tmp_path / "purchases.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return score_file(file, model, "v1", SNAPSHOT, catalog=DEFAULT, country="US", form=form, today=dt.date(2024, 1, 31))


def weekly(customer: str, amount: float, weeks: int = 45) -> str:
    last = SNAPSHOT - dt.timedelta(days=3)
    return "".join(f"{customer},{last - dt.timedelta(days=7 * week)},{amount}\n" for week in range(weeks))


def test_new_customers_get_the_persona_of_their_like(tmp_path: Path, model: SegmentModel) -> None:
    text = "customer_id,date,amount\n" + weekly("rich", 95) + weekly("thrifty", 8) + weekly("rare", 14, 5)
    scored = {row["customer_id"]: row for row in ask(tmp_path, text, model).rows}
    assert {customer: row["persona"] for customer, row in scored.items()} == {
        "rich": "High-Value Customers",
        "thrifty": "Budget Shoppers",
        "rare": "Low-Engagement",
    }
    assert tuple(scored["rich"]) == FIELDS
    assert scored["rich"]["confidence"] > 0.5
    assert scored["rich"]["monetary"] == Decimal("4275.00")
    assert scored["rich"]["snapshot_date"] == SNAPSHOT


def test_customers_without_a_persona_get_the_reason(tmp_path: Path, model: SegmentModel) -> None:
    text = (
        "customer_id,date,amount\nnew,2023-12-30,20\nback,2023-12-01,30\nback,2023-12-02,-30\n"
        "old,2020-01-01,5\n,2023-12-30,7.50\n"
    )
    answer = ask(tmp_path, text, model)
    scored = {row["customer_id"]: row for row in answer.rows}
    assert {c: r["persona"] for c, r in scored.items()} == {
        "new": "One Purchase",
        "back": "No Net Spend",
        "old": "Dormant",
    }
    assert "Too new for a persona" in scored["new"]["note"]
    assert all(row["note"] and row["confidence"] is None for row in answer.rows)
    assert (answer.anonymous_lines, answer.anonymous_amount) == (1, Decimal("7.50"))


def test_without_a_model_rules_decide_and_say_so(tmp_path: Path) -> None:
    [row] = ask(tmp_path, "customer_id,date,amount\n" + weekly("a", 10), None).rows
    assert row["persona"] == "Not Segmented"
    assert "No model is in use" in row["note"]


@pytest.mark.parametrize(
    "text",
    [
        "customer_id,date,amount\na,2023-12-30,1234.50\n",
        "\ufeffCustomer ID;Date;Total Amount\na;2023-12-30;1,234.50\n",
        "amount\tcustomer\tSALE_DATE\n$1,234.50\ta\t2023-12-30T10:00:00\n",
        'customer_id,date,quantity,unit_price\r\n"a",2023-12-30,5,246.90\r\n\r\n',
        "order_id,customer_id,date,amount\n1,a,2023-12-30,1000\n1,a,2023-12-30,234.5\n",
    ],
)
def test_files_as_people_write_them_are_read(tmp_path: Path, text: str) -> None:
    [row] = ask(tmp_path, text, None).rows
    assert (row["frequency"], row["monetary"]) == (1, Decimal("1234.50"))


def test_the_shops_own_headers_dates_and_marks_are_read(tmp_path: Path) -> None:
    form = Format({"customer_id": ["Kunde"], "sold_at": ["Tag"], "total_amount": ["Betrag"]}, ["%d.%m.%Y"], ",", ".")
    [row] = ask(tmp_path, "Kunde;Tag;Betrag\na;30.12.2023;1.234,50\n", None, form).rows
    assert (row["monetary"], row["last_sale_date"]) == (Decimal("1234.50"), dt.date(2023, 12, 30))


@pytest.mark.parametrize(
    "text",
    ["12,50", "1.234,56", "1O0", "12x5", "12 50", "1,2,3", "5%", "5 EUR", "€5", "--5", "(5)", "5-", "$", ".", "e5"],
)
def test_what_is_not_a_number_in_the_shops_notation_is_rejected_and_never_guessed(tmp_path: Path, text: str) -> None:
    """Each of these was once read, `12,50` as 1250."""
    with pytest.raises(PurchaseFileError, match=r"line 2: the amount .* is not a number. Write it like 1,234.50"):
        ask(tmp_path, f"customer_id;date;amount\na;2023-01-01;{text}\n", None)


@given(
    cents=st.integers(-(10**9), 10**9),
    marks=st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'"), (".", ""), (",", "")]),
    grouped=st.booleans(),
    currency=st.sampled_from(["", "EUR ", "€"]),
)
def test_any_money_is_read_as_it_was_written_in_any_notation(
    cents: int, marks: tuple[str, str], grouped: bool, currency: str
) -> None:
    decimal, thousands = marks
    whole, part = divmod(abs(cents), 100)
    digits = f"{whole:,}".replace(",", thousands) if grouped else str(whole)
    text = f"{'-' if cents < 0 else ''}{currency}{digits}{decimal}{part:02d}"
    with TemporaryDirectory() as folder:
        form = Format(decimal=decimal, thousands=thousands, currency=("EUR", "€"))
        scored = ask(Path(folder), f"customer_id\tdate\tamount\n\t2023-01-01\t{text}\n", None, form)
    assert scored.anonymous_amount == Decimal(cents).scaleb(-2)


def test_ids_are_those_that_cleaning_makes_of_them(tmp_path: Path) -> None:
    """A spreadsheet's 17.0 is 17, spaces of any kind go, and words for a missing value are nobody."""
    text = "customer_id,date,amount\n17,2023-12-01,1\n17.0,2023-12-02,1\n\u00a017\u200b,2023-12-03,1\n"
    text += "007,2023-12-01,1\nnull,2023-12-01,5\n"
    scored = ask(tmp_path, text, None, Format(missing=("NULL", "N/A")))
    assert {row["customer_id"]: row["frequency"] for row in scored.rows} == {"17": 3, "007": 1}
    assert (scored.anonymous_lines, scored.anonymous_amount) == (1, Decimal("5.00"))


def test_long_order_ids_of_a_customer_are_distinguished(tmp_path: Path) -> None:
    customer, order = "c" * 120, "o" * 120
    text = f"customer_id,date,amount,order_id\n{customer},2023-12-01,1,{order}1\n{customer},2023-12-01,1,{order}2\n"
    assert [row["frequency"] for row in ask(tmp_path, text, None).rows] == [2]


def test_a_file_without_purchases_has_no_customers(tmp_path: Path) -> None:
    assert ask(tmp_path, "customer_id,date,amount\n", None).rows == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("customer,when,amount\na,2023-01-01,1\n", r"no column date\..*Its headers: 'customer', 'when', 'amount'"),
        ("customer_id,date\na,2023-01-01\n", "no column amount"),
        ("customer_id,date,amount\na,2023-01-01,1\nb,01/02/2023,1\n", "line 3: '01/02/2023' is not a date"),
        ("customer_id,date,amount\na,2023-01-01,many\n", "line 2: the amount 'many' is not a number"),
        ("customer_id,date,amount\na,2023-01-01,nan\n", "line 2: the amount"),
        ("customer_id,date,amount\na,2023-01-01,1e400\n", "is out of range"),
        ("customer_id,date,amount\na,2023-01-01,99999999999999\n", "too large"),
        ("customer_id,date,amount\na,2023-01-01,\n", "line 2: the amount is missing"),
        ("customer_id,date,amount\na,2023-01-01\n", "line 2: 2 cells, but the header has 3. Complete"),
        ("customer_id,date,amount\na,2023-01-01,12,50\n", "line 2: 4 cells, but the header has 3. Quote"),
        ("customer_id,date,amount\n5.36365E+11,2023-01-01,1\n", "line 2: the customer 5.36365E.11 is an id that a"),
        ("customer_id,date,amount\na\0b,2023-01-01,1\n", "line 2: the customer .* is not a usable id"),
        (
            f"customer_id,date,amount\n{'é' * 65},2023-01-01,1\n",
            "line 2: the customer .* is not a usable id. Use at most 128 bytes",
        ),
        ("customer_id,date,amount\na,2024-02-01,1\n", "line 2: the date 2024-02-01 is in the future"),
        ("customer_id,date,amount\na,0023-01-01,1\n", "before 1900"),
        (b"customer_id,date,amount\n\xff\xfe,2023-01-01,1\n", "not a CSV file in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(PurchaseFileError, match=message):
        ask(tmp_path, text, None)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PurchaseFileError, match="No such file"):
        score_file(tmp_path / "none.csv", None, "none", None, catalog=DEFAULT, country="US")

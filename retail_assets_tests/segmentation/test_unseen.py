"""Customers of a file: read as people write files, refused with the line, segmented by the model in use."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.segmentation.model import SegmentModel, train
from retail_assets.segmentation.personas import DEFAULT
from retail_assets.segmentation.unseen import FIELDS, Format, PurchaseFileError, Unseen, predict
from retail_assets_tests.segmentation.shoppers import PLANTED, SNAPSHOT, planted


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    made = train(planted(tuple(PLANTED), 60)[0]).model
    assert made is not None
    return made


def ask(tmp_path: Path, text: str | bytes, model: SegmentModel | None, form: Format | None = None) -> Unseen:
    file = tmp_path / "purchases.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return predict(file, model, "v1", SNAPSHOT, catalogue=DEFAULT, country="US", form=form)


def weekly(customer: str, amount: float, weeks: int = 45) -> str:
    last = SNAPSHOT - dt.timedelta(days=3)
    return "".join(f"{customer},{last - dt.timedelta(days=7 * week)},{amount}\n" for week in range(weeks))


def test_new_customers_get_the_persona_of_their_like(tmp_path: Path, model: SegmentModel) -> None:
    text = "customer_id,date,amount\n" + weekly("rich", 95) + weekly("thrifty", 14) + weekly("rare", 14, 5)
    found = {row["customer_id"]: row for row in ask(tmp_path, text, model).rows}
    assert {customer: row["persona"] for customer, row in found.items()} == {
        "rich": "High-Value Customers",
        "thrifty": "Budget Shoppers",
        "rare": "Low-Engagement",
    }
    assert tuple(found["rich"]) == FIELDS
    assert found["rich"]["confidence"] > 0.5
    assert found["rich"]["monetary"] == Decimal("4275.00")
    assert found["rich"]["snapshot_date"] == SNAPSHOT


def test_those_without_a_persona_are_told_why(tmp_path: Path, model: SegmentModel) -> None:
    text = (
        "customer_id,date,amount\nnew,2023-12-30,20\nback,2023-12-01,30\nback,2023-12-02,-30\n"
        "old,2020-01-01,5\n,2023-12-30,7.50\n"
    )
    answer = ask(tmp_path, text, model)
    found = {row["customer_id"]: row for row in answer.rows}
    assert {c: r["persona"] for c, r in found.items()} == {
        "new": "One Purchase",
        "back": "No Net Spend",
        "old": "Dormant",
    }
    assert "Too new for a persona" in found["new"]["note"]
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


def test_a_file_without_purchases_has_no_customers(tmp_path: Path) -> None:
    assert ask(tmp_path, "customer_id,date,amount\n", None).rows == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("customer,when,amount\na,2023-01-01,1\n", r"no column date\..*Headers found: 'customer', 'when', 'amount'"),
        ("customer_id,date\na,2023-01-01\n", "no column amount"),
        ("customer_id,date,amount\na,2023-01-01,1\nb,01/02/2023,1\n", "line 3: '01/02/2023' is not a day"),
        ("customer_id,date,amount\na,2023-01-01,many\n", "line 2: the amount 'many' is not a number"),
        ("customer_id,date,amount\na,2023-01-01,nan\n", "line 2: the amount"),
        ("customer_id,date,amount\na,2023-01-01,1e400\n", "not a usable number"),
        ("customer_id,date,amount\na,2023-01-01,99999999999999\n", "too large"),
        ("customer_id,date,amount\na,2023-01-01,\n", "line 2: there is no amount"),
        ("customer_id,date,amount\na,2023-01-01\n", "line 2: has 2 cells"),
        ("customer_id,date,amount\na,0023-01-01,1\n", "before 1900"),
        (b"customer_id,date,amount\n\xff\xfe,2023-01-01,1\n", "not a CSV file in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(PurchaseFileError, match=told):
        ask(tmp_path, text, None)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PurchaseFileError, match="No such file"):
        predict(tmp_path / "none.csv", None, "none", None, catalogue=DEFAULT, country="US")

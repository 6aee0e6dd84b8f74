"""Customers of a question get the segment that the shop's own SQL and scikit-learn's model would give them.

Purchases are read as people write files, and rejected with the line.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

from retail_assets.cli.purchase_input import read_input
from retail_assets.contracts.loading import load
from retail_assets.exports.bundle.compare import compare_models
from retail_assets.exports.bundle.numbers import segment_numbers
from retail_assets.segmentation.model.features import frame
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.serving import segment_numbers as numbers_file
from retail_assets.serving.errors import BadBundleError, BadRequestError
from retail_assets.serving.purchase_file import PurchaseFileError, Purchases, read_purchase_file
from retail_assets.serving.purchases import Purchase, read_purchases
from retail_assets.serving.segment_numbers import Notation, Scored, SegmentNumbers, yeo_johnson
from retail_assets.tables import DIM_CUSTOMER, DIM_DATE, SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import PLANTED, SNAPSHOT, customer, line, planted, planted_customers
from retail_assets_tests.segmentation.shoppers import frame as frame_of

TODAY = dt.date(2024, 1, 31)
PLAIN = Notation(
    blanks=" \t\r\n\v\f\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200C))) + "\u202f\u205f\u3000\ufeff"
)


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    trained = train(planted(tuple(PLANTED), 60)[0]).model
    assert trained is not None
    return trained


def numbers_of(model: SegmentModel | None, window_days: int | None = None) -> SegmentNumbers:
    """The numbers as they come out of a bundle; without `window_days` on the day on which the model was trained."""
    version = "v1" if model else "none"
    days = window_days or (model.window_days if model else WINDOW_DAYS)
    contract = load("retail_sales")
    made = segment_numbers(model, version, SNAPSHOT, window_days=days, catalog=DEFAULT, contract=contract)
    return numbers_file.loads(numbers_file.dumps(made))


def read(text: str | bytes, form: Notation = PLAIN) -> Purchases:
    data = text if isinstance(text, bytes) else text.encode()
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    return read_purchase_file(lines, "purchases.csv", form, TODAY)


def ask(text: str | bytes, model: SegmentModel | None, form: Notation = PLAIN) -> dict[str, dict[str, Any]]:
    """Features and segment of each customer of a file."""
    numbers = numbers_of(model)
    rows = read(text, form).rows
    snapshot = max([row.date for row in rows] + [SNAPSHOT])
    described = numbers.describe(rows, snapshot)
    return {each.customer_id: {**asdict(each), **asdict(numbers.score(each))} for each in described}


def weekly(customer: str, amount: float, weeks: int = 45) -> str:
    last = SNAPSHOT - dt.timedelta(days=3)
    return "".join(f"{customer},{last - dt.timedelta(days=7 * week)},{amount}\n" for week in range(weeks))


def test_new_customers_get_the_persona_of_their_like(model: SegmentModel) -> None:
    text = "customer_id,date,amount\n" + weekly("rich", 95) + weekly("thrifty", 8) + weekly("rare", 14, 5)
    scored = ask(text, model)
    assert {customer: row["persona"] for customer, row in scored.items()} == {
        "rich": "High-Value Customers",
        "thrifty": "Budget Shoppers",
        "rare": "Low-Engagement",
    }
    assert scored["rich"]["confidence"] > 0.5
    assert scored["rich"]["monetary"] == Decimal("4275.00")
    assert scored["rich"]["recency"] == 3


def test_customers_without_a_persona_get_the_reason(model: SegmentModel) -> None:
    text = (
        "customer_id,date,amount\nnew,2023-12-30,20\nback,2023-12-01,30\nback,2023-12-02,-30\n"
        "old,2020-01-01,5\n,2023-12-30,7.50\n"
    )
    scored = ask(text, model)
    assert {c: r["persona"] for c, r in scored.items()} == {
        "new": "One Purchase",
        "back": "No Net Spend",
        "old": "Dormant",
    }
    assert "Too new for a persona" in scored["new"]["note"]
    assert all(row["note"] and row["confidence"] is None for row in scored.values())
    answer = read(text)
    assert (answer.anonymous_lines, answer.anonymous_amount) == (1, Decimal("7.50"))


def test_without_a_model_rules_decide_and_say_so() -> None:
    [row] = ask("customer_id,date,amount\n" + weekly("a", 10), None).values()
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
def test_files_as_people_write_them_are_read(text: str) -> None:
    [row] = ask(text, None).values()
    assert (row["frequency"], row["monetary"]) == (1, Decimal("1234.50"))


def test_the_shops_own_headers_dates_and_marks_are_read() -> None:
    form = Notation({"customer_id": ["Kunde"], "sold_at": ["Tag"], "total_amount": ["Betrag"]}, ["%d.%m.%Y"], ",", ".")
    [row] = ask("Kunde;Tag;Betrag\na;30.12.2023;1.234,50\n", None, form).values()
    assert (row["monetary"], row["last_sale_date"]) == (Decimal("1234.50"), dt.date(2023, 12, 30))


@pytest.mark.parametrize(
    "text",
    ["12,50", "1.234,56", "1O0", "12x5", "12 50", "1,2,3", "5%", "5 EUR", "€5", "--5", "(5)", "5-", "$", ".", "e5"],
)
def test_what_is_not_a_number_in_the_shops_notation_is_rejected_and_never_guessed(text: str) -> None:
    """Each of these was once read, `12,50` as 1250."""
    with pytest.raises(PurchaseFileError, match=r"line 2: the amount .* is not a number. Write it like 1,234.50"):
        read(f"customer_id;date;amount\na;2023-01-01;{text}\n")


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
    form = Notation(decimal=decimal, thousands=thousands, currency=("EUR", "€"))
    assert read(f"customer_id\tdate\tamount\n\t2023-01-01\t{text}\n", form).anonymous_amount == Decimal(cents).scaleb(
        -2
    )


def test_ids_are_those_that_cleaning_makes_of_them() -> None:
    """A spreadsheet's 17.0 is 17, spaces of any kind go, and words for a missing value are nobody."""
    text = "customer_id,date,amount\n17,2023-12-01,1\n17.0,2023-12-02,1\n\u00a017\u200b,2023-12-03,1\n"
    text += "007,2023-12-01,1\nnull,2023-12-01,5\n"
    form = Notation(missing=("NULL", "N/A"), blanks=PLAIN.blanks)
    assert {name: row["frequency"] for name, row in ask(text, None, form).items()} == {"17": 3, "007": 1}
    answer = read(text, form)
    assert (answer.anonymous_lines, answer.anonymous_amount) == (1, Decimal("5.00"))


def test_long_order_ids_of_a_customer_are_distinguished() -> None:
    customer, order = "c" * 120, "o" * 120
    text = f"customer_id,date,amount,order_id\n{customer},2023-12-01,1,{order}1\n{customer},2023-12-01,1,{order}2\n"
    assert [row["frequency"] for row in ask(text, None).values()] == [2]


def test_a_file_without_purchases_has_no_customers() -> None:
    assert ask("customer_id,date,amount\n", None) == {}


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
def test_what_cannot_be_read_is_reported_with_its_line(text: str | bytes, message: str) -> None:
    with pytest.raises(PurchaseFileError, match=message):
        read(text)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PurchaseFileError, match="No such file"):
        read_input(tmp_path / "none.csv", PLAIN)


@pytest.mark.parametrize(
    "text",
    [
        '[{"customer_id": "a", "date": "2023-12-30", "amount": 1234.5}]',
        ' {"purchases": [{"customer_id": "a", "date": "2023-12-30", "amount": "1234.50", "order_id": null}]}',
        "customer_id,date,amount\na,2023-12-30,1234.50\n",
    ],
)
def test_json_and_csv_are_told_apart_by_what_they_begin_with(text: str) -> None:
    [row] = read_input(io.BytesIO(text.encode()), PLAIN).rows
    assert (row.customer_id, row.date, row.amount) == ("a", dt.date(2023, 12, 30), Decimal("1234.50"))


@pytest.mark.parametrize(("text", "message"), [("[", "is not JSON"), ("{}", "no purchases"), ("[" * 9999, "not JSON")])
def test_json_that_is_none_is_reported(text: str, message: str) -> None:
    with pytest.raises(PurchaseFileError, match=message):
        read_input(io.BytesIO(text.encode()), PLAIN)


# --- purchases as objects ---

GOOD = {"customer_id": "a", "date": "2023-12-30", "amount": 12.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer_id": ""}, "purchase 2: customer_id is ''"),
        ({"customer_id": None}, "purchase 2 has no customer_id"),
        ({"customer_id": ["a"]}, "customer_id is list"),
        ({"customer_id": True}, "customer_id is True"),
        ({"customer_id": "\ud800"}, "customer_id is"),
        ({"customer_id": "x" * 129}, "Give 1 to 128 bytes"),
        ({"date": "2023-02-30"}, "date is '2023-02-30'. Write it as YYYY-MM-DD"),
        ({"date": "20231230"}, "date is"),
        ({"date": 20231230}, "date is 20231230"),
        ({"date": "2999-01-01"}, "outside 1900-01-01 to 2024-01-31"),
        ({"amount": "NaN"}, "amount is 'NaN'"),
        ({"amount": float("nan")}, "amount is nan"),
        ({"amount": float("inf")}, "amount is inf"),
        ({"amount": "1,000"}, "amount is '1,000'"),
        ({"amount": True}, "amount is True"),
        ({"amount": {}}, "amount is dict"),
        ({"amount": "1e400"}, "amount is '1e400'"),
        ({"amount": "1e-400"}, "amount is"),
        ({"amount": 10**14}, "too large"),
        ({"amount": 10**5000}, "a number of more than 40 digits"),
        ({"quantity": "x"}, "quantity is 'x'"),
        ({"order_id": 1.5}, "order_id is 1.5"),
        ({"age": 3}, "'age' is not a field. Fields: customer_id, date, amount, order_id, quantity."),
    ],
)
def test_a_wrong_purchase_is_named_with_its_place_its_field_and_its_value(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_purchases([GOOD, {**GOOD, **change}], TODAY)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("given", ["text", b"x", GOOD, 7, None])
def test_what_is_no_list_of_purchases_is_refused(given: Any) -> None:
    with pytest.raises(BadRequestError, match="must be a list"):
        read_purchases(given, TODAY)


def test_more_purchases_than_are_accepted_are_refused_before_they_are_all_read() -> None:
    with pytest.raises(BadRequestError, match="more than 3 purchases"):
        read_purchases((GOOD for _ in iter(int, 1)), TODAY, most=3)


# --- against the shop's own SQL and scikit-learn's model ---


def by_sql(purchases: Sequence[Purchase], snapshot: dt.date, folder: Path) -> pd.DataFrame:
    """The features of the customers by the shop's SQL."""
    rows = [
        line(
            each.order_id or f"day {each.date}",
            each.date,
            each.customer_id,
            str(each.amount),
            quantity=float(each.quantity if each.quantity is not None else Decimal(1).copy_sign(each.amount)),
            transaction_id=str(number),
        )
        for number, each in enumerate(purchases)
    ]
    warehouse = DuckDBWarehouse(folder / "purchases.duckdb", "shop")
    warehouse.replace(SALES, pa.Table.from_pylist(rows, schema=SALES.arrow_schema()))
    warehouse.replace(DIM_DATE, marts.dim_date(min(p.date for p in purchases), snapshot, "US"))
    warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    features = frame(warehouse.query(customer_features(snapshot)).sort_by("customer_id"))
    features["favourite_category"] = None
    features["favourite_share"] = features["favourite_index"] = features["favourite_orders"] = np.nan
    return features


def random_purchases(customers: int, seed: int) -> list[Purchase]:
    """Purchases of every sort: several lines per order, returns, nothing paid, long ago, around holidays."""
    rng = np.random.default_rng(seed)
    purchases = []
    for number in range(customers):
        level = float(rng.lognormal(2.5, 1))
        for _ in range(int(rng.integers(1, 25))):
            day = SNAPSHOT - dt.timedelta(days=int(rng.integers(0, 420 if number % 3 else 60)))
            amount = round(level * float(rng.lognormal(0, 0.6)), 2) * (-1 if rng.random() < 0.12 else 1)
            order = f"o{rng.integers(0, 12)}" if number % 2 else None
            quantity = Decimal(int(rng.integers(-2, 4))) if number % 5 == 0 else None
            paid = Decimal(0) if rng.random() < 0.05 else Decimal(str(amount))
            purchases.append(Purchase(f"c{number:04d}", day, paid.quantize(Decimal("0.01")), order, quantity))
    return purchases


@pytest.mark.parametrize("seed", [1, 2])
def test_features_and_segments_of_purchases_are_those_of_the_shops_own_sql(
    model: SegmentModel, seed: int, tmp_path: Path
) -> None:
    purchases = random_purchases(300, seed)
    numbers = numbers_of(model)
    features = by_sql(purchases, SNAPSHOT, tmp_path)
    described = numbers.describe(purchases, SNAPSHOT)
    for ours, theirs in zip(described, features.to_dict("records"), strict=True):
        assert ours.customer_id == theirs["customer_id"]
        for name in ("frequency", "recency", "tenure", "last_sale_date"):
            assert getattr(ours, name) == theirs[name], (ours, theirs)
        for name in ("monetary", "returned", "average_basket", "gap_mean", "weekend_share", "holiday_share"):
            value = getattr(ours, name)
            known = np.nan if value is None else float(value)
            np.testing.assert_allclose(known, theirs[name], rtol=1e-12, equal_nan=True)
    features["window_days"] = model.window_days
    expected = score(model, features, DEFAULT).to_dict("records")
    scored = [numbers.score(each) for each in described]
    found = [(each.persona, ", ".join(each.tags), each.lapsed_risk) for each in scored]
    assert found == [(row["persona"], row["tags"], row["lapsed_risk"]) for row in expected]
    # Every rule and every tag is among them, so that the comparison means something.
    assert {each.persona for each in scored} >= {"Dormant", "No Net Spend", "One Purchase", *model.names}
    assert {tag for each in scored for tag in each.tags} == {
        "lapsed risk", "weekend shopper", "holiday shopper", "returns often",
    }  # fmt: skip


def test_ten_thousand_customers_get_the_same_persona_and_confidence_from_plain_numbers(model: SegmentModel) -> None:
    customers, _ = planted_customers(tuple(PLANTED), 2_600, seed=5)
    odd = [
        customer("x rich", 900, "9999999999.99"),
        customer("x poor", 2, "0.01"),
        customer("x none", 5, "0.00"),
        customer("x back", 3, "-5.00"),
        customer("x once", 1, "70.00"),
    ]
    features = frame_of([*customers, *odd])
    compared, largest, problems = compare_models(numbers_of(model), model, features, DEFAULT)
    assert problems == []
    assert compared == 10_405
    assert largest <= 1e-6
    clustered = features[features["customer_id"].str.startswith(tuple(kind[:3] for kind in PLANTED))]
    labels, exact = model.posterior(clustered)
    numbers = numbers_of(model)
    assert numbers.clusters is not None
    columns = [clustered[name].to_numpy(dtype=float).tolist() for name in ("frequency", "monetary", "average_basket")]
    ours = [numbers.clusters.posterior(inputs) for inputs in zip(*columns, strict=True)]
    assert [number for number, _ in ours] == labels.tolist()
    np.testing.assert_allclose([chance for _, chance in ours], exact, rtol=0, atol=1e-9)


def test_a_shop_that_has_grown_since_its_model_was_trained_is_scored_by_its_days_of_now(model: SegmentModel) -> None:
    """Frequency and money are scaled to a year: by the training's days, customers of a longer window looked busier."""
    features = planted(tuple(PLANTED), 50)[0].assign(window_days=model.window_days + 60)
    _, largest, problems = compare_models(numbers_of(model, model.window_days + 60), model, features, DEFAULT)
    assert problems == []
    assert largest <= 1e-6
    assert compare_models(numbers_of(model), model, features, DEFAULT)[2]


@pytest.mark.parametrize("days", [-60, 0, 60, 400])
def test_in_a_young_shop_customers_of_another_day_are_scaled_by_the_days_that_sales_cover_then(
    days: int, model: SegmentModel
) -> None:
    """The real model is asked for the window of that day, as the shop's own SQL would make it."""
    features = planted(tuple(PLANTED), 50)[0].assign(window_days=min(200 + days, WINDOW_DAYS))
    young = numbers_of(model, 200)
    _, largest, problems = compare_models(young.as_of(SNAPSHOT + dt.timedelta(days)), model, features, DEFAULT)
    assert problems == []
    assert largest <= 1e-6
    if days:
        assert compare_models(young, model, features, DEFAULT)[2]


def test_in_a_shop_of_a_year_every_day_has_a_years_window(model: SegmentModel) -> None:
    numbers = numbers_of(model, WINDOW_DAYS)
    assert {numbers.as_of(SNAPSHOT + dt.timedelta(days)).window_days for days in (-300, 0, 300)} == {WINDOW_DAYS}


def test_a_model_that_differs_is_noticed(model: SegmentModel) -> None:
    """The comparison can fail: one center is elsewhere."""
    from dataclasses import replace

    numbers = numbers_of(model)
    assert numbers.clusters is not None
    first, *others = numbers.clusters.centers
    moved = replace(numbers.clusters, centers=(tuple(c + 0.01 for c in first), *others))
    features = planted(tuple(PLANTED), 20)[0]
    _, largest, problems = compare_models(replace(numbers, clusters=moved), model, features, DEFAULT)
    assert largest > 1e-6
    assert problems


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-5, 5))
def test_the_power_transform_is_that_of_scipy(value: float, power: float) -> None:
    from scipy.stats import yeojohnson

    with np.errstate(all="ignore"):
        [theirs] = yeojohnson(np.array([value]), power)
    ours = yeo_johnson(value, power)
    if np.isfinite(theirs):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    else:
        assert ours == theirs or abs(ours) > 1e300


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"window_days": 0},
        {"window_days": "365"},
        {"clusters": {}},
        {"holidays": ["x"]},
        {"rules": {}},
        {"notation": {"decimal": ".."}},
        {"tags": {"silence": float("nan")}},
        {"snapshot": None},
    ],
)
def test_numbers_that_cannot_be_are_refused(model: SegmentModel, change: dict[str, Any]) -> None:
    import json

    content = json.loads(numbers_file.dumps(numbers_of(model)))
    with pytest.raises(BadBundleError, match=r"model\.json is damaged"):
        numbers_file.loads(json.dumps({**content, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"\x80\x04cos\nsystem\n", b"[" * 100_000, b"\xff\xfe{}"])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(BadBundleError, match=r"model\.json is damaged"):
        numbers_file.loads(data)


def test_a_day_whose_holidays_are_not_known_is_refused(model: SegmentModel) -> None:
    numbers = numbers_of(model)
    with pytest.raises(BadRequestError, match="cannot be described as of 2035-01-01"):
        numbers.describe([Purchase("a", dt.date(2035, 1, 1), Decimal(1))], dt.date(2035, 1, 1))
    assert isinstance(numbers.score(numbers.describe([Purchase("a", SNAPSHOT, Decimal(1))], SNAPSHOT)[0]), Scored)

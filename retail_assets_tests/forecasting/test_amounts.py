"""Single amounts: no skill where there is none, and no answer from columns that hold it."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from retail_assets.forecasting.evaluation import transaction_amounts as amounts
from retail_assets.forecasting.evaluation.transaction_amounts import (
    LeakingColumnError,
    input_digest,
    judge,
    report,
    report_of,
)


def transactions(n=600, seed=0, effect=0.0):
    """Like the seed data: random price and quantity, independent of the customer unless there is an `effect`."""
    random = np.random.default_rng(seed)
    price, quantity = random.choice([25.0, 50.0, 300.0, 500.0], n), random.integers(1, 5, n)
    gender = random.choice(["Female", "Male"], n)
    return pd.DataFrame(
        {
            "sale_date": [date(2023, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 365, n)],
            "gender": gender,
            "age": random.integers(18, 65, n),
            "product_category": random.choice(["Beauty", "Clothing"], n),
            "unit_price": price,
            "quantity": quantity,
            "total_amount": price * quantity + effect * (gender == "Male"),
        }
    )


@pytest.mark.slow
def test_chance_has_no_skill_and_the_price_helps():
    measured = report(transactions(), repeats=3)
    assert measured["verdict"].startswith("No skill without the price")
    assert "With the price known" in measured["verdict"]
    assert "600 transactions)" in measured["verdict"] or "600 transactions." in measured["verdict"]
    assert "600 transactions, a sample of 60,000." in report(transactions(), repeats=1, total=60_000)["verdict"]
    assert measured["with_price"]["rmse"] < 0.7 * measured["without_price"]["rmse"]


@pytest.mark.slow
def test_a_planted_pattern_is_found():
    measured = report(transactions(effect=1500.0), repeats=3)
    assert measured["without_price"]["has_skill"]
    assert measured["verdict"].startswith("Skill without the price")


@pytest.mark.parametrize(
    "column",
    [
        "quantity", "total_amount", "Quantity", "Total Amount", "TotalAmount", "TOTAL-AMOUNT", "line_total",
        "amount_net", "price_x_qty", "gross", "qty",
    ],
)  # fmt: skip
def test_columns_that_hold_the_answer_are_refused_by_name(column):
    with pytest.raises(LeakingColumnError, match=f"{column!r} cannot be used to predict"):
        judge(transactions(), ["age", column])


def test_a_missing_column_and_too_few_rows_are_reported():
    with pytest.raises(ValueError, match="'shoe_size'"):
        judge(transactions(), ["shoe_size"])
    assert report(transactions(50))["evaluated"] is False


def test_the_same_transactions_give_the_same_report():
    assert report(transactions(200), repeats=1) == report(transactions(200), repeats=1)


def test_unknown_ages_and_genders_are_no_obstacle():
    rows = transactions(300).assign(age=None, gender=None)
    assert report(rows, repeats=1)["without_price"]["features"] == ["product_category", "month", "weekday"]


def test_columns_that_hold_the_answer_are_refused_by_value_whatever_their_name():
    rows = transactions()
    hidden = rows.assign(a=rows["total_amount"], b=rows["unit_price"] / 5, c=rows["quantity"] * 5)
    with pytest.raises(LeakingColumnError, match="'a' is the amount"):
        judge(hidden, ["age", "a"])
    with pytest.raises(LeakingColumnError, match="'b' times 'c' is the amount"):
        judge(hidden, ["b", "age", "c"])


def test_a_shop_that_sells_by_the_piece_may_know_its_prices():
    rows = transactions().assign(quantity=1, total_amount=lambda rows: rows["unit_price"])
    assert report(rows, repeats=1)["with_price"]["has_skill"]


def test_an_amount_that_is_missing_is_reported():
    rows = transactions()
    with pytest.raises(ValueError, match="total_amount is missing or not a number in 1 transactions"):
        judge(rows.assign(total_amount=rows["total_amount"].where(rows.index != 3)), ["age"])


@pytest.mark.slow
def test_a_customer_who_always_spends_alike_is_recognised():
    random = np.random.default_rng(0)
    rows = transactions()
    usual = random.gamma(2, 100, len(rows))
    rows = rows.assign(
        total_amount=usual * random.normal(1, 0.1, len(rows)), customer_mean_before=usual, customer_lines_before=5
    )
    measured = report(rows, repeats=3)
    assert measured["without_price"]["has_skill"]
    assert "customer_mean_before" in measured["without_price"]["features"]
    assert "customer_lines_before" not in measured["without_price"]["features"], "it is constant"


@pytest.mark.slow
def test_customers_who_came_once_change_nothing():
    rows = transactions()
    once = rows.assign(customer_lines_before=0, customer_mean_before=np.nan)
    assert report(once, repeats=1) == report(rows, repeats=1)


def test_the_digest_of_the_input_follows_the_rows_and_not_how_they_were_cut():
    rows = pa.Table.from_pandas(transactions(50), preserve_index=False)
    digest = input_digest(rows, seed=0)
    cut = pa.concat_tables([rows.slice(0, 20), rows.slice(20)])
    assert input_digest(cut, seed=0) == digest
    others = [rows.slice(1), rows.slice(0, 49), rows.drop_columns(["age"]), rows.take(list(range(49, -1, -1)))]
    assert len({digest, input_digest(rows, seed=1), *(input_digest(other, seed=0) for other in others)}) == 6


def test_another_design_of_the_report_is_another_input(monkeypatch):
    rows = pa.Table.from_pandas(transactions(50), preserve_index=False)
    digest = input_digest(rows, seed=0)
    monkeypatch.setattr(amounts, "DESIGN", "another")
    assert input_digest(rows, seed=0) != digest


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b'{"input_digest": "other", "verdict": "old"}'])
def test_a_report_that_is_gone_damaged_or_of_other_rows_is_none(content):
    assert report_of(content, "digest") is None


def test_a_report_of_the_same_rows_is_read_back():
    published = {"verdict": "No skill", "input_digest": "digest"}
    assert report_of(json.dumps(published).encode(), "digest") == published

"""Single amounts: no skill where there is none, and no answer from columns that hold it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retail_assets.forecasting.evaluation.transaction_amounts import LeakingColumnError, judge, report


def transactions(n=600, seed=0, effect=0.0):
    """The seed's kind: price and quantity by chance, a customer who says nothing of either, unless `effect`."""
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


def test_chance_has_no_skill_and_the_price_helps():
    made = report(transactions(), repeats=3)
    assert made["verdict"].startswith("No skill without the price")
    assert "With the price known" in made["verdict"]
    assert made["with_price"]["rmse"] < 0.7 * made["without_price"]["rmse"]


def test_a_planted_pattern_is_found():
    made = report(transactions(effect=1500.0), repeats=3)
    assert made["without_price"]["has_skill"]
    assert made["verdict"].startswith("Skill without the price")


@pytest.mark.parametrize(
    "column",
    [
        "quantity", "total_amount", "Quantity", "Total Amount", "TotalAmount", "TOTAL-AMOUNT", "line_total",
        "amount_net", "price_x_qty", "gross", "qty",
    ],
)  # fmt: skip
def test_columns_that_hold_the_answer_are_refused_by_name(column):
    with pytest.raises(LeakingColumnError, match=f"{column!r} cannot foretell"):
        judge(transactions(), ["age", column])


def test_a_missing_column_and_too_few_rows_are_told():
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


def test_an_amount_that_is_missing_is_told():
    rows = transactions()
    with pytest.raises(ValueError, match="total_amount is missing or not a number in 1 transactions"):
        judge(rows.assign(total_amount=rows["total_amount"].where(rows.index != 3)), ["age"])


def test_a_customer_who_always_spends_alike_is_recognised():
    random = np.random.default_rng(0)
    rows = transactions()
    usual = random.gamma(2, 100, len(rows))
    rows = rows.assign(
        total_amount=usual * random.normal(1, 0.1, len(rows)), customer_mean_before=usual, customer_lines_before=5
    )
    made = report(rows, repeats=3)
    assert made["without_price"]["has_skill"]
    assert "customer_mean_before" in made["without_price"]["features"]
    assert "customer_lines_before" not in made["without_price"]["features"], "the same of all, it tells nothing"


def test_customers_who_came_once_change_nothing():
    rows = transactions()
    once = rows.assign(customer_lines_before=0, customer_mean_before=np.nan)
    assert report(once, repeats=1) == report(rows, repeats=1)

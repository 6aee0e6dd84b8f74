"""What a drafted contract still asks, and what an answer changes."""

from __future__ import annotations

import pytest

from retail_assets import settings
from retail_assets.contracts.loading import parse

CONTRACT = """\
name: shop
# ANSWER: which currency is the money in?
currency: USD  # a guess
# ANSWER: which country's holidays?
# (United States)
country: US
timezone: UTC
# ANSWER: is the mark ',' between thousands? It is taken so.
numbers: {thousands: ","}
start_date: 2024-01-01
columns:
  transaction_id: {header: ID, required: true}
  sold_at: {header: Date}
  # ANSWER: no column looks like a category
  product_category: {header: Category, default: All}
  quantity: {header: Qty}
  total_amount: {header: Total}
"""
OPEN = (
    "currency USD (which currency is the money in?)",
    "country US (which country's holidays?)",
    "is the mark ',' between thousands? It is taken so",
    "no column looks like a category",
)


def test_a_marked_guess_is_named_with_its_value() -> None:
    assert parse(CONTRACT, "shop").unconfirmed == OPEN


def test_an_answer_deletes_the_mark_and_leaves_the_digest() -> None:
    answered = "".join(line for line in CONTRACT.splitlines(keepends=True) if "# ANSWER:" not in line)
    contract = parse(answered, "shop")
    assert contract.unconfirmed == ()
    assert contract.digest == parse(CONTRACT, "shop").digest


def test_a_setting_answers_what_it_sets(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(CONTRACT)
    environment = {"RETAIL_SOURCE": str(path), "RETAIL_CURRENCY": "EUR", "RETAIL_HOME": str(tmp_path)}
    assert settings.load(environment).contract.unconfirmed == OPEN[1:]


def test_a_shipped_contract_asks_nothing() -> None:
    from retail_assets.contracts.loading import load, shipped

    assert [name for name in shipped() if load(name).unconfirmed] == []

"""Rules before clusters, and the tags of a customer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.tags import slug, tag
from retail_assets.segmentation.model.training import Training, train
from retail_assets_tests.segmentation.shoppers import PLANTED, customer, frame, planted


@pytest.fixture(scope="module")
def four_kinds() -> tuple[pd.DataFrame, Training]:
    features, _ = planted(tuple(PLANTED), 60)
    return features, train(features)


RULED = {
    "returned more than bought": (customer("r1", 5, "-120.50", top_month_share=None), "No Net Spend"),
    "got it free": (customer("r2", 1, "0"), "No Net Spend"),
    "only returns in the window": (customer("r3", 0, "-9999999999.99", returned="-9999999999.99"), "No Net Spend"),
    "bought before, returned in the window": (customer("r7", 0, "-20", returned="-20", tenure=400), "Dormant"),
    "bought and returned": (customer("r4", 3, "0", returned="-30"), "No Net Spend"),
    "bought once": (customer("r5", 1, "80"), "One Purchase"),
    "nothing in the window": (customer("r6", 0, "0", recency=500), "Dormant"),
}


@pytest.mark.parametrize("name", RULED)
def test_rules_decide_for_those_who_cannot_be_clustered(name: str, four_kinds: tuple[pd.DataFrame, Training]) -> None:
    row, persona = RULED[name]
    row = row | {"returned": Decimal(str(row["returned"]))}
    for model in (four_kinds[1].model, None):
        [scored] = score(model, frame([row])).to_dict("records")
        assert (scored["persona"], scored["cluster"]) == (persona, -1)
        assert np.isnan(scored["confidence"])


def test_customers_of_rules_do_not_move_the_clusters(four_kinds: tuple[pd.DataFrame, Training]) -> None:
    features, training = four_kinds
    others = frame([customer("a", 1, "80"), customer("b", 4, "-99999999"), customer("c", 0, "0", recency=400)])
    wider = pd.concat([features, others], ignore_index=True)
    scored = score(train(wider).model, wider).set_index("customer_id")["persona"]
    assert scored[features["customer_id"]].tolist() == score(training.model, features)["persona"].tolist()


def test_without_a_model_nobody_is_given_a_persona() -> None:
    assert score(None, frame([customer("a", 7, "80")]))["persona"].tolist() == ["Not Segmented"]


def test_no_customers_have_no_segments(four_kinds: tuple[pd.DataFrame, Training]) -> None:
    assert len(score(four_kinds[1].model, frame([]))) == 0


@pytest.mark.parametrize("customer_id", ["Zoë", "北京-1", "🛒", "a'; drop table sales", " ", "{x}", "x" * 128, "1"])
def test_any_text_is_a_customer_id(customer_id: str, four_kinds: tuple[pd.DataFrame, Training]) -> None:
    assert score(four_kinds[1].model, frame([customer(customer_id, 40, "3600")]))["customer_id"].tolist() == [
        customer_id
    ]


TAGGED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing known": ({}, ""),
    "a favorite": (
        {"favourite_category": "Electronics", "favourite_share": 0.5, "favourite_index": 2.0, "favourite_orders": 2},
        "electronics-focused",
    ),
    "a favorite that all buy": (
        {"favourite_category": "Food", "favourite_share": 0.9, "favourite_index": 1.2, "favourite_orders": 9},
        "",
    ),
    "a single purchase of it": (
        {"favourite_category": "Toys", "favourite_share": 0.9, "favourite_index": 9.0, "favourite_orders": 1},
        "",
    ),
    "silent for long": ({"recency": 61, "gap_mean": 20.0, "tenure": 200}, "lapsed risk"),
    "silent as usual": ({"recency": 59, "gap_mean": 20.0, "tenure": 200}, ""),
    "silent for days": ({"recency": 13, "gap_mean": 1.0, "tenure": 200}, ""),
    "weekends": ({"weekend_share": 0.7}, "weekend shopper"),
    "holidays and weekends": ({"weekend_share": 0.7, "holiday_share": 0.5}, "weekend shopper, holiday shopper"),
    "weekends, by chance": ({"weekend_share": 1.0, "frequency": 2}, ""),
    "returns": ({"monetary": "60", "returned": "-40"}, "returns often"),
}


@pytest.mark.parametrize("name", TAGGED)
def test_tags_follow_their_rules(name: str) -> None:
    facts, text = TAGGED[name]
    money = {key: Decimal(facts[key]) for key in ("monetary", "returned") if key in facts}
    scored = tag(frame([customer("a", 8, "100") | facts | money]))
    assert scored.text.tolist() == [text]
    assert scored.lapsed_risk.tolist() == ["lapsed" in text]


@given(st.text(max_size=128))
def test_a_tag_of_any_category_has_no_comma_and_begins_with_a_letter_or_digit(category: str) -> None:
    word = slug(category)
    assert "," not in word
    assert word[0].isalnum()

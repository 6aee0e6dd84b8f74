"""Names for clusters."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest

from retail_assets.segmentation.evaluation.action_text import action_numbers
from retail_assets.segmentation.model.scoring import share_renamed
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import (
    BUDGET,
    DEFAULT,
    DISPLAY_ORDER,
    HIGH_VALUE,
    LOW_ENGAGEMENT,
    NAMING_FEATURES,
    OCCASIONAL,
    OTHER,
    PERSONAS,
    SEASONAL,
    Catalog,
    Persona,
)
from retail_assets.segmentation.personas.naming import name_clusters, prototypes
from retail_assets_tests.segmentation.shoppers import THREE_KINDS, frame, planted_customers


def test_a_cluster_on_a_prototype_gets_its_name_in_any_order() -> None:
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 0, 3, 1]):
        matches = name_clusters(prototypes(NAMING_FEATURES)[order], NAMING_FEATURES)
        assert [m.persona for m in matches] == [PERSONAS[i] for i in order]
        assert [m.fit for m in matches] == pytest.approx([1.0] * 4)


def test_two_clusters_that_want_the_same_name_do_not_both_get_it() -> None:
    spender, lesser_spender = [1.2, 1.4, 0.9, -0.6, -0.4], [0.9, 0.2, -0.3, -0.3, -0.2]
    names = [m.persona for m in name_clusters(np.array([lesser_spender, spender]), NAMING_FEATURES)]
    assert names == [BUDGET, HIGH_VALUE]


def test_two_clusters_get_the_two_names_that_suit_them() -> None:
    names = [m.persona for m in name_clusters(np.array([[-1, -1, -1, 1, 0], [1, 1, 1, -1, 0.0]]), NAMING_FEATURES)]
    assert names == [LOW_ENGAGEMENT, HIGH_VALUE]


def test_a_cluster_that_resembles_no_persona_is_not_given_one() -> None:
    """Two clusters of big spenders: the fourth name is left over, and would be the opposite of the truth."""
    centroids = np.vstack([prototypes(NAMING_FEATURES)[:3], [0.3, 0.4, 0.3, -0.1, 0]])
    names = [m.persona for m in name_clusters(centroids, NAMING_FEATURES)]
    assert names == [HIGH_VALUE, BUDGET, SEASONAL, OTHER]


def test_a_cluster_at_the_average_resembles_nobody() -> None:
    (match,) = name_clusters(np.zeros((1, 5)), NAMING_FEATURES)
    assert match.persona is OTHER


@pytest.mark.parametrize("persona", DISPLAY_ORDER, ids=lambda p: p.name)
def test_every_number_in_an_action_text_comes_from_the_profile(persona: Persona) -> None:
    profile = {
        "customers": 1234,
        "customers_share": 0.2,
        "revenue": "-12.34",
        "revenue_share": None,
        "median_frequency": 2.5,
        "median_average_basket": 5.0,
        "median_recency_days": 12.0,
        "median_top_month_share": 0.3,
        "one_more_purchase": 99.0,
    }
    wanted = {name for _, name, _, _ in string.Formatter().parse(persona.action) if name}
    assert wanted
    assert wanted <= set(action_numbers(profile))
    assert persona.name
    assert len(persona.name) <= 64


@pytest.mark.slow
def test_below_twelve_months_of_sales_no_cluster_is_named_after_seasons() -> None:
    """Case 21: twenty days of sales had Seasonal Shoppers, to be written to ahead of the season."""
    people, _ = planted_customers(THREE_KINDS, 100)
    names = {}
    for days in (20, 359, 360, 365):
        model = train(frame([{**person, "window_days": days} for person in people])).model
        assert model is not None
        names[days] = sorted(model.names)
    assert names[20] == names[359] == ["Budget Shoppers", "High-Value Customers", "Occasional Shoppers"]
    assert names[360] == names[365] == ["Budget Shoppers", "High-Value Customers", "Seasonal Shoppers"]


def test_a_persona_that_gets_its_season_after_a_year_is_the_same_persona() -> None:
    people, _ = planted_customers(THREE_KINDS, 100)
    short, year = (frame([{**person, "window_days": days} for person in people]) for days in (350, 365))
    before = train(short).model
    after = train(year, previous=before).model
    assert before is not None
    assert after is not None
    assert "Occasional Shoppers" in before.names
    assert "Seasonal Shoppers" in after.names
    assert min(after.fits) > 0.2
    assert share_renamed(after, before, year, DEFAULT) < 0.05
    assert DEFAULT.in_order(["One Purchase", OCCASIONAL.name, "Low-Engagement", "Budget Shoppers"]) == [
        "Budget Shoppers", OCCASIONAL.name, "Low-Engagement", "One Purchase",
    ]  # fmt: skip
    assert DEFAULT.named(OCCASIONAL.name) is OCCASIONAL
    assert "season" not in OCCASIONAL.action


def test_the_words_of_a_shop_for_its_own_personas_stay() -> None:
    own = Catalog((HIGH_VALUE, replace(SEASONAL, description="Kommen zu Weihnachten.")))
    assert own.names_for([SEASONAL.name], 20) == (SEASONAL.name,)

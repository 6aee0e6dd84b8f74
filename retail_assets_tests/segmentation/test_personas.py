"""Names for clusters."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from retail_assets.segmentation.evaluation.action_text import action_numbers
from retail_assets.segmentation.model.scoring import share_renamed
from retail_assets.segmentation.model.season import season_index
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
from retail_assets.segmentation.personas.defining import ClusterNumbers, Comparison, findings, holds
from retail_assets.segmentation.personas.naming import name_clusters, prototypes
from retail_assets.segmentation.personas.persona_file import parse
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


def test_below_twelve_months_of_sales_no_cluster_is_named_after_seasons() -> None:
    """Case 21: twenty days of sales had Seasonal Shoppers, to be written to ahead of the season."""
    people, _ = planted_customers(THREE_KINDS, 60)
    names = {}
    for days in (20, 359, 360, 365):
        model = train(frame([{**person, "window_days": days} for person in people])).model
        assert model is not None
        names[days] = sorted(model.names)
    assert names[20] == names[359] == ["Budget Shoppers", "High-Value Customers", "Occasional Shoppers"]
    assert names[360] == names[365] == ["Budget Shoppers", "High-Value Customers", "Seasonal Shoppers"]


def test_a_persona_that_gets_its_season_after_a_year_is_the_same_persona() -> None:
    people, _ = planted_customers(THREE_KINDS, 60)
    short, year = (frame([{**person, "window_days": days} for person in people]) for days in (350, 365))
    before = train(short).model
    after = train(year, previous=before).model
    assert before is not None
    assert after is not None
    assert "Occasional Shoppers" in before.names
    assert "Seasonal Shoppers" in after.names
    assert min(after.fits) > 0.2
    assert share_renamed(after, before, year, DEFAULT) < 0.05
    assert share_renamed(before, after, year, DEFAULT) > 0.2, "a season that is taken back is a new name"
    assert DEFAULT.in_order(["One Purchase", OCCASIONAL.name, "Low-Engagement", "Budget Shoppers"]) == [
        "Budget Shoppers", OCCASIONAL.name, "Low-Engagement", "One Purchase",
    ]  # fmt: skip
    assert DEFAULT.named(OCCASIONAL.name) is OCCASIONAL
    assert "season" not in OCCASIONAL.action


def test_the_words_of_a_shop_for_its_own_personas_stay() -> None:
    """What a shop says about its personas in its own words, their prototypes decide, as before."""
    own = parse(
        "personas: [{name: High-Value Customers}, {name: Budget Shoppers}, "
        "{name: Seasonal Shoppers, description: Kommen zu Weihnachten.}]"
    )
    people, _ = planted_customers(THREE_KINDS, 60)
    model = train(frame([{**person, "window_days": 20} for person in people]), catalog=own).model
    assert model is not None
    assert sorted(model.names) == ["Budget Shoppers", "High-Value Customers", "Seasonal Shoppers"]


def numbers(window_days: int = 365, **clusters: Sequence[float]) -> ClusterNumbers:
    """Numbers of four clusters like those of The Complete Journey, with others instead."""
    usual = {
        "frequency": [90, 72, 24, 15], "monetary": [3800, 1000, 940, 230], "average_basket": [40, 19, 40, 16],
        "recency": [2, 2, 10, 20], "top_month_share": [0.14, 0.18, 0.6, 0.34], "season_index": [1.0, 1.0, 2.5, 1.1],
    }  # fmt: skip
    everybody = {"frequency": 50, "monetary": 1230, "average_basket": 27, "recency": 5, "top_month_share": 0.2}
    values = {name: np.array(row, dtype=float) for name, row in {**usual, **clusters}.items()}
    others = {name: np.full(4, value) for name, value in {**everybody, "season_index": 1.0}.items()}
    return ClusterNumbers(values, others, window_days)


def named_by(numbers: ClusterNumbers, catalog: Catalog = DEFAULT) -> list[str]:
    places = prototypes(NAMING_FEATURES)
    matches = name_clusters(places, NAMING_FEATURES, catalog.clusters, numbers=numbers, stand_ins=catalog.stand_ins)
    return [match.persona.name for match in matches]


@pytest.mark.parametrize(
    ("instead", "names"),
    [
        ({}, ["High-Value Customers", "Budget Shoppers", "Seasonal Shoppers", "Low-Engagement"]),
        # The Complete Journey: Seasonal Shoppers put 24 % in their best month, and Low-Engagement 34 %.
        ({"top_month_share": [0.14, 0.18, 0.24, 0.34]}, {"Seasonal Shoppers": "Occasional Shoppers"}),
        ({"top_month_share": [0.14, 0.18, 0.38, 0.34]}, {"Seasonal Shoppers": "Occasional Shoppers"}),
        # Highest, but no higher than few purchases make it.
        ({"season_index": [1.0, 1.0, 1.1, 1.1]}, {"Seasonal Shoppers": "Occasional Shoppers"}),
        # UCI Online Retail: "Budget" spent more than all but the best.
        ({"monetary": [3800, 1900, 940, 230]}, {"Budget Shoppers": "Small-Basket Regulars"}),
        ({"monetary": [3800, 1000, 5000, 230]}, {"High-Value Customers": "Large-Basket Regulars"}),
        ({"monetary": [3800, 200, 940, 230]}, {"Low-Engagement": "Light Shoppers"}),
        ({"recency": [9, 9, 9, 2]}, {"Low-Engagement": "Light Shoppers"}),
        # Neither often nor rarely, neither much nor little: nothing is claimed.
        ({"monetary": [3800, 1900, 940, 230], "frequency": [90, 50, 24, 15]}, {"Budget Shoppers": "Other Shoppers"}),
    ],
)  # fmt: skip
def test_a_name_is_given_only_where_its_number_says_so(
    instead: dict[str, Any], names: list[str] | dict[str, str]
) -> None:
    full = [persona.name for persona in PERSONAS]
    expected = [names.get(name, name) for name in full] if isinstance(names, dict) else names
    assert named_by(numbers(**instead)) == expected


def test_the_segment_that_spends_most_is_high_value_although_another_name_suits_it_better() -> None:
    """Generated sales: of two clusters, the one with rare and large purchases spends most."""
    two = {name: values[[2, 1]] for name, values in numbers(monetary=[0, 900, 5000, 0]).clusters.items()}
    places = prototypes(NAMING_FEATURES)[[2, 1]] + [0, 0.8, 0, 0, 0]
    others = {name: values[::-1] for name, values in two.items()} | {"season_index": np.ones(2)}
    matches = name_clusters(places, NAMING_FEATURES, numbers=ClusterNumbers(two, others, 365))
    assert [match.persona for match in matches] == [HIGH_VALUE, BUDGET]


def test_a_name_in_use_stays_until_its_number_contradicts_it() -> None:
    for spent, given, kept in ((1000, True, True), (1400, False, True), (1600, False, False)):
        changed = numbers(monetary=[3800, spent, 940, 230])
        assert holds(BUDGET.defining, changed, 1) is given
        assert holds(BUDGET.defining, changed, 1, in_use=True) is kept


def test_of_two_clusters_that_spend_the_same_neither_spends_most() -> None:
    """ "Spend more, typically, than the customers of any other cluster" needs a lead; a name in use needs none."""
    tied = numbers(monetary=[3800, 3800, 940, 940])
    assert not holds(HIGH_VALUE.defining, tied, 0)
    assert holds(HIGH_VALUE.defining, tied, 0, in_use=True)
    assert not findings(LOW_ENGAGEMENT.defining, tied, 3)[1].holds


def test_few_purchases_are_no_season() -> None:
    """Two purchases put at least half of the money in one month, whenever they are made."""
    counts = np.array([2, 6, 24, 90])
    rng = np.random.default_rng(3)
    for count in counts:
        totals = np.zeros((2000, 12))
        np.add.at(totals, (np.repeat(np.arange(2000), count), rng.integers(0, 12, 2000 * count)), 1.0)
        index = season_index(totals.max(axis=1) / count, np.full(2000, count), 365)
        assert 0.8 < index.mean() < 1.15
    assert season_index(np.array([1.0]), np.array([6]), 365)[0] > 2


def test_a_shop_can_say_what_its_own_names_claim() -> None:
    own = parse(
        "personas: [{name: Gold, prototype: {monetary: 1}, defining: {monetary: highest}}, "
        "{name: Silver, prototype: {monetary: 0.5}, defining: {monetary: above}}, "
        "{name: Bronze, prototype: {monetary: -1}, defining: {monetary: below, frequency: lowest}}, "
        "{name: Iron, prototype: {monetary: -1}}]"
    )
    assert own.clusters[2].defining == (Comparison("monetary", "below"), Comparison("frequency", "lowest"))
    assert not own.clusters[3].defining
    assert not own.stand_ins
    assert [named_by(numbers(), own)[place] for place in (0, 3)] == ["Gold", "Bronze"]
    assert "Bronze" not in named_by(numbers(frequency=[90, 72, 10, 15]), own)
    assert own.digest != parse("personas: [{name: Gold, prototype: {monetary: 1}}, {name: Low-Engagement}]").digest


def test_personas_without_comparisons_have_the_digest_that_they_had() -> None:
    """Version 0.2.0 named clusters by prototypes alone: its models of a shop's own personas are not trained again."""
    own = parse("personas: [{name: A, prototype: {monetary: 1}}, {name: B, prototype: {monetary: -1}}]")
    assert own.digest == own.digest_before_comparisons == "19af4258b788"
    assert DEFAULT.digest_before_comparisons == "b841ee38ae43"
    assert DEFAULT.digest != DEFAULT.digest_before_comparisons

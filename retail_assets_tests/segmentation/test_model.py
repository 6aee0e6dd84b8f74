"""How many clusters, whether resamples find them again, and whether their names outlive a retraining."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from retail_assets.segmentation.model import serialization
from retail_assets.segmentation.model.cluster_count import ClusterCount, choose_k
from retail_assets.segmentation.model.cluster_naming import cluster_numbers, inherited_names
from retail_assets.segmentation.model.features import eligible, naming_matrix
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.stability import mean_rand_index, resampled
from retail_assets.segmentation.model.training import Training, train
from retail_assets.segmentation.personas.catalog import DEFAULT, PERSONAS, Catalog
from retail_assets.segmentation.personas.defining import holds
from retail_assets_tests.segmentation.shoppers import PLANTED, THREE_KINDS, customer, frame, planted
from retail_assets_tests.trials import trials


@pytest.fixture(scope="module")
def four_kinds() -> tuple[pd.DataFrame, list[str], Training]:
    features, truth = planted(tuple(PLANTED), 120)
    return features, truth, train(features)


def counts(*tried: tuple[int, float, float | None, bool]) -> list[ClusterCount]:
    return [ClusterCount(*one) for one in tried]


@pytest.mark.parametrize(
    ("tried", "k"),
    [
        ([(2, 0.38, 0.97, True), (3, 0.33, 0.85, True), (4, 0.33, 0.92, True)], 4),  # The Complete Journey
        ([(2, 0.50, 0.99, True), (3, 0.70, 0.99, True), (4, 0.64, 0.9, True)], 3),  # three planted kinds
        ([(2, 0.56, 0.99, True), (3, 0.55, 0.99, True), (4, 0.55, 0.99, True)], 4),  # as good as equal
        ([(2, 0.71, 0.99, True), (3, 0.70, 0.99, True), (4, 0.68, 0.9, True)], 3),  # generated sales: 3 is as good as 2
        ([(2, 0.38, 0.97, True), (3, 0.33, 0.85, True), (4, 0.33, 0.6, True)], 3),  # four are not found again
        ([(2, 0.38, 0.6, True), (3, 0.33, 0.5, True), (4, 0.33, 0.6, True)], 4),  # none is stable: said elsewhere
        ([(2, 0.38, 0.97, True), (3, 0.33, None, False), (4, 0.33, None, False)], 2),  # no names for more
        ([(2, 0.9, None, True)], 2),  # too few to ask whether they are stable
        ([(2, 0.9, None, False)], None),
    ],
)
def test_k_is_the_largest_that_is_usable_and_stable_unless_fewer_are_clearly_separated(
    tried: list[tuple[int, float, float | None, bool]], k: int | None
) -> None:
    assert choose_k(counts(*tried)) == k


def test_the_number_of_clusters_in_use_stays_unless_more_of_them_separate_better() -> None:
    tried = counts((2, 0.7, 0.99, True), (3, 0.5, 0.9, True), (4, 0.4, 0.9, True))
    assert choose_k(tried) == 2
    assert choose_k(tried, in_use=4) == 4
    assert choose_k(counts((2, 0.7, 0.99, True), (3, 0.5, 0.9, True), (4, 0.4, 0.3, True)), in_use=4) == 2
    assert choose_k(counts((2, 0.4, 0.99, True), (3, 0.5, 0.9, True)), in_use=2) == 3
    assert choose_k(counts((2, 0.4, 0.99, True), (3, 0.4, 0.9, True)), in_use=2) == 2


def test_a_cluster_that_loses_its_name_is_shown_without_one_and_the_others_keep_theirs() -> None:
    tried = [ClusterCount(2, 0.56, 0.9, True), ClusterCount(3, 0.85, 0.95, True, "no persona is true of a cluster")]
    assert choose_k(tried) == 2
    assert choose_k(tried, in_use=3) == 3
    assert choose_k(tried[1:]) == 3


@pytest.mark.parametrize("kinds", [tuple(PLANTED), THREE_KINDS], ids=["four kinds", "three kinds"])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_kinds_of_shopper_are_found_and_named_rightly(kinds: tuple[str, ...], seed: int) -> None:
    features, truth = planted(kinds, 100, seed=seed)
    training = train(features, seed=seed)
    assert training.model is not None
    assert training.stable
    given = score(training.model, features)["persona"]
    assert adjusted_rand_score(truth, given) >= 0.9
    assert np.mean(np.array(truth) == given.to_numpy()) >= 0.95
    assert training.model.k == len(kinds)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_than_four_customers_are_not_clustered_and_the_reason_is_stated(count: int) -> None:
    training = train(frame(customer(str(i), 3 + i, "100") for i in range(count)))
    assert training.model is None
    assert ("nobody to segment" if count == 0 else f"Only {count} of {count} customer") in str(training.why)


def test_four_customers_are_clustered_and_nobody_claims_that_it_would_hold() -> None:
    training = train(frame(customer(str(i), 2 if i < 2 else 50, ("10", "11", "5000", "5100")[i]) for i in range(4)))
    assert training.model is not None
    assert training.model.k == 2
    assert not training.stable
    assert training.chosen is not None
    assert training.chosen.bootstrap_ari is None


def test_there_are_no_more_clusters_than_distinguishable_customers() -> None:
    kinds = [customer(f"a{i}", 2, "20") for i in range(50)] + [customer(f"b{i}", 9, "90") for i in range(50)]
    training = train(frame(kinds))
    assert training.model is not None
    assert training.model.k == 2


def test_identical_customers_are_no_cluster() -> None:
    training = train(frame(customer(str(i), 5, "50") for i in range(30)))
    assert training.model is None
    assert "alike" in str(training.why)


def test_one_purchase_per_customer_is_no_basis_for_personas() -> None:
    """The seed's data set: 1,000 transactions of 1,000 customers."""
    training = train(frame(customer(f"CUST{i:03d}", 1, str(25 + 7 * i), recency=i % 300) for i in range(200)))
    assert training.model is None
    assert "With one purchase per customer there is no purchase frequency to segment by" in str(training.why)


def test_the_same_customers_give_the_same_bytes(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    features, _, training = four_kinds
    again = train(features)
    assert training.model is not None
    assert again.model is not None
    assert serialization.dumps(again.model) == serialization.dumps(training.model)
    assert again.tried == training.tried


def test_another_seed_gives_the_same_personas(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    features, _, training = four_kinds
    other = train(features, seed=11)
    assert np.mean(score(other.model, features)["persona"] == score(training.model, features)["persona"]) >= 0.99


def test_a_sample_changes_nothing(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    """The model of a quarter of the customers names all of them as the model of all does."""
    features, _, training = four_kinds
    part = train(features, at_most=len(features) // 4)
    assert part.customers == len(features) // 4
    assert np.mean(score(part.model, features)["persona"] == score(training.model, features)["persona"]) >= 0.97


def test_an_extreme_customer_does_not_move_the_others(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    features, _, training = four_kinds
    giant = frame([customer("giant", 100_000, "9999999999999.99", recency=0)])
    wider = pd.concat([features, giant], ignore_index=True)
    after = score(train(wider).model, wider).set_index("customer_id")["persona"]
    assert after.pop("giant") == PERSONAS[0].name
    before = score(training.model, features).set_index("customer_id")["persona"]
    assert (after.loc[before.index] == before).mean() >= 0.99
    # Nor does one who was not in the training break the model that is in use.
    assert score(training.model, giant)["persona"].tolist() == [PERSONAS[0].name]


def test_confidence_is_highest_at_the_center_and_a_half_at_the_border(
    four_kinds: tuple[pd.DataFrame, list[str], Training],
) -> None:
    features, _, training = four_kinds
    model = training.model
    assert model is not None
    labels, chances = model.posterior(features[eligible(features)])
    assert ((chances > 1 / model.k) & (chances <= 1)).all()
    assert chances.mean() > 0.95
    scores = model.standardize(features[eligible(features)])[:, :3]
    apart = np.sort(model.kmeans.transform(scores), axis=1)
    by_margin = np.argsort(apart[:, 1] - apart[:, 0])
    assert chances[by_margin[:10]].mean() < chances[by_margin[-10:]].mean()
    assert labels.tolist() == model.pipeline.predict(_matrix(features)).tolist()


def _matrix(features: pd.DataFrame) -> np.ndarray:
    return naming_matrix(features[eligible(features)])


def test_resamples_of_distinct_kinds_find_them_again(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    features, _, training = four_kinds
    assert training.model is not None
    judged, models = resampled(training.model, features, resamples=5)
    labels = training.model.predict(judged)
    assert mean_rand_index(labels, [model.predict(judged) for model in models]) > 0.95
    assert all(np.mean(model.names_of(judged) == training.model.names_of(judged)) > 0.95 for model in models)


def test_a_retraining_keeps_the_yardstick_and_the_names(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    _, _, training = four_kinds
    later, _ = planted(tuple(PLANTED), 120, seed=5)
    retrained = train(later, previous=training.model)
    assert retrained.inherited
    assert retrained.model is not None
    assert training.model is not None
    for name in ("lambdas_", "_scaler.mean_", "_scaler.scale_"):
        ours, theirs = (attrgetter(name)(model.reference)[:3] for model in (retrained.model, training.model))
        assert ours.tolist() == theirs.tolist()
    assert np.mean(score(retrained.model, later)["persona"] == score(training.model, later)["persona"]) >= 0.98


def test_names_go_with_the_customers_of_clusters_not_with_their_numbers(
    four_kinds: tuple[pd.DataFrame, list[str], Training],
) -> None:
    features, _, training = four_kinds
    model = training.model
    assert model is not None
    shuffled = replace(model, kmeans=_rolled(model), names=(*model.names[1:], model.names[0]))
    again = train(features, previous=shuffled).model
    assert again is not None
    assert again.names == model.names


def _rolled(model: SegmentModel) -> KMeans:
    kmeans = copy.deepcopy(model.kmeans)
    kmeans.cluster_centers_ = np.roll(kmeans.cluster_centers_, -1, axis=0)
    return kmeans


@pytest.mark.parametrize("first", [(3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1)])
def test_a_name_that_its_numbers_contradict_is_not_inherited(
    four_kinds: tuple[pd.DataFrame, list[str], Training], first: tuple[int, ...]
) -> None:
    features, _, training = four_kinds
    model = training.model
    assert model is not None
    wrong = replace(model, names=tuple(model.names[i] for i in first))
    again = train(features, previous=wrong).model
    assert again is not None
    assert again.names != wrong.names
    numbers = cluster_numbers(features, again.predict(features), again.k)
    for cluster, name in enumerate(again.names):
        persona = DEFAULT.of_clusters(name)
        assert persona is not None
        assert holds(persona.defining, numbers, cluster, in_use=True)


def test_names_are_not_inherited_by_clusters_of_other_customers(
    four_kinds: tuple[pd.DataFrame, list[str], Training],
) -> None:
    features, _, training = four_kinds
    model = training.model
    assert model is not None
    labels = model.predict(features)
    numbers = cluster_numbers(features, labels, model.k)
    mixed = np.arange(len(labels)) % model.k
    assert inherited_names(model.names, mixed, 365, labels, numbers, DEFAULT) == {}
    same = inherited_names(model.names, labels, 365, labels, numbers, DEFAULT)
    assert [same[cluster].name for cluster in range(model.k)] == list(model.names)


def test_a_shop_that_has_changed_gets_a_new_yardstick(four_kinds: tuple[pd.DataFrame, list[str], Training]) -> None:
    _, _, training = four_kinds
    inflated, truth = planted(tuple(PLANTED), 80)
    inflated["monetary"] *= 50
    inflated["average_basket"] *= 50
    retrained = train(inflated, previous=training.model)
    assert not retrained.inherited
    assert np.mean(score(retrained.model, inflated)["persona"].to_numpy() == np.array(truth)) >= 0.95


def test_own_personas_name_the_clusters() -> None:
    features, _ = planted(("High-Value Customers", "Low-Engagement"), 60)
    own = Catalog(clusters=(replace(PERSONAS[0], name="Gold"), replace(PERSONAS[3], name="Grey")))
    training = train(features, catalog=own)
    assert training.model is not None
    assert training.model.names == ("Gold", "Grey")
    assert training.model.catalog_digest != DEFAULT.digest


@settings(max_examples=trials(40), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2, 10**7), st.integers(1, 10**16)),
        min_size=4,
        max_size=60,
    )
)
@example(customers=[(2, 1), (2, 78), (2, 1), (3, 1)])
def test_any_amounts_a_warehouse_can_hold_are_clustered_without_a_warning(customers: list[tuple[int, int]]) -> None:
    """Near-constant or huge amounts drive Yeo-Johnson's exponent far out; scores must stay finite."""
    rows = [customer(f"{i:03d}", often, Decimal(cents) / 100) for i, (often, cents) in enumerate(customers)]
    features = frame(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training = train(features)
        if training.model:
            scored = score(training.model, features)
            assert set(scored["persona"]) <= set(training.model.names)
            assert scored["confidence"].between(0, 1).all()
            assert np.isfinite(training.model.standardize(features)).all()

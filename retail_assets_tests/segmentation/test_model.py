"""How many clusters, and whether the same customers give the same ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.segmentation import model as model_module
from retail_assets.segmentation.features import NAMING_FEATURES
from retail_assets.segmentation.model import choose_k, fit_model


def features(frequency: Sequence[float], monetary: Sequence[float]) -> pd.DataFrame:
    values = pd.DataFrame({"frequency": frequency, "monetary": monetary}, dtype=float)
    values["average_basket"] = values["monetary"] / values["frequency"]
    return values.assign(recency=10.0, top_month_share=0.5)[list(NAMING_FEATURES)]


@pytest.mark.parametrize(
    ("silhouettes", "k"),
    [
        ({2: 0.38, 3: 0.33, 4: 0.33}, 4),  # The Complete Journey: no structure prefers fewer
        ({2: 0.50, 3: 0.70, 4: 0.64}, 3),  # three planted kinds
        ({2: 0.56, 3: 0.55, 4: 0.55}, 4),  # as good as equal
        ({2: 0.90}, 2),
        ({2: 0.1, 3: -0.1}, 3),
    ],
)
def test_fewer_clusters_than_personas_need_clear_structure(silhouettes: dict[int, float], k: int) -> None:
    assert choose_k(silhouettes) == k


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_than_four_customers_are_not_clustered(count: int) -> None:
    assert fit_model(features([2, 3, 4][:count], [10, 20, 30][:count])) is None


def test_four_different_customers_are_clustered_in_two() -> None:
    model = fit_model(features([2, 2, 50, 50], [10, 11, 5000, 5100]))
    assert model is not None
    assert model.k == 2
    assert model.predict(features([2, 50], [10.5, 5050])).tolist() == [1, 0]


def test_there_are_no_more_clusters_than_distinguishable_customers() -> None:
    model = fit_model(features([2] * 50 + [9] * 50, [20.0] * 50 + [90.0] * 50))
    assert model is not None
    assert model.k == 2
    assert model.silhouette == pytest.approx(1.0)


def test_clusters_are_numbered_by_falling_spend() -> None:
    rng = np.random.default_rng(3)
    frequency = rng.integers(2, 80, 300)
    customers = features(frequency.tolist(), (frequency * rng.lognormal(3, 1, 300)).tolist())
    model = fit_model(customers)
    assert model is not None
    spend = customers["monetary"].groupby(model.predict(customers)).median()
    assert spend.is_monotonic_decreasing


def test_training_on_a_sample_scores_everyone_much_as_training_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    kinds = np.repeat([[40, 90], [40, 15], [6, 90], [6, 15]], 500, axis=0)
    frequency = np.maximum(rng.poisson(kinds[:, 0]), 2)
    customers = features(frequency.tolist(), (frequency * kinds[:, 1] * rng.lognormal(0, 0.25, 2_000)).tolist())
    everyone = fit_model(customers)
    monkeypatch.setattr(model_module, "TRAINING_CUSTOMERS", 800)
    sampled = fit_model(customers)
    assert everyone is not None
    assert sampled is not None
    assert (everyone.trained_on, sampled.trained_on) == (2_000, 800)
    assert np.mean(everyone.predict(customers) == sampled.predict(customers)) > 0.99


money = st.one_of(
    st.floats(0.01, 1e16), st.sampled_from([0.01, 0.02, 1e9, 1e9 + 0.01, 1e12, 1e12 + 0.01, 9_999_999_999_999_999.0])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.integers(2, 5), st.integers(2, 10**9)), money), min_size=4, max_size=10))
def test_any_amounts_a_warehouse_can_hold_are_clustered_without_a_warning(customers: list[tuple[int, float]]) -> None:
    """Near-constant or huge amounts drive Yeo-Johnson's exponent far out; scores must stay finite."""
    values = features(*map(list, zip(*customers, strict=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit_model(values)
        if model:
            labels = model.predict(values)
            assert set(labels) <= set(range(model.k))
            assert np.isfinite(model.centroids(values, labels)).all()

"""Figures of the forecast speak plain words."""

from __future__ import annotations

import numpy as np
import pytest

from retail_assets.forecasting.evaluation.explanation import Curve, Explanation
from retail_assets.forecasting.figures.calibration import _title
from retail_assets.forecasting.figures.drivers import FEATURE_WORDS, drivers
from retail_assets.forecasting.figures.errors import _weeks_title
from retail_assets.forecasting.models.features import FEATURES
from retail_assets.forecasting.models.last_year import YEAR_FEATURES


def test_every_feature_has_words_for_readers() -> None:
    """A picture for merchants once had an axis called cv28."""
    assert tuple(FEATURE_WORDS) == FEATURES + YEAR_FEATURES
    assert len(set(FEATURE_WORDS.values())) == len(FEATURE_WORDS)


def test_features_that_users_bring_are_named_by_themselves() -> None:
    explanation = Explanation(
        "gradient boosting",
        ("cv28", "price_of_$_tea"),
        np.array([0.1, 0.2]),
        (Curve("price_of_$_tea", np.array([0.0, 1.0]), np.array([1.0, 1.1])),),
    )
    figure = drivers(explanation)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "ups and downs of the last 4 weeks",
        r"price of \$ tea",
    ]
    assert figure.axes[1].get_xlabel() == r"price of \$ tea"


@pytest.mark.parametrize(
    ("inner", "outer", "title"),
    [
        (0.80, 0.95, "Prediction intervals cover what they promise"),
        (0.90, 0.99, "Prediction intervals are wider than necessary"),
        (0.70, 0.90, "Prediction intervals do not cover what they promise"),
    ],
)
def test_a_title_says_whether_intervals_keep_their_promise(inner: float, outer: float, title: str) -> None:
    assert _title(inner, outer) == title


@pytest.mark.parametrize(
    ("errors", "end"),
    [
        ([0.05], "by 5.0 % in week 1"),
        ([0.05, 0.07, 0.06], "by 5.0 % in week 1 and by 7.0 % in week 2, the most"),
        ([0.07, 0.05], "by 7.0 % in week 1, by no more in later weeks"),
    ],
)
def test_a_title_does_not_name_the_first_week_twice(errors: list[float], end: str) -> None:
    assert _weeks_title(np.array(errors)).endswith(end)

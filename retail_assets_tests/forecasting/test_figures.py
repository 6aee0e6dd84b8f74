"""Figures of the forecast speak plain words."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from retail_assets.forecasting.evaluation.explanation import Curve, Explanation
from retail_assets.forecasting.evaluation.interval_ends import ABOVE, BELOW, OUTSIDE, IntervalEnd
from retail_assets.forecasting.figures.backtest import _drivers
from retail_assets.forecasting.figures.calibration import _title
from retail_assets.forecasting.figures.drivers import FEATURE_WORDS, drivers
from retail_assets.forecasting.models.family_holidays import FAMILY_FEATURES
from retail_assets.forecasting.models.features import FEATURES, SHOP_FEATURES
from retail_assets.forecasting.models.last_year import YEAR_FEATURES
from retail_assets.plotting.left_out import NothingToShow

DAYS = (dt.date(2016, 1, 1), dt.date(2017, 12, 31))


def test_every_feature_has_words_for_readers() -> None:
    """A picture for merchants once had an axis called cv28."""
    assert tuple(FEATURE_WORDS) == FEATURES + YEAR_FEATURES + SHOP_FEATURES + FAMILY_FEATURES
    assert len(set(FEATURE_WORDS.values())) == len(FEATURE_WORDS)


def test_features_that_users_bring_are_named_by_themselves() -> None:
    explanation = Explanation(
        "gradient boosting",
        ("cv28", "price_of_$_tea"),
        np.array([0.1, 0.2]),
        (Curve("price_of_$_tea", np.array([0.0, 1.0]), np.array([1.0, 1.1])),),
    )
    figure = drivers(explanation, DAYS).figure
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "ups and downs of the last 4 weeks",
        r"price of \$ tea",
    ]
    assert figure.axes[1].get_xlabel() == r"price of \$ tea"


@pytest.mark.parametrize("first", range(0, len(FEATURE_WORDS) - 11, 5))
def test_no_feature_is_cut_and_none_is_written_over_another(first: int) -> None:
    """It once was "days from Christmas, New Y…Thanksgiving"."""
    names = sorted(FEATURE_WORDS, key=lambda name: len(FEATURE_WORDS[name]))[first:][-12:]
    curve = Curve("family_holiday", np.array([-7.0, 8.0]), np.array([1.0, 1.1]))
    figure = drivers(Explanation("gradient boosting", tuple(names), np.linspace(0.1, 0.2, 12), (curve,)), DAYS).figure
    figure.draw_without_rendering()
    labels = figure.axes[0].get_yticklabels()
    assert [text.get_text().replace("\n", " ") for text in labels] == [FEATURE_WORDS[name] for name in names]
    boxes = [text.get_window_extent() for text in labels]
    assert min(box.x0 for box in boxes) >= 0
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("champion", "title"),
    [
        ("gradient_boosting", "What the forecast relies on most: holiday, then weekend"),
        ("combination", "What gradient boosting relies on most: holiday, then weekend"),
    ],
)
def test_the_features_are_those_of_the_forecast_only_where_that_is_the_boosting(champion: str, title: str) -> None:
    curve = Curve("holiday", np.array([0.0, 1.0]), np.array([0.2, 0.4]))
    explanation = Explanation("gradient boosting", ("weekend", "holiday"), np.array([0.1, 0.2]), (curve,))
    data = {"first_day": "2016-01-01", "last_day": "2017-12-31"}
    figure = _drivers({"has_skill": True, "champion": champion, "data": data}, explanation).figure
    assert title in figure.get_suptitle() + " ".join(text.get_text() for text in figure.findobj(Text))
    assert figure.axes[1].get_ylim()[1] > 1.0
    with pytest.raises(NothingToShow, match="explains nothing"):
        _drivers({"has_skill": False, "champion": champion}, explanation)


@pytest.mark.parametrize(
    ("importance", "title"),
    [
        ([0.2, 0.1, 0.098, 0.02, 0.01], "relies on most: sales of the last week, then holiday and weekend"),
        ([0.2, 0.198, 0.1, 0.098, 0.095, 0.092], "relies on most: sales of the last week and holiday"),
        ([0.2, 0.195, 0.19, 0.186, 0.18], "The forecast relies on many inputs, none clearly more than the next"),
    ],
)
def test_what_the_forecast_relies_on_most_has_a_lead(importance: list[float], title: str) -> None:
    names = ("mean7", "holiday", "weekend", "weekday", "step", "last")[: len(importance)]
    curve = Curve("holiday", np.array([0.0, 1.0]), np.array([1.0, 1.1]))
    explanation = Explanation("gradient boosting", names, np.array(importance), (curve,))
    figure = drivers(explanation, DAYS).figure
    assert title in " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))


def ends(days: int, **beyond: float) -> list[IntervalEnd]:
    """The ends of the 95 % interval of the categories, with these shares beyond them."""
    promised = {BELOW: 0.025, ABOVE: 0.025, OUTSIDE: 0.05}
    return [IntervalEnd(False, side, 0.95, promised[side], share, days) for side, share in beyond.items()]


@pytest.mark.parametrize(
    ("measured", "title"),
    [
        (ends(168, below=0.03, above=0.02, outside=0.05), "Prediction intervals hold at both ends"),
        (ends(28, below=0.03, above=0.02), "Prediction intervals hold at both ends, as far as 28 days can show"),
        (ends(5000, below=0.025, above=0.01), "Prediction intervals are wider than necessary"),
        (
            ends(168, below=0.07, above=0.02, outside=0.09),
            "Too many category-days are below the 95 % interval: 7.0 % instead of 2.5 %",
        ),
        (
            ends(168, below=0.045, above=0.045, outside=0.09),
            "Too many category-days are outside the 95 % interval: 9.0 % instead of 5.0 %",
        ),
    ],
)
def test_a_title_says_which_end_of_the_intervals_is_missed(measured: list[IntervalEnd], title: str) -> None:
    """ "Cover what they promise" once stood over a curve with 7 % below the 2.5 % quantile."""
    assert _title(measured, "day") == title

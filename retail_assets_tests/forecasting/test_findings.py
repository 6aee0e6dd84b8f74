"""What people read of a backtest: what was compared with what, and where it fails."""

from __future__ import annotations

import dataclasses
import datetime as dt
from datetime import timedelta

import numpy as np
import pytest

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.findings import findings, holidays_compared, weeks_ahead
from retail_assets.forecasting.evaluation.report import report
from retail_assets.forecasting.figures.errors import error_by_week
from retail_assets.forecasting.lifecycle import record
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.wording import forecast as wording
from retail_assets.wording.forecast_models import RULES
from retail_assets_tests.forecasting.sales_histories import FIRST, history, noisy_week

STEPS = 28


@pytest.fixture
def tested():
    """Three cut-offs, two categories of 100 a day; the model is off by 10 %, near the holiday in week 3 by 60 %."""
    shape = (3, 2, STEPS)
    actual = np.full(shape, 100.0)
    holiday = np.zeros((3, STEPS), dtype=bool)
    holiday[:, 15:18] = True
    model = np.where(holiday[:, None, :], 160.0, 110.0) * np.ones(shape)
    forecasts = {"gradient_boosting": model, **{name: np.full(shape, 150.0) for name in BASELINE_NAMES}}
    forecasts["seasonal_naive"] = np.full(shape, 150.0)
    forecasts["seasonal_naive"][1] = 101.0
    cutoffs = tuple(FIRST + timedelta(days=STEPS * at) for at in range(3))
    known = np.ones(2, dtype=bool)
    return Backtest(("a", "b"), cutoffs, actual, forecasts, np.ones((3, 2)), known, (), holiday=holiday)


def test_the_sentences_name_what_was_compared_and_on_which_days(tested):
    compared = findings(tested, "gradient_boosting")[0]
    assert compared.startswith("Compared: gradient boosting with the rules seasonal naive, the same-weekday mean")
    assert "each on the 28 days after 3 cut-offs (2 Jan 2023 to 27 Feb 2023)" in compared


def test_errors_by_horizon_are_shown_apart_from_holidays(tested):
    text = " ".join(findings(tested, "gradient_boosting"))
    assert "add up to 10.0 % of sales in week 1 ahead (21 days) and to 10.0 % in week 4 (21 days)" in text
    assert "Within a day of a major holiday (9 days) the errors add up to 60.0 % of sales, else to 10.0 %" in text
    weeks = weeks_ahead(tested)
    assert [int(mask.sum()) for mask in weeks] == [21, 21, 12, 21]
    by_week = report(tested, {}, seed=0)["by_week_ahead_without_holidays"]
    assert {week: models["gradient_boosting"]["wape"] for week, models in by_week.items()} == dict.fromkeys("1234", 0.1)


def test_the_figure_by_week_calls_no_week_the_hardest_because_of_a_holiday(tested):
    figure = error_by_week(tested).figure
    texts = " ".join(text.get_text() for text in figure.texts) + " ".join(
        ax.get_title(loc="left") for ax in figure.axes
    )
    assert "the most" not in texts
    assert "are left out; within a day of one: 60.0 % (9 days)." in texts


def test_days_on_which_people_shop_for_a_holiday_are_apart_too(tested):
    """ "Week 3, the hardest" was the week before Christmas, of which only Christmas Eve was near a holiday."""
    season = tested.holiday.copy()
    season[:, 8:21] = True
    weeks = weeks_ahead(dataclasses.replace(tested, season=season))
    assert [int(mask.sum()) for mask in weeks] == [21, 3, 0, 21]
    assert "week 4 (21 days)" in " ".join(findings(dataclasses.replace(tested, season=season)))
    figure = error_by_week(dataclasses.replace(tested, season=season)).figure
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2", "4"]


def test_the_cutoffs_at_which_a_rule_was_better_are_named(tested):
    text = " ".join(findings(tested, "gradient_boosting"))
    assert "Seasonal naive was better at 1 of 3 cut-offs: after 30 Jan 2023." in text


def test_a_category_that_is_missed_by_half_of_its_sales_is_named(tested):
    worse = tested.forecasts["gradient_boosting"].copy()
    worse[:, 1] = 190.0
    tested = dataclasses.replace(tested, forecasts={**tested.forecasts, "gradient_boosting": worse})
    said = "the errors per day add up to half of sales or more in b (90 %)."
    among = "Among the categories with at least 0.1 % of sales on the days compared"
    assert f"{among}, {said}" in findings(tested, "gradient_boosting")


def test_a_category_that_hardly_sells_is_not_named_for_its_errors(tested):
    """Three categories of USD 3 to 67 a year were the first three named of a shop that sold USD 4.6 M."""
    actual, worse = tested.actual.copy(), tested.forecasts["gradient_boosting"].copy()
    actual[:, 1], worse[:, 1] = actual[:, 1] / 1e4, 190.0
    tested = dataclasses.replace(tested, actual=actual, forecasts={**tested.forecasts, "gradient_boosting": worse})
    assert "half of sales" not in " ".join(findings(tested, "gradient_boosting"))


def test_the_rules_are_said_to_remember_holidays(tested):
    assert RULES == BASELINE_NAMES
    [compared] = [sentence for sentence in findings(tested, "gradient_boosting") if sentence.startswith("Compared")]
    assert compared.endswith("The rules other than seasonal naive remember what the shop did on holidays before.")
    forecasts = {name: tested.forecasts[name] for name in ("gradient_boosting", "seasonal_naive")}
    assert "remember" not in findings(dataclasses.replace(tested, forecasts=forecasts), "gradient_boosting")[0]


def test_without_a_holiday_nothing_is_claimed_of_holidays(tested):
    none = dataclasses.replace(tested, holiday=np.zeros_like(tested.holiday))
    assert any("how it does on holidays is not known" in sentence for sentence in findings(none))


def test_the_holidays_that_are_called_major_are_named_where_a_scored_day_is_next_to_them(tested):
    """ "Major holidays" were left out, and nobody could tell which these are."""
    names = {FIRST + timedelta(days=days): name for days, name in ((0, "Eve"), (84, "Fair"), (86, "Late"))}
    said = " ".join(findings(dataclasses.replace(tested, holidays=names)))
    assert "Within a day of a major holiday (9 days: Eve and Fair) the errors" in said
    actual = tested.actual.copy()
    actual[2, :, -2:] = np.nan
    closed = dataclasses.replace(tested, holidays=names, actual=actual)
    assert holidays_compared(closed) == ["Eve"]


@pytest.mark.parametrize(("cutoffs", "interval"), [(3, False), (4, False), (5, True)])
def test_an_interval_of_the_gain_takes_five_cutoffs(cutoffs, interval):
    """Resamples of three cut-offs scatter too little: "90 % interval of the gain: -2.1 to -0.1 %"."""
    said = wording.verdict(
        measure="revenue", model="gradient boosting", published="gradient boosting", rule="seasonal naive",
        cutoffs=cutoffs, over_naive=0.2, over_rule=0.2, claim="skill", interval=(0.15, 0.25), better_at=cutoffs,
    ).text  # fmt: skip
    assert f"better at {cutoffs} of {cutoffs} cut-offs" in said
    assert ("90 % interval" in said) is interval
    assert ("too few for an interval of the gain" in said) is not interval


def test_the_card_and_the_report_say_it():
    training = train(history(150, {"a": noisy_week(100), "b": noisy_week(40, seed=2)}), country="US",
                     candidates=["auto_theta"], most_cutoffs=2)  # fmt: skip
    card = record.model_card(training, record.facts(training, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    assert "## What was compared, and where it fails" in card
    for sentence in training.report["in_words"]:
        assert sentence in card
    measured = [row for row in card.split("## Measured on unseen days")[1].split("## ")[0].splitlines() if "|" in row]
    models = training.report["models"]
    ranked = sorted(models, key=lambda name: models[name]["rmse"] * models[name]["total_rmse"])
    assert [row.split("|")[1].strip().removesuffix(" (chosen)") for row in measured[2:]] == ranked
    assert "Models are ranked by `score`: geometric mean of the RMSE of categories and of their total" in card


def test_a_part_of_the_cutoffs_is_a_backtest_too(tested):
    part = tested.select(slice(1, 3))
    assert part.cutoffs == tested.cutoffs[1:]
    assert part.metrics("seasonal_naive")["wape"] == pytest.approx((0.01 + 0.5) / 2)

"""The backtest: metrics right by hand, no leakage, and no claim of skill that was not measured."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.evaluation.backtest import MODEL_NAMES, Backtest
from retail_assets.forecasting.evaluation.rolling_origin import choose_cutoffs, run_backtest
from retail_assets.forecasting.evaluation.verdict import verdict
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import PRODUCT_MODEL, fit_candidates, load_libraries
from retail_assets.wording import forecast_titles
from retail_assets_tests.forecasting.sales_histories import FIRST, history, noisy_week, sales_of

HOLIDAYS = holiday_calendar("US", date(2023, 1, 1), date(2024, 12, 31))
LAST = date(2017, 12, 31)


def test_the_cutoffs_of_a_year_are_six_and_the_last_leaves_out_its_end():
    cutoffs = choose_cutoffs(date(2017, 1, 1), LAST, 28)
    assert [str(day) for day in cutoffs] == [
        "2017-07-16", "2017-08-13", "2017-09-10", "2017-10-08", "2017-11-05", "2017-12-03",
    ]  # fmt: skip


@pytest.mark.parametrize(("days", "count"), [(1, 0), (97, 0), (98, 1), (125, 1), (126, 2), (238, 6), (2000, 6)])
def test_each_cutoff_has_seventy_days_behind_it(days, count):
    first = LAST - timedelta(days=days - 1)
    cutoffs = choose_cutoffs(first, LAST, 28)
    assert len(cutoffs) == count
    assert all((cutoff - first).days + 1 >= 70 for cutoff in cutoffs)


def by_hand(actual, cutoffs=1, naive_error=2.0, **forecasts):
    """A backtest of two categories and two days, the same at each cut-off; models not given forecast zero."""
    shape = (cutoffs, 2, 2)
    spread = {name: np.broadcast_to(np.asarray(forecasts.get(name, 0.0), float), shape) for name in MODEL_NAMES}
    days = tuple(FIRST + timedelta(days=28 * at) for at in range(cutoffs))
    known = np.array([True, True])
    return Backtest(
        ("a", "b"),
        days,
        np.broadcast_to(np.asarray(actual, float), shape),
        spread,
        np.full(shape[:2], naive_error),
        known,
        (),
    )


def test_metrics_by_hand():
    metrics = by_hand([[10, 20], [30, np.nan]], gradient_boosting=[[12, 16], [30, 99]]).metrics(PRODUCT_MODEL)
    assert metrics == pytest.approx(
        {
            "rmse": (20 / 3) ** 0.5,
            "mae": 2.0,
            "wape": 6 / 60,
            "mase": 1.0,
            "bias": -2 / 60,
            "total_rmse": 2.0,
            "total_wape": 2 / 40,  # of the days whose every category is known
        }
    )


def test_errors_of_categories_may_cancel_in_the_total():
    metrics = by_hand([[10, 10], [10, 10]], gradient_boosting=[[11, 11], [9, 9]]).metrics(PRODUCT_MODEL)
    assert (metrics["rmse"], metrics["total_rmse"]) == (1.0, 0.0)


def test_shares_of_nothing_are_none():
    metrics = by_hand(np.zeros((2, 2)), naive_error=0.0).metrics(PRODUCT_MODEL)
    assert metrics["wape"] is metrics["bias"] is metrics["mase"] is None


def test_skill_is_the_share_of_rmse_saved():
    tested = by_hand(np.full((2, 2), 10.0), gradient_boosting=9.0, seasonal_naive=8.0)
    assert tested.skill("seasonal_naive") == pytest.approx(0.5)


def test_skill_against_an_exact_rule_is_undefined_and_the_rule_is_champion():
    tested = by_hand(np.full((2, 2), 10.0), gradient_boosting=9.0, seasonal_naive=10.0)
    assert tested.skill("seasonal_naive") is None
    assert tested.champion == "seasonal_naive"
    assert verdict(tested, seed=0).startswith("No skill")


def test_a_tie_goes_to_the_simple_rule():
    tested = by_hand(np.full((2, 2), 10.0), gradient_boosting=9.0, weekday_mean=9.0)
    assert tested.champion == "weekday_mean"
    assert verdict(tested, seed=0).startswith("No skill")


def test_the_verdict_names_a_baseline_that_beats_the_model_though_it_beats_naive():
    tested = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, seasonal_naive=5.0, recent_mean=9.5)
    text = verdict(tested, seed=0)
    assert text.startswith("No skill")
    assert "80.0 % below seasonal naive's over 6 cut-offs, but 100 % above that of the mean day" in text


def test_a_better_model_at_one_cutoff_is_not_called_proven():
    text = verdict(by_hand(np.full((2, 2), 10.0), 1, gradient_boosting=9.9, seasonal_naive=5.0), seed=0)
    assert text.startswith("Skill not proven, too few cut-offs")


def test_a_model_better_at_every_cutoff_has_skill():
    tested = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, seasonal_naive=8.0, weekday_mean=8.5)
    text = verdict(tested, seed=0)
    assert text.startswith("Gradient boosting has skill")
    assert "better at 6 of 6 cut-offs" in text


def test_a_gain_from_one_lucky_cutoff_is_called_chance():
    even = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, seasonal_naive=1.0, weekday_mean=9.01)
    lucky = even.forecasts["weekday_mean"].copy()
    lucky[:5], lucky[5] = 9.1, 7.0
    tested = dataclasses.replace(even, forecasts={**even.forecasts, "weekday_mean": lucky})
    assert tested.champion == PRODUCT_MODEL
    assert verdict(tested, seed=0).startswith("No proven skill of gradient boosting")


def test_a_cutoff_that_is_lost_by_a_little_is_a_tie():
    tested = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, weekday_mean=8.0)
    rule = tested.forecasts["weekday_mean"].copy()
    rule[:3] = 9.05
    assert dataclasses.replace(tested, forecasts={**tested.forecasts, "weekday_mean": rule}).has_skill


@pytest.mark.parametrize(
    ("cutoffs", "lost", "skill"),
    [(6, 0, True), (6, 1, True), (6, 2, False), (3, 0, True), (3, 1, False), (10, 2, True)],
)
def test_a_model_that_loses_more_than_one_cutoff_in_five_has_no_proven_skill(cutoffs, lost, skill):
    """Few cut-offs that are drawn again scatter too little: an interval alone claims too much."""
    tested = by_hand(np.full((2, 2), 10.0), cutoffs, gradient_boosting=9.0, weekday_mean=8.5)
    rule = tested.forecasts["weekday_mean"].copy()
    rule[:lost] = 9.1
    tested = dataclasses.replace(tested, forecasts={**tested.forecasts, "weekday_mean": rule})
    assert tested.has_skill == skill
    said = verdict(tested, seed=0)
    assert said.startswith("Gradient boosting has skill" if skill else "No proven skill of gradient boosting")


@pytest.mark.parametrize(
    ("claim", "gain", "words"),
    [
        ("skill", 0.1, "Gradient boosting has skill: its error is 10.0 % below that of seasonal naive"),
        ("low", -0.004, "No proven skill: the error of gradient boosting is 0.4 % above that of seasonal naive"),
        ("none", 0.004, "No skill: the error of gradient boosting is 0.4 % below that of seasonal naive"),
        (
            "chance",
            -0.02,
            "No skill: the error of gradient boosting is 2.0 % above that of seasonal naive, within chance",
        ),
        ("exact", None, "No skill: seasonal naive was already exact"),
    ],
)
def test_the_title_of_the_skill_has_the_words_of_the_verdict(claim, gain, words):
    assert forecast_titles.skill(model="gradient boosting", rule="seasonal naive", gain=gain, claim=claim).text == words


@pytest.fixture(scope="module")
def rows():
    late = noisy_week(80, seed=3)
    return history(
        130, {"a": noisy_week(100, seed=1), "b": noisy_week(40, seed=2), "late": lambda n: late(n) if n > 110 else None}
    )


@pytest.fixture(scope="module")
def tested(rows):
    return run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0)


def test_values_after_a_cutoff_change_none_of_its_forecasts(rows, tested):
    # The first cut-off is day 74: all that follows is invented again, a category vanishes, a day is closed.
    later = rows["sale_date"] > tested.cutoffs[0]
    changed = rows.copy()
    changed.loc[later, "revenue"] = changed.loc[later, "revenue"] * 7 + 1000
    closed = changed["sale_date"] == tested.cutoffs[0] + timedelta(days=3)
    changed = changed[~(closed | (later & (changed["product_category"] == "b")))]
    again = run_backtest(sales_of(changed), HOLIDAYS, horizon=28, seed=0)
    assert again.cutoffs[0] == tested.cutoffs[0]
    assert set(again.forecasts) == set(tested.forecasts) >= {PRODUCT_MODEL, "combination", *BASELINE_NAMES}
    for name in tested.forecasts:
        np.testing.assert_array_equal(again.forecasts[name][0], tested.forecasts[name][0])
    assert not np.array_equal(again.forecasts[PRODUCT_MODEL][1], tested.forecasts[PRODUCT_MODEL][1])


@pytest.mark.slow
def test_the_number_of_cores_changes_no_number(rows, tested, monkeypatch):
    for cores in (1, 5):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        again = run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0)
        for name in tested.forecasts:
            np.testing.assert_array_equal(again.forecasts[name], tested.forecasts[name])


def test_a_fit_has_one_core_and_what_runs_afterwards_has_all_of_them_again(rows, monkeypatch):
    def threads():
        return {library["filepath"]: library["num_threads"] for library in threadpool_info()}

    during = []

    def fit(*args, **options):
        during.append(threads())
        return fit_candidates(*args, **options)

    monkeypatch.setattr("retail_assets.forecasting.evaluation.rolling_origin.fit_candidates", fit)
    load_libraries(MODEL_NAMES)
    with threadpool_limits(3):
        before = threads()
        run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0)
        assert threads() == before
    assert during
    assert {count for counts in during for count in counts.values()} == {1}
    assert set(before.values()) == {3}


def test_the_actuals_are_the_days_after_the_cutoff(rows, tested):
    a = rows[rows["product_category"] == "a"].set_index("sale_date")["revenue"].astype(float)
    for at, cutoff in enumerate(tested.cutoffs):
        expected = [a[cutoff + timedelta(days=step)] for step in range(1, 29)]
        np.testing.assert_allclose(tested.actual[at, 0], expected)


def test_a_category_unknown_at_the_cutoff_is_forecast_as_zero_and_scored(tested):
    at = tested.categories.index("late")
    assert not tested.modeled[at]
    assert tested.forecasts[PRODUCT_MODEL][0, at].max() == 0
    assert np.nansum(tested.actual[1, at]) > 0


def test_closed_days_are_not_scored(rows):
    closed = FIRST + timedelta(days=120)
    tested = run_backtest(sales_of(rows[rows["sale_date"] != closed]), HOLIDAYS, horizon=28, seed=0)
    assert tested.unscored_days == (closed,)
    assert np.isnan(tested.actual[1, :, 120 - 102]).all()


def test_the_product_s_model_gives_way_only_to_one_that_is_clearly_better():
    near = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, auto_ets=9.005, seasonal_naive=8.0)
    clear = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=9.0, auto_ets=9.5, seasonal_naive=8.0)
    assert (near.champion, clear.champion) == ("gradient_boosting", "auto_ets")
    assert verdict(clear, seed=0).startswith("Exponential smoothing has skill")


def test_models_are_ranked_by_categories_and_total_alike():
    # Errors that cancel in the total are worth as much as small ones in the categories.
    cancel, lean = [[11, 11], [9, 9]], [[10.9, 10.9], [10.9, 10.9]]
    tested = by_hand(np.full((2, 2), 10.0), 6, gradient_boosting=lean, auto_theta=cancel, seasonal_naive=5.0)
    assert tested.metrics("auto_theta")["rmse"] > tested.metrics("gradient_boosting")["rmse"]
    assert tested.champion == "auto_theta"


def test_an_unknown_candidate_is_refused_by_name(rows):
    with pytest.raises(ValueError, match="'prophet' is not a candidate model"):
        run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0, candidates=["prophet"])


def test_intervals_at_a_cutoff_are_learnt_from_earlier_errors_alone(rows, tested):
    # The first of the two cut-offs has no error before it, and gives no interval instead of guessing.
    assert len(tested.cutoffs) == 2
    first, second = tested.quantiles[PRODUCT_MODEL]
    assert np.isnan(first).all()
    assert np.isfinite(second).all()
    changed = rows.copy()
    changed.loc[rows["sale_date"] > tested.cutoffs[1], "revenue"] *= 3
    again = run_backtest(sales_of(changed), HOLIDAYS, horizon=28, seed=0)
    np.testing.assert_array_equal(again.quantiles[PRODUCT_MODEL][1], second)

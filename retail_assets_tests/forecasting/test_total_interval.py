"""The total's interval holds what it promises, on random walks too, and knows nothing of later days."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.evaluation.rolling_origin import run_backtest
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models import serialization
from retail_assets.forecasting.models.intervals import INNER, OUTER, Conformal, calibrate, day_scale, quantiles
from retail_assets.forecasting.models.serialization import dumps, loads
from retail_assets.forecasting.models.total_interval import calibrate_total, rolling_errors
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of

HORIZON, DAYS = 28, 600
CUTOFFS = [DAYS - 1 - HORIZON * step for step in range(10, 0, -1)]
HOLIDAYS = holiday_calendar("US", date(2023, 1, 1), date(2024, 12, 31))


def walk(kind: str, seed: int) -> np.ndarray:
    shocks = np.random.default_rng(seed).normal(0, 0.02, DAYS)
    if kind == "arithmetic":
        return np.maximum(2000 + 1000 * np.cumsum(shocks), 20.0)
    return 1000 * (np.exp(np.cumsum(shocks)) if kind == "geometric" else 1 + 5 * shocks)


def calibrated(series: np.ndarray, days_of_mean: int):
    """Scaled errors of a model that repeats the mean of the last days, and its calibrations at six cut-offs."""

    def errors(cutoff):
        point = np.full(HORIZON, series[cutoff - days_of_mean + 1 : cutoff + 1].mean())
        level = series[cutoff - 27 : cutoff + 1].mean(keepdims=True)
        return (series[cutoff + 1 : cutoff + 1 + HORIZON] - point) / day_scale(point[None], level)[0]

    own = np.array([errors(cutoff) for cutoff in CUTOFFS])
    for at in range(4, len(CUTOFFS)):
        past = slice(max(at - 8, 0), at)
        rule = rolling_errors(series[: CUTOFFS[at] + 1], HORIZON, 7)
        flat = calibrate(np.repeat(own[past, None], 2, axis=1), np.zeros(2, dtype=np.int64))
        yield own[at], flat, calibrate_total(flat, own[past], np.array(CUTOFFS[past]), rule)


@pytest.mark.slow
@pytest.mark.parametrize("days_of_mean", [1, 7, 28])
@pytest.mark.parametrize("kind", ["arithmetic", "geometric", "white"])
def test_the_80_percent_interval_of_the_total_holds_74_to_86_percent_of_days(kind, days_of_mean):
    inside, inside95 = [], []
    for seed in range(40):
        for error, _, learned in calibrated(walk(kind, seed), days_of_mean):
            ends = (learned.growth * learned.spread[-1])[:, None] * learned.shape[-1]
            inside.append((error >= ends[:, INNER[0]]) & (error <= ends[:, INNER[1]]))
            inside95.append((error >= ends[:, OUTER[0]]) & (error <= ends[:, OUTER[1]]))
    assert 0.74 <= np.mean(inside) <= 0.86
    assert 0.88 <= np.mean(inside95) <= 0.98
    if kind != "white":  # the far half too, where an interval of one width is left behind
        assert np.mean(np.array(inside)[:, 14:]) > 0.69


def test_the_interval_grows_with_the_horizon_only_where_errors_do():
    growing = [learned.growth for seed in range(10) for *_, learned in calibrated(walk("geometric", seed), 7)]
    steady = [learned.growth for seed in range(10) for *_, learned in calibrated(walk("white", seed), 7)]
    assert np.mean(growing, axis=0)[-1] / np.mean(growing, axis=0)[0] > 1.3
    assert np.mean(steady, axis=0)[-1] / np.mean(steady, axis=0)[0] < 1.1


def test_the_rule_s_errors_by_hand():
    total = np.arange(1.0, 71.0)  # grows by one a day: the mean of four same weekdays is 17.5 days behind a week ahead
    errors = rolling_errors(total, 8, 7)
    level = total[27:55].mean()
    assert np.isnan(errors[:27]).all()
    expected = 17.5 / np.sqrt((total[54] + 1 - 17.5) * level)
    assert errors[54, 0] == pytest.approx(expected)
    assert errors[54, 7] == pytest.approx(24.5 / np.sqrt((total[54] + 1 - 17.5) * level))
    assert np.isnan(errors[-1]).all()
    assert np.isfinite(errors[-9]).all()


def test_too_little_evidence_leaves_the_calibration_as_it_is():
    flat = Conformal(np.ones(2), np.zeros((2, 5)), np.ones(2, dtype=bool))
    none = np.full((40, HORIZON), np.nan)
    assert calibrate_total(flat, np.ones((1, HORIZON)), np.array([30]), none) is flat
    assert calibrate_total(flat, np.zeros((1, HORIZON)), np.array([30]), np.ones((40, HORIZON))) is flat


def test_a_model_that_has_learned_is_hardly_judged_by_its_beginning():
    """After a year a model remembers the year: the interval stayed as wide as its first errors, and held 93 % of 80."""
    rule = rolling_errors(walk("white", 1), HORIZON, 7)
    origins = np.array(CUTOFFS[:8])
    flat = Conformal(np.ones(2), np.zeros((2, 5)), np.ones(2, dtype=bool))

    def spread(factors):
        return calibrate_total(flat, rule[origins] * np.array(factors)[:, None], origins, rule).spread[-1]

    even, learned, unlearned = spread([1] * 8), spread([3] * 4 + [1] * 4), spread([1] * 4 + [3] * 4)
    assert even < learned < 1.6 * even
    assert unlearned > 2.2 * even


def test_only_the_total_grows():
    shape, growth = np.tile(np.linspace(-1, 1, 5), (3, 1)), np.array([1.0, 2.0])
    learned = Conformal(np.ones(3), shape, np.ones(3, dtype=bool), growth)
    ends = quantiles(np.full((3, 2), 9.0), np.full(3, 9.0), learned, np.ones(3, dtype=bool))
    width = ends[:, :, -1] - ends[:, :, 0]
    assert width[0, 0] == width[0, 1] == width[2, 0]
    assert width[2, 1] == 2 * width[2, 0]


def test_the_only_category_of_a_shop_has_the_interval_of_the_total():
    rows = history(180, {"a": noisy_week(100, seed=1)})
    tested = run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0, candidates=["auto_theta"])
    category, total = np.moveaxis(tested.quantiles["auto_theta"], 1, 0)
    assert np.isfinite(total[-1]).all()
    np.testing.assert_allclose(category, total)


@pytest.mark.parametrize("orders", [50, 3])
def test_the_total_s_interval_at_a_cutoff_knows_nothing_of_later_days(orders):
    rows = history(150, {"a": noisy_week(100, seed=1), "b": noisy_week(40, seed=2)}, orders=orders)
    tested = run_backtest(sales_of(rows), HOLIDAYS, horizon=28, seed=0, candidates=["auto_theta"])
    later = rows["sale_date"] > tested.cutoffs[1]
    silent = later & (rows["sale_date"].map(lambda day: day.weekday()) == 3)
    changed = rows.assign(revenue=rows["revenue"].where(~later, 9))[~silent]
    again = run_backtest(sales_of(changed), HOLIDAYS, horizon=28, seed=0, candidates=["auto_theta"])
    np.testing.assert_array_equal(again.quantiles["auto_theta"][1], tested.quantiles["auto_theta"][1])


def test_the_growth_is_stored_with_a_model_and_one_without_still_loads(monkeypatch):
    rows = history(200, {"a": noisy_week(100, seed=1)})
    model = train(rows, country="US", candidates=["auto_theta"], most_cutoffs=2).model
    assert model is not None
    again = loads(dumps(model))
    np.testing.assert_array_equal(again.conformal.growth, model.conformal.growth)
    assert again.conformal.growth.shape == (28,)
    content = serialization._content

    def before(model):
        stored = content(model)
        if stored["conformal"]:
            del stored["conformal"]["growth"], stored["conformal"]["near_holiday"]
        return stored

    monkeypatch.setattr(serialization, "_content", before)
    old = loads(dumps(model)).conformal
    assert (old.growth, old.near_holiday) == (None, 1.0)


def test_days_after_a_cutoff_have_no_errors_of_the_rule():
    series = walk("geometric", 1)
    cutoff = 400
    whole, known = rolling_errors(series, HORIZON, 7), rolling_errors(series[: cutoff + 1], HORIZON, 7)
    at = np.arange(cutoff + 1)[:, None] + np.arange(1, HORIZON + 1)
    np.testing.assert_array_equal(np.where(at <= cutoff, whole[: cutoff + 1], np.nan), known)

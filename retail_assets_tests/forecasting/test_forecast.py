"""The product: every kind of history has a defined table and an honest report."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.data import series
from retail_assets.forecasting.evaluation import rolling_origin
from retail_assets.forecasting.figures import backtest
from retail_assets.forecasting.figures import forecast as fan_charts
from retail_assets.forecasting.lifecycle import training
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import Training, train
from retail_assets.forecasting.models import fallback, serialization
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.tables import SALES_FORECAST
from retail_assets_tests.forecasting.sales_histories import FIRST, WEEKLY, history, noisy_week, pure_noise, row
from retail_assets_tests.trials import trials


def forecast(rows, **options):
    result = forecast_daily(rows, **{"country": "US", **options})
    assert result.table.schema == SALES_FORECAST.arrow_schema()
    json.dumps(result.backtest, allow_nan=False)
    frame = result.table.to_pandas()
    ends = frame[["p025", "p10", "p50", "p90", "p975"]].to_numpy()
    assert np.isfinite(frame[["mean", "seasonal_naive"]].to_numpy()).all()
    assert np.isfinite(ends).all()
    assert (np.diff(ends, axis=1) >= 0).all()
    parts = frame[frame["product_category"] != "TOTAL"].groupby("forecast_date")["mean"].sum().round(2)
    total = frame[frame["product_category"] == "TOTAL"].set_index("forecast_date")["mean"]
    assert parts.tolist() == pytest.approx(total.tolist(), abs=0.005)
    assert not frame.duplicated(list(SALES_FORECAST.key)).any()
    return result


def figures(rows, result, currency=""):
    return fan_charts.draw_figures(rows, result.table, result.backtest, currency=currency) | backtest.draw_figures(
        result.measured, result.backtest, None, currency=currency
    )


def of_categories(result):
    frame = result.table.to_pandas()
    return frame[frame["product_category"] != "TOTAL"]


def means(result):
    return of_categories(result)["mean"].tolist()


def methods_of(result):
    return dict(of_categories(result)[["product_category", "method"]].drop_duplicates().to_numpy().tolist())


def claims_skill(result):
    return " has skill: " in result.backtest["verdict"]


@pytest.fixture(scope="module")
def pattern():
    """250 days of a weekly pattern with what no simple rule knows: the first week of a month is double."""
    names = {"a": 100, "b": 40, "ünï $cødé $": 300}

    def amount(level, seed):
        week = noisy_week(level, noise=0.05, seed=seed)
        return lambda n: week(n) * (2.0 if (FIRST + timedelta(days=n)).day <= 7 else 1.0)

    return history(250, {name: amount(level, seed) for seed, (name, level) in enumerate(names.items())})


@pytest.fixture(scope="module")
def planted(pattern):
    return forecast(pattern)


@pytest.mark.slow
def test_a_planted_signal_is_found(planted):
    assert claims_skill(planted)
    assert planted.backtest["has_skill"] is True
    assert planted.backtest["skill"]["seasonal_naive"]["rmse_reduction"] > 0.1
    assert set(methods_of(planted).values()) == {planted.backtest["champion"]}


@pytest.mark.slow
def test_the_table_is_28_days_a_category_after_the_cutoff(planted):
    frame = planted.table.to_pandas()
    assert (frame["product_category"] == "TOTAL").sum() == 28
    frame = of_categories(planted)
    assert frame.groupby("product_category").size().to_dict() == {"a": 28, "b": 28, "ünï $cødé $": 28}
    cutoff = FIRST + timedelta(days=249)
    assert set(frame["cutoff_date"]) == {cutoff}
    assert [(day - cutoff).days for day in frame["forecast_date"]] == frame["horizon_day"].tolist()


@pytest.mark.slow
def test_the_report_says_how_it_was_measured(planted):
    report = planted.backtest
    assert report["evaluated"] is True
    assert report["cutoffs"][-1] == str(FIRST + timedelta(days=249 - 28))
    assert report["data"] == {
        "first_day": "2023-01-02", "last_day": "2023-09-08", "days": 250, "categories": 3, "grain": "day",
        "closed_days": [],
    }  # fmt: skip
    assert set(report["models"]) == {
        "gradient_boosting", "auto_ets", "auto_theta", "combination",
        "seasonal_naive", "weekday_mean", "recent_mean", "year_weekday_mean", "year_mean", "last_day",
    }  # fmt: skip
    wanted = {"rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "total_wape", "total_rmse"}
    assert all(wanted <= set(metrics) for metrics in report["models"].values())
    assert set(report["by_category"]) == {"a", "b", "ünï $cødé $"}
    assert (report["horizon"], report["seed"]) == (28, 0)


@pytest.mark.slow
def test_the_same_history_and_seed_give_the_same_bytes(pattern, planted):
    again = forecast(pattern.sample(frac=1, random_state=9))
    assert again.table.equals(planted.table)
    assert serialization.dumps(again.model) == serialization.dumps(planted.model)
    assert json.dumps(again.backtest) == json.dumps(planted.backtest)
    assert figures(pattern, again) == figures(pattern, planted)


@pytest.mark.slow
def test_figures_are_drawn_of_measured_skill(pattern, planted):
    drawn = figures(pattern, planted, currency="USD")
    assert set(drawn) == {
        "forecast_total.png", "forecast_categories.png", "forecast_skill.png", "forecast_backtest.png",
        "forecast_error_by_horizon.png", "forecast_calibration.png",
    }  # fmt: skip
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())


@pytest.mark.slow
def test_pure_noise_has_no_skill_and_what_is_published_is_no_worse_than_an_average():
    result = forecast(history(366, {"x": pure_noise(400, seed=1), "y": pure_noise(300, seed=2)}, orders=2))
    assert result.backtest["evaluated"]
    assert not claims_skill(result)
    assert result.backtest["has_skill"] is False
    champion, rule = result.backtest["champion"], result.backtest["best_simple_rule"]
    # A rule whose lead is within chance does not take the model's place; where it does, the method says why.
    named = f"{champion}: no model is better in the backtest" if champion in BASELINE_NAMES else champion
    assert set(methods_of(result).values()) == {named}
    errors = {name: measured["rmse"] for name, measured in result.backtest["models"].items()}
    assert errors[champion] <= 1.03 * errors[rule]


def test_a_constant_category_is_forecast_exactly_without_a_claim():
    result = forecast(history(110, {"a": lambda _: 50.0}))
    assert of_categories(result)[["p025", "p975"]].to_numpy().tolist() == [[50.0, 50.0]] * 28
    assert means(result) == [50.0] * 28
    assert not claims_skill(result)


def test_a_constant_category_beside_others_is_forecast_exactly_too():
    result = forecast(history(120, {"a": noisy_week(100), "b": lambda _: 50.0}))
    rows = result.table.to_pandas().query("product_category == 'b'")
    assert rows[["mean", "p025", "p975"]].to_numpy().tolist() == [[50.0] * 3] * 28


@pytest.mark.slow
def test_a_category_that_was_silent_for_four_weeks_is_not_forecast_with_certainty():
    result = forecast(history(200, {"a": noisy_week(100), "b": lambda n: 1000.0 if n in (120, 150, 165) else None}))
    rows = result.table.to_pandas().query("product_category == 'b' and mean > 0")
    assert (rows["p975"] > rows["mean"]).all()


def test_an_exact_weekly_pattern_is_repeated_without_a_claim():
    result = forecast(history(112, {"a": lambda n: 100 * WEEKLY[n % 7]}))
    assert means(result) == pytest.approx([100 * factor for factor in WEEKLY] * 4)
    assert not claims_skill(result)


def assert_unmeasured(result, reason):
    assert result.backtest["evaluated"] is False
    assert reason in result.backtest["reason"]
    assert result.backtest["verdict"].startswith("Skill was not measured.")
    assert "gradient_boosting" not in set(methods_of(result).values())


def test_no_sales_give_an_empty_table_and_no_figure():
    result = forecast(history(0, {}))
    assert result.table.num_rows == 0
    assert_unmeasured(result, "There are no sales")
    assert figures(history(0, {}), result) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "method"),
    [
        (1, fallback.TOO_SHORT),
        (13, fallback.TOO_SHORT),
        (14, fallback.SHORT),
        (69, fallback.SHORT),
        (97, fallback.UNTESTED),
    ],
)
def test_a_history_too_short_to_test_is_forecast_by_rule(days, method):
    rows = history(days, {"a": noisy_week(100)})
    result = forecast(rows)
    assert_unmeasured(result, f"The history has {days} day{'s' if days > 1 else ''}")
    assert methods_of(result) == {"a": method}
    assert set(figures(rows, result)) == {"forecast_total.png", "forecast_categories.png"}


def test_categories_that_sell_nothing_of_worth_are_forecast_as_zero():
    rows = history(200, {"a": lambda _: 0.0, "b": lambda _: 0.0})
    result = forecast(rows)
    assert_unmeasured(result, "At no cut-off had any category")
    assert set(means(result)) == {0.0}
    assert figures(rows, result)


def test_a_shop_of_returns_is_forecast_below_zero():
    result = forecast(history(120, {"a": lambda _: -30.0}))
    assert set(means(result)) == {-30.0}
    assert_unmeasured(result, "revenue that is above zero")


def test_an_ended_category_is_forecast_as_zero_beside_one_that_sells():
    result = forecast(history(90, {"a": noisy_week(100), "gone": lambda n: 70.0 if n < 60 else None}))
    frame = result.table.to_pandas()
    assert methods_of(result)["gone"] == fallback.ENDED
    assert frame.loc[frame["product_category"] == "gone", "mean"].eq(0).all()


def test_a_brand_new_category_is_forecast_by_its_mean():
    result = forecast(history(90, {"a": noisy_week(100), "new": lambda n: 70.0 if n >= 87 else None}))
    frame = result.table.to_pandas()
    assert methods_of(result)["new"] == fallback.TOO_SHORT
    assert frame.loc[frame["product_category"] == "new", "mean"].eq(70.0).all()


def test_a_month_without_data_is_neither_learnt_nor_a_fall_of_sales():
    rows = history(160, {"a": lambda n: None if 90 <= n < 120 else 100.0})
    result = forecast(rows)
    assert len(result.backtest["data"]["closed_days"]) == 30
    assert means(result) == pytest.approx([100.0] * 28)


def test_one_huge_purchase_leaves_the_forecast_of_other_categories_alone():
    rows = history(84, {"a": noisy_week(100), "b": noisy_week(50)})
    huge = pd.concat([rows, pd.DataFrame([row(FIRST + timedelta(days=80), "c", 1e13)])])
    frames = [forecast(data).table.to_pandas().query("product_category == 'a'") for data in (rows, huge)]
    assert frames[0]["mean"].tolist() == frames[1]["mean"].tolist()


def test_an_unknown_country_is_noted():
    result = forecast(history(30, {"a": noisy_week(100)}), country="XX")
    assert any("No holiday calendar for country 'XX'" in note for note in result.backtest["notes"])


def test_closed_days_are_named():
    result = forecast(history(60, {"a": lambda n: None if n == 40 else 100.0}))
    assert result.backtest["data"]["closed_days"] == ["2023-02-11"]
    assert any(note.startswith("Closed days") for note in result.backtest["notes"])


def test_long_names_and_shorter_horizons_are_kept():
    name = "長" * 128
    rows = history(40, {name: noisy_week(10)})
    result = forecast(rows, horizon=5)
    assert of_categories(result)["product_category"].tolist() == [name] * 5
    assert figures(rows, result)


@pytest.mark.parametrize(("option", "value"), [("horizon", 0), ("horizon", 29), ("seed", -1)])
def test_an_option_out_of_range_is_refused_by_name(option, value):
    with pytest.raises(ValueError, match=option):
        forecast_daily(history(5, {"a": noisy_week(1)}), country="US", **{option: value})


sparse_rows = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["a", "b", "", "ñ\n"]),
        st.decimals(-10_000, 10_000, places=2),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=trials(60), deadline=None)
@given(sparse_rows)
def test_any_little_history_has_a_finite_forecast_for_each_category(rows):
    frame = pd.DataFrame(
        [row(date(2024, 1, 1) + timedelta(days=day), name, float(money), orders) for day, name, money, orders in rows]
    )
    result = forecast(frame, horizon=9)
    assert result.backtest["evaluated"] is False or result.backtest["champion"]
    known = {name for _, name, _, _ in rows}
    forecast_for = set(of_categories(result)["product_category"])
    # A partial last day may hold all there is of a category; nothing else may go missing.
    assert forecast_for == known or (forecast_for < known and result.backtest["notes"])


def test_a_category_called_total_keeps_its_own_rows():
    result = forecast(history(40, {"TOTAL": lambda _: 10.0, "b": lambda _: 5.0}))
    assert set(methods_of(result)) == {"TOTAL (category)", "b"}
    assert any("is called 'TOTAL (category)'" in note for note in result.backtest["notes"])


@pytest.mark.slow
def test_the_intervals_of_a_new_category_are_those_of_its_like():
    late = noisy_week(70, seed=9)
    result = forecast(history(200, {"a": noisy_week(100), "new": lambda n: late(n) if n >= 190 else None}))
    new = of_categories(result).query("product_category == 'new'")
    assert (new["p90"] > new["mean"]).all()
    assert (new["p10"] < new["mean"]).all()


@pytest.mark.slow
def test_a_stored_model_forecasts_what_the_trained_one_did(pattern, planted):
    training = Training(planted.model, planted.measured, planted.backtest)
    assert training.model is not None
    stored = serialization.dumps(training.model)
    loaded = serialization.loads(stored)
    assert serialization.dumps(loaded) == stored
    assert score(loaded, pattern).equals(planted.table)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 18])
def test_a_damaged_model_is_refused(data):
    with pytest.raises(ModelFileError, match=r"cannot be loaded|another format"):
        serialization.loads(data)


class Hostile:
    def __reduce__(self):
        return (print, ("run",))


def test_a_model_that_brings_its_own_types_is_refused_unrun(capsys):
    import skops.io

    with pytest.raises(ModelFileError, match="cannot be loaded"):
        serialization.loads(skops.io.dumps({"format": 1, "family": Hostile()}))
    assert "run" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_model_scores_a_later_day_and_a_category_it_has_not_seen(pattern):
    training = train(pattern.query("product_category != 'b'"), country="US")
    assert training.model is not None
    fresh = [row(FIRST + timedelta(days=day), "fresh", 9.0) for day in range(245, 250)]
    frame = score(training.model, pd.concat([pattern, pd.DataFrame(fresh)])).to_pandas()
    assert set(frame["product_category"]) == {"a", "b", "fresh", "ünï $cødé $", "TOTAL"}
    assert (frame.query("product_category == 'b'")["p90"] > frame.query("product_category == 'b'")["mean"]).all()


def test_training_builds_the_panel_of_the_last_day_and_its_fallbacks_once(monkeypatch):
    cutoffs, chosen = [], []
    choose_fallbacks = fallback.choose_fallbacks

    def counted_panel(sales, cutoff, *measure):
        cutoffs.append(cutoff)
        return series.panel_at(sales, cutoff, *measure)

    def counted_choice(panel):
        chosen.append(panel.cutoff)
        return choose_fallbacks(panel)

    for module in (training, rolling_origin):
        monkeypatch.setattr(module, "panel_at", counted_panel)
        monkeypatch.setattr(module, "choose_fallbacks", counted_choice)
    rows = history(110, {"a": noisy_week(100, seed=1)}).drop(columns="units")
    done = train(rows, country="US", candidates=("gradient_boosting",))
    assert done.explanation() is not None or not done.backtest.has_skill
    last = rows["sale_date"].max()
    assert cutoffs.count(last) == chosen.count(last) == 1

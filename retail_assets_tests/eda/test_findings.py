"""A finding is there when the data hold it, absent when they cannot, and noise is called noise."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retail_assets.eda.findings import calendar, customers, holidays, significance
from retail_assets.wording import thresholds
from retail_assets_tests.eda.conftest import Shop, sale
from retail_assets_tests.eda.sales_cases import START, days


def _year(amount, orders: int = 1) -> list[dict]:
    """A year from Monday 2 January 2023, `amount(date, rng)` per day."""
    rng = random.Random(3)
    dates = [START + dt.timedelta(days=i) for i in range(364)]
    return [
        sale(i * orders + j, sold_at=d, total_amount=round(amount(d, rng) / orders, 2))
        for i, d in enumerate(dates)
        for j in range(orders)
    ]


def test_a_weekend_peak_is_found_with_its_size(shop: Shop) -> None:
    found = calendar.weekend(shop(_year(lambda d, r: (150 if d.weekday() >= 5 else 100) + r.gauss(0, 10))))
    assert found is not None
    assert found.p < 0.001
    assert found.low < 50 < found.high
    assert found.weekend / found.weekday == pytest.approx(1.5, abs=0.05)


def test_noise_is_no_weekend_peak_and_no_weekday_pattern(shop: Shop) -> None:
    data = shop(_year(lambda d, r: 100 + r.gauss(0, 30)))
    weekend, weekdays = calendar.weekend(data), calendar.weekdays(data)
    assert weekend is not None
    assert weekend.p >= thresholds.NOISE
    assert weekdays is not None
    assert not weekdays.real


def test_equal_days_differ_in_nothing(shop: Shop) -> None:
    data = shop(days(200))
    assert calendar.weekend(data).p == 1.0
    assert calendar.weekdays(data).p == 1.0
    assert calendar.trend(data).p == 1.0
    assert calendar.months(data).p == 1.0
    assert calendar.peaks(data) == ()


def test_a_weekday_that_never_sells_is_closed_and_not_a_weak_day(shop: Shop) -> None:
    rows = [r for r in days(140) if r["sale_date"].weekday() != 6]
    found = calendar.weekdays(shop(rows))
    assert found.closed == (6,)
    assert found.average == 10
    assert calendar.weekend(shop(rows)).weekend == 10


def test_seven_weeks_are_too_few_for_a_pattern(shop: Shop) -> None:
    data = shop(days(49))
    assert calendar.weekend(data) is None
    assert calendar.weekdays(data).p is None
    assert calendar.trend(data) is None


def test_a_trend_is_found_with_its_slope(shop: Shop) -> None:
    found = calendar.trend(shop(_year(lambda d, r: 100 + (d - START).days + r.gauss(0, 5))))
    assert found.p < 0.001
    assert found.slope == pytest.approx(49, rel=0.05)  # a week's seven days, each seven higher than a week before


def test_a_holiday_peak_is_found_and_a_calendar_without_one_is_not_blamed(shop: Shop) -> None:
    free_days = holidays.public_holidays("US", dt.date(2023, 1, 1), dt.date(2023, 12, 31))
    near = {h - dt.timedelta(days=k) for h in free_days for k in range(4)}
    peaks = holidays.holiday_effect(
        shop(_year(lambda d, r: 100 * (1.6 if d.date() in near else 1) + r.gauss(0, 5))), "US"
    )
    flat = holidays.holiday_effect(shop(_year(lambda d, r: 100 + r.gauss(0, 20))), "US")
    assert peaks.p < 0.05
    assert peaks.ratio == pytest.approx(1.55, abs=0.1)
    assert flat.p >= thresholds.NOISE
    assert flat.standing_out == ()


def test_one_holiday_alone_can_stand_out(shop: Shop) -> None:
    near = {dt.date(2023, 11, 23) - dt.timedelta(days=k) for k in range(4)}
    data = shop(_year(lambda d, r: 100 * (2 if d.date() in near else 1) + r.gauss(0, 5)))
    assert [h.name for h in holidays.holiday_effect(data, "US").standing_out] == ["Thanksgiving Day"]


def test_the_season_before_christmas_is_measured_against_the_rest_of_the_year(shop: Shop) -> None:
    def amount(d: dt.datetime, _: random.Random) -> float:
        return 200 if (11, 24) <= (d.month, d.day) <= (12, 24) else 100

    found = holidays.christmas_season(shop(_year(amount)), "US")
    assert (found.year, found.ratio) == (2023, 2.0)
    assert found.rank < 0.01


@pytest.mark.parametrize("country", [None, "", "XX", "not a country"])
def test_a_country_without_a_calendar_has_no_holidays(shop: Shop, country: str | None) -> None:
    data = shop(days(200))
    assert holidays.holiday_effect(data, country) is None
    assert holidays.christmas_season(data, country) is None


def test_a_lone_day_far_above_the_others_is_a_peak(shop: Shop) -> None:
    day = dt.date(2023, 6, 14)
    data = shop(_year(lambda d, r: (500 if d.date() == day else 100) + r.gauss(0, 5), orders=12))
    (peak,) = calendar.peaks(data)
    assert peak.date == day
    assert peak.ratio == pytest.approx(5, rel=0.1)


def test_a_day_of_one_large_basket_is_no_peak(shop: Shop) -> None:
    day = dt.date(2023, 6, 14)
    assert calendar.peaks(shop(_year(lambda d, r: (900 if d.date() == day else 100) + r.gauss(0, 5)))) == ()


def _shoppers(likes_toys: dict[str, float], each: int = 200) -> list[dict]:
    rng = random.Random(5)
    return [
        sale(
            i * each + j,
            gender=gender,
            product_category="Toys" if rng.random() < chance else "Food",
            total_amount=rng.randint(5, 50),
        )
        for i, (gender, chance) in enumerate(likes_toys.items())
        for j in range(each)
    ]


def test_a_preference_of_a_gender_is_found(shop: Shop) -> None:
    found = customers.groups(shop(_shoppers({"Female": 0.7, "Male": 0.4})), "gender")
    toys = next(c for c in found.contrasts if c.category == "Toys")
    assert toys.worth_acting_on
    assert toys.gap == pytest.approx(0.3, abs=0.1)


def test_genders_that_buy_alike_give_nothing_to_act_on(shop: Shop) -> None:
    found = customers.groups(shop(_shoppers({"Female": 0.5, "Male": 0.5})), "gender")
    assert not any(c.worth_acting_on for c in found.contrasts)


def test_a_group_of_a_few_is_left_out_by_name(shop: Shop) -> None:
    rows = _shoppers({"Female": 0.5, "Male": 0.5}) + [sale(9000 + i, gender="Other") for i in range(5)]
    found = customers.groups(shop(rows), "gender")
    assert found.members == ("Female", "Male")
    assert found.small == ("Other",)


@given(st.lists(st.lists(st.floats(-100, 100), min_size=3, max_size=12), min_size=2, max_size=2))
def test_welchs_analysis_of_two_groups_is_always_his_t_test(samples: list[list[float]]) -> None:
    mean, variance, n = (np.array([f(s) for s in samples]) for f in (np.mean, lambda s: np.var(s, ddof=1), len))
    if np.all(variance > 1e-6):
        assert significance.welch_anova(mean, variance, n.astype(float)) == pytest.approx(
            stats.ttest_ind(*samples, equal_var=False).pvalue, abs=1e-6
        )


def test_groups_without_any_spread_cannot_be_tested_unless_they_are_equal() -> None:
    n, none = np.array([30.0, 30.0]), np.zeros(2)
    assert significance.welch_anova(np.array([1.0, 2.0]), none, n) is None
    assert significance.welch_anova(np.array([2.0, 2.0]), none, n) == 1.0


def test_equal_customers_are_not_concentrated(shop: Shop) -> None:
    found = customers.concentration(shop(days(50)))
    assert found.of_best(0.2) == pytest.approx(0.2)
    assert found.half() == pytest.approx(0.5)
    assert found.once == 50


def test_one_customer_who_buys_everything_is_all_the_concentration_there_is(shop: Shop) -> None:
    rows = [*days(99, total_amount=0), sale(500, total_amount=1000)]
    assert customers.concentration(shop(rows)).of_best(0.01) == 1.0

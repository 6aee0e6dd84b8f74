"""Recommendations: arithmetic that can be checked by hand, and nothing where the data say nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retail_assets.decisions.campaigns import shift
from retail_assets.decisions.recommendations import as_markdown, recommend
from retail_assets.decisions.stock import History, history_of, stock
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS, buying_times, over_indexed, times
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets_tests.segmentation.segment_rows import profile, share

BEST, BUDGET = "High-Value Customers", "Budget Shoppers"
CUTOFF = dt.date(2023, 12, 31)


def days(category: str, means: list[float]) -> list[dict[str, Any]]:
    """A forecast of one category."""
    return [
        {
            "product_category": category,
            "forecast_date": CUTOFF + dt.timedelta(number),
            "cutoff_date": CUTOFF,
            "horizon_day": number,
            "mean": mean,
            "p10": mean * 0.9,
            "p90": mean * 1.2,
            "units": mean / 4 if category == "Books" else None,
            "method": "ridge",
        }
        for number, mean in enumerate(means, 1)
    ]


def test_categories_are_named_where_a_persona_spends_more_of_its_money_than_others() -> None:
    rows = [share(BEST, "Games", 0.4, 0.2), share(BEST, "Books", 0.3, 0.29), share(BEST, "Crumbs", 0.004, 0.001)]
    result = over_indexed(rows, [profile(BEST)])
    assert [c["category"] for c in result[BEST]] == ["Games"]
    assert result[BEST][0]["share_index"] == 2
    assert result[BEST][0]["a_tenth_more"] == 20


def test_preferences_of_a_handful_are_chance_and_left_out() -> None:
    few = profile(BEST, customers=LEAST_CUSTOMERS - 1)
    assert over_indexed([share(BEST, "Games", 0.9, 0.1)], [few]) == {}
    advice = recommend([few], [share(BEST, "Games", 0.9, 0.1)], [], [])
    assert advice["segments"][BEST]["categories"] == []
    assert any("chance" in note for note in advice["notes"])


def year_of(persona: str, amount: Callable[[dt.date], float]) -> list[dict[str, Any]]:
    """What a persona spent on each day of 2023."""
    every = [dt.date(2023, 1, 1) + dt.timedelta(number) for number in range(365)]
    return [
        {
            "persona": persona,
            "sale_date": day,
            "month": day.month,
            "weekday": day.isoweekday(),
            "revenue": Decimal(str(round(amount(day), 2))),
        }
        for day in every
    ]


def swing(day: dt.date) -> float:
    """Chance: up to a tenth, different every day."""
    return 1 + 0.1 * float(np.sin(day.toordinal() * 12.9898))


def test_buying_times_have_the_best_days_and_the_month_that_stands_out_for_a_persona() -> None:
    rows = [
        *year_of(BEST, lambda d: 100 * swing(d) * (1 + (d.month == 12)) * (1 + (d.isoweekday() == 6))),
        *year_of(BUDGET, lambda d: 100 * swing(d) * (1 + 4 * (d.month == 5)) * (1 + (d.isoweekday() in (6, 7)))),
    ]
    result = buying_times(rows)
    assert (result[BEST]["best_months"], result[BEST]["best_weekdays"]) == (["December"], ["Saturday"])
    assert result[BEST]["own_month"] == "December"
    assert result[BEST]["own_month_index"] > 1.5
    assert (result[BUDGET]["best_months"], result[BUDGET]["best_weekdays"]) == (["May"], ["Saturday", "Sunday"])
    shares = [sum(r["revenue"] for r in rows if r["persona"] == BUDGET and r["weekday"] >= of) for of in (1, 6)]
    assert result[BUDGET]["best_weekdays_share"] == pytest.approx(float(shares[1] / shares[0]))


def test_a_lead_within_chance_names_no_month_and_no_weekday() -> None:
    """The best of seven weekdays is one of them, also where the days differ by chance only."""
    noise = np.random.default_rng(3).gamma(2, 50, 366)
    result = buying_times(year_of(BEST, lambda d: noise[d.timetuple().tm_yday]))[BEST]
    assert (result["best_months"], result["best_weekdays"], result["own_month"]) == ([], [], None)


def test_a_difference_below_what_insights_call_worth_acting_on_is_no_preference() -> None:
    """1.7 against 1.5 % was a preference, and "worth acting on" began at 2 percentage points on the same page."""
    assert over_indexed([share(BEST, "Pastry", 0.017, 0.015)], [profile(BEST)]) == {}


def test_a_preference_that_a_few_large_customers_make_is_none() -> None:
    row = share(BEST, "Games", 0.4, 0.2) | {"own_share": 0.19}
    assert over_indexed([row], [profile(BEST)]) == {}


@pytest.mark.parametrize(
    ("persona", "part", "offered"),
    [(BEST, 0.2, True), (BEST, 0.03, False), ("Low-Engagement", 0.2, False)],
)
def test_stock_is_offered_to_personas_that_matter_for_it(persona: str, part: float, offered: bool) -> None:
    """ "Offer it to Low-Engagement", who made 3 % of the category, beside "Spend little on them"."""
    row = share(persona, "Books", 0.4, 0.2) | {"of_category": part}
    advice = recommend([profile(persona)], [row], [], days("Books", [9.0] * 7))
    assert ("Offer it to" in advice["stock"][0]["text"]) == offered


def test_a_shift_leads_to_the_upper_quartile_of_the_segment_itself() -> None:
    """A tenth of those to "spend little" on spent like typical High-Value Customers: USD 195,450."""
    low = profile("Low-Engagement", customers=547, median_monetary=231.44)
    result = shift(low, 380.26, DEFAULT)
    assert result is not None
    assert (result["customers"], result["typical"], result["upper"]) == (55, 231, 380)
    assert result["money"] == 55 * (380 - 231)
    assert shift(profile(BEST, median_monetary=1000.0), 1500.0, DEFAULT) is not None


@pytest.mark.parametrize(
    ("row", "upper"),
    [
        pytest.param(profile("One Purchase", decided_by="rule"), 9000.0, id="who bought once can be no regular"),
        pytest.param(profile(BEST, customers=LEAST_CUSTOMERS - 1), 9000.0, id="few"),
        pytest.param(profile(BEST), 3600.0, id="no spread"),
        pytest.param(profile(BEST), None, id="not measured"),
    ],
)
def test_without_a_plausible_shift_none_is_stated(row: dict[str, Any], upper: float | None) -> None:
    assert shift(row, upper, DEFAULT) is None


def test_what_few_customers_bought_is_no_preference() -> None:
    bought_by_few = share(BEST, "Games", 0.4, 0.2) | {"buyers": LEAST_CUSTOMERS - 1}
    assert over_indexed([bought_by_few], [profile(BEST)]) == {}


def test_the_numbers_of_one_sentence_agree_as_printed() -> None:
    """31 customers "typically for USD 29.48": one in ten of them, for as much, was USD 127."""
    once = profile("One Purchase", decided_by="rule", customers=31, median_average_basket=29.482)
    action = recommend([once], [], [], [], currency="USD")["segments"]["One Purchase"]["action"]
    assert "31 customers bought once, typically for USD 29.48." in action
    assert "one in ten of them (3 customers) came back and spent USD 29.48 each, that would bring USD 88.44." in action
    assert action.endswith("With fewer than 50 customers, this may be chance.")


def test_the_advice_to_a_few_says_how_few_they_are() -> None:
    action = recommend([profile(BEST, customers=14)], [], [], [], currency="USD")["segments"][BEST]["action"]
    assert action.startswith("With care, from 14 customers only – Keep them: 25.0 % of known customers bring 50.0 %")


def test_stock_is_for_the_strongest_week_of_the_largest_categories() -> None:
    forecast = [*days("Books", [10.0] * 7 + [20.0] * 7), *days("Games", [1.0] * 14)]
    books, games = stock(forecast, {"Books": [BEST]}, "USD")
    assert (books["first_day"], books["last_day"]) == ("2024-01-08", "2024-01-14")
    assert books["expected_revenue"] == 140
    assert books["above_average_week"] == pytest.approx(140 / 105 - 1, abs=1e-4)
    assert books["expected_units"] == 35
    assert books["bought_most_by"] == [BEST]
    assert books["text"].startswith(
        "Books: USD 140 (about 35 units) expected from 8 Jan to 14 Jan 2024, the strongest in money of the 2 forecast "
        "weeks."
    )
    assert (books["stock_up"], games["expected_units"]) == (None, None)


def history(before: float, last_weeks: float) -> History:
    """Two years of a shop that sells 100 lines a day, until the forecast; its year before and its last eight weeks."""
    sold = [
        {
            "sale_date": day,
            "product_category": "Books",
            "revenue": last_weeks if (CUTOFF - day).days < 56 else before,
            "orders": 100,
        }
        for day in (CUTOFF - dt.timedelta(n) for n in range(730))
    ]
    made = history_of(pd.DataFrame(sold), "US", days("Books", [1.0] * 14))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("before", "lately", "stock_up", "said"),
    [
        (10.0, 10.0, True, "stock up for 8 Jan to 14 Jan 2024"),
        (30.0, 10.0, False, "33 % less than in the same days a year before (USD 210 from 8 Jan to 14 Jan 2023)"),
        (10.0, 30.0, False, "33 % less than in the average week before the forecast (USD 210;"),
        (19.5, 19.5, False, "3 % more than in the same days a year before"),
    ],
)
def test_a_week_to_stock_up_for_is_above_the_past_and_not_only_above_other_forecast_weeks(
    before: float, lately: float, stock_up: bool, said: str
) -> None:
    """FUEL was once "6 % above the average week": of the forecast, and 3 % below that of the year before."""
    forecast = days("Books", [10.0] * 7 + [20.0] * 7)
    [entry] = stock(forecast, {}, "USD", history=history(before, lately))
    assert entry["stock_up"] is stock_up
    assert said in entry["text"]
    assert "stock up" not in stock(forecast, {}, "USD", year=False, history=history(before, lately))[0]["text"]


def test_a_holiday_that_was_weak_before_is_not_named_as_the_strongest_day() -> None:
    forecast = days("Books", [90.0] + [20.0] * 5 + [30.0])  # the first day is New Year's Day
    past = history(10.0, 10.0)
    [entry] = stock(forecast, {}, "USD", history=past)
    assert entry["strongest_day"] == "2024-01-07"
    apart = (
        "apart from 1 Jan 2024 (holiday, weak before or without a precedent), Books is expected to sell most on 7 Jan"
    )
    assert apart in entry["text"]
    past.sales.revenue[:, past.sales.days == np.datetime64("2023-01-01")] = 50.0
    [entry] = stock(forecast, {}, "USD", history=past)
    assert entry["strongest_day"] == "2024-01-01"


@pytest.mark.parametrize(
    ("means", "week", "day"),
    [
        pytest.param(
            [10.0] * 14,
            "expected from 1 Jan to 7 Jan 2024, much like each of the 2 forecast weeks.",
            "no day is clearly the strongest for Books: USD 10.00 a day, with a forecast chance of 10 % of more than",
            id="flat, as a rule forecasts",
        ),
        pytest.param(
            [10.0 + 1e-4 * n for n in range(14)],
            "much like each of the 2 forecast weeks.",
            "no day is clearly the strongest for Books: USD 10.00 a day,",
            id="flat but for rounding",
        ),
        pytest.param(
            [10.0] * 5 + [30.0, 29.9] + [10.0] * 7 + [10.0] * 5 + [30.0, 29.9],
            "1 Jan to 7 Jan 2024, the highest in money of the 3 forecast weeks, but with 1 other within 5 %.",
            "to sell most on 6 Jan and 7 Jan 2024: from USD 29.90 to USD 30.00, with",
            id="two weeks and two days share the lead",
        ),
        pytest.param(
            [98.5, 98.6, 100.0, 60.0, 61.0, 99.0, 100.0] + [10.0] * 7,
            "1 Jan to 7 Jan 2024, the strongest in money of the 2 forecast weeks.",
            "no day is clearly the strongest for Books: USD 60.00 to USD 100 a day,",
            id="two days are ahead of three others by less than anybody can know",
        ),
        pytest.param(
            [30.0, 29.0, 28.0, 27.0, 26.0, 25.0, 24.0] + [10.0] * 7,
            "the strongest in money",
            "no day is clearly the strongest for Books: USD 24.00 to USD 30.00 a day,",
            id="each day is close to the next",
        ),
        pytest.param(
            [10.0] * 7 + [10.0] * 6 + [30.0],
            "8 Jan to 14 Jan 2024, the strongest in money of the 2 forecast weeks.",
            "is expected to sell most on 14 Jan 2024: USD 30.00, with",
            id="one leads",
        ),
    ],
)
def test_of_equal_weeks_and_days_none_is_the_strongest(means: list[float], week: str, day: str) -> None:
    """A rule that expects the same of every day had "the strongest of the 4 forecast weeks" and its best day."""
    [entry] = stock(days("Books", means), {}, "USD")
    assert week in entry["text"]
    assert day in entry["text"]
    assert (entry["strongest_day"] is None) == ("no day" in day or "6 Jan and 7 Jan" in day)


@given(st.lists(st.floats(1, 1e6), min_size=14, max_size=14), st.integers(1, 8))
def test_the_total_is_never_counted_with_the_categories_it_is_the_sum_of(means: list[float], categories: int) -> None:
    rows = [row for number in range(categories) for row in days(f"c{number}", means)]
    total = days("TOTAL", [mean * categories for mean in means])
    assert stock([*total, *rows], {}) == stock(rows, {})
    assert all(entry["category"] != "TOTAL" for entry in stock([*total, *rows], {}))


def test_a_week_cut_short_by_the_end_of_the_forecast_is_no_week() -> None:
    [entry] = stock(days("Books", [1.0] * 7 + [99.0] * 6), {})
    assert entry["last_day"] == "2024-01-07"
    assert stock(days("Books", [9.0] * 6), {}) == []
    assert stock(days("Books", [0.0] * 14), {}) == []


def test_a_missing_or_stale_forecast_and_no_customers_are_noted() -> None:
    nothing = recommend([], [], [], [])
    assert nothing["segments"] == {}
    assert nothing["stock"] == []
    assert any("no customers" in note for note in nothing["notes"])
    assert any("no forecast" in note for note in nothing["notes"])
    stale = recommend([], [], [], days("Books", [1.0] * 7), snapshot=CUTOFF + dt.timedelta(5))
    assert any("materialize sales_forecast" in note for note in stale["notes"])
    as_markdown(nothing)


def test_names_from_the_data_stay_text_in_markdown() -> None:
    bad = "Games](http://x) <b>|\n# Heading"
    text = as_markdown(recommend([profile(BEST)], [share(BEST, bad, 0.4, 0.2)], [], []))
    assert "\n# Heading" not in text
    parsed = [
        token
        for block in MarkdownIt("commonmark").enable("table").parse(text)
        for token in (block, *(block.children or ()))
    ]
    assert not {"link_open", "image", "html_inline", "html_block", "table_open"} & {token.type for token in parsed}


def test_a_huge_ratio_is_not_written_out() -> None:
    assert times(1.44) == "1.4 ×"
    assert times(62505.2) == "more than 10 ×"


def test_a_pattern_of_one_year_says_so_and_a_weekday_is_compared_with_an_even_spread() -> None:
    dated = year_of(BEST, lambda d: 100 * swing(d) * (1 + 2 * (d.month == 12)) * (1 + (d.isoweekday() == 6)))
    dated += year_of(BUDGET, lambda d: 100 * swing(d))
    upper = {BEST: 4500.0}
    advice = recommend([profile(BEST), profile(BUDGET)], [], dated, [], currency="USD", upper=upper)
    text = advice["segments"][BEST]["text"]
    assert re.search(
        r"spent most in December \(2\d\.\d % of their money; an even spread would be 8.3 %; one season, which", text
    )
    assert re.search(r"on Saturdays \(2\d\.\d % of their money; an even spread would be 14.3 %\)", text)
    assert "December was their strongest month in this one season: its share of their money is 1.4 × its" in text
    assert text.endswith(
        "If one in ten of them (5 customers) spent USD 4,500 in 365 days, as a quarter of this segment already does or "
        "exceeds, instead of the typical USD 3,600, that would bring USD 4,500."
    )


def test_a_weekday_and_a_month_that_hardly_exceed_the_others_are_not_named() -> None:
    dated = year_of(BEST, lambda d: 100 + 5 * (d.isoweekday() == 2) + 5 * (d.month == 5))
    campaign = recommend([profile(BEST)], [], dated, [], currency="USD")["segments"][BEST]
    assert campaign["when"]["best_weekdays"] == ["Tuesday"]
    assert campaign["text"] == "In the last 365 days no month and no weekday stands out."


def test_a_segment_that_returned_more_than_it_bought_is_not_scaled_up() -> None:
    losing = profile("No Net Spend", decided_by="rule", customers=9, revenue=Decimal("-188.00"))
    campaign = recommend([losing], [], [], [], currency="USD")["segments"]["No Net Spend"]
    assert campaign["tenth"] is None
    assert campaign["text"] == ""
    assert "\u2212USD 188" in campaign["action"]


SEASONAL = "Seasonal Shoppers"


def test_twenty_days_say_nothing_about_seasons_best_months_and_peaks() -> None:
    """Case 21: "100 % of their money in November" from a history of November."""
    dated = [r for r in year_of(SEASONAL, lambda d: 100.0 * (1 + 9 * (d.month == 11))) if r["weekday"] == 6]
    rising = days("Books", [1.0] * 7 + [9.0] * 7)
    short = as_markdown(recommend([profile(SEASONAL)], [], dated, rising, currency="USD", history_days=20))
    for word in ("November", "before their season", "best month.", "stock up for 8", "365 days)"):
        assert word not in short
    assert "The sales span 20 days, less than the 12 months" in short
    assert "on Saturdays" not in short, "the shop sold on no other weekday"
    past = history(1.0, 1.0)
    year = as_markdown(
        recommend([profile(SEASONAL)], [], dated, rising, currency="USD", history_days=365, history=past)
    )
    for word in ("November", "before their season", "stock up for"):
        assert word in year


def test_a_small_share_is_not_written_as_zero() -> None:
    few = profile(BEST) | {"customers_share": 0.0003, "revenue_share": 0.004}
    action = recommend([few], [], [], [], currency="USD")["segments"][BEST]["action"]
    assert "less than 0.1 % of known customers bring 0.4 % of the revenue of all known customers" in action

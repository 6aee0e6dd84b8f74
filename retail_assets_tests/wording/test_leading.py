"""Nobody is called the strongest without a lead: who shares it, and what is said where it goes on to all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.wording import sales_baskets, sales_calendar, sales_titles
from retail_assets.wording.leading import sharing_the_lead

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS = tuple(dt.date(2023, month, 1) for month in range(1, 7))


@given(st.lists(st.floats(1, 100), min_size=1, max_size=12), st.booleans())
def test_everyone_who_is_not_named_is_clearly_behind(amounts: list[float], lowest: bool) -> None:
    named = sharing_the_lead(dict(enumerate(amounts)), lowest=lowest)
    inside = [amounts[at] for at in named]
    assert (min if lowest else max)(amounts) in inside
    for at, amount in enumerate(amounts):
        ahead = inside if at not in named else []
        assert all((mine < amount) if lowest else (mine > amount) for mine in ahead)
        assert all(abs(mine - amount) > 0.05 * mine for mine in ahead)


def test_a_forecast_leads_only_where_it_is_likely_to_come_true() -> None:
    """FUEL was "to sell most on 10 and 14 Jan" with three days less than 2 % behind, and intervals of ± 30 %."""
    means = {8: 846.0, 9: 848.0, 10: 859.0, 11: 760.0, 12: 790.0, 13: 846.0, 14: 858.0}
    width = dict.fromkeys(means, 520.0)
    assert sharing_the_lead(means, interval=width) == tuple(means)
    assert sharing_the_lead({**means, 14: 1200.0}, interval=width) == (14,)


def weekdays(means: tuple[float, ...], clear: bool) -> dict[str, Any]:
    by_day = dict(zip(DAYS, means, strict=True))
    best, worst = (sharing_the_lead(by_day, lowest=lowest) for lowest in (False, True))
    return {"best": best, "worst": worst, "high": max(means), "low": min(means), "clear": clear, "weeks": 52}


@pytest.mark.parametrize(
    ("means", "clear", "text", "title"),
    [
        pytest.param(
            (0.96, 0.98, 1.0, 1.02, 1.04), True,
            "**No weekday is clearly ahead of the next**: the mean revenues of 52 full weeks go from 4 % less to 4 % "
            "more, relative to the average of the open weekdays; weekdays differ by more than chance would explain",
            "No weekday is clearly ahead of the next: 4 % less to 4 % more, relative to the average open weekday",
            id="a slope",
        ),
        pytest.param(
            (1.0,) * 5, False,
            "the mean revenues of 52 full weeks are the same; differences may be chance (p = 0.50, Friedman test).",
            "Weekdays bring the same",
            id="no difference",
        ),
        pytest.param(
            (0.8, 0.9, 1.0, 1.13, 1.17), True,
            "**Thursday** and **Friday** bring most (up to 17 % more than the average of the open "
            "weekdays) and **Monday** least (20 % less)",
            "Thursday and Friday bring up to 17 % more than the average open weekday, Monday 20 % less",
            id="two lead",
        ),
    ],
)  # fmt: skip
def test_weekdays_are_named_with_their_lead(means: tuple[float, ...], clear: bool, text: str, title: str) -> None:
    facts = weekdays(means, clear)
    assert text in sales_calendar.weekdays(**facts, p=0.001 if clear else 0.5, closed=("Sunday",)).text
    assert sales_titles.weekdays(**facts, tested=True, closed=True).text == title


def test_months_without_a_lead_are_a_range() -> None:
    facts = {"best_mean": 104.0, "worst_mean": 90.0, "currency": "USD"}
    tested: dict[str, Any] = {"p": 0.01, "clear": True, "weeks": 26, "season_clear": False, "seen_once": True}
    text = sales_calendar.months(best=MONTHS[:5], worst=MONTHS[5:], **facts, **tested).text
    assert text.startswith(
        "**Months differ, but the highest has no clear lead**: whole months bring USD 90.00 to USD 104"
    )
    title = sales_titles.months(best=MONTHS[:5], months=6, ratio=1.04, clear=True, **facts).text
    assert title == "The highest month has no clear lead: whole months bring USD 90.00 to USD 104 per day"


def test_an_axis_says_what_is_left_out_only_where_something_is() -> None:
    """An axis read "products with sales above their returns" in a shop that never took anything back."""
    axis = sales_baskets.product_concentration_axis
    assert axis(of="product", items=90, without=0, returned=False).text == "share of the 90 products"
    assert axis(of="product", items=90, without=2, returned=False).text.endswith("with sales above zero")
    assert axis(of="product", items=90, without=2, returned=True).text.endswith("with sales above their returns")

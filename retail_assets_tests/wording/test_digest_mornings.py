"""The digest of every morning in the life of shops that are hard to describe, recomputed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retail_assets.alerts.digest import what_needs_attention, what_sold
from retail_assets.alerts.outbox import Open
from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_DATE
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording.statement import Statement
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import check_alerts  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.digest_shops import DIGEST_SHOPS, Sales
from retail_assets_tests.wording.shops import SCHEMA, Shop

OpenShop = Callable[[str, str, Sales], Shop]


@pytest.fixture
def opened(tmp_path: Path) -> OpenShop:
    """Fill a warehouse with the sales of a shop of a currency and a country."""

    def opened(currency: str, country: str, sales: Sales) -> Shop:
        path = tmp_path / "sales.duckdb"
        warehouse = DuckDBWarehouse(path, SCHEMA)
        fill(warehouse, sales, country)
        [span] = warehouse.query(marts.SALES_SPAN).to_pylist()
        warehouse.replace(DIM_DATE, marts.dim_date(span["first_day"], span["last_day"], country))
        warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
        return Shop("shop", warehouse, path, currency, country)

    return opened


def morning(shop: Shop, today: dt.date) -> dict[str, Statement]:
    """The statements of a morning by name, each recomputed."""
    found = what_sold(shop.warehouse, shop.currency, today)
    for statement in found:
        assert_right(shop, statement)
    return {statement.name: statement for statement in found}


@pytest.mark.parametrize("name", DIGEST_SHOPS)
def test_every_morning_is_recomputed_and_speaks_of_days_that_are_over(name: str, opened: OpenShop) -> None:
    currency, country, sales = DIGEST_SHOPS[name]
    shop = opened(currency, country, sales())
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    assert morning(shop, first).keys() == {"digest.so_far"}
    for number in range(1, (last - first).days + 8, 13):
        today = first + dt.timedelta(number)
        found = morning(shop, today)
        sold, week = found["digest.sold"], found["digest.week"]
        assert sold.facts["last_day"] == week.facts["last_day"] < today
        assert (sold.facts["age"] > 1) is ("days ago" in sold.text)
        # The first two weeks have no whole week before the last one.
        assert (week.facts["before"] is None) or week.facts["first_day"] - dt.timedelta(7) >= first


def test_a_closed_day_is_no_news_and_the_age_of_the_news_is_stated(opened: OpenShop) -> None:
    shop = opened(*DIGEST_SHOPS["ironmonger"][:2], DIGEST_SHOPS["ironmonger"][2]())
    monday = morning(shop, dt.date(2024, 2, 12))["digest.sold"]
    assert monday.text.startswith("Saturday, 10 Feb 2024 (the newest day with sales, 2 days ago): EUR ")
    after_christmas = morning(shop, dt.date(2023, 12, 27))
    assert "Saturday, 23 Dec 2023 (the newest day with sales, 4 days ago)" in after_christmas["digest.sold"].text
    leap_day = morning(shop, dt.date(2024, 3, 1))["digest.sold"]
    assert leap_day.text.startswith("Thursday, 29 Feb 2024: EUR ")
    assert "the median of the 8 Thursdays before (" in leap_day.text
    # 1 January was a Monday and a holiday, and so were 25 December and none else of the last eight.
    two_closed = morning(shop, dt.date(2024, 2, 13))["digest.sold"]
    assert "the median of the 6 of 8 Mondays before that had sales (" in two_closed.text


def test_a_giant_order_is_named_and_does_not_become_what_is_usual(opened: OpenShop) -> None:
    def sales() -> Sales:
        for week in range(9):
            for visit in range(6):
                amount = 90_000 if week in (4, 8) and visit == 2 else 10
                yield line(f"{week}/{visit}", dt.date(2024, 1, 5) + dt.timedelta(7 * week), None, amount)

    shop = opened("USD", "US", sales())
    giant = morning(shop, dt.date(2024, 3, 2))["digest.sold"]
    assert giant.text == (
        "Friday, 1 Mar 2024: USD 90,050 in 6 orders, of which one has USD 90,000, 1500.8 times as much as the median "
        "of the 8 Fridays before (USD 60.00)."
    )


def test_returns_that_exceed_the_sales_are_stated_with_their_money(opened: OpenShop) -> None:
    def sales() -> Sales:
        for number in range(30):
            yield line(f"{number}", dt.date(2024, 1, 1) + dt.timedelta(number), None, 20)
        yield line("back", "2024-01-30", None, -70, quantity=-1)

    shop = opened("USD", "US", sales())
    found = morning(shop, dt.date(2024, 1, 31))
    assert found["digest.sold"].text == (
        "Tuesday, 30 Jan 2024: −USD 50.00 net of USD 70.00 of returns in 2 orders; the median of the 4 Tuesdays before "
        "is USD 20.00."
    )
    assert "digest.categories" not in found


def test_a_missing_day_of_a_week_is_counted_and_a_young_shop_has_no_week_before(opened: OpenShop) -> None:
    def sales() -> Sales:
        for number in range(20):
            if number != 15:
                yield line(f"{number}", dt.date(2024, 6, 3) + dt.timedelta(number), None, 20)

    shop = opened("USD", "US", sales())
    assert morning(shop, dt.date(2024, 6, 12))["digest.week"].text == (
        "The week, 5 Jun to 11 Jun 2024: USD 140 on 7 days with sales; there is no whole week of sales before it."
    )
    assert morning(shop, dt.date(2024, 6, 23))["digest.week"].text == (
        "The week, 16 Jun to 22 Jun 2024: USD 120 on 6 days with sales, 14 % less than the week before (USD 140 on 7 "
        "days). Holidays in these two weeks: Juneteenth National Independence Day (19 Jun)."
    )


def test_a_day_that_is_not_over_is_compared_with_nothing(opened: OpenShop) -> None:
    def sales() -> Sales:
        for number in range(36):
            for visit in range(1 if number == 35 else 5):
                yield line(f"{number}/{visit}", dt.date(2024, 1, 1) + dt.timedelta(number), None, 20)

    shop = opened("USD", "US", sales())
    found = morning(shop, dt.date(2024, 2, 5))
    assert found["digest.sold"].facts["last_day"] == dt.date(2024, 2, 4)
    assert found["digest.so_far"].text == "Today, 5 Feb 2024, is not over: USD 20.00 in 1 order so far."


def test_since_when_a_cause_is_open_is_a_day_of_the_shop() -> None:
    late_in_auckland = dt.datetime(2024, 4, 6, 13, 30, tzinfo=dt.UTC)
    cause = Open("k", "run-failed", "error", "t", (), late_in_auckland.timestamp(), late_in_auckland.timestamp(), 1)
    [_, line_of_cause] = what_needs_attention([cause], ZoneInfo("Pacific/Auckland"))
    assert line_of_cause == "- error, since 7 Apr 2024: t"

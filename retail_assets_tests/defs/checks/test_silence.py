"""An empty landing is no news where the source is silent by its own past; the check then passes and says why."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from retail_assets_tests.defs.checks.conftest import Shop
from retail_assets_tests.warehouse.landings import line

CHRISTMAS = dt.date(2024, 12, 25)
SUNDAY = dt.date(2024, 6, 30)


def check(shop: Shop, day: dt.date) -> dg.AssetCheckResult:
    return shop.check("raw_sales_files", "landing_is_not_empty", day)


def expected(result: dg.AssetCheckResult) -> object:
    value = result.metadata["expected_to_be_empty"]
    return getattr(value, "value", value)


def test_a_weekday_on_which_nothing_ever_lands_does_not_warn(empty_shop: Shop) -> None:
    source = empty_shop.platform.source
    for n in range(1, 70):
        day = SUNDAY - dt.timedelta(n)
        if day.weekday() != 6:
            empty_shop.platform.raw.write(f"{source}/dt={day}/sales.csv", b"x")
    empty_shop.land(SUNDAY, [])
    result = check(empty_shop, SUNDAY)
    assert result.passed
    assert result.description is None
    assert expected(result) == {"2024-06-30": "as on the 8 Sundays before"}
    monday = SUNDAY + dt.timedelta(1)
    empty_shop.land(monday, [])
    assert "Nothing landed on 2024-07-01. Was the shop closed" in str(check(empty_shop, monday).description)


@pytest.mark.parametrize("closed_last_year", [True, False])
def test_a_holiday_without_sales_a_year_ago_does_not_warn_although_the_year_landed_at_once(
    empty_shop: Shop, closed_last_year: bool
) -> None:
    source = empty_shop.platform.source

    def sold(day: dt.date, landed_on: dt.date) -> dict[str, object]:
        noon = dt.datetime.combine(day, dt.time(12))
        return line(str(day), 100, landed_on, at=day.toordinal(), source=source, sold_at=noon)

    bulk = dt.date(2024, 12, 15)
    history = [bulk - dt.timedelta(n) for n in range(400)]
    if closed_last_year:
        history.remove(dt.date(2023, 12, 25))
    landings = [empty_shop.land(bulk, [sold(day, bulk) for day in history])]
    landings += [empty_shop.land(day, [sold(day, day)]) for n in range(1, 10) if (day := bulk + dt.timedelta(n))]
    empty_shop.load(*landings)
    empty_shop.land(CHRISTMAS, [])
    result = check(empty_shop, CHRISTMAS)
    assert result.passed is closed_last_year
    if closed_last_year:
        assert expected(result) == {"2024-12-25": "without sales as on Christmas Day a year ago"}
    else:
        assert "Nothing landed on 2024-12-25 (Christmas Day). Was the shop closed" in str(result.description)

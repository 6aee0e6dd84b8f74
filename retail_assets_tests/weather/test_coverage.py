"""How far the weather of a forecast reaches, in numbers and in words that are recomputed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from retail_assets.tables import DAILY_CATEGORY_SALES, WEATHER
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.weather.coverage import coverage
from retail_assets.wording.statement import recorded
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import check_weather  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.shops import SCHEMA, Shop

LAST = dt.date(2024, 5, 10)
DAY = dt.timedelta(days=1)


def shop_with(folder: Path, issues: list[int]) -> Shop:
    """A shop that sold until 10 May, and weather that was issued so many days before or after, a week ahead each."""
    path = folder / "w.duckdb"
    warehouse = DuckDBWarehouse(path, SCHEMA)
    fill(warehouse, [line("1", "2024-05-01", "1", 1), line("2", str(LAST), "1", 1)], "US")
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    rows = [
        {
            "date": LAST + DAY * (at + lead), "name": "weather_temperature", "known_on": LAST + DAY * at, "value": 1.0,
            "forecast": 21.0, "usual": 20.0, "latitude": 1.0, "longitude": 2.0,
        }
        for at in issues
        for lead in range(1, 8)
    ]  # fmt: skip
    warehouse.replace(WEATHER, pa.Table.from_pylist(rows, schema=WEATHER.arrow_schema()))
    return Shop("weather", warehouse, path, "USD", "US")


@pytest.mark.parametrize(
    ("issues", "current", "days"),
    [([-1, 0, 1], True, 7), ([-9, -3, 2], False, 4), ([-30], False, 0), ([1, 2], False, 0), ([], False, 0)],
)
def test_what_is_known_at_the_cutoff(tmp_path: Path, issues: list[int], current: bool, days: int) -> None:
    shop = shop_with(tmp_path, issues)
    with recorded() as statements:
        found = coverage(shop.warehouse, 28)
    assert (found.current, found.days) == (current, days)
    assert [statement.text for statement in statements] == ([] if current else [found.in_words])
    for statement in statements:
        assert_right(shop, statement)


def test_a_shop_without_sales_lacks_no_weather(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", SCHEMA)
    for table in (DAILY_CATEGORY_SALES, WEATHER):
        warehouse.replace(table, table.arrow_schema().empty_table())
    assert coverage(warehouse, 28).in_words is None

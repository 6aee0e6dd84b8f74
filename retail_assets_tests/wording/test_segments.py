"""What the report on the segments of five shops says, recomputed from their sales and from who is in which segment."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.segmentation.figures.heatmaps import segment_migrations
from retail_assets.segmentation.lifecycle.activation import write_activation
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording.statement import recorded
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import (  # noqa: F401  registers the checks
    check_campaigns,
    check_segment_titles,
    check_segments,
    check_stock,
)
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.segmented import Segmented, segment
from retail_assets_tests.wording.shops import SCHEMA, SHOPS, Shop

SEGMENTED = [pytest.param(name, marks=pytest.mark.slow if name == "complete_journey" else ()) for name in SHOPS]


@pytest.mark.parametrize("name", SEGMENTED)
def test_the_report_on_the_segments_is_recomputed(name: str, segmented: Callable[[str], Segmented]) -> None:
    shop = segmented(name)
    assert shop.statements
    for statement in shop.statements:
        assert_right(shop.shop, statement)


def test_a_shop_without_known_customers_says_so(segmented: Callable[[str], Segmented]) -> None:
    assert "There are no customers, so there are no recommendations for segments." in segmented("bakery").advice


def visits(customer: str, days: Iterable[int], amount: float) -> list[dict[str, Any]]:
    """An order of the customer on each of these days of 2023."""
    first = dt.date(2023, 1, 1)
    return [line(f"{customer}/{day}", first + dt.timedelta(day), customer, amount) for day in days]


@pytest.mark.parametrize(
    ("sales", "names"),
    [
        pytest.param(
            [*visits("a", (1, 2), 9), *visits("b", (1, 300), 7), *visits("c", (9,), 5)],
            {"segments.too_few"},
            id="three",
        ),
        pytest.param(
            [sale for number in range(30) for sale in visits(f"c{number}", (1, 50, 364), 9)],
            {"segments.alike"},
            id="all the same",
        ),
        pytest.param(
            [
                sale
                for number in range(24)
                for sale in visits(f"c{number}", range(number, 364, 9 + number % 2 * 40), 5 + number % 3 * 30)
            ],
            {"segments.few_clustered", "segments.verdict"},
            id="two dozen",
        ),
        pytest.param(
            [sale for number in range(60) for sale in visits(f"c{number}", range(number, 240, 7 + number % 5 * 9), 9)]
            + visits("late", (364,), 1),
            {"segments.no_later_revenue"},
            id="nobody came back",
        ),
    ],
)
def test_small_and_uniform_shops_are_recomputed(sales: list[dict[str, Any]], names: set[str], tmp_path: Path) -> None:
    path = tmp_path / "odd.duckdb"
    shop = Shop("odd", DuckDBWarehouse(path, SCHEMA), path, "USD", "US")
    fill(shop.warehouse, sales)
    statements = segment(shop).statements
    assert names <= {statement.name for statement in statements}
    for statement in statements:
        assert_right(shop, statement)


def test_who_kept_their_segment_is_recomputed(shop_named: Callable[[str], Shop], tmp_path: Path) -> None:
    path = tmp_path / "moves.duckdb"
    shutil.copy(shop_named("young").path, path)
    shop = Shop("young", DuckDBWarehouse(path, SCHEMA), path, "EUR", "DE")
    for last_day in (dt.date(2024, 4, 30), dt.date(2024, 5, 12)):
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"SET schema = '{SCHEMA}'")
            connection.execute("CREATE TABLE IF NOT EXISTS every AS FROM sales")
            connection.execute(f"DELETE FROM sales; INSERT INTO sales FROM every WHERE sale_date <= '{last_day}'")
        make_features(shop.warehouse)
        score_all(shop.warehouse, train_from(shop.warehouse).model, str(last_day))
    moves = make_migrations(shop.warehouse).to_pylist()
    with recorded() as statements:
        segment_migrations(moves)
    assert {statement.name for statement in statements} == {"segment_titles.kept", "segment_titles.moves_source"}
    for statement in statements:
        assert_right(shop, statement)


def test_the_campaign_lists_are_recomputed(segmented: Callable[[str], Segmented], tmp_path: Path) -> None:
    shop = segmented("young").shop
    with recorded() as statements:
        write_activation(shop.warehouse, Store(str(tmp_path)), DEFAULT, shop.currency)
    assert "campaigns.next_step" in {statement.name for statement in statements}
    for statement in statements:
        assert_right(shop, statement)

"""What `insights.md` says of five shops, recomputed from their sales."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retail_assets.eda.data import load
from retail_assets.eda.insights.page import write_insights
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording import check_sales, check_sales_calendar, check_sales_customers  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.landings import landed
from retail_assets_tests.wording.shops import SHOPS, Shop


@pytest.mark.parametrize("name", SHOPS)
def test_the_insights_are_recomputed(name: str, shop_named: Callable[[str], Shop]) -> None:
    shop = shop_named(name)
    with recorded() as statements:
        page = write_insights(load(shop.warehouse.query, landed(shop)), currency=shop.currency, country=shop.country)
    assert statements
    for statement in statements:
        assert statement.text in page
        assert_right(shop, statement)

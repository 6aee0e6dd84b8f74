"""What `insights.md` says of its shops, recomputed from their sales."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from retail_assets.eda.data import EdaData
from retail_assets.eda.insights.page import write_insights
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording import (  # noqa: F401  registers the checks
    check_sales,
    check_sales_baskets,
    check_sales_calendar,
    check_sales_customers,
    check_sales_landed,
    check_sales_loyalty,
    check_sales_months,
    check_sales_products,
)
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.landings import ASSUMED
from retail_assets_tests.wording.shops import MORE_SHOPS, SHOPS, Shop


@pytest.mark.parametrize("name", [*SHOPS, *MORE_SHOPS])
def test_the_insights_are_recomputed(
    name: str, shop_named: Callable[[str], Shop], analysis_of: Callable[[str], EdaData]
) -> None:
    shop = shop_named(name)
    data = analysis_of(name)
    with recorded() as statements:
        page = write_insights(data, currency=shop.currency, country=shop.country, assumed=ASSUMED.get(name, ()))
    for statement in statements:
        assert_right(shop, statement)
    sentences = {line.removeprefix("- ") for line in page.splitlines() if line.startswith("- ")}
    texts = {statement.text for statement in statements}
    assert texts <= sentences
    assert not [s for s in sentences - texts if re.search(r"\d", s)], "a number that no phrase states"

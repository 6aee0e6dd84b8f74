"""What the report on the segments of five shops says, recomputed from their sales and from who is in which segment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retail_assets_tests.wording import check_campaigns  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.segmented import Segmented
from retail_assets_tests.wording.shops import SHOPS

SEGMENTED = [pytest.param(name, marks=pytest.mark.slow if name == "complete_journey" else ()) for name in SHOPS]


@pytest.mark.parametrize("name", SEGMENTED)
def test_the_report_on_the_segments_is_recomputed(name: str, segmented: Callable[[str], Segmented]) -> None:
    shop = segmented(name)
    assert shop.statements
    for statement in shop.statements:
        assert_right(shop.shop, statement)


def test_a_shop_without_known_customers_says_so(segmented: Callable[[str], Segmented]) -> None:
    assert "There are no customers, so there are no recommendations for segments." in segmented("bakery").advice

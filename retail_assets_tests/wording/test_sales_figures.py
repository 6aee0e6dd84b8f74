"""What titles, subtitles and footnotes of the figures of its shops say, recomputed from their sales."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures import baskets, calendar, customers, heatmaps, loyalty, products
from retail_assets.eda.figures.render import FIGURES, lay_out
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording import (  # noqa: F401  registers the checks, with the titles'
    check_sales_baskets,
    check_sales_loyalty,
    check_sales_readings,
)
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.shops import MORE_SHOPS, SHOPS, Shop


@pytest.mark.parametrize("name", [*SHOPS, *MORE_SHOPS])
def test_what_figures_say_is_recomputed(
    name: str, shop_named: Callable[[str], Shop], analysis_of: Callable[[str], EdaData], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_named(name)
    data = analysis_of(name)
    written: list[str] = []

    def noted(sheet: Callable[..., Any], *texts: str) -> Any:
        written.extend(texts)
        return sheet(*texts)

    for module in (baskets, calendar, customers, heatmaps, loyalty, products):
        monkeypatch.setattr(module, "Sheet", functools.partial(noted, module.Sheet))
    with recorded() as statements:
        for stem in FIGURES:
            with contextlib.suppress(NothingToShow):
                lay_out(stem, data, shop.currency, shop.country)
    for statement in {s.text: s for s in statements}.values():
        assert_right(shop, statement)
    assert len(written) >= 3 * 5
    assert not [rest for text in written if re.search(r"\d", rest := _without(text, statements))]


def _without(text: str, statements: list[Statement]) -> str:
    """What of a text no phrase has written, but for the words that explain whiskers."""
    for statement in sorted(statements, key=lambda s: -len(s.text)):
        text = text.replace(statement.text, "")
    return text.replace("95 % confidence interval", "")

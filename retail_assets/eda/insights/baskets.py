"""What is bought: how revenue concentrates on products, and which categories and products are in one order."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import baskets
from retail_assets.eda.findings.baskets import Affinity, Level, Pair
from retail_assets.eda.findings.concentration import item_concentration
from retail_assets.wording import sales_baskets as words
from retail_assets.wording.sales_baskets import Item
from retail_assets.wording.statement import Statement

_LEVELS: tuple[Level, ...] = ("category", "product")
_PAIRS_NAMED = 3


def sentences(data: EdaData, currency: str) -> list[Statement | str]:
    """Write the sentences; none about pairs where no order holds two items often enough to test."""
    return [*_concentration(data, currency), *(s for level in _LEVELS for s in _pairs(data, level))]


def _concentration(data: EdaData, currency: str) -> Iterable[Statement]:
    found = item_concentration(data)
    if found is not None:
        yield words.product_concentration(
            of=found.of,
            items=found.items,
            half=found.half,
            half_share=found.half / found.items,
            four_fifths=found.four_fifths,
            four_fifths_share=found.four_fifths / found.items,
            without=found.without,
            without_revenue=found.without_revenue,
            returned=data.overview.returned < 0,
            currency=currency,
        )


def _pairs(data: EdaData, level: Level) -> Iterable[Statement]:
    found = baskets.affinity(data, level)
    if found is None:
        return
    if not found.found:
        yield words.no_pair(of=level, tested=found.tested)
        return
    for pair in found.found[:_PAIRS_NAMED]:
        yield _pair(found, pair)
    if found.left_out:
        yield words.items_left_out(of=level, compared=found.items, left_out=found.left_out)


def _pair(found: Affinity, pair: Pair) -> Statement:
    later = pair.later
    return words.bought_together(
        first=item(pair.first, found.level),
        second=item(pair.second, found.level),
        later_from=found.later_from,
        last_day=found.last_day,
        together=later.together,
        of_first=later.together / later.first,
        of_second=later.together / later.second,
        lift=later.lift,
        low=later.low,
        high=later.high,
        tested=found.tested,
        p=pair.p,
    )


def item(found: baskets.Item, level: Level) -> Item:
    """Return an item with the category that it is named by, if it is a product."""
    return Item(found.name, found.category if level == "product" else None)

"""On how few products revenue rests: the exact counts, and the curve through hundredths of the products."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from retail_assets.eda.data import EdaData

FEWEST_ITEMS = 10
"""Products, or categories where there are no products, below which it is not reported on how few revenue rests."""


@dataclass(frozen=True)
class ItemConcentration:
    """How revenue concentrates on products, or on categories (`of`) where the sales name no products.

    Of the `items` whose sales exceed their returns, `half` bring half of what they bring together, and `four_fifths`
    80 % of it. `share` and `revenue` are cumulative shares of these items, best first, and of their revenue, from
    (0, 0) to (1, 1). The `without` others come to `without_revenue`, zero or negative.
    """

    of: str
    items: int
    half: int
    four_fifths: int
    share: np.ndarray
    revenue: np.ndarray
    without: int
    without_revenue: float


def item_concentration(data: EdaData) -> ItemConcentration | None:
    """Measure the concentration; None below `FEWEST_ITEMS` items whose sales exceed their returns."""
    if data.overview.products:
        tiles, [counted] = data.product_tiles, data.product_shares.to_dict("records")
        best, others = tiles[tiles["part"] > 0], tiles[tiles["part"] == 0]
        if counted["products"] < FEWEST_ITEMS:
            return None
        return ItemConcentration(
            of="product",
            items=int(counted["products"]),
            half=int(counted["half"]),
            four_fifths=int(counted["four_fifths"]),
            share=_cumulative(best["products"].to_numpy()),
            revenue=_cumulative(best["revenue"].to_numpy()),
            without=int(others["products"].sum()),
            without_revenue=float(others["revenue"].sum()),
        )
    revenue = [c.revenue for c in data.categories if c.revenue > 0]
    if len(revenue) < FEWEST_ITEMS:
        return None
    up_to, total = list(itertools.accumulate(revenue)), sum(revenue)
    return ItemConcentration(
        of="category",
        items=len(revenue),
        half=1 + sum(2 * amount < total for amount in up_to),
        four_fifths=1 + sum(5 * amount < 4 * total for amount in up_to),
        share=_cumulative(np.ones(len(revenue))),
        revenue=_cumulative(np.array(revenue, dtype=float)),
        without=len(data.categories) - len(revenue),
        without_revenue=float(sum(c.revenue for c in data.categories if c.revenue <= 0)),
    )


def _cumulative(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(values) / np.sum(values)])

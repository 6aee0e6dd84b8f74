"""Figures are drawn from whatever a segmentation can be, the same each time."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from retail_assets.segmentation.figures import draw_figures
from retail_assets.segmentation.segment import segment_customers
from retail_assets_tests.segmentation.shoppers import PLANTED, SNAPSHOT, customer, frame, planted_shoppers

CASES = {
    "four kinds": lambda: planted_shoppers(tuple(PLANTED), 10)[0],
    "nobody": lambda: frame([]),
    "one customer": lambda: frame([customer("a", 3, "10")]),
    "one purchase each": lambda: frame([customer(str(i), 1, str(10 + i)) for i in range(30)]),
    "identical": lambda: frame([customer(str(i), 5, "50") for i in range(30)]),
    "only returns": lambda: frame([customer(str(i), 0, "-5", top_month_share=None) for i in range(3)]),
    "every kind and a giant": lambda: pd.concat(
        [
            planted_shoppers(tuple(PLANTED), 10)[0],
            frame([customer("giant", 10**6, "9999999999999.99"), customer("r", 2, "-500"), customer("once", 1, "5")]),
        ]
    ),
}


@pytest.mark.parametrize("customers", CASES.values(), ids=CASES)
def test_every_segmentation_can_be_drawn(customers: object) -> None:
    segmentation = segment_customers(customers(), snapshot=SNAPSHOT)  # type: ignore[operator]
    figures = draw_figures(segmentation, currency="USD")
    assert list(figures) == ["segment_map.png", "segment_revenue.png"]
    for png in figures.values():
        pixels = imread(io.BytesIO(png))
        assert pixels.shape[:2] == (600, 1080)
        assert np.ptp(pixels[..., :3]) > 0.5, "something is drawn"


def test_the_same_segmentation_gives_the_same_bytes() -> None:
    segmentation = segment_customers(CASES["four kinds"](), snapshot=SNAPSHOT)
    assert draw_figures(segmentation) == draw_figures(segmentation)

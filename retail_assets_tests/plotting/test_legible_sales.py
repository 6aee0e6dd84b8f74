"""Every figure of the sales can be read, whatever the shop: no text overlaps, is crossed, cut off or lost."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.render import FIGURES, lay_out
from retail_assets.plotting.image import use_fonts
from retail_assets.plotting.left_out import NothingToShow
from retail_assets_tests.eda.conftest import analyse
from retail_assets_tests.plotting.legible import faults
from retail_assets_tests.plotting.strange import shops

CURRENCIES = ("USD", "$", "\u5143", "Kčs per piece", "")


def found(data: EdaData, currency: str = "USD") -> dict[str, list[str]]:
    """The faults of each figure that the data give."""
    result = {}
    for stem, figure in FIGURES.items():
        with contextlib.suppress(NothingToShow):
            drawn = figure(data, currency, "US").figure
            use_fonts(drawn)
            if wrong := faults(drawn):
                result[stem] = wrong
    return result


def test_every_figure_of_the_sales_is_measured_on_the_mixed_names() -> None:
    laid_out = set()
    for name in ("mixed", "together"):
        data = analyse(shops()[name]())
        for stem in FIGURES:
            with contextlib.suppress(NothingToShow):
                lay_out(stem, data, "USD", "US")
                laid_out.add(stem)
    assert laid_out == set(FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "currency"), zip(shops(), itertools.cycle(CURRENCIES)))
def test_every_figure_of_a_strange_shop_can_be_read(name: str, currency: str) -> None:
    assert found(analyse(shops()[name]()), currency) == {}

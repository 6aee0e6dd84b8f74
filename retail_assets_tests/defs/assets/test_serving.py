"""The asset `serving_bundle` and its check: what is published, and that a bundle that differs is noticed."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets import settings as settings_module
from retail_assets.defs.assets.serving import serving_assets
from retail_assets.defs.checks.figures import figure_checks
from retail_assets.defs.checks.serving import serving_checks
from retail_assets.exports.bundle import content
from retail_assets.exports.bundle.compare import compare
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.serving import Predictor, schema
from retail_assets.tables import SALES_FORECAST
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.serving.shop import CATEGORIES, SOURCE, Shop, forecast_rows, replace, shop_at


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return shop_at(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def platform(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The places of the shop, whose warehouse is elsewhere than the settings say."""
    environ = {
        "RETAIL_HOME": str(tmp_path / "home"),
        "RETAIL_OUTPUT": shop.output.uri,
        "RETAIL_MODELS_URI": str(shop.folder / "models"),
        "RETAIL_SERVING_URI": str(tmp_path / "serving"),
    }
    platform = Platform(settings_module.load(environ))
    monkeypatch.setitem(platform.__dict__, "warehouse", DuckDBWarehouse(shop.folder / "shop.duckdb", SOURCE))
    return platform


def test_a_run_publishes_a_bundle_and_compares_it_with_the_tables(platform: Platform) -> None:
    checks = figure_checks(platform)
    [key, *_] = [key for check in checks for key in check.check_keys]
    instance = dg.DagsterInstance.ephemeral()
    found = dg.AssetCheckEvaluation(
        asset_key=key.asset_key, check_name=key.name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={}
    )
    instance.report_runless_asset_event(found)
    done = dg.materialize([*serving_assets(platform, checks), *serving_checks(platform)], instance=instance)
    [event] = done.get_asset_materialization_events()
    version = event.materialization.metadata["version"].value
    with Predictor.from_uri(platform.serving.uri_of(SOURCE)) as predictor:
        assert predictor.provenance().bundle == version
        [check] = predictor.rows(schema.CHECK_RESULT)
        assert (check["name"], check["passed"], check["severity"]) == (key.name, 0, "WARN")
    [evaluation] = done.get_asset_check_evaluations()
    assert evaluation.passed
    facts = {name: value.value for name, value in evaluation.metadata.items()}
    assert (facts["version"], facts["forecast_rows"]) == (version, 28 * (len(CATEGORIES) + 1))
    assert facts["customers"] == facts["customers_compared"] == facts["customers_scored"] == 122
    assert float(str(facts["largest_difference_of_confidence"])) <= 1e-6


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE forecast SET mean = 1 WHERE category = 'Toys' AND horizon_day = 28",
            "'Toys' for 2024-01-28",
        ),
        ("UPDATE category SET revenue = '1.00' WHERE name = 'Toys'", "revenue of the catalog"),
        ("UPDATE customer SET persona = 'Budget Shoppers' WHERE customer_id = 'Once'", "persona of customer 'Once'"),
        ("UPDATE persona SET customers = customers + 1 WHERE place = 1", "'High-Value Customers' has (31, "),
    ],
)
def test_a_bundle_that_differs_from_the_tables_is_noticed(
    shop: Shop, change: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check can fail: a bundle is changed before its files are hashed."""
    whole = content.write_database

    def changed(path: Path, *places: Any, **others: Any) -> content.Written:
        written = whole(path, *places, **others)
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            assert database.execute(change).rowcount == 1
        return written

    monkeypatch.setattr("retail_assets.exports.bundle.publish.write_database", changed)
    shop.publish()
    compared = compare(shop.uri, shop.warehouse, shop.models, DEFAULT)
    assert len(compared.problems) == 1
    assert problem in compared.problems[0]


def test_a_forecast_that_was_issued_after_the_bundle_is_noticed(shop: Shop) -> None:
    shop.publish()
    replace(shop.warehouse, SALES_FORECAST, forecast_rows(2.0))
    problems = compare(shop.uri, shop.warehouse, shop.models, DEFAULT).problems
    replace(shop.warehouse, SALES_FORECAST, forecast_rows(1.0))
    assert len(problems) == 28 * (len(CATEGORIES) + 1)


def test_without_a_forecast_nothing_is_published_and_the_run_goes_on(platform: Platform) -> None:
    """A source before its first sales, or one that reports months, had failed in every run."""
    replace(platform.warehouse, SALES_FORECAST, [])
    try:
        done = dg.materialize([*serving_assets(platform, []), *serving_checks(platform)])
        compared = compare(platform.serving.uri_of(SOURCE), platform.warehouse, platform.model_store(SEGMENTS), DEFAULT)
    finally:
        replace(platform.warehouse, SALES_FORECAST, forecast_rows(1.0))
    assert done.success
    assert done.get_asset_materialization_events() == []
    assert (compared.problems, compared.forecast_rows) == ((), 0)

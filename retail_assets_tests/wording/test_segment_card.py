"""What is said of the wholesaler's models: one of October, one of today, and what each is promoted or held for."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb

from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
from retail_assets.segmentation.lifecycle.promotion_policy import decide
from retail_assets.segmentation.lifecycle.retraining import Retraining, train_if_due
from retail_assets.segmentation.model.serialization import loads
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording import check_segment_card
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.shops import SCHEMA, Shop

AT = dt.datetime(2012, 1, 1, tzinfo=dt.UTC)


def run(shop: Shop, *statements: str) -> None:
    with duckdb.connect(str(shop.path)) as connection:
        connection.execute(f"SET schema = '{SCHEMA}'")
        for statement in statements:
            connection.execute(statement)


def trained(shop: Shop, models: ModelStore, *, demanded: bool = False) -> tuple[Retraining, list[Statement]]:
    make_features(shop.warehouse)
    with recorded() as statements:
        done = train_if_due(shop.warehouse, models, models.store, DEFAULT, at=AT, run_id="run", demanded=demanded)
    return done, statements


def names(shop: Shop, models: ModelStore) -> None:
    model, version = model_in_use(models)
    score_all(shop.warehouse, model, version)


def test_what_is_said_of_models_is_recomputed(shop_named: Callable[[str], Shop], tmp_path: Path) -> None:
    path = tmp_path / "models.duckdb"
    shutil.copy(shop_named("wholesaler").path, path)
    shop = Shop("wholesaler", DuckDBWarehouse(path, SCHEMA), path, "GBP", "GB")
    models = ModelStore(Store(str(tmp_path / "store")), "shop", SEGMENTS)
    earlier = check_segment_card.EARLIER
    run(shop, "CREATE TABLE later AS FROM sales", f"DELETE FROM sales WHERE sale_date > DATE '{earlier}'")

    _, first = trained(shop, models)
    names(shop, models)
    said = {statement.name for statement in first}
    assert said == {f"segment_card.{name}" for name in ("verdict", "sales", "choice", "resamples")}
    for statement in first:
        assert_right(shop, statement)

    run(shop, "DELETE FROM sales", "INSERT INTO sales FROM later")
    make_features(shop.warehouse)
    run(shop, "DROP TABLE customer_segments")
    names(shop, models)
    run(shop, "CREATE TABLE named_before AS FROM customer_segments")
    _, second = trained(shop, models)
    candidate = sorted(models.versions(), key=lambda version: version.version)[-1]
    run(shop, "DROP TABLE customer_segments")
    score_all(shop.warehouse, loads(models.load(candidate.version)), "candidate")
    said = {statement.name for statement in second}
    assert "segment_card.unseen_days" in said
    assert {"segment_card.promoted", "segment_card.renames_many"} & said
    for statement in second:
        if statement.name != "segment_card.verdict":  # measured by the yardstick of October
            assert_right(shop, statement)

    with recorded() as older:
        decide(replace(candidate, version="older", data={**candidate.data, "last_day": str(earlier)}), candidate, None)
    assert [statement.name for statement in older] == ["segment_card.older"]
    assert_right(shop, older[0])


def test_prices_that_rise_move_the_average_customer(shop_named: Callable[[str], Shop], tmp_path: Path) -> None:
    path = tmp_path / "prices.duckdb"
    shutil.copy(shop_named("wholesaler").path, path)
    shop = Shop("wholesaler", DuckDBWarehouse(path, SCHEMA), path, "GBP", "GB")
    models = ModelStore(Store(str(tmp_path / "store")), "shop", SEGMENTS)
    trained(shop, models)
    run(shop, "UPDATE sales SET total_amount = 4 * total_amount", "CREATE TABLE raised AS SELECT 4 AS factor")
    _, statements = trained(shop, models)
    [moved] = [statement for statement in statements if statement.name == "segment_card.moved_average"]
    assert_right(shop, moved)

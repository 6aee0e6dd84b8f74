"""A bundle of Redshift's tables answers as one of DuckDB's does, and its check finds no difference."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.exports.bundle.compare import compare
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.serving import Predictor, answers, schema
from retail_assets_tests.serving.shop import shop_at

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack


def test_redshift_gives_the_bundle_that_duckdb_gives(stack: Stack, tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    name = f"bundle_{uuid.uuid4().hex[:8]}"
    remote = stack.warehouse(stack.lake(name), name)
    shops = [shop_at(tmp_path / "here", each=10), shop_at(tmp_path / "there", each=10, warehouse=remote)]
    for shop in shops:
        shop.publish()
        compared = compare(shop.uri, shop.warehouse, shop.models, DEFAULT)
        assert compared.problems == ()
        assert compared.customers_compared == 42
    asked = []
    for shop in shops:
        with Predictor.from_uri(shop.uri) as predictor:
            given = predictor.provenance()
            told = [
                answers.forecast(predictor.forecast("Books", coverage=0.95)),
                answers.categories(predictor.categories(), given),
                answers.daily_sales(None, predictor.daily_sales(days=400), given),
                *(answers.segment(each) for each in predictor.customers(limit=1000)),
            ]
            for answer in told:
                del answer["provenance"]
            asked.append((json.dumps(told), [predictor.rows(t) for t in (schema.QUARANTINE, schema.LANDING)]))
    assert asked[0] == asked[1]

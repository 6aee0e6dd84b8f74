"""The benchmark's bundle is one that a predictor opens; the same call gives the same version."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from benchmarks.serving import made_bundle
from retail_assets.serving import Predictor
from retail_assets.storage import Store


def test_a_made_bundle_is_opened_and_the_same_call_gives_the_same_version(tmp_path: Path) -> None:
    serving = Store(str(tmp_path))
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    first = made_bundle.publish(serving, customers=100, now=now)
    assert made_bundle.publish(serving, customers=100, now=now).version == first.version
    with Predictor.from_uri(serving.uri_of(made_bundle.SOURCE), check_seconds=0) as predictor:
        assert len(predictor.forecast(made_bundle.CATEGORIES[0]).days) == 28
        assert len(predictor.customers(limit=1000)) == 100
        assert predictor.score([{"customer_id": "n", "date": "2023-12-01", "amount": 5}]).customers
        another = made_bundle.publish(serving, customers=100, factor=2.0)
        assert predictor.provenance().bundle == another.version != first.version

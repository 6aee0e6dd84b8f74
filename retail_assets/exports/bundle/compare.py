"""A published bundle next to the tables and the model that it was made from: what a blocking check compares."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.models.kinds import NO_MODEL
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.model.features import read_sample
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.serialization import loads
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.serving import schema, segment_numbers
from retail_assets.serving.bundles import BundleAddress
from retail_assets.serving.errors import NoBundleError
from retail_assets.serving.open_bundle import OpenBundle
from retail_assets.serving.predictor import segment_of
from retail_assets.serving.segment_numbers import SegmentNumbers
from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS, DAILY_CATEGORY_SALES, SALES_FORECAST
from retail_assets.warehouse.protocol import Warehouse

SAMPLED = 200
"""Customers whose segments are compared field by field."""
SCORED = 2_000
"""Customers who are scored by both models. A test does so for 10,000."""
TOLERANCE = 1e-6
"""Of the confidence, before it is rounded."""

_FORECAST = f"""
SELECT product_category, forecast_date, mean, p025, p10, p50, p90, p975, units, units_p10, units_p90, seasonal_naive
FROM {SALES_FORECAST.name}
"""
_SAMPLE = f"SELECT * FROM {CUSTOMER_SEGMENTS.name} ORDER BY md5(customer_id), customer_id LIMIT {SAMPLED}"
_PERSONAS = f"""
SELECT persona, count(*) AS customers, sum(monetary) AS revenue FROM {CUSTOMER_SEGMENTS.name} GROUP BY persona
"""
_DAILY = f"SELECT coalesce(sum(revenue), 0) AS revenue, max(sale_date) AS last_day FROM {DAILY_CATEGORY_SALES.name}"


@dataclass(frozen=True)
class Compared:
    """What a comparison has found.

    Attributes:
        version: of the bundle.
        problems: differences, in sentences.
        forecast_rows: rows of the forecast, all of which were compared.
        customers: in the bundle.
        customers_compared: whose segments were compared field by field.
        customers_scored: whom both models have scored.
        largest_difference: of the confidence of these.
    """

    version: str
    problems: tuple[str, ...]
    forecast_rows: int
    customers: int
    customers_compared: int
    customers_scored: int
    largest_difference: float


def compare(uri: str, warehouse: Warehouse, models: ModelStore, catalog: Catalog) -> Compared:
    """Compare the bundle in use at an address with the tables and the model.

    Without a forecast there is no bundle, and nothing to compare.

    Raises:
        NoBundleError, BadBundleError: there is none, or it is damaged.
        ModelStoreError, StorageError, WarehouseError: what it is compared with cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="retail-bundle-") as cache:  # what is published, not what was copied once
        address = BundleAddress(uri, Path(cache))
        try:
            bundle = address.open(address.pointer().version)
        except NoBundleError:
            if warehouse.query(_FORECAST).num_rows:
                raise
            return Compared("", (), 0, 0, 0, 0, 0.0)
        sample = warehouse.query(_SAMPLE).to_pylist()
        problems = [
            *_sums(bundle, warehouse),
            *_forecasts(bundle, warehouse.query(_FORECAST).to_pylist()),
            *_personas(bundle, warehouse.query(_PERSONAS).to_pylist()),
            *(problem for row in sample for problem in _customer(bundle, row)),
        ]
        bundle.close()
    version = bundle.manifest.segment_model
    model = None if version == NO_MODEL else loads(models.load(version))
    scored, largest, wrong = _models(bundle.numbers, model, warehouse, catalog)
    return Compared(
        version=bundle.manifest.version,
        problems=(*problems, *wrong),
        forecast_rows=sum(map(len, bundle.forecasts.values())),
        customers=bundle.manifest.counts[schema.CUSTOMER.name],
        customers_compared=len(sample),
        customers_scored=scored,
        largest_difference=largest,
    )


def compare_models(
    numbers: SegmentNumbers, model: SegmentModel | None, features: pd.DataFrame, catalog: Catalog
) -> tuple[int, float, list[str]]:
    """Score customers by both models.

    Args:
        numbers: of the bundle.
        model: the real one; None if rules alone decide.
        features: features frame of the customers.
        catalog: names of the groups that rules assign.

    Returns:
        How many customers were scored, the largest difference of their confidence, and differences in sentences.
    """
    expected = score(model, features, catalog)
    problems: list[str] = []
    largest = 0.0
    # The tag of a favorite category compares with everybody, so the bundle's model does not have it.
    theirs = zip(expected.to_dict("records"), features.to_dict("records"), strict=True)
    for row, facts in theirs:
        ours = numbers.score(_features(facts))
        same = ours.persona == row["persona"] and ours.lapsed_risk == row["lapsed_risk"]
        tags = [tag for tag in str(row["tags"]).split(", ") if tag and not tag.endswith("-focused")]
        if ours.cluster is not None:
            largest = max(largest, abs(_confidence(numbers, facts) - float(row["confidence"])))
        if not same or list(ours.tags) != tags or (ours.cluster is None) != (row["cluster"] < 0):
            problems.append(
                f"Customer {row['customer_id']!r} is {ours.persona!r} {ours.tags} by the bundle's model, and "
                f"{row['persona']!r} {row['tags']!r} by the real one."
            )
    # The real one's is rounded to six digits.
    if largest > TOLERANCE:
        problems.append(f"A confidence differs by {largest:.2g}.")
    return len(features), largest, problems


def _models(
    numbers: SegmentNumbers, model: SegmentModel | None, warehouse: Warehouse, catalog: Catalog
) -> tuple[int, float, list[str]]:
    if not warehouse.exists(CUSTOMER_FEATURES):
        return 0, 0.0, []
    return compare_models(numbers, model, read_sample(warehouse, at_most=SCORED, everyone=True), catalog)


def _features(facts: Mapping[Any, Any]) -> segment_numbers.Features:
    return segment_numbers.Features(
        customer_id=facts["customer_id"],
        frequency=int(facts["frequency"]),
        monetary=Decimal(repr(float(facts["monetary"]))),
        returned=Decimal(repr(float(facts["returned"]))),
        average_basket=float(facts["average_basket"]),
        last_sale_date=facts["last_sale_date"],
        recency=int(facts["recency"]),
        tenure=int(facts["tenure"]),
        gap_mean=_known(facts["gap_mean"]),
        weekend_share=_known(facts["weekend_share"]),
        holiday_share=_known(facts["holiday_share"]),
    )


def _confidence(numbers: SegmentNumbers, facts: Mapping[Any, Any]) -> float:
    assert numbers.clusters is not None  # noqa: S101 - a cluster has decided
    return numbers.clusters.posterior(numbers.inputs(_features(facts)))[1]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _sums(bundle: OpenBundle, warehouse: Warehouse) -> Iterator[str]:
    [row] = warehouse.query(_DAILY).to_pylist()
    total = next((each for each in bundle.categories if each.name == schema.TOTAL), None)
    parts = sum((each.revenue for each in bundle.categories if each.name != schema.TOTAL), Decimal("0.00"))
    if total is None or not total.revenue == parts == row["revenue"]:
        yield f"The revenue of the catalog is {parts} and not {row['revenue']}."
    if bundle.provenance.cutoff != row["last_day"]:
        yield f"The cut-off is {bundle.provenance.cutoff} and not {row['last_day']}."


def _forecasts(bundle: OpenBundle, rows: list[dict[str, Any]]) -> Iterator[str]:
    ours = {(row["category"], row["day"]): row for those in bundle.forecasts.values() for row in those}
    if len(ours) != len(rows):
        yield f"The forecast has {len(ours)} rows and not {len(rows)}."
    for row in rows:
        name, day = row.pop("product_category"), row.pop("forecast_date")
        there = ours.get((name, day))
        if there is None or any(there[column] != value for column, value in row.items()):
            yield f"The forecast of {name!r} for {day} differs."


def _personas(bundle: OpenBundle, rows: list[dict[str, Any]]) -> Iterator[str]:
    ours = {name: (profile.customers, profile.revenue) for name, (profile, _) in bundle.profiles.items()}
    theirs = {row["persona"]: (row["customers"], row["revenue"]) for row in rows}
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield f"{name!r} has {ours.get(name)} and not {theirs.get(name)} customers and money."
    customers = sum(count for count, _ in theirs.values())
    if bundle.manifest.counts[schema.CUSTOMER.name] != customers:
        yield f"There are {bundle.manifest.counts[schema.CUSTOMER.name]} customers and not {customers}."


def _customer(bundle: OpenBundle, row: Mapping[str, Any]) -> Iterator[str]:
    found = bundle.customer(row["customer_id"])
    if found is None:
        yield f"Customer {row['customer_id']!r} is missing."
        return
    ours = segment_of(bundle, found)
    pairs = {
        "persona": (ours.persona, row["persona"]),
        "confidence": (ours.confidence, row["confidence"]),
        "tags": (", ".join(ours.tags), row["tags"]),
        "favorite_category": (ours.favorite_category, row["favourite_category"]),
        "lapsed_risk": (ours.lapsed_risk, row["lapsed_risk"]),
        "frequency": (ours.frequency, row["frequency"]),
        "monetary": (ours.monetary, row["monetary"]),
        "average_basket": (ours.average_basket, row["average_basket"]),
        "last_sale_date": (ours.last_sale_date, row["last_sale_date"]),
        "snapshot_date": (ours.snapshot_date, row["snapshot_date"]),
        "previous_persona": (ours.previous_persona, row["previous_persona"]),
        "previous_snapshot": (ours.previous_snapshot, row["previous_snapshot"]),
    }
    for name, (mine, theirs) in pairs.items():
        if mine != theirs:
            yield f"{name} of customer {row['customer_id']!r} is {mine!r} and not {theirs!r}."

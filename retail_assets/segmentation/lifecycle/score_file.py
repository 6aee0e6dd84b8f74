"""Segments of customers in a CSV file of their purchases, by the model in use: customers that no training has seen.

The purchases go through the same SQL as the shop's own, in a temporary warehouse, so nothing is computed in a second
way. What needs all the shop's customers is left out: a favorite category is one compared with everybody.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.contracts.model import Contract
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
from retail_assets.segmentation.lifecycle.purchase_file import Format, read_purchases
from retail_assets.segmentation.model.features import frame
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.tables import DIM_CUSTOMER, DIM_DATE, SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse

FIELDS = (
    "customer_id", "persona", "decided_by", "confidence", "tags", "frequency", "monetary", "average_basket",
    "last_sale_date", "snapshot_date", "model_version", "note",
)  # fmt: skip
"""Keys of each answer, in the order of the CSV columns."""


@dataclass(frozen=True)
class ScoredFile:
    """The segments of the customers of a file.

    Attributes:
        model_version: the version of the model; `NO_MODEL` if rules alone decided.
        rows: one per customer, with the keys of `FIELDS`, sorted by customer id.
        anonymous_lines: lines without a customer id, which are in no segment.
        anonymous_amount: their money.
    """

    model_version: str
    rows: list[dict[str, Any]]
    anonymous_lines: int
    anonymous_amount: Decimal


def score_with_model_in_use(
    path: Path, models: ModelStore, *, catalog: Catalog, contract: Contract, today: dt.date | None = None
) -> ScoredFile:
    """Give the customers of a CSV file their segments by the model in use, in the notation of a contract.

    Args:
        path: the file (see `score_file`).
        models: the versions of the segments' model.
        catalog: names of the groups that rules assign.
        contract: of the source: headers, dates, numbers, country.
        today: later purchases are rejected.

    Raises:
        PurchaseFileError: the file is missing, lacks a column, or a line cannot be read.
        ModelStoreError, SegmentModelFileError: the model in use cannot be read.
    """
    model, version = model_in_use(models)
    last_day = dt.date.fromisoformat(models.manifest(version).data["last_day"]) if model else None
    return score_file(
        path,
        model,
        version,
        last_day,
        catalog=catalog,
        country=contract.country,
        form=Format.of(contract),
        today=today,
    )


def score_file(
    path: Path,
    model: SegmentModel | None,
    version: str,
    last_day: dt.date | None,
    *,
    catalog: Catalog,
    country: str,
    form: Format | None = None,
    today: dt.date | None = None,
) -> ScoredFile:
    """Give the customers of a CSV file of purchases their segments.

    Args:
        path: the file. Lines with the same `order_id` are one purchase; without that column, the lines of a customer's
            day are.
        model: the model in use; None if there is none, and rules alone decide.
        version: of the model.
        last_day: last day of sales that the model has seen. Customers are described as of that day, or as of the last
            day of the file if that is later.
        catalog: names of the groups that rules assign.
        country: whose holidays count.
        form: how the shop writes headers, dates and numbers.
        today: later purchases are rejected: one mistyped year would make all other customers look dormant.

    Raises:
        PurchaseFileError: the file is missing, lacks a column, or a line cannot be read.
    """
    purchases = read_purchases(path, form or Format(), today)
    if not purchases.rows:
        return ScoredFile(version, [], purchases.anonymous_lines, purchases.anonymous_amount)
    snapshot = max([row["sale_date"] for row in purchases.rows] + ([last_day] if last_day else []))
    counted = _count(purchases.rows, snapshot, country)
    features = frame(counted)
    # Frequency is measured by the shop's window, not by the span of a few customers' purchases.
    features["window_days"] = model.window_days if model else WINDOW_DAYS
    features["favourite_category"] = None
    features["favourite_share"] = features["favourite_index"] = features["favourite_orders"] = np.nan
    scored = score(model, features, catalog)
    rows = _answers(scored, features, counted["monetary"].to_pylist(), snapshot, version, model, catalog)
    return ScoredFile(version, rows, purchases.anonymous_lines, purchases.anonymous_amount)


def _count(rows: list[dict[str, Any]], snapshot: dt.date, country: str) -> pa.Table:
    """Features of the customers, by the shop's own SQL."""
    first = min(row["sale_date"] for row in rows)
    with tempfile.TemporaryDirectory(prefix="retail-purchases-") as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "purchases.duckdb", "shop")
        warehouse.replace(SALES, _sales(rows))
        warehouse.replace(DIM_DATE, marts.dim_date(first, snapshot, country))
        warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
        return warehouse.query(customer_features(snapshot)).sort_by("customer_id")


def _answers(
    scored: pd.DataFrame,
    features: pd.DataFrame,
    money: list[Decimal],
    snapshot: dt.date,
    version: str,
    model: SegmentModel | None,
    catalog: Catalog,
) -> list[dict[str, Any]]:
    rows = []
    for customer, facts, paid in zip(scored.to_dict("records"), features.to_dict("records"), money, strict=True):
        by_rule = customer["cluster"] < 0
        rows.append(
            {
                "customer_id": customer["customer_id"],
                "persona": customer["persona"],
                "decided_by": "rule" if by_rule else "cluster",
                "confidence": None if by_rule else round(float(customer["confidence"]), 4),
                "tags": customer["tags"],
                "frequency": int(facts["frequency"]),
                "monetary": paid,
                "average_basket": round(float(facts["average_basket"]), 2),
                "last_sale_date": facts["last_sale_date"],
                "snapshot_date": snapshot,
                "model_version": version,
                "note": _note(customer["persona"], catalog, model) if by_rule else "",
            }
        )
    return rows


def _note(name: str, catalog: Catalog, model: SegmentModel | None) -> str:
    """Why a rule decided."""
    persona = catalog.named(name)
    if name == catalog.groups["not_segmented"].name and model is None:
        return "No model is in use: the shop's customers are not segmented yet, or show no separate kinds."
    if name == catalog.groups["one_purchase"].name:
        return "Too new for a persona: one purchase does not show how often somebody buys."
    return persona.description if persona else ""


def _sales(purchases: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Purchases as rows of `sales`; without an order id, a customer's day is one order."""
    rows = []
    for number, purchase in enumerate(purchases):
        order = purchase["order_id"] or f"day {purchase['sale_date']}"
        rows.append(
            {
                "transaction_id": str(number),
                "order_id": order,  # counted per customer, so customers may share it
                "sold_at": dt.datetime.combine(purchase["sale_date"], dt.time()),
                "sale_date": purchase["sale_date"],
                "customer_id": purchase["customer_id"],
                "product_category": purchase["product_category"],
                "quantity": purchase["quantity"].quantize(Decimal("0.001")),
                "unit_price": Decimal(0),
                "total_amount": purchase["total_amount"],
                "source": "csv",
                "landed_on": purchase["sale_date"],
                "source_file": "csv",
                "source_line": number,
            }
        )
    return pa.Table.from_pylist(rows, schema=SALES.arrow_schema())

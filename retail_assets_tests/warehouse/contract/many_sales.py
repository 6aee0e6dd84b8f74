"""Both warehouses with the same tables made of the same many unusual sales."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pyarrow as pa

from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    SALES,
    SALES_CLEAN,
)
from retail_assets.warehouse import marts
from retail_assets_tests.warehouse.contract.warehouses import Place
from retail_assets_tests.warehouse.landings import DAY, Row, line

MADE = (
    (DIM_CUSTOMER, marts.DIM_CUSTOMER),
    (DIM_PRODUCT, marts.DIM_PRODUCT),
    (DIM_STORE, marts.DIM_STORE),
    (DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES),
    (DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES),
)


def sales(count: int) -> list[Row]:
    """Sales with returns, nulls, ties, times of day, unusual texts and orders of several lines."""
    draw = random.Random(7)
    rows = []
    for number in range(count):
        customer = draw.choice([None, *(f"c{i}" for i in range(40)), "o'brien\\", "本"])
        cents = draw.choice([-1, 1, 1, 1]) * draw.choice([1, 99, 100, 1000, 12345, 9_999_999, draw.randint(1, 10**6)])
        rows.append(
            line(
                f"T{number:05d}",
                cents,
                DAY + dt.timedelta(days=draw.randint(0, 2)),
                at=number + 2,
                order_id=f"O{number // draw.choice([1, 2, 3])}",
                sold_at=dt.datetime(2023, 1, 1)
                + dt.timedelta(days=draw.randint(0, 500), hours=draw.choice([0, 9, 17])),
                customer_id=customer,
                gender=draw.choice([None, "Female", "Male"]),
                age=draw.choice([None, 17, 99]),
                age_group=draw.choice([None, "18-24", "65+"]),
                product_id=draw.choice([None, "P1", "P2", "P3"]),
                product_category=draw.choice(["Books", "Tee & Kaffee", "本", "Other", "it's"]),
                store_id=draw.choice([None, "S1", "S2", "本店"]),
                quantity=Decimal(draw.choice([1, 2, 3])).copy_sign(cents).quantize(Decimal("0.001")),
            )
        )
    return rows


def filled(place: Place, rows: list[Row]) -> Place:
    for table in (SALES, SALES_CLEAN):
        place.warehouse.replace(table, pa.Table.from_pylist(rows, schema=table.arrow_schema()))
    for table, select in MADE:
        place.warehouse.rebuild(table, select)
    days = [row["sale_date"] for row in rows] or [DAY]
    place.warehouse.replace(DIM_DATE, marts.dim_date(min(days), max(days), "US") if rows else _no_days())
    # Twice, half a year apart, so that there are names before and migrations.
    for number, snapshot in enumerate((dt.date(2023, 11, 30), None)):
        make_features(place.warehouse, snapshot=snapshot)
        score_all(place.warehouse, train_from(place.warehouse).model, f"v{number}", chunk=50)
        make_profiles(place.warehouse)
        make_migrations(place.warehouse)
    return place


def _no_days() -> pa.Table:
    return DIM_DATE.arrow_schema().empty_table()

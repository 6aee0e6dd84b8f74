"""The table `segment_profiles`: what the customers of each persona look like."""

from __future__ import annotations

import pyarrow as pa

from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.profiles import MEDIANS, PROFILES, TOP_AGES, median
from retail_assets.tables import SEGMENT_PROFILES
from retail_assets.warehouse.protocol import Warehouse


def make_profiles(warehouse: Warehouse, catalog: Catalog = DEFAULT) -> pa.Table:
    """Write `segment_profiles` from `customer_segments` and `customer_features`, and return it.

    Args:
        warehouse: has the two tables.
        catalog: the personas, for the order of the rows.
    """
    rows = {row["persona"]: row for row in warehouse.query(PROFILES).to_pylist()}
    for column, feature in MEDIANS.items():
        for row in warehouse.query(median(feature)).to_pylist():
            rows[row["persona"]][column] = row["value"]
    ages = {row["persona"]: row["age_group"] for row in warehouse.query(TOP_AGES).to_pylist()}
    customers = sum(int(row["customers"]) for row in rows.values())
    revenue = sum(row["revenue"] for row in rows.values())
    profiles = [
        # Sums of doubles differ in the last digits with the order in which a database adds them.
        {key: round(value, 9) if isinstance(value, float) else value for key, value in rows[name].items()}
        | {
            "customers_share": round(int(rows[name]["customers"]) / customers, 9),
            "revenue_share": round(float(rows[name]["revenue"] / revenue), 9) if revenue > 0 else None,
            "top_age_group": ages.get(name),
        }
        for name in catalog.in_order(rows)
    ]
    table = pa.Table.from_pylist(profiles, schema=SEGMENT_PROFILES.arrow_schema())
    warehouse.replace(SEGMENT_PROFILES, table)
    return table

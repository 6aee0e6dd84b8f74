"""Rows that reports on the segments are made from: profiles, shares of categories, the scope of the sales."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from retail_assets.tables import SEGMENT_PROFILES

DAY = dt.date(2023, 12, 31)
SCOPE = {"snapshot_date": DAY, "anonymous_lines": 3, "anonymous_orders": 2, "anonymous_revenue": Decimal("7.50")}


def profile(persona: str = "High-Value Customers", **others: Any) -> dict[str, Any]:
    """A row of `segment_profiles`."""
    return {
        **dict.fromkeys(SEGMENT_PROFILES.names),
        "persona": persona,
        "decided_by": "cluster",
        "customers": 50,
        "customers_share": 0.25,
        "revenue": Decimal("1000.00"),
        "revenue_share": 0.5,
        "average_frequency": 40.0,
        "median_frequency": 40.0,
        "median_monetary": 3600.0,
        "median_average_basket": 90.0,
        "median_recency_days": 4.0,
        "median_tenure_days": 300.0,
        "median_top_month_share": 0.12,
        "one_more_purchase": 4500.0,
        "lapsed_risk_share": 0.0,
        "snapshot_date": DAY,
        "model_version": "v",
        **others,
    }


def share(persona: str, category: str, own: float, everyone: float) -> dict[str, Any]:
    """A row of `segment_categories`."""
    return {
        "persona": persona,
        "product_category": category,
        "revenue": Decimal("200.00"),
        "buyers": 50,
        "share": own,
        "all_share": everyone,
        "share_index": own / everyone,
        "other_share": everyone,
        "own_share": own,
        "other_own_share": everyone,
        "of_category": 0.2,
    }

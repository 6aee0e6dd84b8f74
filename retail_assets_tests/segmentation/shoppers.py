"""Customers made up for the tests: rows as `queries.CUSTOMERS` returns them, with the kind that each was planted as."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

SNAPSHOT = date(2023, 12, 31)

# Purchases a year, money a purchase, days since the last one, share of the best month.
PLANTED = {
    "High-Value Customers": (40, 90, 4, 0.12),
    "Budget Shoppers": (40, 15, 4, 0.12),
    "Seasonal Shoppers": (6, 90, 20, 0.4),
    "Low-Engagement": (6, 15, 60, 0.35),
}


def customer(
    customer_id: str,
    frequency: int,
    monetary: str | Decimal,
    *,
    recency: int = 10,
    top_month_share: float | None = 0.2,
) -> dict[str, object]:
    money = Decimal(monetary)
    last = SNAPSHOT - timedelta(days=recency)
    return {
        "customer_id": customer_id,
        "frequency": frequency,
        "monetary": money,
        "average_basket": float(money) / frequency if frequency else 0.0,
        "first_sale_date": last - timedelta(days=100 if frequency > 1 else 0),
        "last_sale_date": last,
        "top_month_share": top_month_share,
    }


def frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(customer("any", 1, "1")))


def planted_shoppers(kinds: Sequence[str], each: int, *, seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """`each` customers of each kind in shuffled order, and the kind of each row."""
    rng = np.random.default_rng(seed)
    rows, truth = [], []
    for kind in kinds:
        frequency, basket, recency, share = PLANTED[kind]
        for number in range(each):
            purchases = max(2, int(rng.poisson(frequency)))
            money = Decimal(str(round(purchases * basket * float(rng.lognormal(0, 0.25)), 2)))
            rows.append(
                customer(
                    f"{kind[:3]}-{number:04d}",
                    purchases,
                    money,
                    recency=int(rng.poisson(recency)),
                    top_month_share=float(np.clip(rng.normal(share, 0.05), 0.08, 1)),
                )
            )
            truth.append(kind)
    order = rng.permutation(len(rows))
    return frame([rows[i] for i in order]), [truth[i] for i in order]

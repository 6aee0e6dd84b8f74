"""What is bought: shares of categories, the distribution of baskets, and how far either swings by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retail_assets.eda.data import Category, EdaData


def revenue_share(data: EdaData, category: Category) -> float | None:
    """Return the share of all revenue; None when the total is not above zero, because a share then means nothing."""
    total = data.overview.revenue
    return float(category.revenue / total) if total > 0 else None


def order_share(data: EdaData, category: Category) -> float:
    """Return the share of all orders that contain the category."""
    return category.orders / data.overview.orders if data.overview.orders else 0.0


def single_line_share(data: EdaData) -> float | None:
    """Return the share of one-line orders among those that sell something; None when no order sells anything."""
    lines = data.basket_lines
    if lines.empty:
        return None
    return float(lines.loc[lines["line_count"] == 1, "orders"].sum() / lines["orders"].sum())


def statistic(data: EdaData, measure: str, column: str, category: str | None = None) -> float | None:
    """Look up one value of `data.statistics`, over all categories or of one; None when there is none."""
    frame = data.statistics[data.statistics["measure"] == measure]
    rows = frame[frame["product_category"].isna() if category is None else frame["product_category"] == category]
    return float(rows[column].iloc[0]) if len(rows) and pd.notna(rows[column].iloc[0]) else None


def chance_swing(data: EdaData, category: str | None, orders: float) -> float | None:
    """Return the relative deviation of the revenue of `orders` orders by chance alone: sqrt((1 + cv^2) / orders).

    The number of baskets is taken as Poisson; `cv` is the coefficient of variation of their amounts. None when it is
    not known.
    """
    mean = statistic(data, "basket_amount", "mean", category)
    std = statistic(data, "basket_amount", "std", category)
    if not mean or mean <= 0 or std is None or orders <= 0:
        return None
    return float(np.sqrt((1 + (std / mean) ** 2) / orders))

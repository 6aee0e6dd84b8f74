"""What is bought: shares of categories, the distribution of baskets, and how far what is sold swings by chance."""

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


def dispersion(sums: np.ndarray, squares: np.ndarray, days: np.ndarray) -> float | None:
    """Return the variance of a day's amount over its mean, pooled over cells: money. None where it is not known.

    Days differ by more than the number and the size of their baskets, as by weather: so the spread is that of days.

    Args:
        sums: (cells,) what each cell brought on all its days.
        squares: (cells,) the sums of squares of the amounts of its days.
        days: (cells,) its days, those without a sale included.
    """
    known = days >= 2
    sums, squares, days = sums[known], squares[known], days[known]
    mean = float((sums / days).sum()) if len(sums) else 0.0
    variance = np.maximum(squares - sums**2 / np.maximum(days, 1), 0.0) / np.maximum(days - 1, 1)
    return float(variance.sum()) / mean if mean > 0 else None


def chance_swing(spread: float | None, revenue: float) -> float | None:
    """Return the relative deviation of a cell's sum by chance, `dispersion` given: sqrt(spread / revenue)."""
    return None if spread is None or revenue <= 0 else float(np.sqrt(spread / revenue))

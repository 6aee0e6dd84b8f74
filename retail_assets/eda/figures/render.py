"""Every figure of the sales by its file name, and which of them the data give."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures import baskets, calendar, customers, heatmaps, loyalty, products
from retail_assets.plotting.left_out import Figures, NothingToShow, draw_each
from retail_assets.plotting.sheet import Sheet

FIGURES: MappingProxyType[str, Callable[[EdaData, str, str | None], Sheet]] = MappingProxyType(
    {
        "daily_revenue": calendar.daily_revenue,
        "revenue_by_category": products.revenue_by_category,
        "weekday_pattern": calendar.weekday_pattern,
        "month_pattern": calendar.month_pattern,
        "weekday_hour": heatmaps.weekday_hour,
        "category_months": heatmaps.category_months,
        "spend_by_gender": customers.spend_by_gender,
        "spend_by_age": customers.spend_by_age,
        "basket_size": products.basket_size,
        "product_performance": products.product_performance,
        "product_pareto": baskets.product_pareto,
        "categories_together": baskets.categories_together,
        "products_together": baskets.products_together,
        "customer_pareto": customers.customer_pareto,
        "new_customers": loyalty.new_customers,
        "cohorts": loyalty.cohort_months,
    }
)
"""By file stem: what lays out the figure from the data, the currency and the country."""


def render_all(data: EdaData, *, currency: str, country: str | None = None) -> Figures:
    """Draw every figure that the data give, as PNG by file name in the order of `FIGURES`, and say why others are not.

    `currency` is printed as given (such as `USD`); `country` is the code whose public holidays are marked. The same
    data give the same bytes.
    """
    return draw_each({f"{stem}.png": functools.partial(_drawn, stem, data, currency, country) for stem in FIGURES})


def lay_out(stem: str, data: EdaData, currency: str, country: str | None) -> Sheet:
    """Lay out one of `FIGURES`. Raises NothingToShow with the reason where the data do not give it."""
    if data.empty:
        raise NothingToShow("there are no sales yet")
    return FIGURES[stem](data, currency, country)


def _drawn(stem: str, data: EdaData, currency: str, country: str | None) -> bytes:
    return lay_out(stem, data, currency, country).png()

"""Every figure of the sales by its file name, and which of them the data give."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures import calendar, customers, heatmaps, products
from retail_assets.eda.figures.parts import NothingToShow
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
        "customer_pareto": customers.customer_pareto,
    }
)
"""By file stem: what lays out the figure from the data, the currency and the country."""


def render_all(data: EdaData, *, currency: str, country: str | None = None) -> dict[str, bytes]:
    """Draw every figure that the data give: PNG bytes by file stem, in the order of `FIGURES`.

    `currency` is printed as given (such as `USD`); `country` is the code whose public holidays are marked. The same
    data give the same bytes.
    """
    sheets, _ = _lay_out(data, currency, country)
    return {stem: sheet.png() for stem, sheet in sheets.items()}


def skipped(data: EdaData) -> dict[str, str]:
    """Return why `render_all` leaves figures out: the reason by file stem."""
    _, reasons = _lay_out(data, "", None)
    return reasons


def _lay_out(data: EdaData, currency: str, country: str | None) -> tuple[dict[str, Sheet], dict[str, str]]:
    sheets: dict[str, Sheet] = {}
    reasons: dict[str, str] = {}
    for stem, figure in FIGURES.items():
        try:
            if data.empty:
                raise NothingToShow("there are no sales yet")
            sheets[stem] = figure(data, currency, country)
        except NothingToShow as reason:
            reasons[stem] = str(reason)
    return sheets, reasons

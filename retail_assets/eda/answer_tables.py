"""The findings on loyalty and baskets as tables of the warehouse, for the report and for BI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import baskets, loyalty
from retail_assets.eda.findings.concentration import item_concentration
from retail_assets.tables import BASKET_AFFINITY, CUSTOMER_COHORTS, CUSTOMER_MONTHS, PRODUCT_CONCENTRATION, Table

_LEVELS: tuple[baskets.Level, ...] = ("category", "product")


def customer_months(data: EdaData) -> pa.Table:
    """Make `customer_months`; no row where there are too few whole months."""
    found = loyalty.newcomers(data)
    if found is None:
        return _table(CUSTOMER_MONTHS, ())
    return _table(
        CUSTOMER_MONTHS,
        (
            {
                "month_start": month.start,
                "first_seen": month.first_seen,
                "seen_before": month.seen_before,
                "first_seen_orders": month.first_orders,
                "seen_before_orders": month.orders_before,
                "first_seen_revenue": _money(month.first_revenue),
                "seen_before_revenue": _money(month.revenue_before),
                "whole_month": month.whole,
                "counted": month.whole and not month.burn_in,
                "mistaken_share": found.burn_in.mistaken,
            }
            for month in found.months
        ),
    )


def customer_cohorts(data: EdaData) -> pa.Table:
    """Make `customer_cohorts`; no row where nobody is seen in a second whole month."""
    found = loyalty.cohorts(data)
    if found is None:
        return _table(CUSTOMER_COHORTS, ())
    return _table(
        CUSTOMER_COHORTS,
        (
            {
                "cohort": cohort.start,
                "period": found.period,
                "periods_since": since,
                "customers": cohort.customers,
                "active": active,
                "active_share": active / cohort.customers,
                "revenue": _money(revenue),
                "revenue_per_customer": revenue / cohort.customers,
                "before_data": cohort.early,
            }
            for cohort in found.cohorts
            for since, (active, revenue) in enumerate(zip(cohort.active, cohort.revenue, strict=True))
        ),
    )


def product_concentration(data: EdaData) -> pa.Table:
    """Make `product_concentration`: the points of the curve; no row where there are too few products."""
    found = item_concentration(data)
    if found is None:
        return _table(PRODUCT_CONCENTRATION, ())
    places = np.unique(np.round(found.share * found.items).astype(int))
    points = [(int(place), float(np.interp(place / found.items, found.share, found.revenue))) for place in places]
    return _table(
        PRODUCT_CONCENTRATION,
        (
            {
                "items": items,
                "of_items": found.of,
                "items_share": items / found.items,
                "revenue_share": share,
                "half_items": found.half,
                "four_fifths_items": found.four_fifths,
            }
            for items, share in points
        ),
    )


def basket_affinity(data: EdaData) -> pa.Table:
    """Make `basket_affinity`: the pairs that were tested, of categories and of products."""
    return _table(BASKET_AFFINITY, (row for level in _LEVELS for row in _pairs(data, level)))


def _pairs(data: EdaData, level: baskets.Level) -> Iterable[dict[str, Any]]:
    found = baskets.affinity(data, level)
    for pair in found.pairs if found else ():
        earlier, later = pair.earlier, pair.later
        if found is None or pair.p is None:
            continue
        yield {
            "level": level,
            "first_item": pair.first.name,
            "second_item": pair.second.name,
            "first_category": pair.first.category,
            "second_category": pair.second.category,
            "orders": later.together,
            "expected_orders": later.expected,
            "support": later.together / later.orders,
            "confidence_first": later.together / later.first if later.first else None,
            "confidence_second": later.together / later.second if later.second else None,
            "lift": later.lift,
            "lift_low": later.low,
            "lift_high": later.high,
            "plain_lift": later.plain_lift,
            "earlier_orders": earlier.together,
            "earlier_lift": earlier.lift,
            "p_value": earlier.p,
            "adjusted_p_value": pair.p,
            "found": pair.worth_acting_on,
            "later_from": found.later_from,
            "last_day": found.last_day,
        }


def _money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _table(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=table.arrow_schema())


MAKERS: MappingProxyType[str, Callable[[EdaData], pa.Table]] = MappingProxyType(
    {
        CUSTOMER_MONTHS.name: customer_months,
        CUSTOMER_COHORTS.name: customer_cohorts,
        PRODUCT_CONCENTRATION.name: product_concentration,
        BASKET_AFFINITY.name: basket_affinity,
    }
)
"""What makes each table, by its name."""

"""Since last month: the last full month, the month before it, and the same month of the year before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import last_month
from retail_assets.eda.findings.last_month import MonthSales
from retail_assets.wording import sales_months as words
from retail_assets.wording.statement import Statement
from retail_assets.wording.thresholds import NOISE


def sentences(data: EdaData, currency: str) -> list[Statement]:
    """Write the section."""
    first, last = data.overview.first_date, data.overview.last_date
    if first is None or last is None:
        return []
    month = last_month.last_full_month(data)
    if month is None:
        return [words.last_month_not_known(first_day=first, last_day=last)]
    is_partial = (last.year, last.month) != (month.start.year, month.start.month)
    earlier = [last_month.month_before(month.start), month.start.replace(year=month.start.year - 1)]
    against = [each for start in earlier for each in _against(data, month, start, first, currency)]
    return [
        words.last_month(
            start=month.start,
            revenue=month.revenue,
            days=month.days,
            open_days=month.open_days,
            unknown=month.unknown,
            orders=month.orders,
            partial=last.replace(day=1) if is_partial else None,
            partial_days=last.day if is_partial else 0,
            currency=currency,
        ),
        *against,
    ]


def _against(data: EdaData, month: MonthSales, start: dt.date, first: dt.date, currency: str) -> Iterable[Statement]:
    if not month.open_days:
        return
    compared = last_month.compare(data, month, start)
    if compared is None:
        if start.month == month.start.month and start < first.replace(day=1):
            return  # a young shop has no year before: there is nothing to miss
        yield words.month_not_compared(earlier=start, first_day=first)
        return
    earlier = compared.earlier
    positive = month.per_day > 0 and earlier.per_day > 0
    yield words.month_against(
        start=month.start,
        earlier=earlier.start,
        per_day=month.per_day,
        earlier_per_day=earlier.per_day,
        open_days=month.open_days,
        earlier_open_days=earlier.open_days,
        orders=month.orders,
        earlier_orders=earlier.orders,
        ratio=month.per_day / earlier.per_day if positive else None,
        p=compared.p,
        clear=positive and compared.p is not None and compared.p < NOISE and compared.same_way,
        currency=currency,
    )

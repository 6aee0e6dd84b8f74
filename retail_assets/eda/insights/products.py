"""What is bought: the largest categories, returns, and the size of orders."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.products import order_share, revenue_share, single_line_share, statistic
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.wording import sales_products as words
from retail_assets.wording.leading import NAMED, sharing_the_lead
from retail_assets.wording.statement import Statement


def sentences(data: EdaData, currency: str) -> list[Statement | str]:
    """Write the section."""
    return [*_categories(data, currency), _returns(data, currency), *_orders(data, currency)]


def _categories(data: EdaData, currency: str) -> Iterable[Statement | str]:
    categories = data.categories
    share = revenue_share(data, categories[0])
    if share is None:
        yield "Returns exceed sales, so shares of revenue mean nothing."
        return
    if len(categories) == 1:
        yield words.one_category(category=categories[0].name)
        return
    yield _largest(data, currency, share)
    yield words.next_categories(
        categories=tuple((c.name, revenue_share(data, c) or 0.0, order_share(data, c)) for c in categories[1:5])
    )
    if len(categories) > TOP_CATEGORIES:
        rest = categories[TOP_CATEGORIES:]
        together = sum(float(c.revenue) for c in rest) / float(data.overview.revenue)
        yield words.smallest_categories(count=len(rest), categories=len(categories), share=together)


def _largest(data: EdaData, currency: str, share: float) -> Statement:
    first, *others = data.categories
    most = max(others, key=lambda c: c.orders)
    rival = most if most.orders > first.orders else None
    return words.largest_category(
        category=first.name,
        share=share,
        revenue=float(first.revenue),
        order_share=order_share(data, first),
        orders=first.orders,
        rival=rival and rival.name,
        rival_orders=rival and rival.orders,
        rival_share=rival and (revenue_share(data, rival) or 0.0),
        second=others[0].name,
        second_revenue=float(others[0].revenue),
        currency=currency,
    )


def _returns(data: EdaData, currency: str) -> Statement | str:
    o = data.overview
    if o.returned == 0 and o.return_lines == 0:
        return "**No returns** are recorded: no order line has a negative quantity or amount."
    gross = o.revenue - o.returned
    by_category = {c.name: float(-c.returned) for c in data.categories}
    worst, most = sharing_the_lead(by_category), max(by_category.values())
    named = most > 0 and len(worst) < len(by_category) and len(worst) <= NAMED
    return words.returns(
        returned=float(-o.returned),
        share=float(-o.returned / gross) if gross > 0 else None,
        lines=o.return_lines,
        worst=worst if named else (),
        worst_returned=most if named else None,
        currency=currency,
    )


def _orders(data: EdaData, currency: str) -> Iterable[Statement]:
    median = statistic(data, "basket_amount", "p50")
    mean = statistic(data, "basket_amount", "mean")
    single = single_line_share(data)
    if median is not None and mean is not None and single is not None:
        yield words.orders(orders=data.overview.orders, median=median, mean=mean, single=single, currency=currency)

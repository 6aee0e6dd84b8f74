"""What is bought: the largest categories, returns, and the size of orders."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.products import order_share, revenue_share, single_line_share, statistic
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.wording.formats import listed, markdown, money, percent, plural

_ALMOST_EQUAL = 1.05
"""Ratio of two numbers of orders below which the categories are called almost equally frequent."""


def sentences(data: EdaData, currency: str) -> list[str]:
    """Write the section."""
    return [*_categories(data, currency), _returns(data, currency), *_orders(data, currency)]


def _categories(data: EdaData, currency: str) -> Iterable[str]:
    categories = data.categories
    first = categories[0]
    share = revenue_share(data, first)
    if share is None:
        yield "Returns exceed sales, so shares of revenue mean nothing."
        return
    if len(categories) == 1:
        yield f"All sales are in one category, **{markdown(first.name)}**."
        return
    yield _largest(data, currency, share)
    following = [
        f"{markdown(c.name)} {percent(revenue_share(data, c) or 0.0)} of revenue in {percent(order_share(data, c))} of "
        "orders"
        for c in categories[1:5]
    ]
    yield f"Next: {listed(following)}."
    if len(categories) > TOP_CATEGORIES:
        rest = categories[TOP_CATEGORIES:]
        together = percent(sum(float(c.revenue) for c in rest) / float(data.overview.revenue))
        yield f"Together, the {len(rest)} smallest of {len(categories)} categories bring {together} of revenue."


def _largest(data: EdaData, currency: str, share: float) -> str:
    first, *others = data.categories
    text = (
        f"**{markdown(first.name)} earns most**: {percent(share)} of revenue "
        f"({money(float(first.revenue), currency)}) from {percent(order_share(data, first))} of the orders"
    )
    if all(c.orders <= first.orders for c in others):
        return f"{text}, and no category is bought more often."
    rival = max(others, key=lambda c: c.orders)
    counts = f"({first.orders:,} against {rival.orders:,} orders)"
    if rival.orders < first.orders * _ALMOST_EQUAL:
        often = f"It is bought almost as often as **{markdown(rival.name)}** {counts}"
    else:
        often = f"It is bought less often than **{markdown(rival.name)}** {counts}"
    return f"{text}. {often}, which earns {percent(revenue_share(data, rival) or 0.0)}."


def _returns(data: EdaData, currency: str) -> str:
    o = data.overview
    if o.returned == 0 and o.return_lines == 0:
        return "**No returns** are recorded: no order line has a negative quantity or amount."
    gross = o.revenue - o.returned
    text = f"**Returns** are {money(float(-o.returned), currency)}"
    if gross > 0:
        text += f", {percent(float(-o.returned / gross))} of what was sold"
    text += f"; {plural(o.return_lines, 'order line has', 'order lines have')} a negative quantity"
    worst = min(data.categories, key=lambda c: c.returned)
    if len(data.categories) > 1 and worst.returned < 0:
        text += f"; the most come from {markdown(worst.name)} ({money(float(-worst.returned), currency)})"
    return f"{text}."


def _orders(data: EdaData, currency: str) -> Iterable[str]:
    median = statistic(data, "basket_amount", "p50")
    mean = statistic(data, "basket_amount", "mean")
    single = single_line_share(data)
    if median is None or mean is None or single is None:
        return
    yield (
        f"The median order brings {money(median, currency)} and the mean {money(mean, currency)}; {percent(single)} "
        "of the orders that sell something have a single line."
    )

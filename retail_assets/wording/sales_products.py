"""Sentences about what is bought: the largest categories, returns, and the size of orders."""

from __future__ import annotations

from retail_assets.wording.formats import listed, markdown, money, percent, plural
from retail_assets.wording.statement import phrase

ALMOST_EQUAL = 1.05
"""Ratio of two revenues, or of two numbers of orders, below which categories are called almost equal."""


@phrase("sales.one_category")
def one_category(*, category: str) -> str:
    """Name the only category."""
    return f"All sales are in one category, **{markdown(category)}**."


@phrase("sales.largest_category")
def largest_category(
    *,
    category: str,
    share: float,
    revenue: float,
    order_share: float,
    orders: int,
    rival: str | None,
    rival_orders: int | None,
    rival_share: float | None,
    second: str,
    second_revenue: float,
    currency: str,
) -> str:
    """State what the category of most revenue brings; `rival` is in more orders than it, None where none is.

    The `second` is the category of the next most revenue.
    """
    earns = f"about as much as {markdown(second)}" if revenue < second_revenue * ALMOST_EQUAL else "most"
    text = (
        f"**{markdown(category)} earns {earns}**: {percent(share)} of revenue ({money(revenue, currency)}) from "
        f"{percent(order_share)} of the orders"
    )
    if rival is None or rival_orders is None or rival_share is None:
        return f"{text}, and no category is bought more often."
    often = "almost as often as" if rival_orders < orders * ALMOST_EQUAL else "less often than"
    return (
        f"{text}. It is bought {often} **{markdown(rival)}** ({orders:,} against {rival_orders:,} orders), which earns "
        f"{percent(rival_share)}."
    )


@phrase("sales.next_categories")
def next_categories(*, categories: tuple[tuple[str, float, float], ...]) -> str:
    """List the next categories with their shares of revenue and of orders."""
    each = [
        f"{markdown(name)} {percent(share)} of revenue in {percent(order_share)} of orders"
        for name, share, order_share in categories
    ]
    return f"Next: {listed(each)}."


@phrase("sales.smallest_categories")
def smallest_categories(*, count: int, categories: int, share: float) -> str:
    """State what the `count` smallest of all categories bring together."""
    return f"Together, the {count} smallest of {categories} categories bring {percent(share)} of revenue."


@phrase("sales.returns")
def returns(
    *,
    returned: float,
    share: float | None,
    lines: int,
    worst: tuple[str, ...],
    worst_returned: float | None,
    currency: str,
) -> str:
    """State what was returned, as a `share` of what was sold, and the categories with the most, where some are named.

    `lines` have a negative quantity. Several categories are named where none of them is clearly ahead of the next.
    """
    part = "" if share is None else f", {percent(share)} of what was sold"
    most = ""
    if worst and worst_returned is not None:
        each = "" if len(worst) == 1 else "up to "
        most = f"; the most come from {listed(map(markdown, worst))} ({each}{money(worst_returned, currency)}"
        most += ")" if len(worst) == 1 else " each)"
    have = plural(lines, "order line has", "order lines have")
    return f"**Returns** are {money(returned, currency)}{part}; {have} a negative quantity{most}."


@phrase("sales.orders")
def orders(*, orders: int, median: float, mean: float, single: float, currency: str) -> str:
    """State what an order brings, and the share of those that sell something with a `single` line."""
    return (
        f"The median of {plural(orders, 'order')} brings {money(median, currency)} and the mean "
        f"{money(mean, currency)}; {percent(single)} of the orders that sell something have a single line."
    )

"""What sentences about what is bought are made from, recomputed."""

from __future__ import annotations

from typing import Any

from retail_assets_tests.wording.check_sales_calendar import near_the_end
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop

_CATEGORIES = """
SELECT product_category, CAST(sum(total_amount) AS DOUBLE) / (SELECT sum(total_amount) FROM sales),
       count(DISTINCT order_id) / (SELECT count(DISTINCT order_id) FROM sales), sum(total_amount),
       count(DISTINCT order_id)
FROM sales GROUP BY 1 ORDER BY sum(total_amount) DESC, 1
"""
LINES_PER_ORDER = "SELECT count(*) AS lines FROM sales WHERE quantity > 0 GROUP BY order_id"


def categories(shop: Shop) -> list[tuple[Any, ...]]:
    """Name, share of revenue, share of orders, revenue and orders of each category, most revenue first."""
    return shop.ask(_CATEGORIES)


@recomputes("sales.one_category")
def _one_category(shop: Shop, facts: Facts) -> Facts:
    return {"category": shop.one("SELECT DISTINCT product_category FROM sales")}


@recomputes("sales.largest_category")
def _largest_category(shop: Shop, facts: Facts) -> Facts:
    (name, share, order_share, revenue, orders), *others = categories(shop)
    rival = max(others, key=lambda c: c[4], default=(None, None, None, None, 0))
    more = rival[4] > orders
    return {
        "category": name,
        "share": share,
        "revenue": revenue,
        "order_share": order_share,
        "orders": orders,
        "rival": rival[0] if more else None,
        "rival_orders": rival[4] if more else None,
        "rival_share": rival[1] if more else None,
        "second": others[0][0] if others else None,
        "second_revenue": others[0][3] if others else None,
        "currency": shop.currency,
    }


@recomputes("sales.next_categories")
def _next_categories(shop: Shop, facts: Facts) -> Facts:
    return {"categories": tuple(c[:3] for c in categories(shop)[1:5])}


@recomputes("sales.smallest_categories")
def _smallest_categories(shop: Shop, facts: Facts) -> Facts:
    found = categories(shop)
    return {"count": len(found) - 11, "categories": len(found), "share": sum(c[1] for c in found[11:])}


@recomputes("sales.returns")
def _returns(shop: Shop, facts: Facts) -> Facts:
    returned, share, lines = shop.one(
        "SELECT -sum(least(total_amount, 0)), -sum(least(total_amount, 0)) / sum(greatest(total_amount, 0)), "
        "count(*) FILTER (quantity < 0) FROM sales"
    )
    each = dict(shop.ask("SELECT product_category, -sum(least(total_amount, 0)) FROM sales GROUP BY 1"))
    most = float(max(each.values()))
    worst = near_the_end({c[0]: float(each[c[0]]) for c in categories(shop)}, most)
    named = most > 0 and len(worst) <= 3 and len(worst) < len(each)
    return {
        "returned": returned,
        "share": share,
        "lines": lines,
        "worst": worst if named else (),
        "worst_returned": most if named else None,
        "currency": shop.currency,
    }


@recomputes("sales.orders")
def _orders(shop: Shop, facts: Facts) -> Facts:
    orders, median, mean = shop.one(
        "SELECT count(*), median(CAST(amount AS DOUBLE)), avg(CAST(amount AS DOUBLE)) "
        "FROM (SELECT sum(total_amount) AS amount FROM sales GROUP BY order_id)"
    )
    single = shop.one(f"SELECT avg(CAST(lines = 1 AS INTEGER)) FROM ({LINES_PER_ORDER})")
    return {"orders": orders, "median": median, "mean": mean, "single": single, "currency": shop.currency}

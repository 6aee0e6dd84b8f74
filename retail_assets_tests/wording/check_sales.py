"""What sentences about the sales are made from, recomputed."""

from __future__ import annotations

from retail_assets_tests.wording.buyers import best_first
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import CHANCE, by_day
from retail_assets_tests.wording.landings import rejected_days
from retail_assets_tests.wording.shops import Shop


@recomputes("sales.overview")
def _overview(shop: Shop, facts: Facts) -> Facts:
    revenue, first, last, orders, lines, customers = shop.one(
        "SELECT sum(total_amount), min(sale_date), max(sale_date), count(DISTINCT order_id), count(*), "
        "count(DISTINCT customer_id) FROM sales"
    )
    days = (last - first).days + 1
    rejected = len(rejected_days(shop))
    without = days - shop.one("SELECT count(DISTINCT sale_date) FROM sales") - rejected
    return {
        "revenue": revenue,
        "first_day": first,
        "last_day": last,
        "days": days,
        "days_without_sale": without,
        "days_rejected": rejected,
        "orders": orders,
        "lines": lines,
        "customers": customers,
        "currency": shop.currency,
    }


@recomputes("sales.span")
def _span(shop: Shop, facts: Facts) -> Facts:
    days = len(by_day(shop))
    assert days < 730
    return {"days": days, "years": 1 if days < 365 else 2}


@recomputes("sales.few_orders")
def _few_orders(shop: Shop, facts: Facts) -> Facts:
    known = [d for d, amount in by_day(shop).items() if amount is not None]
    per_day = shop.one("SELECT count(DISTINCT order_id) FROM sales") / len(known)
    assert per_day < 10
    return {"per_day": per_day}


@recomputes("sales.once_only")
def _once_only(shop: Shop, facts: Facts) -> Facts:
    _, orders = best_first(shop)
    assert (orders == 1).mean() > 0.9
    return {"share": (orders == 1).mean(), "customers": len(orders)}


@recomputes("sales.anonymous")
def _anonymous(shop: Shop, facts: Facts) -> Facts:
    return {"share": 1 - shop.one("SELECT count(customer_id) / count(*) FROM sales")}


@recomputes("sales.noise")
def _noise(shop: Shop, facts: Facts) -> Facts:
    return {"p": CHANCE, "points": 2}

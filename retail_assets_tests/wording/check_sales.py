"""What sentences about the sales are made from, recomputed."""

from __future__ import annotations

from retail_assets_tests.wording.checks import Facts, recomputes
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

"""What subtitles and footnotes of the figures of the sales are made from, recomputed."""

from __future__ import annotations

import holidays
import numpy as np

from retail_assets_tests.wording import check_sales_calendar as calendar
from retail_assets_tests.wording import check_sales_customers as customers
from retail_assets_tests.wording import check_sales_titles as titles
from retail_assets_tests.wording.buyers import best_first, coverage
from retail_assets_tests.wording.check_sales_products import LINES_PER_ORDER, categories
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import by_day, by_month, full_weeks, month_test, whole_months
from retail_assets_tests.wording.landings import rejected_days, rows
from retail_assets_tests.wording.shops import Shop
from retail_assets_tests.wording.swings import by_hour, seasons, typical_swing


@recomputes("note.source")
def _source(shop: Shop, facts: Facts) -> Facts:
    first, last, orders, lines = shop.one(
        "SELECT min(sale_date), max(sale_date), count(DISTINCT order_id), count(*) FROM sales"
    )
    counts = {s: sum(r.rows for r in rows(shop) if r.status == s) for s in ("quarantined", "excluded")}
    return {
        "first_day": first,
        "last_day": last,
        "orders": orders,
        "lines": lines,
        "left_out": tuple((status, count) for status, count in counts.items() if count),
        "landed": sum(r.rows for r in rows(shop)),
    }


@recomputes("note.days_rejected")
def _days_rejected(shop: Shop, facts: Facts) -> Facts:
    return {"days": len(rejected_days(shop))}


@recomputes("note.days_without_sale")
def _days_without_sale(shop: Shop, facts: Facts) -> Facts:
    sold = shop.one("SELECT count(DISTINCT sale_date) FROM sales")
    return {"days": len(by_day(shop)) - sold - len(rejected_days(shop))}


@recomputes("reading.daily_revenue")
def _daily_revenue(shop: Shop, facts: Facts) -> Facts:
    days = by_day(shop)
    free = holidays.country_holidays(shop.country, years={d.year for d in days}, observed=False)
    return {
        "smoothed": len(days) >= 7,
        "peaks": titles._daily_revenue(shop, {})["peak"] is not None,
        "country": shop.country if len(days) <= 800 and any(d in free for d in days) else None,
        "rejected": bool(rejected_days(shop)),
    }


@recomputes("reading.weekdays")
def _weekdays(shop: Shop, facts: Facts) -> Facts:
    weeks = len(full_weeks(shop))
    return {"weeks": weeks if weeks > 1 else 0, "p": calendar._weekdays(shop, {})["p"] if weeks >= 8 else None}


@recomputes("reading.months")
def _months(shop: Shop, facts: Facts) -> Facts:
    p, weeks = month_test(shop) or (None, 0)
    return {"p": p, "weeks": weeks, "whiskers": len(by_month(shop)) <= 24}


@recomputes("note.partial_months")
def _partial_months(shop: Shop, facts: Facts) -> Facts:
    return {"months": tuple(start for start in by_month(shop) if start not in whole_months(shop))}


@recomputes("reading.hours")
def _hours(shop: Shop, facts: Facts) -> Facts:
    _, swing = by_hour(shop)
    return {"swing": swing if swing > 0.05 else None}


@recomputes("note.untimed")
def _untimed(shop: Shop, facts: Facts) -> Facts:
    return {"share": shop.one("SELECT avg(CAST(CAST(sold_at AS TIME) = TIME '00:00' AS INTEGER)) FROM sales")}


@recomputes("reading.category_months")
def _category_months(shop: Shop, facts: Facts) -> Facts:
    months, found = seasons(shop)
    clear = [(max(index), name) for name, (index, swing) in found.items() if max(index) - 1 > 4 * swing]
    named = max(clear)[1] if clear else None
    swing = typical_swing(shop) if named is None else max(100 * found[named][1], 1.0)
    return {"category": named, "swing": swing, "months": len(months)}


@recomputes("reading.age")
def _age(shop: Shop, facts: Facts) -> Facts:
    return {"p": customers._spending(shop, {"trait": "age", "p": facts["p"]})["p"]}


@recomputes("note.trait_known")
def _trait_known(shop: Shop, facts: Facts) -> Facts:
    found = coverage(shop, facts["trait"])
    return {
        "trait": facts["trait"],
        "known": found["known"],
        "customers": found["customers"],
        "lines": found["lines"],
        "ratio": found["spend"] and found["spend"] / found["spend_others"],
    }


@recomputes("note.groups_left_out")
def _groups_left_out(shop: Shop, facts: Facts) -> Facts:
    return customers._groups_left_out(shop, facts)


@recomputes("note.once_only")
def _once_only(shop: Shop, facts: Facts) -> Facts:
    return {"share": np.mean(best_first(shop)[1] == 1)}


@recomputes("note.anonymous")
def _anonymous(shop: Shop, facts: Facts) -> Facts:
    return {"share": 1 - shop.one("SELECT count(customer_id) / count(*) FROM sales")}


@recomputes("note.categories_left_out")
def _categories_left_out(shop: Shop, facts: Facts) -> Facts:
    found = categories(shop)
    return {"count": len(found) - sum(c[3] > 0 for c in found[:12])}


@recomputes("reading.order_size")
def _order_size(shop: Shop, facts: Facts) -> Facts:
    """The step is chosen for the picture."""
    lines, single = shop.one(
        f"SELECT quantile_disc(lines, 0.5), avg(CAST(lines = 1 AS INTEGER)) FROM ({LINES_PER_ORDER})"
    )
    return {"step": facts["step"], "median_lines": lines, "single": single, "currency": shop.currency}


@recomputes("note.orders_left_out")
def _orders_left_out(shop: Shop, facts: Facts) -> Facts:
    """The amount above which orders are left out is chosen for the picture."""
    amounts = [
        float(amount) for (amount,) in shop.ask("SELECT sum(total_amount) FROM sales GROUP BY order_id ORDER BY 1")
    ]
    positive = [amount for amount in amounts if amount > 0]
    beyond = sum(amount >= facts["above"] for amount in positive) / len(positive)
    return {
        "share": beyond or None,
        "above": facts["above"],
        "not_above_zero": len(amounts) - len(positive),
        "currency": shop.currency,
    }

"""What the titles of the figures of the sales are made from, recomputed."""

from __future__ import annotations

from statistics import fmean

import numpy as np

from retail_assets_tests.wording import check_sales_calendar as calendar
from retail_assets_tests.wording import check_sales_customers as customers
from retail_assets_tests.wording import check_sales_products as products
from retail_assets_tests.wording.buyers import by_category, totals, welch
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import (
    CHANCE,
    WEEKDAYS,
    by_day,
    closed_weekdays,
    full_weeks,
    month_test,
    whole_months,
)
from retail_assets_tests.wording.landings import rejected_days
from retail_assets_tests.wording.shops import Shop
from retail_assets_tests.wording.swings import by_hour, leads, seasons


@recomputes("title.daily_revenue")
def _daily_revenue(shop: Shop, facts: Facts) -> Facts:
    days = by_day(shop)
    sold = {day for (day,) in shop.ask("SELECT DISTINCT sale_date FROM sales")}
    trend = calendar._trend(shop, {}) if len(full_weeks(shop)) >= 12 else None
    counts = dict(shop.ask("SELECT sale_date, count(DISTINCT order_id) FROM sales GROUP BY 1"))
    orders = sorted(counts.get(day, 0) for day, amount in days.items() if amount is not None)
    many = orders[len(orders) // 2] >= 10
    peaks = calendar._peaks(shop, {})["days"] if many else ()
    peak, ratio = max(peaks, key=lambda p: p[1]) if peaks else (None, None)
    return {
        "average": fmean(amount for amount in days.values() if amount is not None),
        "days": len(days),
        "days_without_sale": len(set(days) - sold - rejected_days(shop)),
        "trend": trend and trend["share"],
        "weeks": trend and trend["weeks"],
        "clear": trend is not None and trend["clear"],
        "peak": peak,
        "peak_ratio": ratio,
        "currency": shop.currency,
    }


@recomputes("title.weekdays")
def _weekdays(shop: Shop, facts: Facts) -> Facts:
    if len(full_weeks(shop)) >= 8:
        found = calendar._weekdays(shop, {})
        return {
            **{name: found[name] for name in ("best", "worst", "high", "low", "weeks", "clear")},
            "tested": True,
            "closed": bool(found["closed"]),
        }
    means = {
        WEEKDAYS[d]: fmean(week[d] for week in full_weeks(shop).values())
        for d in range(7)
        if d not in closed_weekdays(shop)
    }
    return {
        "best": calendar.near_the_end(means, max(means.values())),
        "worst": calendar.near_the_end(means, min(means.values())),
        "high": max(means.values()) / fmean(means.values()),
        "low": min(means.values()) / fmean(means.values()),
        "weeks": len(full_weeks(shop)),
        "tested": False,
        "clear": False,
        "closed": bool(closed_weekdays(shop)),
    }


@recomputes("title.months")
def _months(shop: Shop, facts: Facts) -> Facts:
    months = whole_months(shop)
    means = {start: fmean(months[start]) for start in sorted(months)}
    highest = max(means.values())
    tested = month_test(shop)
    every_day = [amount for amounts in months.values() for amount in amounts]
    return {
        "best": calendar.near_the_end(means, highest),
        "best_mean": highest,
        "worst_mean": min(means.values()),
        "months": len(means),
        "ratio": highest / fmean(every_day),
        "clear": tested is not None and tested[0] < CHANCE,
        "currency": shop.currency,
    }


@recomputes("title.busy_hours")
def _busy_hours(shop: Shop, facts: Facts) -> Facts:
    cells, swing = by_hour(shop)
    hours = [sum(revenue for (_, hour), revenue in cells.items() if hour == h) for h in range(24)]
    runs = [(end - start, -sum(hours[start:end]), start, end) for end in range(1, 25) for start in range(end)]
    _, _, start, end = min(run for run in runs if -run[1] >= sum(hours) / 2 - 1e-9)
    weekday, hour = max(cells, key=cells.__getitem__)
    typical = fmean(revenue for revenue in cells.values() if revenue > 0)
    return {
        "start": f"{start:02d}:00",
        "end": f"{end:02d}:00",
        "share": sum(hours[start:end]) / sum(hours),
        "weekday": WEEKDAYS[weekday],
        "hour": f"{hour:02d}:00-{hour + 1:02d}:00",
        "revenue": cells[weekday, hour],
        "clear": cells[weekday, hour] / typical - 1 > 4 * swing,
        "alone": leads(shop),
        "currency": shop.currency,
    }


@recomputes("title.category_season")
def _category_season(shop: Shop, facts: Facts) -> Facts:
    months, found = seasons(shop)
    clear = {category: index for category, (index, swing) in found.items() if max(index) - 1 > 4 * swing}
    if not clear:
        return {"category": None, "best": (), "ratio": None}
    category = max(clear, key=lambda c: max(clear[c]))
    ratio = max(clear[category])
    best = calendar.near_the_end(dict(zip(months, clear[category], strict=True)), ratio)
    return {"category": category, "best": best, "ratio": ratio}


@recomputes("title.gender")
def _gender(shop: Shop, facts: Facts) -> Facts:
    found = dict(list(by_category(shop, "gender").items())[:8])
    clear = {c: f for c, f in found.items() if f["p_spend"] < CHANCE}
    spread = {c: max(f["spend"].values()) - min(f["spend"].values()) for c, f in (clear or found).items()}
    category = max(spread, key=spread.__getitem__)
    spend = found[category]["spend"]
    high, low = max(spend, key=spend.__getitem__), min(spend, key=spend.__getitem__)
    return {
        "categories": len(found),
        "category": category,
        "high": customers._group(shop, "gender", high),
        "high_spend": spend[high],
        "low": customers._group(shop, "gender", low),
        "ratio": spend[high] / spend[low] if spend[low] > 0 else None,
        "clear": bool(clear),
        "currency": shop.currency,
    }


@recomputes("title.age")
def _age(shop: Shop, facts: Facts) -> Facts:
    amounts = totals(shop, "age")
    spend = {group: fmean(of_group) for group, of_group in amounts.items()}
    high, low = max(spend, key=spend.__getitem__), min(spend, key=spend.__getitem__)
    second = sorted(spend, key=spend.__getitem__)[-2]
    return {
        "high": customers._group(shop, "age", high),
        "high_spend": spend[high],
        "second": second,
        "leads": spend[high] > spend[second]
        and welch(*(np.array(amounts[group]) for group in (high, second))) < CHANCE,
        "low": customers._group(shop, "age", low),
        "ratio": spend[high] / spend[low] if spend[low] > 0 else None,
        "clear": customers._spending(shop, {"trait": "age", "p": 0.0})["clear"],
        "currency": shop.currency,
    }


@recomputes("title.concentration")
def _concentration(shop: Shop, facts: Facts) -> Facts:
    found = customers._concentration(shop, {})
    anonymous = shop.one("SELECT count(*) FILTER (customer_id IS NULL) FROM sales") > 0
    return {"customers": found["customers"], "best_20": found["best_20"], "half": found["half"], "anonymous": anonymous}


@recomputes("title.largest_category")
def _largest_category(shop: Shop, facts: Facts) -> Facts:
    first, *others = products.categories(shop)
    return {
        "category": first[0],
        "revenue": first[3],
        "share": first[1],
        "total": shop.one("SELECT sum(total_amount) FROM sales"),
        "second": others[0][0] if others else None,
        "second_share": others[0][1] if others else None,
        "currency": shop.currency,
    }


@recomputes("title.performance")
def _performance(shop: Shop, facts: Facts) -> Facts:
    found = products._largest_category(shop, {})
    return {
        **{name: found[name] for name in ("category", "share", "orders", "order_share", "rival", "rival_orders")},
        "second": found["second"],
        "second_share": None if found["second"] is None else products.categories(shop)[1][1],
        "only": len(products.categories(shop)) == 1,
    }


@recomputes("title.order_size")
def _order_size(shop: Shop, facts: Facts) -> Facts:
    found = products._orders(shop, {})
    least, most = shop.one(
        "SELECT min(amount), max(amount) FROM (SELECT sum(total_amount) AS amount FROM sales GROUP BY order_id)"
    )
    return {
        "median": found["median"],
        "mean": found["mean"],
        "equal": bool(least == most),
        "currency": shop.currency,
    }

"""What the sentences of the report are made from, recomputed from the tables that it shows."""

from __future__ import annotations

from retail_assets.wording.forecast_models import in_words
from retail_assets_tests.wording.check_campaigns import days
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import DAY
from retail_assets_tests.wording.shops import Shop
from retail_assets_tests.wording.visits import Month, after, counted, first_of, visited, whole_months


@recomputes("report.sales_by_day")
def _sales_by_day(shop: Shop, facts: Facts) -> Facts:
    by_day = shop.ask("SELECT sale_date, sum(total_amount) FROM sales GROUP BY 1 ORDER BY 2 DESC, 1")
    return {
        "first_day": min(day for day, _ in by_day),
        "last_day": max(day for day, _ in by_day),
        "best_day": by_day[0][0],
        "best": by_day[0][1],
        "best_days": sum(revenue == by_day[0][1] for _, revenue in by_day),
        "currency": shop.currency,
    }


@recomputes("report.largest_category")
def _largest_category(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask("SELECT product_category, sum(total_amount) FROM sales GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2")
    name, revenue = rows[0]
    second, second_revenue = rows[1] if len(rows) > 1 and rows[1][1] > 0 else (None, None)
    return {
        "category": name,
        "revenue": revenue,
        "share": revenue / shop.one("SELECT sum(total_amount) FROM sales"),
        "second": second,
        "second_revenue": second_revenue,
        "currency": shop.currency,
    }


@recomputes("report.forecast")
def _forecast(shop: Shop, facts: Facts) -> Facts:
    last, total = shop.one("SELECT max(forecast_date), sum(mean) FROM sales_forecast WHERE product_category <> 'TOTAL'")
    return {"last_day": last, "total": total, "currency": shop.currency, "unit": "day"}


@recomputes("report.forecast_made")
def _forecast_made(shop: Shop, facts: Facts) -> Facts:
    first, last, cutoff, version = shop.one(
        "SELECT min(forecast_date), max(forecast_date), max(cutoff_date), max(model_version) FROM sales_forecast"
    )
    methods = shop.ask(
        "SELECT method, count(DISTINCT product_category) FROM sales_forecast WHERE product_category <> 'TOTAL' "
        "GROUP BY 1 ORDER BY sum(mean) DESC"
    )
    rules = ("seasonal_naive", "weekday_mean", "recent_mean", "year_weekday_mean", "year_mean", "last_day")
    return {
        "first_day": first,
        "last_day": last,
        "cutoff": cutoff,
        "method": in_words(methods[0][0].split(":")[0]),
        "categories": sum(count for _, count in methods),
        "by_rule": sum(count for method, count in methods if ":" in method or method in rules),
        "version": version,
    }


@recomputes("report.largest_segment")
def _largest_segment(shop: Shop, facts: Facts) -> Facts:
    persona, customers, revenue = shop.ask(
        "SELECT persona, customers / sum(customers) OVER (), revenue / sum(revenue) OVER () "
        "FROM segment_profiles ORDER BY revenue DESC LIMIT 1"
    )[0]
    return {"persona": persona, "customers_share": customers, "revenue_share": revenue, "days": days(shop)}


@recomputes("report.segments_scope")
def _segments_scope(shop: Shop, facts: Facts) -> Facts:
    return {"last_day": shop.one("SELECT max(sale_date) FROM sales"), "days": days(shop)}


@recomputes("report.models_compared")
def _models_compared(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        "SELECT model, wape, champion, cutoffs FROM forecast_backtest WHERE measure = 'revenue' AND "
        "product_category = 'ALL' AND horizon = 28 AND kind_of_day = 'all' ORDER BY wape"
    )
    [(published, error)] = [(model, wape) for model, wape, champion, _ in rows if champion]
    return {
        "models": len(rows),
        "best": in_words(rows[0][0]),
        "lowest": rows[0][1],
        "published": in_words(published),
        "error": error,
        "total_error": shop.one(
            "SELECT wape FROM forecast_backtest WHERE measure = 'revenue' AND product_category = 'TOTAL' "
            "AND horizon = 28 AND kind_of_day = 'all' AND model = ?",
            published,
        ),
        "cutoffs": rows[0][3],
        "unit": "day",
    }


@recomputes("report.rejected_by_landing")
def _rejected_by_landing(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        "SELECT landed_on, sum(bad), sum(n), sum(bad) / sum(n) AS share FROM ("
        "SELECT landed_on, 0 AS bad, 1 AS n FROM sales_clean UNION ALL SELECT landed_on, 1, 1 FROM sales_quarantine "
        "UNION ALL SELECT landed_on, 0, superseded + excluded FROM daily_quality"
        ") GROUP BY 1 HAVING sum(n) > 0 ORDER BY share DESC, landed_on"
    )
    worst_day, rejected, landed, worst = rows[0]
    return {
        "landings": len(rows),
        "share": sum(bad for _, bad, _, _ in rows) / sum(n for _, _, n, _ in rows),
        "worst_day": worst_day,
        "worst": worst,
        "worst_days": sum(share == worst for *_, share in rows),
        "rejected": rejected,
        "landed": landed,
    }


@recomputes("report.last_28_days")
def _last_28_days(shop: Shop, facts: Facts) -> Facts:
    last = shop.one("SELECT max(sale_date) FROM sales")
    sold = shop.ask(
        "SELECT count(DISTINCT sale_date) FILTER (sale_date > ? - 28), "
        "count(DISTINCT sale_date) FILTER (sale_date BETWEEN ? - 55 AND ? - 28) FROM sales",
        last,
        last,
        last,
    )[0]
    return {"without_sale": 28 - sold[0], "without_sale_before": 28 - sold[1]}


@recomputes("report.no_change_shown")
def _no_change_shown(shop: Shop, facts: Facts) -> Facts:
    last = shop.one("SELECT max(sale_date) FROM sales")
    orders = shop.ask(
        "SELECT count(DISTINCT (order_id, sale_date)) FILTER (sale_date > ? - 28), "
        "count(DISTINCT (order_id, sale_date)) FILTER (sale_date BETWEEN ? - 55 AND ? - 28) "
        "FROM sales GROUP BY product_category ORDER BY sum(total_amount) DESC LIMIT 200",
        last,
        last,
        last,
    )
    return {"categories": sum(min(counts) < 50 for counts in orders), "fewest": 50}


@recomputes("report.segments_stayed")
def _segments_stayed(shop: Shop, facts: Facts) -> Facts:
    before, after, stayed = shop.one(
        "SELECT max(from_snapshot), max(to_snapshot), sum(customers) FROM segment_migrations "
        "WHERE from_persona = to_persona"
    )
    return {"before": before, "after": after, "stayed": stayed}


@recomputes("report.left_out")
def _left_out(shop: Shop, facts: Facts) -> Facts:
    everything = {
        "smaller category": (
            "smaller categories",
            shop.one("SELECT count(DISTINCT product_category) FROM sales") - 200,
        ),
        "earlier landing day": (
            "earlier landing days",
            shop.one("SELECT count(DISTINCT landed_on) FROM sales_clean") - 60,
        ),
    }
    many, count = everything[facts["what"]]
    return {"what": facts["what"], "many": many, "count": count}


@recomputes("report.cohorts")
def _cohorts(shop: Shop, facts: Facts) -> Facts:
    """Cohorts that began before the burn-in was over have a star, of quarters as well as of months."""
    length = 3 if len(whole_months(shop)) > 24 else 1
    last = shop.one("SELECT max(sale_date) FROM sales")

    def period(month: Month) -> Month:
        return month[0], (month[1] - 1) // length * length + 1

    def over(start: Month) -> bool:
        return first_of(after(start, 2 * length)) - DAY <= last

    begun = {customer: period(mine[0]) for customer, mine in visited(shop).items()}
    late = {customer: start for customer, start in begun.items() if start >= counted(shop)[0] and over(start)}
    back = [after(start, length) in map(period, visited(shop)[customer]) for customer, start in late.items()]
    return {
        "period": "month" if length == 1 else "quarter",
        "first": first_of(min(late.values())) if late else None,
        "last": first_of(max(late.values())) if late else None,
        "customers": len(late),
        "share": sum(back) / len(back) if back else None,
        "early": any(start < counted(shop)[0] and over(start) for start in begun.values()),
    }

"""What the sentences of the report are made from, recomputed from the tables that it shows."""

from __future__ import annotations

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop


@recomputes("report.sales_by_day")
def _sales_by_day(shop: Shop, facts: Facts) -> Facts:
    by_day = shop.ask("SELECT sale_date, sum(total_amount) FROM sales GROUP BY 1 ORDER BY 2 DESC, 1")
    return {
        "first_day": min(day for day, _ in by_day),
        "last_day": max(day for day, _ in by_day),
        "best_day": by_day[0][0],
        "best": by_day[0][1],
        "currency": shop.currency,
    }


@recomputes("report.largest_category")
def _largest_category(shop: Shop, facts: Facts) -> Facts:
    name, revenue = shop.ask(
        "SELECT product_category, sum(total_amount) FROM sales GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    )[0]
    total = shop.one("SELECT sum(total_amount) FROM sales")
    return {"category": name, "revenue": revenue, "share": revenue / total, "currency": shop.currency}


@recomputes("report.forecast")
def _forecast(shop: Shop, facts: Facts) -> Facts:
    last, total = shop.one("SELECT max(forecast_date), sum(mean) FROM sales_forecast WHERE product_category <> 'TOTAL'")
    return {"last_day": last, "total": total, "currency": shop.currency, "unit": "day"}


@recomputes("report.forecast_made")
def _forecast_made(shop: Shop, facts: Facts) -> Facts:
    first, last, cutoff, method, version = shop.one(
        "SELECT min(forecast_date), max(forecast_date), max(cutoff_date), max(method), max(model_version) "
        "FROM sales_forecast"
    )
    return {"first_day": first, "last_day": last, "cutoff": cutoff, "method": method, "version": version}


@recomputes("report.largest_segment")
def _largest_segment(shop: Shop, facts: Facts) -> Facts:
    persona, customers, revenue = shop.ask(
        "SELECT persona, customers / sum(customers) OVER (), revenue / sum(revenue) OVER () "
        "FROM segment_profiles ORDER BY revenue DESC LIMIT 1"
    )[0]
    return {"persona": persona, "customers_share": customers, "revenue_share": revenue}


@recomputes("report.models_compared")
def _models_compared(shop: Shop, facts: Facts) -> Facts:
    models, lowest, cutoffs = shop.one(
        "SELECT count(*), min(wape), max(cutoffs) FROM forecast_backtest "
        "WHERE measure = 'revenue' AND product_category = 'ALL' AND horizon = 28 AND kind_of_day = 'all'"
    )
    return {"models": models, "lowest": lowest, "cutoffs": cutoffs}


@recomputes("report.rejected_by_landing")
def _rejected_by_landing(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        "SELECT landed_on, avg(bad) FROM (SELECT landed_on, 0 AS bad FROM sales_clean UNION ALL "
        "SELECT landed_on, 1 FROM sales_quarantine) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return {"landings": len(rows), "worst_day": rows[0][0], "worst": rows[0][1]}


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

"""Tables and files that the report reads beside the sales, made up: it shows them, whatever made them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from retail_assets.defs.assets.eda_tables import TABLES
from retail_assets.eda.answer_tables import MAKERS
from retail_assets.eda.data import load
from retail_assets.plotting.left_out import record
from retail_assets.storage import Store
from retail_assets.tables import (
    DAILY_QUALITY,
    FORECAST_BACKTEST,
    SALES_CLEAN,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)
from retail_assets_tests.wording.shops import Shop

VERSION = "20240101T000000"


def fill_outputs(shop: Shop, output: Store) -> None:
    """Make a forecast, a backtest, segments and rejected rows of a shop, with the numbers of its own sales."""
    last = shop.one("SELECT max(sale_date) FROM sales")
    shop.warehouse.rebuild(SALES_CLEAN, f"SELECT {SALES_CLEAN.column_list} FROM sales")
    _replace(shop, SALES_QUARANTINE, _rejected(last))
    _replace(shop, DAILY_QUALITY, _quality(shop))
    means = dict(shop.ask("SELECT product_category, sum(revenue) / ? FROM daily_category_sales GROUP BY 1", 365))
    _replace(shop, SALES_FORECAST, _forecast(means, last))
    _replace(shop, FORECAST_BACKTEST, _backtest())
    _replace(shop, SEGMENT_PROFILES, _profiles(last))
    _replace(shop, SEGMENT_MIGRATIONS, _migrations(last))
    data = load(shop.warehouse.query)
    for table, _, _ in TABLES.values():
        shop.warehouse.replace(table, MAKERS[table.name](data))
    reasons = {"spend_by_gender.png": "No order line has the customer's gender.", "cohorts.png": "Nobody <comes> back."}
    record(output, reasons, reasons)
    advice = {"High-Value Customers": {"action": "Keep them & <thank> them.", "text": "They spend more on *Bread*."}}
    stock = [{"text": "Stock up on Bread before 1 Jan 2018."}]
    write = {
        "summary.json": {"rows": {"landed": 12, "clean": 9, "quarantined": 3}, "amounts": {"clean": "90.00"}},
        "segments/recommendations.json": {"segments": advice, "stock": stock, "notes": ["One season only."]},
        "segments/evaluation.json": {"verdict": "4 segments: weakly separated."},
    }
    for key, content in write.items():
        output.write(key, json.dumps(content).encode())
    output.write(
        "insights.md", b"# What the sales show\n\n- **One** thing.\n\n## Sales over time\n\n- Another <b>thing</b>.\n"
    )


def _replace(shop: Shop, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    empty = dict.fromkeys(table.names)
    filled = [{**empty, **row} for row in rows]
    shop.warehouse.replace(table, pa.Table.from_pylist(filled, schema=table.arrow_schema()))


def _rejected(last: dt.date) -> Iterable[dict[str, Any]]:
    for number, reasons in enumerate(["quantity_missing", "quantity_missing", "date_invalid,price_invalid"]):
        yield {
            "source": "test",
            "landed_on": last,
            "source_file": "f",
            "source_line": number,
            "reasons": reasons,
            "raw_text": "x",
            "contract_version": "1",
            "total_amount": None if number else 4,
        }


def _quality(shop: Shop) -> Iterable[dict[str, Any]]:
    """Rows of each landing day by what became of them; every second day has superseded and excluded ones."""
    rejected = dict(shop.ask("SELECT landed_on, count(*) FROM sales_quarantine GROUP BY 1"))
    clean = {
        day: n for day, *n in shop.ask("SELECT landed_on, count(*), sum(total_amount) FROM sales_clean GROUP BY 1")
    }
    for at, landed_on in enumerate(sorted({*clean, *rejected})):
        rows, amount = clean.get(landed_on, (0, 0))
        bad, more = rejected.get(landed_on, 0), at % 2
        landed = rows + bad + 3 * more
        yield {
            "landed_on": landed_on,
            "landed": landed,
            "clean": rows,
            "quarantined": bad,
            "superseded": 2 * more,
            "excluded": more,
            "clean_amount": amount,
            "quarantined_amount": 4 * (bad > 0),
            "superseded_amount": more,
            "excluded_amount": -more,
            "quarantined_share": bad / landed,
            "top_reason": "quantity_missing" if bad else None,
            "top_reason_rows": bad or None,
        }


def _forecast(means: Mapping[str, float], last: dt.date) -> Iterable[dict[str, Any]]:
    smallest = min(means, key=means.__getitem__)
    methods = {smallest: "recent_mean: sold on fewer than half of the days", "TOTAL": "sum of categories"}
    for name, mean in [*means.items(), ("TOTAL", sum(map(float, means.values())))]:
        for ahead in range(1, 29):
            middle = float(mean) * (1 + ahead / 100)
            quantiles = {"p025": 0.6, "p10": 0.8, "p50": 1.0, "p90": 1.2, "p975": 1.4}
            yield {
                "product_category": name,
                "forecast_date": last + dt.timedelta(days=ahead),
                "cutoff_date": last,
                "horizon_day": ahead,
                "mean": middle,
                **{key: middle * times for key, times in quantiles.items()},
                "seasonal_naive": middle,
                "method": methods.get(name, "gradient_boosting"),
                "model_version": VERSION,
                "issued_at": dt.datetime(2024, 1, 1),
            }


def _backtest() -> Iterable[dict[str, Any]]:
    for model, wape in {"gradient_boosting": 0.134, "seasonal_naive": 0.17, "auto_ets": 0.151}.items():
        for category in ("ALL", "TOTAL"):
            yield {
                "measure": "revenue",
                "model": model,
                "product_category": category,
                "horizon": 28,
                "kind_of_day": "all",
                "days": 100,
                "wape": wape * (1 if category == "ALL" else 0.6),
                "coverage80": 0.79,
                "coverage95": 0.94,
                "champion": model == "gradient_boosting",
                "cutoffs": 6,
                "model_version": VERSION,
            }


def _profiles(last: dt.date) -> Iterable[dict[str, Any]]:
    for name, customers, revenue in (("High-Value Customers", 25, 600), ("Budget Shoppers", 75, 400)):
        yield {
            "persona": name,
            "decided_by": "cluster",
            "customers": customers,
            "customers_share": customers / 100,
            "revenue": revenue,
            "revenue_share": revenue / 1000,
            **dict.fromkeys(("average_frequency", "median_frequency", "median_monetary", "median_average_basket"), 4.0),
            **dict.fromkeys(("median_recency_days", "median_tenure_days", "one_more_purchase"), 9.0),
            "lapsed_risk_share": 0.1,
            "snapshot_date": last,
            "model_version": VERSION,
        }


def _migrations(last: dt.date) -> Iterable[dict[str, Any]]:
    before = last - dt.timedelta(days=30)
    for start, end, customers in (
        ("High-Value Customers", "High-Value Customers", 20),
        ("High-Value Customers", "Budget Shoppers", 3),
        ("Budget Shoppers", "Budget Shoppers", 70),
    ):
        yield {
            "from_snapshot": before,
            "from_version": VERSION,
            "to_snapshot": last,
            "to_version": VERSION,
            "from_persona": start,
            "to_persona": end,
            "customers": customers,
            "revenue": 1,
        }

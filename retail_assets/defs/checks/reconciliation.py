"""No row and no cent is lost between the lake, the fact table and the mart.

Each check compares two independent states: what cleaning wrote with what the warehouse holds, the fact table with its
own definition, the mart with the fact table, and the mart by store with the mart. In a run of some landings the checks
cover those; started on their own, every landing.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.defs.checks.results import examples, listed, result
from retail_assets.defs.checks.scope import few_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.manifests import CleanManifest
from retail_assets.platform import Platform
from retail_assets.warehouse.loads import current_sales
from retail_assets.warehouse.protocol import Warehouse

#: Rows and money of a landing.
RowsAndMoney = tuple[int, Decimal]

_NOTHING: RowsAndMoney = (0, Decimal("0.00"))


def reconciliation_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `revenue_reconciles_with_clean`, `…_with_sales` and `…_with_daily_category_sales`."""
    warehouse = platform.warehouse

    @dg.asset_check(
        asset="sales",
        blocking=True,
        description="sales_clean contains what the manifests say, and sales the latest version of each transaction in "
        "it.",
    )
    def revenue_reconciles_with_clean(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            days = few_of(context, len(platform.lake.known_days("clean")))
            cleaned = {clean.landed_on: clean for clean in platform.lake.clean_landings(days)}
            loaded = loaded_landings(warehouse, days)
            both = [*days, *days] if days else []
            [sales] = warehouse.query(sales_against_definition(len(days or ())), both).to_pylist()
        wrong = landings_that_differ(cleaned, loaded, days)
        exact = not sales["different"] and sales["n"] == sales["transactions"]
        return result(
            passed=not wrong and exact,
            problem=f"The warehouse differs from the lake on {listed(wrong)}."
            if wrong
            else f"sales has {sales['n']} rows for {sales['transactions']} transactions, "
            f"{sales['different']} of them missing or not the latest version.",
            todo="Materialize sales again for these days." if wrong else "Materialize sales again over all landings.",
            landings_loaded=len(loaded),
            revenue=str(sales["amount"]),
            transactions=int(sales["n"]),
            differences=examples(wrong),
        )

    @dg.asset_check(
        asset="daily_category_sales",
        blocking=True,
        description="Revenue, units and lines of the mart equal those of sales, to the cent.",
    )
    def revenue_reconciles_with_sales() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            # One query, so that both totals are of the same moment.
            rows = warehouse.query(
                "SELECT 'mart' AS source, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(units), 0) AS units, "
                "CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines FROM daily_category_sales UNION ALL "
                "SELECT 'fact', coalesce(sum(total_amount), 0), coalesce(sum(quantity), 0), count(*) FROM sales"
            ).to_pylist()
        totals = {row.pop("source"): row for row in rows}
        mart, fact = totals["mart"], totals["fact"]
        return result(
            passed=mart == fact,
            problem=f"daily_category_sales has {_named(mart)}; sales has {_named(fact)}.",
            todo="Materialize daily_category_sales again; it was made from another state of sales.",
            revenue=str(mart["revenue"]),
            lines=int(mart["lines"]),
        )

    @dg.asset_check(
        asset="daily_store_category_sales",
        blocking=True,
        description="Over all stores, each day and category has the revenue, units, lines and returns of "
        "daily_category_sales, to the cent.",
    )
    def revenue_reconciles_with_daily_category_sales() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            wrong = warehouse.query(f"{stores_against_categories()} ORDER BY sale_date, product_category LIMIT 10")
            [totals] = warehouse.query(
                "SELECT coalesce(sum(revenue), 0) AS revenue, CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines, "
                "count(DISTINCT store_id) AS stores FROM daily_store_category_sales"
            ).to_pylist()
        differences = {f"{row['sale_date']} {row['product_category']}": _both(row) for row in wrong.to_pylist()}
        return result(
            passed=not differences,
            problem=f"The stores do not add up to daily_category_sales on {listed(differences)}.",
            todo="Materialize daily_category_sales and daily_store_category_sales again; they were made from two "
            "states of sales.",
            revenue=str(totals["revenue"]),
            lines=int(totals["lines"]),
            stores=int(totals["stores"]),
            differences=examples(differences),
        )

    return [revenue_reconciles_with_clean, revenue_reconciles_with_sales, revenue_reconciles_with_daily_category_sales]


def stores_against_categories() -> str:
    """Return SQL for the days and categories whose stores do not add up to `daily_category_sales`."""
    measures = ("revenue", "units", "lines", "returned")
    sums = ", ".join(f"sum({name}) AS {name}" for name in measures)
    shown = ", ".join(f"c.{name} AS {name}, s.{name} AS {name}_of_stores" for name in measures)
    differ = " OR ".join(f"c.{name} <> s.{name}" for name in measures)
    return (
        "SELECT coalesce(c.sale_date, s.sale_date) AS sale_date, "
        f"coalesce(c.product_category, s.product_category) AS product_category, {shown} "
        "FROM daily_category_sales AS c FULL JOIN "
        f"(SELECT sale_date, product_category, {sums} FROM daily_store_category_sales "
        "GROUP BY sale_date, product_category) AS s "
        "ON s.sale_date = c.sale_date AND s.product_category = c.product_category "
        f"WHERE c.sale_date IS NULL OR s.sale_date IS NULL OR {differ}"
    )


def _both(row: dict[str, Any]) -> dict[str, str]:
    return {
        source: _named({name: row[f"{name}{suffix}"] for name in ("revenue", "units", "lines", "returned")})
        for source, suffix in (("daily_category_sales", ""), ("stores", "_of_stores"))
    }


def loaded_landings(warehouse: Warehouse, days: Sequence[dt.date] | None) -> dict[dt.date, RowsAndMoney]:
    """Return rows and money of `sales_clean` by landing, of some days or (None) of all."""
    where = f"WHERE landed_on IN ({', '.join('?' for _ in days)})" if days else ""
    rows = warehouse.query(
        "SELECT landed_on, count(*) AS n, CAST(sum(total_amount) AS DECIMAL(18,2)) AS amount "
        f"FROM sales_clean {where} GROUP BY landed_on",
        days or (),
    ).to_pylist()
    return {row["landed_on"]: (row["n"], row["amount"]) for row in rows}


def landings_that_differ(
    cleaned: Mapping[dt.date, CleanManifest],
    loaded: Mapping[dt.date, RowsAndMoney],
    days: Sequence[dt.date] | None,
) -> dict[str, dict[str, str]]:
    """Return the landings whose rows or money in the warehouse differ from their manifest.

    A landing that is cleaned but not yet loaded is work to do, not damage. But a run of `days` has loaded those.
    """
    by_day = loaded if days is None else {day: loaded.get(day, _NOTHING) for day in days}
    wrong = {}
    for day, in_warehouse in by_day.items():
        in_lake = (cleaned[day].rows("clean"), cleaned[day].amount("clean")) if day in cleaned else None
        if (in_lake or _NOTHING) != in_warehouse:
            wrong[str(day)] = {
                "clean": "no manifest" if in_lake is None else _rows_and_money(in_lake),
                "loaded": _rows_and_money(in_warehouse),
            }
    return wrong


def sales_against_definition(days: int) -> str:
    """Return SQL that compares `sales` with its definition, for the transactions of so many landings, or all with 0.

    The landing days are its parameters, twice. It selects `n` rows, `transactions`, their `amount`, and how many rows
    are `different`: without an equal on the other side.
    """
    marks = ", ".join("?" for _ in range(days))
    touched = (
        f"SELECT transaction_id FROM sales_clean WHERE landed_on IN ({marks}) "
        f"UNION SELECT transaction_id FROM sales WHERE landed_on IN ({marks})"
        if days
        else "SELECT NULL"
    )
    some = "WHERE transaction_id IN (SELECT transaction_id FROM touched)" if days else ""
    return (
        f"WITH touched AS ({touched}), held AS (SELECT * FROM sales {some}), "
        f"versions AS (SELECT * FROM sales_clean {some}), current AS ({current_sales('versions')}) "
        "SELECT (SELECT count(*) FROM held) AS n, "
        "(SELECT count(DISTINCT transaction_id) FROM versions) AS transactions, "
        "(SELECT CAST(coalesce(sum(total_amount), 0) AS DECIMAL(18,2)) FROM held) AS amount, "
        "count(*) AS different "
        "FROM held AS s FULL JOIN current AS d ON d.transaction_id = s.transaction_id "
        "AND d.landed_on = s.landed_on AND d.source_file = s.source_file AND d.source_line = s.source_line "
        "AND d.total_amount = s.total_amount AND d.quantity = s.quantity AND d.sold_at = s.sold_at "
        "AND d.product_category = s.product_category "
        "WHERE s.transaction_id IS NULL OR d.transaction_id IS NULL"
    )


def _rows_and_money(landing: RowsAndMoney) -> str:
    rows, money = landing
    return f"{rows} rows of {money} in total"


def _named(totals: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in totals.items())

"""Nothing lost on the way: lines and money from the raw files to the mart.

Each check compares two independent accounts: the counts taken when a file was found (other code, another parser) with
what cleaning wrote, what cleaning wrote with what the warehouse holds, and the fact table with its own definition.
In a run of some landings the checks are about those; started on their own, about every landing so far.
"""

from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.defs.checks.scope import days_of, few_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.manifests import CleanManifest, RawManifest, total_reasons
from retail_assets.platform import Platform
from retail_assets.warehouse.protocol import current_sales

_SHOWN = 10
_LARGE_QUARANTINE_SHARE = 0.05


def _sales_against_definition(days: int | None) -> str:
    """Rows of `sales` and of its definition that have no equal in the other: all, or those of some landings.

    With `days`, of the transactions that so many landings mention; the days are parameters, twice.
    """
    marks = ", ".join("?" for _ in range(days or 0))
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


def conservation_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Row conservation and revenue reconciliation, raw to clean to fact to mart."""
    warehouse = platform.warehouse
    contract = platform.settings.contract.digest

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="Every line of every landed file is in exactly one clean, quarantined or superseded row.",
    )
    def rows_are_conserved(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            pairs = platform.lake.cleaned(days_of(context))
        lost = {
            str(raw.landed_on): {"landed_lines": raw.lines, "accounted_lines": clean.lines}
            for raw, clean in pairs
            if raw.lines != clean.lines
        }
        stale = [str(raw.landed_on) for raw, clean in pairs if raw.digest != clean.raw_digest]
        return _result(
            passed=not lost and not stale,
            problem=f"Lines do not add up on {_days(lost)}."
            if lost
            else f"Files changed since cleaning on {_days(stale)}.",
            todo="Materialize raw_sales_files and clean_sales again for these days; if it stays, report it.",
            landings=len(pairs),
            landings_cleaned_by_another_contract=sum(clean.contract != contract for _, clean in pairs),
            lines=sum(raw.lines for raw, _ in pairs),
            rows_landed=sum(clean.landed_rows for _, clean in pairs),
            rows_clean=sum(clean.rows("clean") for _, clean in pairs),
            rows_quarantined=sum(clean.rows("quarantine") for _, clean in pairs),
            rows_superseded=sum(clean.rows("superseded") for _, clean in pairs),
            differences=dg.MetadataValue.json(dict(list(lost.items())[:_SHOWN])),
        )

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="Clean, quarantined and superseded money equals the control totals of the raw files, to the cent.",
    )
    def revenue_reconciles_with_raw(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            pairs = platform.lake.cleaned(days_of(context))
        differences: dict[str, dict[str, str]] = {}
        controlled, unavailable, other_contract = Decimal("0.00"), 0, 0
        for raw, clean in pairs:
            if raw.contract != clean.contract:  # another contract may read the amount from another column
                other_contract += 1
                continue
            expected = control_total(raw)
            if expected is None:
                unavailable += 1
                continue
            controlled += expected
            found = clean.amount("clean") + clean.amount("quarantine") + clean.amount("superseded")
            if found != expected:
                differences[str(raw.landed_on)] = {"raw": str(expected), "cleaned": str(found)}
        return _result(
            passed=not differences,
            problem=f"Money of raw files and cleaned rows differs on {_days(differences)}.",
            todo="Compare the quarantine of these days with the files; report it with the file if the rows look right.",
            controlled_revenue=str(controlled),
            landings_without_control_total=unavailable,
            landings_registered_by_another_contract=other_contract,
            differences=dg.MetadataValue.json(dict(list(differences.items())[:_SHOWN])),
        )

    @dg.asset_check(
        asset="clean_sales",
        description=f"No landing has more than {_LARGE_QUARANTINE_SHARE:.0%} of its rows in quarantine.",
    )
    def quarantine_is_small(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            cleaned = [clean for _, clean in platform.lake.cleaned(days_of(context))]
        large = {
            str(m.landed_on): round(m.rows("quarantine") / m.landed_rows, 4)
            for m in cleaned
            if m.rows("quarantine") > _LARGE_QUARANTINE_SHARE * m.landed_rows
        }
        return _result(
            passed=not large,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"Many rows were rejected on {_days(large)}.",
            todo=f"Look at the reasons, over these landings: {total_reasons(cleaned)}.",
            shares=dg.MetadataValue.json(dict(list(large.items())[:_SHOWN])),
        )

    @dg.asset_check(
        asset="sales",
        blocking=True,
        description="sales_clean holds what the manifests say, and sales the latest version of each transaction in it.",
    )
    def revenue_reconciles_with_clean(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            days = few_of(context, len(platform.lake.days("clean")))
            cleaned = {clean.landed_on: clean for _, clean in platform.lake.cleaned(days)}
            where = f"WHERE landed_on IN ({', '.join('?' for _ in days)})" if days else ""
            loaded = {
                row["landed_on"]: (row["n"], row["amount"])
                for row in warehouse.query(
                    "SELECT landed_on, count(*) AS n, CAST(sum(total_amount) AS DECIMAL(18,2)) AS amount "
                    f"FROM sales_clean {where} GROUP BY landed_on",
                    days or (),
                ).to_pylist()
            }
            both = [*days, *days] if days else []
            [sales] = warehouse.query(_sales_against_definition(len(days) if days else None), both).to_pylist()
        empty = (0, Decimal("0.00"))
        # A landing that is cleaned and not yet loaded is work to do, not damage; but this run has loaded its own.
        held_by_day = loaded if days is None else {day: loaded.get(day, empty) for day in days}
        wrong = {
            str(day): {
                "clean": _told(*_rows_and_amount(cleaned[day])) if day in cleaned else "no manifest",
                "loaded": _told(*held),
            }
            for day, held in held_by_day.items()
            if (_rows_and_amount(cleaned[day]) if day in cleaned else empty) != held
        }
        exact = not sales["different"] and sales["n"] == sales["transactions"]
        return _result(
            passed=not wrong and exact,
            problem=f"The warehouse differs from the lake on {_days(wrong)}."
            if wrong
            else f"sales has {sales['n']} rows for {sales['transactions']} transactions, "
            f"{sales['different']} of them missing or not the latest version.",
            todo="Materialize sales again for these days." if wrong else "Materialize sales again over all landings.",
            landings_loaded=len(loaded),
            revenue=str(sales["amount"]),
            transactions=int(sales["n"]),
            differences=dg.MetadataValue.json(dict(list(wrong.items())[:_SHOWN])),
        )

    @dg.asset_check(
        asset="daily_category_sales",
        blocking=True,
        description="Revenue, units and lines of the mart equal those of sales, to the cent.",
    )
    def revenue_reconciles_with_sales() -> dg.AssetCheckResult:
        with failing_clearly():
            # One query, so that both are of one moment.
            rows = warehouse.query(
                "SELECT 'mart' AS source, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(units), 0) AS units, "
                "CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines FROM daily_category_sales UNION ALL "
                "SELECT 'fact', coalesce(sum(total_amount), 0), coalesce(sum(quantity), 0), count(*) FROM sales"
            ).to_pylist()
        totals = {row.pop("source"): row for row in rows}
        mart, fact = totals["mart"], totals["fact"]
        return _result(
            passed=mart == fact,
            problem=f"daily_category_sales has {_listed(mart)}; sales has {_listed(fact)}.",
            todo="Materialize daily_category_sales again; it was made from another state of sales.",
            revenue=str(mart["revenue"]),
            lines=int(mart["lines"]),
        )

    return [
        rows_are_conserved,
        revenue_reconciles_with_raw,
        quarantine_is_small,
        revenue_reconciles_with_clean,
        revenue_reconciles_with_sales,
    ]


def control_total(raw: RawManifest) -> Decimal | None:
    """Sum of the files' control totals; None when one has none, or split the file into other rows than its lines."""
    total = Decimal("0.00")
    for file in raw.files:
        control = file.control
        if control.amount is None or control.rows is None or control.rows + (control.rejected or 0) != file.lines:
            return None
        total += Decimal(control.amount)
    return total


def _rows_and_amount(manifest: CleanManifest) -> tuple[int, Decimal]:
    return manifest.rows("clean"), manifest.amount("clean")


def _told(rows: int, amount: Decimal) -> str:
    return f"{rows} rows of {amount} in all"


def _listed(totals: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in totals.items())


def _days(wrong: dict[str, Any] | list[str]) -> str:
    days = sorted(wrong)
    return ", ".join(days[:_SHOWN]) + (f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else "")


def _result(
    *,
    passed: bool,
    problem: str,
    todo: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    **metadata: Any,
) -> dg.AssetCheckResult:
    """A check result that says what is wrong and what to do, only where something is."""
    return dg.AssetCheckResult(
        passed=passed, severity=severity, description=None if passed else f"{problem} {todo}", metadata=metadata
    )

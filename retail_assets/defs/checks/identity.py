"""An id is one sale: nothing is replaced that is not another version of the same sale.

The first check compares rows within a landing, before they are loaded. Between landings, the load itself refuses what
is above the contract's limit (`warehouse/other_sales.py`); the second check shows what is below it.
"""

import dagster as dg

from retail_assets.contracts.model import Contract
from retail_assets.defs.checks.results import examples, listed, result
from retail_assets.defs.checks.scope import days_of, few_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.platform import Platform
from retail_assets.warehouse.other_sales import VERSIONS, moved_sales

_SHOWN = 3


def identity_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `ids_identify_sales` and `sales_keep_their_day`."""
    contract, lake, warehouse = platform.settings.contract, platform.lake, platform.warehouse
    limit = contract.identity_limit

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="No row was superseded by one of another product, amount or customer in the same file, nor by one "
        "of another day or store. "
        f"An error above {limit:.1%} of a landing's rows (`identity_limit`), a warning below.",
    )
    def ids_identify_sales(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from retail_assets.cleaning.repeated_ids import RepeatedIds, repeated_ids

        with failing_clearly(platform):
            found = {
                str(m.landed_on): repeated
                for m in lake.clean_landings(days_of(context))
                if (repeated := repeated_ids(lake, m)).rows
            }
        blocking = {day: repeated for day, repeated in found.items() if repeated.exceeds(limit)}
        worst = max((blocking or found).values(), key=lambda r: r.rows, default=RepeatedIds())
        shown = blocking or found
        return result(
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            problem=f"{sum(r.rows for r in shown.values()):,} of {sum(r.read for r in shown.values()):,} rows on "
            f"{listed(shown)} share their id with a later row that is another sale, and were superseded "
            f"({sum(r.money for r in shown.values()):,.2f} {contract.currency}): {'; '.join(worst.examples)}.",
            todo=_way_out(contract, blocks=bool(blocking)),
            rows=sum(r.rows for r in found.values()),
            landings={} if not found else examples({day: r.rows for day, r in found.items()}),
        )

    @dg.asset_check(
        asset="sales",
        description="No id was given to sales of different days or stores by different landings.",
    )
    def sales_keep_their_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            days = few_of(context, len(lake.known_days("clean")))
            [moved] = warehouse.query(moved_sales(len(days or ())), days or ()).to_pylist()
            versions = warehouse.query(VERSIONS, [moved["example"]]).to_pylist() if moved["ids"] else []
        places = ", then ".join(
            f"{v['sale_date']} in {v['source_file']} line {v['source_line']}" for v in versions[:_SHOWN]
        )
        return result(
            passed=not moved["ids"],
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"{moved['ids']:,} ids stand for sales of different days or stores, and the latest landing won: "
            f"{moved['example']} ({places}).",
            todo="Look at the files. If these are corrections, all is well. If receipt numbers restart, let "
            "transaction_id include the day, with compose.",
            ids=int(moved["ids"]),
        )

    return [ids_identify_sales, sales_keep_their_day]


def _way_out(contract: Contract, *, blocks: bool) -> str:
    from retail_assets.cleaning.repeated_ids import way_out

    todo = way_out(contract)
    if blocks:
        todo += (
            f" If these rows are corrections, raise identity_limit ({contract.identity_limit:g}). Then materialize "
            "clean_sales again. Nothing was loaded."
        )
    return todo

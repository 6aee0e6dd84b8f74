"""Checks that derive from `tables.py`: columns, types, nulls and keys of every warehouse table."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.checks.results import by_name, check_result
from retail_assets.defs.checks.scope import few_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.platform import Platform
from retail_assets.tables import (
    BASKET_AFFINITY,
    CUSTOMER_COHORTS,
    CUSTOMER_FEATURES,
    CUSTOMER_MONTHS,
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    INSIGHTS,
    KEPT,
    PRODUCT_CONCENTRATION,
    SALES,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    SUMMARY_STATISTICS,
    Table,
)

if TYPE_CHECKING:
    import pyarrow as pa

#: Table, and whether its checks block: whether continuing with a broken table would spread damage.
CHECKED: tuple[tuple[Table, bool], ...] = (
    (SALES, True),
    (SALES_QUARANTINE, False),
    (DIM_DATE, False),
    (DIM_CUSTOMER, False),
    (DIM_PRODUCT, False),
    (DIM_STORE, False),
    (DAILY_CATEGORY_SALES, True),
    (DAILY_STORE_CATEGORY_SALES, False),
    (SALES_FORECAST, False),
    (FORECAST_BACKTEST, False),
    (FORECAST_ACCURACY, False),
    (CUSTOMER_FEATURES, True),
    (CUSTOMER_SEGMENTS, False),
    (SEGMENT_PROFILES, False),
    (SEGMENT_MIGRATIONS, False),
    (INSIGHTS, False),
    (SUMMARY_STATISTICS, False),
    (DAILY_QUALITY, False),
    (CUSTOMER_MONTHS, False),
    (CUSTOMER_COHORTS, False),
    (PRODUCT_CONCENTRATION, False),
    (BASKET_AFFINITY, False),
)


def table_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build two checks for each table: `matches_contract` (columns, types, nulls) and `key_is_unique`.

    The second one is called `unique_transaction` for sales.
    """
    return [
        check
        for table, blocking in CHECKED
        for check in (_shape(platform, table, blocking), _key(platform, table, blocking))
    ]


def _shape(platform: Platform, table: Table, blocking: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=table.name,
        name="matches_contract",
        blocking=blocking,
        description="Columns and types are those of tables.py, and required columns have no NULL.",
    )
    def matches_contract() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            actual = platform.warehouse.query(f"SELECT * FROM {table.name} LIMIT 0").schema
            missing = [name for name in table.names if name not in actual.names]
            required = [c.name for c in table.columns if not c.nullable and c.name not in missing]
            counts = ", ".join(["count(*) AS n", *(f"count({name}) AS {name}" for name in required)])
            [counted] = platform.warehouse.query(f"SELECT {counts} FROM {table.name}").to_pylist()
        types = {
            f.name: f"{actual.field(f.name).type}, expected {f.type}"
            for f in table.arrow_schema()
            if f.name not in missing and not _same_type(actual.field(f.name).type, f.type)
        }
        nulls = {name: int(counted["n"] - counted[name]) for name in required if counted["n"] != counted[name]}
        # A table that is kept from load to load may have columns of its users, or of a newer version.
        more = [] if table in KEPT else [name for name in actual.names if name not in table.names]
        wrong: dict[str, list[str] | dict[str, Any]] = {
            "missing columns": missing,
            "other columns": more,
            "wrong types": types,
            "NULL in rows": nulls,
        }
        passed = not any(wrong.values())
        problems = "; ".join(
            f"{what}: {by_name(which) if isinstance(which, dict) else ', '.join(which)}"
            for what, which in wrong.items()
            if which
        )
        return check_result(
            passed=passed,
            description=None if passed else f"{table.name}: {problems}. Materialize it again.",
            metadata={"columns": len(table.columns), "rows": int(counted["n"]), "wrong": dg.MetadataValue.json(wrong)},
        )

    return matches_contract


def _key(platform: Platform, table: Table, blocking: bool) -> dg.AssetChecksDefinition:
    name = "unique_transaction" if table is SALES else "key_is_unique"
    key = ", ".join(table.key)

    @dg.asset_check(asset=table.name, name=name, blocking=blocking, description=f"One row per ({key}).")
    def key_is_unique(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            by_landing = table in (SALES, SALES_QUARANTINE)
            days = few_of(context, len(platform.lake.known_days("clean"))) if by_landing else None
            where = ""
            if days:  # a row of these landings can only repeat a key that is among theirs
                where = f"WHERE landed_on IN ({', '.join('?' for _ in days)})"
                if "landed_on" not in table.key:
                    where = f"WHERE {key} IN (SELECT {key} FROM {table.name} {where})"
            repeated = platform.warehouse.query(
                f"SELECT {key}, count(*) AS times FROM {table.name} {where} "
                f"GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 10",
                days or (),
            ).to_pylist()
        return check_result(
            passed=not repeated,
            description=f"{table.name}: repeated ({key}), such as {_shown(repeated[0])}. Materialize it again."
            if repeated
            else None,
            metadata={"repeated": dg.MetadataValue.json([{k: str(v) for k, v in row.items()} for row in repeated])},
        )

    return key_is_unique


def _shown(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _same_type(actual: "pa.DataType", expected: "pa.DataType") -> bool:
    import pyarrow as pa

    if pa.types.is_string(expected):
        return pa.types.is_string(actual) or pa.types.is_large_string(actual)
    return bool(actual == expected)

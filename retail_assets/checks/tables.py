"""Contract checks that derive from `tables.py`: columns, types, nulls and keys of every warehouse table."""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

from retail_assets.assets.common import failing_clearly
from retail_assets.platform import Platform
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    SALES,
    SALES_FORECAST,
    SALES_QUARANTINE,
    Table,
)

#: asset -> whether going on with a broken table would spread damage
CHECKED: tuple[tuple[Table, bool], ...] = (
    (SALES, True),
    (SALES_QUARANTINE, False),
    (DIM_DATE, False),
    (DIM_CUSTOMER, False),
    (DIM_PRODUCT, False),
    (DAILY_CATEGORY_SALES, True),
    (SALES_FORECAST, False),
    (CUSTOMER_SEGMENTS, False),
)


def table_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """For each table: `matches_contract` (columns, types, nulls) and `key_is_unique` (`unique_transaction` for sales)."""
    return [check for table, blocking in CHECKED for check in (_shape(platform, table, blocking), _key(platform, table, blocking))]


def _shape(platform: Platform, table: Table, blocking: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=table.name,
        name="matches_contract",
        blocking=blocking,
        description="Columns and types are those of tables.py, and required columns have no NULL.",
    )
    def matches_contract() -> dg.AssetCheckResult:
        with failing_clearly():
            found = platform.warehouse.query(f"SELECT {table.column_list} FROM {table.name} LIMIT 0").schema
            required = [c.name for c in table.columns if not c.nullable]
            counts = ", ".join(f"count(*) - count({name}) AS {name}" for name in required)
            [nulls] = platform.warehouse.query(f"SELECT {counts} FROM {table.name}").to_pylist()
        expected = table.arrow_schema()
        types = {
            f.name: f"{found.field(f.name).type}, expected {f.type}"
            for f in expected
            if not _same_type(found.field(f.name).type, f.type)
        }
        missing = {name: int(count) for name, count in nulls.items() if count}
        passed = not types and not missing
        return dg.AssetCheckResult(
            passed=passed,
            description=None if passed else f"{table.name}: wrong types {types}, NULLs {missing}. Materialize it again.",
            metadata={"columns": len(table.columns), "nulls": missing, "types": types},
        )

    return matches_contract


def _key(platform: Platform, table: Table, blocking: bool) -> dg.AssetChecksDefinition:
    name = "unique_transaction" if table is SALES else "key_is_unique"
    key = ", ".join(table.key)

    @dg.asset_check(asset=table.name, name=name, blocking=blocking, description=f"One row a ({key}).")
    def key_is_unique() -> dg.AssetCheckResult:
        with failing_clearly():
            repeated = platform.warehouse.query(
                f"SELECT {key}, count(*) AS times FROM {table.name} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 10"
            ).to_pylist()
        return dg.AssetCheckResult(
            passed=not repeated,
            description=f"{table.name}: keys that stand more than once. Materialize it again." if repeated else None,
            metadata={"repeated": dg.MetadataValue.json([{k: str(v) for k, v in row.items()} for row in repeated])},
        )

    return key_is_unique


def _same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    if pa.types.is_string(expected):
        return pa.types.is_string(found) or pa.types.is_large_string(found)
    return bool(found == expected)

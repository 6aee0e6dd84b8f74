"""The table `segment_migrations`: how many customers have moved from which persona to which, and their money."""

from __future__ import annotations

import pyarrow as pa

from retail_assets.segmentation.lifecycle.earlier_tables import is_usable
from retail_assets.segmentation.queries.migrations import MIGRATIONS, migrations_with_earlier
from retail_assets.tables import SEGMENT_MIGRATIONS
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.warehouse.schema_changes import select_list


def make_migrations(warehouse: Warehouse) -> pa.Table:
    """Write `segment_migrations` and return it: the move recorded in `customer_segments`, and all earlier ones."""
    query = MIGRATIONS
    if is_usable(warehouse, SEGMENT_MIGRATIONS):
        query = migrations_with_earlier(select_list(warehouse, SEGMENT_MIGRATIONS))
    rows = warehouse.query(query)
    table = rows.select(list(SEGMENT_MIGRATIONS.names)).cast(SEGMENT_MIGRATIONS.arrow_schema())
    table = table.sort_by([(name, "ascending") for name in ("to_snapshot", *SEGMENT_MIGRATIONS.key)])
    warehouse.replace(SEGMENT_MIGRATIONS, table)
    return table

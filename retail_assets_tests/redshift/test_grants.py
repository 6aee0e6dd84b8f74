"""The script of docs/redshift_grants.sql is enough to load and to read, and for nothing else."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retail_assets.errors import WarehouseError
from retail_assets.tables import DIM_DATE
from retail_assets_tests.redshift import dialect
from retail_assets_tests.warehouse.landings import DAY, SOURCE, defined, held, line, publish

if TYPE_CHECKING:
    from retail_assets_tests.redshift.stack import Stack

SCRIPT = Path(__file__).parents[2] / "docs" / "redshift_grants.sql"


def test_the_script_lets_the_loader_load_and_the_reader_read_and_nothing_more(stack: Stack) -> None:
    unique = uuid.uuid4().hex[:8]
    schema, loader, reader = (f"{n}_{unique}" for n in ("complete_journey", "retail_loader", "retail_reader"))
    text = SCRIPT.read_text()
    for name, own in (("complete_journey", schema), ("retail_loader", loader), ("retail_reader", reader)):
        text = text.replace(name, own)
    lines = "\n".join(part.split("--")[0] for part in text.splitlines())
    stack.wire.as_superuser(*(dialect.translated(s) for s in lines.split(";") if s.strip()))
    stack.users[loader] = "pw"
    stack.user(f"analyst_{unique}", "pw")
    stack.wire.as_superuser(dialect.translated(f"GRANT ROLE {reader} TO analyst_{unique}"))

    lake = stack.lake(SOURCE)
    loading = stack.warehouse(lake, schema, stack.settings(user=loader, password="pw"))
    rows = [line("A", 1)]
    loading.load_landings(lake.store, [publish(lake, DAY, rows)])
    loading.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
    assert held(loading) == defined({DAY: rows})

    reading = stack.warehouse(lake, schema, stack.settings(user=f"analyst_{unique}", password="pw"))
    assert held(reading) == defined({DAY: rows})
    with pytest.raises(WarehouseError, match="does not permit it"):
        reading.load_landings(lake.store, [lake.clean(DAY)])
    with pytest.raises(WarehouseError, match="does not permit it"):
        reading.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
    with pytest.raises(WarehouseError, match="does not permit it"):
        stack.warehouse(lake, f"other_{unique}", stack.settings(user=loader, password="pw")).load_landings(
            lake.store, []
        )

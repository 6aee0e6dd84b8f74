"""The script of docs/redshift_grants.sql is enough to load and to read, and for nothing else."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retail_assets.errors import WarehouseError
from retail_assets.tables import DIM_DATE
from retail_assets_tests.services.redshift import dialect, iam_api
from retail_assets_tests.services.redshift.stack import REGION
from retail_assets_tests.warehouse.landings import DAY, SOURCE, defined, held, line, publish

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack

SCRIPT = Path(__file__).parents[3] / "docs" / "redshift_grants.sql"


def run_script(stack: Stack, names: dict[str, str]) -> None:
    """The script as a superuser runs it, with these names in place of those that it says to replace."""
    text = SCRIPT.read_text()
    for name, own in names.items():
        text = text.replace(name, own)
    lines = "\n".join(part.split("--")[0] for part in text.splitlines())
    stack.wire.as_superuser(*(dialect.translated(s) for s in lines.split(";") if s.strip()))


def test_the_script_lets_the_loader_load_and_the_reader_read_and_nothing_more(stack: Stack) -> None:
    unique = uuid.uuid4().hex[:8]
    schema, loader, reader = (f"{n}_{unique}" for n in ("complete_journey", "retail_loader", "retail_reader"))
    run_script(stack, {"complete_journey": schema, "retail_loader": loader, "retail_reader": reader})
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
    with pytest.raises(WarehouseError, match="permission denied while"):
        reading.load_landings(lake.store, [lake.clean(DAY)])
    with pytest.raises(WarehouseError, match="permission denied while"):
        reading.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
    with pytest.raises(WarehouseError, match="permission denied while"):
        stack.warehouse(lake, f"other_{unique}", stack.settings(user=loader, password="pw")).load_landings(
            lake.store, []
        )


def test_with_iam_the_loader_is_the_user_that_redshift_makes_of_the_role(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/aws.md says: without the script this user may do nothing; with its name in it, load."""
    unique = uuid.uuid4().hex[:8]
    schema, user = f"retail_sales_{unique}", iam_api.USER
    lake = stack.lake(SOURCE)
    manifest = publish(lake, DAY, [line("A", 1)])
    # Of a workgroup of its own: the driver keeps credentials of IAM for the life of a process.
    settings = stack.settings(user=None, password=None, workgroup=f"grants-{unique}", region=REGION)
    loading = stack.warehouse(lake, schema, settings)
    monkeypatch.setitem(stack.users, user, "by IAM alone")
    with iam_api.serving([]) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", endpoint)
        names = {"complete_journey": schema, "retail_loader": f'"{user}"', "retail_reader": f"retail_reader_{unique}"}
        run_script(stack, names)
        loading.load_landings(lake.store, [manifest])
        assert loading.query("SELECT CAST(current_user AS VARCHAR(128)) AS me").to_pylist() == [{"me": user}]
        with pytest.raises(WarehouseError, match="permission denied while"):
            stack.warehouse(lake, f"other_{unique}", settings).load_landings(lake.store, [manifest])

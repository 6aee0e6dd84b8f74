"""What was planted in the stack is looked for in everything that a person or a log could see."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow.parquet as pq
import pytest

from retail_assets.defs.failures import failing_clearly
from retail_assets.tables import ALL
from retail_assets_tests.services.redshift.stack import CREDENTIALS, PASSWORD, ROLE
from retail_assets_tests.services.redshift.wire import Cut, Event
from retail_assets_tests.warehouse.landings import DAY, SOURCE, line, publish

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack


def test_no_secret_endpoint_or_role_is_in_logs_metadata_or_tracebacks(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """At level DEBUG, for what works, what the wire refuses, and a connection that breaks again and again."""
    planted = [PASSWORD, ROLE, "123456789012", stack.endpoint.removeprefix("http://"), "localhost"]
    planted += [v for k, v in CREDENTIALS.items() if "REGION" not in k]
    lake = stack.lake(SOURCE)
    seen: list[str] = []
    caplog.set_level(logging.DEBUG)
    for name in ("botocore", "boto3", "urllib3", "s3transfer", "werkzeug"):  # AWS's own, and the stand-in for it
        caplog.set_level(logging.WARNING, logger=name)

    manifest = publish(lake, DAY, [line("A", 1)])
    good = stack.warehouse(lake, "shop_secrets")
    good.load_landings(lake.store, [manifest])
    seen += [repr(good), good.location(), *(good.location(t) for t in ALL), str(good.query("SELECT 1 AS one"))]

    def cut(event: Event) -> None:
        if event.sql.startswith("LOCK"):
            raise Cut

    def failures() -> list[BaseException]:
        found: list[BaseException] = []
        with stack.wire.hooked(cut):
            found.append(_failure(stack, lake.store, manifest))
        found.append(_failure(stack, lake.store, manifest, iam_role=ROLE + "-other"))
        found.append(_failure(stack, lake.store, manifest, password=PASSWORD + "-other"))
        found.append(_failure(stack, lake.store, manifest, port="1"))
        [file] = manifest.files["clean"]
        with lake.store.writing(file.key) as handle:
            pq.write_table(good.query("SELECT * FROM sales").drop_columns(["age"]), handle)
        found.append(_failure(stack, lake.store, manifest))
        return found

    for failure in failures():
        said = failure.__cause__ if isinstance(failure, dg.RetryRequested) else failure
        assert isinstance(said, dg.Failure)
        seen += [*traceback.format_exception(failure), repr(failure), repr(said), str(said.metadata)]
    everything = "\n".join([*seen, caplog.text])
    assert "did not answer" in everything
    assert "not authorized to assume" in everything
    assert [secret for secret in planted if secret in everything] == []


def _failure(stack: Stack, store: object, manifest: object, **changes: str) -> BaseException:
    lake = stack.lake(SOURCE)
    warehouse = stack.warehouse(lake, "shop_secrets", stack.settings(**changes), attempts=2)
    with pytest.raises((dg.Failure, dg.RetryRequested)) as raised, failing_clearly():
        warehouse.load_landings(store, [manifest])  # type: ignore[arg-type, list-item]
    return raised.value

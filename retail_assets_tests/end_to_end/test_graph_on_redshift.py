"""The whole graph on S3 and Redshift over the wire makes the tables that the embedded one makes, row by row.

Two runs of everything with Spark: minutes. So it runs only when RETAIL_TEST_GRAPH says on what: `synthetic`, or
`complete_journey` for a month of The Complete Journey.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retail_assets import settings as settings_module
from retail_assets.platform import Platform
from retail_assets.tables import ALL, Table
from retail_assets_tests.services.redshift.stack import BUCKET, CREDENTIALS, PASSWORD, ROLE

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack

DATA = os.environ.get("RETAIL_TEST_GRAPH", "")
SAMPLES = {
    "synthetic": (["synthetic", "--rows", "4000", "--days", "3", "--seed", "1"], "2024-01-01...2024-01-03"),
    "complete_journey": (["complete-journey"], "2017-11-30...2017-12-31"),
}
_MATERIALIZE = ["asset", "materialize", "-m", "retail_assets.definitions", "--select", "*", "--partition-range"]

pytestmark = [
    pytest.mark.skipif(not DATA, reason="RETAIL_TEST_GRAPH is not set: two runs of the whole graph"),
    pytest.mark.timeout(1800),
]


def test_every_table_is_the_same_and_nothing_planted_is_in_what_was_written(stack: Stack, tmp_path: Path) -> None:
    sample, days = SAMPLES[DATA]
    common = {"RETAIL_SOURCE": "retail_sales" if DATA == "synthetic" else DATA, "RETAIL_SPARK": "local[2]"}
    if DATA == "synthetic":
        common["RETAIL_START_DATE"] = "2024-01-01"
    embedded = common | {"RETAIL_HOME": str(tmp_path / "a"), "RETAIL_OUTPUT": str(tmp_path / "a-output")}
    redshift = (
        common
        | {"RETAIL_HOME": str(tmp_path / "b"), "RETAIL_OUTPUT": f"s3://{BUCKET}/graph/output"}
        | {f"RETAIL_{n}_URI": f"s3://{BUCKET}/graph/{n.lower()}" for n in ("RAW", "LAKE", "MODELS")}
        | {"RETAIL_WAREHOUSE": "redshift"}
        | stack.redshift()
    )
    printed = "".join(_run(environ | stack.environ, sample, days, tmp_path) for environ in (embedded, redshift))
    mine, other = (Platform(settings_module.load(e)).warehouse for e in (embedded, redshift))
    differing = [t.name for t in ALL if _rows(mine, t) != _rows(other, t)]
    assert differing == []

    planted = [PASSWORD, ROLE, *(v for k, v in CREDENTIALS.items() if "REGION" not in k)]
    planted += [stack.endpoint.removeprefix("http://")]
    written = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p.suffix in (".db", ".log", ".json", "")]
    assert [p for p in planted if p in printed or any(p.encode() in data for data in written)] == []


def _run(environ: dict[str, str], sample: list[str], days: str, folder: Path) -> str:
    home = folder / f"dagster-{Path(environ['RETAIL_HOME']).name}"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environ = {**os.environ, **environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    printed = ""
    for arguments in (
        ["retail_assets.cli", "sample", *sample],
        ["dagster", *_MATERIALIZE, days],
        ["retail_assets.cli", "status"],
    ):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=900)
        printed += done.stdout + done.stderr
        assert done.returncode == 0, printed[-5000:]
    return printed


def _rows(warehouse: Any, table: Table) -> list[tuple[Any, ...]]:
    """What a table holds, but for the moment at which a forecast was issued: two runs issue two."""
    columns = ", ".join(column.name for column in table.columns if column.name != "issued_at")
    rows = (
        tuple(map(_plain, row))
        for batch in warehouse.scan(f"SELECT {columns} FROM {table.name}")
        for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)
    )
    return sorted(rows, key=repr)


def _plain(value: Any) -> Any:
    """Doubles by their first nine digits: sums in another order differ in the last ones."""
    if isinstance(value, float):
        return f"{value:.9g}"
    return value if value is None or isinstance(value, str | int | Decimal | dt.date) else str(value)

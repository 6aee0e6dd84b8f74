"""Seconds to erase one customer from 1.5 million rows: files, lake, warehouse, outputs, by the command's own function.

The rows are The Complete Journey, landed, cleaned and loaded once into a scratch folder; then a household of median
size is erased. The clock runs from the call to the receipt. Another is erased before, to warm up.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retail_assets import settings as settings_module
from retail_assets.erasure.erase import Receipt, erase_customer
from retail_assets.platform import Platform
from retail_assets_tests.dagster_home import dagster_home

_FIRST, _LAST = "2017-11-30", "2017-12-31"


def measure(home: Path | None = None) -> dict[str, float]:
    """Return `erase_s`. `home` is a home of The Complete Journey that is loaded; it is changed."""
    with contextlib.ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="retail-bench-erase-")))
        environ = {
            "RETAIL_HOME": str(folder / ".retail"),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_SOURCE": "complete_journey",
            "RETAIL_END_DATE": _LAST,
        }
        # Dagster's records are looked through as well: those of this home, not of whoever measures.
        os.environ["DAGSTER_HOME"] = str(folder / ".retail" / "dagster")
        if home is None:
            _make(environ)
        platform = Platform(settings_module.load(environ))
        median = platform.warehouse.query(
            "SELECT customer_id FROM sales WHERE customer_id IS NOT NULL GROUP BY 1 ORDER BY count(*), 1 "
            "LIMIT 2 OFFSET (SELECT count(DISTINCT customer_id) // 2 FROM sales)"
        )["customer_id"].to_pylist()
        _timed(platform, median[0])
        return {"erase_s": round(_timed(platform, median[1]), 2)}


def _timed(platform: Platform, customer: str) -> float:
    began = time.perf_counter()
    receipt: Receipt = erase_customer(platform, customer, dt.datetime.now(dt.UTC))
    took = time.perf_counter() - began
    if not receipt.counts["table_sales"]:
        raise RuntimeError("the household has no sales, so nothing was measured")
    return took


def _make(environ: dict[str, str]) -> None:
    """Land, clean and load the sample, with the command line."""
    program = [sys.executable, "-m", "retail_assets.cli"]
    dagster_home(Path(os.environ["DAGSTER_HOME"]))
    for words in (
        ["sample", "complete-journey"],
        ["materialize", "--partition-range", f"{_FIRST}...{_LAST}", "--select", "group:ingest or group:warehouse"],
    ):
        subprocess.run([*program, *words], env={**os.environ, **environ}, check=True, stdout=sys.stderr)

"""A million customers: make them, and train and score them in a process of its own that is measured.

The customers are those of CDNOW, resampled and varied, so that they are as skewed as a real shop's.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.segments import data
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.queries.customer_features import customer_features
from retail_assets.tables import CUSTOMER_FEATURES
from retail_assets.warehouse.duckdb import DuckDBWarehouse

FILE = "million.duckdb"
_CHUNK = 250_000


def make(folder: Path, customers: int) -> None:
    """Write `customer_features` of `customers` customers."""
    source = data.cdnow(folder).query(customer_features())
    rng = np.random.default_rng(0)
    parts = []
    for start in range(0, customers, _CHUNK):
        size = min(_CHUNK, customers - start)
        drawn = source.take(pa.array(rng.integers(0, source.num_rows, size)))
        money = drawn["monetary"].cast(pa.float64()).to_numpy() * rng.lognormal(0, 0.1, size)
        basket = money / np.maximum(drawn["frequency"].to_numpy(), 1)
        for name, values in (
            ("customer_id", pa.array(np.char.zfill(np.arange(start, start + size).astype("U8"), 8))),
            ("monetary", pa.array(np.round(money, 2)).cast(pa.decimal128(18, 2), safe=False)),
            ("average_basket", pa.array(basket)),
        ):
            drawn = drawn.set_column(drawn.column_names.index(name), name, values)
        parts.append(drawn)
    DuckDBWarehouse(folder / FILE, "main").replace(CUSTOMER_FEATURES, pa.concat_tables(parts))


def train_and_score(folder: Path) -> None:
    """Train on the table, assign a persona to every customer, and write how long each step took."""
    warehouse = DuckDBWarehouse(folder / FILE, "main")
    steps = {}
    started = time.perf_counter()
    trained = train_from(warehouse)
    steps["train_s"] = round(time.perf_counter() - started, 1)
    started = time.perf_counter()
    scored = score_all(warehouse, trained.model, "million")
    steps["score_and_write_s"] = round(time.perf_counter() - started, 1)
    started = time.perf_counter()
    make_profiles(warehouse)
    steps["profiles_s"] = round(time.perf_counter() - started, 1)
    timings = {"trained_on": trained.customers, "scored": scored.customers, "steps": steps}
    (folder / "steps.json").write_text(json.dumps(timings))


if __name__ == "__main__":
    if sys.argv[2] == "make":
        make(Path(sys.argv[1]), int(sys.argv[3]))
    else:
        train_and_score(Path(sys.argv[1]))

"""Generated sales in the schema of the contract `retail_sales`: seeded, of any size, with a known share of dirt.

Everything about a row is a pure function of the seed and the number of the row. So the same arguments give the same
bytes on any machine, in constant memory, and a row can point at another one (a repeated or corrected line) without
anything being stored.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from retail_assets.errors import LandingError
from retail_assets.landing.land import land_file
from retail_assets.landing.partitions import partition_folder
from retail_assets.samples.expected import Expected
from retail_assets.samples.generated_lines import render
from retail_assets.samples.generated_rows import Landing, day_weight
from retail_assets.samples.sample_landing import AsLanded, SampleLanded, as_it_is, refuse_foreign_landings, workplace
from retail_assets.storage import Store

SOURCE = "retail_sales"
HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
START = dt.date(2024, 1, 1)
MOST_ROWS = 1_000_000_000
MOST_DAYS = 3_660
MOST_DIRT = 0.25

_CHUNK = 1 << 18


def generate(
    rows: int,
    days: int,
    seed: int,
    start: dt.date = START,
    dirt: float = 0.01,
    *,
    expected: Expected | None = None,
    chunk: int = _CHUNK,
) -> Iterator[tuple[dt.date, str, bytes]]:
    """Yield (landing day, file name, bytes): one CSV file per landing day, in pieces of `chunk` rows.

    Pieces of one file follow each other. The first begins with the header; a day without rows has no file. Days are
    landing partitions from `start` on. Most rows were sold the day before, some on the day, a few up to two weeks
    earlier. Neither `chunk` nor the machine changes a byte. `expected` is filled along the way.

    Raises LandingError if an argument is out of range.

    >>> day, name, data = next(generate(rows=10, days=1, seed=1, dirt=0.0))
    >>> print(data.decode().splitlines()[0])
    Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount
    """
    _check(rows, days, start, seed, dirt)
    account = Expected() if expected is None else expected
    name = file_name(rows, days, seed, dirt)
    first = 0
    for landed_on, count in rows_by_landing(rows, days, start).items():
        landing = Landing(seed, dirt, landed_on, first, first + count, groups=rows // 600 + 1)
        for low in range(first, first + count, chunk):
            high = min(low + chunk, first + count)
            data = render(landing, np.arange(low, high, dtype=np.int64), account)
            yield landed_on, name, (HEADER.encode() + b"\n" + data if low == first else data)
        first += count


def file_name(rows: int, days: int, seed: int, dirt: float = 0.01) -> str:
    """Return the name of every file of the sample, which states how it was made."""
    return f"synthetic_{rows}-rows_{days}-days_seed-{seed}_dirt-{dirt:g}.csv"


def rows_by_landing(rows: int, days: int, start: dt.date = START) -> dict[dt.date, int]:
    """Return how many rows land on each day, `rows` in total. Sales of weekends and before holidays weigh more.

    Raises LandingError if an argument is out of range.
    """
    _check(rows, days, start)
    landings = [start + dt.timedelta(days=d) for d in range(days)]
    weights = [day_weight(day - dt.timedelta(days=1)) for day in landings]
    total, so_far, before = sum(weights), 0, 0
    counts = {}
    for day, weight in zip(landings, weights, strict=True):
        so_far += weight
        upto = rows * so_far // total
        counts[day] = upto - before
        before = upto
    return counts


def land(
    store: Store,
    rows: int,
    days: int,
    seed: int,
    start: dt.date = START,
    dirt: float = 0.01,
    watch: Callable[[int], None] | None = None,
    as_landed: AsLanded = as_it_is,
) -> SampleLanded:
    """Land generated sales below `retail_sales`. Landing them a second time changes nothing.

    `watch` is called with the number of rows of every piece; `as_landed` gives what lands of each file. Raises
    LandingError if an argument is out of range, or if there are other landings below the source.
    """
    _check(rows, days, start, seed, dirt)
    name = file_name(rows, days, seed, dirt)
    counts = rows_by_landing(rows, days, start)
    keys = {day: f"{partition_folder(SOURCE, day)}/{name}" for day, count in counts.items() if count}
    present = refuse_foreign_landings(store, SOURCE, set(keys.values()), f"the synthetic sample {name}")
    account = Expected()
    pieces = generate(rows, days, seed, start, dirt, expected=account)
    landed = reported = 0
    with workplace() as work:
        path = Path(work, name)
        for day, of_the_day in itertools.groupby(pieces, key=lambda piece: piece[0]):
            with path.open("wb") as f:
                for _, _, data in of_the_day:
                    f.write(data)
                    if watch:
                        watch(account.rows - reported)
                    reported = account.rows
            with as_landed(path, day, None) as copied:
                landed += land_file(copied, store, SOURCE, day, present=present).status == "landed"
    return SampleLanded(SOURCE, rows, landed, len(keys) - landed, min(keys), max(keys))


def _check(rows: int, days: int, start: dt.date, seed: int = 0, dirt: float = 0.0) -> None:
    options = (("--rows", rows, 1, MOST_ROWS), ("--days", days, 1, MOST_DAYS), ("--seed", seed, 0, 2**32))
    for option, value, low, high in options:
        if not low <= value <= high:
            raise LandingError(f"{option} {value} is out of range. Allowed: {low:,} to {high:,}.")
    if not 0 <= dirt <= MOST_DIRT:  # also refuses nan
        raise LandingError(f"--dirt {dirt} is out of range. Allowed: 0 to {MOST_DIRT}.")
    if not dt.date(1990, 2, 1) <= start <= dt.date(2100, 1, 1):
        raise LandingError(f"--start {start} is out of range. Allowed: 1990-02-01 to 2100-01-01.")

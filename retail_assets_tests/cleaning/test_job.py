"""The job on real Spark: every line is accounted for, whatever the order and number of tasks; errors are clear."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from retail_assets.cleaning import exchange, job
from retail_assets.contracts import loading as contracts
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import inspect_landings
from retail_assets.samples.expected import Expected
from retail_assets.samples.synthetic import HEADER, SOURCE, generate
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = dt.date(2024, 1, 10)


@dataclasses.dataclass(frozen=True)
class Shop:
    """A raw store, a lake and a warehouse, and what the assets do with them."""

    spark: SparkSession
    raw: Store
    lake: Lake
    warehouse: DuckDBWarehouse
    contract: Contract

    def put(self, day: dt.date, name: str, text: str | bytes) -> None:
        self.raw.write(f"{partition_folder(SOURCE, day)}/{name}", text if isinstance(text, bytes) else text.encode())

    def register(self, *days: dt.date) -> list[RawManifest]:
        return inspect_landings(self.raw, SOURCE, list(days), self.contract)

    def clean(self, landings: list[RawManifest], run: str = "run") -> list[CleanManifest]:
        return job.clean(lambda: self.spark, self.raw, self.lake, landings, self.contract, run)

    def load(self, *days: dt.date, run: str = "run") -> None:
        manifests = self.clean(self.register(*days), run)
        for manifest in manifests:
            self.lake.publish_clean(manifest)
        self.warehouse.load_landings(self.lake.store, manifests)

    def rows(self, manifests: list[CleanManifest]) -> dict[str, list[str]]:
        """Return every row of the lake by status, in a defined order."""
        return {
            status: sorted(
                repr(row)
                for m in manifests
                for key in m.keys(status)
                for row in pq.read_table(self.lake.store.local_path(key)).to_pylist()
            )
            for status in STATUSES
        }


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    return Shop(
        spark,
        Store(str(tmp_path / "räw's")),
        Lake(Store(str(tmp_path / "lake")), SOURCE),
        DuckDBWarehouse(tmp_path / "w.duckdb", SOURCE),
        contracts.load(SOURCE),
    )


def sale(transaction: str, cents: int, day: str = "2024-01-09") -> str:
    price = Decimal(cents).scaleb(-2)
    return f"{transaction},{day},CUST1,Female,30,Beauty,1,{price},{price}"


def csv(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


@pytest.mark.spark
def test_every_line_is_accounted_for_and_the_result_depends_on_neither_order_nor_tasks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Expected()
    files: dict[tuple[dt.date, str], bytes] = {}
    for day, name, data in generate(3000, 3, 11, dirt=0.2, expected=expected, chunk=400):
        files[day, name] = files.get((day, name), b"") + data
    for (day, name), data in files.items():
        # The same landing in three files, in the order of their names.
        header, *lines = data.splitlines(keepends=True)
        cut = len(lines) // 3
        for part, of in enumerate((lines[:cut], lines[cut : 2 * cut], lines[2 * cut :])):
            shop.put(day, f"{part}-{name}", header + b"".join(of))
    landings = shop.register(*sorted({day for day, _ in files}))
    manifests = shop.clean(landings)

    for landing, manifest in zip(landings, manifests, strict=True):
        assert (manifest.landed_on, manifest.raw_digest) == (landing.landed_on, landing.digest)
        assert manifest.lines == landing.lines
    reasons: Counter[str] = Counter()
    for manifest in manifests:
        reasons.update(manifest.reasons)
    assert dict(reasons) == expected.reasons
    counts = [sum(m.rows(status) for m in manifests) for status in STATUSES]
    assert counts == [expected.clean, expected.quarantined, expected.superseded, 0]
    assert sum((m.amount("clean") for m in manifests), Decimal(0)) == expected.clean_amount

    # As if two of the landings were too large for one task, and one task read them all.
    monkeypatch.setattr(job, "_MOST_TASKS", 1)
    sizes = sorted(m.lines for m in landings)
    monkeypatch.setattr(exchange, "BUCKET_LINES", sizes[0])
    in_parts = shop.clean(landings[::-1], "in-parts")
    assert [m.landed_on for m in in_parts] == [m.landed_on for m in landings[::-1]]
    assert shop.rows(in_parts) == shop.rows(manifests)
    by_size = {len(m.files["clean"]): m.lines for m in in_parts}
    assert by_size[1] == sizes[0]
    assert max(by_size) > 1

    monkeypatch.setattr(exchange, "BUCKET_LINES", 60)
    monkeypatch.setattr(job, "_MOST_TASKS", 1000)
    monkeypatch.setattr(job, "_TASK_BYTES", 1 << 12)
    assert shop.rows(shop.clean(landings, "in-many-parts")) == shop.rows(manifests)


@pytest.mark.spark
def test_sales_stay_exact_through_late_corrected_and_withdrawn_files(shop: Shop) -> None:
    """Seeded random landings through Spark; the oracle reads the landed lines themselves."""
    rng = random.Random(5)
    days = [DAY + dt.timedelta(days=i) for i in range(3)]
    landed: dict[dt.date, list[tuple[str, int]]] = {}
    for step, order in enumerate(([days[1], days[0]], [days[2]], [days[0], days[1], days[2]])):
        for day in order:
            lines = [(rng.choice("ABCDE"), rng.randrange(1, 999)) for _ in range(rng.randrange(1, 9))]
            half = rng.randrange(len(lines) + 1)
            for name, part in (("a.csv", lines[:half]), ("b.csv", lines[half:])):
                key = f"{partition_folder(SOURCE, day)}/{name}"
                shop.raw.delete([key])
                if part:
                    shop.put(day, name, csv(*(sale(t, cents) for t, cents in part)))
            landed[day] = lines
        shop.load(*order, run=f"run{step}")
        current = {t: cents for day in sorted(landed) for t, cents in landed[day]}
        sales = shop.warehouse.query("SELECT transaction_id AS t, total_amount AS a FROM sales").to_pylist()
        assert sorted((row["t"], row["a"].scaleb(2)) for row in sales) == sorted(current.items())
    # Completely withdrawn: the landing has no more files, and needs no Spark.
    shop.raw.delete([f"{partition_folder(SOURCE, days[2])}/{name}" for name in ("a.csv", "b.csv")])
    shop.load(days[2], run="withdrawn")
    current = {t: cents for day in days[:2] for t, cents in landed[day]}
    [row] = shop.warehouse.query("SELECT count(*) AS n, sum(total_amount) AS a FROM sales").to_pylist()
    assert (row["n"], row["a"].scaleb(2)) == (len(current), sum(current.values()))


@pytest.mark.spark
@pytest.mark.parametrize("bucket_lines", [500_000, 2])
def test_repeated_ids_are_numbered_where_the_contract_says_so_and_fit_their_column_with_the_number(
    shop: Shop, bucket_lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BUCKET_LINES", bucket_lines)
    rule = shop.contract.columns["transaction_id"].model_copy(update={"occurrence": True})
    numbered = shop.contract.model_copy(update={"columns": shop.contract.columns | {"transaction_id": rule}})
    shop = dataclasses.replace(shop, contract=numbered)
    longest = "x" * 117
    lines = [sale("A", 100), sale("A", 200), sale(longest, 300), sale(longest + "x", 400), sale("A-1", 500)]
    shop.put(DAY, "a.csv", csv(*lines))
    [manifest] = shop.clean(shop.register(DAY))
    assert manifest.reasons == {"text_too_long": 1}
    rows = [
        row
        for key in manifest.keys("clean")
        for row in pq.read_table(shop.lake.store.local_path(key)).select(["transaction_id", "total_amount"]).to_pylist()
    ]
    cents = {row["transaction_id"]: int(row["total_amount"].scaleb(2)) for row in rows}
    assert cents == {"A-1": 100, "A-2": 200, f"{longest}-1": 300, "A-1-1": 500}


@pytest.mark.spark
def test_an_error_in_a_task_comes_out_as_it_was_raised_with_its_message_only(shop: Shop, tmp_path: Path) -> None:
    shop.put(DAY, "a.csv", csv(sale("A", 100)))
    landings = shop.register(DAY)
    [profile] = landings[0].files

    shop.put(DAY, "a.csv", csv(sale("A", 100), sale("B", 100)))
    with pytest.raises(LandingError) as replaced:
        shop.clean(landings)
    assert str(replaced.value).startswith(f"{profile.key} has ")
    assert str(replaced.value).endswith("Materialize raw_sales_files and clean_sales again for this landing.")

    shop.raw.delete([profile.key])
    with pytest.raises(StorageError) as gone:
        shop.clean(landings)
    assert str(gone.value).startswith(f"Cannot read {shop.raw.uri_of(profile.key)}: it is not there")
    assert "\n" not in str(gone.value)

    shop.put(DAY, "a.csv", csv(sale("A", 100)))
    (tmp_path / "file").write_text("")
    blocked = dataclasses.replace(shop, lake=Lake(Store(str(tmp_path / "file")), SOURCE))
    with pytest.raises(StorageError) as refused:
        blocked.clean(landings)
    assert str(refused.value).startswith(f"Cannot write {tmp_path}/file/")
    assert "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value)


def _no_session() -> Any:
    raise AssertionError("Spark was asked for")


def test_landings_without_files_need_no_spark(tmp_path: Path) -> None:
    empty = RawManifest(SOURCE, DAY, "c", ())
    lake = Lake(Store(str(tmp_path)), SOURCE)
    [manifest] = job.clean(_no_session, Store(str(tmp_path)), lake, [empty], contracts.load(SOURCE), "run")
    assert (manifest.landed_rows, manifest.lines, manifest.raw_digest) == (0, 0, empty.digest)


def test_a_landing_given_twice_is_refused(tmp_path: Path) -> None:
    empty = RawManifest(SOURCE, DAY, "c", ())
    with pytest.raises(ValueError, match="more than once"):
        job.clean(_no_session, Store("x"), Lake(Store("x"), SOURCE), [empty, empty], contracts.load(SOURCE), "run")


@given(st.lists(st.integers(0, 200 << 20), min_size=1, max_size=60))
def test_files_are_grouped_each_once_and_no_group_is_much_heavier_than_it_must_be(sizes: list[int]) -> None:
    from retail_assets.lake.profile import FileProfile

    blank = {f.name: None for f in dataclasses.fields(FileProfile)}
    files = [
        job._File(number, DAY, FileProfile(**blank | {"size": size, "unpacked": 0}))  # type: ignore[arg-type]
        for number, size in enumerate(sizes)
    ]
    groups = job.balanced([(f,) for f in files])
    assert sorted(t.number for group in groups for t in group) == list(range(len(sizes)))
    assert all(groups)
    weights = [sum(t.profile.size for t in group) for group in groups]
    # The bound of a greedy split: the average plus one more file.
    assert max(weights) <= sum(sizes) / len(groups) + max(sizes) + len(sizes)


_TRACE = """An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "storage.py", line 1, in _explained
FileNotFoundError: [Errno 2] No such file or directory: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "worker.py", line 2, in main
{raised}
"""


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            _TRACE.format(raised="retail_assets.errors.StorageError: Cannot read x: gone."),
            StorageError,
            "Cannot read x: gone.",
        ),
        (
            "Job aborted due to stage failure: org.apache.spark.api.python.PythonException: Traceback:\n"
            "retail_assets.errors.LandingError: first line,\nsecond line.\n\n\tat org.apache.spark\nDriver stacktrace:",
            LandingError,
            "first line,\nsecond line.",
        ),
        (
            _TRACE.format(raised="retail_assets.errors.StorageError: the cause")
            + "\nThe above exception was the direct cause of the following exception:\n\n"
            "retail_assets.errors.LandingError: what it means\n\tat org.apache",
            LandingError,
            "what it means",
        ),
        ("java.io.IOException: No space left on device", StorageError, "The disk is full, so Spark could not write"),
    ],
)
def test_the_last_retail_error_of_a_trace_is_the_one_that_was_raised(
    text: str, kind: type[Exception], message: str
) -> None:
    error = job._as_retail_error(RuntimeError(text))
    assert type(error) is kind
    assert str(error).startswith(message)


@pytest.mark.parametrize("text", ["ZeroDivisionError: division by zero", "retail_assets.errors.NoSuchError: x", ""])
def test_an_error_of_another_kind_stays_what_it_is(text: str) -> None:
    assert job._as_retail_error(RuntimeError(text)) is None

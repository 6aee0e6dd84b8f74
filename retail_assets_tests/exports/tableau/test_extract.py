"""The extract, read back by pantab, holds what the warehouse holds, cell by cell; what is not in it, it says."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pantab
import pytest

from retail_assets.errors import NotReadyError, StorageError, WarehouseBusyError
from retail_assets.exports import TABLEAU_EXTRACT, TABLEAU_WORKBOOK
from retail_assets.exports.tableau import hyper, totals
from retail_assets.exports.tableau.contents import ABOUT, CONTENTS, DATA_SOURCES, LINES, RELATIONS
from retail_assets.exports.tableau.extract import Extract, make_extract
from retail_assets.exports.tableau.write import folder, write_tableau
from retail_assets.storage import Store
from retail_assets.tables import DIM_CUSTOMER, SALES_FORECAST
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.exports.tableau.shops import HOSTILE, hostile_sales, put, rows, whole
from retail_assets_tests.segmentation.shoppers import line

MANY = 1_000_000


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of each table of a Hyper file, without the product."""
    tables = pantab.frames_from_hyper(path, return_type="pyarrow", process_params={"log_dir": str(path.parent)})
    assert {name[0] for name in tables} == {"Extract"}
    return {name[1]: rows.to_pylist() for name, rows in tables.items()}


def stored(folder: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a query over the warehouse's file, without the product."""
    with duckdb.connect(str(folder / "test.duckdb"), read_only=True) as connection:
        connection.execute("SET schema = 'shop'")
        return connection.sql(sql).to_arrow_table().to_pylist()


def ordered(rows: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    return sorted([(name, repr(row[name])) for name in sorted(row)] for row in rows)


@dataclass(frozen=True)
class Made:
    """A shop, and an extract of it."""

    folder: Path
    extract: Extract

    @property
    def path(self) -> Path:
        return self.folder / "a.hyper"


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("extract")
    return Made(folder, make_extract(whole(folder, hostile_sales()), folder / "a.hyper", "shop", "EUR", MANY))


@pytest.fixture
def shop(tmp_path: Path) -> DuckDBWarehouse:
    return whole(tmp_path, hostile_sales())


def test_every_cell_is_that_of_the_warehouse(made_once: Made) -> None:
    made, found = made_once.extract, read(made_once.path)
    assert set(found) == {content.table.name for content in CONTENTS} | {ABOUT.name}
    for content in CONTENTS:
        rows = stored(made_once.folder, f"SELECT * FROM {content.origin.name}")
        if content.table == LINES:
            for row in rows:
                row["product_key"] = row["product_id"] or row["product_category"]
                row["store_id"] = row["store_id"] or "(none)"
            rows = [{name: row[name] for name in LINES.names} for row in rows]
        assert ordered(found[content.table.name]) == ordered(rows), content.table.name
        assert made.rows[content.table.name] == len(rows)
    assert len(found["sales"]) == len(HOSTILE)
    assert {row["product_category"] for row in found["sales"]} == set(HOSTILE)
    assert made.relations == RELATIONS
    assert made.last_day == dt.date(2024, 1, len(HOSTILE))


def test_it_says_what_it_holds(made_once: Made) -> None:
    about = {row["table_name"]: row for row in read(made_once.path)["about"]}
    assert set(about) == {content.table.name for content in CONTENTS}
    assert about["sales"]["row_count"] == len(HOSTILE)
    assert {(row["source"], row["currency"], row["note"]) for row in about.values()} == {("shop", "EUR", None)}
    assert about["sales"]["last_sale_date"] == dt.date(2024, 1, len(HOSTILE))


def test_more_lines_than_the_limit_are_left_out_whole_and_it_says_so(shop: DuckDBWarehouse, tmp_path: Path) -> None:
    at_limit = make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", len(HOSTILE))
    assert at_limit.rows["sales"] == len(HOSTILE)
    above = make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", len(HOSTILE) - 1)
    found = read(tmp_path / "a.hyper")
    assert "sales" not in found
    assert above.notes["sales"].startswith("left out: 9 lines, more than the 8 of RETAIL_TABLEAU_LINES.")
    [about] = [row for row in found["about"] if row["table_name"] == "sales"]
    assert (about["row_count"], about["note"]) == (None, above.notes["sales"])
    assert len(found["daily_store_category_sales"]) == len(HOSTILE)


def test_tables_that_do_not_exist_yet_are_left_out_and_it_says_so(tmp_path: Path) -> None:
    shop = whole(tmp_path, hostile_sales())
    with duckdb.connect(str(tmp_path / "test.duckdb")) as connection:
        connection.execute("DROP TABLE shop.sales_forecast; DROP TABLE shop.dim_product")
    made = make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", MANY)
    assert set(made.notes) == {"sales_forecast", "dim_product"}
    assert "Materialize the asset sales_forecast, then tableau_extract." in made.notes["sales_forecast"]
    assert not {"sales_forecast", "dim_product"} & set(read(tmp_path / "a.hyper"))
    assert set(made.relations) == {r for r in RELATIONS if r.to.name != "dim_product"}


def test_without_sales_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="Materialize the asset `sales` first"):
        make_extract(DuckDBWarehouse(tmp_path / "no.duckdb", "shop"), tmp_path / "a.hyper", "shop", "EUR", MANY)


def test_a_single_sale_to_nobody_known(tmp_path: Path) -> None:
    shop = whole(tmp_path, [line("1", "2024-01-01", None, 5)], customers=False)
    made = make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", MANY)
    assert made.rows["sales"] == 1
    assert made.rows["dim_customer"] == made.rows["customer_segments"] == made.rows["segment_profiles"] == 0
    assert made.relations == RELATIONS
    assert len(read(tmp_path / "a.hyper")["dim_date"]) == 1


def test_a_dimension_older_than_the_sales_is_not_called_related(shop: DuckDBWarehouse, tmp_path: Path) -> None:
    """Hyper believes a declared key, and drops rows from joins where it does not hold."""
    shop.rebuild(DIM_CUSTOMER, f"{marts.DIM_CUSTOMER} LIMIT 2")
    made = make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", MANY)
    assert {r.to for r in RELATIONS} - {r.to for r in made.relations} == {DIM_CUSTOMER}
    assert made.notes["sales"].startswith("not related to dim_customer, which lacks 4 values of customer_id")
    assert made.rows["sales"] == len(HOSTILE)


def test_what_hyper_refuses_is_said_in_words(made_once: Made) -> None:
    with pytest.raises(StorageError, match="Hyper cannot work on") as refused:
        hyper.query(made_once.path, "SELECT no_column FROM no_table")
    assert "as they were" in str(refused.value)


class Torn(DuckDBWarehouse):
    """A warehouse whose scan of one table fails, or ends early, in the middle."""

    fails: BaseException | None = None

    def scan(self, query: str, parameters: Any = ()) -> Iterator[Any]:
        for batch in super().scan(query, parameters):
            if "FROM daily_store_category_sales" not in query:
                yield batch
                continue
            yield batch.slice(0, 2)
            if self.fails:
                raise self.fails


@pytest.mark.parametrize("failure", [StorageError("gone"), KeyboardInterrupt()])
def test_a_stream_that_fails_fails_the_extract(tmp_path: Path, failure: BaseException) -> None:
    """pantab takes an error in a stream for its end: a table with half its rows, and no error."""
    whole(tmp_path, hostile_sales())
    torn = Torn(tmp_path / "test.duckdb", "shop")
    torn.fails = failure
    output = Store(str(tmp_path / "output"))
    with pytest.raises(type(failure)):
        write_tableau(torn, output, "shop", "EUR", MANY)
    assert output.list("") == []


def test_rows_that_were_lost_on_the_way_are_noticed_before_anything_is_published(tmp_path: Path) -> None:
    whole(tmp_path, hostile_sales())
    output = Store(str(tmp_path / "output"))
    output.write(TABLEAU_EXTRACT, b"before")
    with pytest.raises(WarehouseBusyError) as refused:
        write_tableau(Torn(tmp_path / "test.duckdb", "shop"), output, "shop", "EUR", MANY)
    assert "daily_store_category_sales: rows 9 in the warehouse, 2 in the extract" in str(refused.value)
    assert re.search(r" and \d+ more\. Nothing was published\.", str(refused.value))
    assert output.read(TABLEAU_EXTRACT) == b"before"
    assert [entry.key for entry in output.list("")] == [TABLEAU_EXTRACT]


def test_nothing_is_left_behind_and_no_log_lies_in_the_working_directory(
    shop: DuckDBWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "here")
    output = Store(str(tmp_path / "output"))
    written = write_tableau(shop, output, "shop", "EUR", MANY)
    assert list((tmp_path / "tmp").iterdir()) == list((tmp_path / "here").iterdir()) == []
    assert [entry.key for entry in output.list("")] == [TABLEAU_EXTRACT, TABLEAU_WORKBOOK]
    assert output.list("tableau")[0].size == written.bytes
    assert read(output.local_path(TABLEAU_EXTRACT))["sales"]


def test_what_killed_runs_left_is_swept_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, hours in (("retail-tableau-old", 25), ("retail-tableau-new", 1), ("another-old", 25)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "retail.hyper").write_bytes(b"")
        then = time.time() - hours * 3600
        os.utime(tmp_path / name, (then, then))
    with folder() as made:
        assert made.parent == tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"retail-tableau-new", "another-old"}


def test_doubles_that_cancel_or_are_no_numbers_are_compared_all_the_same(tmp_path: Path) -> None:
    """Databases add doubles in other orders: near zero, their sums agree in no digit."""
    shop = whole(tmp_path, [line("1", "2024-01-01", "c", 5)])
    made = rows(SALES_FORECAST, [f"c{n}" for n in range(4000)])
    for n, row in enumerate(made):
        row["mean"] = (-1) ** n * (1e9 + n // 2 * 1.1)
        row["p50"] = [float("nan"), float("inf"), 0.0][n % 3]
    put(shop, SALES_FORECAST, made)
    assert make_extract(shop, tmp_path / "a.hyper", "shop", "EUR", MANY).rows["sales_forecast"] == 4000
    found = {row["product_category"]: row["mean"] for row in read(tmp_path / "a.hyper")["sales_forecast"]}
    assert found == {row["product_category"]: row["mean"] for row in made}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("12.00", "12", True),
        ("12.01", "12", False),
        (None, None, True),
        (None, "0", False),
        ("0", None, False),
        ("NaN", "nan", True),
        ("NaN", "1", False),
        ("Infinity", "inf", True),
        ("1.0000000000001", "1", True),
        ("1.000001", "1", False),
        ("2024-01-01", "2024-01-01", True),
        ("2024-01-01", "2024-01-02", False),
    ],
)
def test_which_totals_are_the_same(one: str | None, other: str | None, same: bool) -> None:
    [total] = [
        t for t in totals.totals_of(SALES_FORECAST) if t.column and t.column.name == "mean" and t.name == "sum > 0"
    ]
    assert (totals.differences({total: one}, {total: other}) == []) is same


def test_memory_does_not_grow_with_the_lines(tmp_path: Path) -> None:
    """Ten times the lines: the streams hold a batch of them at a time."""
    code = """
import resource, sys
from pathlib import Path
from retail_assets.exports.tableau.extract import Extract, make_extract
from retail_assets_tests.exports.tableau.shops import whole
from retail_assets_tests.segmentation.shoppers import line
folder, count = Path(sys.argv[1]), int(sys.argv[2])
warehouse = whole(folder, [line("1", "2024-01-01", "c", 5)])
copies = f"SELECT s.* REPLACE (concat(transaction_id, n) AS transaction_id) FROM sales s, range({count}) r(n)"
import duckdb
with duckdb.connect(str(folder / "test.duckdb")) as c:
    c.execute("SET schema = 'shop'; INSERT INTO sales " + copies)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = make_extract(warehouse, folder / "a.hyper", "shop", "EUR", 10**9)
assert made.rows["sales"] == count + 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    peaks = []
    for count in (200_000, 2_000_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(count)],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
            cwd=Path(__file__).parents[3],
            env=dict(os.environ),
        )
        peaks.append(int(done.stdout.split()[-1]))  # after DuckDB's bar of progress
    assert peaks[1] < peaks[0] + 250, peaks


def test_each_data_source_has_one_table_that_no_other_names() -> None:
    """A server makes a data model from the keys of a file only if there is exactly one such table."""
    assert {source.fact for source in DATA_SOURCES} <= {content.table for content in CONTENTS}
    for source in DATA_SOURCES:
        named = [r.to for r in RELATIONS if r.table == source.fact]
        assert source.fact not in named
        assert len(set(named)) == len(named)
        assert not [r for r in RELATIONS if r.table in named], "a snowflake would need its own relations"
        assert source.day in source.fact.names

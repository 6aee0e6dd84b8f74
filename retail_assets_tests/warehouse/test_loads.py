"""Whatever is loaded in whatever order, the tables say what their definitions say."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retail_assets.errors import StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.landings import (
    DAY,
    SOURCE,
    Row,
    defined,
    held,
    latest_lines,
    line,
    publish,
    rejected,
)

DAYS = [DAY + dt.timedelta(days=i) for i in range(4)]

#: One landing: (transaction, cents, file) a line; few transactions, so that landings collide.
_LINES = st.lists(
    st.tuples(st.sampled_from("ABCDEF"), st.integers(-300, 300), st.sampled_from(["a.csv", "b.csv"])), max_size=6
)
#: One load: days in any order, each with a new landing (content, rejected lines, files in the lake) or as it stands.
_LOAD = st.lists(
    st.tuples(
        st.sampled_from(DAYS), st.none() | st.tuples(_LINES, st.integers(0, 2), st.integers(1, 3)), st.booleans()
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda step: step[0],
)
#: The statement at which a first attempt at a load fails. A load has about 30 of them.
_BREAKS = st.none() | st.integers(0, 35)

SEQUENCES = trials(ordinary=15, soak=600)


def landing(content: Sequence[tuple[str, int, str]], day: dt.date) -> list[Row]:
    return [line(t, cents, day, file, at) for at, (t, cents, file) in enumerate(content, 2)]


class Breaking(DuckDBWarehouse):
    """A warehouse whose disk fails at a statement of each load."""

    def __init__(self, path: Path, schema: str, at: int) -> None:
        super().__init__(path, schema)
        self._at = at

    def _connect(self) -> Any:
        return _BreakingConnection(super()._connect(), self._at)


class _BreakingConnection:
    def __init__(self, connection: Any, at: int) -> None:
        self._connection, self._left = connection, at

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._left -= 1
        if self._left == -1:
            raise duckdb.IOException("Could not write: No space left on device")
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@given(st.lists(st.tuples(_LOAD, _BREAKS), min_size=1, max_size=4))
@settings(max_examples=SEQUENCES)
@pytest.mark.soak
def test_after_any_sequence_of_loads_whole_or_broken_the_tables_equal_their_definition(
    loads: list[tuple[list[tuple[dt.date, tuple[list[tuple[str, int, str]], int, int] | None, bool]], int | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Store(f"{folder}/lake"), SOURCE)
        path = Path(folder, "w.duckdb")
        warehouse = DuckDBWarehouse(path, SOURCE)
        warehouse.load_landings(lake.store, [])
        published: dict[dt.date, tuple[CleanManifest, list[Row], list[Row]]] = {}
        lines: dict[dt.date, list[Row]] = {}
        quarantined: dict[dt.date, list[Row]] = {}
        for number, (load, breaks_at) in enumerate(loads):
            before, manifests = defined(lines, quarantined), []
            for day, new, is_loaded in load:
                if new is not None:
                    content, bad, files = new
                    rows, wrong = landing(content, day), [rejected(100 + i, day, cents=i or None) for i in range(bad)]
                    manifest = publish(lake, day, rows, wrong, run=f"run{number}", files=files)
                    published[day] = (manifest, rows, wrong)
                if is_loaded and day in published:
                    manifest, lines[day], quarantined[day] = published[day]
                    manifests.append(manifest)
            if breaks_at is not None:
                try:
                    Breaking(path, SOURCE, breaks_at).load_landings(lake.store, manifests)
                except StorageError:
                    assert held(warehouse) == before
                else:
                    assert held(warehouse) == defined(lines, quarantined)
            first = warehouse.load_landings(lake.store, manifests)
            after_first = held(warehouse)
            again = warehouse.load_landings(lake.store, manifests)
            assert held(warehouse) == after_first == defined(lines, quarantined)
            assert (again.clean_inserted, again.clean_deleted) == (first.clean_inserted, first.clean_inserted)
            assert (again.quarantine_inserted, again.quarantine_deleted) == (first.quarantine_inserted,) * 2
            assert again.sales_total == first.sales_total == len(after_first["sales"])
            # Conserved: what the manifests count is what went in, and nothing else is in the tables.
            assert first.clean_inserted == sum(m.rows("clean") for m in manifests)
            assert first.quarantine_inserted == sum(m.rows("quarantine") for m in manifests)
            assert len(after_first["sales_clean"]) == sum(len(latest_lines(rows)) for rows in lines.values())


@given(
    st.dictionaries(st.sampled_from(DAYS), _LINES, min_size=2),
    st.lists(st.sampled_from(DAYS), min_size=4, max_size=8),
    st.lists(st.integers(1, 3), min_size=8, max_size=8),
)
@settings(max_examples=SEQUENCES)
@pytest.mark.soak
def test_the_same_landings_in_any_order_grouping_and_repetition_give_the_same_tables(
    content: dict[dt.date, list[tuple[str, int, str]]], order: list[dt.date], sizes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Store(f"{folder}/lake"), SOURCE)
        landings = {day: landing(lines, day) for day, lines in content.items()}
        manifests = {day: publish(lake, day, lines) for day, lines in landings.items()}
        # Every landing at least once, in the drawn order; some again.
        queue = [day for day in (*order, *(d for d in DAYS if d not in order)) if day in manifests]
        warehouse = DuckDBWarehouse(Path(folder, "w.duckdb"), SOURCE)
        while queue:
            group = list(dict.fromkeys(queue[: sizes[len(queue) % len(sizes)]]))
            queue = queue[sizes[len(queue) % len(sizes)] :]
            warehouse.load_landings(lake.store, [manifests[day] for day in group])
        assert held(warehouse) == defined(landings)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path / "lake")), SOURCE)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "warehouse" / "retail.duckdb", SOURCE, wait_seconds=5)


@pytest.mark.slow
def test_every_order_of_the_same_landings_gives_the_same_tables(lake: Lake, tmp_path: Path) -> None:
    landings = {
        DAYS[0]: landing([("A", 100, "a.csv"), ("B", 200, "a.csv")], DAYS[0]),
        DAYS[1]: landing([("B", 250, "a.csv"), ("C", 300, "b.csv")], DAYS[1]),
        DAYS[2]: landing([("A", -100, "a.csv")], DAYS[2]),
    }
    manifests = [publish(lake, day, lines) for day, lines in landings.items()]
    for number, order in enumerate(itertools.permutations(manifests)):
        one_by_one = DuckDBWarehouse(tmp_path / f"one{number}.duckdb", SOURCE)
        at_once = DuckDBWarehouse(tmp_path / f"all{number}.duckdb", SOURCE)
        for manifest in order:
            one_by_one.load_landings(lake.store, [manifest])
        at_once.load_landings(lake.store, order)
        assert held(one_by_one) == held(at_once) == defined(landings)


def test_a_withdrawn_row_gives_way_to_what_an_earlier_landing_said(lake: Lake, warehouse: DuckDBWarehouse) -> None:
    first = landing([("A", 100, "a.csv")], DAYS[0])
    warehouse.load_landings(lake.store, [publish(lake, DAYS[0], first)])
    corrected = landing([("A", 900, "a.csv")], DAYS[1])
    warehouse.load_landings(lake.store, [publish(lake, DAYS[1], corrected)])
    loaded = warehouse.load_landings(lake.store, [publish(lake, DAYS[1], [], run="withdrawn")])
    assert (loaded.clean_inserted, loaded.clean_deleted, loaded.sales_total) == (0, 1, 1)
    assert held(warehouse) == defined({DAYS[0]: first})


def test_a_late_landing_does_not_replace_what_a_later_one_said(lake: Lake, warehouse: DuckDBWarehouse) -> None:
    later, late = landing([("A", 900, "a.csv")], DAYS[3]), landing([("A", 100, "a.csv"), ("B", 5, "a.csv")], DAYS[0])
    warehouse.load_landings(lake.store, [publish(lake, DAYS[3], later)])
    warehouse.load_landings(lake.store, [publish(lake, DAYS[0], late)])
    assert held(warehouse) == defined({DAYS[0]: late, DAYS[3]: later})


def test_loading_nothing_makes_the_tables_and_changes_nothing(lake: Lake, warehouse: DuckDBWarehouse) -> None:
    assert warehouse.load_landings(lake.store, []).sales_total == 0
    assert held(warehouse) == defined({})


def test_a_landing_given_twice_is_refused(lake: Lake, warehouse: DuckDBWarehouse) -> None:
    manifest = publish(lake, DAY, [line("A", 100)])
    with pytest.raises(ValueError, match="more than once"):
        warehouse.load_landings(lake.store, [manifest, manifest])


def test_two_sources_do_not_touch_each_other(lake: Lake, warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    path = tmp_path / "warehouse" / "retail.duckdb"
    warehouse.load_landings(lake.store, [publish(lake, DAY, [line("A", 100)])])
    other_lake = Lake(lake.store, "other")
    other = DuckDBWarehouse(path, "other")
    other.load_landings(lake.store, [publish(other_lake, DAY, [line("A", 999)])])
    assert held(warehouse) == defined({DAY: [line("A", 100)]})
    assert held(other) == defined({DAY: [line("A", 999)]})


def test_a_folder_with_quotes_spaces_globs_and_unicode_is_a_folder(tmp_path: Path) -> None:
    home = tmp_path / "it's a [shop]* ünï"
    lake = Lake(Store(str(home / "lake")), SOURCE)
    warehouse = DuckDBWarehouse(home / "warehouse" / "retail.duckdb", SOURCE)
    lines = [line("A", 100), line("B", 200, at=3)]
    warehouse.load_landings(lake.store, [publish(lake, DAY, lines, files=2)])
    assert held(warehouse) == defined({DAY: lines})


def test_a_folder_that_duckdb_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"what\?.*must not contain"):
        DuckDBWarehouse(tmp_path / "what?" / "retail.duckdb", SOURCE).load_landings(Store(str(tmp_path)), [])


@pytest.mark.slow
def test_thousands_of_files_load_in_one_statement(lake: Lake, warehouse: DuckDBWarehouse) -> None:
    days = [DAY + dt.timedelta(days=i) for i in range(10)]
    landings = {day: [line(f"{day}-{i}", i, day, at=i + 2) for i in range(100)] for day in days}
    manifests = [publish(lake, day, lines, files=100) for day, lines in landings.items()]
    assert sum(len(m.keys("clean")) for m in manifests) == 1000
    assert warehouse.load_landings(lake.store, manifests).sales_total == 1000
    assert held(warehouse) == defined(landings)


def test_a_remote_lake_is_fetched_before_the_warehouse_opens_and_leaves_nothing_behind(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    lake = Lake(Store(f"memory://{tmp_path.name}"), SOURCE)
    lines = [line("A", 100), line("B", 200, at=3)]
    warehouse.load_landings(lake.store, [publish(lake, DAY, lines, [rejected(9)], files=2)])
    assert held(warehouse) == defined({DAY: lines}, {DAY: [rejected(9)]})
    assert [p.name for p in (tmp_path / "warehouse").iterdir()] == ["retail.duckdb"]

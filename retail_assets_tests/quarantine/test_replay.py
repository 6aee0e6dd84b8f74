"""Replay: rejected rows become clean if the contract now reads them, and nothing else changes."""

from __future__ import annotations

import io
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from retail_assets.cleaning import job
from retail_assets.errors import LandingError, StorageError
from retail_assets.lake.manifests import CleanManifest
from retail_assets.landing.register import inspect_landings
from retail_assets.quarantine import judge as judging
from retail_assets.quarantine import move as moving
from retail_assets.quarantine import plan as planning
from retail_assets.quarantine import replay as replaying
from retail_assets.quarantine.move import ReplayConflictError
from retail_assets.quarantine.plan import ReplayError
from retail_assets.quarantine.rows import Selection
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE, Column
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.landing.workbooks import workbook
from retail_assets_tests.quarantine.rejected_cases import D1, D2, D3, HEADER, LENIENT, STRICT, Shop, composed, contract
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new

pytestmark = pytest.mark.spark
ALL = Selection()
GOOD = "t1,2024-03-01,Toys,1,10,10"


@pytest.fixture
def shop(tmp_path: Path, spark: SparkSession) -> Shop:
    return Shop.at(tmp_path, spark)


def no_spark() -> SparkSession:
    raise AssertionError("Spark was asked for")


# --- what moves, and where to ---


def test_rows_that_the_contract_now_reads_become_clean_and_the_others_stay_with_new_reasons(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10", "t3,someday,,x,10,10", "broken line", "t4,2024-03-01,Toys,0,10,0")
    shop.clean(STRICT, D1)
    assert shop.rows(D1, "quarantine")[1]["reasons"] == "invalid_date,invalid_quantity,missing_category"
    [result] = shop.replay(LENIENT)
    assert (result.selected, result.cleaned, result.superseded, result.rejected) == (4, 1, 0, 3)
    assert result.amount == 10
    assert shop.ids(D1) == [("t1", 2), ("t2", 3)]
    rejected = shop.rows(D1, "quarantine")
    assert [r["reasons"] for r in rejected] == ["invalid_date,invalid_quantity", "malformed_row", "zero_quantity"]
    assert {r["contract_version"] for r in rejected} == {LENIENT.digest}
    shop.assert_exact()


def test_clean_rows_are_not_even_written_again(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    [before] = shop.clean(STRICT, D1)
    shop.replay(LENIENT)
    assert set(before.files["clean"]) < set(shop.lake.clean(D1).files["clean"])


@pytest.mark.parametrize(
    ("lines", "clean", "superseded"),
    [
        (["t1,2024.03.01,Toys,1,10,10", "t1,2024-03-01,Toys,2,10,20"], ("t1", 3), ("t1", 2)),
        (["t1,2024-03-01,Toys,2,10,20", "t1,2024.03.01,Toys,1,10,10"], ("t1", 3), ("t1", 2)),
        (["t1,2024.03.01,Toys,2,10,20", "t1,2024.03.01,Toys,1,10,10"], ("t1", 3), ("t1", 2)),
    ],
    ids=["the clean line is later", "the replayed line is later", "both are replayed"],
)
def test_the_latest_line_of_a_transaction_wins_whoever_it_was_that_was_rejected(
    shop: Shop, lines: list[str], clean: tuple[str, int], superseded: tuple[str, int]
) -> None:
    shop.land(D1, *lines, "t9,2024-03-01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    shop.replay(LENIENT)
    assert shop.ids(D1) == [clean, ("t9", 4)]
    assert shop.ids(D1, "superseded") == [superseded]
    shop.assert_exact()


def test_a_replayed_record_of_several_lines_takes_its_lines_along(shop: Shop) -> None:
    shop.land(D1, GOOD, 't2,2024.03.01,"To\n\nys",1,10,10', 't3,,"A\nB",1,10,10')
    shop.clean(STRICT, D1)
    shop.replay(LENIENT)
    lines = {s: sum(f.lines for f in files) for s, files in shop.lake.clean(D1).files.items()}
    assert lines == {"clean": 3, "quarantine": 2, "superseded": 0, "excluded": 0}
    shop.assert_exact()


def test_money_that_could_not_be_read_is_said_by_the_manifests_contract(shop: Shop) -> None:
    shop.land(D1, GOOD, 't2,2024-03-01,Toys,1,"1,000","1,000"')
    shop.clean(STRICT, D1)
    [result] = shop.replay(LENIENT)
    assert (result.cleaned, result.amount) == (1, Decimal(1000))
    # The control totals of the raw files are those of the first contract and hold only for it.
    assert shop.lake.clean(D1).contract == f"{STRICT.digest} + {LENIENT.digest}"
    shop.assert_exact()


def test_the_control_totals_of_the_files_go_on_to_hold_where_money_was_read_before(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    shop.replay(LENIENT)
    assert shop.lake.clean(D1).contract == STRICT.digest == shop.lake.raw(D1).contract


# --- choosing ---


def test_only_the_chosen_rows_are_judged(shop: Shop) -> None:
    lines = ("t1,2024.03.01,Toys,1,10,10", "t2,2024-03-01,,1,10,10", "t3,2024.03.01,,1,10,10")
    shop.land(D1, *lines, name="a.csv")
    shop.land(D1, *[line.replace("t", "u", 1) for line in lines], name="b.csv")
    shop.land(D2, *[line.replace("t", "v", 1) for line in lines])
    shop.clean(STRICT, D1, D2)
    [result] = shop.replay(LENIENT, Selection(reason="invalid_date", file="a.csv"))
    assert (result.landed_on, result.selected, result.cleaned) == (D1, 2, 2)
    assert shop.ids(D1) == [("t1", 2), ("t3", 4)]
    versions = {r["transaction_id"]: r["contract_version"] for r in shop.rows(D1, "quarantine")}
    assert versions == dict.fromkeys(("t2", "u1", "u2", "u3"), STRICT.digest)
    [result] = shop.replay(LENIENT, Selection(first=D2, last=D3))
    assert (result.landed_on, result.cleaned) == (D2, 3)
    shop.assert_exact()


def test_nothing_is_judged_twice_by_one_contract_unless_asked_for(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,someday,Toys,1,10,10")
    shop.clean(STRICT, D1)
    assert shop.replay(STRICT, session=no_spark) == []
    assert [r.rejected for r in shop.replay(LENIENT)] == [1]
    after = shop.lake.clean(D1)
    assert shop.replay(LENIENT, session=no_spark) == []
    assert shop.lake.clean(D1) == after
    assert [r.selected for r in shop.replay(LENIENT, again=True)] == [1]


def test_broken_lines_need_no_spark_and_are_not_tried_again(shop: Shop) -> None:
    shop.land(D1, GOOD, "broken line", "t3,2024-03-01,\x00,1,10,10")
    shop.clean(STRICT, D1)
    [result] = shop.replay(LENIENT, session=no_spark)
    assert (result.selected, result.rejected) == (2, 2)
    assert {r["contract_version"] for r in shop.rows(D1, "quarantine")} == {LENIENT.digest}
    assert shop.plan(LENIENT, ALL) == []
    shop.assert_exact()
    state = shop.state()
    [again] = shop.replay(LENIENT, again=True)  # read by a later version of ours, perhaps; not by this one
    assert (again.selected, again.rejected, again.whole) == (2, 2, None)
    assert shop.state() == state


def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.land(D1, "t1,2024-03-01,Toys,2,10,20", "t1,2024.03.01,Toys,1,10,10", "t2,2024.03.01,,x,10,10")
    shop.clean(STRICT, D1)
    files = sorted(p for p in (tmp_path / "lake").rglob("*") if p.is_file())
    before = shop.state()
    dry = shop.replay(LENIENT, publish=False)
    assert shop.state() == before
    assert sorted(p for p in (tmp_path / "lake").rglob("*") if p.is_file()) == files
    done = shop.replay(LENIENT)
    assert [r.to_json() for r in dry] == [r.to_json() for r in done]
    assert (done[0].gave_way, done[0].amount) == (1, Decimal(-10))


# --- what the texts do not tell ---


def whole(shop: Shop, with_contract: Any = LENIENT) -> str:
    before = shop.state()
    [result] = shop.replay(with_contract)
    assert result.manifest is None
    assert shop.state() == before
    return str(result.whole)


def test_a_text_that_was_cut_asks_for_the_whole_landing(shop: Shop) -> None:
    shop.land(D1, GOOD, f"t2,2024.03.01,Toys,1,10,10,{'x' * 70_000}", header=HEADER + ",note")
    shop.land(D1, "u1,2024-03-01,Toys,1,10,10", f"t2,2024.03.01,{'é' * 40_000},1,10,10")
    shop.clean(STRICT, D1)
    assert "65,535 bytes" in whole(shop)


def test_a_text_just_short_enough_to_be_whole_is_replayed(shop: Shop) -> None:
    shop.land(D1, "t1,2024-03-01,Toys,1,10,10,", f"t2,2024.03.01,Toys,1,10,10,{'x' * 65_500}", header=HEADER + ",note")
    shop.clean(STRICT, D1)
    [result] = shop.replay(LENIENT)
    assert result.cleaned == 1


@pytest.mark.parametrize(
    ("more", "what"), [("file: {encoding: latin-1}", "encoding"), ("file: {delimiter: ';'}", "delimiter")]
)
def test_a_contract_that_splits_the_file_otherwise_asks_for_the_whole_landing(shop: Shop, more: str, what: str) -> None:
    shop.land(D1, "t1;2024-03-01;Toys;1;10;10", "t2;;Toys;1;10;10", header="id;date;category;qty;price;total")
    if what == "delimiter":
        both = f"{HEADER},x;id;date;category;qty;price;total"
        shop.land(D1, "t1,2024-03-01,Toys,1,10,10,", "t2,,Toys,1,10,10,", header=both)
    shop.clean(STRICT, D1)
    assert what in whole(shop, contract(f"dates: {{order: dmy}}\n{more}"))


def test_a_source_that_numbers_its_lines_asks_for_the_whole_landing(shop: Shop) -> None:
    strict, lenient = contract(numbered=True), contract("dates: {order: dmy, formats: ['%Y.%m.%d']}", numbered=True)
    shop.land(D1, "t1,2024.03.01,Toys,1,10,10", "t1,2024-03-01,Toys,1,20,20")
    shop.clean(strict, D1)
    assert "numbers the lines" in whole(shop, lenient)
    [result] = shop.replay_and_clean(lenient)
    assert result.whole
    assert shop.ids(D1) == [("t1-1", 2), ("t1-2", 3)]
    # Without numbers, the clean rows would keep theirs, and the sale would be there twice.
    shop.land(D2, "u1,2024-03-01,Toys,1,10,10", "u1,2024.03.01,Toys,1,20,20")
    shop.clean(strict, D2)
    assert "numbered" in whole(shop, LENIENT)


def test_ids_that_the_contract_now_reads_otherwise_ask_for_the_whole_landing(shop: Shop) -> None:
    """Otherwise the sale would be there under its old and its new id, and count twice."""
    from_another = composed("dates: {order: dmy, formats: ['%Y.%m.%d']}", "id", "till")
    shop.land(D1, "t1,2024-03-01,Toys,1,10,10,a", "t1,2024.03.01,Toys,1,10,10,a", header=HEADER + ",till")
    shop.clean(STRICT, D1)
    assert "from another column" in whole(shop, from_another)
    of_same_columns = composed("dates: {order: dmy, formats: ['%Y.%m.%d']}", "id", "qty")
    assert "reads transaction ids differently" in whole(shop, of_same_columns)


def test_a_clean_row_that_gives_way_among_records_of_several_lines_asks_for_the_whole_landing(shop: Shop) -> None:
    shop.land(D1, GOOD, 't2,2024-03-01,"A\nB",1,10,10', "t1,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    assert "does not keep how many" in whole(shop)
    [result] = shop.replay_and_clean(LENIENT)
    assert result.whole
    assert shop.ids(D1) == [("t2", 3), ("t1", 5)]
    shop.assert_exact()


def test_files_registered_by_another_contract_than_cleaned_them_ask_for_the_whole_landing(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    shop.lake.publish_raw(inspect_landings(shop.raw, "shop", [D1], LENIENT)[0])
    assert "registered by another contract" in whole(shop)


def test_files_of_a_version_without_a_column_of_today_ask_for_the_whole_landing(shop: Shop) -> None:
    """Rows of both versions in one landing could not be loaded."""
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    note = Column("note", "varchar(16)", "new in this version", nullable=True)
    for table in (SALES_CLEAN, SALES_QUARANTINE):
        with defined_as({table: with_new(table, note)}):
            assert "had no column note" in whole(shop)


def test_more_rows_than_should_be_held_at_once_are_read_from_the_files(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_ROWS", 1)
    monkeypatch.setattr(replaying, "MOST_ROWS", 1)
    shop.land(D1, "t1,2024.03.01,Toys,1,10,10", "t2,2024.03.01,Toys,1,10,10")
    shop.land(D2, "t3,2024.03.01,Toys,1,10,10", GOOD)
    shop.land(D3, "t4,2024.03.01,Toys,1,10,10", GOOD)
    shop.clean(STRICT, D1, D2, D3)
    first, second, third = shop.replay(LENIENT)
    assert (first.selected, first.cleaned) == (2, 0)
    assert "so many rejected rows" in str(first.whole)
    assert [(r.cleaned, r.whole) for r in (second, third)] == [(1, None), (1, None)]  # one after the other
    shop.assert_exact()


def parquet(columns: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


SOME: dict[str, list[Any]] = {
    "id": ["t1", "t2"],
    "date": ["2024-03-01", "2024.03.01"],
    "category": ["Toys", "Toys"],
    "qty": [1, 2],
}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"price": [10, 10], "total": [10, 20]}, None),
        ({"price": [10, 10], "total": [10, 20], "note": [b"ok", b"\xff"]}, "bytes that are not text"),
        ({"price": [[10], [10]], "total": [10, 20]}, "does not match its columns"),
    ],
    ids=["plain", "lost text in a column that is not read", "nested"],
)
def test_rows_of_parquet_are_replayed_where_their_texts_tell_all(
    shop: Shop, more: dict[str, list[Any]], why: str | None
) -> None:
    shop.raw.write(f"shop/dt={D1}/sales.parquet", parquet(SOME | more))
    shop.clean(STRICT, D1)
    if why:
        assert why in whole(shop)
        return
    [result] = shop.replay(LENIENT)
    assert (result.cleaned, shop.ids(D1)) == (1, [("t1", 1), ("t2", 2)])


def test_rows_of_workbooks_are_replayed(shop: Shop) -> None:
    names = [*SOME, "price", "total"]
    rows = zip(*SOME.values(), [10, 10], [10, 20], strict=True)
    shop.raw.write(f"shop/dt={D1}/sales.xlsx", workbook(["Report"], [], names, *rows))
    shop.clean(STRICT, D1)
    [result] = shop.replay(LENIENT)
    assert (result.cleaned, shop.ids(D1)) == (1, [("t1", 4), ("t2", 5)])


def test_files_that_are_not_those_that_were_cleaned_are_refused(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    shop.land(D1, GOOD, "t3,2024.03.01,Toys,1,10,10")
    with pytest.raises(ReplayError, match="was replaced since it was registered"):
        shop.replay(LENIENT)


def test_a_file_that_is_gone_is_asked_back(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    shop.raw.delete([f"shop/dt={D1}/sales.csv"])
    with pytest.raises(ReplayError, match=r"is gone.*Put the same file back"):
        shop.replay(LENIENT)


def test_a_contract_that_the_files_do_not_fit_says_so(shop: Shop) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    other = contract().model_copy(
        update={
            "columns": {**STRICT.columns, "store_id": STRICT.columns["quantity"].model_copy(update={"header": "shop"})}
        }
    )
    with pytest.raises(LandingError, match="does not fit contract"):
        shop.replay(other)


# --- crashes and company ---


class _Killed(BaseException):
    """Simulates the end of the process: nothing that catches errors catches it."""


@pytest.mark.parametrize("at", ["job.clean", "judged", "first file", "last file", "publish"])
def test_a_crash_anywhere_leaves_the_old_state_and_the_same_again_gives_the_right_one(
    shop: Shop, tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    shop.land(D1, "t1,2024-03-01,Toys,2,10,20", "t1,2024.03.01,Toys,1,10,10", "t2,2024.03.01,,x,10,10", "no")
    shop.clean(STRICT, D1)
    before = shop.state()

    def die(*_: Any, **__: Any) -> Any:
        raise _Killed

    with monkeypatch.context() as patch:
        if at == "job.clean":
            patch.setattr(job, "clean", die)
        elif at == "judged":
            patch.setattr(judging, "_at_their_places", die)
        elif at == "publish":
            patch.setattr(shop.lake, "publish_clean", die)
        else:
            write, written = moving._Writing.file, []

            def file(self: Any, status: Any, parts: Any, lines: int) -> Any:
                written.append(status)
                if at == "first file" or status == "quarantine":
                    raise _Killed
                return write(self, status, parts, lines)

            patch.setattr(moving._Writing, "file", file)
        with pytest.raises(_Killed):
            shop.replay(LENIENT)
    assert shop.state() == before
    shop.replay(LENIENT)
    fresh = Shop.at(tmp_path / "fresh", spark, shop.raw)
    fresh.clean(LENIENT, D1)
    assert shop.state() == fresh.state()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_files_that_may_be_named_are_never_deleted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Published, then Ctrl-C or an error of the store: the manifest stays."""
    shop.land(D1, GOOD, "t1,2024.03.01,Toys,1,10,10", "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    publish = shop.lake.publish_clean

    def publish_and_fail(*arguments: Any, **options: Any) -> str:
        publish(*arguments, **options)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(shop.lake, "publish_clean", publish_and_fail)
        with pytest.raises(error):
            shop.replay(LENIENT)
    assert shop.ids(D1) == [("t1", 3), ("t2", 4)]
    shop.assert_exact()
    assert shop.replay(LENIENT, session=no_spark) == []


def test_a_lake_that_cannot_be_written_is_said(shop: Shop, tmp_path: Path) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    (tmp_path / "lake" / "shop" / ".replay.lock").mkdir()
    with pytest.raises(StorageError, match="Cannot write"):
        shop.replay(LENIENT)


def test_a_replay_that_was_published_and_not_loaded_is_known_by_its_rows(shop: Shop, tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "retail.duckdb", "shop")
    shop.land(D1, GOOD, "t2,2024.03.01,,1,10,10", "t3,someday,Toys,1,10,10")
    shop.land(D2, "u1,2024.03.01,Toys,1,10,10")
    cleaned = shop.clean(STRICT, D1, D2)
    assert replaying.not_loaded(shop.lake, warehouse, cleaned) == []  # never loaded: not for a replay to do
    shop.replay(LENIENT, Selection(first=D1, last=D1))
    current = [shop.lake.clean(D1), shop.lake.clean(D2)]
    assert replaying.not_loaded(shop.lake, warehouse, current) == [D1]
    warehouse.load_landings(shop.lake.store, current)
    assert replaying.not_loaded(shop.lake, warehouse, current) == []
    [again] = shop.clean(LENIENT, D2)
    assert replaying.not_loaded(shop.lake, warehouse, [current[0], again]) == [D2]
    shop.land(D3, "v1,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D3)
    shop.replay(LENIENT)
    assert shop.lake.clean(D3).rows("quarantine") == 0  # never loaded, and nothing of it is left to be judged
    assert replaying.not_loaded(shop.lake, warehouse, [shop.lake.clean(D3)]) == [D3]


def test_two_at_once_replay_each_row_once(shop: Shop) -> None:
    lines = [f"t{i},2024.03.01,{'Toys' if i % 2 else ''},1,10,10" for i in range(20)]
    shop.land(D1, GOOD, *lines)
    shop.clean(STRICT, D1)
    results: list[Any] = []
    start = threading.Barrier(2)

    def run(selection: Selection) -> None:
        plans = shop.plan(LENIENT, selection)
        start.wait(timeout=120)
        results.extend(replaying.replay(shop.session, shop.raw, shop.lake, LENIENT, plans, selection, lock_seconds=120))

    threads = [threading.Thread(target=run, args=(s,)) for s in (ALL, Selection(reason="missing_category"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert sum(r.cleaned for r in results) == 20
    assert len(shop.ids(D1)) == 20  # t1 of the replayed lines is later than GOOD's
    shop.assert_exact()


def test_a_landing_that_is_cleaned_meanwhile_is_left_as_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.land(D1, GOOD, "t2,2024.03.01,Toys,1,10,10")
    shop.clean(STRICT, D1)
    write = moving._Writing.file
    cleaned: list[CleanManifest] = []

    def file(self: Any, status: Any, parts: Any, lines: int) -> Any:
        if not cleaned:
            cleaned.extend(shop.clean(LENIENT, D1))
        return write(self, status, parts, lines)

    monkeypatch.setattr(moving._Writing, "file", file)
    with pytest.raises(ReplayConflictError, match="Meanwhile"):
        shop.replay(LENIENT)
    assert shop.lake.clean(D1) == cleaned[0]
    shop.assert_exact()

"""Loads, re-loads, ranges and corrections: the tables say what their definitions say, on either warehouse."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from retail_assets.errors import NotReadyError, WarehouseBusyError, WarehouseError
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    DIM_DATE,
    SALES,
    SALES_CLEAN,
)
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.contract.warehouses import NEXT, Place
from retail_assets_tests.warehouse.landings import DAY, SOURCE, Row, defined, line, publish, rejected

DAYS = [DAY + dt.timedelta(days=i) for i in range(4)]
_FEW = settings(
    max_examples=trials(ordinary=4, soak=60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def landing(content: Sequence[tuple[str, int]], day: dt.date) -> list[Row]:
    return [line(name, cents, day, at=at) for at, (name, cents) in enumerate(content, 2)]


def test_a_load_and_the_same_again_leave_exactly_what_the_landing_said(place: Place) -> None:
    assert place.held() == place.before
    manifest = place.lake.clean(NEXT)
    loaded = place.load(manifest)
    assert (loaded.clean_inserted, loaded.clean_deleted, loaded.quarantine_inserted) == (2, 0, 1)
    assert loaded.sales_total == 4
    assert place.held() == place.after
    again = place.load(manifest)
    assert (again.clean_inserted, again.clean_deleted, again.quarantine_deleted) == (2, 2, 1)
    assert place.held() == place.after


def test_a_range_in_one_load_is_the_same_as_one_by_one_in_any_order(empty_place: Place) -> None:
    landings = {
        DAYS[0]: landing([("A", 100), ("B", 200)], DAYS[0]),
        DAYS[1]: landing([("B", 250), ("C", 300)], DAYS[1]),
        DAYS[2]: landing([("A", -100)], DAYS[2]),
    }
    manifests = [publish(empty_place.lake, day, lines, files=2) for day, lines in landings.items()]
    for order in itertools.islice(itertools.permutations(manifests), 0, 6, 2):
        assert empty_place.load(*order).sales_total == 3
        assert empty_place.held() == defined(landings)
        for manifest in order:
            empty_place.load(manifest)
        assert empty_place.held() == defined(landings)


_LINES = st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(-300, 300)), max_size=4)
_LOADS = st.lists(st.tuples(st.sampled_from(DAYS), _LINES, st.integers(0, 2)), min_size=1, max_size=5)


@given(_LOADS)
@_FEW
@pytest.mark.soak
def test_after_any_sequence_of_loads_the_tables_equal_their_definition(
    empty_place: Place, loads: list[tuple[dt.date, list[tuple[str, int]], int]]
) -> None:
    # The tables of the example before are emptied by loading its days without rows.
    empty_place.load(*(publish(empty_place.lake, day, [], run="none") for day in DAYS))
    lines: dict[dt.date, list[Row]] = {}
    bad: dict[dt.date, list[Row]] = {}
    for number, (day, content, wrong) in enumerate(loads):
        lines[day], bad[day] = landing(content, day), [rejected(100 + i, day) for i in range(wrong)]
        empty_place.load(publish(empty_place.lake, day, lines[day], bad[day], run=f"run{number}"))
        assert empty_place.held() == defined(lines, bad)


def test_a_withdrawn_row_gives_way_to_what_an_earlier_landing_said(empty_place: Place) -> None:
    first = landing([("A", 100)], DAYS[0])
    empty_place.load(publish(empty_place.lake, DAYS[0], first))
    empty_place.load(publish(empty_place.lake, DAYS[1], landing([("A", 900)], DAYS[1])))
    loaded = empty_place.load(publish(empty_place.lake, DAYS[1], [], run="withdrawn"))
    assert (loaded.clean_inserted, loaded.clean_deleted, loaded.sales_total) == (0, 1, 1)
    assert empty_place.held() == defined({DAYS[0]: first})


def test_loading_nothing_makes_the_tables_and_changes_nothing(empty_place: Place) -> None:
    assert empty_place.load().sales_total == 0
    assert empty_place.held() == defined({})


def test_a_landing_given_twice_is_refused(place: Place) -> None:
    manifest = place.lake.clean(NEXT)
    with pytest.raises(ValueError, match="more than once"):
        place.load(manifest, manifest)
    assert place.held() == place.before


def test_a_landing_that_was_cleaned_again_meanwhile_does_not_put_its_old_rows_back(place: Place) -> None:
    outdated = place.lake.clean(NEXT)
    newer = [line("B", 77, NEXT)]
    place.load(publish(place.lake, NEXT, newer, run="newer"))
    with pytest.raises(WarehouseBusyError, match=rf"Cleaned again by another run.*{NEXT}.*Nothing was loaded"):
        place.load(outdated)
    assert place.held() == defined({DAY: place.first, NEXT: newer}, {DAY: [rejected(9)]})


_NUMBERS = itertools.count()
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(_TEXT, min_size=1, max_size=8, unique=True))
@_FEW
@pytest.mark.soak
def test_any_text_is_loaded_asked_for_and_read_back_as_it_is(empty_place: Place, texts: list[str]) -> None:
    rows = [line(text, 1, product_category=text, at=at) for at, text in enumerate(texts, 2)]
    empty_place.load(publish(empty_place.lake, DAY, rows, run=f"run{next(_NUMBERS)}"))
    assert empty_place.held()["sales"] == defined({DAY: rows})["sales"]
    sql = "SELECT product_category FROM sales WHERE transaction_id = ?"
    for text in texts:
        assert empty_place.warehouse.query(sql, [text]).to_pylist() == [{"product_category": text}]
    [batch] = empty_place.warehouse.scan(sql, [texts[0]])
    assert batch.to_pylist() == [{"product_category": texts[0]}]


def test_a_scan_reads_what_a_query_reads(place: Place) -> None:
    place.rerun()
    sql = f"SELECT {SALES.column_list} FROM sales WHERE landed_on >= ?"
    asked = place.warehouse.query(sql, [DAY])
    scanned = pa.Table.from_batches(list(place.warehouse.scan(sql, [DAY])))
    assert scanned.schema.names == asked.schema.names
    assert scanned.sort_by("transaction_id").to_pylist() == asked.sort_by("transaction_id").to_pylist()
    assert asked.schema.types == SALES.arrow_schema().types
    assert sum(b.num_rows for b in place.warehouse.scan(f"{sql} AND 1 = 0", [DAY])) == 0


def test_what_has_not_been_made_says_what_to_materialize(place: Place, empty_place: Place) -> None:
    with pytest.raises(NotReadyError, match=r"has no table daily_category_sales yet\. Materialize the asset `daily_c"):
        place.warehouse.query("SELECT * FROM daily_category_sales")
    assert [place.warehouse.exists(t) for t in (SALES, DIM_DATE)] == [True, False]


def test_before_the_first_load_there_is_nothing_to_ask(empty_place: Place) -> None:
    with pytest.raises(NotReadyError, match="Materialize the asset `sales` first"):
        empty_place.warehouse.query(f"SELECT * FROM {SALES_CLEAN.name}")
    assert not empty_place.warehouse.exists(SALES)


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nothing_like_it FROM sales", "SELECT no_such_function(1)"])
def test_a_query_that_is_wrong_is_no_missing_table(place: Place, sql: str) -> None:
    with pytest.raises(WarehouseError):
        place.warehouse.query(sql)


def _day(**known: Any) -> dict[str, Any]:
    day = {"calendar_date": DAY, "year": 2024, "quarter": 1, "month": 3, "day_of_month": 1}
    return day | {"iso_week": 9, "weekday": 5, "is_weekend": False, "holiday": None} | known


def test_replacing_a_table_with_rows_that_break_it_keeps_the_old_ones(place: Place) -> None:
    schema = DIM_DATE.arrow_schema()
    nullable = pa.schema([pa.field(f.name, f.type) for f in schema])
    assert place.warehouse.replace(DIM_DATE, pa.Table.from_pylist([_day()], schema=schema)) == 1
    with pytest.raises(WarehouseError, match=r"dim_date: the new rows do not fit .*year.*The old ones stay"):
        place.warehouse.replace(DIM_DATE, pa.Table.from_pylist([_day(year=None)], schema=nullable))
    assert place.warehouse.query("SELECT * FROM dim_date").to_pylist() == [_day()]
    assert place.warehouse.replace(DIM_DATE, schema.empty_table()) == 0
    assert place.warehouse.query("SELECT * FROM dim_date").num_rows == 0


def test_a_table_made_by_a_query_that_fails_keeps_its_old_rows(place: Place) -> None:
    select = (
        "SELECT sale_date, product_category, total_amount AS revenue, quantity AS units, count(*) AS orders, "
        "count(*) AS customers, count(*) AS lines, total_amount AS returned FROM sales "
        "GROUP BY sale_date, product_category, total_amount, quantity"
    )
    assert place.warehouse.rebuild(DAILY_CATEGORY_SALES, select) == 3
    with pytest.raises(WarehouseError):
        place.warehouse.rebuild(DAILY_CATEGORY_SALES, select.replace("total_amount AS revenue", "1 / 0 AS no_such"))
    assert place.warehouse.query("SELECT * FROM daily_category_sales").num_rows == 3


def test_the_location_names_the_table(place: Place) -> None:
    assert place.warehouse.location(SALES).endswith(f"#{place.recipe.schema}.sales")


def test_segments_of_every_type_come_back_as_they_were(place: Place) -> None:
    """Decimal, double, null integer and date in one table."""
    from decimal import Decimal

    row = {
        "customer_id": "c",
        "persona": "Budget",
        "cluster": None,
        "confidence": None,
        "tags": "",
        "favourite_category": "Tee & Kaffee, 本",
        "lapsed_risk": False,
        "frequency": 2**40,
        "monetary": Decimal("-9999999999999999.99"),
        "average_basket": 0.1 + 0.2,
        "last_sale_date": DAY,
        "previous_persona": "it's",
        "previous_snapshot": None,
        "previous_version": None,
        "snapshot_date": dt.date(1, 1, 1),
        "model_version": "none",
    }
    rows = pa.Table.from_pylist([row], schema=CUSTOMER_SEGMENTS.arrow_schema())
    assert place.warehouse.replace(CUSTOMER_SEGMENTS, rows) == 1
    found = place.warehouse.query("SELECT * FROM customer_segments")
    assert found.to_pylist() == [row]
    assert found.schema.types == CUSTOMER_SEGMENTS.arrow_schema().types


def test_a_promise_of_other_rows_is_refused(place: Place) -> None:
    manifest = place.lake.clean(NEXT)
    [file] = manifest.files["clean"]
    wrong = replace(manifest, files=manifest.files | {"clean": (replace(file, rows=5),)})
    place.lake.publish_clean(wrong)
    with pytest.raises(WarehouseError, match=r"5 rows \(3\.50 in total\) promised, 2 rows \(3\.50 in total\) found"):
        place.load(wrong)
    assert place.held() == place.before
    assert wrong.source == SOURCE

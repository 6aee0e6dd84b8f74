"""A load does not replace sales of another day or store: it refuses before it changes anything, on either warehouse."""

from __future__ import annotations

import datetime as dt

import pytest

from retail_assets.errors import WarehouseError
from retail_assets.warehouse.other_sales import moved_sales
from retail_assets_tests.warehouse.contract.warehouses import Place
from retail_assets_tests.warehouse.landings import DAY, Row, line, publish

LIMIT = 0.05
SECOND = DAY + dt.timedelta(days=1)


def receipts(day: dt.date, count: int = 3, *, sold: dt.date | None = None, cents: int = 1000) -> list[Row]:
    at = dt.datetime.combine(sold or day, dt.time(9))
    return [line(str(i + 1), cents, day, at=2 + i, sold_at=at) for i in range(count)]


def test_receipt_numbers_that_restart_are_refused_and_nothing_changes(empty_place: Place) -> None:
    """Case 09: the first day's revenue was gone after the second day."""
    first = publish(empty_place.lake, DAY, receipts(DAY))
    empty_place.warehouse.load_landings(empty_place.lake.store, [first], LIMIT)
    before = empty_place.held()
    second = publish(empty_place.lake, SECOND, receipts(SECOND, cents=500))
    with pytest.raises(WarehouseError, match=f"3 sales of the landing {DAY} by {SECOND}.*1: a.csv line 2.*compose"):
        empty_place.warehouse.load_landings(empty_place.lake.store, [second], LIMIT)
    assert empty_place.held() == before
    assert empty_place.warehouse.load_landings(empty_place.lake.store, [second]).sales_total == 3  # no limit


def test_both_days_in_one_load_and_the_later_one_first_are_refused_as_well(empty_place: Place) -> None:
    first, second = (publish(empty_place.lake, day, receipts(day)) for day in (DAY, SECOND))
    with pytest.raises(WarehouseError, match=f"3 sales of the landing {DAY} by {SECOND}"):
        empty_place.warehouse.load_landings(empty_place.lake.store, [first, second], LIMIT)
    empty_place.warehouse.load_landings(empty_place.lake.store, [second], LIMIT)
    with pytest.raises(WarehouseError, match=f"3 sales of the landing {DAY} by {SECOND}"):
        empty_place.warehouse.load_landings(empty_place.lake.store, [first], LIMIT)


def test_a_short_day_does_not_hide_in_a_long_one(empty_place: Place) -> None:
    empty_place.warehouse.load_landings(
        empty_place.lake.store, [publish(empty_place.lake, DAY, receipts(DAY, 3))], LIMIT
    )
    with pytest.raises(WarehouseError, match="3 sales"):
        empty_place.warehouse.load_landings(
            empty_place.lake.store, [publish(empty_place.lake, SECOND, receipts(SECOND, 100))], LIMIT
        )


def test_corrections_of_the_same_day_of_sale_and_loading_again_are_accepted(empty_place: Place) -> None:
    warehouse, store = empty_place.warehouse, empty_place.lake.store
    first = publish(empty_place.lake, DAY, receipts(DAY))
    correction = publish(empty_place.lake, SECOND, receipts(SECOND, sold=DAY, cents=999))
    for _ in range(2):
        warehouse.load_landings(store, [first], LIMIT)
        assert warehouse.load_landings(store, [correction], LIMIT).sales_total == 3
    again = publish(empty_place.lake, DAY, receipts(DAY, sold=DAY - dt.timedelta(days=1)), run="again")
    with pytest.raises(WarehouseError, match="3 sales"):
        warehouse.load_landings(store, [again], LIMIT)


def test_few_sales_that_move_are_loaded_and_counted(empty_place: Place) -> None:
    warehouse, store = empty_place.warehouse, empty_place.lake.store
    moved = [line("1", 500, SECOND, sold_at=dt.datetime.combine(SECOND, dt.time(9)))]
    warehouse.load_landings(store, [publish(empty_place.lake, DAY, receipts(DAY))], LIMIT)
    warehouse.load_landings(store, [publish(empty_place.lake, SECOND, moved)], LIMIT)
    for days in ((), (SECOND,)):
        [found] = warehouse.query(moved_sales(len(days)), days).to_pylist()
        assert (found["ids"], found["example"]) == (1, "1")


def test_another_store_is_another_sale(empty_place: Place) -> None:
    one, other = (
        publish(empty_place.lake, day, [row | {"store_id": store} for row in receipts(day, sold=DAY)])
        for day, store in ((DAY, "S1"), (SECOND, "S2"))
    )
    with pytest.raises(WarehouseError, match="another day or store"):
        empty_place.warehouse.load_landings(empty_place.lake.store, [one, other], LIMIT)

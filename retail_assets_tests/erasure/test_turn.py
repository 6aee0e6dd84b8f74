"""One erasing at a time, and no step of a run beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from retail_assets.defs import failures
from retail_assets.defs.build import build_defs
from retail_assets.defs.failures import failing_clearly
from retail_assets.erasure import turn
from retail_assets.erasure.erase import Receipt, erase_customer
from retail_assets.erasure.turn import ErasingInProgressError, erasing, wait_for_erasing
from retail_assets.errors import StorageBusyError
from retail_assets.lake.lake import Lake
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, NOW, PERSON, Shop, csv, row


class Clock:
    """A clock that only waiting moves; `then` happens at each look."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.now = 0.0
        self.then = then

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.then()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.land(D1, "day1.csv", csv([row(1, PERSON), row(2, "C1"), row(3, "C2")]))
    shop.run(D1)
    return shop


def test_a_step_that_begins_while_a_customer_is_erased_does_not_write_them_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queued run was launched in the middle: its list had the customers from before, and was written afterwards."""
    platform = shop.opened()
    begun, ended = threading.Event(), threading.Event()

    def wait(lake: Lake) -> None:
        begun.set()
        wait_for_erasing(lake)

    @dg.asset
    def customers() -> None:
        with failing_clearly(platform):
            rows = platform.warehouse.query("SELECT customer_id FROM sales ORDER BY 1").to_pylist()
            begun.set()
            ended.wait(60)
            platform.output.write("customers.json", json.dumps([row["customer_id"] for row in rows]).encode())

    results: list[bool] = []

    def run() -> None:
        done = dg.materialize([customers], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
        results.append(done.success)

    thread = threading.Thread(target=run)

    def step(name: str) -> None:
        if name == "raw files":
            thread.start()
            assert begun.wait(60)

    monkeypatch.setattr(failures, "wait_for_erasing", wait, raising=False)
    erase_customer(platform, PERSON, NOW, watch=step)
    ended.set()
    thread.join()
    assert results == [True]
    assert json.loads(platform.output.read("customers.json")) == ["C1", "C2"]
    assert everywhere.found_in([shop.folder / "home", shop.folder / "output"], PERSON) == []


def test_a_step_of_the_product_begins_nothing_while_a_customer_is_erased(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "_LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(failures, "_SECONDS", 0.0)
    platform = shop.opened()
    register = [build_defs(platform.settings).resolve_assets_def("raw_sales_files")]
    instance = dg.DagsterInstance.ephemeral()

    def succeeds() -> bool:
        return dg.materialize(register, partition_key=D1.isoformat(), instance=instance, raise_on_error=False).success

    with erasing(platform.lake):
        assert not succeeds()
    assert succeeds()


def test_one_waits_while_the_mark_is_renewed_and_gives_up_at_last(shop: Shop) -> None:
    lake = shop.platform.lake
    key = "shop/erasure/in_progress.json"
    clock = Clock(lambda: lake.store.write(key, f"renewal {clock.now}".encode()))
    lake.store.write(key, b"first")
    with pytest.raises(ErasingInProgressError, match="is being erased, and has been for 30 minutes"):
        wait_for_erasing(lake, clock.sleep, clock)
    assert clock.now == turn._LONGEST_SECONDS


def test_the_mark_of_a_process_that_was_killed_stops_nobody_for_long(shop: Shop) -> None:
    lake, clock = shop.platform.lake, Clock()
    lake.store.write("shop/erasure/in_progress.json", b"of a process that was killed")
    wait_for_erasing(lake, clock.sleep, clock)
    assert clock.now == turn._DEAD_SECONDS
    wait_for_erasing(lake, clock.sleep, clock)
    assert clock.now == turn._DEAD_SECONDS
    with erasing(lake, clock.sleep, clock):
        pass
    assert not lake.store.exists("shop/erasure/in_progress.json")


def test_two_customers_are_erased_one_after_the_other(shop: Shop) -> None:
    """Each rewrote the files of the other's plan, which then were no longer those of the plan and kept the customer."""
    platform, other = shop.opened(), shop.opened()
    done: list[Receipt] = []
    thread = threading.Thread(target=lambda: done.append(erase_customer(other, "C1", NOW)))

    def step(name: str) -> None:
        if name == "raw files":
            thread.start()

    erase_customer(platform, PERSON, NOW, watch=step)
    thread.join()
    assert done[0].counts["rows_in_files"] == done[0].counts["table_sales"] == 1
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []
    assert shop.ask("SELECT transaction_id FROM sales ORDER BY 1") == [("T3",)]
    assert shop.platform.lake.raw(D1).erased == 2
    shop.conserved()


def test_an_erasing_that_could_not_renew_its_mark_stops_and_the_next_one_finishes(shop: Shop) -> None:
    platform, clock = shop.opened(), Clock()
    with erasing(platform.lake, clock.sleep, clock) as refuse_lost:
        refuse_lost()
        clock.now += turn._DEAD_SECONDS
        with pytest.raises(StorageBusyError, match="Run the same again"):
            refuse_lost()
    erase_customer(platform, PERSON, NOW)
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []


def test_what_is_not_ready_changes_nothing_and_lets_the_next_one_go_on(shop: Shop) -> None:
    platform = shop.opened()

    def ready() -> None:
        assert platform.lake.store.exists("shop/erasure/in_progress.json")  # whoever begins now waits
        raise StorageBusyError("a run is in progress")

    with pytest.raises(StorageBusyError, match="a run is in progress"):
        erase_customer(platform, PERSON, NOW, ready=ready)
    assert platform.lake.store.list("shop/erasure") == []
    wait_for_erasing(platform.lake)


def test_a_run_looks_once_whether_a_customer_is_erased(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """On S3 a look of every step and check was eighty requests in each run."""
    platform = shop.opened()
    looks: list[Lake] = []
    monkeypatch.setattr(failures, "wait_for_erasing", looks.append)

    @dg.asset
    def first() -> None:
        with failing_clearly(platform):
            pass

    @dg.asset(deps=[first])
    def second() -> None:
        with failing_clearly(platform):
            pass

    for run in (1, 2):
        assert dg.materialize([first, second], instance=dg.DagsterInstance.ephemeral()).success
        assert len(looks) == run

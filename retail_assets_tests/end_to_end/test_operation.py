"""Four days of a shop in operation, in which nearly everything breaks: the tables are exactly right without a human."""

from __future__ import annotations

import datetime as dt
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retail_assets_tests.alerts.receivers import WebReceiver
from retail_assets_tests.end_to_end.operation import Operation, Sale
from retail_assets_tests.erasure.everywhere import found_in
from retail_assets_tests.faults.kills import CLEAN_MANIFEST, Kill
from retail_assets_tests.services.brokers import broker
from retail_assets_tests.streaming.topics import new_topic
from retail_assets_tests.trials import SOAK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: The customer that is erased: nothing else is written like this.
PERSON = "Zq7-ERASE-ME-4711"
ROWS = 3000 if SOAK else 60
KILLS = [
    Kill("after object", CLEAN_MANIFEST),
    Kill("before statement", "^DELETE FROM sales_clean"),
    Kill("before statement", r"^INSERT INTO sales \("),
    Kill("before statement", "^COMMIT"),
    Kill("after load"),
]


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    yield receiver
    receiver.go_away()


def sales(first: int, day: dt.date, chance: random.Random, rows: int = ROWS) -> list[Sale]:
    """Return sales of a day, some of which are the person's."""
    customers = [PERSON, *(f"C{n}" for n in range(20))]
    return [
        Sale(first + n, day, chance.choice(customers), chance.randint(1, 4), chance.randint(5, 90)) for n in range(rows)
    ]


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.services
def test_four_days_in_which_nearly_everything_breaks_end_with_exact_tables(
    spark: SparkSession, tmp_path: Path, receiver: WebReceiver
) -> None:
    chance = random.Random() if SOAK else random.Random(19)
    today = dt.datetime.now(dt.UTC).date()
    folder = tmp_path / "broker"
    folder.mkdir()
    with broker("noida", folder) as running:
        topic = new_topic(running.address)
        shop = Operation(tmp_path / "shop", today - dt.timedelta(4), running, topic, receiver.address, whole=SOAK)
        with shop.in_operation():
            four_days(shop, receiver, chance)
        days = shop.delivered.rows_by_day()
        assert shop.sales() == shop.delivered.sales()
        assert shop.rows_by_day() == days
        assert found_in([shop.home, shop.home / "output"], PERSON) == []
    alerts_say_what_happened(shop, receiver)


def four_days(shop: Operation, receiver: WebReceiver, chance: random.Random) -> None:
    """Operate the shop: what is asserted here is what must be so in between."""
    first = sales(10_000, shop.day(0), chance)
    shop.deliver(0, "north.csv", first, garbage=2)
    shop.stream(0, sales(100_000, shop.day(0), chance))
    assert shop.tick() == [(str(shop.day(0)), True)]
    assert shop.sales() == shop.delivered.sales()
    assert PERSON in {customer for _, customer, _ in shop.sales()}

    # The second day: a file of the first comes late, another is corrected; a run dies, and another waits for a
    # warehouse that somebody has; the lander dies between two batches.
    shop.deliver(0, "south.csv", sales(20_000, shop.day(0), chance))
    shop.deliver(0, "north.csv", [Sale(s.number, s.day, s.customer, s.quantity, s.price + 1) for s in first], garbage=1)
    shop.deliver(1, "north.csv", sales(30_000, shop.day(1), chance))
    shop.kill_lander()
    shop.stream(1, sales(110_000, shop.day(1), chance))
    with shop.warehouse_away(4):
        assert shop.tick(killed_at=chance.choice(KILLS)) == [(str(shop.day(0)), True), (str(shop.day(1)), True)]
    assert shop.sales() == shop.delivered.sales()

    # The third day: a file that is none, records that are none, a broker that goes away, receivers of alerts too; and a
    # customer who wants to be forgotten.
    receiver.go_away()
    shop.deliver_unreadable(2, "north.csv")
    shop.broker.end(signal.SIGTERM)
    shop.broker.start()
    shop.stream(2, sales(120_000, shop.day(2), chance), unreadable=3)
    before = shop.sales()
    assert shop.tick() == [(str(shop.day(2)), False)]
    assert shop.sales() == before
    receipt = shop.erase(PERSON)
    assert receipt["counts"]["rows_in_files"] > 0
    receiver.come_back()

    # The fourth day: the shop sends the file again, and the person's sales come back in files and in the topic.
    shop.deliver(2, "north.csv", sales(40_000, shop.day(2), chance))
    shop.deliver(3, "north.csv", sales(50_000, shop.day(3), chance), garbage=1)
    shop.stream(3, sales(130_000, shop.day(3), chance))
    runs = shop.tick()
    assert {day for day, _ in runs} >= {str(shop.day(2)), str(shop.day(3))}
    assert all(success for _, success in runs)
    assert shop.tick() == []


def alerts_say_what_happened(shop: Operation, receiver: WebReceiver) -> None:
    """One message for each cause, with what it was, and none about a person."""
    texts = receiver.texts
    assert not [text for text in texts if PERSON in text]
    unreadable = [text for text in texts if "north.csv" in text and str(shop.day(2)) in text]
    assert len(unreadable) == 1, texts
    assert [text for text in texts if "process of this run is gone" in text], texts
    assert len(receiver.identities) == len(set(receiver.identities))

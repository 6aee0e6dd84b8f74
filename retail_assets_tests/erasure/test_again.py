"""Who was erased and comes back with an old copy of a home is erased again, though nobody knows who that was."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from retail_assets.erasure.again import erase_again, present_again
from retail_assets.erasure.erase import erase_customer
from retail_assets.erasure.restored import carry_tombstones_over
from retail_assets.storage import Store
from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS, DIM_CUSTOMER
from retail_assets.upkeep.backup import back_up
from retail_assets.upkeep.restore import restore
from retail_assets_tests.erasure import everywhere, planted
from retail_assets_tests.erasure.shop import D1, D2, NOW, PERSON, Shop, csv, files, row

OTHER = "Zq8-SECOND-4712"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A home that was backed up, lost two people by erasing, and was restored."""
    shop = Shop(tmp_path)
    for name, data in files(1000, PERSON).items():
        shop.land(D1, name, data)
    shop.land(
        D2, "day2.csv", csv([row(2000, OTHER, day=2), [*row(2001, OTHER, day=2), "more"], row(2002, "C1", day=2)])
    )
    shop.run(D1, D2)
    planted.everywhere(shop)
    backup = Store(str(tmp_path / "backup"))
    back_up(shop.platform, backup, now=NOW)
    for person in (PERSON, OTHER):
        erase_customer(shop.opened(), person, NOW)
    settings = shop.platform.settings
    restored = restore(backup, settings, now=NOW, replace=True, carry=carry_tombstones_over)
    assert restored.erased_since == {"shop": 2}
    return shop


def _found(shop: Shop) -> list[str]:
    places = [shop.folder / "home", shop.folder / "output"]
    return [path for person in (PERSON, OTHER) for path in everywhere.found_in(places, person)]


def test_everybody_who_was_erased_is_erased_from_every_place_again(shop: Shop) -> None:
    assert _found(shop)
    assert present_again(shop.opened()) == [PERSON, OTHER]
    receipts = erase_again(shop.opened(), NOW)
    assert [receipt.found for receipt in receipts] == [True, True]
    assert _found(shop) == []
    assert shop.ask("SELECT count(*) FROM sales WHERE customer_id = 'C1'") != [(0,)]
    assert erase_again(shop.opened(), NOW + dt.timedelta(1)) == []


def test_a_person_whom_only_a_bundle_has_is_found_by_it(shop: Shop) -> None:
    """The landings were registered again first, as was advised once; the bundle in use still had the person."""
    shop.run(D1, D2)
    for table in (DIM_CUSTOMER, CUSTOMER_FEATURES, CUSTOMER_SEGMENTS):
        shop.platform.warehouse.replace(table, table.arrow_schema().empty_table())
    assert PERSON in present_again(shop.opened())
    erase_again(shop.opened(), NOW)
    assert everywhere.found_in([shop.folder / "home" / "serving"], PERSON) == []


def test_where_nobody_was_erased_nobody_is_looked_for(tmp_path: Path) -> None:
    assert erase_again(Shop(tmp_path).platform, NOW) == []

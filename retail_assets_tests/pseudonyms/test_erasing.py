"""A customer with a pseudonym is erased by their id or by the pseudonym, and does not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets.erasure.erase import erase_customer, is_erased
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, D2, NOW, PERSON, csv, files, row
from retail_assets_tests.pseudonyms.landed_shop import LandedShop


@pytest.mark.parametrize("by", ["id", "pseudonym"])
def test_a_person_is_erased_and_stays_away(tmp_path: Path, by: str) -> None:
    shop = LandedShop(tmp_path)
    for name, data in files(1000, PERSON).items():
        shop.landed(D1, name, data)
    shop.run(D1)
    theirs = shop.pseudonyms.of(PERSON)
    folders = [tmp_path / "home", tmp_path / "output"]
    assert len(everywhere.found_in(folders, theirs)) >= 5 + 2
    receipt = erase_customer(shop.opened(), f" {PERSON} " if by == "id" else theirs, NOW)
    assert receipt.counts["rows_in_files"] == 10
    assert everywhere.found_in(folders, theirs) == everywhere.found_in(folders, PERSON) == []
    assert is_erased(shop.opened(), PERSON)
    assert is_erased(shop.opened(), theirs)
    shop.conserved()
    shop.landed(D2, "again.csv", csv([row(5000, PERSON, day=2), row(5001, "C1", day=2)]))
    [manifest] = shop.register(D2)
    assert manifest.erased == 1
    assert everywhere.found_in(folders, theirs) == []

"""A customer is erased from files that describe customers, and what was joined with them stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retail_assets.erasure.erase import erase_customer
from retail_assets.landing.reference_rows import Content, keys_of
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, D1, D2, NOW, PERSON, Shop, csv, row

JOINED = CONTRACT.replace(
    "columns:\n",
    "references:\n  members: {on: customer_id, key: Card, columns: [Sex], partial: true}\n"
    "columns:\n  gender: {header: Sex}\n",
    1,
)
MEMBERS = {
    "members.csv": f'Card,Sex,Name\r\nC1,f,"One\r\nWoman"\r\n{PERSON},m,"Some\r\nMan"\r\nC3,m,Three\r\n'.encode(),
    "members.jsonl": "\n".join(
        json.dumps({"Card": card, "Sex": sex}) for card, sex in (("C1", "f"), (PERSON, "m"), ("C3", "m"))
    ).encode(),
}


@pytest.fixture(params=MEMBERS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, contract=JOINED)
    shop.platform.raw.write(f"shop/references/members/dt={D1}/{request.param}", MEMBERS[request.param])
    shop.land(D1, "day1.csv", csv([row(1, "C1"), row(2, PERSON), row(3, "C3")]))
    shop.land(D2, "day2.csv", csv([row(4, "C1", day=2)]))
    shop.run(D1, D2)
    return shop


def test_the_customer_goes_from_the_file_and_its_copies(shop: Shop) -> None:
    places = [shop.folder / "home", shop.folder / "output"]
    found = " ".join(everywhere.found_in(places, PERSON))
    assert "raw/shop/references/members" in found
    assert "lake/shop/references/members" in found
    receipt = erase_customer(shop.platform, PERSON, NOW)
    assert everywhere.found_in(places, PERSON) == []
    assert (receipt.counts["reference_rows"], receipt.counts["reference_copies"]) == (1, 1)
    [entry] = shop.platform.raw.list("shop/references/members")
    left = Content(entry.key, shop.platform.raw.read(entry.key))
    rule = shop.platform.settings.contract.references["members"]
    assert [key for _, key in keys_of(left, rule)] == ["C1", "C3"]
    if entry.key.endswith(".csv"):
        assert left.data == MEMBERS["members.csv"].replace(f'{PERSON},m,"Some\r\nMan"\r\n'.encode(), b"")


def test_landings_stay_joined_and_clean(shop: Shop) -> None:
    erase_customer(shop.platform, PERSON, NOW)
    shop.conserved()
    joined = shop.ask("SELECT customer_id, gender FROM sales ORDER BY transaction_id")
    before = [(raw.digest, clean.files) for raw, clean in shop.platform.lake.cleaned()]
    again = shop.register(D1, D2)
    assert [m.digest for m in again] == [digest for digest, _ in before]  # nothing to clean again
    shop.run(D1, D2)
    assert shop.ask("SELECT customer_id, gender FROM sales ORDER BY transaction_id") == joined


def test_a_reference_file_that_lands_later_is_looked_through(shop: Shop) -> None:
    erase_customer(shop.platform, PERSON, NOW)
    shop.platform.raw.write(f"shop/references/members/dt={D2}/members.csv", MEMBERS["members.csv"])
    shop.run(D1, D2)
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []
    shop.conserved()

"""Records of a topic have pseudonyms before they land, and what cannot be read is withheld."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from retail_assets.errors import LandingError
from retail_assets.landing.streamed import Offsets
from retail_assets.streaming.batch import Batch
from retail_assets.streaming.pseudonymized_lines import as_contract_asks
from retail_assets.streaming.record_lines import RecordLines
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, D1, HEADER, PERSON, row
from retail_assets_tests.pseudonyms.landed_shop import LandedShop


def sale(number: int, customer: object) -> dict[str, object]:
    return {**dict(zip(HEADER, row(number, "x"), strict=True)), "customer": customer}


def landed(shop: LandedShop, values: list[bytes | None]) -> list[str]:
    """Land records as one object of a topic; return its lines."""
    settings = shop.platform.settings
    batch = Batch(as_contract_asks(RecordLines(settings.contract), settings), "sales", 0, 0, 1)
    for offset, value in enumerate(values):
        assert batch.add(offset, 1, value, anyway=True)
    content = batch.content()
    shop.platform.raw.write(Offsets("sales", 0, 0, len(values)).key("shop", D1), content)
    return gzip.decompress(content).decode().splitlines()


def test_a_record_keeps_everything_but_its_customer(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    values = [
        json.dumps(sale(1, PERSON)).encode(),
        json.dumps(sale(2, f" {PERSON} "), indent=1).encode(),
        json.dumps(sale(3, 17)).encode(),
        json.dumps(sale(4, None)).encode(),
    ]
    lines = landed(shop, list(values))
    theirs, seventeen = shop.pseudonyms.of(PERSON), shop.pseudonyms.of("17.0")
    expected = [values[0].decode().replace(PERSON, theirs), "", values[2].decode().replace("17", f'"{seventeen}"')]
    assert [lines[0], lines[2], lines[3]] == [expected[0], expected[2], values[3].decode()]
    assert json.loads(lines[1]) == sale(2, theirs)
    shop.run(D1)
    customers = "SELECT customer_id FROM sales ORDER BY transaction_id"
    assert shop.ask(customers) == [(theirs,), (theirs,), (seventeen,), (None,)]
    assert everywhere.found_in([tmp_path / "home"], PERSON) == []


def test_a_record_that_cannot_be_read_is_withheld_with_its_place(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    twice = json.dumps(sale(3, PERSON))[:-1] + f', "customer": "{PERSON}"}}'
    other_key = "p_" + "0" * 32
    values: list[bytes | None] = [
        f"oops {PERSON}".encode(),
        None,
        json.dumps({"customer": PERSON}).encode(),
        json.dumps(sale(1, {"name": PERSON})).encode(),
        json.dumps(sale(2, other_key)).encode(),
        twice.encode(),
        json.dumps([PERSON]).encode(),
        json.dumps(sale(5, "C1") | {"qty": {"for": PERSON}}).encode(),
        json.dumps(sale(6, "C1") | {"receipt": f"{PERSON}\x00"}).encode(),
        json.dumps(sale(7, "C1") | {"receipt": f"{PERSON}\ufffd"}, ensure_ascii=False).encode(),
        json.dumps(sale(4, "C1")).encode(),
    ]
    lines = landed(shop, values)
    assert [json.loads(line)[3] for line in lines[:5]] == [0, 1, 2, 3, 4]
    assert PERSON not in "".join(lines)
    shop.run(D1)
    assert shop.ask("SELECT count(*) FROM sales_quarantine") == [(10,)]
    assert everywhere.found_in([tmp_path / "home"], PERSON) == []


def test_records_with_ids_of_another_lander_are_refused(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    landed(shop, [json.dumps(sale(1, "C1")).encode()])
    content = gzip.compress(json.dumps(sale(2, "C2")).encode() + b"\n", mtime=0)
    shop.platform.raw.write(Offsets("sales", 0, 1, 2).key("shop", D1), content)
    with pytest.raises(LandingError, match="no pseudonym"):
        shop.register(D1)


def test_a_stream_without_the_option_is_refused_where_records_landed_with_it(tmp_path: Path) -> None:
    """The contract has lost its line: no id lands beside pseudonyms."""
    landed(LandedShop(tmp_path), [json.dumps(sale(1, PERSON)).encode()])
    later = LandedShop(tmp_path, CONTRACT)
    with pytest.raises(LandingError, match="Put `pseudonymize: true` back"):
        landed(later, [json.dumps(sale(2, PERSON)).encode()])
    assert everywhere.found_in([tmp_path / "home"], PERSON) == []

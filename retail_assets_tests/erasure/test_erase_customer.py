"""A customer is erased from everything that landed, and from everything that was made from it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_assets.erasure import erase as erasing
from retail_assets.erasure.erase import erase_customer, is_erased
from retail_assets.erasure.home_files import erase_from_text
from retail_assets.erasure.mentions import Mentions
from retail_assets.erasure.tombstones import ErasureError
from retail_assets.errors import StorageError
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, D2, D3, NOW, PERSON, Shop, csv, files, row


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three landings: one with every format, one with rejected rows, and one that corrects."""
    shop = Shop(tmp_path_factory.mktemp("landings"))
    for name, data in files(1000, PERSON).items():
        shop.land(D1, name, data)
    broken = [
        row(2000, "C9", day=2),
        row(2001, PERSON, total="not money", day=2),  # rejected
        [*row(2002, PERSON, day=2), "one", "too", "many"],  # cannot be split
        row(2003, PERSON, day=2),
        row(2003, PERSON, day=2),  # superseded
        row(2004, None, receipt="R2003", day=2),  # of the person's receipt, without a name
        row(2005, None, day=2),
    ]
    shop.land(D2, "day2.csv", csv(broken, "\r\n"))
    shop.land(D3, "day3.csv", csv([row(1001, PERSON, day=3), row(1003, "C3", day=3), row(3000, "C1", day=3)]))
    shop.run(D1, D2, D3)
    return shop.folder


@pytest.fixture
def shop(original: Path, tmp_path: Path) -> Shop:
    """A copy, because every test erases."""
    shutil.copytree(original / "home", tmp_path / "home")
    return Shop(tmp_path)


def _erase(shop: Shop, person: str = PERSON, *, dry_run: bool = False) -> erasing.Receipt:
    return erase_customer(shop.opened(), person, NOW, dry_run=dry_run)


def _where(shop: Shop) -> list[str]:
    return everywhere.found_in([shop.folder / "home", shop.folder / "output"], PERSON)


def test_nothing_below_home_and_output_has_the_id_afterwards(shop: Shop) -> None:
    assert len(_where(shop)) >= 5 + 2 + 4 + 1  # files, lake, warehouse: the search does find the person
    _erase(shop)
    assert _where(shop) == []
    shop.conserved()


def test_every_other_row_stays_with_its_line_number(shop: Shop) -> None:
    places = "SELECT transaction_id, source_file, source_line, total_amount FROM sales_clean WHERE {} ORDER BY ALL"
    theirs = f"customer_id = '{PERSON}' OR transaction_id IN ('T1001', 'T2004')"
    others = shop.ask(places.format(f"({theirs}) IS NOT TRUE"))
    _erase(shop)
    assert shop.ask(places.format("TRUE")) == others


def test_every_other_byte_of_a_text_file_stays(shop: Shop) -> None:
    before = shop.platform.raw.read(f"shop/dt={D2}/day2.csv").split(b"\r\n")
    _erase(shop)
    after = shop.platform.raw.read(f"shop/dt={D2}/day2.csv").split(b"\r\n")
    assert after == [line if number in (0, 1, 7, 8) else b"" for number, line in enumerate(before)]


def test_cleaning_again_gives_what_erasing_left(shop: Shop) -> None:
    _erase(shop)
    sales = "SELECT * EXCLUDE (landed_on) FROM sales ORDER BY transaction_id"
    rejected = "SELECT * FROM sales_quarantine ORDER BY ALL"
    before = (shop.ask(sales), shop.ask(rejected))
    erased = [(m.erased, m.erased_lines, m.reasons) for _, m in shop.platform.lake.cleaned()]
    shop.run(D1, D2, D3)
    assert (shop.ask(sales), shop.ask(rejected)) == before
    assert [(m.erased, m.erased_lines, m.reasons) for _, m in shop.platform.lake.cleaned()] == erased
    shop.conserved()


def test_all_versions_of_a_sale_go_that_is_now_the_persons(shop: Shop) -> None:
    """The landing of the first day has T1001 as another customer's; the last one corrected that."""
    assert shop.ask("SELECT customer_id FROM sales WHERE transaction_id = 'T1001'") == [(PERSON,)]
    _erase(shop)
    assert shop.ask("SELECT count(*) FROM sales_clean WHERE transaction_id = 'T1001'") == [(0,)]


def test_the_manifests_say_how_many_rows_are_gone(shop: Shop) -> None:
    _erase(shop)
    by_day = {m.landed_on: m for m in shop.platform.lake.registered([D1, D2, D3])}
    assert {day: m.erased for day, m in by_day.items()} == {D1: 5 * 2 + 1, D2: 5, D3: 1}
    text = shop.platform.lake.store.read(shop.platform.lake.manifest_key("raw", D2))
    assert json.loads(text)["erased"] == 5
    clean = shop.platform.lake.clean(D2)
    assert (clean.erased, clean.rows("quarantine"), clean.rows("superseded"), clean.reasons) == (5, 0, 0, {})


def test_a_dry_run_counts_the_same_and_changes_nothing(shop: Shop) -> None:
    """Also not in a copied home, where every file has another inode: the registers of the lake were written again."""

    def content() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in shop.folder.rglob("*") if p.is_file()}

    before = content()
    counted = _erase(shop, dry_run=True).counts
    assert content() == before
    done = _erase(shop).counts
    assert {name: done[name] for name in counted} == counted
    assert counted["rows_in_files"] == counted["rows_in_lake"] == 17


def test_a_second_time_there_is_nothing_left(shop: Shop) -> None:
    _erase(shop)
    manifests = [shop.platform.lake.store.read(shop.platform.lake.manifest_key("raw", d)) for d in (D1, D2, D3)]
    again = _erase(shop)
    assert again.counts["rows_in_files"] == again.counts["rows_in_lake"] == again.counts["table_sales"] == 0
    assert manifests == [shop.platform.lake.store.read(shop.platform.lake.manifest_key("raw", d)) for d in (D1, D2, D3)]


def test_receipt_journal_and_tombstone_name_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erasing, "erase_from_lake", stop)
    with pytest.raises(KeyboardInterrupt):
        _erase(shop)
    monkeypatch.undo()
    folder = shop.folder / "home" / "lake" / "shop" / "erasure"
    assert sorted(p.name for p in folder.iterdir()) == ["journals", "tombstones.json"]
    assert everywhere.found_in([folder], PERSON) == []
    receipt = _erase(shop)
    assert everywhere.found_in([folder], PERSON) == []
    assert PERSON not in json.dumps(receipt.to_json())
    assert not list((folder / "journals").iterdir())


#: Everything that changes something for good.
WRITES = (
    (Store, "writing"),
    (Store, "swap"),
    (Store, "delete"),
    (DuckDBWarehouse, "erase"),
    (DuckDBWarehouse, "rebuild"),
    (DuckDBWarehouse, "purge"),
)


@pytest.mark.parametrize("at", [1, 4, 9, 17, 30])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_cut_short_at_a_write_is_finished_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at: int, when: str
) -> None:
    left = [at]

    def cut(real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and when == "before":
                raise KeyboardInterrupt
            result = real(*arguments, **named)
            if left[0] == 0 and real.__name__ != "writing":
                raise KeyboardInterrupt
            return result

        return write

    for kind, name in WRITES:
        monkeypatch.setattr(kind, name, cut(getattr(kind, name)))
    with contextlib.suppress(KeyboardInterrupt):
        _erase(shop)
    monkeypatch.undo()
    _erase(shop)
    assert _where(shop) == []
    assert sum(m.erased for m in shop.platform.lake.registered([D1, D2, D3])) == 17
    shop.conserved()


def test_the_person_does_not_come_back_with_a_file_that_lands_later(shop: Shop) -> None:
    original = csv([row(7000, PERSON), row(7001, "C1"), row(7002, f"{PERSON} ")])
    _erase(shop)
    later = dt.date(2024, 3, 4)
    shop.land(later, "again.csv", original)
    shop.run(later)
    assert _where(shop) == []
    assert shop.platform.lake.raw(later).erased == shop.platform.lake.clean(later).erased == 2
    assert shop.ask(f"SELECT transaction_id FROM sales WHERE landed_on = DATE '{later}'") == [("T7001",)]
    shop.conserved()


def test_a_corrected_file_is_looked_through_as_well(shop: Shop) -> None:
    _erase(shop)
    shop.land(D2, "day2.csv", csv([row(2000, "C9", day=2), row(2003, PERSON, day=2)]))
    shop.run(D2)
    assert _where(shop) == []
    assert shop.platform.lake.raw(D2).erased == 1
    shop.conserved()


def test_a_file_of_nobody_else_is_gone_and_still_accounted_for(shop: Shop) -> None:
    later = dt.date(2024, 3, 4)
    shop.land(later, "only.csv", csv([row(7000, PERSON), row(7001, PERSON)]))
    shop.run(later)
    _erase(shop)
    assert not shop.platform.raw.exists(f"shop/dt={later}/only.csv")
    shop.run(later)
    raw, clean = shop.platform.lake.raw(later), shop.platform.lake.clean(later)
    assert (raw.files, raw.erased, clean.erased, clean.landed_rows) == ((), 2, 2, 2)
    shop.conserved()


def test_without_the_key_nothing_is_registered(shop: Shop) -> None:
    _erase(shop)
    assert is_erased(shop.opened(), PERSON)
    (shop.folder / "home" / "erasure.key").rename(shop.folder / "elsewhere")
    with pytest.raises(ErasureError, match="RETAIL_ERASURE_KEY"):
        shop.register(D1)


def _cut_short(shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Erase until a step, at which the process is killed."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erasing, step, stop)
    with pytest.raises(KeyboardInterrupt):
        _erase(shop)
    monkeypatch.undo()


#: On the lines of the person in `day2.csv` there are others now; the person is on another line.
CORRECTED = csv([*(row(2100 + n, f"C{n}", day=2, total="?" if n == 3 else "10.00") for n in range(8)),
                 row(2200, PERSON, day=2)])  # fmt: skip


@pytest.mark.parametrize("step", ["erase_from_landings", "erase_from_lake"])
@pytest.mark.parametrize("registered", [True, False])
def test_a_correction_that_lands_before_the_second_attempt_loses_nobody_elses_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, registered: bool
) -> None:
    """The journal of the first attempt names lines of a file that is no longer there."""
    _cut_short(shop, monkeypatch, step)
    shop.land(D2, "day2.csv", CORRECTED)
    if registered:
        shop.run(D2)
    _erase(shop)
    left = shop.platform.raw.read(f"shop/dt={D2}/day2.csv")
    if not registered:
        assert left == CORRECTED  # it waits, and the tombstone waits for it
        shop.run(D2)
    assert _where(shop) == []
    others = [n for n in range(2100, 2108) if n != 2103]
    assert shop.ask(f"SELECT transaction_id FROM sales WHERE landed_on = DATE '{D2}' ORDER BY 1") == [
        (f"T{n}",) for n in others
    ]
    assert (shop.platform.lake.clean(D2).rows("quarantine"), shop.platform.lake.raw(D2).erased) == (1, 1)
    shop.conserved()


def test_the_receipt_of_a_second_attempt_names_the_files_that_nobody_could_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.land(D3, "broken.xlsx", b"PK\x03\x04 cut off")
    _cut_short(shop, monkeypatch, "erase_from_lake")
    assert _erase(shop).unreadable == (f"shop/dt={D3}/broken.xlsx",)


def test_files_that_no_listing_shows_are_named_as_not_looked_into(shop: Shop) -> None:
    """An editor's copy of a landed file is hidden: nobody reads it as a landing, and the person was still in it."""
    hidden = Path(shop.platform.settings.raw_uri, "shop", f"dt={D2}", ".day2.csv.swp")
    hidden.write_text(PERSON)
    assert _erase(shop).unreadable == (f"shop/dt={D2}/.day2.csv.swp",)


def test_a_log_with_bytes_that_are_no_utf8_loses_the_id_and_keeps_the_bytes(tmp_path: Path) -> None:
    log = tmp_path / "step.err"
    log.write_bytes(b"caf\xe9 open\n\x1b[31m" + PERSON.encode() + b"\x1b[0m twice\n")
    assert erase_from_text(log, Mentions(PERSON), dry_run=False) == 1
    assert log.read_bytes() == b"caf\xe9 open\n\x1b[31m[erased]\x1b[0m twice\n"


@pytest.mark.parametrize("kind", ["damaged database", "unreadable"])
def test_what_cannot_be_looked_into_in_the_home_is_a_sentence_and_the_next_attempt_goes_on(
    tmp_path: Path, kind: str
) -> None:
    shop = Shop(tmp_path)
    shop.land(D1, "day1.csv", csv([row(1, PERSON), row(2, "C1")]))
    shop.run(D1)
    odd = tmp_path / "home" / "odd"
    if kind == "unreadable":
        odd.symlink_to("/proc/self/mem")
    else:
        odd.write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    with pytest.raises(StorageError, match=r"Cannot look for the customer in .*odd"):
        _erase(shop)
    odd.unlink()
    _erase(shop)
    assert _where(shop) == []

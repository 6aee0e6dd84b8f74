"""With `pseudonymize`, no id of a customer is in any byte that the product writes, and every result is the same."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from retail_assets.errors import LandingError
from retail_assets.landing.register import check_before_landing
from retail_assets.pseudonyms.landing import as_landed
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, D1, D2, D3, PERSON, csv, files, row, workbook
from retail_assets_tests.pseudonyms.landed_shop import WITH_PSEUDONYMS, LandedShop

#: Rows that are rejected, cannot be split, are superseded, or name nobody.
BROKEN = [
    row(2000, f"{PERSON}-B", day=2),
    row(2001, PERSON, total="not money", day=2),
    [*row(2002, PERSON, day=2), "one", "too", "many"],
    row(2003, f" {PERSON}", day=2),
    row(2003, PERSON, day=2),
    row(2004, None, receipt="R2003", day=2),
    row(2005, "n/a", day=2),
]


def land_everything(shop: LandedShop) -> None:
    for name, data in files(1000, PERSON).items():
        assert shop.landed(D1, name, data).status == "landed"
    shop.landed(D2, "day2.csv", csv(BROKEN, "\r\n"))
    shop.landed(D3, "day3.csv", csv([row(1001, PERSON, day=3), row(1003, "C3", day=3), row(3000, "C1", day=3)]))


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[LandedShop, LandedShop]:
    """The same files landed with pseudonyms and without, cleaned and loaded."""
    folder = tmp_path_factory.mktemp("pseudonyms")
    made = LandedShop(folder / "with"), LandedShop(folder / "without", CONTRACT)
    for shop in made:
        land_everything(shop)
        shop.run(D1, D2, D3)
    return made


def test_no_byte_below_home_and_output_has_an_id(shops: tuple[LandedShop, LandedShop]) -> None:
    def found(shop: LandedShop) -> list[str]:
        return everywhere.found_in([shop.folder / "home", shop.folder / "output"], PERSON)

    assert found(shops[0]) == []
    assert len(found(shops[1])) >= 5 + 2 + 4 + 1  # the search does find the person


def test_every_row_is_what_it_is_without_pseudonyms(shops: tuple[LandedShop, LandedShop]) -> None:
    """Customers are the same groups of sales, under other names."""
    with_them, without = shops
    for table in ("sales", "sales_clean"):
        select = f"SELECT * EXCLUDE (customer_id), customer_id FROM {table} ORDER BY ALL"
        other = without.ask(select)
        renamed = [(*line[:-1], line[-1] and with_them.pseudonyms.of(line[-1])) for line in other]
        assert with_them.ask(select) == renamed
    rejected = "SELECT source_file, source_line, reasons FROM sales_quarantine ORDER BY ALL"
    assert with_them.ask(rejected) == without.ask(rejected)
    with_them.conserved()


def test_the_quarantine_withholds_what_could_not_be_split(shops: tuple[LandedShop, LandedShop]) -> None:
    [(text,)] = shops[0].ask("SELECT raw_text FROM sales_quarantine WHERE source_line = 4 AND landed_on = '2024-03-02'")
    assert text == "row withheld because it could not be read and any word of it may be an id"


def test_every_other_byte_of_a_text_file_stays(shops: tuple[LandedShop, LandedShop]) -> None:
    with_them, without = shops
    theirs = with_them.pseudonyms.of(PERSON).encode()
    before = without.platform.raw.read(f"shop/dt={D1}/plain.csv")
    after = with_them.platform.raw.read(f"shop/dt={D1}/plain.csv")
    expected = before.replace(f" {PERSON} ".encode(), theirs).replace(PERSON.encode(), theirs)
    for number in range(6):
        expected = expected.replace(f",C{number},".encode(), f",{with_them.pseudonyms.of(f'C{number}')},".encode())
    assert after == expected


def test_landing_the_same_again_changes_nothing(shops: tuple[LandedShop, LandedShop]) -> None:
    """Neither the file as its sender made it nor the landed one is hashed a second time."""
    shop = shops[0]
    raw = shop.platform.raw
    before = {entry.key: raw.read(entry.key) for entry in raw.list("shop")}
    for name, data in files(1000, PERSON).items():
        assert shop.landed(D1, name, data).status == "already landed"
        assert shop.landed(D1, name, before[f"shop/dt={D1}/{name}"]).status == "already landed"
    assert shop.landed(D2, "day2.csv", before[f"shop/dt={D2}/day2.csv"]).status == "already landed"
    assert {entry.key: raw.read(entry.key) for entry in raw.list("shop")} == before


@pytest.mark.parametrize("name", ["plain.csv", "packed.csv.gz", "lines.jsonl", "columns.parquet", "book.xlsx"])
def test_a_file_that_did_not_land_by_the_door_is_refused(tmp_path: Path, name: str) -> None:
    shop = LandedShop(tmp_path)
    shop.landed(D1, "first.csv", csv([row(1, "C1")]))
    shop.land(D2, name, files(1000, PERSON)[name])  # copied into the store by somebody
    with pytest.raises(LandingError, match="retail-assets land FILE") as refused:
        shop.register(D2)
    assert PERSON not in str(refused.value)
    shop.register(D1)


def test_a_row_that_cannot_be_split_is_refused_too_where_it_did_not_land_by_the_door(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    shop.landed(D1, "first.csv", csv([row(1, "C1")]))
    raw = shop.platform.raw.read(f"shop/dt={D1}/first.csv")
    shop.land(D2, "other.csv", raw + b"C7,too,few\n")
    with pytest.raises(LandingError, match="line 3"):
        shop.register(D2)


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("file: {totals: Food}", row(9, PERSON)),
        ("file: {skip_bottom: 1}", row(9, PERSON)),
        ("", ["Total", *row(9, PERSON)[1:]]),
        ("", ["id", "date", "receipt", PERSON, "category", "qty", "price", "total"]),
    ],
)
def test_a_refused_row_of_a_file_that_did_not_land_by_the_door_is_not_shown(
    tmp_path: Path, rule: str, last: list[str]
) -> None:
    """Dagster's event log and alerts keep the messages of a run."""
    header_again = last[0] == "id"
    rows = [row(1, "C1"), last, *([row(2, "C2")] if header_again else [])]
    name, data = ("copied.xlsx", workbook(rows)) if header_again else ("copied.csv", csv(rows))
    for text, shown in ((CONTRACT, True), (WITH_PSEUDONYMS, False)):
        shop = LandedShop(tmp_path / str(shown), f"{text}{rule}\n")
        pseudonyms_of(shop.platform.settings, shop.platform.lake, landing=True)  # makes the key
        shop.land(D2, name, data)
        with pytest.raises(LandingError) as refused:
            shop.register(D2)
        assert (PERSON.lower() in str(refused.value).lower()) is shown


def test_landings_with_ids_keep_the_option_from_being_switched_on(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, CONTRACT)
    shop.landed(D1, "first.csv", csv([row(1, "C1")]))
    shop.register(D1)
    later = LandedShop(tmp_path)
    with pytest.raises(LandingError, match="another `name`"):
        later.landed(D2, "second.csv", csv([row(2, "C1")]))
    with pytest.raises(LandingError, match="another `name`"):
        later.register(D1)
    assert not (tmp_path / "home" / "pseudonym.key").exists()


def test_switching_it_off_again_is_refused(tmp_path: Path) -> None:
    LandedShop(tmp_path).landed(D1, "first.csv", csv([row(1, "C1")]))
    later = LandedShop(tmp_path, CONTRACT)
    with pytest.raises(LandingError, match="pseudonymize: true"):
        later.register(D1)


def test_another_key_or_none_is_refused(tmp_path: Path) -> None:
    """With another one, every customer would be two."""
    shop = LandedShop(tmp_path)
    shop.landed(D1, "first.csv", csv([row(1, "C1")]))
    key = tmp_path / "home" / "pseudonym.key"
    assert key.stat().st_mode & 0o077 == 0
    kept = key.read_text()
    other = LandedShop(tmp_path, more={"RETAIL_PSEUDONYM_KEY": "another secret of this shop"})
    for doing in (lambda s: s.landed(D2, "a.csv", csv([row(2, "C1")])), lambda s: s.register(D1)):
        key.write_text(kept)
        with pytest.raises(LandingError, match="another key"):
            doing(other)
        key.unlink()
        with pytest.raises(LandingError, match="is not here"):
            doing(shop)
        assert not key.exists()
    key.write_text("not a key")
    with pytest.raises(Exception, match="is damaged"):
        shop.register(D1)


def test_pseudonyms_of_another_shop_are_refused(tmp_path: Path) -> None:
    one, other = LandedShop(tmp_path / "one"), LandedShop(tmp_path / "other")
    one.landed(D1, "first.csv", csv([row(1, "C1")]))
    other.landed(D1, "first.csv", csv([row(1, "C1")]))
    theirs = one.platform.raw.read(f"shop/dt={D1}/first.csv")
    assert one.pseudonyms.of("C1") != other.pseudonyms.of("C1")
    with pytest.raises(LandingError, match="not made with the key"):
        other.landed(D2, "second.csv", theirs)
    other.land(D2, "second.csv", theirs)
    with pytest.raises(LandingError, match="not made with the key"):
        other.register(D2)


def test_quotes_line_ends_and_encodings_stay(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, CONTRACT + 'pseudonymize: true\nfile: {encoding: cp1252, delimiter: ";"}\n')
    head = "id;receipt;date;customer;category;qty;price;total\r\n"
    rows = (
        'T1;R1;01.03.2024;"C;\u00e4 1";"Caf\u00e9 ""x""";1;10.00;10.00\r\n'
        'T2;R2;01.03.2024;"C;\u00e4 1\n";"two\nlines";1;10.00;10.00\r\n'
        'T3;R3;01.03.2024;  ="0017"  ;Food;1;10.00;10.00\r\n'
        "T4;R4;01.03.2024;;Food;1;10.00;10.00"
    )
    shop.landed(D1, "a.csv", (head + rows).encode("cp1252"))
    named, seventeen = shop.pseudonyms.of("C;\u00e4 1"), shop.pseudonyms.of("0017")
    expected = (head + rows).replace('"C;\u00e4 1\n"', f'"{named}\n"').replace('"C;\u00e4 1"', f'"{named}"')
    expected = expected.replace('  ="0017"  ', seventeen)
    assert shop.platform.raw.read(f"shop/dt={D1}/a.csv").decode("cp1252") == expected


def test_a_file_that_changes_while_it_is_read_does_not_land(tmp_path: Path) -> None:
    """With another header, its ids would be in another column than the one whose ids were replaced."""
    shop = LandedShop(tmp_path)
    p = shop.platform
    pseudonyms = pseudonyms_of(p.settings, p.lake, landing=True)
    path = tmp_path / "a.csv"
    path.write_bytes(csv([row(1, "C1")]))
    profile = check_before_landing(path, p.settings.contract, D1)
    path.write_bytes(b"\n".join(b",".join(line.split(b",")[::-1]) for line in csv([row(1, PERSON)]).splitlines()))
    changing = as_landed(path, p.settings.contract, D1, None, pseudonyms, profile)
    with pytest.raises(LandingError, match="changed while it was read"), changing:
        pass


def test_what_lands_is_the_copy_that_was_looked_through(tmp_path: Path) -> None:
    """A file without ids may be written to after the look; what was written then does not land."""
    shop = LandedShop(tmp_path)
    p = shop.platform
    pseudonyms = pseudonyms_of(p.settings, p.lake, landing=True)
    path = tmp_path / "a.csv"
    path.write_bytes(csv([row(1, None)]))
    with as_landed(path, p.settings.contract, D1, None, pseudonyms) as copied:
        path.write_bytes(csv([row(1, None), row(2, PERSON)]))
        assert copied.read_bytes() == csv([row(1, None)])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_wide_encodings_keep_their_mark(tmp_path: Path, encoding: str) -> None:
    shop = LandedShop(tmp_path)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = (mark + csv([row(1, "C1"), row(2, PERSON)]).decode()).encode(encoding)
    shop.landed(D1, "a.csv", text)
    after = shop.platform.raw.read(f"shop/dt={D1}/a.csv")
    theirs = shop.pseudonyms.of(PERSON), shop.pseudonyms.of("C1")
    assert after == (mark + csv([row(1, theirs[1]), row(2, theirs[0])]).decode()).encode(encoding)


def test_objects_of_every_kind_stay_but_for_the_id(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    sale = dict(
        zip(
            ["id", "receipt", "date", "category", "qty", "price", "total"],
            ["T1", "R1", "01.03.2024", "Food", 1, 10.0, 10.0],
            strict=True,
        )
    )
    lines = [
        json.dumps({**sale, "customer": 17, "more": {"a": [1, "x"]}}),
        json.dumps({**sale, "customer": "17.0", "id": "T2"}).replace(": ", " :  "),
        json.dumps({**sale, "customer": None, "id": "T3"}),
        json.dumps({**sale, "id": "T4", "customer": "Zo\u00eb"}),
        json.dumps({**sale, "id": "T5", "customer": {"name": PERSON}}),
        f'{{"customer": "{PERSON}", "customer": "{PERSON}"}}',
        f"not JSON {PERSON}",
    ]
    shop.landed(D1, "a.jsonl.gz", gzip.compress("\n".join(lines).encode(), mtime=0))
    seventeen, zoe = shop.pseudonyms.of("17"), shop.pseudonyms.of("Zo\u00eb")
    after = gzip.decompress(shop.platform.raw.read(f"shop/dt={D1}/a.jsonl.gz")).decode().split("\n")
    assert after[0] == lines[0].replace(": 17", f': "{seventeen}"')
    assert after[1] == lines[1].replace("17.0", seventeen)
    assert after[2] == lines[2]
    assert json.loads(after[3])["customer"] == zoe
    assert PERSON not in "".join(after)
    shop.run(D1)
    assert shop.ask("SELECT DISTINCT customer_id FROM sales WHERE transaction_id IN ('T1', 'T2')") == [(seventeen,)]
    assert shop.ask("SELECT count(*) FROM sales_quarantine") == [(3,)]

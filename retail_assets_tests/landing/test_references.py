"""Reference files: what is landed, what is refused, and that the join is the same as joining before landing."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings

from retail_assets.cleaning.parsed_files import parsed_rows
from retail_assets.cleaning.reference_join import references_of
from retail_assets.cleaning.rules import names_of
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import ContractError, LandingError, NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.landing import reference_rows, references
from retail_assets.landing.land import land_file
from retail_assets.landing.overlooked import overlooked
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.register import register_landings
from retail_assets.storage import Store
from retail_assets_tests.trials import trials

DAY, LATER = dt.date(2024, 3, 1), dt.date(2024, 3, 2)
BASE = """name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
"""
COLUMNS = """columns:
  transaction_id: {header: id, required: true}
  sold_at: {header: date}
  customer_id: {header: card}
  gender: {header: Sex}
  age: {header: Age}
  product_id: {header: sku}
  product_category: {header: Department, default: UNKNOWN}
  quantity: {header: qty}
  total_amount: {header: total, required: true}
"""
MASTERS = """references:
  products: {on: product_id, key: SKU, columns: [Department]}
  members: {on: customer_id, key: Card, columns: [Sex, Age]}
"""


def contract(masters: str = MASTERS, columns: str = COLUMNS, more: str = "") -> Contract:
    return loading.parse(BASE + masters + columns + more, "test")


SHOP = contract()
STRICT = contract(MASTERS.replace("[Department]", "[Department], required: true"))
PRODUCTS = "SKU,Department\nP1,Toys\nP2,\n"
MEMBERS = "Card,Sex,Age\nC1,F,33\nC2,zorb,\n"
SALES = [("1", "C1", "P1"), ("2", "C2", "P2"), ("3", "", "P3"), ("4", "C9", ""), ("5", "C1", "P3")]


class Place:
    """A raw store and a lake in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw, self.lake = Store(str(folder / "raw")), Lake(Store(str(folder / "lake")), "shop")

    def land(self, data: str | bytes, name: str, day: dt.date = DAY, reference: str | None = None, **more: Any) -> str:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return land_file(path, self.raw, "shop", day, reference=reference, **more).status

    def masters(self, products: str = PRODUCTS, members: str = MEMBERS, day: dt.date = DAY) -> None:
        self.land(products, "products.csv", day, "products", replace=True)
        self.land(members, "members.csv", day, "members", replace=True)

    def sales(self, rows: list[tuple[str, str, str]], day: dt.date = DAY) -> None:
        lines = [f"{i},2024-03-01,{card},{sku},1,5.00" for i, card, sku in rows]
        self.land("\n".join(["id,date,card,sku,qty,total", *lines, ""]), "sales.csv", day)

    def parsed(self, source: Contract, day: dt.date = DAY) -> list[dict[str, Any]]:
        [manifest] = register_landings(self.raw, self.lake, [day], source).manifests
        assert self.lake.raw(day) == manifest
        joined = references_of(self.lake.store.uri, source, manifest.references) if source.references else None
        tables = [t for f in manifest.files for t in parsed_rows(self.raw, f, source, day, joined)]
        return pa.concat_tables(tables).to_pylist()


def landed(place: Place) -> references.LandedReferences:
    return references.LandedReferences(place.raw, "shop", SHOP)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_sales_get_the_columns_of_their_match(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    rows = place.parsed(SHOP)
    assert [(r["product_category"], r["gender"], r["age"]) for r in rows] == [
        ("Toys", "Female", 33),
        ("UNKNOWN", None, None),
        ("UNKNOWN", None, None),
        ("UNKNOWN", None, None),
        ("UNKNOWN", "Female", 33),
    ]
    assert sum(r["total_amount"] for r in rows) == 25


def test_a_required_reference_rejects_keys_without_a_match_and_no_others(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    assert [names_of(r["reasons"] & 1 << 13) for r in place.parsed(STRICT)] == [
        [],
        [],
        ["missing_reference"],
        [],  # no product at all
        ["missing_reference"],
    ]


_TEXT = st.sampled_from(["", "P1", " P1 ", "p1", "7", "7.0", "007", "N/A", '="7"', "x y", "ä"])
_VALUE = st.sampled_from(["", "Toys", " Toys", "N/A", "F", "w", "33", "150", "ab  c"])


def key_of(text: str) -> str:
    [key] = reference_rows.identifiers([reference_rows._plain(text)])
    return key


@given(
    st.dictionaries(
        _TEXT.map(lambda t: reference_rows.identifiers([reference_rows._plain(t)])[0]).filter(bool), _VALUE
    ),
    st.lists(st.tuples(_TEXT, st.integers(0, 9)), min_size=1, max_size=8),
)
@example({"N/A": "Toys", "P1": "w"}, [("N/A", 0), ("P1", 1)])
@settings(max_examples=trials(25), deadline=None)
def test_the_join_is_the_same_as_joining_before_landing(master: dict[str, str], sold: list[tuple[str, int]]) -> None:
    quoted = [(sku.replace('"', '""'), cents) for sku, cents in sold]
    with tempfile.TemporaryDirectory() as folder:
        separate, before = Place(Path(folder, "a")), Place(Path(folder, "b"))
        for place in (separate, before):
            place.folder.mkdir()
        products = "".join(f'"{key}","{value}"\n' for key, value in master.items()) or "none,none\n"
        separate.land("SKU,Department\n" + products, "p.csv", reference="products")
        lines = [f'{n},2024-03-01,,"{sku}",1,{cents}.00' for n, (sku, cents) in enumerate(quoted)]
        separate.land("\n".join(["id,date,card,sku,qty,total", *lines, ""]), "sales.csv")
        keys = [key_of(sku) for sku, _ in sold]
        # A word for a missing value is no key, on either side.
        found = ["" if k == "N/A" else master.get(k, "") for k in keys]
        joined = [f'{line},"{value}"' for line, value in zip(lines, found, strict=True)]
        before.land("\n".join(["id,date,card,sku,qty,total,Department", *joined, ""]), "sales.csv")
        one = "references:\n  products: {on: product_id, key: SKU, columns: [Department]}\n"
        ours, theirs = separate.parsed(contract(one)), before.parsed(contract(""))
        for row in (*ours, *theirs):
            row.pop("raw_text")
        assert ours == theirs


def workbook(*rows: tuple[str, ...]) -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def parquet(columns: dict[str, list[Any]]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("p.csv", '\ufeffdepartment;Name;sku\r\nToys;"a;""b""";P1\r\n;;\r\n;x;P2\r\n'),
        ("p.tsv", "SKU\tDepartment\nP1\tToys\nP2\t\n"),
        ("p.csv.gz", gzip.compress(PRODUCTS.encode())),
        ("p.jsonl", '{"SKU": "P1", "Department": "Toys"}\n\n{"SKU": "P2", "Department": null}\n'),
        ("p.parquet", parquet({"SKU": ["P1", "P2"], "Department": ["Toys", None]})),
        ("p.xlsx", workbook(("SKU", "Department"), ("P1", "Toys"), ("P2", ""))),
        ("p.csv", "SKU,Department\nP1,Toys\nP2,\nP1,Toys\n"),
    ],
    ids=["semicolons", "tsv", "gzip", "json", "parquet", "xlsx", "a row twice"],
)
def test_every_format_is_read(place: Place, name: str, data: str | bytes) -> None:
    place.sales(SALES)
    place.land(data, name, reference="products")
    place.land(MEMBERS, "m.csv", reference="members")
    assert [r["product_category"] for r in place.parsed(SHOP)] == ["Toys", *["UNKNOWN"] * 4]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("SKU,Name\nP1,x\n", "has no column 'Department'. Its header: 'SKU', 'Name'"),
        ("SKU,Department,sku\nP1,Toys,P1\n", "has 2 columns 'SKU'"),
        ("SKU,Department\n", "has no rows"),
        ("SKU,Department\nP1,Toys\nP2\n", "line 3: 1 fields, but the header has 2"),
        ("SKU,Department\n,Toys\n", "line 2: no 'SKU', which is the key"),
        (
            "SKU,Department\nP1,Toys\nP2,x\nP1,Books\n",
            "line 4: the key 'P1' has Department = 'Books', but 'Toys' in .*line 2",
        ),
        ("SKU,Department\n7,Toys\n7.0,Books\n", "the key '7' has"),
        ('SKU,Department\nP1,"To"ys\n', "line 2: .* Fix the quotes"),
        ("SKU,Department\nP1,To\x00ys\n", "NUL or U.FFFD"),
        (b"SKU,Department\nP1,K\xe4se\n", "is not text in utf-8"),
    ],
)
def test_what_could_be_joined_wrong_is_refused_before_it_lands(
    place: Place, tmp_path: Path, data: str | bytes, problem: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(LandingError, match=problem):
        references.check_reference(path, SHOP, "products")
    place.sales(SALES)
    place.masters()
    place.land(data, "products.csv", LATER, "products")
    with pytest.raises(LandingError, match=problem):
        register_landings(place.raw, place.lake, [DAY], SHOP)


def test_sizes_are_bounded(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_rows, "MOST_BYTES", 1000)
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(b"SKU,Department\n" + b"P1,Toys\n" * 10_000))
    with pytest.raises(LandingError, match="unpacked"):
        references.check_reference(tmp_path / "p.csv.gz", SHOP, "products")
    monkeypatch.setattr(reference_rows, "MOST_ROWS", 2)
    (tmp_path / "p.csv").write_text("SKU,Department\n1,a\n2,a\n3,a\n")
    with pytest.raises(LandingError, match="more than 2 rows"):
        references.check_reference(tmp_path / "p.csv", SHOP, "products")


def test_what_a_missing_reference_is_its_contract_says(place: Place) -> None:
    place.sales(SALES)
    described = contract(MASTERS.replace("[Department]", "[Department], description: from the buyers' folder"))
    with pytest.raises(NotReadyError, match=r"--reference products FILE\n  What it is: from the buyers' folder"):
        register_landings(place.raw, place.lake, [DAY], described)
    assert references.copy_key("shop", "products", "0" * 64, described.references["products"]) == references.copy_key(
        "shop", "products", "0" * 64, SHOP.references["products"]
    )


def test_sales_without_their_reference_are_not_registered(place: Place) -> None:
    place.sales(SALES)
    with pytest.raises(NotReadyError, match="--reference products FILE"):
        register_landings(place.raw, place.lake, [DAY], SHOP)


def test_the_latest_version_counts_and_another_one_makes_landings_outdated(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    [first] = register_landings(place.raw, place.lake, [DAY], SHOP).manifests
    assert references.are_current(first.references, landed(place).digests(DAY))
    place.land(PRODUCTS, "early.csv", dt.date(2024, 2, 1), "products")  # older than the one in use
    assert references.are_current(first.references, landed(place).digests(DAY))
    place.land(PRODUCTS.replace("Toys", "Food"), "products.csv", DAY, "products", replace=True)  # the same size
    assert not references.are_current(first.references, landed(place).digests(DAY))
    [second] = register_landings(place.raw, place.lake, [DAY], SHOP).manifests
    assert first.digest != second.digest
    assert place.parsed(SHOP)[0]["product_category"] == "Food"
    # What was registered before is still there, for whoever reads by it.
    assert references_of(place.lake.store.uri, SHOP, first.references)["products"]["c0"].to_pylist() == ["Toys", ""]


def test_an_old_copy_that_is_registered_again_is_young_again_so_that_no_sweep_takes_it(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    [manifest] = register_landings(place.raw, place.lake, [DAY], SHOP).manifests
    copy = place.lake.store.local_path(manifest.references[0].key)
    for age, again in ((3600, False), (86_400, True)):
        written = time.time() - age
        os.utime(copy, (written, written))
        register_landings(place.raw, place.lake, [DAY], SHOP)
        assert (copy.stat().st_mtime > written + 60) == again


def test_a_landing_is_not_cleaned_with_a_reference_that_its_contract_declares_otherwise_now(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    [manifest] = register_landings(place.raw, place.lake, [DAY], SHOP).manifests
    other = contract(MASTERS.replace("[Sex, Age]", "[Age, Sex]"))
    with pytest.raises(NotReadyError, match="as its contract declares it now"):
        references_of(place.lake.store.uri, other, manifest.references)
    with pytest.raises(NotReadyError):
        references_of(place.lake.store.uri, SHOP, ())


def test_references_are_no_landings_of_sales(place: Place) -> None:
    place.sales(SALES)
    place.masters()
    assert landed_partitions(place.raw, "shop") == [DAY]
    assert overlooked(place.raw, "shop") == []
    # The same bytes land as sales as well, and a master may return to what it was.
    assert place.land(PRODUCTS, "other.csv", DAY) == "landed"
    assert place.land(PRODUCTS, "products.csv", LATER, "products") == "landed"
    assert place.land(PRODUCTS, "products.csv", LATER, "products") == "already landed"


def test_contracts_and_landings_without_references_stay_as_they_were(place: Place) -> None:
    plain = contract("", COLUMNS)
    assert "references" not in json.loads(plain.model_dump_json())
    place.land("id,date,card,sku,qty,total,Department,Sex,Age\n1,2024-03-01,,P1,1,5.00,Toys,,\n", "sales.csv")
    register_landings(place.raw, place.lake, [DAY], plain)
    written = json.loads(place.lake.store.read(place.lake.manifest_key("raw", DAY)))
    assert "references" not in written


@pytest.mark.parametrize(
    ("masters", "columns", "problem"),
    [
        (MASTERS.replace("[Department]", "[Name]"), COLUMNS, "nothing uses the column 'Name'"),
        (MASTERS.replace("on: product_id", "on: order_id"), COLUMNS, "references.products.on"),
        (MASTERS.replace("on: product_id", "on: store_id"), COLUMNS, "needs a `header` for it"),
        (MASTERS.replace("[Department]", "[total, Department]"), COLUMNS, "a reference can fill gender"),
        (MASTERS.replace("[Department]", "[Department, SKU]"), COLUMNS, "given twice"),
        (MASTERS.replace("[Department]", "[Department, sex]"), COLUMNS, "two of them have a column of the same name"),
        (MASTERS.replace("key: SKU", "kei: SKU"), COLUMNS, "Did you mean 'key'"),
        (MASTERS, COLUMNS.replace("header: Sex", "header: Sex, aliases: [S]"), "has no aliases"),
        (MASTERS.replace("[Department]", "[Department], required: true, partial: true"), COLUMNS, "`partial` says"),
    ],
)
def test_references_that_cannot_be_meant_are_refused(masters: str, columns: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        contract(masters, columns)


def test_a_landing_keeps_the_version_of_its_day_where_the_contract_says_so(place: Place) -> None:
    dated = contract(MASTERS.replace("[Department]", "[Department], version: as_of_landing"))
    days = [dt.date(2024, 3, day) for day in (1, 2, 3)]
    for day in days:
        place.land(f"id,date,card,sku,qty,total\n{day},2024-03-01,,P1,1,5.00\n", f"{day}.csv", day)
    place.land(MEMBERS, "members.csv", DAY, "members")
    for day, department in ((days[1], "Toys"), (days[2], "Games")):
        place.land(f"SKU,Department\nP1,{department}\n", "products.csv", day, "products")
    found = [row["product_category"] for day in days for row in place.parsed(dated, day)]
    assert found == ["Toys", "Toys", "Games"]  # before the first version, that one
    assert [row["product_category"] for row in place.parsed(SHOP, days[1])] == ["Games"]
    [before] = register_landings(place.raw, place.lake, [days[1]], dated).manifests
    now = references.LandedReferences(place.raw, "shop", dated)
    assert references.are_current(before.references, now.digests(days[1]))
    assert not references.are_current(before.references, now.digests(days[2]))

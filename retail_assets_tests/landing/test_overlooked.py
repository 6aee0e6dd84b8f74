"""Every file of the raw folder is read, refused or named: links, pipes, broken names, hidden and misspelled ones."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_assets.contracts import loading
from retail_assets.errors import LandingError
from retail_assets.landing.overlooked import overlooked
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.register import inspect_landings
from retail_assets.storage import Store
from retail_assets.storage.unread import unread

DAY = dt.date(2024, 1, 5)
CONTRACT = loading.load("retail_sales")
SOURCE = CONTRACT.name
SALES = (
    "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount\n"
    "1,2024-01-05,C1,Female,30,Beauty,1,10,10\n"
)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    landing = tmp_path / "raw" / SOURCE / f"dt={DAY}"
    landing.mkdir(parents=True)
    (landing / "sales.csv").write_text(SALES)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "more.csv").write_text(SALES)
    return tmp_path / "raw"


def linked_folder(landing: Path) -> None:
    (landing / "till").symlink_to(landing.parents[2] / "elsewhere")


def loop_of_folders(landing: Path) -> None:
    (landing / "loop").symlink_to(landing)


def loop(landing: Path) -> None:
    (landing / "a.csv").symlink_to(landing / "b.csv")
    (landing / "b.csv").symlink_to(landing / "a.csv")


def broken_link(landing: Path) -> None:
    (landing / "gone.csv").symlink_to(landing / "nowhere.csv")


def pipe(landing: Path) -> None:
    os.mkfifo(landing / "pipe.csv")


def not_utf8(landing: Path) -> None:
    Path(os.fsdecode(bytes(landing) + b"/caf\xe9.csv")).write_text(SALES)


def control_character(landing: Path) -> None:
    (landing / "two\nlines.csv").write_text(SALES)


def in_a_folder_that_is_not_utf8(landing: Path) -> None:
    folder = Path(os.fsdecode(bytes(landing) + b"/till\xe9"))
    folder.mkdir()
    (folder / "a.csv").write_text(SALES)


REFUSED: dict[Callable[[Path], None], tuple[str, str]] = {
    linked_folder: ("/till: ", "a link to a folder"),
    loop_of_folders: ("/loop: ", "a link to a folder"),
    loop: ("/a.csv: ", "leads to itself"),
    broken_link: ("/gone.csv: ", "not there"),
    pipe: ("/pipe.csv: ", "a pipe"),
    not_utf8: (r"/caf\xe9.csv: ", "not UTF-8"),
    control_character: (r"/two\nlines.csv: ", "control characters"),
    in_a_folder_that_is_not_utf8: (r"/till\xe9: ", "not UTF-8"),
}


@pytest.mark.parametrize("put", REFUSED, ids=lambda put: put.__name__)
def test_what_is_no_file_is_refused_by_name_and_hangs_nobody(raw: Path, put: Callable[[Path], None]) -> None:
    landing = raw / SOURCE / f"dt={DAY}"
    put(landing)
    store = Store(str(raw))
    assert [e.key for e in store.list(SOURCE)] == [f"{SOURCE}/dt={DAY}/sales.csv"]
    assert landed_partitions(store, SOURCE) == [DAY]
    name, why = REFUSED[put]
    with pytest.raises(LandingError, match="cannot be read as files") as refused:
        inspect_landings(store, SOURCE, [DAY], CONTRACT)
    assert name in str(refused.value)
    assert why in str(refused.value)
    assert str(refused.value).isprintable() or "\n  " in str(refused.value)


def test_a_linked_landing_is_refused_and_named(raw: Path) -> None:
    other = dt.date(2024, 1, 6)
    (raw / SOURCE / f"dt={other}").symlink_to(raw.parent / "elsewhere")
    store = Store(str(raw))
    with pytest.raises(LandingError, match=f"dt={other}: a link to a folder"):
        inspect_landings(store, SOURCE, [other], CONTRACT)
    assert [str(item) for item in overlooked(store, SOURCE, [DAY])] == [
        f"{SOURCE}/dt={other} (a link to a folder, which is not followed)"
    ]


def test_a_link_to_a_file_is_read(raw: Path) -> None:
    (raw / SOURCE / f"dt={DAY}" / "linked.csv").symlink_to(raw.parent / "elsewhere" / "more.csv")
    [manifest] = inspect_landings(Store(str(raw)), SOURCE, [DAY], CONTRACT)
    assert [f.lines for f in manifest.files] == [1, 1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{SOURCE}/dt={DAY}/.sales.csv", "begins with a dot"),
        (f"{SOURCE}/dt={DAY}/.late/sales.csv", "begins with a dot"),
        (f"{SOURCE}/dt={DAY}/_sales.csv", "begins with an underscore"),
        (f"{SOURCE}/dt={DAY}/_late/sales.csv", "begins with an underscore"),
        (f"{SOURCE}/dt=2024-1-5/sales.csv", "is dt=2024-01-05 meant"),
        (f"{SOURCE}/DT=2024-01-05/sales.csv", "is dt=2024-01-05 meant"),
        (f"{SOURCE}/20240105/sales.csv", "is dt=2024-01-05 meant"),
        (f"{SOURCE}/dt=2024-02-31/sales.csv", "not in the folder of a landing"),
        (f"{SOURCE}/archive/2023/sales.csv", "not in the folder of a landing"),
        (f"{SOURCE}/sales.csv", "not in the folder of a landing"),
        ("sales.csv", "not in a landing of"),
        ("Retail-Sales/dt=2024-01-05/sales.csv", "is retail_sales meant"),
    ],
)
def test_what_no_landing_reads_is_named(raw: Path, name: str, why: str) -> None:
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SALES)
    [found] = overlooked(Store(str(raw)), SOURCE, [DAY])
    assert why in found.why
    assert name.startswith(found.name)
    inspect_landings(Store(str(raw)), SOURCE, [DAY], CONTRACT)


def test_what_programs_write_next_to_data_is_not_worth_a_word(raw: Path) -> None:
    landing = raw / SOURCE / f"dt={DAY}"
    for name in ("_SUCCESS", "_committed_12", ".DS_Store", ".sales.csv.crc", f".{'0' * 32}.part", "._sales.csv"):
        (landing / name).write_text("x")
    (landing / "_delta_log").mkdir()
    (landing / "_delta_log" / "0.json").write_text("{}")
    (raw / "other_source" / "dt=2024-01-05").mkdir(parents=True)
    (raw / SOURCE / "notes").mkdir()
    (raw / "README.md").write_text("x")
    assert overlooked(Store(str(raw)), SOURCE, [DAY]) == []


def test_a_store_that_is_not_there_has_nothing_to_overlook(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "none"))
    assert overlooked(store, SOURCE, [DAY]) == []
    assert unread(store, SOURCE) == []

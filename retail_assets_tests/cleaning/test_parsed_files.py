"""Small files judged together have the rows that each has by itself: values, reasons, lines, and their file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from retail_assets.cleaning import parsed_files as module
from retail_assets.cleaning.parsed_files import parsed_files, parsed_rows
from retail_assets.contracts.loading import load
from retail_assets.errors import LandingError
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import inspect_landings
from retail_assets.storage import Store
from retail_assets_tests.landing.streamed_objects import DAY, SOURCE, landed, objects
from retail_assets_tests.trials import trials

CONTRACT = load("retail_sales")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@settings(max_examples=trials(15, soak=400))
@given(contents=st.lists(objects, min_size=1, max_size=6), together=st.sampled_from([1, 3, 10**6]))
def test_files_judged_together_have_the_rows_that_each_has_by_itself(
    folder: Path, contents: list[list[bytes]], together: int
) -> None:
    """Whatever the lines, the keys in them, how the dates are written, and how many lines one query judges."""
    store = Store(str(folder / str(len(list(folder.iterdir())))))
    landed(store, contents)
    [manifest] = inspect_landings(store, SOURCE, [DAY], CONTRACT)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_TOGETHER_LINES", together)
        found = list(parsed_files(store, manifest.files, CONTRACT, DAY))

    assert [at for at, _ in found] == sorted(at for at, _ in found)
    for at, profile in enumerate(manifest.files):
        alone = list(parsed_rows(store, profile, CONTRACT, DAY))
        rows = [table for of, table in found if of == at]
        assert [t.num_rows for t in rows] == [t.num_rows for t in alone]
        assert not alone or pa.concat_tables(rows).equals(pa.concat_tables(alone))


def test_small_and_large_files_come_in_the_order_of_their_keys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file between small ones is read in blocks, and none of the rows changes its file."""
    store = Store(str(folder / "sizes"))
    header = "Transaction ID,Date,Product Category,Quantity,Price per Unit,Total Amount\n"
    sizes = {"a.csv": 1, "b.csv": 2, "c.csv": 400, "d.csv": 3, "e.csv": 1}
    for name, size in sizes.items():
        rows = (f"{name}-{n},2024-03-04,Beauty,1,5,5\n" for n in range(size))
        store.write(f"{partition_folder(SOURCE, DAY)}/{name}", (header + "".join(rows)).encode())
    [manifest] = inspect_landings(store, SOURCE, [DAY], CONTRACT)
    monkeypatch.setattr(module, "SMALL_BYTES", 1000)

    found = list(parsed_files(store, manifest.files, CONTRACT, DAY))

    ids = [(at, text) for at, table in found for text in table["transaction_id"].to_pylist()]
    assert ids == [(at, f"{name}-{n}") for at, (name, size) in enumerate(sizes.items()) for n in range(size)]


def test_a_small_file_that_was_replaced_meanwhile_is_refused_by_name(folder: Path) -> None:
    """Rows of another file than the registered one would break the totals, whoever its neighbors are."""
    store = Store(str(folder / "replaced"))
    record = {
        "Transaction ID": 1,
        "Date": "2024-03-04",
        "Product Category": "A",
        "Quantity": 1,
        "Price per Unit": 5,
        "Total Amount": 5,
    }
    landed(store, [[json.dumps(record | {"Transaction ID": n}).encode()] for n in range(3)])
    [manifest] = inspect_landings(store, SOURCE, [DAY], CONTRACT)
    store.write(manifest.files[1].key, gzip.compress(b"{}\n" * 200))

    with pytest.raises(LandingError, match=f"{manifest.files[1].key} has .* it was replaced meanwhile"):
        list(parsed_files(store, manifest.files, CONTRACT, DAY))

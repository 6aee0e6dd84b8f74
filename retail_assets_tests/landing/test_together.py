"""Objects of a stream that are inspected together have the profiles that each has by itself."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retail_assets.contracts.loading import load
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.inspection.together import batches, inspect_together
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import inspect_landings
from retail_assets.storage import Store
from retail_assets_tests.landing.streamed_objects import DAY, SOURCE, landed, objects
from retail_assets_tests.trials import trials

SHOP = load("retail_sales")
CONTRACTS = {
    "plain": SHOP,
    "formats": SHOP.model_copy(update={"dates": SHOP.dates.model_copy(update={"formats": ("%Y%m%d", "%d/%m/%Y")})}),
    "zone": SHOP.model_copy(update={"timezone": "Europe/Berlin"}),
}
RECORD = b'{"Transaction ID": 1, "Date": "2024-03-04", "Product Category": "A", "Quantity": 1, "Price per Unit": 5, '


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("räw [1]'s")  # a path that is a pattern to DuckDB, and needs quoting


@settings(max_examples=trials(15, soak=300))
@given(
    contents=st.lists(objects, min_size=1, max_size=6),
    contract=st.sampled_from(sorted(CONTRACTS)).map(CONTRACTS.__getitem__),
)
def test_profiles_are_those_of_each_object_by_itself(
    folder: Path, contents: list[list[bytes]], contract: Contract
) -> None:
    """Header, columns, lines, totals, what the dates prove and the clock changes, whatever the other objects are."""
    store = Store(str(folder / str(len(list(folder.iterdir())))))
    landed(store, contents)
    entries = store.list(partition_folder(SOURCE, DAY))
    alone = {entry.key: inspect_file(store, entry, contract, DAY) for entry in entries}

    together = inspect_together(store, entries, contract, DAY)

    assert together == {key: alone[key] for key in together}
    assert list(inspect_landings(store, SOURCE, [DAY], contract)[0].files) == [alone[e.key] for e in entries]


def test_good_objects_need_no_query_of_their_own(folder: Path) -> None:
    """Of thousands, only those with lost text or without any record are left to be inspected one by one."""
    store = Store(str(folder / "good"))
    good = [
        RECORD + b'"Total Amount": 5}',
        RECORD + b'"Total Amount": 5, "note": "n"}',
        b'["not JSON", "t", 0, 2, "x"]',
    ]
    landed(store, [[good[0]], good, [good[0], b'{"Date": "\xff"}'], [good[2]]])
    entries = store.list(partition_folder(SOURCE, DAY))
    [batch] = batches(entries, SHOP)
    assert list(inspect_together(store, batch, SHOP, DAY)) == [entries[0].key, entries[1].key]


def test_an_object_that_does_not_fit_is_named_whichever_others_are_beside_it(folder: Path) -> None:
    """A message about a batch would leave somebody to look for the object."""
    store = Store(str(folder / "unfit"))
    landed(store, [[RECORD + b'"Total Amount": 5}'], [b'{"Date": "2024-03-04"}'], [RECORD + b'"Total Amount": 5}']])
    entries = store.list(partition_folder(SOURCE, DAY))
    assert inspect_together(store, entries, SHOP, DAY) == {}
    with pytest.raises(LandingError, match=f"{entries[1].key} does not fit contract"):
        inspect_landings(store, SOURCE, [DAY], SHOP)


def test_files_beside_the_stream_are_inspected_by_themselves(folder: Path) -> None:
    """They may be large, and their errors are for whoever sent them."""
    store = Store(str(folder / "beside"))
    store.write(f"{partition_folder(SOURCE, DAY)}/a.jsonl", RECORD + b'"Total Amount": 5}\n')
    assert list(batches(store.list(partition_folder(SOURCE, DAY)), SHOP)) == []

"""Registering the landing of a stream again: what was inspected before is not inspected again, and nothing changes."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from retail_assets.contracts.loading import load
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.landing import register
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.inspection.together import inspect_together
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import inspect_landings, register_landings
from retail_assets.landing.streamed import Offsets
from retail_assets.storage import Entry, Store

CONTRACT = load("retail_sales")
SOURCE = "shop"
DAY = dt.date(2024, 3, 5)


class Stream:
    """A landing of streamed objects, and which files each registration inspects."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.raw = Store(str(folder / "raw"))
        self.lake = Lake(Store(str(folder / "lake")), SOURCE)
        self.inspected: list[str] = []

        def watched(store: Store, entry: Entry, *rest: Any) -> FileProfile:
            self.inspected.append(entry.key)
            return inspect_file(store, entry, *rest)

        def watched_together(store: Store, entries: Sequence[Entry], *rest: Any) -> dict[str, FileProfile]:
            found = inspect_together(store, entries, *rest)
            self.inspected += found
            return found

        monkeypatch.setattr(register, "inspect_file", watched)
        monkeypatch.setattr(register, "inspect_together", watched_together)

    def land(self, first: int, quantity: int = 10) -> str:
        record = {"Transaction ID": first, "Date": "2024-03-04", "Product Category": "Beauty", "Price per Unit": 5}
        line = json.dumps(record | {"Quantity": quantity, "Total Amount": 5 * quantity})
        key = Offsets("sales", 0, first, first + 1).key(SOURCE, DAY)
        self.raw.write(key, gzip.compress(line.encode() + b"\n", 0, mtime=0))
        return key

    def register(self) -> RawManifest:
        """Register the landing: the manifest must be what inspecting every file has."""
        self.inspected.clear()
        [manifest] = register_landings(self.raw, self.lake, [DAY], CONTRACT).manifests
        seen = sorted(self.inspected)
        assert [manifest] == inspect_landings(self.raw, SOURCE, [DAY], CONTRACT)
        assert self.lake.raw(DAY) == manifest
        self.inspected[:] = seen
        return manifest


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    return Stream(tmp_path, monkeypatch)


def test_only_objects_that_landed_since_are_inspected(stream: Stream) -> None:
    """Every run of a day once paid for all objects of the day."""
    landed = [stream.land(n) for n in range(3)]
    stream.register()
    assert stream.inspected == landed

    later = [stream.land(n) for n in (3, 4)]
    assert len(stream.register().files) == 5
    assert stream.inspected == later
    stream.register()
    assert stream.inspected == []


def test_an_object_with_other_bytes_of_the_same_size_is_inspected(stream: Stream) -> None:
    """Whoever rewrites an object by hand gets the totals of what is there now."""
    first, _ = stream.land(0), stream.land(1)
    before = stream.register()
    stream.land(0, quantity=11)
    after = stream.register()

    assert (before.files[0].size, before.files[1]) == (after.files[0].size, after.files[1])
    assert after.files[0].control.amount == "55.00"
    assert stream.inspected == [first]


def test_files_beside_the_stream_are_inspected_every_time(stream: Stream) -> None:
    """There are few of them, and who materializes a landing again may have corrected what reads them."""
    stream.land(0)
    key = f"{partition_folder(SOURCE, DAY)}/till.csv"
    stream.raw.write(
        key, b"Transaction ID,Date,Product Category,Quantity,Price per Unit,Total Amount\n9,2024-03-04,A,1,5,5\n"
    )
    stream.register()
    stream.register()
    assert stream.inspected == [key]


def test_other_code_inspects_every_object_again(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade, a profile could lack what the new release looks for."""
    key = stream.land(0)
    stream.register()
    monkeypatch.setattr(register, "inspector", lambda: "9.9.9+00000000")
    stream.register()
    assert stream.inspected == [key]
    stream.register()
    assert stream.inspected == []


def test_another_contract_inspects_every_object_again(stream: Stream) -> None:
    """Columns and money of a profile are those of its contract."""
    key = stream.land(0)
    stream.register()
    other = CONTRACT.model_copy(update={"version": CONTRACT.version + 1})
    stream.inspected.clear()
    register_landings(stream.raw, stream.lake, [DAY], other)
    assert stream.inspected == [key]


def test_a_manifest_of_an_earlier_release_is_not_relied_on(stream: Stream) -> None:
    """It does not say what inspected its files."""
    key = stream.land(0)
    stream.register()
    manifest = Path(stream.lake.store.local_path(stream.lake.manifest_key("raw", DAY)))
    content = json.loads(manifest.read_text())
    del content["inspected_by"]
    manifest.write_text(json.dumps(content))
    stream.register()
    assert stream.inspected == [key]

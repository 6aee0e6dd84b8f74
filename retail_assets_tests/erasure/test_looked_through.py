"""A file that was looked through for erased customers is not looked through again, and nobody comes back by that."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retail_assets.erasure import registration
from retail_assets.erasure.key import key_of
from retail_assets.erasure.person import rows_of
from retail_assets.erasure.tombstones import set_tombstone
from retail_assets.lake.manifests import RawManifest
from retail_assets_tests.erasure.shop import D1, PERSON, Shop, csv, json_lines, row
from retail_assets_tests.trials import trials

CUSTOMERS = ("A", "B", "C")
KEY = "0123456789abcdef" * 4


class Registering:
    """A shop, and the files that each registration looks through."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.shop = Shop(folder, {"RETAIL_ERASURE_KEY": KEY})

    @property
    def manifest(self) -> Path:
        lake = self.shop.platform.lake
        return lake.store.local_path(lake.manifest_key("raw", D1))

    def erase(self, customer: str) -> None:
        """Do what a process that is killed after the first step of erasing has done."""
        key = key_of(self.shop.platform.settings, create=False)
        assert key is not None
        set_tombstone(self.shop.platform.lake, key, customer, dt.date(2024, 3, 9))

    def register(self, *, all_files: bool = False) -> RawManifest:
        if all_files and self.manifest.exists():
            content = json.loads(self.manifest.read_text())
            content.pop("looked_through_by", None)
            self.manifest.write_text(json.dumps(content))
        return self.shop.register(D1)[0]

    def files(self) -> dict[str, bytes]:
        raw = self.shop.platform.raw
        return {entry.key: raw.read(entry.key) for entry in raw.list("shop")}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the files of each look."""
    looks: list[list[str]] = []

    def watched(store: Any, profiles: Any, *rest: Any) -> Any:
        looks.append([profile.key.rpartition("/")[2] for profile in profiles])
        return rows_of(store, profiles, *rest)

    monkeypatch.setattr(registration, "rows_of", watched)
    return looks


def test_only_new_files_are_looked_through(tmp_path: Path, looked: list[list[str]]) -> None:
    """After one erasure, every run of a streamed day once looked through thousands of objects."""
    made = Registering(tmp_path / "shop")
    made.erase(PERSON)
    made.shop.land(D1, "a.csv", csv([row(1, "A"), row(2, PERSON)]))
    made.register()
    made.shop.land(D1, "b.csv", csv([row(3, "B")]))
    made.register()
    made.register()
    assert looked == [["a.csv"], ["b.csv"], []]

    made.erase("B")
    manifest = made.register()
    assert looked[3:] == [["a.csv", "b.csv"]]
    assert (manifest.erased, [f.key for f in manifest.files]) == (2, ["shop/dt=2024-03-01/a.csv"])


def test_the_order_of_a_new_file_is_looked_for_in_the_old_ones(tmp_path: Path, looked: list[list[str]]) -> None:
    """A row without a customer belongs to the person whose receipt it is on, whichever file names the person."""
    made = Registering(tmp_path / "shop")
    made.erase(PERSON)
    made.shop.land(D1, "a.csv", csv([row(1, "A"), row(2, None, receipt="R7")]))
    made.register()
    made.shop.land(D1, "b.csv", csv([row(3, PERSON, receipt="R7"), row(4, "B")]))
    assert made.register().erased == 2
    assert looked == [["a.csv"], ["b.csv"], ["a.csv", "b.csv"]]
    assert b"R7" not in b"".join(made.files().values())


def test_other_code_looks_through_all_files_again(
    tmp_path: Path, looked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may find a person in a form that the release before did not know."""
    made = Registering(tmp_path / "shop")
    made.erase(PERSON)
    made.shop.land(D1, "a.csv", csv([row(1, "A")]))
    made.register()
    monkeypatch.setattr(registration, "code_of", lambda *_: "9.9.9+00000000")
    made.register()
    assert looked == [["a.csv"], ["a.csv"]]


lines = st.tuples(st.sampled_from([*CUSTOMERS, None]), st.sampled_from(["R1", "R2", "R3"]))
files = st.tuples(st.sampled_from(["a.csv", "b.csv", "c.jsonl"]), st.lists(lines, min_size=1, max_size=4))
steps = st.lists(
    st.one_of(
        files.map(lambda f: ("land", *f)),
        st.sampled_from(CUSTOMERS).map(lambda c: ("erase", c, [])),
        st.just(("register", "", [])),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=trials(15, soak=300))
@given(steps=steps)
def test_the_files_are_those_of_looking_through_all_every_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, list[tuple[str | None, str]]]]
) -> None:
    """In whatever order files land, are corrected and registered, and customers are erased."""
    folder = tmp_path_factory.mktemp("shops")
    made, checked = Registering(folder / "made"), Registering(folder / "checked")
    number = 0
    for step, name, rows in [*steps, ("register", "", [])]:
        cells = [row(number + i, customer, receipt=order) for i, (customer, order) in enumerate(rows)]
        number += len(rows)
        for each in (made, checked):
            if step == "land":
                each.shop.land(D1, name, json_lines(cells) if name.endswith("jsonl") else csv(cells))
            elif step == "erase":
                each.erase(name)
        if step == "register":
            found, expected = made.register(), checked.register(all_files=True)
            assert made.files() == checked.files()
            assert found == expected

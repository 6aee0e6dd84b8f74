"""Temporary folders of killed processes may hold a copy of anybody, and are removed; those in use stay."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from retail_assets.erasure.erase import erase_customer
from retail_assets.erasure.scratch import discard_left, scratch
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, NOW, PERSON, Shop, csv, row


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _left(folder: Path, name: str, hours: float, *, lock: bool = False) -> Path:
    left = folder / name
    left.mkdir()
    (left / "retail.sqlite").write_text(PERSON)
    if lock:
        (left / ".lock").touch()
    os.utime(left, times=(time.time() - hours * 3600,) * 2)
    return left


def test_a_copy_of_a_bundle_that_a_killed_erasing_left_is_removed(tmp_path: Path, folder: Path) -> None:
    shop = Shop(tmp_path)
    shop.land(D1, "day1.csv", csv([row(1, PERSON), row(2, "C1")]))
    shop.run(D1)
    _left(folder, "retail-erase-killed", 0, lock=True)
    erase_customer(shop.platform, PERSON, NOW)
    assert everywhere.found_in([folder, tmp_path / "home"], PERSON) == []


def test_folders_in_use_and_folders_of_others_stay(folder: Path) -> None:
    _left(folder, "retail-bundle-old", 2)
    stay = [
        _left(folder, "retail-bundle-new", 0),
        _left(folder, "retail-other", 9),
        _left(folder, "retail-erase-new", 9),
    ]
    with scratch() as used:
        assert discard_left() == 1
        assert sorted(folder.iterdir()) == sorted([*stay, used])
    assert not used.exists()

"""`retail-assets pseudonym`, and `land` with pseudonyms: what people read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from retail_assets.cli import app
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, PERSON, csv, row
from retail_assets_tests.pseudonyms.landed_shop import WITH_PSEUDONYMS, LandedShop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandedShop:
    shop = LandedShop(tmp_path)
    for name, value in shop.environ.items():
        monkeypatch.setenv(name, value)
    return shop


def _land(shop: LandedShop, *more: str) -> int:
    path = shop.folder / "till.csv"
    path.write_bytes(csv([row(1, PERSON), row(2, "C1"), [PERSON]]))
    return app.main(["land", str(path), "--date", "2024-03-01", *more])


def test_land_replaces_ids_and_names_the_file_that_was_given(
    shop: LandedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _land(shop) == 0
    printed = capsys.readouterr().out
    assert f"{shop.folder}/till.csv: landed as shop/dt=2024-03-01/till.csv" in printed
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []
    assert _land(shop) == 0
    assert f"{shop.folder}/till.csv: already landed as" in capsys.readouterr().out
    assert app.main(["pseudonym", "C1"]) == 0
    assert capsys.readouterr().out.strip().encode() in shop.platform.raw.read("shop/dt=2024-03-01/till.csv")


def test_an_id_from_standard_input_is_in_no_history(
    shop: LandedShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _land(shop)
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f" {PERSON} \n"))
    assert app.main(["pseudonym", "-"]) == 0
    assert capsys.readouterr().out == f"{shop.pseudonyms.of(PERSON)}\n"


def test_before_the_first_landing_there_is_no_pseudonym(shop: LandedShop, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["pseudonym", "C1"]) == 1
    assert "Land a file with `retail-assets land`" in capsys.readouterr().err
    assert not (shop.folder / "home" / "pseudonym.key").exists()


def test_a_contract_without_pseudonyms_says_so(shop: LandedShop, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.folder / "shop.yaml").write_text(CONTRACT)
    assert app.main(["pseudonym", "C1"]) == 1
    assert "does not ask for pseudonyms" in capsys.readouterr().err
    (shop.folder / "shop.yaml").write_text(WITH_PSEUDONYMS)


def test_a_file_that_does_not_fit_does_not_land_without_a_check(
    shop: LandedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can tell in which of its columns the ids are."""
    path = shop.folder / "other.csv"
    path.write_text(f"a,b\n{PERSON},1\n")
    assert app.main(["land", str(path), "--date", "2024-03-01", "--no-check"]) == 1
    assert "does not fit contract" in capsys.readouterr().err
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []

"""`retail-assets pseudonym`, and `land` with pseudonyms: what people read."""

from __future__ import annotations

import datetime as dt
import io
import os
import sys
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets.cli import app
from retail_assets.contracts import loading
from retail_assets.doctor import Finding, run
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets.pseudonyms.registration import refusing_clear_ids
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


def test_land_without_the_option_is_refused_where_files_landed_with_it(
    shop: LandedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contract of the next day has lost its line: no id lands beside pseudonyms."""
    assert _land(shop) == 0
    (shop.folder / "shop.yaml").write_text(CONTRACT)
    path = shop.folder / "next.csv"
    path.write_bytes(csv([row(3, PERSON)]))
    assert app.main(["land", str(path), "--date", "2024-03-02"]) == 1
    assert "Put `pseudonymize: true` back" in capsys.readouterr().err
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose contract is the shipped one with pseudonyms."""
    text = loading._SHIPPED.joinpath("retail_sales.yaml").read_text()
    contract = tmp_path / "ours.yaml"
    contract.write_text(text + "\npseudonymize: true\n")
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RETAIL_SOURCE", str(contract))
    return tmp_path


def test_a_sample_lands_with_the_pseudonyms_that_its_contract_asks_for(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It landed with ids, and every run refused it."""
    arguments = ["sample", "synthetic", "--rows", "200", "--days", "2", "--dirt", "0.2"]
    assert app.main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"RETAIL_SOURCE={sample}/ours.yaml" in printed or "RETAIL_SOURCE" not in printed
    platform = Platform(settings_module.load())
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]
    guard = refusing_clear_ids(platform.settings, platform.raw, platform.lake, None)
    registered = register_landings(platform.raw, platform.lake, days, platform.settings.contract, guard)
    assert len(list(registered.manifests)) == 2
    assert app.main(arguments) == 0
    assert "had already landed (2 files)" in capsys.readouterr().out


def test_a_sample_is_refused_where_the_shipped_contract_lost_the_pseudonyms(
    sample: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sample", "synthetic", "--rows", "200", "--days", "2"]
    assert app.main(arguments) == 0
    monkeypatch.setenv("RETAIL_SOURCE", "retail_sales")
    assert app.main(arguments) == 1
    assert "Put `pseudonymize: true` back" in capsys.readouterr().err


def _doctor(shop: LandedShop) -> Finding:
    found = [f for f in run({**os.environ, **shop.environ}, start_spark=False) if f.name == "pseudonyms"]
    assert len(found) == 1
    return found[0]


def test_the_doctor_compares_the_key_with_the_landings(shop: LandedShop, monkeypatch: pytest.MonkeyPatch) -> None:
    key = shop.folder / "home" / "pseudonym.key"
    assert _doctor(shop).ok
    assert "the first landing makes the key" in _doctor(shop).detail
    assert not key.exists()
    assert _land(shop) == 0
    assert _doctor(shop) == Finding("pseudonyms", True, f"the key in {key} is the one that made the pseudonyms of shop")
    key.chmod(0o644)
    assert _doctor(shop).fix == f"Run: chmod 600 {key}"
    key.chmod(0o600)
    kept = key.read_text()
    key.write_text("00" * 32)
    assert "another key" in _doctor(shop).detail
    key.write_text("not a key")
    assert "is damaged" in _doctor(shop).detail
    key.unlink()
    assert "is not here" in _doctor(shop).detail
    assert not _doctor(shop).ok
    key.write_text(kept)
    monkeypatch.setitem(shop.environ, "RETAIL_PSEUDONYM_KEY", "another secret of this shop")
    assert "another key" in _doctor(shop).detail


def test_the_doctor_of_a_contract_without_the_option_is_silent_about_it(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, CONTRACT)
    assert not [f for f in run({**os.environ, **shop.environ}, start_spark=False) if f.name == "pseudonyms"]

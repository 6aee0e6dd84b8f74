"""Keys without a match and landings joined with an older version are named; the command lands references."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from retail_assets import settings as settings_module
from retail_assets.cli.app import app
from retail_assets.defs.build import build_defs
from retail_assets.lake.manifests import CleanManifest
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets.status import read_status
from retail_assets_tests.landing.test_references import BASE, COLUMNS, MASTERS
from retail_assets_tests.warehouse.landings import line, write

DAY, LATER = dt.date(2024, 3, 1), dt.date(2024, 3, 2)


class Home:
    """A home whose contract has references, and the command line on it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, masters: str = MASTERS) -> None:
        self.folder = folder
        (folder / "shop.yaml").write_text(BASE + masters + COLUMNS)
        for name, value in {"RETAIL_SOURCE": str(folder / "shop.yaml"), "RETAIL_HOME": str(folder / "home")}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        self.platform = Platform(settings_module.load())

    def land(self, name: str, text: str, *options: str, day: dt.date = DAY) -> Any:
        (self.folder / name).write_text(text)
        return CliRunner().invoke(app, ["land", str(self.folder / name), "--date", str(day), *options])

    def clean(self, *products: str | None) -> None:
        platform = self.platform
        contract = platform.settings.contract
        [raw] = register_landings(platform.raw, platform.lake, [DAY], contract).manifests
        rows = [line(f"T{n}", 100, DAY, at=n + 2, product_id=product) for n, product in enumerate(products)]
        written = write(platform.lake, DAY, rows)
        self.publish(CleanManifest(**{**vars(written), "raw_digest": raw.digest, "contract": contract.digest}))

    def publish(self, manifest: CleanManifest) -> None:
        self.platform.lake.publish_clean(manifest)

    def check(self, name: str) -> dg.AssetCheckEvaluation:
        key = dg.AssetCheckKey(dg.AssetKey("clean_sales"), name)
        definitions = build_defs(self.platform.settings)
        job = dg.define_asset_job("check", dg.AssetSelection.checks(key))
        whole = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
        [evaluation] = whole.get_job_def("check").execute_in_process().get_asset_check_evaluations()
        return evaluation


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Home]:
    return lambda: Home(tmp_path, monkeypatch)


def test_the_command_lands_references_and_refuses_what_cannot_be_joined(home: Callable[[], Home]) -> None:
    shop = home()
    refused = shop.land("p.csv", "SKU,Department\nP1,a\nP1,b\n", "--reference", "products")
    assert refused.exit_code != 0
    assert not shop.platform.raw.list("shop")
    unknown = shop.land("p.csv", "SKU,Department\nP1,a\n", "--reference", "product")
    assert "Did you mean 'products'" in str(unknown.exception) + unknown.output
    landed = shop.land("p.csv", "SKU,Department\nP1,a\n", "--reference", "products")
    assert landed.exit_code == 0, landed.output
    assert "1 rows with a key" in landed.output
    assert [e.key for e in shop.platform.raw.list("shop")] == ["shop/references/products/dt=2024-03-01/p.csv"]
    shop.land("s.csv", "id,date,card,sku,qty,total\n1,2024-03-01,,P1,1,5.00\n")
    again = shop.land("p.csv", "SKU,Department\nP1,b\n", "--reference", "products", day=LATER)
    assert f"--partition {DAY}" in again.output or str(DAY) in again.output.split("Next:")[1]


@pytest.mark.slow
def test_checks_and_status_show_orphans_and_landings_joined_with_an_older_version(home: Callable[[], Home]) -> None:
    shop = home()
    shop.land("p.csv", "SKU,Department\nP1,Toys\n", "--reference", "products")
    shop.land("m.csv", "Card,Sex,Age\nC1,F,33\n", "--reference", "members")
    shop.land("s.csv", "id,date,card,sku,qty,total\n1,2024-03-01,,P1,1,5.00\n")
    shop.clean("P1", None, "P8", "P9", "P9")
    match = shop.check("references_match")
    assert not match.passed
    assert match.severity == dg.AssetCheckSeverity.WARN
    assert "products: 2 keys, such as P9, P8" in (match.description or "").replace("\\", "")
    assert shop.check("references_are_current").passed
    assert read_status(shop.platform).landings[0].state != "changed"

    shop.land("p.csv", "SKU,Department\nP1,Toys\nP8,x\nP9,x\n", "--reference", "products", day=LATER)
    current = shop.check("references_are_current")
    assert not current.passed
    assert str(DAY) in (current.description or "").replace("\\", "")
    assert read_status(shop.platform).landings[0].state == "changed"

    shop.clean("P1", None, "P8", "P9")
    assert shop.check("references_match").passed
    assert shop.check("references_are_current").passed
    assert read_status(shop.platform).landings[0].state != "changed"


def test_keys_that_a_partial_reference_does_not_have_are_counted_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Home(tmp_path, monkeypatch, MASTERS.replace("[Department]", "[Department], partial: true"))
    shop.land("p.csv", "SKU,Department\nP1,Toys\n", "--reference", "products")
    shop.land("m.csv", "Card,Sex,Age\nC1,F,33\n", "--reference", "members")
    shop.land("s.csv", "id,date,card,sku,qty,total\n1,2024-03-01,,P1,1,5.00\n")
    shop.clean("P1", "P8", "P9", "P9")
    match = shop.check("references_match")
    assert match.passed
    assert match.metadata["rows_without_a_match"].value == {"products": 3}


def test_a_version_that_changes_no_row_of_a_landing_does_not_make_it_outdated(home: Callable[[], Home]) -> None:
    """A product master that comes each day would otherwise mark the whole history each day."""
    shop = home()
    shop.land("p.csv", "SKU,Department\nP1,Toys\n", "--reference", "products")
    shop.land("m.csv", "Card,Sex,Age\nC1,F,33\n", "--reference", "members")
    shop.land("s.csv", "id,date,card,sku,qty,total\n1,2024-03-01,,P1,1,5.00\n")
    shop.clean("P1", None)
    shop.land("p.csv", "SKU,Department\nP1,Toys\nP7,New\n", "--reference", "products", day=LATER)
    assert read_status(shop.platform).landings[0].state == "changed"  # nobody has compared it yet
    assert shop.check("references_are_current").passed
    assert read_status(shop.platform).landings[0].state != "changed"
    shop.land("p.csv", "SKU,Department\nP1,Games\n", "--reference", "products", "--replace", day=LATER)
    assert not shop.check("references_are_current").passed
    assert read_status(shop.platform).landings[0].state == "changed"


def test_the_command_names_the_landings_that_a_version_counts_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Home(tmp_path, monkeypatch, MASTERS.replace("[Department]", "[Department], version: as_of_landing"))
    for day in (DAY, LATER):
        shop.land(f"{day}.csv", f"id,date,card,sku,qty,total\n{day},2024-03-01,,P1,1,5.00\n", "--no-check", day=day)
    first = shop.land("p.csv", "SKU,Department\nP1,Toys\n", "--reference", "products", day=DAY)
    assert f"--partition-range {DAY}...{LATER}" in first.output
    second = shop.land("p.csv", "SKU,Department\nP1,Games\n", "--reference", "products", day=LATER)
    assert f"--partition {LATER}" in second.output
    members = shop.land("m.csv", "Card,Sex,Age\nC1,F,33\n", "--reference", "members", day=LATER)
    assert f"--partition-range {DAY}...{LATER}" in members.output
    older = shop.land("m.csv", "Card,Sex,Age\nC1,F,34\n", "--reference", "members", day=DAY)
    assert "It counts for none of the sales that have landed" in older.output

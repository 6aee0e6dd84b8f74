"""The asset of the report, and the command: what they write, what the checks found, and where the run is."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from retail_assets import settings as settings_module
from retail_assets.cli.app import app, main
from retail_assets.defs.assets.report import report_assets
from retail_assets.defs.checks.figures import figure_checks
from retail_assets.errors import SettingsError
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets.warehouse import marts
from retail_assets_tests.segmentation.shoppers import fill, line

FOUND = "No font draws `ไทย`: install *fonts-noto*."


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    chosen = {
        "RETAIL_HOME": str(tmp_path / "home"),
        "RETAIL_OUTPUT": str(tmp_path / "output"),
        "RETAIL_DAGSTER_URL": "https://dagster.example.com/",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


def platform_with_sales(environment: dict[str, str]) -> Platform:
    platform = Platform(settings_module.load(environment))
    fill(platform.warehouse, [line(str(n), f"2024-01-{n:02d}", "c", 10 + n) for n in range(1, 29)])
    platform.warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return platform


def test_the_asset_shows_what_checks_found_and_links_to_its_run(environment: dict[str, str]) -> None:
    platform = platform_with_sales(environment)
    checks = figure_checks(platform)
    [key, *_] = [key for check in checks for key in check.check_keys]
    instance = dg.DagsterInstance.ephemeral()
    severity = dg.AssetCheckSeverity.WARN
    found = dg.AssetCheckEvaluation(
        asset_key=key.asset_key, check_name=key.name, passed=False, severity=severity, description=FOUND, metadata={}
    )
    instance.report_runless_asset_event(found)
    done = dg.materialize(report_assets(platform, checks), instance=instance)
    assert done.success
    made = {event.asset_key.path[-1]: event.materialization for event in done.get_asset_materialization_events()}
    assert made["report"].metadata["checks_failed"].value == 1
    book = Path(environment["RETAIL_OUTPUT"]) / "retail.xlsx"
    assert made["workbook"].metadata["bytes"].value == book.stat().st_size
    page = (Path(environment["RETAIL_OUTPUT"]) / "report.html").read_text()
    assert f"{key.name} ({key.asset_key.to_user_string()})" in page
    assert "No font draws <code>ไทย</code>: install <em>fonts-noto</em>." in page
    assert f'href="https://dagster.example.com/runs/{done.run_id}"' in page
    assert "retail_sales: sales, forecast and customers" in page


def test_the_command_writes_the_page_where_it_is_asked_to(environment: dict[str, str], tmp_path: Path) -> None:
    platform_with_sales(environment)
    there = tmp_path / "there.html"
    shown = CliRunner().invoke(app, ["report", "--output", str(there)])
    assert shown.output.strip() == str(there)
    usual = CliRunner().invoke(app, ["report"])
    written = Path(environment["RETAIL_OUTPUT"]) / "report.html"
    assert str(written) in usual.output
    assert written.read_bytes() == there.read_bytes()


def test_the_command_says_what_to_do_where_there_is_nothing_to_show(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["report"]) == 1
    assert "aterialize" in capsys.readouterr().err
    platform_with_sales(environment)
    assert main(["report", "--output", str(tmp_path / "no" / "folder.html")]) == 1
    assert "Give --output a file in a folder that exists." in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["https://user:secret@host", "ftp://host", "dagster", "https://host?token=secret", 'http://h"x']
)
def test_an_address_of_dagster_that_cannot_be_linked_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="RETAIL_DAGSTER_URL") as refused:
        settings_module.load({"RETAIL_DAGSTER_URL": address})
    assert "secret" not in str(refused.value)

"""Runs from the command line are recorded so that Dagster's pages show them and can execute them again."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance

from retail_assets.cli.app import main
from retail_assets.platform import Platform
from retail_assets.samples import synthetic
from retail_assets.settings import load
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
DAY, NEXT = dt.date(2024, 1, 1), dt.date(2024, 1, 2)


@pytest.fixture
def recorded(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Dagster, as `make` makes it, and two landings."""
    home = dagster_home(tmp_path / "dagster")
    for name, value in {**environ, "DAGSTER_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    synthetic.land(Platform(load()).raw, rows=40, days=2, seed=1, start=DAY)
    return home


def test_a_run_names_the_code_location_that_the_pages_load(recorded: Path) -> None:
    """Without it the run is not in the timeline, and its page has no button that executes it again."""
    assert main(["materialize", "--select", "raw_sales_files", "--partition-range", f"{DAY}...{NEXT}"]) == 0
    with DagsterInstance.get() as instance:
        [run] = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.asset_selection == {dg.AssetKey("raw_sales_files")}
    origin = run.remote_job_origin
    assert origin is not None
    [location] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert origin.location_name == location["python_module"]["location_name"] == project["code_location_name"]
    target = origin.repository_origin.code_location_origin.loadable_target_origin
    assert target.module_name == location["python_module"]["module_name"]
    assert origin.job_name == run.job_name
    assert run.tags["dagster/asset_partition_range_start"] == str(DAY)
    assert run.tags["dagster/asset_partition_range_end"] == str(NEXT)
    assert run.tags["retail_assets/source"] == "retail_sales"

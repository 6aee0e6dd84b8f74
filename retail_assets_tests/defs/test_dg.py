"""`dg`, Dagster's present command line, in the checkout: `[tool.dg]` in pyproject.toml points it to the definitions."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from retail_assets.defs.build import build_defs
from retail_assets.platform import Platform
from retail_assets.samples import synthetic
from retail_assets.settings import load
from retail_assets_tests.dagster_home import dagster_home

pytest.importorskip("dagster_dg_cli", reason="`dg` is not installed: pip install -c requirements.lock -e '.[dg]'")

ROOT = Path(__file__).parents[2]
DAY = dt.date(2024, 1, 1)


@pytest.fixture
def env(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment with a Dagster home of its own, in which this checkout is found."""
    home = dagster_home(tmp_path / "dagster")
    paths = {"DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **environ, **paths, "RETAIL_START_DATE": DAY.isoformat()}


def dg(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("dg")
    done = subprocess.run(
        [program, *arguments], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr
    return done


def test_it_finds_the_definitions_that_the_workspace_file_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    [location] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert project["code_location_target_module"] == location["python_module"]["module_name"]


def test_dg_check_defs_loads_the_definitions(env: dict[str, str]) -> None:
    assert "All definitions loaded successfully." in dg(env, "check", "defs", "--no-check-yaml").stdout


def test_dg_list_defs_shows_every_asset_job_and_schedule(env: dict[str, str]) -> None:
    listed = json.loads(dg(env, "list", "defs", "--json").stdout)
    repository = build_defs(load({"RETAIL_START_DATE": DAY.isoformat()})).get_repository_def()
    assets = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {asset["asset_key"] for asset in listed["assets"]} == assets
    assert {job["name"] for job in listed["jobs"]} >= {"retail_pipeline", "retrain_forecast", "retrain_segments"}
    assert len(listed["schedules"]) == 2


def test_dg_launch_materializes_an_asset_of_a_landing(env: dict[str, str]) -> None:
    platform = Platform(load({name: value for name, value in env.items() if name.startswith("RETAIL_")}))
    synthetic.land(platform.raw, rows=100, days=1, seed=1, start=DAY)
    dg(env, "launch", "--assets", "raw_sales_files", "--partition", DAY.isoformat())
    assert len(platform.lake.raw(DAY).files) == 1

"""The link of an alert opens the check that it reports, in Dagster's own pages, in a real browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dagster as dg
import httpx
import pytest

from retail_assets.alerts.causes import Cause
from retail_assets.defs.alert_events import RunReader
from retail_assets.platform import Platform
from retail_assets.settings import load
from retail_assets_tests.dagster_home import dagster_home
from retail_assets_tests.services.browser import IN_BROWSER, chromium
from retail_assets_tests.services.server import served

pytestmark = IN_BROWSER

_MISSING = "4,021 lines are missing."
_DEFINITIONS = f"""
import dagster as dg

@dg.asset(key=["shop_one", "sales"])
def sales() -> None: ...

@dg.asset_check(asset=sales)
def a_first_check() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="Nothing is wrong.")

@dg.asset_check(asset=sales)
def rows_are_conserved() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="{_MISSING}")

defs = dg.Definitions([sales], asset_checks=[a_first_check, rows_are_conserved])
"""


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/server_info", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def cause_of_run(environ: dict[str, str], url: str) -> Cause:
    """Run the asset and its checks, and return the one cause that the alerts read from it."""
    scope: dict[str, dg.Definitions] = {}
    exec(_DEFINITIONS, scope)
    with dg.DagsterInstance.get() as instance:
        job = scope["defs"].resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance)
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[result.run_id]))
        reader = RunReader(Platform(load({**environ, "RETAIL_DAGSTER_URL": url})), instance, None)
        reader.read(record, "", 0.0)
    [cause] = reader.found.causes
    return cause


def test_the_link_of_a_failed_check_shows_that_check(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(tmp_path / "dagster")))
    (tmp_path / "shop.py").write_text(_DEFINITIONS)
    program = str(Path(sys.executable).with_name("dagster-webserver"))

    def command(port: int) -> list[str]:
        return [program, "-f", "shop.py", "-h", "127.0.0.1", "-p", str(port)]

    with served(command, tmp_path / "log", answers, 120, cwd=tmp_path, env=dict(os.environ)) as url:
        cause = cause_of_run(environ, url)
        assert cause.link is not None
        with chromium() as browser:
            page = browser.new_context(viewport={"width": 1300, "height": 900}).new_page()
            page.goto(cause.link)
            page.get_by_text(_MISSING).first.wait_for(timeout=60_000)
            assert page.get_by_text("Nothing is wrong.").count() == 0  # of the check that is first in the list

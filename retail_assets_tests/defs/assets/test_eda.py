"""The insights' asset says what has changed since the last run; a run that finds all as it was makes nothing stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets import settings as settings_module
from retail_assets.defs.assets.eda import eda_assets
from retail_assets.defs.data_versions import CONTENT
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_CUSTOMER
from retail_assets.warehouse import marts
from retail_assets_tests.segmentation.shoppers import fill, line


def sold(platform: Platform, days: int) -> None:
    fill(platform.warehouse, [line(str(n), f"2024-01-{n:02d}", "c", 10 + n) for n in range(1, days + 1)])
    platform.warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    platform.warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)


def insights(platform: Platform) -> Any:
    """Materialize the asset and return its event."""
    done = dg.materialize(eda_assets(platform), selection=["insights"], instance=dg.DagsterInstance.ephemeral())
    [event] = done.get_asset_materialization_events()
    return event.materialization


def test_a_run_says_what_has_changed_and_the_same_again_is_no_other_version(tmp_path: Path) -> None:
    environ = {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")}
    platform = Platform(settings_module.load(environ))
    written = tmp_path / "output" / "changes.json"
    said, contents, versions = [], [], []
    for days in (20, 20, 20, 28):
        sold(platform, days)
        event = insights(platform)
        said.append(event.metadata["since_the_last_run"].value)
        versions.append(event.metadata[CONTENT].value)
        contents.append(written.read_bytes())
    assert said[0] == "- **Nothing to compare with**: no earlier run is on record."
    assert said[1] == said[2] == "- **Nothing has changed since the last run**: 0 landings, sales up to 20 Jan 2024."
    assert "**USD 276 more revenue**, 8 order lines more: USD 686 in total" in said[3]
    assert "sales reach 28 Jan 2024 (before: 20 Jan 2024)." in said[3]
    assert contents[1] == contents[2]
    assert versions[0] == versions[1] == versions[2] != versions[3]
    assert json.loads(contents[3])["before"] == json.loads(contents[0])["run"]
    page = (tmp_path / "output" / "insights.md").read_text()
    assert "Nothing to compare with" not in page
    assert "**Last month: not known.** The sales from 1 Jan 2024 to 28 Jan 2024 have no full calendar month." in page

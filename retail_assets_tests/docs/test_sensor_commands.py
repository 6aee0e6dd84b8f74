"""The commands of the pages that start a sensor start the one that the daemon runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from retail_assets_tests.docs.pages import PAGES, ROOT, code

COMMANDS = sorted({c for page in PAGES for text in code(page) for c in re.findall(r"dagster sensor start .*", text)})


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_sensor_that_a_page_starts_is_in_the_code_location_of_the_workspace(command: str, tmp_path: Path) -> None:
    """Started with `-m`, the sensor is in a location named after the module: it shows as running, and never ticks."""
    settings = {"DAGSTER_HOME": str(tmp_path), "RETAIL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    program = [str(Path(sys.executable).with_name("dagster")), *shlex.split(command)[1:]]

    done = subprocess.run(program, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stderr
    location = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]["location_name"]
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        [state] = instance.all_instigator_state()
    assert state.origin.repository_origin.code_location_origin.location_name == location


def test_a_page_has_such_a_command() -> None:
    assert COMMANDS

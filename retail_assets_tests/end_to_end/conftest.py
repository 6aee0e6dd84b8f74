"""A pipeline that has really run: synthetic sales landed and materialized by the commands of the README."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
FIRST, LAST = "2024-01-01", "2024-01-03"
ROWS = 3000


@dataclasses.dataclass(frozen=True)
class Installation:
    """A home of its own and the environment that points the commands to it."""

    home: Path
    output: Path
    env: dict[str, str]

    def run(self, *command: str, expect: int | None = 0, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command of this Python environment; fail unless it ends with `expect` (None: anything but 0)."""
        program = str(Path(sys.executable).with_name(command[0]))
        done = subprocess.run(
            [program, *command[1:]],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        as_expected = done.returncode == expect if expect is not None else done.returncode != 0
        assert as_expected, f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done

    def materialize(self, *which: str, select: str = "*", expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.run(
            "dagster",
            "asset",
            "materialize",
            "-m",
            "retail_assets.definitions",
            "--select",
            select,
            *which,
            expect=expect,
        )

    def copy(self, folder: Path) -> Installation:
        """The same state elsewhere, to be damaged without harm to the other tests."""
        shutil.copytree(self.home, folder / "home")
        shutil.copytree(self.output, folder / "output")
        return installation(folder)


def installation(folder: Path) -> Installation:
    home, output = folder / "home", folder / "output"
    # Links resolved, or a checkout that is not installed would not be found by Spark's workers.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
    env |= {
        "RETAIL_HOME": str(home),
        "RETAIL_OUTPUT": str(output),
        "RETAIL_START_DATE": FIRST,
        "RETAIL_SPARK": "local[2]",
        "DAGSTER_HOME": str(dagster_home(home / "dagster")),
        "PYTHONPATH": str(ROOT),
    }
    return Installation(home, output, env)


@pytest.fixture(scope="session")
def materialized(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Three landings of synthetic sales, every asset materialized over them. Read only: copy it to change it."""
    place = installation(tmp_path_factory.mktemp("materialized"))
    place.run("retail-assets", "sample", "synthetic", "--rows", str(ROWS), "--days", "3", "--seed", "7")
    place.materialize("--partition-range", f"{FIRST}...{LAST}")
    return place

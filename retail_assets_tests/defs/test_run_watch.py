"""Whether the process of a run is there: never dead while it lives, dead once it is, unknown where nobody can know."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.launcher import WorkerStatus

from retail_assets.defs import run_watch
from retail_assets.defs.instance import dagster_instance
from retail_assets.defs.run_watch import WatchingRunLauncher, has_died, held
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
_HOLDS = """
import sys
from pathlib import Path
from retail_assets.defs.run_watch import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_process_that_is_killed_leaves_a_file_without_its_lock(tmp_path: Path) -> None:
    file = tmp_path / "new" / "run"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _HOLDS, str(file)]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert file.exists()
        assert not has_died(file)
        process.kill()
        process.wait(30)
    assert has_died(file)


def test_a_process_that_ends_leaves_nothing_also_by_an_error(tmp_path: Path) -> None:
    file = tmp_path / "run"
    with contextlib.suppress(ValueError), held(file):
        assert file.exists()
        raise ValueError
    assert list(tmp_path.iterdir()) == []
    assert not has_died(file)


def test_where_no_locks_or_no_files_are_nothing_is_concluded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On such disks every attempt to lock succeeds, so a living run would look dead."""
    (tmp_path / "file").touch()
    with held(tmp_path / "file" / "run"):
        assert not has_died(tmp_path / "file" / "run")
    monkeypatch.setattr(run_watch, "try_lock", lambda fd: True)
    with held(tmp_path / "run"):
        assert not (tmp_path / "run").exists()


def test_files_of_the_dead_go_after_a_week(tmp_path: Path) -> None:
    for name, age in (("old", 8), ("new", 1)):
        (tmp_path / name).touch()
        at = (tmp_path / name).stat().st_mtime - age * 86400
        os.utime(tmp_path / name, (at, at))
    with held(tmp_path / "run"):
        assert sorted(f.name for f in tmp_path.iterdir() if not f.name.startswith(".")) == ["new", "run"]


@dg.asset
def looks(context: dg.AssetExecutionContext) -> None:
    launcher = context.instance.run_launcher
    assert isinstance(launcher, WatchingRunLauncher)
    assert (launcher.folder / context.run.run_id).exists()
    assert launcher.check_run_worker_health(context.run).status is WorkerStatus.RUNNING
    (launcher.folder / "seen").touch()


def test_the_process_of_a_run_is_seen_by_the_launcher_of_the_projects_own_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(tmp_path / "dagster")))
    with dagster_instance() as instance:
        with dg.execute_job(dg.reconstructable(_job), instance=instance) as result:
            assert result.success
        launcher = instance.run_launcher
        assert isinstance(launcher, WatchingRunLauncher)
        assert instance.run_monitoring_enabled
        assert [file.name for file in launcher.folder.iterdir()] == ["seen"]


def _job() -> dg.JobDefinition:
    job = dg.define_asset_job("looking", executor_def=run_watch.watched_in_process_executor)
    return dg.Definitions([looks], jobs=[job]).resolve_job_def("looking")


def test_a_run_without_this_launcher_runs_as_ever() -> None:
    @dg.asset
    def small() -> None: ...

    job = dg.define_asset_job("small_job", executor_def=run_watch.watched_in_process_executor)
    definitions = dg.Definitions([small], jobs=[job])
    with dg.DagsterInstance.ephemeral() as instance:
        selected = definitions.resolve_job_def("small_job")
        run = instance.create_run_for_job(job_def=selected)
        assert execute_run(InMemoryJob(selected), run, instance).success

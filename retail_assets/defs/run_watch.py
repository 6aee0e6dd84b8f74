"""Whether the process of a run is still there, seen by the daemon: its `run_monitoring` can then end a run that died.

Dagster's default launcher cannot see processes, so a run whose machine lost power, or whose command line was killed,
counts as started, and keeps its places in the pools, until `max_runtime_seconds`. Here the process of a run holds the
lock of a file while it executes; the system takes the lock away when the process ends, however that ends. Where there
is no such file, nothing is concluded.

What a launcher answers to `run_monitoring` has no public names in Dagster.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from retail_assets.defs.kept_records import records_kept_open
from retail_assets.storage.locks import try_lock

_FOLDER = "runs_in_progress"
#: Its types leave open what is always there.
_IN_PROCESS: Any = dg.in_process_executor
#: Files of runs that died are deleted when they are this old: the daemon has seen them by then.
_KEEP_SECONDS = 7 * 24 * 3600.0


class WatchingRunLauncher(dg.DefaultRunLauncher):
    """Dagster's default launcher, which also answers whether the process of a run is there.

    `folder` is where the processes of runs have their files, on a disk that the daemon sees as well; by default below
    DAGSTER_HOME.
    """

    def __init__(self, inst_data: Any = None, folder: str | None = None) -> None:
        super().__init__(inst_data)
        self._configured = folder

    @classmethod
    def config_type(cls) -> Any:
        return {"folder": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> WatchingRunLauncher:
        return cls(inst_data, **config_value)

    @property
    def folder(self) -> Path:
        """Where the files are; it may not exist yet."""
        return Path(self._configured or Path(self._instance.root_directory) / _FOLDER)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return FAILED if the process of a run has ended while it executed; RUNNING if not, or if nothing is known."""
        if not has_died(self.folder / run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            "The process of this run is gone: it was killed, ran out of memory, or its machine was restarted. What it "
            "had published is whole.",
        )


def has_died(file: Path) -> bool:
    """Return whether the process that held a file is gone. False if there is no such file, or it cannot be read."""
    try:
        with file.open(
            "rb"
        ) as opened:  # reading is enough for a lock, also where the disk is mounted for reading alone
            return try_lock(opened.fileno())
    except OSError:
        return False


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a file for the time of the block. Where that cannot be, such as on a full disk, the block runs without.

    The file appears under its name with its lock, and disappears before the lock: nobody sees it without, unless the
    process has died in between.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            _sweep(file.parent)
            hidden = file.with_name(f".{uuid.uuid4().hex}")
            opened = stack.enter_context(hidden.open("xb"))
            stack.callback(_remove, hidden)
            # A second lock that succeeds means that this system has none: then the file would say nothing.
            if try_lock(opened.fileno()) and not has_died(hidden):
                hidden.rename(file)
                stack.callback(_remove, file)
        yield


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a run that has just ended
            if file.stat().st_mtime < time.time() - _KEEP_SECONDS and has_died(file):
                _remove(file)


@dg.executor(name="in_process", config_schema=_IN_PROCESS.config_schema)
def watched_in_process_executor(init_context: dg.InitExecutorContext) -> dg.Executor:
    """Dagster's in-process executor, whose process the daemon can see, and which keeps the records open meanwhile."""
    return _Watched(_IN_PROCESS.executor_creation_fn(init_context))


class _Watched(dg.Executor):
    def __init__(self, executor: dg.Executor) -> None:
        self._executor = executor

    @property
    def retries(self) -> Any:
        return self._executor.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._executor.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        instance = plan_context.instance
        launcher = instance.run_launcher
        with contextlib.ExitStack() as stack:
            if isinstance(launcher, WatchingRunLauncher):
                stack.enter_context(held(launcher.folder / plan_context.run_id))
            stack.enter_context(records_kept_open(instance))
            yield from self._executor.execute(plan_context, execution_plan)

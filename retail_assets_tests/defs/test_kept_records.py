"""Dagster's records in SQLite stay connected during a run, with the same content, and nothing stays open behind it."""

import contextlib
import multiprocessing
import os
import queue
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from sqlalchemy import event
from sqlalchemy.pool import Pool

from retail_assets.defs.instance import dagster_instance
from retail_assets.defs.kept_records import records_kept_open
from retail_assets.defs.run_watch import watched_in_process_executor
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(tmp_path / "dagster")))
    with dagster_instance() as opened:
        yield opened


def chain(length: int) -> dg.JobDefinition:
    """Return a job of assets that follow each other, each with a check."""

    def step(number: int) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
        @dg.asset(name=f"a{number}", deps=[f"a{number - 1}"] if number else [])
        def asset() -> None: ...

        @dg.asset_check(asset=f"a{number}", name=f"c{number}")
        def check() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=number != 1, severity=dg.AssetCheckSeverity.WARN)

        return [asset, check]

    parts = [part for number in range(length) for part in step(number)]
    job = dg.define_asset_job("chain", executor_def=watched_in_process_executor)
    return dg.Definitions(
        [part for part in parts if not isinstance(part, dg.AssetChecksDefinition)],
        asset_checks=[part for part in parts if isinstance(part, dg.AssetChecksDefinition)],
        jobs=[job],
    ).resolve_job_def("chain")


def recorded(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str | None, str | None]]:
    entries = instance.all_logs(run_id)
    return [(entry.dagster_event_type.value if entry.dagster_event_type else None, entry.step_key) for entry in entries]


@contextlib.contextmanager
def connections() -> Iterator[list[str]]:
    """Collect the files of new connections to databases."""
    opened: list[str] = []

    def note(connection: sqlite3.Connection, _record: object) -> None:
        opened.extend(row[2] for row in connection.execute("PRAGMA database_list"))

    event.listen(Pool, "connect", note)
    try:
        yield opened
    finally:
        event.remove(Pool, "connect", note)


def open_files(folder: Path) -> list[str]:
    links = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return [link for link in links if link.startswith(str(folder))]


def run_chain(instance: dg.DagsterInstance, length: int) -> Any:
    job = chain(length)
    return execute_run(InMemoryJob(job), instance.create_run_for_job(job), instance)


def test_the_connections_of_a_run_do_not_grow_with_its_steps(instance: dg.DagsterInstance) -> None:
    opened = []
    for job in (chain(2), chain(6)):
        run = instance.create_run_for_job(job)
        with connections() as files:
            assert execute_run(InMemoryJob(job), run, instance).success
        opened.append(len(files))
    assert opened[0] == opened[1]
    with connections() as files:
        assert chain(2).execute_in_process(instance=instance).success  # with Dagster's own executor
    assert len(files) > 2 * opened[0]


def test_the_records_are_what_they_are_without(instance: dg.DagsterInstance) -> None:
    kept = run_chain(instance, 3)
    plain = chain(3).execute_in_process(instance=instance)
    assert recorded(instance, kept.run_id) == recorded(instance, plain.run_id)
    for run_id in (kept.run_id, plain.run_id):
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS
    keys = [dg.AssetCheckKey(dg.AssetKey(f"a{number}"), f"c{number}") for number in range(3)]
    last = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert [last[key].status.value for key in keys] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_another_process_reads_along(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        for number in range(3):
            instance.report_engine_event(f"event {number}", run)
            with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as other:
                messages = [entry.message for entry in other.all_logs(run.run_id)]
                assert messages[-1] == f"event {number}"
                other.add_run_tags(run.run_id, {"seen": str(number)})
            found = instance.get_run_by_id(run.run_id)
            assert found
            assert found.tags["seen"] == str(number)


def test_a_page_of_dagster_sees_the_events_while_the_run_goes_on(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The page waits until the file changes: it showed nothing of a run until its end."""
    seen: queue.Queue[str] = queue.Queue()
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as page, records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        instance.report_engine_event("before the page", run)
        page.watch_event_logs(run.run_id, None, lambda entry, _cursor: seen.put(entry.message))
        for message in ("first", "second"):
            instance.report_engine_event(message, run)
            while seen.get(timeout=60) != message:
                pass


def test_nothing_stays_open_and_nothing_is_replaced_afterwards(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    storages = instance.event_log_storage, instance.run_storage
    before = [dict(vars(storage)) for storage in storages]
    with contextlib.suppress(ZeroDivisionError), records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        with records_kept_open(instance):
            instance.report_engine_event("in the inner block", run)
        instance.report_engine_event("after the inner block", run)
        with connections() as files:
            instance.report_engine_event("still kept", run)
        assert files == []
        assert open_files(tmp_path)
        raise ZeroDivisionError
    assert open_files(tmp_path) == []
    assert list((tmp_path / "dagster").rglob("*-wal")) == []  # written into the databases
    assert [set(vars(storage)) for storage in storages] == [set(names) for names in before]


def test_an_error_within_a_transaction_takes_only_that_back(instance: dg.DagsterInstance) -> None:
    import sqlalchemy as db

    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        connect: Any = instance.event_log_storage
        with contextlib.suppress(ZeroDivisionError), connect.run_connection(run.run_id) as connection:
            connection.execute(db.text("DELETE FROM event_logs"))
            raise ZeroDivisionError
        instance.report_engine_event("after it", run)
        messages = [entry.message for entry in instance.all_logs(run.run_id)]
    assert messages[-1] == "after it"


def test_threads_write_at_the_same_time(instance: dg.DagsterInstance) -> None:
    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))

        def report(number: int) -> None:
            instance.report_engine_event(f"thread {number}", run)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(report, range(64)))
        messages = {entry.message for entry in instance.all_logs(run.run_id)}
    assert {f"thread {number}" for number in range(64)} <= messages


def test_a_forked_process_has_connections_of_its_own(instance: dg.DagsterInstance) -> None:
    def in_child() -> None:
        instance.report_engine_event("from the child", run)

    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        instance.report_engine_event("before", run)
        child = multiprocessing.get_context("fork").Process(target=in_child)
        child.start()
        child.join(60)
        assert child.exitcode == 0
        instance.report_engine_event("after", run)
        messages = [entry.message for entry in instance.all_logs(run.run_id)]
    assert messages[-3:] == ["before", "from the child", "after"]


def test_what_a_forked_process_writes_after_the_block_is_not_lost(instance: dg.DagsterInstance) -> None:
    """Its connection had no lock: SQLite counted on the one that was open in the parent."""
    import sqlalchemy as db

    context = multiprocessing.get_context("fork")
    has_read, may_write = context.Event(), context.Event()
    storage: Any = instance.event_log_storage

    def in_child() -> None:
        with storage.run_connection(run.run_id) as connection:
            connection.execute(db.text("SELECT count(*) FROM event_logs")).fetchall()
            has_read.set()
            assert may_write.wait(60)
            connection.execute(db.text("UPDATE event_logs SET step_key = 'child'"))

    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        for message in ("first", "second"):
            instance.report_engine_event(message, run)
        child = context.Process(target=in_child)
        child.start()
        assert has_read.wait(60)
    may_write.set()
    child.join(60)
    assert child.exitcode == 0
    with storage.run_connection(run.run_id) as connection:
        assert set(connection.execute(db.text("SELECT step_key FROM event_logs")).scalars()) == {"child"}


def test_what_is_erased_meanwhile_is_in_no_byte(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A connection that waits must not keep the old pages of a database."""
    with records_kept_open(instance):
        run = instance.create_run_for_job(chain(1))
        instance.report_engine_event("The customer CUST-4711 bought bread.", run)
        code = (
            "import sys; from pathlib import Path; from retail_assets.erasure.mentions import Mentions;"
            "from retail_assets.erasure.sqlite_rows import erase_from_sqlite;"
            "print(erase_from_sqlite(Path(sys.argv[1]), Mentions('CUST-4711')))"
        )
        [shard] = (tmp_path / "dagster").rglob(f"{run.run_id}.db")
        command = [sys.executable, "-c", code, str(shard)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
        assert done.stdout == "1\n"
        instance.report_engine_event("after it", run)
        files = [path for path in (tmp_path / "dagster").rglob("*") if path.is_file()]
        assert len(files) > 4
        assert [path.name for path in files if b"CUST-4711" in path.read_bytes()] == []
        assert instance.all_logs(run.run_id)[-1].message == "after it"


_DIES = """
import os, signal
import dagster as dg
from retail_assets.defs.instance import dagster_instance
from retail_assets.defs.kept_records import records_kept_open
from retail_assets_tests.defs.test_kept_records import chain
with dagster_instance() as instance, records_kept_open(instance):
    run = instance.create_run_for_job(chain(1))
    for number in range(20):
        instance.report_engine_event(f"event {number}", run)
    print(run.run_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_kill_every_event_is_there(instance: dg.DagsterInstance) -> None:
    command = [sys.executable, "-c", _DIES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    messages = [entry.message for entry in instance.all_logs(done.stdout.strip())]
    assert messages[-20:] == [f"event {number}" for number in range(20)]


def test_records_that_are_no_files_are_used_as_ever() -> None:
    with dg.DagsterInstance.ephemeral() as instance, records_kept_open(instance):
        run = run_chain(instance, 2)
        assert run.success
        assert [kind for kind, _ in recorded(instance, run.run_id)].count("STEP_SUCCESS") == 4

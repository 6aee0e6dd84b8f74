"""Files of DuckDB, opened by threads and processes at once: nobody writes to a file while somebody reads it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.warehouse.duckdb_files import OpenHereError, reading, writing

_OPEN_TO_WRITE = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"


def made(path: Path, rows: int = 10) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS n FROM range(?)", [rows])
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made(tmp_path / "of a person's shop.duckdb")


def count(path: Path) -> int:
    with reading(path) as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM t").fetchall()
    return int(rows)


def another_process_can_write(path: Path) -> bool:
    ended = subprocess.run(
        [sys.executable, "-c", _OPEN_TO_WRITE, str(path)], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0 or "Could not set lock on file" in ended.stderr, ended.stderr
    return ended.returncode == 0


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path))


def test_a_file_is_locked_until_its_last_reader_has_closed_it(file: Path) -> None:
    with contextlib.ExitStack() as outer:
        outer.enter_context(reading(file))
        assert count(file) == 10
        linked = file.with_name("linked.duckdb")
        linked.symlink_to(file)
        assert count(linked) == 10
        assert not another_process_can_write(file)
    assert another_process_can_write(file)


def test_a_vain_attempt_to_write_does_not_free_the_file_for_other_processes(file: Path) -> None:
    with reading(file) as reader:
        with pytest.raises(OpenHereError), writing(file, lambda: connect(file)):
            pass
        assert not another_process_can_write(file)
        assert reader.execute("SELECT max(n) FROM t").fetchall() == [(9,)]
    with writing(file, lambda: connect(file)) as writer:
        writer.execute("INSERT INTO t VALUES (10)")
        with pytest.raises(OpenHereError):
            count(file)
        with pytest.raises(OpenHereError), writing(file, lambda: connect(file)):
            pass
        assert not another_process_can_write(file)
    assert count(file) == 11


def test_a_writer_that_could_not_open_its_file_leaves_it_to_others(file: Path) -> None:
    def refused() -> duckdb.DuckDBPyConnection:
        raise duckdb.IOException("Permission denied")

    with pytest.raises(duckdb.IOException, match="denied"), writing(file, refused):
        pass
    assert count(file) == 10
    with pytest.raises(duckdb.CatalogException), reading(file) as connection:
        connection.execute("SELECT * FROM nothing")
    with writing(file, lambda: connect(file)) as connection:
        connection.execute("DELETE FROM t")
    assert count(file) == 0


def test_a_file_that_is_replaced_is_read_anew_and_cannot_be_changed_by_a_reader(file: Path, tmp_path: Path) -> None:
    assert count(file) == 10
    os.replace(made(tmp_path / "new.duckdb", 3), file)
    assert count(file) == 3
    with reading(file) as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("DELETE FROM t")
    with pytest.raises(duckdb.IOException, match="does not exist"):
        count(tmp_path / "none.duckdb")


def test_threads_read_files_at_once_and_each_sees_its_own(tmp_path: Path) -> None:
    files = {made(tmp_path / f"{n}.duckdb", n): n for n in (1, 2, 3)}
    together = threading.Barrier(6, timeout=60)

    def reads(path: Path) -> int:
        together.wait()
        return sum(count(path) for _ in range(20))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(reads, [*files, *files])) == [20 * n for n in [*files.values()] * 2]
    assert all(map(another_process_can_write, files))


def test_what_does_not_fit_into_memory_goes_beside_the_file_that_is_read(tmp_path: Path) -> None:
    for name in ("one", "two"):
        file = made(tmp_path / f"{name}.duckdb", 3_000_000)
        with reading(file) as connection:
            connection.execute("SET GLOBAL memory_limit = '40MB'")  # for this engine, which ends with what it put there
            connection.execute("CREATE TEMP TABLE sorted AS SELECT n, hash(n) AS h FROM t ORDER BY h")
            assert list((tmp_path / f"{name}.duckdb.tmp").iterdir())
        assert not (tmp_path / f"{name}.duckdb.tmp").exists()
    with reading(file) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("1.8 GiB",)]


@pytest.mark.parametrize("broken", [duckdb.FatalException, duckdb.InternalException])
def test_after_an_error_that_breaks_the_engine_there_is_another_one(file: Path, broken: type[duckdb.Error]) -> None:
    def breaks() -> None:
        with reading(file) as connection:
            connection.execute("SET GLOBAL memory_limit = '1GB'")
            raise broken("database has been invalidated")

    with reading(file) as other:
        with pytest.raises(broken, match="invalidated"):
            breaks()
        assert other.execute("SELECT current_setting('memory_limit')").fetchall() == [("953.6 MiB",)]
    with reading(file) as connection:
        assert connection.execute("SELECT current_setting('memory_limit'), max(n) FROM t").fetchall() == [
            ("1.8 GiB", 9)
        ]


def test_a_reader_that_was_left_open_is_closed_while_the_same_thread_opens_another(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Python collects an abandoned scan, in the middle of opening a file."""
    other = made(file.with_name("other.duckdb"), 3)
    left = reading(file)
    left.__enter__()

    def collects(text: str) -> str:
        left.__exit__(None, None, None)
        monkeypatch.setattr("retail_assets.warehouse.duckdb_files.literal", literal)
        return literal(text)

    monkeypatch.setattr("retail_assets.warehouse.duckdb_files.literal", collects)
    assert count(other) == 3
    assert all(map(another_process_can_write, (file, other)))


_FORKED = """
import os, sys, threading
from pathlib import Path
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.warehouse.duckdb_files import reading

def count():
    with reading(Path(sys.argv[1])) as connection:
        return connection.execute("SELECT count(*) FROM t").fetchall()

def in_child():
    child = os.fork()
    if child == 0:
        assert count() == [(10,)]
        sys.exit(0)
    return os.waitpid(child, 0)[1]

assert count() == [(10,)]
assert in_child() == 0  # while nothing is open
assert count() == [(10,)]
is_open, may_close = threading.Event(), threading.Event()

def read():
    with reading(Path(sys.argv[1])) as connection:
        is_open.set()
        assert may_close.wait(100)
        print(connection.execute("SELECT max(n) FROM t").fetchall())

thread = threading.Thread(target=read)
thread.start()
assert is_open.wait(100)
assert in_child() == 0  # while another thread reads
may_close.set()
thread.join()
assert count() == [(10,)]
"""


def test_a_process_that_has_read_may_fork_and_both_read_on(file: Path) -> None:
    """A web server or a scheduler forks its workers. DuckDB's threads are not in them."""
    ended = subprocess.run([sys.executable, "-c", _FORKED, str(file)], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "[(9,)]\n"), ended.stderr


def test_where_processes_cannot_fork_files_are_read_all_the_same(file: Path) -> None:
    """As on Windows, where Python has no `os.register_at_fork`."""
    code = (
        "import os, sys; from pathlib import Path; import duckdb; del os.register_at_fork\n"
        "import retail_assets.defs.kept_records\n"
        "from retail_assets.warehouse.duckdb_files import reading\n"
        "with reading(Path(sys.argv[1])) as connection: print(connection.execute('SELECT max(n) FROM t').fetchall())"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "[(9,)]\n"), ended.stderr

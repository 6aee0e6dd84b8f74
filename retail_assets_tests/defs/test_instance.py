"""Opening Dagster's records: several processes at once, and homes that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets.defs.instance import dagster_instance
from retail_assets.errors import SettingsError
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
_OPENS = """
import sys
from retail_assets.defs.instance import dagster_instance
print("ready", flush=True)
sys.stdin.readline()
with dagster_instance() as instance:
    print(len(instance.get_runs()))
"""


@pytest.mark.slow
def test_processes_that_open_a_new_home_at_once_all_get_in(tmp_path: Path) -> None:
    """As the tasks of an Airflow DAG do on their first day. Dagster lets all but one end with an error of SQLite."""
    environ = {**os.environ, "DAGSTER_HOME": str(dagster_home(tmp_path / "dagster")), "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENS], env=environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [(out, error[-2000:]) for out, error in answers if out != "0\n"] == []
    assert [process.returncode for process in processes] == [0, 0, 0, 0]


@pytest.mark.slow
def test_make_opens_a_new_home_before_others_do(tmp_path: Path) -> None:
    """Webserver and daemon that were the first to open it collided; the pages told people to open it by hand."""
    home = tmp_path / "a home"
    command = ["make", "-s", "instance", f"VENV={sys.prefix}", f"DAGSTER_HOME={home}"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    made = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    assert (home / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()
    assert (home / "history" / "runs.db").is_file()


@pytest.mark.parametrize("place", ["relative", "/nowhere/at/all", __file__])
def test_a_home_that_cannot_be_used_is_refused_in_words(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", place)
    with pytest.raises(SettingsError, match=f"DAGSTER_HOME={place} cannot be used"):
        dagster_instance()


def test_records_that_cannot_be_opened_are_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of another user, or a full disk, ended every command with "something unexpected" and an error of SQLite."""
    home = dagster_home(tmp_path / "dagster")
    (home / "history").mkdir(exist_ok=True)
    (home / "history" / "runs.db").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with pytest.raises(SettingsError, match=r"cannot be opened: unable to open database file\. Check the owner"):
        dagster_instance()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, r"dagster.yaml reads DAGSTER_POSTGRES_URL, which is not set\. Set it"),
        (
            "postgresql+psycopg2://dagster:hidden-word@127.0.0.1:9/dagster",
            r"Connection refused.*PostgreSQL, that it runs",
        ),
    ],
)
def test_records_in_postgresql_that_cannot_be_reached_are_named_without_the_login(
    url: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing address was a page of Dagster's objects, and a server that is away "something unexpected"."""
    monkeypatch.setattr("dagster_postgres.utils.time.sleep", lambda seconds: None)  # between its attempts
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "deploy" / "dagster.compose.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_LOG_FOLDER", str(tmp_path / "logs"))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    with pytest.raises(SettingsError, match=said) as caught:
        dagster_instance()
    assert "hidden-word" not in str(caught.value)
    assert "Stack Trace" not in str(caught.value)


def test_a_typo_in_dagster_yaml_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("run_monitorin:\n  enabled: true\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"run_monitorin[^g]"):
        dagster_instance()

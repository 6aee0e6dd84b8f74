"""`make airflow` prints where things are and leaves no process behind. The programs here are small stand-ins.

That the real ones start and answer is what test_standalone.py sees.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from airflow_bridge.local_stack import LocalStack, StackError, free_port
from retail_assets_tests.services.airflow.stacks import ROOT
from retail_assets_tests.waiting import until

#: Each program notes its process id, and starts a child in a session of its own, which no signal to a group reaches.
STAND_IN = """#!{python}
import http.server, json, os, pathlib, subprocess, sys, time
name = pathlib.Path(sys.argv[0]).name
if sys.argv[1:3] == ["instance", "info"]:
    sys.exit(0)
if os.environ.get("BREAKS") == name:
    sys.exit("the port of the moon is taken")
pids = pathlib.Path(os.environ["PIDS"])
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
def note(name, pid):
    (pids / f".{{name}}").write_text(str(pid))
    (pids / f".{{name}}").rename(pids / name)

note(f"{{name}}-child", child.pid)
note(name, os.getpid())

looks = []

def heartbeat():
    # An hour old until it was queried often enough, as in an instance that was in use before.
    looks.append(None)
    daemon, at = pids / "dagster-daemon", time.time() if len(looks) > int(os.environ.get("BEATS_AFTER", 0)) else 3600.0
    return at if daemon.exists() else None

class Answers(http.server.BaseHTTPRequestHandler):
    def answer(self):
        asked = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        if "daemonHealth" in asked:
            status = {{"daemonType": "QUEUED_RUN_COORDINATOR", "required": True, "lastHeartbeatTime": heartbeat()}}
            data = {{"instance": {{"daemonHealth": {{"allDaemonStatuses": [status]}}}}}}
            (pids / ".looks").write_text(str(len(looks)))
        else:
            error = {{"__typename": "PythonError", "message": "Error occurred"}}
            error = error | {{"causes": [{{"message": "no shop here"}}]}} if "BREAKS_CODE" in os.environ else None
            entries = [{{"name": "toys", "loadStatus": "LOADED", "locationOrLoadError": error}}]
            data = {{"workspaceOrError": {{"locationEntries": entries}}}}
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        healthy = {{part: {{"status": "healthy"}} for part in parts}}
        body = {{
            "/api/v2/monitor/health": healthy,
            "/auth/token": {{"access_token": "x"}},
            "/graphql": {{"data": data}},
        }}.get(self.path, {{}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    do_GET = do_POST = do_PATCH = answer

if name == "airflow":
    home = pathlib.Path(os.environ["AIRFLOW_HOME"])
    home.mkdir(exist_ok=True)
    (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({{"admin": "planted-login"}}))
    port = int(os.environ["AIRFLOW__API__PORT"])
elif name == "dagster-webserver":
    port = int(sys.argv[sys.argv.index("-p") + 1])
else:
    time.sleep(300)
http.server.HTTPServer(("127.0.0.1", port), Answers).serve_forever()
"""
PROGRAMS = ("airflow", "dagster", "dagster-webserver", "dagster-daemon")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Make a folder of stand-ins, like the bin folder of an environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "pids").mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(STAND_IN.format(python=sys.executable))
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def started(programs: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start `python -m airflow_bridge.local_stack`, as make does."""
    command = [sys.executable, "-m", "airflow_bridge.local_stack", "--home", str(tmp_path / "home")]
    command += ["--dagster-bin", str(programs), "--airflow-bin", str(programs)]
    env = os.environ | {"PIDS": str(tmp_path / "pids"), "DAGSTER_HOME": str(tmp_path / "dagster")}
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


def running(tmp_path: Path) -> dict[str, int]:
    """Return which of the processes that the programs noted still run."""
    noted = {p.name: int(p.read_text()) for p in (tmp_path / "pids").glob("[!.]*")}
    return {name: pid for name, pid in noted.items() if psutil.pid_exists(pid) and _works(pid)}


def _works(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_all(tmp_path: Path) -> None:
    """Wait until three programs and their children run."""
    until(lambda: len(running(tmp_path)) == 6, 120, lambda: running(tmp_path))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_to_look_and_ends_every_process(
    started: subprocess.Popen[str], tmp_path: Path, how: signal.Signals
) -> None:
    printed = ""
    while "Ctrl-C stops both." not in printed:
        line = started.stdout.readline()
        assert line, printed
        printed += line
    assert printed.count("http://127.0.0.1:") == 3
    assert "login admin / planted-login" in printed
    wait_for_all(tmp_path)
    started.send_signal(how)
    assert started.wait(240) == 0
    until(lambda: not running(tmp_path), 60, lambda: running(tmp_path))


def stack(programs: Path, tmp_path: Path, **more: str) -> LocalStack:
    return LocalStack(
        home=tmp_path / "home",
        dagster_home=tmp_path / "dagster",
        code=("-m", "toys"),
        dags_folder=tmp_path,
        environ=os.environ | {"PIDS": str(tmp_path / "pids")} | more,
        dagster_bin=programs,
        airflow_bin=programs,
        seconds=120,
    )


def test_a_program_that_ends_at_once_is_named_with_what_it_said_and_the_others_are_ended(
    programs: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        StackError, match=r"(?s)dagster-webserver ended while it was starting.*port of the moon is taken"
    ):
        stack(programs, tmp_path, BREAKS="dagster-webserver").start()
    assert running(tmp_path) == {}


def test_the_daemon_of_this_start_is_waited_for_and_not_taken_for_an_earlier_one(
    programs: Path, tmp_path: Path
) -> None:
    """Dagster calls a daemon healthy until half an hour after its last sign of life."""
    with stack(programs, tmp_path, BEATS_AFTER="2"):
        assert int((tmp_path / "pids" / ".looks").read_text()) == 3
        assert len(running(tmp_path)) == 6


def test_definitions_that_cannot_be_loaded_are_reported_with_the_cause(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"(?s)could not load toys:\nError occurred\nno shop here"):
        stack(programs, tmp_path, BREAKS_CODE="1").start()
    assert running(tmp_path) == {}


def test_a_program_that_is_not_installed_is_named_with_what_to_install(programs: Path, tmp_path: Path) -> None:
    (programs / "airflow").unlink()
    with pytest.raises(StackError, match=r"airflow does not exist. Install it: pip install 'retail-assets\[airflow\]'"):
        stack(programs, tmp_path).start()
    assert running(tmp_path) == {}


def test_a_second_one_in_the_same_folder_is_refused_and_the_first_goes_on(programs: Path, tmp_path: Path) -> None:
    with stack(programs, tmp_path):
        with pytest.raises(StackError, match="Another stack is running in"):
            stack(programs, tmp_path).start()
        wait_for_all(tmp_path)
    assert running(tmp_path) == {}


def test_airflow_is_connected_to_dagster_and_shows_no_examples(programs: Path, tmp_path: Path) -> None:
    place = stack(programs, tmp_path)
    env = place.airflow_environment()
    assert json.loads(env["AIRFLOW_CONN_DAGSTER_DEFAULT"])["host"] == place.dagster_url
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_a_port_that_is_taken_is_not_taken_again() -> None:
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        assert free_port(held.getsockname()[1]) != held.getsockname()[1]

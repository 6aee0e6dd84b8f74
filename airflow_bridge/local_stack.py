"""Dagster and Airflow together on this machine's loopback, for `make airflow` and the tests; not for deployments.

Starts a Dagster webserver and daemon and `airflow standalone` with the connection between them set, and stops all of
their processes again. Programs are started by name and nothing of Dagster is imported, so the two may live in separate
environments. Meant for trying things out: SQLite below one folder, one user, one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from airflow_bridge.processes import MARK, end, signals_as_interrupts

LOOPBACK = "127.0.0.1"
USER = "admin"
PIPELINE = "retail_pipeline"

_LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError {
  __typename ... on PythonError { message causes { message } }
} } } } }
"""
_HEARTBEATS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } } }"
_BESIDE = Path(sys.executable).parent
_PASSWORDS = "simple_auth_manager_passwords.json.generated"
_PLUGINS = "AIRFLOW__CORE__PLUGINS_FOLDER"
_TAIL = 3000


class StackError(Exception):
    """The stack could not be started; the message says which program failed, with the end of its log."""


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if nothing listens there, else a port that is free now."""
    for port in (preferred, 0):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((LOOPBACK, port))
            return int(s.getsockname()[1])
    raise StackError(f"No free port on {LOOPBACK}")


@dataclass
class LocalStack:
    """What runs, where, and with which environment. Use `start()`, then `stop()`, or a `with` block.

    `home` gets a folder `airflow` and the logs; `dagster_home` holds dagster.yaml. `code` are the arguments with which
    Dagster finds its definitions (`-m module`, `-w workspace.yaml`). `environ` is the environment of every program,
    `airflow_environ` is added for Airflow's.
    """

    home: Path
    dagster_home: Path
    code: Sequence[str]
    dags_folder: Path
    environ: Mapping[str, str]
    airflow_environ: Mapping[str, str] = field(default_factory=dict)
    dagster_bin: Path = _BESIDE
    airflow_bin: Path = _BESIDE
    dagster_port: int = 0
    airflow_port: int = 0
    seconds: float = 180.0
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)
    _dagster_started: float = field(default=0.0, repr=False)
    _lock: IO[bytes] | None = field(default=None, repr=False)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)

    @property
    def dagster_url(self) -> str:
        return f"http://{LOOPBACK}:{self.dagster_port}"

    @property
    def airflow_url(self) -> str:
        return f"http://{LOOPBACK}:{self.airflow_port}"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def password(self) -> str:
        """Return the password of the one user, as Airflow generated it at its first start."""
        return str(json.loads((self.airflow_home / _PASSWORDS).read_text())[USER])

    def dagster_environment(self) -> dict[str, str]:
        return {**self.environ, "DAGSTER_HOME": str(self.dagster_home), "DAGSTER_DISABLE_TELEMETRY": "1"}

    def airflow_environment(self) -> dict[str, str]:
        """Return Airflow's environment: loopback, free ports, no example DAGs, and the connection to Dagster."""
        connection = {"conn_type": "http", "host": self.dagster_url}
        return {
            **self.environ,
            "PATH": f"{self.airflow_bin}{os.pathsep}{self.environ.get('PATH', os.defpath)}",
            "AIRFLOW_HOME": str(self.airflow_home),
            "AIRFLOW_CONN_DAGSTER_DEFAULT": json.dumps(connection),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            "AIRFLOW__CORE__PLUGINS_FOLDER": self.environ.get(
                _PLUGINS, str(Path(__file__).resolve().parent / "plugins")
            ),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__WORKERS": "1",
            # Two log servers, whose default ports another Airflow on this machine may hold.
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **self.airflow_environ,
        }

    def start(self) -> None:
        """Start everything and wait until it answers. Raises StackError, with nothing left running."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.dagster_home.mkdir(parents=True, exist_ok=True)
        self._lock = (self.home / "local_stack.lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise StackError(
                f"Another stack is running in {self.home}: stop it first, or set another RETAIL_HOME"
            ) from None
        self.airflow_port = free_port(self.airflow_port)
        try:
            self.dagster_port = free_port(self.dagster_port)  # the connection names it
            self._run("airflow", [str(self.airflow_bin / "airflow"), "standalone"], self.airflow_environment())
            self.start_dagster()
            self.wait_for_dagster()
            self._wait_for("airflow", self._airflow_is_healthy)
            self._refuse_ended()
        except BaseException:
            self.stop()
            raise

    def start_dagster(self) -> None:
        """Start only the webserver and the daemon, without waiting; after `stop_dagster`, on the same port again."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.dagster_port = free_port(self.dagster_port)
        env = self.dagster_environment()
        self._create_instance(env)
        self._dagster_started = time.time()
        web = ["dagster-webserver", "-h", LOOPBACK, "-p", str(self.dagster_port), *self.code]
        for name, command in {
            "dagster-webserver": web,
            "dagster-daemon": ["dagster-daemon", "run", *self.code],
        }.items():
            self._run(name, [str(self.dagster_bin / command[0]), *command[1:]], env)

    def wait_for_dagster(self) -> None:
        """Return when the webserver answers and the daemon is running. Raises StackError if they do not start."""
        self._wait_for("dagster-webserver", self._dagster_answers)
        self._wait_for("dagster-daemon", self._daemon_beats)

    def stop(self) -> None:
        """Stop everything: ask, wait, then kill. Airflow stops first, so that none of its tasks sees Dagster stop."""
        try:
            self._end(("airflow",), signal.SIGTERM)
            self.stop_dagster()
        finally:
            if self._lock is not None:
                self._lock.close()

    def stop_dagster(self) -> None:
        """Stop the webserver and the daemon, as in an outage; Airflow keeps running."""
        self._end(("dagster-webserver", "dagster-daemon"), signal.SIGINT)

    def __enter__(self) -> LocalStack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pid(self, name: str) -> int:
        """Return the process id of a program, which leads a session of its own."""
        return self._processes[name].pid

    def first_ended(self) -> str | None:
        """Return the name of a program that has ended although nobody stopped it, if any."""
        return next((name for name, p in self._processes.items() if p.poll() is not None), None)

    def tail(self, name: str) -> str:
        """Return the end of a program's log."""
        return (self.logs / f"{name}.log").read_text(errors="replace")[-_TAIL:]

    def token(self) -> str:
        """Return a bearer token of Airflow's REST API for the one user."""
        login = {"username": USER, "password": self.password()}
        return str(
            httpx.post(f"{self.airflow_url}/auth/token", json=login, timeout=30)
            .raise_for_status()
            .json()["access_token"]
        )

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG, once the DAG processor has parsed its file."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        address = f"{self.airflow_url}/api/v2/dags/{dag_id}"

        def done() -> bool:
            return httpx.patch(address, json={"is_paused": False}, headers=headers, timeout=30).status_code == 200

        self._wait_for("airflow", done)

    def _create_instance(self, env: Mapping[str, str]) -> None:
        """Create Dagster's databases in one process: those of a new instance break when several create them at once."""
        if (self.dagster_home / "history").exists():
            return
        command = [str(self.dagster_bin / "dagster"), "instance", "info"]
        try:
            done = subprocess.run(  # noqa: S603 - a program of this installation
                command, env=dict(env), cwd=self.dagster_home, capture_output=True, text=True, timeout=self.seconds
            )
        except FileNotFoundError:
            raise StackError(f"{command[0]} does not exist. Install it: pip install retail-assets") from None
        if done.returncode:
            raise StackError(f"Dagster's instance in {self.dagster_home} cannot be used:\n{done.stderr[-_TAIL:]}")

    def _run(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        if not Path(command[0]).exists():
            raise StackError(f"{command[0]} does not exist. Install it: pip install 'retail-assets[airflow]'")
        with (self.logs / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - a program of this installation
                command,
                cwd=self.dagster_home if name != "airflow" else self.home,
                env={**env, MARK: self._marked(name)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then stops them in order
            )

    def _marked(self, name: str) -> str:
        return f"{self._mark}-{name}"

    def _end(self, names: Sequence[str], polite: signal.Signals) -> None:
        leaders = [p for name in names if (p := self._processes.pop(name, None))]
        if leaders:
            end(leaders, {self._marked(name) for name in names}, polite)

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.seconds
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                if ready():
                    return
            self._refuse_ended()
            if time.monotonic() > deadline:
                raise StackError(f"{name} did not answer within {self.seconds:.0f} s. Its log ends:\n{self.tail(name)}")
            time.sleep(0.5)

    def _refuse_ended(self) -> None:
        if gone := self.first_ended():
            raise StackError(f"{gone} ended while it was starting. Its log ends:\n{self.tail(gone)}")

    def _dagster_answers(self) -> bool:
        """Whether the definitions are loaded. Raises StackError if they cannot be."""
        entries = self._ask_dagster(_LOCATIONS)["workspaceOrError"]["locationEntries"]
        for entry in entries:
            location = entry["locationOrLoadError"] or {}
            if location.get("__typename") == "PythonError":
                why = "\n".join(e["message"].strip() for e in (location, *location["causes"]))
                raise StackError(f"Dagster could not load {entry['name']}:\n{why[-_TAIL:]}")
        return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)

    def _daemon_beats(self) -> bool:
        """Whether every part of this daemon runs. Dagster's own `healthy` stays true for half an hour."""
        statuses = self._ask_dagster(_HEARTBEATS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        needed = [status for status in statuses if status["required"]]
        return bool(needed) and all((s["lastHeartbeatTime"] or 0) >= self._dagster_started for s in needed)

    def _ask_dagster(self, query: str) -> dict[str, Any]:
        reply = httpx.post(f"{self.dagster_url}/graphql", json={"query": query}, timeout=30).raise_for_status()
        return dict(reply.json()["data"])

    def _airflow_is_healthy(self) -> bool:
        health: dict[str, Any] = httpx.get(f"{self.airflow_url}/api/v2/monitor/health", timeout=5).json()
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m airflow_bridge.local_stack`: start, print where, wait for Ctrl-C, stop. Returns the exit code."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        prog="python -m airflow_bridge.local_stack", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--home", type=Path, default=Path(".retail/airflow_stack"), help="Airflow's folder and the logs"
    )
    parser.add_argument("--dagster-bin", type=Path, default=_BESIDE, help="folder with Dagster's programs")
    parser.add_argument("--airflow-bin", type=Path, default=_BESIDE, help="folder with Airflow's program")
    parser.add_argument("--dagster-port", type=int, default=3000, help="another port is used if it is taken")
    parser.add_argument("--airflow-port", type=int, default=8080, help="another port is used if it is taken")
    parser.add_argument("--dags-folder", type=Path, default=here, help="default: this package's folder")
    definitions = parser.add_mutually_exclusive_group()
    definitions.add_argument("-m", "--module", default="retail_assets.definitions", help="Dagster definitions")
    definitions.add_argument("-w", "--workspace", type=Path, help="a workspace.yaml, which names the code location")
    chosen = parser.parse_args(arguments)
    home = chosen.home.absolute()
    stack = LocalStack(
        home=home,
        dagster_home=Path(os.environ.get("DAGSTER_HOME") or home / "dagster").absolute(),
        code=("-w", str(chosen.workspace.absolute())) if chosen.workspace else ("-m", chosen.module),
        dags_folder=chosen.dags_folder.absolute(),
        # The package may be a folder that is not installed; with its parent on the path it can still be imported.
        environ={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(here.parent), os.environ.get("PYTHONPATH")])),
        },
        dagster_bin=chosen.dagster_bin.absolute(),
        airflow_bin=chosen.airflow_bin.absolute(),
        dagster_port=chosen.dagster_port,
        airflow_port=chosen.airflow_port,
    )
    with signals_as_interrupts():
        try:
            print("Starting Dagster and Airflow. This takes about a minute.", flush=True)
            with stack:
                stack.unpause(PIPELINE)
                print(_where(stack), flush=True)
                while (gone := stack.first_ended()) is None:
                    time.sleep(1)
                print(f"{gone} ended. Its log ends:\n{stack.tail(gone)}", file=sys.stderr)
                return 1
        except StackError as e:
            print(f"Error: {e}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped.", flush=True)
            return 0


def _where(stack: LocalStack) -> str:
    return f"""
Dagster   {stack.dagster_url}
Airflow   {stack.airflow_url}   login {USER} / {stack.password()}
DAG       {stack.airflow_url}/dags/{PIPELINE}   (Trigger, choose a partition; its tasks link to their Dagster runs)
Logs      {stack.logs}

Ctrl-C stops both."""


if __name__ == "__main__":
    sys.exit(main())

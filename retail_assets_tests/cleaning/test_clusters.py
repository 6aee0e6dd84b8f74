"""The same job on a standalone cluster and behind Spark Connect, both out of the PyPI package: the same rows.

Each in a process of its own, as a run is: a process is a client of Connect or has a Spark of its own, not both.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyspark
import pytest

from retail_assets.spark import java
from retail_assets_tests.services.server import served

if TYPE_CHECKING:
    from retail_assets.settings import Settings

_SPARK = Path(pyspark.__file__).parent
_ROOT = Path(__file__).parents[2]
_START_SECONDS = 120

pytestmark = pytest.mark.timeout(600)

#: Lands, cleans whole and in parts, and prints the rows of the lake by status, in order, once for each.
_JOB = """
import datetime as dt, json, sys
from pathlib import Path
import pyarrow.parquet as pq
from retail_assets import settings
from retail_assets.spark import session as spark
from retail_assets.cleaning import exchange, job
from retail_assets.contracts import loading as contracts
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import inspect_landings
from retail_assets.samples.synthetic import SOURCE, generate
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES
from retail_assets.storage import Store

home, master = Path(sys.argv[1]), sys.argv[2]
raw, lake = Store(str(home / "raw")), Lake(Store(str(home / "lake")), SOURCE)
days = set()
for day, name, data in generate(600, 2, 7, dirt=0.2):
    raw.write(f"{partition_folder(SOURCE, day)}/{name}", data)
    days.add(day)
contract = contracts.load(SOURCE)
landings = inspect_landings(raw, SOURCE, sorted(days), contract)
session = spark.start(settings.load({"RETAIL_HOME": str(home), "RETAIL_SPARK": master}))
made = []
for run, lines in (("whole", exchange.BUCKET_LINES), ("parts", 100)):
    exchange.BUCKET_LINES = lines
    manifests = job.clean(lambda: session.spark, raw, lake, landings, contract, run)
    made.append({
        status: sorted(
            repr(row)
            for m in manifests
            for key in m.keys(status)
            for row in pq.read_table(lake.store.local_path(key)).to_pylist()
        )
        for status in STATUSES
    })
session.stop()
print(json.dumps(made))
"""


def cleaned(home: Path, master: str) -> list[dict[str, list[str]]]:
    """Return the rows that the job makes of the same landings with this Spark: as a whole, and in parts."""
    home.mkdir()
    command = [sys.executable, "-c", _JOB, str(home), master]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows: list[dict[str, list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def _listens(url: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5):
        return True
    return False


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the environment of machines that have Python, this project and Java."""
    for name, value in {
        "JAVA_HOME": str(java.find(settings.home / "java").path),
        "SPARK_HOME": str(_SPARK),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(_ROOT),
    }.items():
        monkeypatch.setenv(name, value)


@contextlib.contextmanager
def standalone(folder: Path) -> Iterator[str]:
    """Start a master and a worker. A job that comes before the worker has registered waits for it."""
    program = [str(_SPARK / "bin" / "spark-class")]
    places = ["--host", "127.0.0.1", "--webui-port", "0"]

    def master(port: int) -> list[str]:
        return [*program, "org.apache.spark.deploy.master.Master", *places, "--port", str(port)]

    with served(master, folder / "master.log", _listens, _START_SECONDS) as url:
        address = f"spark://{urlsplit(url).netloc}"

        def worker(port: int) -> list[str]:
            size = ["--cores", "2", "--memory", "2g", "--work-dir", str(folder / "work")]
            return [*program, "org.apache.spark.deploy.worker.Worker", *places, "--port", str(port), *size, address]

        with served(worker, folder / "worker.log", _listens, _START_SECONDS):
            yield address


@contextlib.contextmanager
def connect(folder: Path) -> Iterator[str]:
    """Start a Spark Connect server with its own Spark."""

    def server(port: int) -> list[str]:
        binding = "spark.connect.grpc.binding"
        set_to = {f"{binding}.address": "127.0.0.1", f"{binding}.port": port, "spark.ui.enabled": "false"}
        options = ["--master", "local[2]", "--driver-memory", "1g"]
        options += [part for name, value in set_to.items() for part in ("--conf", f"{name}={value}")]
        name = "org.apache.spark.sql.connect.service.SparkConnectServer"
        return [str(_SPARK / "bin" / "spark-submit"), *options, "--class", name, "spark-internal"]

    with served(server, folder / "connect.log", _listens, _START_SECONDS) as url:
        yield f"sc://{urlsplit(url).netloc}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[str]]]:
    """Return the rows of this machine's own Spark."""
    return cleaned(tmp_path_factory.mktemp("here") / "local", "local[2]")


@pytest.mark.spark
def test_a_landing_in_parts_is_what_it_is_as_a_whole(here: list[dict[str, list[str]]]) -> None:
    whole, parts = here
    assert whole == parts
    # The shipped contract has no rules that exclude rows.
    assert all(rows for status, rows in whole.items() if status != "excluded"), "rows of every status"


@pytest.mark.spark
@pytest.mark.usefixtures("environment")
def test_a_standalone_cluster_makes_the_same_of_it(here: list[dict[str, list[str]]], tmp_path: Path) -> None:
    with standalone(tmp_path) as address:
        assert cleaned(tmp_path / "home", address) == here


@pytest.mark.spark
@pytest.mark.usefixtures("environment")
def test_spark_connect_makes_the_same_of_it(here: list[dict[str, list[str]]], tmp_path: Path) -> None:
    pytest.importorskip("grpc_status", reason="Spark Connect needs the extra `connect`")
    with connect(tmp_path) as address:
        assert cleaned(tmp_path / "home", address) == here

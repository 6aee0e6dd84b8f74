"""The Dagster UI as people use it: `dagster dev` serves the page, and the button's GraphQL materializes a partition."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retail_assets_tests.end_to_end.conftest import LAST, ROOT, Installation

pytestmark = pytest.mark.timeout(1800)

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
RUN = """
query Run($id: ID!) {
  runOrError(runId: $id) { ... on Run { status assetMaterializations { assetKey { path } partition } } }
}
"""
ASSETS = "{ assetNodes { assetKey { path } partitionDefinition { type } } }"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def webserver(materialized: Installation, tmp_path: Path) -> Iterator[tuple[str, Installation]]:
    """`dagster dev` (webserver and daemon) on a free loopback port; its whole process group ends with the test."""
    place = materialized.copy(tmp_path)
    with (place.home / "dagster" / "dagster.yaml").open("a") as config:
        config.write("\ncode_servers: {local_startup_timeout: 300}\n")  # by default too little for a busy machine
    port = free_port()
    log = (tmp_path / "dagster-dev.log").open("wb")
    program = Path(sys.executable).with_name("dagster")
    process = subprocess.Popen(
        [program, "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
        cwd=ROOT,
        env=place.env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                if httpx.get(f"{url}/server_info", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            told = (tmp_path / "dagster-dev.log").read_text()[-3000:]
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.5)
        yield url, place
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def ask(url: str, query: str, **variables: Any) -> Any:
    reply = httpx.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    assert "errors" not in reply, reply
    return reply["data"]


def test_the_page_loads_and_one_partition_is_materialized_from_it(webserver: tuple[str, Installation]) -> None:
    url, place = webserver
    page = httpx.get(url, timeout=30)
    assert page.status_code == 200
    [script, *_] = re.findall(r'<script[^>]+src="([^"]+\.js)"', page.text)
    assert httpx.get(f"{url}{script}", timeout=30).status_code == 200
    nodes = ask(url, ASSETS)["assetNodes"]
    assert {"path": ["sales_forecast"]} in [node["assetKey"] for node in nodes]

    paths = [node["assetKey"]["path"] for node in nodes]
    launched = ask(
        url,
        LAUNCH,
        params={
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": LAST}]},
            "runConfigData": "{}",
            "selector": {
                "repositoryLocationName": "retail_assets",
                "repositoryName": "__repository__",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": path} for path in paths],
                "assetCheckSelection": [],
            },
        },
    )["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    deadline = time.monotonic() + 600
    while (run := ask(url, RUN, id=run_id)["runOrError"])["status"] not in ENDED:
        assert time.monotonic() < deadline, run
        time.sleep(1)
    told = (place.home.parent / "dagster-dev.log").read_text()[-3000:]
    assert run["status"] == "SUCCESS", told
    done = {m["assetKey"]["path"][0]: m["partition"] for m in run["assetMaterializations"]}
    assert set(done) == {path[0] for path in paths}
    assert done["sales"] == LAST

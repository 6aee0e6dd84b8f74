"""Dagster's pages as people use them: the page loads, and the GraphQL of its button materializes a partition."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retail_assets_tests.end_to_end.conftest import LAST, ROOT, Installation
from retail_assets_tests.services import webserver as service
from retail_assets_tests.services.webserver import Webserver

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
ASSETS = "{ assetNodes { assetKey { path } isMaterializable partitionDefinition { type } } }"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@pytest.fixture
def webserver(materialized: Installation, tmp_path: Path) -> Iterator[tuple[Webserver, Installation]]:
    """Dagster's pages over a copy of the materialized installation."""
    place = materialized.copy(tmp_path)
    with (place.home / "dagster" / "dagster.yaml").open("a") as config:
        config.write("\ncode_servers: {local_startup_timeout: 300}\n")  # by default too little for a busy machine
    with service.webserver(ROOT, place.env, tmp_path / "dagster-dev.log") as running:
        yield running, place


def test_the_page_loads_and_one_partition_is_materialized_from_it(webserver: tuple[Webserver, Installation]) -> None:
    dagster, _ = webserver
    page = httpx.get(dagster.url, timeout=30)
    assert page.status_code == 200
    [script, *_] = re.findall(r'<script[^>]+src="([^"]+\.js)"', page.text)
    assert httpx.get(f"{dagster.url}{script}", timeout=30).status_code == 200
    nodes = dagster.ask(ASSETS)["assetNodes"]
    assert {"path": ["sales_forecast"]} in [node["assetKey"] for node in nodes]

    paths = [node["assetKey"]["path"] for node in nodes if node["isMaterializable"]]
    launched = dagster.ask(
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
    while (run := dagster.ask(RUN, id=run_id)["runOrError"])["status"] not in ENDED:
        assert time.monotonic() < deadline, run
        time.sleep(1)
    assert run["status"] == "SUCCESS", dagster.log_tail()
    done = {m["assetKey"]["path"][0]: m["partition"] for m in run["assetMaterializations"]}
    assert set(done) == {path[0] for path in paths}
    assert done["sales"] == LAST

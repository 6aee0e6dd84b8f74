"""Dagster's webserver and daemon, as `dagster dev` starts them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from retail_assets_tests.services.server import served

_START_SECONDS = 300


@dataclass(frozen=True)
class Webserver:
    """A running webserver; `log` is what it and the daemon print."""

    url: str
    log: Path

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a GraphQL query, which must succeed."""
        reply = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in reply, reply
        return reply["data"]

    def log_tail(self) -> str:
        return self.log.read_text()[-3000:]


@contextlib.contextmanager
def webserver(project: Path, env: Mapping[str, str], log: Path) -> Iterator[Webserver]:
    """Serve the workspace file of `project` until the block ends."""
    program = str(Path(sys.executable).with_name("dagster"))

    def command(port: int) -> list[str]:
        return [program, "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]

    with served(command, log, _answers, _START_SECONDS, cwd=project, env=env) as url:
        yield Webserver(url, log)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/server_info", timeout=5).status_code == 200
    except httpx.TransportError:
        return False

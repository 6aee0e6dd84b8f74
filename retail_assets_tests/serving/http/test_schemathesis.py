"""Schemathesis asks the real server what its OpenAPI description allows, and what it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets_tests.serving.http.running import running
from retail_assets_tests.serving.shop import shop_at

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_server_keeps_to_its_description(tmp_path: Path) -> None:
    """No 5xx, no answer that differs from its schema, no undocumented status, no wrong request that is accepted.

    One check is left out: that every request which fits the schema is accepted. A schema cannot say which days the
    forecast of the present bundle has, which cursors it has given, and on which days holidays are known.
    """
    shop = shop_at(tmp_path / "shop")
    shop.publish()
    with running(tmp_path, shop.uri, "--rate", "0") as server:
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/openapi.json", "--checks", "all",
            "--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color", "--workers", "1",
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, timeout=500, cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
        print(ended.stdout[-1500:])
        assert "Selected: 11/11" in ended.stdout
        generated = re.search(r"(\d+) generated", ended.stdout)
        assert generated
        assert int(generated[1]) > 200
        assert not [line for line in server.log() if line.get("event") == "failure"]
        assert not [line for line in server.log() if line.get("status", 0) >= 500]

"""What the shell completes: commands, options, and values that come from a fixed list."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from retail_assets.cli import completion
from retail_assets.contracts.loading import shipped
from retail_assets.definitions import defs


def completed(line: str, shell: str = "bash") -> list[str]:
    words = line.split(" ")
    environ = {
        **os.environ,
        "_RETAIL_ASSETS_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-m", "retail_assets.cli"], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("retail-assets sta", ["status"]),
        ("retail-assets models pro", ["promote"]),
        ("retail-assets land --re", ["--replace", "--reference"]),
        ("retail-assets models list --kind ", ["forecast", "segments"]),
        ("retail-assets land a.csv --source super", ["supermarket_sales", "superstore"]),
        ("retail-assets quarantine list --reason invalid_d", ["invalid_date", "invalid_discount"]),
        ("retail-assets materialize --select sales_forecast,dim_", [
            f"sales_forecast,dim_{name}" for name in ("date", "customer", "product", "store")
        ]),
        ("retail-assets forecast backtest a.csv --country F", ["FI", "FJ", "FK", "FM", "FO", "FR"]),
        ("retail-assets models show 20", []),
    ],
)  # fmt: skip
def test_the_shell_completes(line: str, expected: list[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_HOME", f"{tmp_path}/home")
    assert completed(line) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_shown(shell: str) -> None:
    environ = {**os.environ, "_RETAIL_ASSETS_COMPLETE": f"source_{shell}"}
    shown = subprocess.run(
        [sys.executable, "-m", "retail_assets.cli"], env=environ, capture_output=True, text=True, check=True
    ).stdout
    assert "retail-assets" in shown
    assert "_RETAIL_ASSETS_COMPLETE" in shown


def test_the_assets_and_groups_that_are_completed_are_those_of_the_definitions() -> None:
    graph = defs.resolve_asset_graph()
    assert sorted(completion.ASSETS) == sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    assert set(completion.GROUPS) == {graph.get(key).group_name for key in graph.materializable_asset_keys}


def test_every_shipped_contract_is_completed() -> None:
    assert completion.contracts("") == shipped()

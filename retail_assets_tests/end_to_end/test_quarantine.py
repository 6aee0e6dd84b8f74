"""The quarantine by its commands: the documented example, replays as runs of Dagster, and replays that end badly.

Commands run in this process, so that one Spark session serves them all; what must die or compete is a process of its
own.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from pyspark.sql import SparkSession

from retail_assets.cli import app
from retail_assets.samples import synthetic
from retail_assets.storage import Store
from retail_assets.wording import formats
from retail_assets_tests.end_to_end.conftest import FIRST, LAST, ROOT, installation

pytestmark = pytest.mark.spark

INGESTED = ("sales", "sales_clean", "sales_quarantine")
_SHIPPED = ROOT / "retail_assets" / "contracts" / "shipped" / "retail_sales.yaml"
_PAGE = (ROOT / "docs" / "quarantine.md").read_text()
_INGEST = '+key:"sales"'

Command = Callable[..., str]


@dataclass(frozen=True)
class Shop:
    """A home with landings and the environment of its commands."""

    folder: Path
    env: dict[str, str]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: sorted(self.ask(f"SELECT * FROM {name}").fetchall(), key=repr) for name in INGESTED}

    def ask(self, sql: str) -> duckdb.DuckDBPyRelation:
        con = duckdb.connect(str(self.folder / "home" / "warehouse" / "retail.duckdb"), read_only=True)
        con.execute("SET schema = 'retail_sales'")
        return con.sql(sql)

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this the environment of commands in this process."""
        for name, value in self.env.items():
            if name.startswith(("RETAIL_", "DAGSTER_")):
                monkeypatch.setenv(name, value)


@pytest.fixture
def command(spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `retail-assets` in this process; returns what it says on stdout, or on stderr when it should fail."""

    def run(*arguments: str, expect: int = 0) -> str:
        capfd.readouterr()
        code = app.main(arguments)
        out, err = capfd.readouterr()
        assert code == expect, f"{arguments}: exit {code}\n{out[-3000:]}\n{err[-3000:]}"
        return out if expect == 0 else err

    return run


@pytest.fixture(scope="module")
def landed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three small landings, cleaned and loaded. Read only: `fixed` is a copy that may be changed."""
    folder = tmp_path_factory.mktemp("landed")
    shop = Shop(folder, installation(folder).env)
    synthetic.land(Store(str(folder / "home" / "raw")), 600, 3, 7, dt.date.fromisoformat(FIRST), 0.1)
    with pytest.MonkeyPatch.context() as patch:
        shop.enter(patch)
        assert app.main(["materialize", "--select", _INGEST, "--partition-range", f"{FIRST}...{LAST}"]) == 0
    return shop


def _fixed(landed: Shop, folder: Path, more: str = "") -> Shop:
    """A copy with a contract that reads more: sales without category, and totals that are ten off."""
    rules = yaml.safe_load(_SHIPPED.read_text())
    rules["version"] = 2
    rules["amount_tolerance"] = "10.00"
    rules["columns"]["product_category"]["default"] = "Unknown"
    folder.mkdir(exist_ok=True)
    shutil.copytree(landed.folder / "home", folder / "home")
    contract = folder / "fixed.yaml"
    contract.write_text(yaml.safe_dump(rules) + more)
    env = installation(folder).env | {"RETAIL_SOURCE": str(contract)}
    return Shop(folder, env)


@pytest.fixture
def fixed(landed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = _fixed(landed, tmp_path)
    shop.enter(monkeypatch)
    return shop


@pytest.fixture(scope="module")
def expected(landed: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables say when all landings are cleaned from their files with the fixed contract."""
    shop = _fixed(landed, tmp_path_factory.mktemp("cleaned_again") / "shop")
    with pytest.MonkeyPatch.context() as patch:
        shop.enter(patch)
        assert app.main(["materialize", "--select", _INGEST, "--partition-range", f"{FIRST}...{LAST}"]) == 0
    return shop.tables()


# --- the documented example ---


def _blocks() -> list[tuple[str, str]]:
    example = _PAGE[_PAGE.index("## An example") : _PAGE.index("## What a replay promises")]
    return re.findall(r"```(\w+)\n(.*?)```", example, re.DOTALL)


def _seen(text: str) -> list[str]:
    """Lines as people see them; a contract's hash changes with the shipped contract."""
    return [re.sub(r"\+[0-9a-f]{8}", "+########", line).rstrip() for line in text.splitlines() if line.strip()]


def test_the_documented_example_is_what_happens(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, installation(tmp_path).env)
    shop.enter(monkeypatch)
    monkeypatch.chdir(tmp_path)
    shutil.copy(_SHIPPED, "shop.yaml")
    output = ""
    for kind, text in _blocks():
        if kind == "csv":
            Path("branch.csv").write_text(text)
        elif kind == "diff":
            contract = Path("shop.yaml").read_text()
            lines = text.splitlines()
            for old, new in zip(lines[::2], lines[1::2], strict=True):
                assert contract.count(old[1:] + "\n") == 1, old
                contract = contract.replace(old[1:] + "\n", new[1:] + "\n")
            Path("shop.yaml").write_text(contract)
        elif kind == "sql":
            output = str(shop.ask(text.rstrip().rstrip(";")))
        elif kind == "text":
            assert _seen(output) == _seen(text)
        else:
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, documented = part.partition("\n")
                fails = documented.startswith("Error: ")
                output = _typed(line, command, monkeypatch, expect=int(fails))
                if fails:
                    output = output[output.index("Error: ") :]  # after the progress messages
                if documented.strip():
                    shown = _seen(documented)
                    cut = shown.index("…") if "…" in shown else None
                    assert _seen(output)[:cut] == shown[:cut], line


def _typed(line: str, command: Command, monkeypatch: pytest.MonkeyPatch, *, expect: int = 0) -> str:
    program, *arguments = shlex.split(line)
    if program == "export":
        for name, value in (a.split("=", 1) for a in arguments):
            monkeypatch.setenv(name, value)
        return ""
    if program == "cat":
        return Path(arguments[0]).read_text()
    assert program == "retail-assets"
    return command(*arguments, expect=expect)


# --- replays as runs ---


def test_a_replay_gives_the_tables_that_cleaning_anew_gives_and_dagster_knows_of_it(
    fixed: Shop, expected: dict[str, list[tuple[Any, ...]]], command: Command
) -> None:
    before = fixed.tables()
    dry = json.loads(command("quarantine", "replay", "--dry-run", "--json"))
    assert dry["cleaned"] > 0
    assert fixed.tables() == before
    done = json.loads(command("quarantine", "replay", "--json"))
    assert {k: done[k] for k in ("selected", "cleaned", "rejected", "amount")} == {
        k: dry[k] for k in ("selected", "cleaned", "rejected", "amount")
    }
    assert fixed.tables() == expected
    assert len(before["sales_quarantine"]) - len(expected["sales_quarantine"]) == done["cleaned"] + done["superseded"]
    with dg.DagsterInstance.get() as instance:
        [run] = instance.get_runs(dg.RunsFilter(tags={"retail_assets/replay": "all"}))
        seen = instance.fetch_materializations(dg.AssetKey("quarantined_sales"), limit=3).records
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert sorted(str(m.partition_key) for m in seen) == [FIRST, "2024-01-02", LAST]
    materialized = seen[0].asset_materialization
    assert materialized is not None
    account: Any = materialized.metadata["replay"].value
    assert sum(landing["cleaned"] for landing in account) == done["cleaned"]
    assert "Nothing to replay" in command("quarantine", "replay")


#: Rows that no contract can fix are marked and published without Spark, so these processes start fast.
_BROKEN_ONLY = ("quarantine", "replay", "--reason", "malformed_row")

_DIE_BEFORE_LOADING = f"""
import os, signal, sys
from retail_assets.cli import app as cli
from retail_assets.warehouse import duckdb
duckdb.DuckDBWarehouse.load_landings = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(cli.main({list(_BROKEN_ONLY)!r}))
"""


def _process(shop: Shop, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=shop.env,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_replay_that_is_killed_before_the_load_is_finished_by_the_same_again(
    fixed: Shop, expected: dict[str, list[tuple[Any, ...]]], command: Command
) -> None:
    before = fixed.tables()
    killed = _process(fixed, "-c", _DIE_BEFORE_LOADING)
    _, err = killed.communicate(timeout=500)
    assert killed.returncode == -signal.SIGKILL, err
    assert fixed.tables() == before
    assert "that an earlier run had cleaned but not loaded: loaded." in command("quarantine", "replay")
    assert fixed.tables() == expected


def test_two_replays_at_once_lose_nothing(
    fixed: Shop, expected: dict[str, list[tuple[Any, ...]]], command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    other = _process(fixed, "-m", "retail_assets.cli", *_BROKEN_ONLY)
    ours = app.main(["quarantine", "replay"])
    errors = [capfd.readouterr().err, other.communicate(timeout=500)[1]]
    # A replay that meets the other's load may refuse; the next one must then find everything that is left to do.
    for code, err in zip((ours, other.returncode), errors, strict=True):
        assert code == 0 or re.search("run the same again|try again", err.lower()), err
    if ours or other.returncode:
        command("quarantine", "replay")
    assert fixed.tables() == expected


def test_a_contract_that_reads_the_files_otherwise_cleans_whole_landings_and_says_so(
    landed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    shop = _fixed(landed, tmp_path, "file: {encoding: latin-1}\n")
    shop.enter(monkeypatch)
    output = command("quarantine", "replay", "--landing", LAST)
    day = formats.day(dt.date.fromisoformat(LAST))
    assert f"The landing of {day} was cleaned again from its files: the contract changes how" in output
    manifest = json.loads(
        (tmp_path / "home" / "lake" / "retail_sales" / "clean" / f"dt={LAST}" / "manifest.json").read_text()
    )
    assert manifest["contract"].startswith("retail_sales@2+")
    status = json.loads(command("status", "--json"))
    assert {landing["state"] for landing in status["landings"]} == {"loaded"}


def test_a_landing_outside_the_settings_stands_in_the_way_only_of_its_own_replay(
    fixed: Shop, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_START_DATE", "2024-01-02")
    refused = command("quarantine", "replay", "--landing", FIRST, expect=1)
    assert f"The landing of {FIRST} is outside RETAIL_START_DATE" in refused
    monkeypatch.setenv("RETAIL_SOURCE", "retail_sales")
    assert "Nothing to replay" in command("quarantine", "replay")


# --- looking ---


def test_rejected_rows_are_counted_listed_shown_and_exported(
    landed: Shop, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    landed.enter(monkeypatch)
    counted = json.loads(command("quarantine", "summary", "--json"))
    total = counted["total"]["rows"]
    assert total == len(landed.tables()["sales_quarantine"]) > 0
    listed = json.loads(command("quarantine", "list", "--limit", "3", "--json"))
    assert (listed["total"], len(listed["rows"])) == (total, 3)
    row = listed["rows"][0]
    shown = command("quarantine", "show", row["source_file"], str(row["source_line"]))
    assert row["reasons"].split(",")[0] in shown
    target = tmp_path / "rejected.csv"
    command("quarantine", "export", str(target))
    with target.open(encoding="utf-8-sig", newline="") as handle:
        assert sum(1 for _ in csv.DictReader(handle)) == total
    assert command("quarantine", "export", "--raw", "--landing", LAST).startswith("Transaction ID,Date,")


@pytest.mark.parametrize("name", ["summary", "list", "show", "export", "replay"])
def test_every_command_explains_itself(command: Command, name: str) -> None:
    output = command("quarantine", name, "--help")
    assert f"quarantine {name}" in output
    assert f"`retail-assets quarantine {name}" in _PAGE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--reason", "invalid_dat"), "Did you mean 'invalid_date'?"),
        (("summary", "--landing", "2024-02-01"), "There are 3 cleaned landings from 2024-01-01 to 2024-01-03"),
        (("show", "nothing.csv", "2"), "No landed file is called 'nothing.csv'"),
        (("replay", "--file", "nothing.csv"), "No landed file is called 'nothing.csv'"),
    ],
)
def test_what_is_not_there_is_refused_on_one_screen(
    landed: Shop, command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    landed.enter(monkeypatch)
    refused = command("quarantine", *arguments, expect=1)
    assert message in refused
    assert "Traceback" not in refused

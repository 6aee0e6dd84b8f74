"""The quarantine by its commands: looked at, exported, and replayed after the contract was mended."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from retail_assets_tests.end_to_end.conftest import FIRST, LAST, ROOT, Installation

INGESTED = ("sales", "sales_clean", "sales_quarantine")
_SHIPPED = ROOT / "retail_assets" / "contracts" / "shipped" / "retail_sales.yaml"


def mended(place: Installation, folder: Path) -> Installation:
    """The same installation with a contract that reads more: sales without category, and totals that are ten off."""
    rules = yaml.safe_load(_SHIPPED.read_text())
    rules["version"] = 2
    rules["amount_tolerance"] = "10.00"
    rules["columns"]["product_category"]["default"] = "Unknown"
    contract = folder / "mended.yaml"
    contract.write_text(yaml.safe_dump(rules))
    return Installation(place.home, place.output, {**place.env, "RETAIL_SOURCE": str(contract)})


def tables(place: Installation) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(place.home / "warehouse" / "retail.duckdb"), read_only=True) as con:
        return {n: sorted(con.execute(f"SELECT * FROM retail_sales.{n}").fetchall(), key=repr) for n in INGESTED}


def cleaned_anew(materialized: Installation, folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables say when all landings are cleaned from their files with the mended contract."""
    folder.mkdir()
    place = mended(materialized.copy(folder), folder)
    place.run(
        "retail-assets",
        "materialize",
        "--select",
        'key:"clean_sales" or key:"quarantined_sales" or key:"sales" or key:"sales_quarantine"',
        "--partition-range",
        f"{FIRST}...{LAST}",
    )
    return tables(place)


@pytest.fixture(scope="module")
def expected(materialized: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    return cleaned_anew(materialized, tmp_path_factory.mktemp("anew") / "place")


_WHAT_DAGSTER_KNOWS = """
import json, dagster as dg
with dg.DagsterInstance.get() as instance:
    runs = instance.get_runs(dg.RunsFilter(tags={"retail_assets/replay": "all"}))
    seen = instance.fetch_materializations(dg.AssetKey("quarantined_sales"), limit=3).records
    print(json.dumps({
        "runs": [run.status.value for run in runs],
        "partitions": sorted(m.partition_key for m in seen),
        "told": seen[0].asset_materialization.metadata["replay"].value,
    }))
"""


def test_a_replay_gives_the_tables_that_cleaning_anew_gives_and_dagster_knows_of_it(
    materialized: Installation, expected: dict[str, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    place = mended(materialized.copy(tmp_path), tmp_path)
    before = tables(place)
    dry = json.loads(place.run("retail-assets", "quarantine", "replay", "--dry-run", "--json").stdout)
    assert dry["cleaned"] > 0
    assert tables(place) == before
    done = json.loads(place.run("retail-assets", "quarantine", "replay", "--json").stdout)
    assert {k: done[k] for k in ("selected", "cleaned", "rejected", "amount")} == {
        k: dry[k] for k in ("selected", "cleaned", "rejected", "amount")
    }
    assert tables(place) == expected
    assert len(before["sales_quarantine"]) - len(expected["sales_quarantine"]) == done["cleaned"] + done["superseded"]
    known = json.loads(place.run("python", "-c", _WHAT_DAGSTER_KNOWS).stdout)
    assert known["runs"] == ["SUCCESS"]
    assert known["partitions"] == [FIRST, "2024-01-02", LAST]
    assert sum(landing["cleaned"] for landing in known["told"]) == done["cleaned"]
    again = place.run("retail-assets", "quarantine", "replay")
    assert "Nothing to replay" in again.stdout


_DIE_AT = """
import os, signal, sys
from retail_assets import cli, lake
from retail_assets.warehouse import duckdb
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if {at!r} == "publish":
    lake.Lake.publish_clean = die
else:
    duckdb.DuckDBWarehouse.load_landings = die
sys.exit(cli.main(["quarantine", "replay"]))
"""


@pytest.mark.parametrize("at", ["publish", "load"])
def test_a_replay_that_is_killed_leaves_the_tables_and_the_same_again_finishes_it(
    materialized: Installation, expected: dict[str, list[tuple[Any, ...]]], tmp_path: Path, at: str
) -> None:
    place = mended(materialized.copy(tmp_path), tmp_path)
    before = tables(place)
    place.run("python", "-c", _DIE_AT.format(at=at), expect=-9)
    assert tables(place) == before
    again = place.run("retail-assets", "quarantine", "replay")
    if at == "load":
        assert "3 landings that an earlier run had cleaned and not loaded: loaded." in again.stdout
    assert tables(place) == expected


def test_two_replays_at_once_lose_nothing(
    materialized: Installation, expected: dict[str, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    place = mended(materialized.copy(tmp_path), tmp_path)
    command = [sys.executable, "-m", "retail_assets.cli", "quarantine", "replay"]
    both = [
        subprocess.Popen(
            [*command, *more], env=place.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for more in ([], ["--reason", "total_mismatch"])
    ]
    said = [process.communicate(timeout=240) for process in both]
    # One that meets the other's load may refuse; then the same again must find all that is left to do.
    for process, (out, err) in zip(both, said, strict=True):
        assert process.returncode == 0 or "run the same again" in err.lower(), out + err
    if any(process.returncode for process in both):
        place.run("retail-assets", "quarantine", "replay")
    assert tables(place) == expected


def test_a_contract_that_reads_the_files_otherwise_cleans_whole_landings_and_says_so(
    materialized: Installation, tmp_path: Path
) -> None:
    place = mended(materialized.copy(tmp_path), tmp_path)
    contract = Path(place.env["RETAIL_SOURCE"])
    contract.write_text(contract.read_text() + "file: {encoding: latin-1}\n")
    done = place.run("retail-assets", "quarantine", "replay", "--landing", LAST)
    assert f"The landing of {LAST} was cleaned again from its files: the contract changes how" in done.stdout
    manifest = json.loads((place.home / "lake" / "retail_sales" / "clean" / f"dt={LAST}" / "manifest.json").read_text())
    assert manifest["contract"].startswith("retail_sales@2+")
    status = json.loads(place.run("retail-assets", "status", "--json").stdout)
    assert {landing["state"] for landing in status["landings"]} == {"loaded"}


def test_rejected_rows_are_counted_listed_shown_and_exported(materialized: Installation, tmp_path: Path) -> None:
    counted = json.loads(materialized.run("retail-assets", "quarantine", "summary", "--json").stdout)
    total = counted["total"]["rows"]
    assert total == len(tables(materialized)["sales_quarantine"]) > 0
    listed = json.loads(materialized.run("retail-assets", "quarantine", "list", "--limit", "3", "--json").stdout)
    assert (listed["total"], len(listed["rows"])) == (total, 3)
    row = listed["rows"][0]
    shown = materialized.run("retail-assets", "quarantine", "show", row["source_file"], str(row["source_line"]))
    assert row["reasons"].split(",")[0] in shown.stdout
    target = tmp_path / "rejected.csv"
    materialized.run("retail-assets", "quarantine", "export", str(target))
    with target.open(encoding="utf-8-sig", newline="") as handle:
        assert sum(1 for _ in csv.DictReader(handle)) == total
    piped = materialized.run("retail-assets", "quarantine", "export", "--raw", "--landing", LAST)
    assert piped.stdout.startswith("Transaction ID,Date,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--reason", "invalid_dat"), "Did you mean 'invalid_date'?"),
        (("summary", "--landing", "2024-02-01"), "Cleaned are 3 landings from 2024-01-01 to 2024-01-03"),
        (("show", "nothing.csv", "2"), "No landed file is called 'nothing.csv'"),
        (("replay", "--file", "nothing.csv"), "No landed file is called 'nothing.csv'"),
    ],
)
def test_what_is_not_there_is_refused_on_one_screen(
    materialized: Installation, arguments: tuple[str, ...], message: str
) -> None:
    refused = materialized.run("retail-assets", "quarantine", *arguments, expect=1)
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr

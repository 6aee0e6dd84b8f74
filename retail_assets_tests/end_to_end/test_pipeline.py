"""The main job as users run it: `dagster asset materialize` in a process of its own, on real Spark and DuckDB."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.samples.expected import Expected
from retail_assets.samples.synthetic import generate
from retail_assets.tables import SALES
from retail_assets_tests.end_to_end.conftest import FIRST, LAST, ROWS, Installation

pytestmark = pytest.mark.timeout(1800)

OUTPUTS = ("summary.json", "insights.md", "statistics.csv", "forecast/backtest.json", "segments/evaluation.json")


def tables(place: Installation) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted: equal if and only if the warehouse says the same."""
    with duckdb.connect(str(place.home / "warehouse" / "retail.duckdb"), read_only=True) as con:
        names = [n for (n,) in con.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()]
        return {n: sorted(con.execute(f"SELECT * FROM retail_sales.{n}").fetchall(), key=repr) for n in names}


def summary(place: Installation) -> dict[str, Any]:
    return json.loads((place.output / "summary.json").read_text())


def test_every_generated_line_is_found_where_the_generator_says(materialized: Installation) -> None:
    expected = Expected()
    for _ in generate(ROWS, 3, 7, expected=expected):
        pass
    rows = summary(materialized)["rows"]
    assert rows["landed"] == rows["clean"] + rows["quarantined"] + rows["superseded"] + rows["excluded"]
    assert (rows["quarantined"], rows["superseded"]) == (expected.quarantined, expected.superseded)
    assert (rows["clean"], rows["current"]) == (expected.clean, expected.current)


def test_the_summary_is_what_the_fact_table_holds(materialized: Installation) -> None:
    found = summary(materialized)
    at = SALES.names.index("total_amount")
    amounts = [row[at] for row in tables(materialized)["sales"]]
    assert Decimal(found["revenue"]["total"]) == sum(amounts)
    assert sum(map(Decimal, found["revenue"]["by_category"].values())) == sum(amounts)


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_promised_output_is_there(materialized: Installation, name: str) -> None:
    assert (materialized.output / name).stat().st_size > 0


def test_figures_are_pictures(materialized: Installation) -> None:
    figures = sorted((materialized.output / "figures").glob("*.png"))
    assert len(figures) >= 10
    assert all(f.read_bytes().startswith(b"\x89PNG") for f in figures)


def test_a_second_run_and_a_single_partition_change_nothing(materialized: Installation, tmp_path: Path) -> None:
    place = materialized.copy(tmp_path)
    before, counted = tables(place), summary(place)
    place.materialize("--partition-range", f"{FIRST}...{LAST}")
    assert tables(place) == before
    place.materialize("--partition", LAST)
    assert tables(place) == before
    assert summary(place) == counted


def test_a_corrected_file_replaces_what_its_landing_said_and_nothing_else(
    materialized: Installation, tmp_path: Path
) -> None:
    place = materialized.copy(tmp_path)
    before = {row[0]: row for row in tables(place)["sales"]}
    [landed] = (place.home / "raw" / "retail_sales" / f"dt={LAST}").iterdir()
    header, first, *rest = landed.read_text().splitlines()
    corrected = tmp_path / landed.name
    corrected.write_text("\n".join([header, *rest]) + "\n")
    place.run("retail-assets", "land", str(corrected), "--date", LAST, "--replace")
    place.materialize("--partition", LAST, select='+key:"sales"')
    after = {row[0]: row for row in tables(place)["sales"]}
    withdrawn = first.split(",")[0]
    assert {key for key in before | after if before.get(key, ())[:14] != after.get(key, ())[:14]} == {withdrawn}


def test_a_file_that_does_not_fit_fails_with_the_message_and_loads_nothing(
    materialized: Installation, tmp_path: Path
) -> None:
    place = materialized.copy(tmp_path)
    before = tables(place)
    folder = place.home / "raw" / "retail_sales" / f"dt={LAST}"
    (folder / "zz.csv").write_text("id;day\n1;2024-01-03\n")
    failed = place.materialize("--partition", LAST, expect=None)
    output = failed.stderr + failed.stdout
    assert "zz.csv does not fit contract 'retail_sales'" in output
    assert "headers found:  'id', 'day'" in output
    assert tables(place) == before


def test_lost_rows_stop_the_run_before_the_warehouse(materialized: Installation, tmp_path: Path) -> None:
    place = materialized.copy(tmp_path)
    before = tables(place)
    manifest = place.home / "lake" / "retail_sales" / "raw" / f"dt={LAST}" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["files"][0]["lines"] += 1  # as if cleaning had dropped a line
    manifest.write_text(json.dumps(content))
    assets = "clean_sales,quarantined_sales,sales,sales_quarantine"
    failed = place.materialize("--partition", LAST, select=assets, expect=None)
    assert "rows_are_conserved" in failed.stderr + failed.stdout
    assert tables(place) == before


def test_status_and_predictions_tell_of_the_run(materialized: Installation) -> None:
    status = json.loads(materialized.run("retail-assets", "status", "--json").stdout)
    assert [item["state"] for item in status["landings"]] == ["loaded"] * 3
    assert status["tables"]["sales"] == summary(materialized)["rows"]["current"]
    forecast = json.loads(materialized.run("retail-assets", "predict", "forecast", "--days", "2", "--json").stdout)
    assert (forecast["category"], len(forecast["days"])) == ("TOTAL", 2)
    customer = tables(materialized)["customer_segments"][0][0]
    segment = json.loads(
        materialized.run("retail-assets", "predict", "segment", "--customer", customer, "--json").stdout
    )
    assert segment["customer_id"] == customer
    unknown = materialized.run("retail-assets", "predict", "segment", "--customer", "nobody", expect=1)
    assert "Customer 'nobody' has no segment" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_a_landed_file_that_is_gone_stops_the_run_until_it_is_withdrawn_on_purpose(
    materialized: Installation, tmp_path: Path
) -> None:
    place = materialized.copy(tmp_path)
    before = tables(place)
    [landed] = (place.home / "raw" / "retail_sales" / f"dt={LAST}").iterdir()
    landed.unlink()
    failed = place.run("retail-assets", "materialize", "--partition", LAST, expect=1)
    assert f"{landed.name} (" in failed.stderr
    assert "no longer in the raw store" in failed.stderr
    assert tables(place) == before

    manifest = place.home / "lake" / "retail_sales" / "raw" / f"dt={LAST}" / "manifest.json"
    assert f"delete {manifest}" in failed.stderr
    manifest.unlink()
    place.run("retail-assets", "materialize", "--partition", LAST)
    day = SALES.names.index("landed_on")
    assert {str(row[day]) for row in tables(place)["sales_clean"]} == {FIRST, "2024-01-02"}

"""Today's code on a home that version 0.1.0 has left: it is read, one more day is run, and every table is right.

The home is recorded, not built: `record_home.py` describes it, and the JSON beside the archive is what the old version
reported of it. A change that breaks a test here breaks every home that is in use. The policy (`docs/architecture.md`):
new columns are nullable and added in place; stored JSON keeps its keys and their meaning; model versions of the release
before load, or are trained again with a message. Rules that judge rows of old landings differently are no such change:
`test_the_tables_equal_those_of_a_new_home` then has to clean the old landings again first.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets.tables import ALL, KEPT, Column
from retail_assets_tests.upgrade.recorded_home import EXPECTED, NEXT_DAY, SOURCE, Home, unpack
from retail_assets_tests.upgrade.table_contents import digest, rows_by_table
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new

KINDS = ("forecast", "segments")
INGESTED = (
    "sales_clean",
    "sales_quarantine",
    "sales",
    "dim_date",
    "dim_customer",
    "dim_product",
    "dim_store",
    "daily_category_sales",
    "daily_store_category_sales",
    "customer_features",
)
#: Columns that say which version of the program or of a model wrote a row, and when; not what the row says.
VOLATILE = ("issued_at", "contract_version")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home as it was recorded. Read only: `unpack` another one to change it."""
    return unpack(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Home:
    """The home after one more day, with corrections of old rows, landed and computed by today's code."""
    home = unpack(tmp_path_factory.mktemp("upgraded"))
    [landing] = (home.folder / "next").iterdir()
    home.run("land", str(landing), "--date", NEXT_DAY)
    home.run("materialize", "--partition", NEXT_DAY)
    return home


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home with a bundle of its old tables."""
    home = unpack(tmp_path_factory.mktemp("published"))
    home.run("materialize", "--select", "serving_bundle")
    return home


def test_the_archive_holds_what_the_old_version_left(recorded: Home) -> None:
    tables = {name: {"rows": len(rows), "digest": digest(rows)} for name, rows in recorded.tables().items()}
    assert tables == EXPECTED["tables"]
    empty = [name for name, table in tables.items() if not table["rows"]]
    assert empty == []


# It is read as it is.


def test_status_shows_every_landing_and_table(recorded: Home) -> None:
    status = recorded.json("status")
    known = [{name: landing[name] for name in EXPECTED["landings"][0]} for landing in status["landings"]]
    assert known == EXPECTED["landings"]
    assert {name: status["tables"][name] for name in EXPECTED["tables"]} == {
        name: table["rows"] for name, table in EXPECTED["tables"].items()
    }
    assert EXPECTED["landings"][-1]["landed_on"] in recorded.run("status")


def test_predictions_are_those_of_the_old_tables_as_soon_as_a_bundle_is_published(published: Home) -> None:
    """Version 0.1.0 had no bundle: predictions came from the warehouse. One asset makes it, from the old tables."""
    answer = published.json("predict", "forecast")
    columns = {
        "day": "forecast_date", "revenue": "mean", "low": "p10", "high": "p90", "median": "p50", "units": "units",
        "units_low": "units_p10", "units_high": "units_p90", "as_last_week": "seasonal_naive",
    }  # fmt: skip
    old = [{new: row.get(name) for new, name in columns.items()} for row in EXPECTED["forecast"]]
    assert answer["days"] == old
    first = EXPECTED["forecast"][0]
    assert (answer["category"], answer["method"], answer["model_version"], answer["provenance"]["cutoff"]) == (
        first["product_category"],
        first["method"],
        first["model_version"],
        first["cutoff_date"],
    )
    expected = EXPECTED["segment"]
    customer = expected["customer_id"]
    segment = published.json("predict", "segment", "--customer", customer)
    same = segment.keys() & expected.keys() - {"description", "tags"}  # words about the persona may improve
    assert same >= {"persona", "confidence", "frequency", "monetary", "average_basket", "last_sale_date", "lapsed_risk"}
    assert {name: segment[name] for name in same} == {name: expected[name] for name in same}
    assert ", ".join(segment["tags"]) == expected["tags"]
    assert segment["favorite_category"] == expected["favourite_category"]
    assert segment["provenance"]["segment_model"] == expected["model_version"]
    assert customer in published.run("predict", "segment", "--customer", customer)
    assert "all categories together" in published.run("predict", "forecast")


def test_the_quarantine_is_summarized_and_listed(recorded: Home) -> None:
    assert recorded.json("quarantine", "summary") == EXPECTED["quarantine"]
    listed = recorded.json("quarantine", "list", "--limit", "1000")
    assert listed["total"] == len(listed["rows"]) == EXPECTED["tables"]["sales_quarantine"]["rows"]
    first = listed["rows"][0]
    shown = recorded.json("quarantine", "show", first["source_file"], str(first["source_line"]))
    assert shown[0]["raw_text"] == first["raw_text"]


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_listed_and_shown_with_their_history(recorded: Home, kind: str) -> None:
    expected = EXPECTED["models"][kind]
    listed = recorded.json("models", "list", "--kind", kind)
    assert [{name: version[name] for name in expected["versions"][0]} for version in listed] == expected["versions"]
    assert recorded.json("models", "show", "--kind", kind)["promotions"] == expected["promotions"]
    for version in expected["versions"]:
        card = recorded.run("models", "show", version["version"], "--kind", kind)
        assert version["sha256"] in card
        assert version["verdict"] in card
    assert recorded.run("models", "list", "--kind", kind).count("\n* ") == 1


def test_old_models_give_the_forecast_and_the_names_that_they_gave(tmp_path: Path) -> None:
    """Both models are loaded and used on the old tables, without training."""
    home = unpack(tmp_path)
    forecast = ("product_category", "forecast_date", "mean", "p10", "p90", "units", "model_version")
    segments = ("customer_id", "persona", "cluster", "tags", "model_version")
    before = home.column("sales_forecast", *forecast), home.column("customer_segments", *segments)
    home.run("materialize", "--select", "sales_forecast, customer_segments")
    for old, new in zip(before[0], home.column("sales_forecast", *forecast), strict=True):
        assert new == pytest.approx(old)
    assert home.column("customer_segments", *segments) == before[1]


def test_a_held_version_is_still_held_and_can_be_promoted(tmp_path: Path) -> None:
    home = unpack(tmp_path)
    shutil.rmtree(home.models / "segments")
    shutil.copytree(tmp_path / "held", home.models / "segments")
    waiting = json.loads((home.models / "segments" / "waiting.json").read_text())["version"]
    assert f"\n? {waiting}" in home.run("models", "list", "--kind", "segments")
    home.run("models", "promote", waiting, "--kind", "segments")
    listed = home.run("models", "list", "--kind", "segments")
    assert f"\n* {waiting}" in listed
    assert "?" not in listed


@pytest.mark.parametrize("kind", KINDS)
def test_old_versions_can_be_rolled_back_to(tmp_path: Path, kind: str) -> None:
    home = unpack(tmp_path)
    first, second = (version["version"] for version in EXPECTED["models"][kind]["versions"])
    home.run("models", "rollback", "--kind", kind)
    assert home.champion(kind)["version"] == first
    home.run("models", "promote", second, "--kind", kind)
    old = EXPECTED["models"][kind]["promotions"]
    history = home.champion(kind)["history"]
    assert history[: len(old)] == old
    assert [move["by"] for move in history[len(old) :]] == ["rollback", "user"]


def test_a_version_with_more_columns_reads_the_home_and_adds_them_to_the_tables_that_keep_their_rows(
    tmp_path: Path,
) -> None:
    home = unpack(tmp_path)
    before = home.tables()
    home.run("materialize", "--select", "serving_bundle")
    new = Column("channel", "varchar(32)", "shop or web", nullable=True)
    with defined_as({table: with_new(table, new) for table in ALL}):
        home.run("status")
        home.run("predict", "forecast")
        home.run("predict", "segment", "--customer", EXPECTED["segment"]["customer_id"])
        home.run("models", "list")
        assert home.json("quarantine", "summary") == EXPECTED["quarantine"]
        assert home.json("quarantine", "list")["rows"][0]["channel"] is None
        home.run("quarantine", "export", str(tmp_path / "rejected.csv"))
        replay = home.json("quarantine", "replay", "--again", "--dry-run")
        assert {"had no column channel" in landing["clean_whole_landing"] for landing in replay["landings"]} == {True}
        home.platform.warehouse.load_landings(home.platform.lake.store, [])
    after = home.tables()
    # Of those in use, list_price and discount are new since 0.1.0.
    kept = {table.name: 1 + sum(column.later for column in table.columns) for table in KEPT}
    assert {name: after[name] for name in before if name not in kept} == {
        name: rows for name, rows in before.items() if name not in kept
    }
    assert {name: after[name] for name in kept} == {
        name: [(*row, *[None] * added) for row in before[name]] for name, added in kept.items()
    }


# One more day.


@pytest.mark.spark
def test_the_new_day_is_loaded_beside_the_old_ones(upgraded: Home) -> None:
    landings = {landing["landed_on"]: landing for landing in upgraded.json("status")["landings"]}
    for old in EXPECTED["landings"]:
        assert {name: landings[old["landed_on"]][name] for name in old} == old
    new = landings[NEXT_DAY]
    assert (new["state"], new["rows_clean"] > 3, new["rows_quarantined"] > 0) == ("loaded", True, True)
    assert upgraded.json("quarantine", "summary")["total"]["rows"] == (
        EXPECTED["tables"]["sales_quarantine"]["rows"] + new["rows_quarantined"]
    )


@pytest.mark.spark
def test_the_tables_equal_those_of_a_new_home(
    upgraded: Home, spark: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same raw files, cleaned and loaded from nothing.

    Since 0.1.0 an unknown word for a gender is missing and no reason to reject a sale, so the old landings are cleaned
    again first.
    """
    new = Home(tmp_path_factory.mktemp("new"), raw=upgraded.path / "raw")
    (new.path / "dagster").mkdir(parents=True)
    days = [landing["landed_on"] for landing in EXPECTED["landings"]]
    for home in (new, upgraded):
        home.run(
            "materialize",
            "--select",
            'group:"ingest" or group:"warehouse" or key:"customer_features"',
            "--partition-range",
            f"{days[0]}...{NEXT_DAY}",
        )
    ours = rows_by_table(upgraded.path, SOURCE, without=VOLATILE)
    theirs = rows_by_table(new.path, SOURCE, without=VOLATILE)
    for table in INGESTED:
        assert ours[table] == theirs[table], table
    assert set(theirs) == set(INGESTED)


@pytest.mark.spark
def test_forecasts_of_the_old_version_are_scored_on_the_new_day(recorded: Home, upgraded: Home) -> None:
    key = ("product_category", "forecast_date", "cutoff_date", "model_version")
    before, after = (set(home.column("forecast_accuracy", *key)) for home in (recorded, upgraded))
    assert before < after
    scored = {(str(cutoff), version) for _, _, cutoff, version in after - before}
    cutoffs = {name.removesuffix(".parquet") for name in EXPECTED["issued"]}
    versions = {version["version"] for version in EXPECTED["models"]["forecast"]["versions"]}
    assert {cutoff for cutoff, _ in scored} == cutoffs
    assert {version for _, version in scored} <= versions


@pytest.mark.spark
@pytest.mark.parametrize("kind", KINDS)
def test_versions_and_their_history_are_kept(upgraded: Home, kind: str) -> None:
    expected = EXPECTED["models"][kind]
    listed = {version["version"]: version for version in upgraded.json("models", "list", "--kind", kind)}
    for version in expected["versions"]:
        kept = version.keys() - {"in_use"}
        assert {name: listed[version["version"]][name] for name in kept} == {name: version[name] for name in kept}
    pointer = upgraded.champion(kind)
    assert pointer["history"][: len(expected["promotions"])] == expected["promotions"]
    assert pointer["version"] == pointer["history"][-1]["version"]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("kind", "asset", "table"),
    [("forecast", "forecast_backtest", "sales_forecast"), ("segments", "segment_model", "customer_segments")],
)
def test_a_model_is_kept_or_trained_again_with_a_message_and_the_one_in_use_is_used(
    upgraded: Home, kind: str, asset: str, table: str
) -> None:
    version = upgraded.champion(kind)["version"]
    assert set(upgraded.column(table, "model_version")) == {(version,)}
    with dg.DagsterInstance.from_config(str(upgraded.path / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    if metadata["trained"]:
        assert metadata["reason"]
        assert metadata["decision"]
    else:
        assert version == EXPECTED["models"][kind]["promotions"][-1]["version"]


@pytest.mark.spark
def test_the_segments_keep_their_names_before_and_the_history_of_moves(recorded: Home, upgraded: Home) -> None:
    """The moves to the model in use go on to the new day: its successor would rename most customers, and waits."""
    assert upgraded.champion("segments")["version"] == recorded.champion("segments")["version"]
    before, after = (
        home.column("segment_migrations", "from_snapshot", "from_version", "to_version", "from_persona", "customers")
        for home in (recorded, upgraded)
    )
    customers: tuple[Counter[tuple[Any, ...]], ...] = Counter(), Counter()
    for counted, moves in zip(customers, (before, after), strict=True):
        for *state, count in moves:
            counted[tuple(state)] += count
    assert customers[0] <= customers[1]
    named = {customer: name for customer, name in recorded.column("customer_segments", "customer_id", "persona")}
    for customer, previous in upgraded.column("customer_segments", "customer_id", "previous_persona"):
        assert previous == named.get(customer)


@pytest.mark.spark
def test_runs_of_the_old_version_stay_in_dagsters_history(recorded: Home, upgraded: Home) -> None:
    runs: list[set[str]] = []
    for home in (recorded, upgraded):
        with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
            runs.append({run.run_id for run in instance.get_runs()})
            day = instance.get_latest_materialization_event(dg.AssetKey("sales")).asset_materialization.partition
            assert dt.date.fromisoformat(str(day))
    assert runs[0] < runs[1]


@pytest.mark.spark
def test_the_same_day_again_changes_nothing(upgraded: Home) -> None:
    """Tables and models; outputs are the business of `end_to_end/test_pipeline.py`."""
    outputs_alone = 'group:"eda" or key:"transaction_amounts" or key:"segment_report"'
    again = ("materialize", "--select", f"not ({outputs_alone})", "--partition", NEXT_DAY)
    upgraded.run(*again)  # another test may have cleaned the old landings again, and nothing after them
    before = upgraded.tables(), {kind: upgraded.champion(kind) for kind in KINDS}
    versions = {kind: upgraded.json("models", "list", "--kind", kind) for kind in KINDS}
    upgraded.run(*again)
    assert (upgraded.tables(), {kind: upgraded.champion(kind) for kind in KINDS}) == before
    assert {kind: upgraded.json("models", "list", "--kind", kind) for kind in KINDS} == versions

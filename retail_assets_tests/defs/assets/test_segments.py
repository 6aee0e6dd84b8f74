"""The segments' assets over months: train, keep, rename, hold back, promote; and the command line over the store."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from retail_assets import settings as settings_module
from retail_assets.cli.app import app
from retail_assets.defs.assets.segments import segment_assets
from retail_assets.defs.checks.segments import segment_checks
from retail_assets.defs.data_versions import hash_of_table
from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.store import ModelStoreError
from retail_assets.platform import Platform
from retail_assets.plotting.left_out import read
from retail_assets.tables import CUSTOMER_SEGMENTS, SEGMENT_PROFILES
from retail_assets_tests.segmentation.shoppers import PLANTED, fill, line, planted_sales

#: The first year and six months after it, one scoring each.
MONTHS = [dt.date(2023, 12, 31), *(dt.date(2024, month + 1, 1) - dt.timedelta(days=1) for month in range(1, 7))]
SALES, TRUTH = planted_sales(tuple(PLANTED), 30, days=547)
SALES += [line(f"last of {day}", day, None, 1) for day in MONTHS]  # the last day of sales is the month's


def platform_of(environment: dict[str, str]) -> Platform:
    return Platform(settings_module.load(environment))


def sell(platform: Platform, upto: dt.date, more: list[dict[str, Any]] | None = None) -> None:
    """The warehouse as it stands on the evening of a day."""
    fill(platform.warehouse, [row for row in SALES if row["sale_date"] <= upto] + (more or []))


def run(
    platform: Platform, *, retrain: bool = False, succeeds: bool = True, report: bool = False
) -> tuple[dict[str, dict[str, Any]], dict[str, dg.AssetCheckEvaluation]]:
    """Materialize the segments; metadata by asset, and evaluations by check."""
    config = {"ops": {"segment_model": {"config": {"retrain": True}}}} if retrain else None
    assets = [asset for asset in segment_assets(platform) if report or "report" not in asset.key.to_user_string()]
    done = dg.materialize(
        [*assets, *segment_checks(platform)],
        run_config=config,
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )
    assert done.success == succeeds, [e.message for e in done.all_events if e.is_failure]
    metadata = {
        event.asset_key.to_user_string(): {k: getattr(v, "value", v) for k, v in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
        if event.asset_key
    }
    return metadata, {e.check_name: e for e in done.get_asset_check_evaluations()}


def rows(platform: Platform, sql: str) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = platform.warehouse.query(sql).to_pylist()
    return table


def names(platform: Platform) -> dict[str, str]:
    return {
        r["customer_id"]: r["persona"] for r in rows(platform, "SELECT customer_id, persona FROM customer_segments")
    }


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("shop")
    return {"RETAIL_HOME": str(home / "home"), "RETAIL_OUTPUT": str(home / "output")}


@pytest.fixture(scope="module")
def half_a_year(environment: dict[str, str]) -> list[dict[str, dict[str, Any]]]:
    """Metadata of the first training and of six monthly ones, whose checks all pass."""
    platform = platform_of(environment)
    months = []
    for day in MONTHS:
        sell(platform, day)
        metadata, checks = run(platform)
        assert all(evaluation.passed for evaluation in checks.values()), checks
        profiles = rows(platform, "SELECT sum(customers) AS customers, sum(revenue) AS revenue FROM segment_profiles")
        months.append(metadata | {"all": profiles[0]})
    return months


def test_the_first_model_is_promoted_and_names_the_planted_kinds(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    assert half_a_year[0]["segment_model"]["promoted"]
    segments = names(platform_of(environment))
    # The planted days are random, so nobody keeps to a season.
    truth = {customer: kind.replace("Seasonal", "Occasional") for customer, kind in TRUTH.items()}
    assert sum(segments[customer] == kind for customer, kind in truth.items()) >= 0.95 * len(truth)


def test_a_model_is_trained_again_when_it_has_not_seen_a_month(half_a_year: list[dict[str, dict[str, Any]]]) -> None:
    assert all(month["segment_model"]["trained"] for month in half_a_year)
    assert "has not seen the last 31 days" in half_a_year[1]["segment_model"]["reason"]


def test_migrations_of_six_retrainings_add_up_to_the_customers_and_the_money_of_each_month(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    moves = rows(
        platform_of(environment),
        "SELECT from_snapshot, to_snapshot, sum(customers) AS customers, sum(revenue) AS revenue "
        "FROM segment_migrations GROUP BY from_snapshot, to_snapshot ORDER BY to_snapshot",
    )
    assert [(m["from_snapshot"], m["to_snapshot"]) for m in moves] == list(itertools.pairwise(MONTHS))
    for move, month in zip(moves, half_a_year[1:], strict=True):
        assert (int(move["customers"]), move["revenue"]) == (int(month["all"]["customers"]), month["all"]["revenue"])


def test_names_before_and_after_chain_from_month_to_month(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    """What a month ends with is what the next one begins with: nobody appears or vanishes between two moves."""
    moves = rows(platform_of(environment), "SELECT * FROM segment_migrations")
    for earlier, later in itertools.pairwise(MONTHS[:-1]):
        ends: dict[str, int] = {}
        begins: dict[str, int] = {}
        for move in moves:
            if move["from_snapshot"] == earlier:
                ends[move["to_persona"]] = ends.get(move["to_persona"], 0) + move["customers"]
            if move["from_snapshot"] == later and move["from_persona"] != "(new)":
                begins[move["from_persona"]] = begins.get(move["from_persona"], 0) + move["customers"]
        assert ends == begins


def test_the_same_month_again_trains_nothing_and_changes_nothing(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    platform = platform_of(environment)
    tables = ("customer_segments", "segment_profiles", "segment_migrations")
    before = [rows(platform, f"SELECT * FROM {table} ORDER BY ALL") for table in tables]
    contents = {t.name: hash_of_table(platform.warehouse, t) for t in (CUSTOMER_SEGMENTS, SEGMENT_PROFILES)}
    metadata, checks = run(platform)
    assert {name: metadata[name]["content"] for name in contents} == contents
    assert not metadata["segment_model"]["trained"]
    assert [rows(platform, f"SELECT * FROM {table} ORDER BY ALL") for table in tables] == before
    assert checks["names_are_kept"].passed


def test_a_retraining_with_the_same_sales_is_the_same_version(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    platform = platform_of(environment)
    in_use = platform.model_store(SEGMENTS).require_champion().version
    # The yardstick and the names are inherited, so that the newest of the chain reproduces itself.
    metadata, _ = run(platform, retrain=True)
    assert metadata["segment_model"]["model_version"] == in_use


def test_the_report_is_written_with_pictures_and_lists(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]]
) -> None:
    metadata, _ = run(platform_of(environment), report=True)
    assert "4 segments" in metadata["segment_report"]["verdict"]
    assert 0 < metadata["segment_report"]["bootstrap_ari"] <= 1
    output = Path(environment["RETAIL_OUTPUT"])
    evaluation = json.loads((output / "segments" / "evaluation.json").read_text())
    assert evaluation["k"] == 4
    assert set(evaluation["segments"]) == set(names(platform_of(environment)).values())
    assert (output / "segments" / "model_card.md").read_text().startswith("# Customer segments: k-means, k = 4")
    assert (output / "figures" / "segment_map.png").read_bytes().startswith(b"\x89PNG")


def test_a_retraining_that_renames_too_many_waits_until_a_person_promotes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")}
    platform = platform_of(environment)
    sell(platform, MONTHS[0])
    run(platform)
    first, before = platform.model_store(SEGMENTS).require_champion().version, names(platform)

    own = tmp_path / "personas.yaml"
    own.write_text(
        "personas:\n"
        "  - {name: Stammkunden, prototype: {frequency: 1, average_basket: 1, monetary: 1.5}}\n"
        "  - {name: Sparfüchse, prototype: {frequency: 1, average_basket: -1, monetary: -0.25}}\n"
        "  - {name: Saisonkunden, prototype: {frequency: -1, average_basket: 1}}\n"
        "  - {name: Seltene, prototype: {frequency: -1, average_basket: -1, monetary: -1.5}}\n"
    )
    environment["RETAIL_PERSONAS"] = str(own)
    platform = platform_of(environment)
    for trained in (True, False):  # the run that trains, and every later one: the model in use names customers
        metadata, checks = run(platform)
        assert metadata["segment_model"]["trained"] == trained
        assert "waits for" in metadata["segment_model"]["outcome"]
        assert not checks["names_are_kept"].passed
        assert checks["names_are_kept"].severity == dg.AssetCheckSeverity.ERROR
        assert "another name" in str(checks["names_are_kept"].description)
        assert metadata["customer_segments"]["model_version"] == first
        assert names(platform) == before

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    waits = promotion.held(platform.model_store(SEGMENTS))
    assert waits is not None
    listed = CliRunner().invoke(app, ["models", "list", "--kind", "segments"])
    assert f"? {waits.version}" in listed.output
    assert f"models decline {waits.version}" in listed.output

    declined = CliRunner().invoke(app, ["models", "decline", waits.version])
    assert declined.exit_code == 0, declined.output
    assert f"Declined: {waits.version}. {first} stays in use." in declined.output
    assert f"x {waits.version}" in CliRunner().invoke(app, ["models", "list", "--kind", "segments"]).output
    metadata, checks = run(platform, retrain=True)  # the same sales make the same version
    assert metadata["segment_model"]["model_version"] == waits.version
    assert "declined by hand" in metadata["segment_model"]["decision"]
    assert checks["names_are_kept"].passed
    assert names(platform) == before
    promoted = CliRunner().invoke(app, ["models", "promote", waits.version])
    assert promoted.exit_code == 0, promoted.output
    assert f"In use: {waits.version}" in promoted.output
    _, checks = run(platform)
    assert checks["names_are_kept"].passed
    assert {"Stammkunden", "Sparfüchse", "Saisonkunden", "Seltene"} == {*names(platform).values()} - {"One Purchase"}
    moves = rows(platform, "SELECT * FROM segment_migrations")
    assert {(m["from_version"], m["to_version"]) for m in moves} == {(first, waits.version)}
    assert sum(m["customers"] for m in moves) == len(before)

    back = CliRunner().invoke(app, ["models", "rollback", "--kind", "segments"])
    assert back.exit_code == 0, back.output
    assert platform.model_store(SEGMENTS).require_champion().version == first


def test_a_damaged_model_is_reported_and_replaced_by_the_next_training(tmp_path: Path) -> None:
    platform = platform_of({"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")})
    sell(platform, MONTHS[0])
    run(platform)
    before = names(platform)
    version = platform.model_store(SEGMENTS).require_champion().version
    platform.model_store(SEGMENTS).store.write(f"retail_sales/segments/versions/{version}/model.skops", b"damaged")
    with pytest.raises(ModelStoreError, match=r"has been changed.*Retrain the segments.*--kind segments"):
        platform.model_store(SEGMENTS).load(version)
    sell(platform, MONTHS[1])
    metadata, _ = run(platform)
    assert "no readable model" in metadata["segment_model"]["reason"]
    assert metadata["segment_model"]["promoted"]
    assert platform.model_store(SEGMENTS).require_champion().version != version
    assert sum(names(platform)[customer] == name for customer, name in before.items()) > 0.9 * len(before)


def test_a_shop_with_one_purchase_per_customer_gets_no_personas(tmp_path: Path) -> None:
    """The seed's data set: no persona is invented, and the graph runs through."""
    platform = platform_of({"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")})
    once = [line(f"o{i}", dt.date(2023, 1, 1) + dt.timedelta(days=i % 300), f"CUST{i:03d}", 25 + i) for i in range(90)]
    fill(platform.warehouse, once)
    metadata, checks = run(platform, report=True)
    assert all(evaluation.passed for evaluation in checks.values()), checks
    assert (
        "With one purchase per customer there is no purchase frequency to segment by"
        in metadata["segment_model"]["verdict"]
    )
    assert (
        "With one purchase per customer there is no purchase frequency to segment by"
        in metadata["segment_report"]["verdict"]
    )
    assert set(names(platform).values()) == {"One Purchase"}
    assert platform.model_store(SEGMENTS).champion() is None
    evaluation = json.loads((tmp_path / "output" / "segments" / "evaluation.json").read_text())
    assert evaluation["k"] is None


def test_no_sales_make_empty_tables(tmp_path: Path) -> None:
    platform = platform_of({"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")})
    fill(platform.warehouse, [])
    stale = tmp_path / "output" / "figures" / "segment_migrations.png"
    platform.output.write("figures/segment_migrations.png", b"of another shop")
    metadata, checks = run(platform, report=True)
    assert all(evaluation.passed for evaluation in checks.values()), checks
    assert not stale.exists(), "a figure that this run does not draw is removed"
    assert read(platform.output)["segment_migrations.png"].startswith("Nobody could change segment yet")
    assert metadata["customer_segments"]["dagster/row_count"] == 0
    assert "nobody to segment" in metadata["segment_model"]["verdict"]


@pytest.fixture
def cli(
    environment: dict[str, str], half_a_year: list[dict[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return CliRunner()


def test_versions_are_listed_shown_and_compared(cli: CliRunner) -> None:
    listed = json.loads(cli.invoke(app, ["models", "list", "--kind", "segments", "--json"]).stdout)
    assert len(listed) >= 7
    assert [m["in_use"] for m in listed].count(True) == 1
    shown = cli.invoke(app, ["models", "show", "--kind", "segments"])
    assert "# Customer segments: k-means, k = 4" in shown.output
    compared = cli.invoke(app, ["models", "compare", listed[0]["version"], listed[-1]["version"]])
    assert "bootstrap ARI" in compared.output
    assert "Budget Shoppers" in compared.output

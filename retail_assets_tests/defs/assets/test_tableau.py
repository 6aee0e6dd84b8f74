"""The assets for Tableau: skipped without the extra, published where the settings say, secrets nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets import settings as settings_module
from retail_assets.defs.assets.tableau import tableau_assets
from retail_assets.defs.build import build_defs
from retail_assets.defs.checks.tableau import tableau_checks
from retail_assets.doctor import connections
from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.contents import CONTENTS
from retail_assets.platform import Platform
from retail_assets.tables import DIM_PRODUCT
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.exports.tableau.shops import HOSTILE, hostile_sales, whole
from retail_assets_tests.services.tableau import TOKEN, TOKEN_NAME, Tableau, tableau_server


@pytest.fixture
def server() -> Iterator[Tableau]:
    with tableau_server() as state:
        yield state


def environ(tmp_path: Path, server: Tableau | None = None, **more: str) -> dict[str, str]:
    chosen = {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output"), **more}
    if server is not None:
        chosen |= {
            "RETAIL_TABLEAU_SERVER": server.url,
            "RETAIL_TABLEAU_PROJECT": "Retail",
            "RETAIL_TABLEAU_TOKEN_NAME": TOKEN_NAME,
            "RETAIL_TABLEAU_TOKEN": TOKEN,
            "RETAIL_TABLEAU_TIMEOUT": "30",
        }
    return chosen


def platform_of(tmp_path: Path, server: Tableau | None = None, **more: str) -> Platform:
    """A platform whose warehouse is that of the shop with hostile names."""
    platform = Platform(settings_module.load(environ(tmp_path, server, **more)))
    made = whole(tmp_path, hostile_sales())
    assert isinstance(made, DuckDBWarehouse)
    platform.__dict__["warehouse"] = made
    return platform


def materialized(platform: Platform, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    nodes: Sequence[Any] = [*tableau_assets(platform), *tableau_checks(platform)]
    return dg.materialize(nodes, instance=instance or dg.DagsterInstance.ephemeral(), raise_on_error=False)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def events(result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(f"{event!r}" for event in result.all_events)


def test_without_the_extra_the_asset_is_skipped_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hyper, "installed", lambda: False)
    caplog.set_level(logging.WARNING)
    result = materialized(platform_of(tmp_path))
    assert result.success
    assert metadata(result) == {}
    assert not (tmp_path / "output").exists()


def test_where_it_is_to_be_published_a_missing_extra_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Tableau
) -> None:
    monkeypatch.setattr(hyper, "installed", lambda: False)
    result = materialized(platform_of(tmp_path, server))
    assert not result.success
    assert "retail-assets[tableau]" in events(result)
    assert not server.requests


def test_the_extract_says_what_it_holds_and_the_same_tables_give_the_same_version(tmp_path: Path) -> None:
    platform = platform_of(tmp_path)
    first, second = metadata(materialized(platform)), metadata(materialized(platform))
    made = first["tableau_extract"]
    path = tmp_path / "output" / "tableau" / "retail.hyper"
    assert (made["path"], made["bytes"]) == (str(path), path.stat().st_size)
    assert made["tables"]["sales"] == len(HOSTILE)
    assert made["rows"] == sum(made["tables"].values())
    assert made["last_day"] == "2024-01-09"
    assert "notes" not in made
    assert second["tableau_extract"]["content"] == made["content"]
    platform.warehouse.rebuild(DIM_PRODUCT, f"{marts.DIM_PRODUCT} LIMIT 2")
    changed = metadata(materialized(platform))["tableau_extract"]
    assert changed["content"] != made["content"]
    assert "not related to dim_product" in changed["notes"]["sales"]


def test_lines_that_are_left_out_stand_in_the_metadata(tmp_path: Path) -> None:
    made = metadata(materialized(platform_of(tmp_path, RETAIL_TABLEAU_LINES="3")))["tableau_extract"]
    assert "9 lines, more than the 3 of RETAIL_TABLEAU_LINES" in made["notes"]["sales"]
    assert "sales" not in made["tables"]


def test_the_lineage_of_every_column_is_one_of_the_warehouse(tmp_path: Path) -> None:
    [extract] = tableau_assets(platform_of(tmp_path))
    [spec] = extract.specs
    columns = [column.name for column in spec.metadata["dagster/column_schema"].columns]
    deps = spec.metadata["dagster/column_lineage"].deps_by_column
    assert list(deps) == columns
    origins = {content.origin.name: content.origin.names for content in CONTENTS}
    assert {dep.asset_key.to_user_string() for dep in spec.deps} == set(origins)
    for sources in deps.values():
        assert sources
        for source in sources:
            assert source.column_name in origins[source.asset_key.to_user_string()]
    assert {d.column_name for d in deps["sales.product_key"]} == {"product_id", "product_category"}


def test_it_is_published_where_the_settings_say_and_looked_at(
    tmp_path: Path, server: Tableau, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    platform = platform_of(tmp_path, server)
    result = materialized(platform)
    assert result.success, events(result)
    [evaluation] = result.get_asset_check_evaluations()
    assert evaluation.passed, evaluation.description
    made = metadata(result)["tableau_published"]
    assert set(made["data_sources"]) == set(server.by_name())
    assert made["data_sources"]["retail_sales sales lines"]["rows"] == len(HOSTILE)
    assert made["not_overwritten"] == []
    for written in (caplog.text, events(result), repr(metadata(result))):
        assert TOKEN not in written
    # What somebody deletes there is missed.
    server.data_sources.pop("d1")
    [check] = tableau_checks(platform)
    found = check()
    assert isinstance(found, dg.AssetCheckResult)
    assert not found.passed
    assert "is not there" in str(found.description)
    assert "Materialize tableau\\_extract" in str(found.description) or "tableau_extract" in str(found.description)


def test_what_may_not_be_downloaded_is_a_warning(tmp_path: Path, server: Tableau) -> None:
    server.fails("GET", "/content$", 403, "403000")
    result = materialized(platform_of(tmp_path, server))
    assert result.success
    [evaluation] = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "could not be looked at" in str(evaluation.description)
    assert "may not download" in str(evaluation.description)


def test_a_refused_token_fails_the_publication_alone_and_the_extract_stays(tmp_path: Path, server: Tableau) -> None:
    server.token = "another"
    result = materialized(platform_of(tmp_path, server))
    assert not result.success
    assert set(metadata(result)) == {"tableau_extract"}
    assert (tmp_path / "output" / "tableau" / "retail.hyper").exists()
    text = events(result)
    assert "refuses the token" in text
    assert "Traceback" not in text
    assert TOKEN not in text


def test_only_who_publishes_has_the_asset_and_its_check(tmp_path: Path, server: Tableau) -> None:
    def names(chosen: dict[str, str]) -> set[str]:
        graph = build_defs(settings_module.load(chosen)).get_repository_def().asset_graph
        assets = {key.to_user_string() for key in graph.materializable_asset_keys}
        return assets | {key.name for key in graph.asset_check_keys}

    extra = names(environ(tmp_path, server)) - names(environ(tmp_path))
    assert extra == {"tableau_published", "published_is_up_to_date"}


def test_doctor_logs_in_and_finds_the_project(tmp_path: Path, server: Tableau, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings_module.load(environ(tmp_path, server)).tableau
    assert chosen
    assert connections.tableau(chosen).ok
    assert ("POST", "/auth/signout") in server.requests
    monkeypatch.setattr(hyper, "installed", lambda: False)
    assert not connections.tableau(chosen).ok

"""Publishing: data sources with related tables, nothing of others overwritten, faults in words, the token in none."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retail_assets.errors import NotReadyError, PublishingError, PublishingUnreachableError, StorageError
from retail_assets.exports import TABLEAU_EXTRACT
from retail_assets.exports.tableau import hyper, published
from retail_assets.exports.tableau import publish as publishing
from retail_assets.exports.tableau.contents import CONTENTS, DATA_SOURCES, LINES, RELATIONS
from retail_assets.exports.tableau.publish import publish
from retail_assets.exports.tableau.published import look
from retail_assets.exports.tableau.write import write_tableau
from retail_assets.settings.tableau import TableauServer
from retail_assets.storage import Store
from retail_assets.tables import DIM_CUSTOMER, DIM_PRODUCT
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.exports.tableau.shops import HOSTILE, hostile_sales, whole
from retail_assets_tests.services.server import free_port
from retail_assets_tests.services.tableau import TOKEN, TOKEN_NAME, DataSource, Tableau, tableau_server

MANY = 1_000_000
NAMES = {f"shop {source.name}" for source in DATA_SOURCES}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop and its extract."""
    folder = tmp_path_factory.mktemp("shop")
    output = Store(str(folder / "output"))
    write_tableau(whole(folder, hostile_sales()), output, "shop", "EUR", MANY)
    shutil.copy(output.local_path(TABLEAU_EXTRACT), folder / "a.hyper")
    return folder


@pytest.fixture
def output(made: Path) -> Store:
    return Store(str(made / "output"))


@pytest.fixture
def server() -> Iterator[Tableau]:
    with tableau_server() as state:
        yield state


@pytest.fixture
def settings(server: Tableau) -> TableauServer:
    return TableauServer(server.url, "", "Retail", TOKEN_NAME, TOKEN, timeout=30)


@pytest.fixture
def forecast(monkeypatch: pytest.MonkeyPatch) -> str:
    """Only one data source, of one table: Hyper starts for each file and each key. Its name."""
    [only] = [source for source in DATA_SOURCES if source.name == "forecast"]
    for module in (publishing, published):
        monkeypatch.setattr(module, "DATA_SOURCES", (only,))
    return "shop forecast"


def at_once(_seconds: float) -> None:
    pass


def never(_seconds: float) -> None:
    pytest.fail("another attempt")


def tables_of(path: Path) -> set[str]:
    return {table for _, table in hyper.names_in(path)}


def files(server: Tableau, folder: Path) -> dict[str, Path]:
    """What lies on the server, as files by name."""
    found = {}
    for source in server.data_sources.values():
        path = folder / source.id / "a.hyper"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(source.content)
        found[source.name] = path
    return found


def test_each_fact_is_a_data_source_with_the_tables_that_it_names(
    output: Store, server: Tableau, settings: TableauServer, tmp_path: Path
) -> None:
    before = output.read(TABLEAU_EXTRACT)
    result = publish(output, settings, "shop")
    assert {p.name for p in result.published} == set(server.by_name()) == NAMES
    assert result.rows["shop sales lines"] == len(HOSTILE)
    assert server.session is None, "logged out"
    held = {name: tables_of(path) for name, path in files(server, tmp_path).items()}
    assert held["shop sales"] == {"daily_store_category_sales", "dim_date", "dim_store"}
    dimensions = {"dim_date", "dim_customer", "dim_product", "dim_store", "daily_quality"}
    assert held["shop sales lines"] == {"sales", *dimensions}
    assert held["shop customers"] == {"customer_segments", "dim_customer", "segment_profiles"}
    assert held["shop forecast"] == {"sales_forecast"}
    assert {d.project for d in server.data_sources.values()} == {"p1"}
    assert output.read(TABLEAU_EXTRACT) == before


def test_declared_keys_do_not_change_what_joins_give(
    output: Store, server: Tableau, settings: TableauServer, tmp_path: Path
) -> None:
    publish(output, settings, "shop")
    path = files(server, tmp_path)["shop sales lines"]
    [relation] = [r for r in RELATIONS if r.table == LINES and r.to == DIM_PRODUCT]
    join = (
        f"SELECT count(*) AS n, CAST(sum(f.total_amount) AS TEXT) AS s FROM {hyper.table_of(LINES)} AS f "
        f"JOIN {hyper.table_of(relation.to)} AS d ON f.{relation.column} = d.{relation.key}"
    )
    [joined] = hyper.query(path, join).to_pylist()
    alone = hyper.query(path, f"SELECT CAST(sum(total_amount) AS TEXT) AS s FROM {hyper.table_of(LINES)}").to_pylist()
    assert joined == {"n": len(HOSTILE), "s": alone[0]["s"]}
    # Hyper takes a foreign key only to a table that has its own: in the extract, none has.
    hyper.declare_keys(path, (), [relation])
    with pytest.raises(StorageError, match="no primary key"):
        hyper.declare_keys(output.local_path(TABLEAU_EXTRACT), (), [relation])


def test_a_second_run_overwrites_what_the_first_published(
    forecast: str, output: Store, server: Tableau, settings: TableauServer
) -> None:
    publish(output, settings, "shop")
    publish(output, settings, "shop")
    assert {name: d.revision for name, d in server.by_name().items()} == {forecast: 2}


@pytest.mark.parametrize("description", ["", "Made by hand", "Published by retail-assets from other_shop."])
def test_what_others_published_is_not_overwritten(
    forecast: str, output: Store, server: Tableau, settings: TableauServer, description: str
) -> None:
    server.data_sources["x"] = DataSource("x", "Shop Forecast", "p1", description, b"theirs")
    with pytest.raises(PublishingError, match="was not published from shop") as refused:
        publish(output, settings, "shop", at_once)
    assert "RETAIL_TABLEAU_NAME" in str(refused.value)
    assert server.data_sources["x"].content == b"theirs"
    assert not refused.value.retryable


def test_a_name_that_is_taken_meanwhile_is_said(
    forecast: str, output: Store, server: Tableau, settings: TableauServer
) -> None:
    server.fails("POST", "/datasources$", 409, "409006")
    with pytest.raises(PublishingError, match="the name is taken"):
        publish(output, settings, "shop", at_once)


def test_large_files_go_in_chunks(
    forecast: str, output: Store, server: Tableau, settings: TableauServer, monkeypatch: pytest.MonkeyPatch, made: Path
) -> None:
    monkeypatch.setenv("TSC_FILESIZE_LIMIT_MB", "0")
    monkeypatch.setenv("TSC_CHUNK_SIZE_MB", "1")
    publish(output, settings, "shop", at_once)
    assert len(server.uploads) == 1
    seen = look(DuckDBWarehouse(made / "test.duckdb", "shop"), settings, "shop", MANY, at_once)
    assert [(each.name, each.problem) for each in seen] == [(forecast, None)]


@pytest.mark.parametrize(
    "fault",
    [
        ("POST", "/datasources$", 500, "500000", {}),
        ("POST", "/datasources$", 504, "504000", {"late": True}),
        ("POST", "/datasources$", 0, "", {"late": True}),
        ("PUT", "/fileUploads/", 0, "", {}),
        ("PUT", "/fileUploads/", 503, "", {"body": "<html>maintenance</html>"}),
        ("GET", "/datasources$", 429, "429000", {}),
        ("POST", "/auth/signin", 0, "", {}),
        ("GET", "/server[iI]nfo", 502, "", {"body": "bad gateway"}),
    ],
)
def test_what_passes_by_itself_is_tried_again(
    forecast: str,
    output: Store,
    server: Tableau,
    settings: TableauServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, str, int, str, dict[str, Any]],
) -> None:
    """Even where the answer was lost after the deed: the second attempt finds its own, and overwrites it."""
    monkeypatch.setenv("TSC_FILESIZE_LIMIT_MB", "0")
    pauses: list[float] = []
    method, path, status, code, how = fault
    server.fails(method, path, status, code, **how)
    result = publish(output, settings, "shop", pauses.append)
    assert len(pauses) == 1
    assert [p.name for p in result.published] == list(server.by_name()) == [forecast]
    assert not server.faults


def test_attempts_end_and_the_pauses_between_them_grow(
    forecast: str, output: Store, server: Tableau, settings: TableauServer
) -> None:
    for _ in range(4):
        server.fails("POST", "/datasources$", 503, "503000")
    pauses: list[float] = []
    with pytest.raises(PublishingUnreachableError, match="TSC_CHUNK_SIZE_MB") as refused:
        publish(output, settings, "shop", pauses.append)
    assert refused.value.retryable
    assert len(pauses) == 3
    assert pauses[0] < pauses[1] < pauses[2] < 15


def test_a_server_that_cannot_be_reached(forecast: str, output: Store, settings: TableauServer) -> None:
    nowhere = replace(settings, address=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PublishingUnreachableError, match="did not answer") as refused:
        publish(output, nowhere, "shop", at_once)
    assert "RETAIL_TABLEAU_SERVER" in str(refused.value)
    assert output.exists(TABLEAU_EXTRACT)


REFUSALS: list[tuple[dict[str, Any], tuple[str, str, int, str] | None, list[str]]] = [
    ({"token": "wrong-secret"}, None, ["refuses the token 'publisher'", "RETAIL_TABLEAU_TOKEN", "My Account Settings"]),
    ({"site": "elsewhere"}, None, ["(site elsewhere) refuses the token", "RETAIL_TABLEAU_SITE"]),
    ({"project": "Retial"}, None, ["has no project 'Retial'", "RETAIL_TABLEAU_PROJECT", "one of: Retail"]),
    ({}, ("POST", "/datasources$", 403, "403004"), ["may not publish 'shop forecast'", "Explorer (can publish)"]),
    ({}, ("GET", "/projects", 403, "403000"), ["may not list its projects"]),
    ({}, ("POST", "/datasources$", 404, "404005"), ["something it needs is not there"]),
    ({}, ("POST", "/datasources$", 400, "400011"), ["refuses to publish 'shop forecast'", "400011"]),
    ({}, ("GET", "/datasources", 401, "401002"), ["ended the session of the token"]),
]


@pytest.mark.parametrize(("changed", "fault", "words"), REFUSALS)
def test_what_another_attempt_cannot_change_is_said_at_once(
    forecast: str,
    output: Store,
    server: Tableau,
    settings: TableauServer,
    changed: dict[str, Any],
    fault: tuple[str, str, int, str] | None,
    words: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    before = output.read(TABLEAU_EXTRACT)
    if fault:
        server.fails(*fault)
    with pytest.raises(PublishingError) as refused:
        publish(output, replace(settings, **changed), "shop", never)
    for word in words:
        assert word in str(refused.value)
    assert not refused.value.retryable
    assert not server.by_name()
    assert output.read(TABLEAU_EXTRACT) == before
    # The server's refusal of a token repeats it.
    for secret in (TOKEN, "wrong-secret"):
        assert secret not in str(refused.value) + caplog.text + repr(refused.value.__cause__)
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize("body", ["<html><p>Log in to the proxy</html>", "<a/>", "", '{"login": true}'])
def test_a_server_that_is_not_tableau(
    forecast: str, output: Store, server: Tableau, settings: TableauServer, body: str
) -> None:
    server.fails("GET", "/server[iI]nfo", 200, body=body)
    with pytest.raises(PublishingError, match="RETAIL_TABLEAU_SERVER"):
        publish(output, settings, "shop", never)


def test_projects_are_found_by_name_or_path(
    forecast: str, output: Store, server: Tableau, settings: TableauServer
) -> None:
    server.projects = {"a": ("North", None), "b": ("Retail", "a"), "c": ("South", None), "d": ("Retail", "c")}
    with pytest.raises(PublishingError, match="several projects 'Retail': North/Retail, South/Retail"):
        publish(output, settings, "shop", never)
    publish(output, replace(settings, project="South/Retail"), "shop", never)
    assert {d.project for d in server.data_sources.values()} == {"d"}


def test_without_an_extract_it_says_what_to_do(tmp_path: Path, settings: TableauServer) -> None:
    with pytest.raises(NotReadyError, match="Materialize the asset tableau_extract"):
        publish(Store(str(tmp_path)), settings, "shop", never)


def test_a_server_may_pack_what_it_was_given(
    forecast: str, output: Store, server: Tableau, settings: TableauServer, made: Path
) -> None:
    server.packed = True
    publish(output, settings, "shop")
    [seen] = look(DuckDBWarehouse(made / "test.duckdb", "shop"), settings, "shop", MANY)
    assert (seen.problem, seen.rows) == (None, 1 + len(HOSTILE))


def test_what_is_published_is_compared_with_the_warehouse(
    made: Path, tmp_path: Path, output: Store, server: Tableau, settings: TableauServer
) -> None:
    shutil.copy(made / "test.duckdb", tmp_path / "test.duckdb")
    shop = DuckDBWarehouse(tmp_path / "test.duckdb", "shop")
    assert {each.problem for each in look(shop, settings, "shop", MANY)} == {f"{name!r} is not there" for name in NAMES}
    publish(output, settings, "shop")
    seen = {each.name: each for each in look(shop, settings, "shop", MANY)}
    assert {each.problem for each in seen.values()} == {None}
    assert (seen["shop sales"].rows, seen["shop sales"].day) == (len(HOSTILE), "2024-01-09")
    assert (seen["shop forecast accuracy"].rows, seen["shop forecast accuracy"].day) == (0, None)
    # A day more in the warehouse.
    shop.rebuild(
        next(c for c in CONTENTS if c.table.name == "daily_store_category_sales").origin,
        f"{marts.DAILY_STORE_CATEGORY_SALES} UNION ALL SELECT DATE '2024-02-01', 's', 'c', 1, 1, 1, 1, 1, 0",
    )
    [problem] = [each.problem for each in look(shop, settings, "shop", MANY) if each.problem]
    assert problem == "'shop sales' has 9 rows up to 2024-01-09, the warehouse 10 up to 2024-02-01"


def test_lines_that_the_extract_leaves_out_are_not_left_to_grow_old_in_silence(
    tmp_path: Path, server: Tableau, settings: TableauServer, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tuple(source for source in DATA_SOURCES if source.fact == LINES)
    for module in (publishing, published):
        monkeypatch.setattr(module, "DATA_SOURCES", lines)
    mark = "Published by retail-assets from shop."
    server.data_sources["x"] = DataSource("x", "shop sales lines", "p1", mark, (made / "a.hyper").read_bytes())
    shop = DuckDBWarehouse(made / "test.duckdb", "shop")
    less = Store(str(tmp_path / "output"))
    write_tableau(shop, less, "shop", "EUR", 1)
    result = publish(less, settings, "shop")
    assert result.stale == ["shop sales lines"]
    assert server.by_name()["shop sales lines"].revision == 1
    problems = [each.problem for each in look(shop, settings, "shop", 1) if each.problem]
    assert problems == ["'shop sales lines' is of an earlier run: the extract leaves it out now"]


def test_a_dimension_that_lacks_rows_is_not_published_as_related(
    tmp_path: Path, server: Tableau, settings: TableauServer
) -> None:
    shop = whole(tmp_path, hostile_sales())
    shop.rebuild(DIM_CUSTOMER, f"{marts.DIM_CUSTOMER} LIMIT 2")
    output = Store(str(tmp_path / "output"))
    write_tableau(shop, output, "shop", "EUR", MANY)
    publish(output, settings, "shop")
    paths = files(server, tmp_path)
    assert "dim_customer" not in tables_of(paths["shop sales lines"])
    assert "dim_customer" not in tables_of(paths["shop customers"])

"""Tables and columns are described in the database itself, on either warehouse, also those of an earlier version."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from retail_assets.tables import DIM_STORE, INSIGHTS, KEPT, SALES, Column, Table
from retail_assets.warehouse import comments, marts
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new
from retail_assets_tests.warehouse.contract.warehouses import Place

ODD = 'it\'s a \\ of "cents"; -- 本 $1 ? %s'


def described(place: Place, table: Table) -> dict[str, str]:
    """What the database says of a table, asked in its own words."""
    if place.kind == "duckdb":
        sql = (
            f"SELECT '' AS c, comment FROM duckdb_tables() WHERE table_name = '{table.name}' UNION ALL "
            f"SELECT column_name, comment FROM duckdb_columns() WHERE table_name = '{table.name}'"
        )
    else:
        sql = (
            "SELECT CAST('' AS VARCHAR(9)) AS c, CAST(obj_description(c.oid) AS VARCHAR(4096)) AS comment "
            "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE relname = '{table.name}' AND nspname = '{place.warehouse.schema}' UNION ALL "
            "SELECT CAST(attname AS VARCHAR(128)), CAST(col_description(c.oid, a.attnum) AS VARCHAR(4096)) "
            "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n "
            f"ON n.oid = c.relnamespace WHERE relname = '{table.name}' AND nspname = '{place.warehouse.schema}' "
            "AND attnum > 0"
        )
    return {row["c"]: row["comment"] for row in place.warehouse.query(sql).to_pylist() if row["comment"]}


def reopened(place: Place) -> Place:
    """The same place as another process finds it."""
    return replace(place, warehouse=place.recipe.open()[1])


def test_what_is_loaded_and_what_is_made_is_described(place: Place) -> None:
    for table in KEPT:
        assert described(place, table) == comments.texts(table)
    place.warehouse.replace(INSIGHTS, INSIGHTS.arrow_schema().empty_table())
    place.warehouse.rebuild(DIM_STORE, marts.DIM_STORE)
    for table in (INSIGHTS, DIM_STORE):
        assert described(place, table) == comments.texts(table)
    assert place.held() == place.before


def test_a_table_of_an_earlier_version_is_described_by_the_next_load(place: Place) -> None:
    run(place, "COMMENT ON TABLE {schema}.sales IS NULL", "COMMENT ON COLUMN {schema}.sales.quantity IS 'amount'")
    run(place, "COMMENT ON COLUMN {schema}.sales.age IS NULL")
    later = reopened(place)
    later.rerun()
    assert described(later, SALES) == comments.texts(SALES)
    assert later.held() == place.after


def test_a_text_is_written_as_it_is_and_a_new_column_is_described(place: Place) -> None:
    odd = Column("channel", "varchar(32)", ODD, nullable=True)
    with defined_as({SALES: with_new(SALES, odd)}):
        later = reopened(place)
        later.load()
        assert described(later, SALES)["channel"] == ODD
    for grain in (ODD, "one row per nothing"):
        table = replace(INSIGHTS, grain=grain)
        later = reopened(place)
        for _ in range(2):
            later.warehouse.replace(table, pa.Table.from_pylist([], schema=table.arrow_schema()))
            assert described(later, table) == comments.texts(table)


def test_what_is_described_already_is_not_written_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote: list[str] = []
    real = comments.statements

    def counted(*arguments: Any) -> list[str]:
        made = list(real(*arguments))
        wrote.extend(made)
        return made

    monkeypatch.setattr(comments, "statements", counted)
    later = reopened(place)
    later.rerun()
    later.rerun()
    assert wrote == []


@pytest.mark.services
def test_who_may_not_comment_loads_all_the_same(
    redshift: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On Redshift only the owner of a table may."""
    monkeypatch.setattr(comments, "statements", lambda *_: ["COMMENT ON TABLE nowhere.nothing IS 'x'"])
    later = reopened(redshift)
    with caplog.at_level(logging.WARNING):
        later.rerun()
        later.rerun()
    assert later.held() == redshift.after
    warned = [r.getMessage() for r in caplog.records]
    assert len(warned) == 1
    assert "nowhere" in warned[0]


def run(place: Place, *statements: str) -> None:
    """Change the database without the product."""
    filled = [statement.format(schema=place.warehouse.schema) for statement in statements]
    if place.kind == "duckdb":
        import duckdb

        with duckdb.connect(str(place.recipe.database)) as connection:
            for statement in filled:
                connection.execute(statement)
        return
    with place.warehouse._sessions.session("test") as session:  # type: ignore[attr-defined]
        for statement in filled:
            session.run(statement)
        session.commit()

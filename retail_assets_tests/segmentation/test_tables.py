"""The tables of the segments: complete whatever the size of a chunk, and the same when written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.models.kinds import NO_MODEL
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.queries import migrations
from retail_assets.tables import CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS, SEGMENT_PROFILES, Column
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import PLANTED, line, planted_sales, warehouse_at
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new


def rows(warehouse: DuckDBWarehouse, table: Any) -> list[dict[str, Any]]:
    table_rows: list[dict[str, Any]] = warehouse.query(f"SELECT * FROM {table.name}").to_pylist()
    return table_rows


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    sales, _ = planted_sales(tuple(PLANTED), 30)
    warehouse = warehouse_at(tmp_path_factory.mktemp("shop"), [*sales, line("x", "2023-05-05", "once", "9.99")])
    make_features(warehouse)
    return warehouse


def test_chunks_of_any_size_give_the_same_table(shop: DuckDBWarehouse) -> None:
    model = train_from(shop).model
    written = []
    for chunk in (7, 1_000):
        scored = score_all(shop, model, "v1", chunk=chunk)
        assert scored.customers == 121
        written.append(rows(shop, CUSTOMER_SEGMENTS))
    assert written[0] == written[1]
    assert [row["customer_id"] for row in written[0]] == sorted(row["customer_id"] for row in written[0])


def test_profiles_add_up_to_all_customers_and_all_money(shop: DuckDBWarehouse) -> None:
    score_all(shop, train_from(shop).model, "v1")
    written = make_profiles(shop).to_pylist()
    assert written == rows(shop, SEGMENT_PROFILES)
    [total] = shop.query("SELECT count(DISTINCT customer_id) AS n, sum(total_amount) AS money FROM sales").to_pylist()
    assert sum(row["customers"] for row in written) == total["n"]
    assert sum(row["revenue"] for row in written) == total["money"]
    assert sum(row["revenue_share"] for row in written) == pytest.approx(1)
    # The planted days are random, so nobody keeps to a season.
    planted = [name.replace("Seasonal", "Occasional") for name in PLANTED]
    assert [row["persona"] for row in written] == [*planted, "One Purchase"]
    assert [row["decided_by"] for row in written] == ["cluster"] * 4 + ["rule"]


def test_shares_of_a_negative_total_are_null_and_not_a_number_without_meaning(tmp_path: Path) -> None:
    warehouse = warehouse_at(
        tmp_path, [line("a", "2023-01-01", "a", "10"), line("b", "2023-01-02", "b", "-50", quantity=-1)]
    )
    make_features(warehouse)
    score_all(warehouse, None, NO_MODEL)
    written = make_profiles(warehouse).to_pylist()
    assert {row["revenue_share"] for row in written} == {None}


@pytest.mark.parametrize(("known", "age", "women"), [(49, None, None), (50, "25-34", 1.0)])
def test_ages_and_genders_of_a_handful_are_not_those_of_the_persona(
    known: int, age: str | None, women: float | None, tmp_path: Path
) -> None:
    """The "top age group" of 547 customers was that of one of the three whose age was known."""
    sales = [line(f"o{number}", "2023-01-01", f"c{number}", "10") for number in range(60)]
    for sale in sales[:known]:
        sale.update(gender="Female", age_group="25-34")
    warehouse = warehouse_at(tmp_path, sales)
    make_features(warehouse)
    score_all(warehouse, None, NO_MODEL)
    [written] = make_profiles(warehouse).to_pylist()
    assert (written["top_age_group"], written["female_share"]) == (age, women)


def test_a_table_of_an_earlier_design_is_replaced_and_not_stumbled_over(tmp_path: Path) -> None:
    sales, _ = planted_sales(tuple(PLANTED), 3)
    warehouse = warehouse_at(tmp_path, sales)
    with duckdb.connect(str(tmp_path / "test.duckdb")) as con:
        con.execute("CREATE TABLE shop.customer_segments AS SELECT 'c' AS customer_id, 'Budget' AS persona")
    make_features(warehouse)
    score_all(warehouse, None, NO_MODEL)
    assert make_migrations(warehouse).num_rows == 0
    assert {row["previous_persona"] for row in rows(warehouse, CUSTOMER_SEGMENTS)} == {None}


def test_names_before_and_past_moves_are_kept_when_a_version_adds_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales, _ = planted_sales(tuple(PLANTED), 3)
    warehouse = warehouse_at(tmp_path, sales)
    make_features(warehouse)
    for version in ("v1", "v2"):
        score_all(warehouse, None, version)
        make_migrations(warehouse)
    named = {row["customer_id"]: row["persona"] for row in rows(warehouse, CUSTOMER_SEGMENTS)}
    moves = rows(warehouse, SEGMENT_MIGRATIONS)
    assert moves
    with duckdb.connect(str(tmp_path / "test.duckdb")) as con:  # as a version without the column wrote it
        con.execute("ALTER TABLE shop.customer_segments DROP COLUMN favourite_category")
    score_all(warehouse, None, "v3")
    before = {row["customer_id"]: row["previous_persona"] for row in rows(warehouse, CUSTOMER_SEGMENTS)}
    assert before == named
    note = Column("note", "varchar(16)", "new in this version", nullable=True)
    with defined_as({SEGMENT_MIGRATIONS: with_new(SEGMENT_MIGRATIONS, note)}):
        counted = "count(*) as customers,"
        monkeypatch.setattr(
            migrations, "MIGRATIONS", migrations.MIGRATIONS.replace(counted, f"{counted} 'new' as note,")
        )
        written = make_migrations(warehouse).to_pylist()
    assert [move for move in written if move["note"] is None] == [move | {"note": None} for move in moves]
    assert {move["to_version"] for move in written if move["note"] == "new"} == {"v3"}


def test_another_model_in_the_same_month_is_a_migration_of_its_own(shop: DuckDBWarehouse) -> None:
    """Three scorings: the first model, the same again, another one, and that again."""
    for version in ("v1", "v1", "v2", "v2"):
        score_all(shop, None, version)
        make_migrations(shop)
    moves = rows(shop, SEGMENT_MIGRATIONS)
    latest = [move for move in moves if (move["from_version"], move["to_version"]) == ("v1", "v2")]
    assert sum(move["customers"] for move in latest) == 121
    assert len({(move["from_version"], move["to_version"]) for move in moves}) == len(
        {move["from_version"] for move in moves}
    )

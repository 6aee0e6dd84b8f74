"""`docs/data_dictionary.md` is the dictionary of the code. Run this file to write the page."""

from __future__ import annotations

import json

from retail_assets.exports.dictionary import as_json, as_markdown, condition, entries
from retail_assets.tables import ALL, NO_STORE, Column, Table
from retail_assets.warehouse import semantics
from retail_assets_tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "data_dictionary.md"


def test_the_page_is_the_one_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), f"Run {__file__}"


def test_page_and_json_have_every_table_column_measure_and_join() -> None:
    page, listed = as_markdown("EUR"), json.loads(as_json("EUR"))
    assert [table["name"] for table in listed["tables"]] == [table.name for table in ALL]
    for table, shown in zip(ALL, listed["tables"], strict=True):
        section = page.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert [column["name"] for column in shown["columns"]] == list(table.names)
        assert [m["sql"] for m in shown["measures"]] == [m.sql for m in semantics.measures(table)]
        assert {m["unit"] for m in shown["measures"]}.isdisjoint({"money"})
        assert len(shown["joins"]) == len(semantics.joins(table))
        for name in table.names:
            assert f"\n| `{name}` |" in section, (table.name, name)
        for measure in semantics.measures(table):
            assert f"\n| `{measure.name}` | `{measure.sql}` |" in section
            assert "|" not in measure.sql
        assert [e.name for e in entries(table, "EUR")] == [*table.names, *(m.name for m in semantics.measures(table))]


def test_a_join_is_written_with_the_names_of_its_tables() -> None:
    conditions = [condition(join) for join in semantics.JOINS if join.table.name == "sales"]
    assert conditions[-2:] == [
        "LEFT JOIN dim_product ON dim_product.product_key = coalesce(sales.product_id, sales.product_category)",
        f"LEFT JOIN dim_store ON dim_store.store_id = coalesce(sales.store_id, '{NO_STORE}')",
    ]


def test_a_description_is_no_markup() -> None:
    odd = "a | b <script>alert(1)</script> *c* [d](http://e) =cmd|' /C'"
    table = Table("sales", odd, (Column("transaction_id", "bigint", odd),), ("transaction_id",))
    page = as_markdown("`EUR`", [table])
    [row] = [line for line in page.splitlines() if line.startswith("| `transaction_id` |")]
    assert row.replace("\\|", "").count("|") == 5
    assert "<script>" not in page.replace("`<script>alert(1)</script>`", "")
    assert "[d](http" not in page.replace("`[d](http://e)`", "")


if __name__ == "__main__":
    PAGE.write_text(as_markdown(), encoding="utf-8")

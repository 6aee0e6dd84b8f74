"""The gate: with the person planted in every place, no byte below home and output has their id after erasing.

Each place is also skipped once: then the search must find the person, or it proves nothing.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import dagster as dg
import pytest

from retail_assets.erasure import erase as erasing
from retail_assets.erasure.erase import erase_customer
from retail_assets.serving.manifest import read_pointer
from retail_assets_tests.erasure import everywhere, planted
from retail_assets_tests.erasure.shop import D1, D2, NOW, PERSON, Shop, csv, files, row

STEPS = ("raw files", "lake", "tables", "space", "bundles", "models", "outputs", "home", "unfinished writes")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the person everywhere. It is erased in copies, at the same place: addresses are in what is stored."""
    shop = Shop(tmp_path_factory.mktemp("everywhere"))
    for name, data in files(1000, PERSON).items():
        shop.land(D1, name, data)
    broken = [row(2000, "C9", day=2), row(2001, PERSON, total="?", day=2), [*row(2002, PERSON, day=2), "more"]]
    shop.land(D2, "day2.csv", csv([*broken, row(2003, PERSON, day=2)]))
    shop.run(D1, D2)
    planted.everywhere(shop)
    return shop.folder


@pytest.fixture
def shop(original: Path, tmp_path: Path) -> Shop:
    for name in ("home", "output"):
        shutil.copytree(original / name, tmp_path / name)
    return Shop(tmp_path)


def _where(shop: Shop) -> list[str]:
    found = everywhere.found_in([shop.folder / "home", shop.folder / "output"], PERSON)
    return [str(Path(path).relative_to(shop.folder)) for path in found]


def test_the_person_is_in_every_place_before(shop: Shop) -> None:
    places = " ".join(_where(shop))
    for name in (
        "plain.csv", "packed.csv.gz", "lines.jsonl", "columns.parquet", "book.xlsx", "waiting.csv", "killed/clean-0",
        "quarantine-", "retail.duckdb", "retail.sqlite", "card.md", "regulars.csv", "summary.json", "insights.md",
        "report.html", "tables.xlsx", "sales.hyper", "index.db", "runs.db", "step.err", "alerts/shop.sqlite",
        "lineage/1.json", ".part", ".incoming-killed",
    ):  # fmt: skip
        assert name in places


def test_no_byte_has_the_person_afterwards(shop: Shop) -> None:
    erase_customer(shop.platform, PERSON, NOW)
    assert _where(shop) == []


@pytest.mark.parametrize("skipped", STEPS)
def test_the_search_finds_the_person_where_a_place_is_skipped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, skipped: str
) -> None:
    real = erasing._steps

    def without_one(*arguments: object) -> list[object]:
        return [(name, dict if name == skipped else step) for name, step in real(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(erasing, "_steps", without_one)
    erase_customer(shop.platform, PERSON, NOW)
    assert _where(shop) != []


def test_an_id_that_nobody_has_changes_no_output_and_no_table(shop: Shop) -> None:
    before = [(e.key, e.size, e.modified) for e in shop.platform.output.list("")]
    receipt = erase_customer(shop.platform, "nobody-8151", NOW)
    assert [(e.key, e.size, e.modified) for e in shop.platform.output.list("")] == before
    kept = {name: count for name, count in receipt.counts.items() if not name.startswith(("tables_", "unfinished"))}
    assert not any(kept.values())


def test_what_is_left_can_be_read_and_holds_everybody_else(shop: Shop) -> None:
    erase_customer(shop.platform, PERSON, NOW)
    output, serving = shop.platform.output, shop.platform.serving
    assert output.read("segments/activation/regulars.csv") == b"\xef\xbb\xbfcustomer_id,persona\nC1,Regulars\n"
    assert json.loads(output.read("summary.json")) == {"best": [], "note": "[erased] left"}
    assert output.read("insights.md").decode() == "- [erased] bought most.\n- Sales rose.\n"
    assert not any(output.exists(name) for name in ("report.html", "tables.xlsx", "tableau/sales.hyper"))
    # One bundle is left, in use, and has the others.
    version = read_pointer(serving.read("shop/current.json"), "current.json").version
    assert {e.key.split("/")[2] for e in serving.list("shop/bundles")} == {version}
    with sqlite3.connect(serving.local_path(f"shop/bundles/{version}/retail.sqlite")) as database:
        assert database.execute("SELECT customer_id FROM customer ORDER BY 1").fetchall() == [("C1",), ("C2",)]
    database.close()
    assert json.loads(serving.read(f"shop/bundles/{version}/manifest.json"))["counts"]["customer"] == 2
    with dg.DagsterInstance.local_temp(str(shop.folder / "home" / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("clean_sales"))
        assert event is not None
        assert event.asset_materialization is not None
        shown = event.asset_materialization.metadata["preview"]
        assert isinstance(shown, dg.MarkdownMetadataValue)
        assert str(shown.md_str).count("\n") == 2 + 3 - 1  # head, and the rows of others
        [run] = instance.get_runs()
        assert run.tags["asked"] == "[erased]"
    for table in ("dim_customer", "customer_features", "customer_segments"):
        assert ("C1",) in shop.ask(f"SELECT customer_id FROM {table}")

"""`retail-assets try`: from an unknown file to insights, without touching anything of the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retail_assets.cli import try_file
from retail_assets.cli.app import main
from retail_assets.cli.try_file import _show_progress

ROWS = "".join(
    f"A{i},2026-{1 + i % 9:02d}-{1 + i % 28:02d},C{i % 7},{'Toys' if i % 3 else 'Food'},1,{5 + i % 4}.00\n"
    for i in range(80)
)
HEADER = "Sale ID,Date,Customer,Category,Qty,Total\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the file, and one in which the throw-away home is made."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_draft_that_waits_for_an_answer_stops_before_anything_lands(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "a.csv").write_text(f"{HEADER}A1,03/04/2026,C1,Toys,1,5.00\n")
    assert main(["try", "a.csv"]) == 1
    message = capsys.readouterr().err
    assert "Not in the file: is '03/04/2026' in Date day/month/year" in message
    assert "--answer order=" in message
    assert not list((folders / "temporary").rglob("home"))


def test_an_answer_that_is_none_is_wrong_usage(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "a.csv").write_text(HEADER + ROWS)
    assert main(["try", "a.csv", "--answer", "colour=red"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


@pytest.mark.spark
def test_an_unknown_file_becomes_insights_and_figures(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "a.csv").write_text(HEADER + ROWS)
    assert main(["try", "a.csv", "--answer", "currency=EUR"]) == 0
    shown, progress = capsys.readouterr()
    assert "**EUR 520** net of returns" in shown
    assert "**Assumed, not confirmed** (marked `# ANSWER:` in the contract): country DE" in shown
    assert "  total_amount     Total, such as 5.00" in progress
    assert "Assumed: country DE (" in progress
    assert "80 of 80 rows are clean: EUR 520.00, sold 1 Jan" in progress
    assert [line[:3] for line in progress.splitlines() if line.endswith("…")] == ["1/3", "2/3", "3/3"]
    assert "agster" not in progress
    assert len(progress.splitlines()) < 20
    [figures] = (folders / "temporary").rglob("figures")
    assert list(figures.glob("*.png"))
    assert not list((folders / "temporary").rglob("home"))
    assert [p.name for p in folders.iterdir() if p.name != "temporary"] == ["a.csv"]


@pytest.mark.slow
def test_reference_files_land_before_the_sales(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_file, "_materialize", lambda *given, **more: None)
    (folders / "a.csv").write_text("ID,Date,Article,Qty,Total\n1,2024-01-05,P1,1,5\n")
    (folders / "master.csv").write_text("SKU;Category\nP1;Toys\n")
    (folders / "shop.yaml").write_text(
        "name: shop\ntimezone: Europe/Berlin\ncountry: DE\ncurrency: EUR\nstart_date: 2024-01-01\n"
        "references:\n  products: {on: product_id, key: SKU, columns: [Category]}\n"
        "columns:\n  transaction_id: {header: ID}\n  sold_at: {header: Date}\n  product_id: {header: Article}\n"
        "  product_category: {header: Category}\n  quantity: {header: Qty}\n  total_amount: {header: Total}\n"
    )
    assert main(["try", "a.csv", "--reference", "products=master.csv"]) == 2
    assert "needs --contract" in capsys.readouterr().err
    assert main(["try", "a.csv", "--contract", "shop.yaml"]) == 1
    assert "--reference products=FILE" in capsys.readouterr().err
    assert main(["try", "a.csv", "--contract", "shop.yaml", "--reference", "products=master.csv", "--keep"]) == 0
    [raw] = (folders / "temporary").rglob("raw")
    landed = [path.relative_to(raw).as_posix().split("/dt=")[0] for path in raw.rglob("*.csv")]
    assert sorted(landed) == ["shop", "shop/references/products"]


def test_progress_shows_stages_checks_that_did_not_pass_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Welcome to Dagster!\n",
        "12:00:01  raw_sales_files                                  0.8 s\n",
        "12:00:02  clean                                           17.7 s\n",
        "12:00:02  clean_sales_enough_is_clean                      0.2 s\n",
        "12:00:03  check quarantine_is_small of clean_sales: warning: 5 rows are rejected.\n",
        "Look at them.\n",
        "12:00:04  Loaded 3 rows\n",
        "12:00:04  load                                             0.6 s\n",
        "Error: something is wrong.\n",
        "  Do this.\n",
    ]
    assert list(_show_progress(lines, {"clean": "2/3", "load": "3/3"})) == [line.rstrip("\n") for line in lines]
    assert capsys.readouterr().err.splitlines() == [
        "2/3",
        "     check quarantine_is_small of clean_sales: warning: 5 rows are rejected.",
        "Look at them.",
        "3/3",
        "Error: something is wrong.",
        "  Do this.",
    ]

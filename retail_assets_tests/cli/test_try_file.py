"""`retail-assets try`: from an unknown file to insights, without touching anything of the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retail_assets.cli.app import main

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
    shown = capsys.readouterr().out
    assert "**EUR 520** net of returns" in shown
    [figures] = (folders / "temporary").rglob("figures")
    assert list(figures.glob("*.png"))
    assert not list((folders / "temporary").rglob("home"))
    assert [p.name for p in folders.iterdir() if p.name != "temporary"] == ["a.csv"]

"""`retail-assets erase-customer`: what people read, and when it refuses."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from retail_assets.cli import app
from retail_assets.erasure import again, erase, turn
from retail_assets.lake.lake import Lake
from retail_assets.wording import formats
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, PERSON, Shop, csv, row


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop(tmp_path)
    shop.land(D1, "day1.csv", csv([row(1, PERSON), row(2, "C1")]))
    shop.run(D1)
    (tmp_path / "home" / "dagster").mkdir()
    for name, value in {**shop.environ, "DAGSTER_HOME": str(tmp_path / "home" / "dagster")}.items():
        monkeypatch.setenv(name, value)
    return shop


def test_a_dry_run_counts_and_the_command_erases(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["erase-customer", PERSON, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "1  row in 1 landed file\n" in said
    assert "1  row of sales\n" in said
    assert "Nothing was changed." in said
    assert everywhere.found_in([shop.folder / "home"], PERSON)
    assert app.main(["erase-customer", PERSON, "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["counts"]["rows_in_files"] == receipt["counts"]["table_sales"] == 1
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []


def test_a_dry_run_counts_what_is_erased_and_nothing_twice(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Dagster's storage lies in the home here, and its rows were counted for both."""
    with dg.DagsterInstance.get() as instance:
        instance.create_run_for_job(_nothing, tags={"who": PERSON}, status=dg.DagsterRunStatus.SUCCESS)
    assert app.main(["erase-customer", PERSON, "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)["counts"]
    assert app.main(["erase-customer", PERSON, "--json"]) == 0
    erased = json.loads(capsys.readouterr().out)["counts"]
    assert planned["database_rows"] > 0
    assert {name: n for name, n in planned.items() if n} == {name: n for name, n in erased.items() if n}


def test_an_id_from_standard_input_is_in_no_history(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PERSON}\n"))
    assert app.main(["erase-customer", "-"]) == 0
    printed = capsys.readouterr()
    assert "Receipt " in printed.out
    assert PERSON not in printed.out + printed.err


def test_an_id_that_nothing_has_is_asked_about(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["erase-customer", "NOBODY-81", "--dry-run"]) == 0
    assert "nothing was found. Is the id written as in the column customer_id of sales?" in capsys.readouterr().out


def test_who_was_erased_before_is_said_to_be(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """It asked whether the id was written right, so people tried other spellings of an id that was."""
    for arguments in ([], [], ["--dry-run"]):
        assert app.main(["erase-customer", PERSON, *arguments]) == 0
        out = capsys.readouterr().out
    today = formats.day(dt.datetime.now(dt.UTC).date())
    assert f"nothing was found: the customer was erased before, on {today}, and has not come back." in out
    assert PERSON not in out
    assert "Is the id written" not in out
    assert app.main(["erase-customer", PERSON, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["erased_before"] == dt.datetime.now(dt.UTC).date().isoformat()
    assert app.main(["erase-customer", "NOBODY-81", "--dry-run"]) == 0
    assert "Is the id written" in capsys.readouterr().out


def test_again_erases_whoever_came_back_and_names_nobody(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(shop.folder / "home" / "raw", shop.folder / "copy")
    assert app.main(["erase-customer", PERSON]) == 0
    assert app.main(["erase-customer", "--again"]) == 0
    assert "0 customers of those who were erased before are here again." in capsys.readouterr().out
    shutil.rmtree(shop.folder / "home" / "raw")
    (shop.folder / "copy").rename(shop.folder / "home" / "raw")
    assert app.main(["erase-customer", "--again"]) == 0
    printed = capsys.readouterr()
    assert "1 customer of those who were erased before is here again:" in printed.out
    assert PERSON not in printed.out + printed.err
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []
    assert app.main(["erase-customer"]) == 2
    assert app.main(["erase-customer", PERSON, "--again"]) == 2


def test_it_refuses_when_a_run_began_after_the_first_look(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A queued run that is launched between the look and the first change: what it had read held the customer."""
    began: list[dg.DagsterRun] = []

    @contextlib.contextmanager
    def erasing(lake: Lake) -> Iterator[Callable[[], None]]:
        with dg.DagsterInstance.get() as instance:
            began.append(instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED))
        with turn.erasing(lake) as refuse_lost:
            yield refuse_lost

    for module, arguments in ((erase, [PERSON]), (again, ["--again"])):
        monkeypatch.setattr(module, "erasing", erasing)
        assert app.main(["erase-customer", *arguments]) == 1
        assert f"Runs are in progress: {began[-1].run_id[:8]}" in capsys.readouterr().err
        with dg.DagsterInstance.get() as instance:
            instance.delete_run(began[-1].run_id)
    assert not list((shop.folder / "home" / "lake" / "shop").glob("erasure/*"))
    assert everywhere.found_in([shop.folder / "home" / "raw"], PERSON)


def test_it_refuses_while_a_run_is_in_progress(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED)
    assert app.main(["erase-customer", PERSON]) == 1
    assert f"Runs are in progress: {run.run_id[:8]}" in capsys.readouterr().err
    assert everywhere.found_in([shop.folder / "home" / "raw"], PERSON)


@dg.job
def _nothing() -> None:
    """Do nothing."""


def test_a_file_that_lands_again_after_an_erasure_is_known_by_its_landed_copy(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message asked to replace the file, as if its sender had corrected it."""
    same = shop.folder / "day1.csv"
    same.write_bytes(csv([row(1, PERSON), row(2, "C1")]))
    assert app.main(["erase-customer", PERSON]) == 0
    capsys.readouterr()
    assert app.main(["land", str(same), "--date", str(D1)]) == 1
    message = capsys.readouterr().err
    assert "customers were erased from it" in message
    assert "If this is the file that landed before, there is nothing to do." in message
    assert app.main(["land", str(same), "--date", str(D1), "--replace"]) == 0
    same.write_bytes(csv([row(1, "C3"), row(2, "C1")]))
    capsys.readouterr()
    assert app.main(["land", str(same), "--date", str(D1)]) == 1
    assert "already exists with other content" in capsys.readouterr().err

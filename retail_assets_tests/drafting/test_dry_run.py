"""A dry run finds what cleaning would make of a file, and leaves no trace."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.cli.app import main
from retail_assets.contracts.loading import parse
from retail_assets.drafting.dry_run import dry_run
from retail_assets.errors import LandingError

CONTRACT = """\
name: corner_shop
timezone: America/New_York
country: US
currency: USD
start_date: 2024-01-01
columns:
  transaction_id: {header: ID, required: true}
  sold_at: {header: Date}
  product_category: {header: Category}
  quantity: {header: Qty}
  total_amount: {header: Total}
"""
HEADER = "ID,Date,Category,Qty,Total"
DAY = dt.date(2024, 3, 1)


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    return path


def test_rows_are_counted_by_status_with_their_money(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        "1,2024-01-05,Toys,2,10.00",
        "1,2024-01-05,Toys,2,12.00",
        "2,soon,Toys,1,5",
        "3,2024-01-07,Food,1,2.50",
    )
    result = dry_run([file], parse(CONTRACT, "test"), DAY)
    assert {k: n for k, n in result.rows.items() if n} == {"clean": 2, "rejected": 1, "superseded": 1}
    assert result.amounts["clean"] == Decimal("14.50")
    assert (result.first_day, result.last_day) == (dt.date(2024, 1, 5), dt.date(2024, 1, 7))
    [why] = result.rejected
    assert (why.reason, why.rows, why.line, why.text) == ("invalid_date", 1, 4, "2,soon,Toys,1,5")
    assert [(s.line, s.status, s.before["Total"], s.after["total_amount"]) for s in result.shown] == [
        (2, "superseded", "10.00", "10.00"),
        (3, "clean", "12.00", "12.00"),
        (4, "rejected", "5", "5.00"),
        (5, "clean", "2.50", "2.50"),
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_of_which_nothing_is_clean_would_not_be_loaded(tmp_path: Path) -> None:
    assert dry_run([_file(tmp_path, "1,soon,Toys,2,10.00")], parse(CONTRACT, "test"), DAY).refused


def test_a_file_of_which_most_rows_are_rejected_would_not_be_loaded(tmp_path: Path) -> None:
    file = _file(tmp_path, "1,2024-01-05,Toys,2,10.00", "2,soon,Toys,1,5", "3,soon,Toys,1,5")
    assert "2 of 3 rows are rejected" in (dry_run([file], parse(CONTRACT, "test"), DAY).refused or "")
    assert dry_run([file], parse(f"{CONTRACT}quarantine_limit: 0.9\n", "test"), DAY).refused is None


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="has a header and no rows"):
        dry_run([_file(tmp_path)], parse(CONTRACT, "test"), DAY)


def test_the_command_fails_where_the_file_would_not_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "shop.yaml"
    contract.write_text(CONTRACT)
    file = _file(tmp_path, "1,2024-01-05,Toys,2,10.00", "2,soon,Toys,1,5")
    arguments = ["contract", "check", str(file), "--contract", str(contract)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "invalid_date: 1 row, first in a.csv line 3" in shown
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["clean"] == 1
    _file(tmp_path, "2,soon,Toys,1,5")
    assert main(arguments) == 1
    assert "This file would not be loaded" in capsys.readouterr().out


def test_rows_of_other_sales_that_share_an_id_are_shown_with_the_fix_and_stop_as_a_run_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 08: an order id in a file with a line per product."""
    contract = tmp_path / "shop.yaml"
    contract.write_text(f"{CONTRACT}identity_limit: 0.5\n")
    file = _file(tmp_path, *(f"{n},2024-01-05,Food,1,{n}.00" for n in range(8)), "7,2024-01-05,Toys,2,20.00")
    result = dry_run([file], parse(contract.read_text(), "test"), DAY)
    assert (result.repeated.rows, result.replaced, result.refused) == (1, ("a.csv", 9), None)
    assert main(["contract", "check", str(file), "--contract", str(contract)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "superseded: 1 row, first in a.csv line 9" in shown
    assert "Warning: 1 of 9 rows share their id with a later row that is another sale" in shown
    assert "7 (a.csv line 9: Food 7.00 on 2024-01-05; line 10: Toys 20.00 on 2024-01-05)" in shown
    assert "let transaction_id be composed (compose) of what tells them apart, such as ID, Date" in shown

    file = _file(tmp_path, *(f"{n % 4},2024-01-05,Food,1,{n}.00" for n in range(8)))
    result = dry_run([file], parse(CONTRACT, "test"), DAY)
    assert "4 of 8 rows share their id with a later row that is another sale, more than" in (result.refused or "")


def test_corrections_of_a_row_are_superseded_without_a_warning(tmp_path: Path) -> None:
    file = _file(tmp_path, "1,2024-01-05,Toys,2,10.00", "1,2024-01-05,Toys,2,10.00", "2,2024-01-05,Toys,2,10.00")
    result = dry_run([file], parse(CONTRACT, "test"), DAY)
    assert (result.rows["superseded"], result.repeated_in_words, result.refused) == (1, "", None)


def test_a_dry_run_names_what_a_draft_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "shop.yaml"
    contract.write_text(CONTRACT.replace("currency:", "# ANSWER: which currency?\ncurrency:"))
    file = _file(tmp_path, "1,2024-01-05,Toys,2,10.00")
    assert main(["contract", "check", str(file), "--contract", str(contract)]) == 0
    assert "currency USD (which currency?)" in capsys.readouterr().out


JOINED = (
    CONTRACT.replace("columns:", "references:\n  products: {on: product_id, key: SKU, columns: [Category]}\ncolumns:")
    + "  product_id: {header: Article}\n"
)


def test_a_contract_with_a_reference_is_checked_with_the_landed_file_or_a_given_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contract with references was refused: nothing was at hand to join."""
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "home"))
    (tmp_path / "shop.yaml").write_text(JOINED)
    (tmp_path / "master.csv").write_text("SKU;Category\nP1;Toys\n")
    (tmp_path / "a.csv").write_text("ID,Date,Article,Qty,Total\n1,2024-01-05,P1,1,5\n2,2024-01-05,P2,1,5\n")
    check = ["contract", "check", str(tmp_path / "a.csv"), "--contract", str(tmp_path / "shop.yaml"), "--json"]
    assert main(check) == 1
    assert "--reference products=FILE" in capsys.readouterr().err
    assert main([*check, "--reference", f"product={tmp_path}/master.csv"]) == 1
    assert "Did you mean 'products'" in capsys.readouterr().err
    assert main([*check, "--reference", "master.csv"]) == 2
    assert "is not NAME=FILE" in capsys.readouterr().err

    assert main([*check, "--reference", f"products={tmp_path}/master.csv"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert [(s["status"], s["after"]["product_category"]) for s in given["shown"]] == [
        ("clean", "Toys"),
        ("rejected", None),
    ]
    assert not (tmp_path / "home").exists()

    land = ["land", "--source", str(tmp_path / "shop.yaml"), "--reference", "products", str(tmp_path / "master.csv")]
    assert main(land) == 0
    capsys.readouterr()
    assert main(check) == 0
    assert json.loads(capsys.readouterr().out)["shown"] == given["shown"]
    assert not (tmp_path / "home" / "lake").exists()

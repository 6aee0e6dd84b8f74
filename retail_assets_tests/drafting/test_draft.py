"""A drafted contract reads the file it was drafted from, and marks what the file does not show."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from retail_assets.cli.app import main
from retail_assets.contracts.loading import parse
from retail_assets.drafting.draft import ANSWER, Draft, draft
from retail_assets.drafting.dry_run import dry_run
from retail_assets.errors import ContractError, LandingError

DAY = dt.date(2026, 11, 29)

SUPERSTORE = """\
Row ID,Order ID,Order Date,Customer ID,Customer,Country,Product ID,Category,Name,Sales,Quantity,Discount,Profit
1,CA-1,11/8/2018,CG-1,Ann,United States,FUR-1,Furniture,Chair,261.96,2,0,41.9136
2,CA-1,11/8/2018,CG-1,Ann,United States,FUR-1,Furniture,Chair,957.5775,5,0.45,-383.031
3,US-2,11/19/2018,CG-2,Bob,United States,OFF-1,Office Supplies,Paper,22.368,2,0.2,2.5164
"""
GERMAN = """\
Umsatzbericht Filiale 7

Belegnummer;Datum;Warengruppe;Menge;Einzelpreis;Betrag
1001;20.11.2025;Spielwaren;2;1.234,50 €;2.469,00 €
1002;21.11.2025;Bücher;1;7,50 €;7,50 €
Summe;;;3;;2.476,50 €
"""
SHOPIFY = """\
Name,Email,Financial Status,Created at,Currency,Subtotal,Total,Lineitem quantity,Lineitem name,Lineitem price,Vendor
#1001,a@x.com,paid,2026-04-01 12:39:28 -0400,USD,39.00,42.00,1,Serum,13.00,Acme
#1001,a@x.com,,,,,,2,Cream,13.00,Acme
#1002,b@x.com,paid,2026-04-02 22:57:37 -0400,USD,26.00,28.00,2,Serum,13.00,Bloom
#1003,c@x.com,paid,2026-04-03 09:00:00 -0400,USD,5.00,6.00,1,Soap,5.00,Bloom
"""
SUPERMARKET = """\
Invoice ID,Branch,City,Gender,Product line,Unit price,Quantity,Tax 5%,Total,Date,Time,Payment,cogs
750-67-8428,A,Yangon,Female,Health and beauty,74.69,7,26.1415,548.9715,1/5/2019,13:08,Ewallet,522.83
226-31-3081,C,Naypyitaw,Female,Electronic accessories,15.28,5,3.82,80.22,3/8/2019,10:29,Cash,76.4
631-41-3108,A,Yangon,Male,Home and lifestyle,46.33,7,16.2155,340.5255,3/23/2019,13:23,Credit card,324.31
"""
#: Text of a file, the number of its rows, and parts of the contract that the file proves.
FILES: dict[str, tuple[str, int, dict[str, object]]] = {
    "superstore": (
        SUPERSTORE,
        3,
        {
            "dates": {"order": "mdy"},
            "numbers": {"round": "cents"},
            "transaction_id": {"compose": ["Order ID", "Row ID"], "required": True},
            "order_id": {"header": "Order ID"},
            "total_amount": {"header": "Sales"},
            "customer_id": {"header": "Customer ID"},
            "product_category": {"header": "Category"},
        },
    ),
    "german": (
        GERMAN,
        2,
        {
            "currency": "EUR",
            "numbers": {"decimal": ",", "thousands": "."},
            "file": {"skip_top": 2, "skip_bottom": 1},
            "transaction_id": {"header": "Belegnummer", "required": True},
            "unit_price": {"header": "Einzelpreis"},
        },
    ),
    "shopify": (
        SHOPIFY,
        4,
        {
            "currency": "USD",
            "order_id": {"header": "Name"},
            "quantity": {"header": "Lineitem quantity"},
            "unit_price": {"header": "Lineitem price"},
        },
    ),
    "supermarket": (
        SUPERMARKET,
        3,
        {
            "dates": {"order": "mdy"},
            "transaction_id": {"header": "Invoice ID", "required": True},
            "total_amount": {"header": "Total"},
            "store_id": {"header": "Branch"},
            "gender": {"header": "Gender"},
        },
    ),
    "no id": (
        "Date,Item,Price,Qty\n2026-01-31,Tea,2.50,1\n2026-01-31,Tea,2.50,1\n2026-02-01,Pie,3.00,2\n",
        3,
        {"transaction_id": {"compose": ["Date", "Item"], "required": True, "occurrence": True}},
    ),
    "negative amounts": (
        "Sale ID,Date,Department,Weekly_Sales\nA7,2026-02-05,Toys,24924.50\nA9,2026-02-12,Toys,-863.00\n",
        2,
        {"refunds": "negative_amount", "quantity": {"header": "Quantity", "default": "1"}},
    ),
    "month names": (
        "Nr. Beleg,Bestelldatum,Kategorie,Anzahl,Umsatz\nA,5. Dezember 2025,Brot,1,2.50\nB,17. März 2025,Brot,2,5.00\n",
        2,
        {"total_amount": {"header": "Umsatz"}},
    ),
    "year, day, month": (
        "ID,Date,Category,Qty,Total\nA1,2026-31-01,Toys,1,10.00\nA2,2026-05-03,Toys,1,10.00\n",
        2,
        {"dates": {"formats": ["%Y-%d-%m"]}},
    ),
    "brackets": (
        'ID,Date,Category,Qty,Total\nA1,2026-01-31,Toys,1,"1,210.00"\nA2,2026-02-03,Toys,-1,(10.00)\n',
        2,
        {"numbers": {"thousands": ",", "negatives": ["brackets"]}},
    ),
}  # fmt: skip


def _drafted(folder: Path, text: str, answers: dict[str, str] | None = None) -> tuple[Path, Draft]:
    path = folder / "sales.csv"
    path.write_text(text, encoding="utf-8")
    return path, draft([path], answers or {}, DAY)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_drafted_contract_reads_its_file(name: str, tmp_path: Path) -> None:
    text, rows, parts = FILES[name]
    path, drafted = _drafted(tmp_path, text)
    contract = yaml.safe_load(drafted.text)
    for key, expected in parts.items():
        value = contract[key] if key in contract else contract["columns"][key]
        value = {k: str(v) if k == "default" else v for k, v in value.items()} if isinstance(value, dict) else value
        assert value == expected, drafted.text
    result = dry_run([path], parse(drafted.text, "the draft"), DAY)
    assert (result.rows["clean"], result.rows["rejected"], result.refused) == (rows, 0, None), drafted.text
    assert drafted.checked is not None
    assert drafted.checked.rows == result.rows


@pytest.mark.slow
def test_an_order_of_dates_that_nothing_proves_must_be_answered(tmp_path: Path) -> None:
    text = "ID,Date,Category,Qty,Total\nA1,03/04/2026,Toys,1,10.00\n"
    path, drafted = _drafted(tmp_path, text)
    assert f"{ANSWER} is '03/04/2026' in Date day/month/year" in drafted.text
    with pytest.raises(ContractError, match=r"order"):
        parse(drafted.text, "the draft")
    _, answered = _drafted(tmp_path, text, {"order": "dmy", "currency": "EUR"})
    result = dry_run([path], parse(answered.text, "the draft"), DAY)
    assert (result.first_day, result.currency) == (dt.date(2026, 4, 3), "EUR")


def test_amounts_with_the_sign_of_another_currency_are_not_added_up(tmp_path: Path) -> None:
    text = (
        "ID,Date,Category,Qty,Total\nA1,2026-01-31,Toys,1,$10.00\nA2,2026-02-03,Toys,1,£5.00\nA3,2026-02-04,Toys,1,$3\n"
    )
    path, drafted = _drafted(tmp_path, text)
    assert f"{ANSWER} amounts with the sign £ are in another currency than USD" in drafted.text
    result = dry_run([path], parse(drafted.text, "the draft"), DAY)
    assert (result.rows["clean"], result.rows["rejected"], str(result.amounts["clean"])) == (2, 1, "13.00")


def test_a_file_without_dates_or_without_a_table_is_no_sales_file(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="no column looks like a date of sale"):
        _drafted(tmp_path, "Name,Age\nAnn,3\nBob,4\n")
    with pytest.raises(LandingError, match="does not look like a table"):
        _drafted(tmp_path, "hello\nworld\n")


def test_the_command_writes_the_draft_and_never_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, drafted = _drafted(tmp_path, SUPERSTORE)
    out = tmp_path / "shop.yaml"
    assert main(["contract", "draft", str(path), "--output", str(out)]) == 0
    assert f"--contract {out}" in capsys.readouterr().err
    assert yaml.safe_load(out.read_text(encoding="utf-8"))["columns"] == yaml.safe_load(drafted.text)["columns"]
    assert main(["contract", "draft", str(path), "--output", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_a_header_of_two_lines_stays_a_comment(tmp_path: Path) -> None:
    """Spreadsheets wrap headers; in a comment of YAML the second line would be a key."""
    file = tmp_path / "a.csv"
    header = '"Receipt\nNo","Sold\nDate","Product\ncategory","Qty\n(pcs)","Total\nAmount"\n'
    file.write_text(header + "".join(f"{n},2026-01-{n + 10},Toys,2,{n}.50\n" for n in range(1, 15)))
    drafted = draft([file], {"currency": "USD"}, DAY)
    assert not drafted.problems
    assert drafted.checked is not None
    assert drafted.checked.rows["clean"] == 14
    assert ("sold_at", "Sold Date, such as 2026-01-11") in drafted.columns

"""Rejected rows are counted, listed, shown in full and exported."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from retail_assets.cleaning import rules
from retail_assets.cli import rejected_rows
from retail_assets.errors import NotReadyError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, LakeFile
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.register import inspect_landings
from retail_assets.quarantine import advice, export, record, rows, summary
from retail_assets.quarantine.rows import Selection, SelectionError
from retail_assets.quarantine.texts import fields, is_cut, physical_lines
from retail_assets.storage import Store
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.tables import SALES_QUARANTINE, Column
from retail_assets_tests.quarantine.rejected_cases import D1, D2, D3, HEADER, LENIENT, STRICT
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new

ALL = Selection()
A, B, C = f"shop/dt={D1}/a.csv", f"shop/dt={D1}/b.csv", f"shop/dt={D2}/c.csv"


class Quarantine:
    """A lake whose rejected rows are written by hand: (file, line, reasons, text, transaction, amount)."""

    def __init__(self, folder: Path) -> None:
        self.raw = Store(str(folder / "raw"))
        self.lake = Lake(Store(str(folder / "lake")), "shop")

    def landing(self, day: Any, files: dict[str, str], rejected: list[tuple[Any, ...]], clean: int = 8) -> None:
        for key, text in files.items():
            self.raw.write(key, text.encode())
        [raw] = inspect_landings(self.raw, "shop", [day], STRICT)
        self.lake.publish_raw(raw)
        written = []
        for n, (key, line, reasons, text, transaction, amount) in enumerate(rejected):
            row = ["shop", day, key, line, reasons, text, STRICT.digest, transaction, amount and Decimal(amount), None]
            table = pa.Table.from_pylist(
                [dict(zip(SALES_QUARANTINE.names, row, strict=True))], schema=SALES_QUARANTINE.arrow_schema()
            )
            name = self.lake.data_key(day, "run", f"quarantine-{n}")
            with self.lake.store.writing(name) as sink:  # a file a row: order must not depend on files
                pq.write_table(table, sink)
            written.append(LakeFile(name, 1, 1, amount or "0.00", 1))
        kept = (LakeFile("nowhere", clean, clean, "80.00", 1),)
        files_of = {"clean": kept, "quarantine": tuple(reversed(written)), "superseded": ()}
        self.lake.publish_clean(CleanManifest("shop", day, "run", STRICT.digest, raw.digest, files_of, {}))  # type: ignore[arg-type]

    def select(self, selection: Selection = ALL) -> list[CleanManifest]:
        return rows.landings(self.lake, selection)


GOOD = "t0,2024-03-01,Toys,1,10,10\n"


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    made = Quarantine(tmp_path)
    made.landing(
        D1,
        {A: f"{HEADER}\n{GOOD}" * 2, B: f"{HEADER}\n{GOOD}"},
        [
            (A, 10, "invalid_date,missing_category", "t2,=HYPERLINK(1),,1,10,10", "t2", "10.00"),
            (A, 9, "invalid_date", "t1,someday,Toys,1,10,10", "t1", "10.00"),
            (B, 2, "malformed_row", "just, three ,fields", None, None),
        ],
        clean=7,
    )
    made.landing(D2, {C: f"{HEADER}\n{GOOD}"}, [(C, 3, "invalid_date", "t1,never,Toys,1,5,5", "t1", "5.00")], clean=9)
    return made


def shown(render: Any, *arguments: Any) -> str:
    console = Console(width=120, file=io.StringIO())
    render(*arguments, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


# --- summary ---


def summarized(quarantine: Quarantine) -> summary.Summary:
    return summary.summarize(quarantine.lake, quarantine.select(), ALL)


def test_a_row_with_several_reasons_counts_in_each_and_once_in_the_total(quarantine: Quarantine) -> None:
    report = summary.summarize(quarantine.lake, quarantine.select(), ALL).to_json()
    total = {"name": "all", "rows": 4, "amount": "25.00", "rows_without_amount": 1, "share": 0.2}
    assert report["total"] == total
    assert [(g["name"], g["rows"], g["amount"]) for g in report["by_reason"]] == [
        ("invalid_date", 3, "25.00"),
        ("malformed_row", 1, "0.00"),
        ("missing_category", 1, "10.00"),
    ]
    assert [(g["name"], g["rows"], g["share"]) for g in report["by_landing"]] == [
        ("2024-03-01", 3, 0.3),
        ("2024-03-02", 1, 0.1),
    ]
    assert [(g["name"], g["rows"]) for g in report["by_file"]] == [(A, 2), (B, 1), (C, 1)]
    assert report["by_contract"] == {STRICT.digest: 4}
    json.dumps(report)


def test_the_summary_for_people_fits_and_names_the_money(quarantine: Quarantine) -> None:
    text = "\n".join(rejected_rows.summary_lines(summarized(quarantine), "EUR", 120))
    assert "4 rejected rows of 20 landed (20.00 %), EUR 25.00, money unreadable in 1 of them" in text
    assert A in text
    narrow = rejected_rows.summary_lines(summarized(quarantine), "EUR", 50)
    assert max(map(len, narrow[1:])) <= 50
    assert A.partition("/")[2] in "\n".join(narrow)


def test_a_landing_without_rejected_rows_has_an_empty_summary(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    made.landing(D1, {A: f"{HEADER}\n{GOOD}"}, [])
    report = summary.summarize(made.lake, made.select(), ALL)
    assert report.to_json()["total"]["rows"] == 0
    assert "no rejected rows among 8 landed" in "".join(rejected_rows.summary_lines(report, "EUR", 80))
    assert rows.first_rows(made.lake, made.select(), ALL, 20)[1] == 0
    none = rows.first_rows(made.lake, made.select(), ALL, 20)
    assert rejected_rows.row_lines(*none, 120) == ["No rejected rows."]


# --- choosing ---


@pytest.mark.parametrize(
    ("selection", "lines"),
    [
        (ALL, [9, 10, 2, 3]),
        (Selection(reason="missing_category"), [10]),
        (Selection(file="a.csv"), [9, 10]),
        (Selection(file=C), [3]),
        (Selection(first=D2, last=D3), [3]),
        (Selection(reason="invalid_date", first=D1, last=D1), [9, 10]),
    ],
)
def test_rows_are_chosen_and_come_in_the_order_of_landings_files_and_lines(
    quarantine: Quarantine, selection: Selection, lines: list[int]
) -> None:
    first, total = rows.first_rows(quarantine.lake, quarantine.select(selection), selection, 20)
    assert (first["source_line"].to_pylist(), total) == (lines, len(lines))
    for limit in range(1, len(lines)):
        few, total = rows.first_rows(quarantine.lake, quarantine.select(selection), selection, limit)
        assert (few["source_line"].to_pylist(), total) == (lines[:limit], len(lines))


def test_rows_that_a_version_before_has_written_are_listed_with_new_columns_empty(quarantine: Quarantine) -> None:
    note = Column("note", "varchar(16)", "new in this version", nullable=True)
    with defined_as({SALES_QUARANTINE: with_new(SALES_QUARANTINE, note)}):
        first, _ = rows.first_rows(quarantine.lake, quarantine.select(), ALL, 20)
        assert first.schema.equals(SALES_QUARANTINE.arrow_schema())
        assert first["source_line"].to_pylist() == [9, 10, 2, 3]
        assert first["note"].null_count == 4


def test_a_reason_is_no_part_of_another_ones_name(quarantine: Quarantine) -> None:
    assert rows.first_rows(quarantine.lake, quarantine.select(), Selection(reason="date"), 9)[1] == 0
    assert rows.first_rows(quarantine.lake, quarantine.select(), Selection(reason="invalid.date"), 9)[1] == 0


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(reason="invalid_dat"), "Did you mean 'invalid_date'?"),
        (Selection(file="d.csv"), "No landed file is called 'd.csv'"),
        (Selection(first=D3, last=D3), "There are 2 cleaned landings from 2024-03-01 to 2024-03-02"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(quarantine: Quarantine, selection: Selection, message: str) -> None:
    with pytest.raises(SelectionError) as refused:
        quarantine.select(selection)
    assert message in str(refused.value)


def test_before_anything_is_cleaned_the_asset_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="Materialize the asset `clean_sales` first"):
        Quarantine(tmp_path).select()


# --- show ---


def test_a_record_is_shown_field_by_field_with_what_is_read_and_what_to_do(quarantine: Quarantine) -> None:
    [rejected] = record.find(quarantine.lake, quarantine.select(), LENIENT, file="a.csv", line=10)
    assert [why.name for why in rejected.reasons] == ["invalid_date", "missing_category"]
    assert "formats" in rejected.reasons[0].advice
    by_header = {f.header: f for f in rejected.fields}
    assert (by_header["date"].text, by_header["date"].read, by_header["date"].reasons) == (
        "=HYPERLINK(1)",
        None,
        ("invalid_date",),
    )
    assert by_header["category"].read == "Unknown"  # the contract of today has a default
    assert (by_header["total"].column, by_header["total"].read) == ("total_amount", "10.00")
    text = shown(rejected_rows.print_record, rejected)
    assert "transaction t2, amount 10.00" in text
    assert f"rejected by {STRICT.digest} (today's is {LENIENT.digest})" in text


def test_a_transaction_rejected_twice_is_shown_twice(quarantine: Quarantine) -> None:
    records = record.find(quarantine.lake, quarantine.select(), STRICT, transaction="t1")
    assert [(r.landed_on, r.source_line) for r in records] == [(D1, 9), (D2, 3)]


def test_a_record_with_too_few_fields_shows_which_are_missing(quarantine: Quarantine) -> None:
    [rejected] = record.find(quarantine.lake, quarantine.select(), STRICT, file=B, line=2)
    assert [f.text for f in rejected.fields] == ["just", "three ", "fields", None, None, None]
    assert "(missing)" in shown(rejected_rows.print_record, rejected)


@pytest.mark.parametrize("where", [{"file": "a.csv", "line": 4}, {"transaction": "nobody"}])
def test_a_record_that_is_not_there_says_where_to_look(quarantine: Quarantine, where: dict[str, Any]) -> None:
    with pytest.raises(SelectionError, match="quarantine list"):
        record.find(quarantine.lake, quarantine.select(), STRICT, **where)


def test_every_reason_says_what_to_do() -> None:
    assert advice._ADVICE.keys() == set(rules.NAMES.values())


def test_a_landed_text_does_not_steer_the_terminal(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    text = "t1,\x1b[2J\x1b[31m[bold]owned,Toys,1,10,10"
    made.landing(D1, {A: f"{HEADER}\n{GOOD}"}, [(A, 2, "invalid_date", text, "t1", None)])
    [rejected] = record.find(made.lake, made.select(), STRICT, transaction="t1")
    for out in (
        shown(rejected_rows.print_record, rejected),
        "\n".join(rejected_rows.row_lines(*rows.first_rows(made.lake, made.select(), ALL, 20), 120)),
    ):
        assert "\x1b" not in out
        assert "[bold]owned" in out


# --- export ---


def exported(quarantine: Quarantine, write: Any, selection: Selection = ALL, *more: Any) -> tuple[bytes, Any]:
    sink = io.BytesIO()
    done = write(quarantine.lake, quarantine.select(selection), selection, *more, sink)
    return sink.getvalue(), done


def test_the_table_has_every_row_with_its_place_reasons_and_text(quarantine: Quarantine) -> None:
    data, done = exported(quarantine, export.as_table)
    header, *cells = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert tuple(header) == export.COLUMNS
    assert done.rows == len(cells) == 4
    one = dict(zip(header, cells[1], strict=True))
    assert (one["source_file"], one["source_line"], one["reasons"]) == (A, "10", "invalid_date,missing_category")
    assert one["raw_text"] == "t2,=HYPERLINK(1),,1,10,10"


@given(st.text(st.sampled_from("=+-@\t\r\n \u00a0\ufeff\uff1dab1,\"'"), max_size=6))
def test_no_cell_is_a_formula_and_none_loses_its_text(text: str) -> None:
    cell = safe_cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == f"'{text}"
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert cell.lstrip(" \u00a0\ufeff")[:1] not in {"=", "+", "-", "@", "\uff1d"}


def test_cells_of_the_table_are_safe_and_negative_money_stays_a_number(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    made.landing(D1, {A: f"{HEADER}\n{GOOD}"}, [(A, 2, "invalid_date", "=1+1,x", "@SUM(A1)", "-5.00")])
    data, _ = exported(made, export.as_table)
    [row] = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert (row["raw_text"], row["transaction_id"], row["total_amount"]) == ("'=1+1,x", "'@SUM(A1)", "-5.00")


def test_the_original_lines_stand_under_their_header_and_can_be_landed_again(quarantine: Quarantine) -> None:
    data, done = exported(quarantine, export.as_landed, Selection(file="a.csv"), STRICT)
    assert data.decode() == f"{HEADER}\nt1,someday,Toys,1,10,10\nt2,=HYPERLINK(1),,1,10,10\n"
    assert (done.rows, done.suffix, done.remarks()) == (2, ".csv", [])
    corrected = data.replace(b"someday", b"2024-03-01").replace(b"=HYPERLINK(1),", b"2024-03-01,Toys")
    quarantine.raw.write(f"shop/dt={D3}/corrected.csv", corrected)
    [again] = inspect_landings(quarantine.raw, "shop", [D3], STRICT)
    assert again.files[0].control.amount == "20.00"


def test_lines_of_different_headers_do_not_go_into_one_file(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    other = "date,id,category,qty,price,total"
    rejected = [
        (A, 3, "invalid_date", "t1,x,Toys,1,1,1", None, None),
        (B, 3, "invalid_date", "x,t1,T,1,1,1", None, None),
    ]
    made.landing(D1, {A: f"{HEADER}\n{GOOD}", B: f"{other}\n2024-03-01,t9,Toys,1,1,1\n"}, rejected)
    with pytest.raises(SelectionError, match="different headers"):
        exported(made, export.as_landed, ALL, STRICT)
    assert exported(made, export.as_landed, Selection(file="b.csv"), STRICT)[0].startswith(other.encode())


def test_what_is_not_as_it_was_is_said(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    long = "é" * 32_767
    rejected = [
        (A, 2, "text_too_long", long, None, None),
        (A, 3, "not_text", "t1,\ufffd,Toys,1,1,1", None, None),
    ]
    made.landing(D1, {A: f"{HEADER}\n{GOOD}"}, rejected)
    data, done = exported(made, export.as_landed, ALL, STRICT)
    assert data.decode().splitlines()[1:] == ["t1,\ufffd,Toys,1,1,1"]
    cut, lost = done.remarks()
    assert f"{A} line 2" in cut
    assert f"{A} line 3" in lost


def test_another_encoding_in_the_contract_does_not_spoil_the_lines(tmp_path: Path) -> None:
    made = Quarantine(tmp_path)
    made.landing(D1, {A: f"{HEADER}\n{GOOD}"}, [(A, 2, "invalid_date", "t1,x,Bücher,1,1,1", None, None)])
    latin = LENIENT.model_copy(update={"file": LENIENT.file.model_copy(update={"encoding": "latin-1"})})
    data, _ = exported(made, export.as_landed, ALL, latin)
    made.raw.write(f"shop/dt={D2}/corrected.csv", data)
    [again] = inspect_landings(made.raw, "shop", [D2], latin)
    assert again.files[0].encoding == "utf-8"


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("before")
    with contextlib.suppress(SelectionError), export.target(path, io.BytesIO()) as sink:
        sink.write(b"half")
        raise SelectionError("no")
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]
    with pytest.raises(StorageError, match="Cannot write"), export.target(tmp_path / "no" / "rows.csv", io.BytesIO()):
        pass


# --- texts ---


@given(st.integers(65_000, 70_000), st.sampled_from("aé€😀"))
def test_no_text_that_was_cut_passes_for_whole(length: int, letter: str) -> None:
    text = "a" * (length % 7) + letter * (length // len(letter.encode()))
    kept = text.encode()[:65_535].decode("utf-8", "ignore")
    assert is_cut(kept) or kept == text


def test_blank_lines_within_a_record_do_not_count() -> None:
    assert physical_lines('a,"b\n\n \r\nc",d') == 2


def test_separators_behind_the_last_field_are_no_fields_here_either() -> None:
    profile = FileProfile("k", 1, "x", "csv", None, "utf-8", ",", "lf", ["a", "b"], 1, {}, [], [], 1)
    assert [fields(text, profile) for text in ("1,", "1,2,", "1,2,3", "1,2,,", "1,2,,3")] == [
        ["1", ""],
        ["1", "2"],
        ["1", "2", "3"],
        ["1", "2"],
        ["1", "2", "", "3"],
    ]

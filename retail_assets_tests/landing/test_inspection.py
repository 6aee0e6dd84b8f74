"""Inspection of a file before it is read: shape, lines, control totals, order of day and month; every refusal."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import itertools
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection import text
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Entry, Store
from retail_assets_tests.trials import trials

YAML = """
name: shop
timezone: UTC
country: US
currency: USD
start_date: 2024-01-01
columns:
  transaction_id: {header: ID}
  sold_at: {header: Date}
  product_category: {header: Category}
  quantity: {header: Qty, default: 1}
  unit_price: {header: Price}
  total_amount: {header: Amount, aliases: [Total]}
"""
SHOP = loading.parse(YAML, "test")
HEADER = "ID,Date,Category,Amount"
ROWS = "1,2024-01-05,Toys,5.00\n2,2024-01-06,Toys,-1.50\n"


def inspected(folder: Path, name: str, data: bytes | str, contract: Contract = SHOP) -> FileProfile:
    data = data.encode() if isinstance(data, str) else data
    (folder / name).write_bytes(data)
    return inspect_file(Store(str(folder)), Entry(name, len(data), None), contract)


def cleaned_amount(folder: Path, profile: FileProfile, contract: Contract = SHOP, block_bytes: int = 50) -> Decimal:
    """Return the money that cleaning reads from the file, in clean and rejected rows."""
    total = Decimal("0.00")
    with (folder / profile.key).open("rb") as handle, Parser(profile, contract, dt.date(2024, 6, 1)) as parser:
        for records in read_records(handle, profile, block_bytes=block_bytes):
            total += sum(filter(None, parser.parse(records.table)["total_amount"].to_pylist()), Decimal("0.00"))
    return total


def test_a_plain_file(tmp_path: Path) -> None:
    profile = inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS}")
    assert profile.sha256 == hashlib.sha256(f"{HEADER}\n{ROWS}".encode()).hexdigest()
    assert (profile.format, profile.encoding, profile.delimiter, profile.line_end, profile.lines) == (
        "csv",
        "utf-8",
        ",",
        "lf",
        2,
    )
    assert profile.positions == {"ID": 0, "Date": 1, "Category": 2, "Amount": 3}
    assert profile.missing_columns == ["Qty", "Price"]
    assert (profile.control.rows, profile.control.rejected, profile.control.amount) == (2, 0, "3.50")
    assert FileProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_that_finds_the_headers(tmp_path: Path, delimiter: str) -> None:
    # A text full of the other separators must not win.
    head = delimiter.join(["ID", "Date", "a,b;c|d,e;f|g,h", "Category", "Amount"]).replace(
        "a,b;c|d,e;f|g,h", '"a,b;c|d,e;f|g,h"'
    )
    profile = inspected(tmp_path, "s.txt", f"{head}\n" + delimiter.join(["1", "2024-01-05", "x", "Toys", "5"]) + "\n")
    assert (profile.delimiter, profile.control.amount) == (delimiter, "5.00")


@pytest.mark.parametrize(
    ("head", "lines", "names"),
    [
        (HEADER, 1, ["ID", "Date", "Category", "Amount"]),
        (f"\n  \n{HEADER}", 3, ["ID", "Date", "Category", "Amount"]),
        ('ID,"Date",Category,"Amount\nin ""dollars"""', 2, None),
        ('"ID", "Date", "Category", "Amount"', 1, ["ID", "Date", "Category", "Amount"]),
        (f"{HEADER},", 1, ["ID", "Date", "Category", "Amount", ""]),
        (f"{HEADER},Note,Note", 1, ["ID", "Date", "Category", "Amount", "Note", "Note"]),
    ],
)
def test_a_header(tmp_path: Path, head: str, lines: int, names: list[str] | None) -> None:
    contract = SHOP if names else loading.parse(YAML.replace("[Total]", "['Amount in dollars']"), "test")
    profile = inspected(tmp_path, "s.csv", f"{head}\n1,2024-01-05,Toys,5{',' * (len(names or []) - 4)}\n", contract)
    assert (profile.header_lines, profile.lines, profile.control.amount) == (lines, 1, "5.00")
    assert names is None or profile.header == names


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-32", "utf-32"), ("utf-16-be", "utf-16-be")],
)
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + f"{HEADER}\n1,31/12/2024,Größe,5\n"
    profile = inspected(tmp_path, "s.csv", text.encode(encoding))
    assert (profile.encoding, profile.lines, profile.date_order) == (name, 1, "dmy")
    assert cleaned_amount(tmp_path, profile) == 5


def test_a_declared_encoding_is_used(tmp_path: Path) -> None:
    for encoding in ("latin-1", "cp1252", "cp037"):
        contract = loading.parse(YAML + f"file: {{encoding: {encoding}}}", "test")
        profile = inspected(tmp_path, "s.csv", f"{HEADER}\n1,31/12/2024,Größe,5\n".encode(encoding), contract)
        assert (profile.lines, profile.date_order) == (1, "dmy")


def test_line_ends_of_an_old_mac_count_even_where_others_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_HEAD_BYTES", 60)
    data = f"{HEADER}\n{ROWS}".replace("\n", "\r") + ROWS
    profile = inspected(tmp_path, "s.csv", data)
    assert (profile.line_end, profile.lines) == ("cr", 4)
    assert cleaned_amount(tmp_path, profile) == 7


@pytest.mark.parametrize("name", ["s[1].csv", "s*.csv", "s?.csv", "it's.csv", "s[1].jsonl", "s*.parquet"])
def test_a_name_with_the_marks_of_a_pattern_is_one_file(tmp_path: Path, name: str) -> None:
    (tmp_path / ("s1" + Path(name).suffix)).write_text("not this one\n")
    if name.endswith("parquet"):
        path = tmp_path / "data"
        pq.write_table(pa.table({"ID": ["1"], "Date": ["2024-01-05"], "Category": ["T"], "Amount": [5]}), path)
        data = path.read_bytes()
    else:
        row = {"ID": 1, "Date": "2024-01-05", "Category": "T", "Amount": 5}
        data = (f"{HEADER}\n1,2024-01-05,T,5\n" if name.endswith("csv") else json.dumps(row)).encode()
    assert inspected(tmp_path, name, data).control.amount == "5.00"


# Day and month


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["2024-01-05"], None),
        (["05/01/2024", "13/01/2024"], "dmy"),
        (["05.01.2024", "01.13.2024", ""], "mdy"),
        (["31-12-99", "5-1-99"], "dmy"),
        (["2024-01-05", "1/31/24 10:00 PM"], "mdy"),
        (["05/01/2024", "13/01/2024", "45/99/2024", "13/13/2024"], "dmy"),
        (["99/99/9999"], None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_whole_file_proves_the_order_of_day_and_month(
    tmp_path: Path, dates: list[str], order: str | None, encoding: str
) -> None:
    # DuckDB reads one encoding, Python the other: both must give the same result.
    contract = loading.parse(YAML + f"file: {{encoding: {encoding}}}", "test")
    rows = "".join(f"1,{date},Toys,5\n" for date in dates)
    assert inspected(tmp_path, "s.csv", f"{HEADER}\n{rows}", contract).date_order == order


@pytest.mark.parametrize(
    ("dates", "problem"),
    [
        (["05/01/2024", "12/12/2024"], "no day is above 12"),
        (["13/01/2024", "01/13/2024"], "the day comes first in 1 ('13/01/2024') and the month in 1 ('01/13/2024')"),
        (["24-01-05", "24-01-06"], "the two-digit year may stand at the end or, as in 24-01-05, at the beginning"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_an_order_that_is_not_proven_is_refused(tmp_path: Path, dates: list[str], problem: str, encoding: str) -> None:
    contract = loading.parse(YAML + f"file: {{encoding: {encoding}}}", "test")
    rows = "".join(f"1,{date},Toys,5\n" for date in dates)
    with pytest.raises(LandingError) as refused:
        inspected(tmp_path, "s.csv", f"{HEADER}\n{rows}", contract)
    assert problem in str(refused.value)
    assert "2 dates such as" in str(refused.value)
    assert "dates: {order: dmy}" in str(refused.value)


def test_a_declared_order_needs_no_proof(tmp_path: Path) -> None:
    for declared in ("dates: {order: mdy}", "dates: {formats: ['%m/%d/%Y']}"):
        profile = inspected(
            tmp_path, "s.csv", f"{HEADER}\n1,05/01/2024,Toys,5\n", loading.parse(YAML + declared, "test")
        )
        assert profile.date_order is None


def test_a_quote_that_never_closes_does_not_hide_the_dates_behind_it(tmp_path: Path) -> None:
    profile = inspected(tmp_path, "s.csv", f'{HEADER}\n1,01/02/2024,"Toys,5\n' + "1,31/01/2024,Toys,5\n" * 3)
    assert profile.date_order == "dmy"


# JSON lines and Parquet


def test_keys_that_only_late_lines_have_are_columns_too(tmp_path: Path) -> None:
    first = json.dumps({"ID": 1, "Date": "2024-01-05", "Category": "Toys", "Total": 5})
    late = json.dumps({"ID": 2, "Date": "2024-01-05", "Category": "Toys", "Total": 5, "Größe": "x", 'a"b': 1})
    profile = inspected(tmp_path, "s.jsonl", "\n".join([first] * 1200 + [late]))
    assert profile.header == ["ID", "Date", "Category", "Total", "Größe", 'a"b']
    assert (profile.lines, profile.control.rows, profile.control.amount) == (1201, 1201, "6005.00")


def test_json_headers_need_not_be_ascii(tmp_path: Path) -> None:
    contract = loading.parse(YAML.replace("[Total]", "['Bêtrag (ß)']"), "test")
    row = {"ID": 1, "Date": "2024-01-05", "Category": "T", "Bêtrag (ß)": "5.00"}
    profile = inspected(tmp_path, "s.jsonl", json.dumps(row, ensure_ascii=False), contract)
    assert profile.control.amount == "5.00"


@pytest.mark.parametrize("key", ["", "*", " ", "$", "a/~b", "a\tb", "\x00"])
def test_a_strange_key_of_a_json_object_does_not_cost_the_control_total(tmp_path: Path, key: str) -> None:
    """With an empty key, or `*`, money was not reconciled at all."""
    row = {"ID": 1, "Date": "2024-01-05", "Category": "T", "Total": "5.00", key: "x"}
    profile = inspected(tmp_path, "s.jsonl", json.dumps(row))
    assert (profile.control.rows, profile.control.amount, profile.control.note) == (1, "5.00", "")


def test_parquet_is_counted_by_rows(tmp_path: Path) -> None:
    day = dt.date(2024, 1, 5)
    table = pa.table({"id": [1, 2], "DATE": [day, day], "category": ["a", "b"], "total": [Decimal("1.10"), None]})
    pq.write_table(table, tmp_path / "x")
    profile = inspected(tmp_path, "s.parquet", (tmp_path / "x").read_bytes())
    assert (profile.format, profile.lines, profile.control.amount) == ("parquet", 2, "1.10")
    assert cleaned_amount(tmp_path, profile) == Decimal("1.10")


# Control totals: whatever dirt a file has, they agree with what cleaning reads, or there are none.

DIRT = [
    "3,2024-01-05,Toys,{}",
    '3,2024-01-05,"Toys",{}',
    '3,2024-01-05,"To\n\nys","{}"',
    "3,2024-01-05,\ufffd,{}",
    "3,2024-01-05,x\x00,{}",
    "3,2024-01-05,Toys,{},9",
    "3,2024-01-05,{}",
    '3,2024-01-05,"Toys,{}',
    '3,2024-01-05,"To"ys,{}',
    '3,2024-01-05,5" pipe,{}',
    '3, "2024-01-05" ,Toys, "{}"',
    "3,2024-01-05,To\rys,{}",
    "3,2024-01-05,Toys,{}\r",
    "3,2024-01-05,Toys,{},",
    '3,"2024-01-05",Toys,"{}",',
    '3,2024-01-05,Toys,{},""',
    "3,2024-01-05,Toys,{}, ",
    "3,2024-01-05,NULL,{}",
    "   ",
    "\t",
    ",,,",
    "",
    "\u00a0,\u00a0,\u00a0,{}\u00a0",
]
AMOUNTS = st.sampled_from(["5", "1.10", "-2", "x", "", "$3", "0.001"])


@settings(max_examples=trials(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(DIRT), st.sampled_from(["5", "1.10", "-2", "x", "", "$3", "0.001"])), max_size=8
    ),
    bad_bytes=st.booleans(),
)
@example(rows=[('3,2024-01-05,"To"ys,{}', "5"), ("3,2024-01-05,Toys,{}", "1.10")], bad_bytes=True)
def test_control_totals_agree_with_cleaning(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], bad_bytes: bool
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    text = f"{HEADER}\n{ROWS}" + "".join(row.format(amount) + "\n" for row, amount in rows)
    data = text.encode() + (b"3,2024-01-05,\xff,7\n" if bad_bytes else b"")
    profile = inspected(folder, "s.csv", data)
    control = profile.control
    if control.amount is not None and (control.rows or 0) + (control.rejected or 0) == profile.lines:
        assert Decimal(control.amount) == cleaned_amount(folder, profile)


@pytest.mark.parametrize(
    "more",
    [
        "currencies: {column: Cur, default: USD, rates: {EUR: 1.083, JPY: 0.0068}}",
        "currencies: {column: Cur}\nrefunds: negative_amount",
        "numbers: {round: cents, thousands: ',', negatives: [brackets, trailing], zeros: ['-']}",
        "numbers: {thousands: ',', grouping: indian, currency_symbols: ['US$', 'Rs.']}",
    ],
)
@pytest.mark.parametrize(
    "total", ["{header: Amount}", '{expression: "Qty * default(Price, 1) - default(Amount, 0) / 3"}']
)
def test_control_totals_agree_with_cleaning_in_every_notation_of_money(tmp_path: Path, more: str, total: str) -> None:
    """Both read a file on their own, and the same texts must be the same money."""
    contract = loading.parse(YAML.replace("{header: Amount, aliases: [Total]}", total) + more, "test")
    amounts = [
        "957.5775",
        "(12.50)",
        "-3.99",
        "12.50-",
        "-",
        "N/A",
        "",
        '"6,00,000"',
        "US$5.00",
        "€7",
        "Rs.5",
        "1e3",
        "x",
        "15%",
    ]
    currencies = ("usd", "EUR", "jpy", "", "N/A", "$", "GBP")
    lines = [
        f"{n},2024-01-05,Toys,{('2', '', 'x')[n % 3]},{('1.99', '')[n % 2]},{amount},{currency}"
        for n, (amount, currency) in enumerate(itertools.product(amounts, currencies))
    ]
    profile = inspected(tmp_path, "s.csv", "\n".join(["ID,Date,Category,Qty,Price,Amount,Cur", *lines]), contract)
    assert profile.control.rows == len(lines)
    assert Decimal(str(profile.control.amount)) == cleaned_amount(tmp_path, profile, contract, 10_000) != 0


# The delimiters that spreadsheets write after the last column, in some rows or in all of them.
@pytest.mark.slow
@example(rows=[("3", 2, [])], delimiter=";", end="\r\n", block=50)
@example(rows=[("3", 5, ["", '""']), ('"3"', 3, [])], delimiter=",", end="\n", block=50)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["3", '"4"', '"say ""x"""', '"a,;b"', '"two\nlines"', "", ' "5" ']),
            st.integers(0, 6),
            st.lists(st.sampled_from(["", '""', "x", " "]), max_size=3),
        ),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([50, 10_000]),
)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_control_totals_agree_with_cleaning_whatever_follows_the_last_column(
    tmp_path: Path, rows: list[tuple[str, int, list[str]]], delimiter: str, end: str, block: int
) -> None:
    """Empty fields after the last column are no fields; any other makes the row malformed, for both readers."""
    lines = [delimiter.join([number, "2024-01-05", "Toys", "5", *more, *[""] * empty]) for number, empty, more in rows]
    text = end.join([HEADER.replace(",", delimiter), ROWS.replace(",", delimiter).split("\n")[0], *lines, ""])
    profile = inspected(tmp_path, "s.csv", text)
    right = [not any(field not in ("", '""') for field in more) for _, _, more in rows]
    assert profile.control.amount is not None
    assert (
        Decimal(profile.control.amount) == cleaned_amount(tmp_path, profile, block_bytes=block) == 5 * (1 + sum(right))
    )
    assert (profile.control.rows, profile.control.rejected) == (1 + sum(right), len(right) - sum(right))


# Refusals


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("s.csv", b"", r"is empty \(0 bytes\)\. Use the complete file"),
        ("s.csv", b"\xef\xbb\xbf", "has no text in it"),
        ("s.csv", b"\n \r\n\t\n", "has no text in it"),
        ("s.csv.gz", gzip.compress(b"", mtime=0), "has no text in it"),
        ("s.csv", HEADER.encode(), "has a header and no rows. If nothing was sold, remove the file"),
        ("s.csv", HEADER.encode() + b"\n\n  \n", "has a header and no rows"),
        (
            "s.csv.gz",
            gzip.compress(f"{HEADER}\n{ROWS * 99}".encode(), mtime=0)[:-20],
            "is damaged: its gzip stream is truncated or corrupt",
        ),
        ("s.csv.gz", f"{HEADER}\n{ROWS}".encode(), "is named .gz, but it is not a gzip file"),
        (
            "s.csv",
            gzip.compress(b"x", mtime=0),
            "Its content is gzip-compressed: land it under a name that ends in .gz",
        ),
        ("s.csv", b"PK\x03\x04 archive", "a zip archive: unpack it"),
        ("s.csv", b"PAR1....", "Its content is Parquet"),
        ("s.csv", b"x" * (1 << 20) + b"\n", "the first line is longer than 1 MB, so it is not a header"),
        ("s.csv", b'ID,"Date\n' + b"x\n" * 200, "the header has a quote that never closes"),
        ("s.csv", f"{HEADER}\n".encode() + b"x" * ((16 << 20) + 1) + b"\n", "a line of more than 16 MB"),
        ("s.parquet", b"PAR1 nothing PAR1", "is not a complete Parquet file"),
        ("s.jsonl", b'[\n{"ID": 1}\n]', "does not fit contract 'shop'"),
        ("s.jsonl", b'[{"ID": 1},{"ID": 2}]', "no line is a JSON object. Expected one object per line"),
        ("s.jsonl", b"[" * 100_000, "no line is a JSON object"),
        ("s.xls", b"PK", "unknown file format. Supported suffixes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(LandingError, match=message) as refused:
        inspected(tmp_path, name, data)
    assert name in str(refused.value)
    assert "--replace" not in str(refused.value), "it has not landed, so that there is nothing to replace"
    assert len(str(refused.value)) < 1000


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ID": [1], "Date": [""], "Category": [""], "Amount": [1]}).slice(0, 0), tmp_path / "x")
    with pytest.raises(LandingError, match="has a header and no rows"):
        inspected(tmp_path, "s.parquet", (tmp_path / "x").read_bytes())


def test_the_unpacked_size_is_that_of_the_text_whatever_holds_it(tmp_path: Path) -> None:
    """Cleaning splits landings by this size, because a small gzip file can hold more than one task should read."""
    text = f"{HEADER}\n{ROWS * 5000}".encode()
    packed = inspected(tmp_path, "s.csv.gz", gzip.compress(text, mtime=0))
    assert packed.unpacked == len(text) == inspected(tmp_path, "s.csv", text).unpacked
    assert packed.size < packed.unpacked / 10
    manifest = packed.to_json()
    del manifest["unpacked"]  # as in a manifest of an earlier version
    assert FileProfile.from_json(manifest).unpacked == 0


@pytest.mark.parametrize("header", ["Currency", "currency_code", "Währung"])
def test_currencies_that_the_contract_does_not_name_are_refused(tmp_path: Path, header: str) -> None:
    def inspected(codes: str, more: str = "") -> str:
        lines = "".join(f"{i},2024-01-05,Toys,1,5.00,{code}\n" for i, code in enumerate(codes.split()))
        (tmp_path / "s.csv").write_text(f"id,date,category,quantity,amount,{header}\n{lines}", encoding="utf-8")
        contract = loading.parse(
            "name: t\ntimezone: Europe/Berlin\ncountry: DE\ncurrency: EUR\nstart_date: 2024-01-01\n"
            "columns:\n  transaction_id: {header: id}\n  sold_at: {header: date}\n"
            "  product_category: {header: category}\n"
            f"  quantity: {{header: quantity}}\n  total_amount: {{header: amount}}\n{more}",
            "test",
        )
        store = Store(str(tmp_path))
        try:
            inspect_file(store, Entry("s.csv", (tmp_path / "s.csv").stat().st_size, None), contract)
        except LandingError as e:
            return str(e)
        return ""

    assert f"column {header!r}, rows are in other currencies than the contract's EUR (2 in USD, 1 in JPY)" in inspected(
        "EUR usd USD jpy"
    )
    assert inspected("EUR eur") == ""
    assert inspected("paid open") == ""
    assert inspected("EUR USD", f"ignore_columns: [{header}]") == ""
    assert inspected("EUR USD", f"currencies: {{column: {header}}}") == ""


@pytest.mark.parametrize(
    ("header", "currency", "other"),
    [
        ("Total EUR", "USD", "EUR"),
        ("price_usd", "EUR", "USD"),
        ("Betrag (€)", "CHF", "EUR"),
        ("Total EUR", "EUR", None),
        ("Amount ($)", "EUR", r"\$"),
        ("US$ net", "CHF", r"\$"),
        ("売上 ¥", "USD", "¥"),
        ("Amount ($)", "MXN", None),
        ("Valor (R$)", "BRL", None),
        ("US $", "USD", None),
        ("Betrag (€)", "EUR", None),
        ("USD to EUR", "EUR", None),
        ("Pen price", "USD", None),
        ("Total R", "USD", None),
        ("Total", "USD", None),
    ],
)
def test_an_amount_whose_header_names_another_currency_is_refused(
    tmp_path: Path, header: str, currency: str, other: str | None
) -> None:
    (tmp_path / "s.csv").write_text(f"id,date,category,quantity,{header}\n1,2024-01-05,Toys,1,5.00\n", encoding="utf-8")
    contract = loading.parse(
        f"name: t\ntimezone: Europe/Berlin\ncountry: DE\ncurrency: {currency}\nstart_date: 2024-01-01\n"
        "columns:\n  transaction_id: {header: id}\n  sold_at: {header: date}\n  product_category: {header: category}\n"
        f"  quantity: {{header: quantity}}\n  total_amount: {{header: '{header}'}}\n",
        "test",
    )
    entry = Entry("s.csv", (tmp_path / "s.csv").stat().st_size, None)
    if other is None:
        assert inspect_file(Store(str(tmp_path)), entry, contract).lines == 1
        return
    with pytest.raises(LandingError, match=f"names {other}, and the contract's currency is {currency}"):
        inspect_file(Store(str(tmp_path)), entry, contract)

"""Every line of a file is part of exactly one record, whatever the bytes; where blocks end makes no difference."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.readers import quoting
from retail_assets.cleaning.readers.read import read_records
from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT, UNCLOSED_QUOTE
from retail_assets.contracts import loading
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES
from retail_assets.storage import Entry, Store
from retail_assets_tests.trials import trials

CONTRACT = loading.parse(
    """
name: plain
timezone: UTC
country: DE
currency: EUR
start_date: 2024-01-01
columns:
  transaction_id: {header: a}
  sold_at: {header: b}
  product_category: {header: c}
  quantity: {header: q, default: 1}
  total_amount: {header: d}
""",
    "test",
)
HEADER = "a,b,c,d"
BLOCKS = st.sampled_from([1, 2, 3, 5, 8, 13, 40, 1 << 20])
#: Bytes that matter for quoting and line ends are frequent; everything else is possible.
PIECES = st.sampled_from(
    (
        *(b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\t", b"x", b'"x"', b',"', b'",', b'"\n', b"1,2,3,4\n"),
        *(b"\x00", b"\xff", "é".encode(), "\ufffd".encode(), b"\xc3", b"\x1c", b"\x0c", b"\n\n"),
        *(b'a,"b\nc",d,e\n', b"   \n", b'5" x'),
    )
)
CONTENT = st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=40).map(b"".join)
RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=trials(200),
)


def profile(**changes: Any) -> FileProfile:
    header = changes.pop("header", HEADER.split(","))
    defaults = {
        "key": "plain/dt=2024-01-01/sales.csv",
        "size": 1,
        "sha256": "",
        "format": "csv",
        "compression": None,
        "encoding": "utf-8",
        "delimiter": ",",
        "line_end": "lf",
        "header": header,
        "header_lines": 1,
        "positions": {name: i for i, name in enumerate(header)},
        "unknown_columns": [],
        "missing_columns": [],
        "lines": 0,
    }
    return FileProfile(**{**defaults, **changes})


def read(data: bytes, of_file: FileProfile, block_bytes: int = 1 << 20) -> list[dict[str, Any]]:
    """Read the records of a file, and check what holds for every table of records."""
    rows: list[dict[str, Any]] = []
    for records in read_records(io.BytesIO(data), of_file, block_bytes=block_bytes):
        records.table.validate(full=True)
        assert records.table.column_names == [
            *(f"c{i}" for i in range(len(of_file.header))),
            "line",
            "lines",
            "raw",
            "defects",
        ]
        assert records.table.num_rows
        rows += records.table.to_pylist()
    return rows


def fields(row: dict[str, Any]) -> list[Any]:
    return [v for k, v in row.items() if k.startswith("c")]


def scanned(line: str, delimiter: str, inside: bool) -> str:
    """Scan a line character by character: it ends `outside` or `inside` a quoted field, or is `wrong`."""
    state = "quoted" if inside else "begin"
    i = 0
    while i < len(line):
        c = line[i]
        if state == "begin":
            if c == delimiter:
                pass
            elif c == '"' and line[:i].rstrip(" ")[-1:] in ("", delimiter):
                state = "quoted"
            elif c != " ":
                state = "bare"
        elif state == "bare":
            state = "begin" if c == delimiter else "bare"
        elif state == "quoted" and c == '"':
            if line[i + 1 : i + 2] == '"':
                i += 1
            else:
                state = "behind"
        elif state == "behind":
            if c == delimiter:
                state = "begin"
            elif c != " ":
                return "wrong"
        i += 1
    return "inside" if state == "quoted" else "outside"


def fields_of(record: str, delimiter: str) -> list[str]:
    """Split a record with correct quotes into fields, character by character."""
    parts, field, state = [], "", "begin"
    i = 0
    while i < len(record):
        c = record[i]
        if c == delimiter and state != "quoted":
            parts.append(field)
            field, state = "", "begin"
        elif state == "begin" and c == '"' and not field.strip(" "):
            field, state = "", "quoted"
        elif state == "quoted" and record[i : i + 2] == '""':
            field, i = field + '"', i + 1
        elif state == "quoted" and c == '"':
            state = "behind"
        elif state != "behind":
            field += c
            state = "bare" if state == "begin" and c != " " else state
        i += 1
    return [*parts, field]


def expected_records(text: str, header_lines: int, delimiter: str = ",") -> list[tuple[int, int, str, int]]:
    """Return (line, lines, raw, defects of quoting) of every record: the grammar in its simplest form."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    ends = [line.rstrip("\r") for line in lines]
    filled = [any(c > " " for c in line) for line in lines]
    records = []
    i = header_lines
    while i < len(lines):
        last, defect = i, 0
        state = scanned(ends[i], delimiter, inside=False)
        if state == "wrong":
            defect = MALFORMED_ROW.mask
        elif state == "inside":
            closing = i + 1
            while closing < len(lines) and (end := scanned(ends[closing], delimiter, inside=True)) == "inside":
                closing += 1
            near = closing - i < quoting.MAX_LINES_IN_RECORD
            if closing < len(lines) and near and end == "outside":
                last = closing
            else:
                defect = UNCLOSED_QUOTE.mask
        raw = "\n".join([*lines[i:last], ends[last]])
        if count := sum(filled[i : last + 1]):
            if "\x00" in raw or "\ufffd" in raw:
                defect |= NOT_TEXT.mask
            records.append((i + 1, count, raw.replace("\x00", "\ufffd"), defect))
        i = last + 1
    return records


@RELAXED
@given(content=CONTENT, block=BLOCKS, longest=st.sampled_from([2, 3, 1000]))
@example(content=b'"a\n1,2,3,4\n5,"b,7,8\n', block=3, longest=1000)
@example(content=b'1,"a\n1,"b\nc",3,4\n', block=3, longest=1000)
@example(content=b'x","y\n' * 7, block=9, longest=3)
@example(content=b"1,2,3,4\r\r\n1,2,3,4\r\r\n", block=4, longest=1000)
def test_records_are_those_of_the_grammar_for_any_bytes_and_any_block(content: bytes, block: int, longest: int) -> None:
    data = HEADER.encode() + b"\n" + content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quoting, "MAX_LINES_IN_RECORD", longest)
        rows = read(data, profile(), block)
        expected = expected_records(data.decode("utf-8", "replace"), 1)
    assert [(r["line"], r["lines"], r["raw"]) for r in rows] == [tuple(place) for *place, _ in expected]
    for (*_, raw, defect), row in zip(expected, rows, strict=True):
        whole = fields_of(raw, ",")
        whole = whole if any(whole[4:]) else whole[:4]  # empty fields after the last column are none
        ragged = MALFORMED_ROW.mask if not defect and len(whole) != 4 else 0
        assert row["defects"] == defect | ragged
        assert fields(row) == (whole if row["defects"] == 0 else [None] * 4)


@RELAXED
@given(content=CONTENT, block=BLOCKS)
def test_where_blocks_end_makes_no_difference(content: bytes, block: int) -> None:
    data = HEADER.encode() + b"\n" + content
    assert read(data, profile(), block) == read(data, profile())


@settings(RELAXED, max_examples=trials(60))
@given(
    content=CONTENT,
    block=BLOCKS,
    name=st.sampled_from(["s.csv", "s.csv.gz", "s.jsonl"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom", "utf-32"]),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_every_line_that_was_counted_is_in_exactly_one_record(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, block: int, name: str, encoding: str, line_end: bytes
) -> None:
    first = '{"a":1,"b":"2024-01-05","c":"x","d":5}' if "json" in name else f"{HEADER}\n1,2024-01-05,x,5"
    data = first.encode() + b"\n" + content
    if encoding != "utf-8":
        text = data.decode("utf-8", "replace")
        data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
    else:
        data = data.replace(b"\n", line_end)
    data = gzip.compress(data, mtime=0) if name.endswith(".gz") else data
    folder = tmp_path_factory.mktemp("raw")
    (folder / name).write_bytes(data)
    try:
        inspected = inspect_file(Store(str(folder)), Entry(name, len(data), None), CONTRACT)
    except LandingError:
        return
    rows = read(data, inspected, block)
    assert sum(r["lines"] for r in rows) == inspected.lines
    assert len({r["line"] for r in rows}) == len(rows)


TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00\ufffd"), max_size=8)
TRICKY = st.lists(st.sampled_from(['"', ",", ";", "\t", "|", "\n", "\r\n", " ", "x", "é", "7"]), max_size=6).map(
    "".join
)


@RELAXED
@given(
    rows=st.lists(st.lists(st.one_of(TEXT, TRICKY), min_size=2, max_size=2), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block=BLOCKS,
)
def test_what_the_csv_module_wrote_comes_back_exactly(
    rows: list[list[str]], quoting: Any, delimiter: str, line_end: str, block: int
) -> None:
    # A leading column keeps the lines from being blank; a lone carriage return is a line end only for csv.
    rows = [["id", *(v.replace("\r\n", "\n").replace("\r", "") for v in row)] for row in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    got = read(out.getvalue().encode(), profile(header=["a", "b", "c"], delimiter=delimiter), block)
    assert [fields(r) for r in got] == rows
    assert {r["defects"] for r in got} == {0}


def test_a_record_keeps_its_lines_its_place_and_its_text() -> None:
    data = b'\n  \na,b,c,d\r\n\r\n1,"two\r\n\r\nlines",3,4\r\n5,6,7,8'
    rows = read(data, profile(header_lines=3))
    assert [(r["line"], r["lines"], r["raw"]) for r in rows] == [(5, 2, '1,"two\r\n\r\nlines",3,4'), (8, 1, "5,6,7,8")]
    assert fields(rows[0]) == ["1", "two\r\n\r\nlines", "3", "4"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'1,"say ""hi""",3,4', ["1", 'say "hi"', "3", "4"]),
        (b'1,5" pipe,3,4', ["1", '5" pipe', "3", "4"]),
        (b'1, "a, b" ,3,4', ["1", "a, b", "3", "4"]),
        (b'"","",,""', ["", "", "", ""]),
        (b",,,", ["", "", "", ""]),
        (b"1,x\ry,3,4", ["1", "x\ry", "3", "4"]),
        (b"1,x\x0c\x1cy,3,4", ["1", "x\x0c\x1cy", "3", "4"]),
        (b"1,2,3,4\r\r", ["1", "2", "3", "4"]),
        (b"1,2,3,4,", ["1", "2", "3", "4"]),
        (b"1,2,3,4,,,,", ["1", "2", "3", "4"]),
        (b'1,2,3,,,"",', ["1", "2", "3", ""]),
        (b'1,2,3,"4,",,', ["1", "2", "3", "4,"]),
        (b'1,"2",3,4,', ["1", "2", "3", "4"]),
        (b'1, "2\n" ,3,4,', ["1", "2\n", "3", "4"]),
        (b",,,,", ["", "", "", ""]),
    ],
)
def test_odd_lines_that_can_be_read(line: bytes, expected: list[str]) -> None:
    [row] = read(HEADER.encode() + b"\n" + line + b"\n", profile())
    assert (fields(row), row["defects"]) == (expected, 0)


@pytest.mark.parametrize(
    ("line", "mask"),
    [
        (b"1,2,3", MALFORMED_ROW.mask),
        (b"1,2,3,4,5", MALFORMED_ROW.mask),
        (b"1,2,3,4,,5", MALFORMED_ROW.mask),
        (b"1,2,3,4,5,", MALFORMED_ROW.mask),
        (b"1,2,3,4, ", MALFORMED_ROW.mask),
        (b'1,"a"b,3,4', MALFORMED_ROW.mask),
        (b'1,"a"\rb,3,4', MALFORMED_ROW.mask),
        (b'1,"a,3,4', UNCLOSED_QUOTE.mask),
        (b"1,\xff,3,4", NOT_TEXT.mask),
        (b"1,\x00,3,4", NOT_TEXT.mask),
        ("1,\ufffd,3,4".encode(), NOT_TEXT.mask),
    ],
)
def test_a_spoiled_line_spoils_no_other(line: bytes, mask: int) -> None:
    good = b'7,"quoted",9,10\n'
    rows = read(HEADER.encode() + b"\n" + good + line + b"\n" + good * 3, profile(), block_bytes=7)
    assert [r["defects"] for r in rows] == [0, mask, 0, 0, 0]
    assert [r["line"] for r in rows] == [2, 3, 4, 5, 6]
    assert fields(rows[1]) == [None] * 4


def test_many_quotes_that_never_close_cost_no_more_than_their_lines() -> None:
    # Each opens a field, and no line shows that the field before it was wrong.
    lines = 40_000
    rows = read(HEADER.encode() + b"\n" + b'x","y\n' * lines, profile(), block_bytes=1 << 16)
    assert len(rows) == lines
    assert {r["defects"] for r in rows} == {UNCLOSED_QUOTE.mask}


def test_a_field_may_be_longer_than_a_block_and_has_its_limits() -> None:
    long = "x" * 10_000_000
    data = f'{HEADER}\n1,"{long}\n{long[:100]}",3,4\n5,6,7,8\n'.encode()
    rows = read(data, profile(), block_bytes=1 << 20)
    assert [len(r["c1"]) for r in rows] == [10_000_101, 1]
    endless = HEADER.encode() + b"\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n"
    for block_bytes in (1 << 20, 64 << 20):
        with pytest.raises(LandingError, match="a line of more than 16 MB"):
            read(endless, profile(), block_bytes)


def test_a_quoted_field_that_spans_too_much_is_a_quote_that_never_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoting, "MAX_RECORD_BYTES", 20)
    data = HEADER.encode() + b'\n1,"aaaaaaaaaa\nbbbbbbbbbb",3,4\n1,"a\nb",3,4\n'
    for block_bytes in (1, 9, 1000):
        rows = read(data, profile(), block_bytes)
        assert [(r["line"], r["defects"]) for r in rows] == [
            (2, UNCLOSED_QUOTE.mask),
            (3, MALFORMED_ROW.mask),
            (4, 0),
        ]


@pytest.mark.parametrize("cut", [5, 30, -9, -1])
def test_a_gzip_file_that_breaks_off_is_an_error_of_the_file(cut: int) -> None:
    whole = gzip.compress((HEADER + "\n" + "1,2,3,4\n" * 500).encode(), mtime=0)
    with pytest.raises(LandingError, match=r"damaged.*Nothing from this file has been loaded"):
        read(whole[:cut], profile(compression="gzip"))


def test_text_in_other_encodings_is_read_and_what_is_no_text_is_told() -> None:
    text = f"{HEADER}\n1,Größe,3,4\n"
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32", "utf-8-sig"):
        [row] = read(text.encode(encoding), profile(encoding=encoding), block_bytes=3)
        assert (row["c1"], row["defects"]) == ("Größe", 0)
    [row] = read(text.encode("latin-1"), profile())
    assert (row["defects"], row["raw"]) == (NOT_TEXT.mask, "1,Gr\ufffd\ufffde,3,4")
    [row] = read(text.encode("utf-8"), profile(encoding="ascii"))
    assert row["defects"] == NOT_TEXT.mask


# JSON lines


def read_json(lines: list[str | bytes], **changes: Any) -> list[dict[str, Any]]:
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return read(data, profile(format="jsonl", delimiter="", header_lines=0, **changes), block_bytes=11)


@pytest.mark.parametrize(
    ("line", "expected", "mask"),
    [
        ('{"a": "x", "b": 1.10, "c": true, "d": null}', ["x", "1.10", "true", None], 0),
        ('{"d": 12345678901234567890123, "a": -0.0}', ["-0.0", None, None, "12345678901234567890123"], 0),
        ('{"a": NaN, "b": Infinity}', [None, "Infinity", None, None], 0),
        ('{"a": 1,\r"b": 2}', ["1", "2", None, None], 0),
        ("{}", [None] * 4, 0),
        ('{"a": 1, "a": 2}', ["1", None, None, None], MALFORMED_ROW.mask),
        ('{"a": 1, "z": 2}', ["1", None, None, None], MALFORMED_ROW.mask),
        ('{"a": {"n": 1}, "b": 2}', ['{"n": "1"}', "2", None, None], MALFORMED_ROW.mask),
        ("[1]", [None] * 4, MALFORMED_ROW.mask),
        ("5", [None] * 4, MALFORMED_ROW.mask),
        ('{"a": 1', [None] * 4, MALFORMED_ROW.mask),
        ("[" * 100_000, [None] * 4, MALFORMED_ROW.mask),
        (b'{"a": "\xff"}', [None] * 4, NOT_TEXT.mask),
        ('{"a": "x\\u0000", "b": 2}', ["x\ufffd", "2", None, None], NOT_TEXT.mask),
        ('{"a": "\\ud800", "b": 2}', [None] * 4, NOT_TEXT.mask),
        ('{"a": "\\ud83d\\ude00"}', ["😀", None, None, None], 0),
    ],
)
def test_a_json_line(line: str | bytes, expected: list[str | None], mask: int) -> None:
    good = '{"a": "1", "b": "2", "c": "3", "d": "4"}'
    rows = read_json([good, "", line, "  ", good])
    assert [r["line"] for r in rows] == [1, 3, 5]
    assert (fields(rows[1]), rows[1]["defects"]) == (expected, mask)
    assert rows[0]["defects"] == rows[2]["defects"] == 0


def test_nested_json_does_no_harm_in_a_column_that_nobody_reads() -> None:
    [row] = read_json(['{"a": {"n": [1]}, "b": 2}'], positions={"b": 1})
    assert (row["defects"], row["c1"]) == (0, "2")


# Parquet


def read_parquet(tmp_path: Path, table: pa.Table, **changes: Any) -> list[dict[str, Any]]:
    path = tmp_path / "sales.parquet"
    pq.write_table(table, path)
    return read(path.read_bytes(), profile(format="parquet", header=table.column_names, header_lines=0, **changes))


def test_parquet_values_become_the_text_that_csv_would_have(tmp_path: Path) -> None:
    import datetime as dt

    moment = dt.datetime(2024, 3, 1, 12, 30, tzinfo=dt.UTC)
    table = pa.table(
        {
            "decimal": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "wide": pa.array([Decimal("1.1000"), None], pa.decimal256(60, 4)),
            "double": pa.array([17850.0, float("nan")]),
            "zoned": pa.array([moment, None], pa.timestamp("us", "America/New_York")),
            "local": pa.array([moment.replace(tzinfo=None), None], pa.timestamp("ns")),
            "day": pa.array([moment.date(), None]),
            "bytes": pa.array(["Café".encode(), None], pa.binary()),
            "words": pa.array(["x", None]).dictionary_encode(),
            "large": pa.array(["x", None], pa.large_string()),
            "flag": pa.array([True, None]),
            "nothing": pa.nulls(2),
        }
    )
    rows = read_parquet(tmp_path, table)
    assert fields(rows[0])[:10] == [
        "1.10",
        "1.1000",
        "17850.0",
        "2024-03-01 12:30:00+00",
        "2024-03-01 12:30:00",
        "2024-03-01",
        "Café",
        "x",
        "x",
        "true",
    ]
    assert fields(rows[1]) == [None] * 11
    assert [(r["line"], r["lines"], r["defects"]) for r in rows] == [(1, 1, 0), (2, 1, 0)]
    assert json.loads(rows[0]["raw"])["bytes"] == "Café"


def test_parquet_rows_are_spoiled_only_by_what_is_read(tmp_path: Path) -> None:
    table = pa.table({"a": [b"\xff", b"x"], "b": [[1], [2]], "it's": ["q\x00", "y"]})
    assert [r["defects"] for r in read_parquet(tmp_path, table, positions={})] == [0, 0]
    assert [r["defects"] for r in read_parquet(tmp_path, table, positions={"a": 0})] == [NOT_TEXT.mask, 0]
    assert [r["defects"] for r in read_parquet(tmp_path, table, positions={"b": 1})] == [MALFORMED_ROW.mask] * 2
    assert [r["defects"] for r in read_parquet(tmp_path, table, positions={"c": 2})] == [NOT_TEXT.mask, 0]


def test_a_broken_parquet_file_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    pq.write_table(pa.table({"a": [str(i) for i in range(10_000)]}), path, compression="gzip")
    data = bytearray(path.read_bytes())
    data[200:2000] = bytes(1800)
    for broken in (bytes(data), b"PAR1" + b"\x00" * 50 + b"PAR1", b"PAR1"):
        with pytest.raises(LandingError, match="cannot be read as"):
            read(broken, profile(format="parquet", header=["a"], header_lines=0))

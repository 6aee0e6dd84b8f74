"""Files that are no sales are refused in one sentence, and blank lines cost no more memory than others."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from retail_assets.cleaning.readers.read import read_records
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Entry, Store
from retail_assets_tests.landing.test_inspection import HEADER, ROWS, SHOP

HEAD = f"{HEADER}\n{ROWS}".encode()
WIDE = [*HEADER.split(","), *(f"c{i}" for i in range(100_000))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", ",".join(WIDE).encode() + b"\n" + b"1," * 100_000, "has 100,004 columns; at most 16,384 are read"),
        ("a.csv", b"," * 900_000 + b"\n1,2\n", "has 900,001 columns"),
        ("a.jsonl", json.dumps(dict.fromkeys(WIDE[:60_000], 1)).encode(), "has 60,000 columns"),
        ("a.csv.gz", gzip.compress(HEAD + b"\n" * (80 << 20), 1), "unpacks to more than 150 times its size"),
        ("a.csv.gz", gzip.compress(HEAD + (b'"' * (8 << 20) + b"\n") * 10, 1), "unpacks to more than 150 times"),
        ("a.jsonl.gz", gzip.compress(b'{"ID": 1}\n' + b"\n" * (80 << 20), 1), "unpacks to more than 150 times"),
        ("a.csv", HEAD + b'"\n' * 1_200_000, "most of which are too short for its 4 columns"),
    ],
    ids=["columns", "separators", "keys", "blank lines", "quotes", "blank lines of JSON", "lines of quotes"],
)
def test_what_no_sales_look_like_is_refused(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LandingError, match=why) as refused:
        inspect_file(Store(str(tmp_path)), Entry(name, len(data), None), SHOP)
    assert len(str(refused.value)) < 500


def test_sixteen_thousand_columns_are_read(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(16_000))
    data = f"{HEADER},{wide}\n1,2024-01-05,Toys,5.00{',1' * 16_000}\n".encode()
    (tmp_path / "a.csv").write_bytes(data)
    profile = inspect_file(Store(str(tmp_path)), Entry("a.csv", len(data), None), SHOP)
    assert (profile.lines, profile.control.amount) == (1, "5.00")


def test_millions_of_blank_lines_need_little_memory() -> None:
    """Arrays with a number for each line took 1.4 GB for a block of 16 MB of blank lines."""
    data = HEAD + b"\n" * (16 << 20) + b"3,2024-01-07,Toys,1.00\n"
    header = HEADER.split(",")
    positions = {name: i for i, name in enumerate(header)}
    profile = FileProfile("a.csv", 1, "", "csv", None, "utf-8", ",", "lf", header, 1, positions, [], [], 3)
    tracemalloc.start()
    try:
        lines = [n for r in read_records(io.BytesIO(data), profile) for n in r.table["line"].to_pylist()]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines == [2, 3, (16 << 20) + 4]
    assert peak < 250 << 20

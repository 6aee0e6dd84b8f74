"""A file that has landed and cannot be used is named with the command that replaces it, and no other file is."""

from __future__ import annotations

import gzip
import shlex
from pathlib import Path

import pytest

from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.references import ReferenceRule
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.reference_rows import Content, keyed_rows
from retail_assets.landing.replacement import use_instead
from retail_assets.storage import Entry, Store

PACKED = gzip.compress(b"id,date\n" + bytes(range(48, 58)) * 50, mtime=0)[:-12]
UNREADABLE = {
    "kasse2.xlsx": b"not a workbook",
    "till 2.csv.gz": PACKED,
    "plain.csv.gz": b"id,date\n1,2\n",
    "till (2).csv": b"",
    "blank.csv": b"\n\n",
    "cut.parquet": b"PAR1 nothing PAR1",
    "long.csv": b"x" * ((1 << 20) + 1),
}


def refusal(root: Path, key: str, data: bytes) -> str:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    with pytest.raises(LandingError) as refused:
        inspect_file(Store(str(root)), Entry(key, len(data), None), loading.load("retail_sales"))
    return str(refused.value)


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_landed_file_is_named_with_the_whole_command_that_replaces_it(tmp_path: Path, name: str) -> None:
    """`retail-assets land kasse2.xlsx --replace`, as the message said, landed it today, and the broken one stayed."""
    message = refusal(tmp_path, f"retail_sales/dt=2026-11-29/{name}", UNREADABLE[name])
    assert f"`retail-assets land {shlex.quote(name)} --date 2026-11-29 --replace`" in message


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_has_not_landed_is_not_to_be_replaced(tmp_path: Path, name: str) -> None:
    assert "--replace" not in refusal(tmp_path, name, UNREADABLE[name])


def test_a_file_that_breaks_while_it_is_cleaned_is_named_with_the_command(tmp_path: Path) -> None:
    key = "retail_sales/dt=2026-11-29/a.csv.gz"
    path = tmp_path / "a.csv.gz"
    path.write_bytes(PACKED)
    profile = FileProfile(
        *(key, len(PACKED), "", "csv", "gzip", "utf-8", ",", "lf", ["id", "date"], 1),
        positions={},
        unknown_columns=[],
        missing_columns=[],
        lines=1,
    )
    with path.open("rb") as handle, pytest.raises(LandingError) as refused:
        list(read_records(handle, profile))
    assert "`retail-assets land a.csv.gz --date 2026-11-29 --replace`" in str(refused.value)


def test_a_line_of_a_reference_file_is_fixed_under_the_name_of_the_reference() -> None:
    rule = ReferenceRule(on="product_id", key="SKU", columns=("Department",))
    key = "shop/references/products/dt=2026-11-29/p.csv"
    with pytest.raises(LandingError) as refused:
        keyed_rows([Content(key, b"SKU,Department\nP1\n")], rule)
    assert "`retail-assets land p.csv --reference products --date 2026-11-29 --replace`" in str(refused.value)


@pytest.mark.parametrize("key", ["shop/dt=2026-11-29/till/a.csv", "shop/dt=2026-11-29/a:b.csv"])
def test_a_file_that_landing_would_put_elsewhere_has_no_command(key: str) -> None:
    assert use_instead(key, "the complete file") == "Put the complete file in its place in the raw store."

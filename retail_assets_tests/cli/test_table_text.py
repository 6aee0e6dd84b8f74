"""Tables for people fit the terminal, and say what they leave out."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from retail_assets.cli.status import status_lines
from retail_assets.cli.table_text import Column, table_text
from retail_assets.status import LandingStatus, Status

DAY = dt.date(2024, 1, 1)
NOON = dt.datetime(2024, 2, 1, 12, tzinfo=dt.UTC)


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=8), min_size=2, max_size=2)),
    st.integers(0, 60),
)
def test_what_does_not_fit_is_left_out_and_named_and_the_rest_is_aligned(rows: list[list[str]], width: int) -> None:
    """Whatever the cells are, wide characters among them."""
    columns = [Column(f"c{n}", cells, number=bool(n % 2), spare=n) for n, cells in enumerate(rows)]
    if not columns:
        return
    made = table_text(columns, width)
    assert [c.head for c in columns if c.head in made.left_out] == list(made.left_out)
    assert len(made.left_out) < len(columns)
    if len(made.left_out) < len(columns) - 1:
        assert max(map(cell_len, made.lines)) <= width
    rule = cell_len(made.lines[1])
    assert all(cell_len(line) <= rule for line in made.lines)


def test_a_table_of_chinese_names_is_aligned() -> None:
    made = table_text([Column("name", ["茶", "coffee"], number=False), Column("rows", ["1", "20"])], 80)
    assert [cell_len(line) for line in made.lines] == [12, 12, 12, 12]


def _status(landings: int) -> Status:
    made = tuple(
        LandingStatus(DAY + dt.timedelta(n), 1, 9, NOON, NOON, 1_331_800, 8_055, 0, 0, 0, 1_331_800, "loaded")
        for n in range(landings)
    )
    tables = {"sales_clean": 1_331_800, "daily_store_category_sales": 202_737, "sales": None}
    outputs = {"insights.md": NOON, "segments/activation/a.csv": NOON, "segments/activation/b.csv": NOON}
    return Status("shop", "duckdb:w#shop", made, tables, "output", outputs)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_status_fits_a_terminal_of(width: int) -> None:
    lines = status_lines(_status(50), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "2024-02-19" in text
    assert "2024-01-01" not in text
    assert f"all 50{' ' * 4}" in text
    assert f"{50 * 1_331_800:,}" in text
    assert ("Too narrow to show" in text) == (width < 100)
    assert "segments/activation/" in text
    assert "a.csv" not in text


def test_a_status_names_what_waits_and_the_next_command() -> None:
    waits = LandingStatus(DAY, 1, 9, NOON, None, None, None, None, None, None, None, "landed")
    status = Status("shop", "duckdb:w#shop", (waits,), {}, "output", {})
    lines = status_lines(status, 80)
    assert lines[lines.index("1 landing not loaded yet.") + 1] == "Next:  retail-assets materialize"
    empty = status_lines(Status("shop", "duckdb:w#shop", (), {}, "output", {}), 80, "Next:  retail-assets land FILE")
    assert empty[2:4] == ["None yet.", "Next:  retail-assets land FILE"]

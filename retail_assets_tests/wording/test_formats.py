"""Numbers, dates and names are written one way; the examples in the docstrings are run too."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retail_assets.wording import formats
from retail_assets.wording.formats import (
    axis_number,
    change,
    compared,
    listed,
    markdown,
    money,
    number,
    p_value,
    percent,
    plural,
    rough_percent,
    short,
    span,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.425, "0.42"), (0.0042, "0.0042"), (-5.5, "\u22125.50"), (3e-9, "3.0e-09"),
     (29.55, "29.6"), (999.4, "999"), (12345.6, "12,346"), (999_949, "999,949"),
     (999_950, "1.00 M"), (4_596_027, "4.60 M"), (2.5e9, "2.50 bn"), (float("nan"), "not known")],
)  # fmt: skip
def test_numbers_read_at_a_glance(value: float, text: str) -> None:
    assert number(value) == text


def test_money_shares_and_changes_are_written_one_way() -> None:
    assert money(29.55, "USD") == "USD 29.55"
    assert money(-1234, "EUR") == "\u2212EUR 1,234"
    assert money(-0.001, "EUR") == "EUR 0.00"
    assert money(1234, None) == money(1234, "") == "1,234"
    assert percent(0.3441) == "34.4 %"
    assert percent(1.0) == "100 %"
    assert change(1.18) == "18 % more"
    assert compared(0.86) == "14 % less than"
    assert compared(3.14) == "3.1 times as much as"
    assert compared(1.0001) == "as much as"
    assert compared(1.001) == "0.1 % more than"
    assert [axis_number(v) for v in (0, 250, 12_000, 1_500_000)] == ["0", "250", "12,000", "1.5 M"]
    assert [axis_number(v, 1_500_000) for v in (0, 500_000, -1_500_000)] == ["0", "0.5 M", "\u22121.5 M"]
    assert [axis_number(v) for v in (-2_500, 0.1 + 0.2, 1e-5)] == ["\u22122,500", "0.3", "0.00001"]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.345678, "35 %"), (0.0949, "9.5 %"), (0.0951, "10 %"), (0.0003, "< 0.1 %"), (-0.0003, "> \u22120.1 %"),
     (0.0, "0 %"), (1.0, "100 %")],
)  # fmt: skip
def test_a_rough_percentage_is_zero_only_where_the_share_is(share: float, text: str) -> None:
    assert rough_percent(share) == text


@given(st.floats(-1e-4, 0.0))
def test_zero_has_no_sign(size: float) -> None:
    """A gain of −0.03 % was "-0.0 %"."""
    for text in (percent(size), percent(size, 0), percent(size / 100, 2), money(size, "USD"), money(size, None)):
        assert set(text) & set("123456789") or not set(text) & set("-\u2212")
    assert not {axis_number(-0.0), number(-0.0), rough_percent(-0.0)} - {"0", "0 %"}


def test_a_share_that_is_not_a_number_is_not_known() -> None:
    assert percent(float("nan")) == "not known"


def test_a_p_value_that_small_is_not_written_as_zero() -> None:
    assert [p_value(p) for p in (0.0, 0.05, 1.0)] == ["p < 0.001", "p = 0.050", "p = 1.00"]


def test_a_span_names_its_year_once_and_one_day_once() -> None:
    assert span(dt.date(2017, 1, 1), dt.date(2017, 12, 31)) == "1 Jan to 31 Dec 2017"
    assert span(dt.date(2017, 12, 1), dt.date(2018, 1, 2)) == "1 Dec 2017 to 2 Jan 2018"
    assert span(dt.date(2017, 1, 1), dt.date(2017, 1, 1)) == "1 Jan 2017"


def test_lists_and_counts_read_as_a_sentence_does() -> None:
    assert listed(["a", "b"]) == "a and b"
    assert (plural(0, "day"), plural(1, "day"), plural(1000, "day")) == ("0 days", "1 day", "1,000 days")


def test_a_long_name_keeps_its_end_and_a_blank_one_is_called_so() -> None:
    assert short("Very long name of a category, part 17", 20) == "Very long nam…art 17"
    assert short(" \t ") == "(blank)"


@given(st.text(max_size=60), st.integers(4, 30), st.booleans())
def test_a_short_name_is_always_one_line_of_at_most_so_many_columns(name: str, width: int, keep_end: bool) -> None:
    line = short(name, width, keep_end=keep_end)
    assert len(line.splitlines()) == 1
    assert formats.text_columns(line) <= max(width, len("(blank)"))


@given(st.text(max_size=60))
def test_a_name_in_the_page_is_always_one_line_without_bare_markup(text: str) -> None:
    line = markdown(text)
    assert len(line.splitlines()) <= 1
    parts = [part.type for block in MarkdownIt("commonmark").parse(line) for part in block.children or ()]
    assert set(parts) <= {"text", "code_inline"}

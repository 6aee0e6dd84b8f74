"""Labels of days stand where their own lines lead, whatever days are marked."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from retail_assets.eda.figures.marked_days import Mark, mark_days
from retail_assets.plotting.dates import date_axis
from retail_assets.plotting.sheet import Sheet
from retail_assets_tests.plotting.legible import _meets, _pieces, faults
from retail_assets_tests.trials import trials

FIRST = dt.date(2023, 1, 1)


def marked(days: list[int], span: int, notes: list[str] | None = None, scale: float = 1.0) -> Sheet:
    sheet = Sheet("A finding", "How to read it.", "Source: sales of 2023.")
    axes = sheet.axes("y")
    pairs = zip(days, notes or ["1.9 × usual"] * len(days), strict=True)
    marks = [Mark(FIRST + dt.timedelta(d), scale * (100 + 37 * (d % 11)), note, d % 7) for d, note in pairs]
    last = FIRST + dt.timedelta(span)
    top = mark_days(axes, marks, {dt.date(2023, 12, 25): "Christmas Day"}, (FIRST, last), (0.0, 500.0))
    axes.set_ylim(0, top)
    date_axis(axes, FIRST, last)
    return sheet


def leads(sheet: Sheet) -> list[tuple[str, list[str]]]:
    """The label at the end of each line, and the other labels that it runs through, hidden or not."""
    sheet.figure.draw_without_rendering()
    (axes,) = sheet.figure.axes
    boxes = {text.get_text(): Text.get_window_extent(text) for text in axes.texts}
    result = []
    for line in axes.lines:
        points = np.asarray(line.get_xydata(), dtype=float)
        if len(points) == 3:
            drawn = axes.transData.transform(points)
            near = [words for words, box in boxes.items() if box.padded(4).contains(*drawn[-1])]
            through = [w for w, box in boxes.items() if _meets(_pieces(drawn, None), box.padded(-2)) and w not in near]
            result.append((near[0] if len(near) == 1 else "", through))
    return result


@pytest.mark.slow
@given(st.lists(st.integers(0, 364), min_size=1, max_size=6, unique=True))
@settings(max_examples=trials(10, 300), deadline=None)
def test_each_line_ends_at_a_label_and_runs_through_no_other(days: list[int]) -> None:
    """23 Dec once led to the label of 22 Nov."""
    sheet = marked(days, 364)
    ends = leads(sheet)
    assert all(label and not through for label, through in ends), ends
    assert len(ends) == len({label for label, _ in ends}) == len(sheet.figure.axes[0].texts)
    assert faults(sheet.figure) == []


def test_amounts_are_written_as_in_titles() -> None:
    """A title once said 17.57 and the label below it 17.6."""
    sheet = marked([3], 364, scale=0.1)
    assert sheet.figure.axes[0].texts[0].get_text().startswith("4 Jan: 21.10\n")


def test_days_that_cannot_be_told_apart_share_a_label() -> None:
    sheet = marked([355, 356], 364)
    (text,) = sheet.figure.axes[0].texts
    assert text.get_text() == "22 Dec: 211\n23 Dec: 248\nbefore Christmas Day"
    different = marked([100, 101], 364, ["1.9 × usual", "2.5 × usual"])
    assert different.figure.axes[0].texts[0].get_text() == "11 Apr: 137, 1.9 × usual\n12 Apr: 174, 2.5 × usual"


def test_where_not_all_labels_fit_the_largest_stay_and_every_day_keeps_its_dot() -> None:
    sheet = marked([10, 60, 120, 200, 300, 350], 364, ["a long word about this day, really"] * 6)
    (axes,) = sheet.figure.axes
    assert 1 <= len(axes.texts) < 6
    assert sum(line.get_marker() == "o" for line in axes.lines) == 6
    assert faults(sheet.figure) == []

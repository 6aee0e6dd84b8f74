"""A figure depends on its data only: no state between figures, no time, no version, and no text that is cut off."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import struct
import subprocess
import sys

import numpy as np
import pytest

from retail_assets.plotting.axes import money_axis
from retail_assets.plotting.dates import date_ticks
from retail_assets.plotting.fitting import lines, spread, width
from retail_assets.plotting.image import thumbnail
from retail_assets.plotting.sheet import Sheet

LONG = "A title that is longer than the figure is wide, as those of findings with several numbers in them sometimes are"


def size_of(image: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", image[16:24])
    return width, height


def test_the_same_sheet_gives_the_same_bytes_without_time_or_version() -> None:
    def drawn() -> bytes:
        sheet = Sheet("Books cost $5, toys $6", "How to read it.", "What it is made from.")
        sheet.axes("y").plot([1, 2, 3])
        return sheet.png()

    image = drawn()
    assert image == drawn()
    assert size_of(image) == (1100, 649)
    assert not re.search(rb"tEXt|tIME|iTXt", image)


@pytest.mark.slow
def test_a_thumbnail_is_readable_and_light() -> None:
    sheet = Sheet("A finding", "How to read it.", "What it is made from.")
    sheet.axes().imshow([[(i * j) % 251 for i in range(300)] for j in range(300)], aspect="auto")
    small = thumbnail(sheet.png())
    assert size_of(small)[0] == 720
    assert len(small) <= 60_000


@pytest.mark.parametrize("panels", [1, 3])
def test_a_headline_that_is_too_long_is_wrapped_and_not_cut_off(panels: int) -> None:
    """The evidence above several panels was once cut off."""
    sheet = Sheet(LONG, f"{LONG}; {LONG}", "Source.", height=4)
    axes, figure = sheet.small_panels(1, panels), sheet.figure
    figure.draw_without_rendering()
    finding, note, _ = figure.texts
    assert finding.get_text().replace("\n", " ") == LONG
    assert "\n" in note.get_text()
    for text in (finding, note):
        assert text.get_window_extent().x1 <= figure.bbox.width
    assert axes[0].get_window_extent().y1 < note.get_window_extent().y0
    assert note.get_window_extent().y1 < finding.get_window_extent().y0


@pytest.mark.parametrize("text", ["W" * 200, "\u98f2" * 200, "a " * 300, "", "word"])
def test_lines_are_as_wide_as_they_may_be_and_lose_no_word(text: str) -> None:
    broken = lines(text, 200, 10)
    assert all(width(line, 10) <= 200 for line in broken)
    assert "".join(broken).replace(" ", "") == text.replace(" ", "") or broken[-1].endswith("\u2026")


def test_no_line_ends_within_a_date_a_percentage_or_an_amount() -> None:
    text = "On 22 Nov 2017 it was 8.7 % of USD 4.60 M or 1.9 × the usual: p < 0.001. " * 6
    ends = {(line.split()[-1], after.split()[0]) for points in range(150, 200)
            for line, after in itertools.pairwise(lines(text, points, 10))}  # fmt: skip
    broken = {
        ("22", "Nov"),
        ("Nov", "2017"),
        ("8.7", "%"),
        ("USD", "4.60"),
        ("4.60", "M"),
        ("1.9", "×"),
        ("p", "<"),
        ("<", "0.001."),
    }
    assert len(ends) > 5
    assert not ends & broken


def test_ticks_have_one_unit_and_all_their_digits() -> None:
    """0.5 and 1.5 were once written as 0 and 2."""
    axes = Sheet("A finding", "How to read it.", "Source.", height=4).axes()
    money_axis(axes, "y", "revenue ($)")
    shown = {}
    for top in (2, 12_000, 2_000_000):
        axes.set_ylim(0, top)
        axes.figure.draw_without_rendering()
        shown[top] = [tick.get_text() for tick in axes.get_yticklabels()][:3]
    assert shown == {2: ["0", "0.5", "1"], 12_000: ["0", "2,000", "4,000"], 2_000_000: ["0", "0.5 M", "1 M"]}


@pytest.mark.parametrize(
    ("first", "days", "labels"),
    [
        (dt.date(2017, 12, 5), 60, ["15 Dec\n2017", "1 Jan\n2018", "15 Jan", "1 Feb"]),
        (dt.date(2017, 11, 5), 100, ["Nov\n2017", "Dec", "Jan\n2018", "Feb"]),
        (dt.date(2017, 12, 30), 4, ["30 Dec\n2017", "31 Dec", "1 Jan\n2018", "2 Jan", "3 Jan"]),
    ],
)
def test_each_date_is_read_without_the_others(first: dt.date, days: int, labels: list[str]) -> None:
    axes = Sheet("A finding", "How to read it.", "Source.", height=4).axes()
    axes.plot(np.array([first, first + dt.timedelta(days)], dtype="datetime64[D]"), [1, 2])
    date_ticks(axes, most=5)
    axes.figure.draw_without_rendering()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == labels
    assert axes.xaxis.get_offset_text().get_text() == ""


def test_places_that_touch_are_moved_apart_around_their_mean() -> None:
    assert spread(np.array([1.0, 1.0, 1.0, 8.0, 9.9]), 1.0, 0.0, 10.0).tolist() == [0.0, 1.0, 2.0, 8.0, 9.9]
    assert spread(np.array([9.0, 9.5, 10.0]), 1.0, 0.0, 10.0).tolist() == [8.0, 9.0, 10.0]
    assert spread(np.array([]), 1.0, 0.0, 10.0).tolist() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("retail_assets.wording.formats", "matplotlib"),
        ("retail_assets.plotting.labels", "matplotlib"),
        ("retail_assets.plotting.sheet", "matplotlib.pyplot"),
        ("retail_assets.eda.figures.render", "matplotlib.pyplot"),
        ("retail_assets.forecasting.figures.backtest", "matplotlib.pyplot"),
        ("retail_assets.forecasting.figures.forecast", "matplotlib.pyplot"),
        ("retail_assets.segmentation.figures.draw", "matplotlib.pyplot"),
    ],
)
def test_writing_needs_no_matplotlib_and_drawing_no_pyplot_whose_state_is_global(module: str, unwanted: str) -> None:
    program = f"import sys, {module}; sys.exit({unwanted!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

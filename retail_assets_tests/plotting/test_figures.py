"""A figure depends on its data only: no state between figures, no time, no version, and no text that is cut off."""

from __future__ import annotations

import re
import struct
import subprocess
import sys

import pytest

from retail_assets.plotting.image import png, thumbnail
from retail_assets.plotting.panels import grid_of_panels, headline, one_panel
from retail_assets.plotting.sheet import SALES_LOOK, SEGMENTS_LOOK, Look, Sheet, statement

LONG = "A title that is longer than the figure is wide, as those of findings with several numbers in them sometimes are"


def size_of(image: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", image[16:24])
    return width, height


@pytest.mark.parametrize("look", [SALES_LOOK, SEGMENTS_LOOK], ids=["sales", "segments"])
def test_the_same_sheet_gives_the_same_bytes_without_time_or_version(look: Look) -> None:
    def drawn() -> bytes:
        sheet = Sheet("Books cost $5, toys $6", "How to read it.", "What it is made from.", look=look)
        sheet.axes("y").plot([1, 2, 3])
        return sheet.png()

    image = drawn()
    assert image == drawn()
    assert size_of(image) == (1100, 649)
    assert not re.search(rb"tEXt|tIME|iTXt", image)


def test_a_statement_is_a_figure_too() -> None:
    assert size_of(statement("There is nothing to draw", "There are no sales yet.")) == (1100, 352)


@pytest.mark.slow
def test_a_thumbnail_is_narrow_and_light() -> None:
    figure, axes = one_panel(10, 5)
    axes.imshow([[(i * j) % 251 for i in range(300)] for j in range(300)], aspect="auto")
    small = thumbnail(png(figure))
    assert size_of(small)[0] == 480
    assert len(small) < 40_000


@pytest.mark.parametrize("width", [6.4, 10])
def test_a_headline_that_is_too_long_is_wrapped_and_not_cut_off(width: float) -> None:
    figure, axes = one_panel(width, 4)
    headline(figure, LONG, f"{LONG}; {LONG}", axes)
    figure.draw_without_rendering()
    for text in (*figure.texts, axes.title, axes._left_title):  # type: ignore[attr-defined]
        assert text.get_window_extent().x1 <= figure.bbox.width
    assert "\n" in axes.get_title(loc="left")


def test_a_headline_over_several_panels_keeps_its_evidence_below_the_finding() -> None:
    figure, _ = grid_of_panels(1, 3, 12, 4)
    headline(figure, "A finding", "Its evidence")
    note = next(text for text in figure.texts if text.get_text() == "Its evidence")
    finding = next(text for text in figure.texts if text.get_text().startswith("A finding"))
    assert note.get_window_extent().y0 >= finding.get_window_extent().y0 - 2
    assert note.get_window_extent().y1 < finding.get_window_extent().y1


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

"""The measure of legibility finds each fault that is planted, and none in a figure that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cycler import cycler
from matplotlib import rc_context
from matplotlib.axes import Axes

from retail_assets.plotting.palette import INK, SERIES
from retail_assets.plotting.sheet import Sheet
from retail_assets_tests.plotting.legible import faults


@pytest.fixture(autouse=True)
def _palette() -> Iterator[None]:
    with rc_context({"text.color": INK, "axes.prop_cycle": cycler(color=SERIES), "patch.linewidth": 0}):
        yield


def sheet() -> Sheet:
    made = Sheet("A finding", "How to read it.", "Source: sales, 1 Jan to 31 Dec 2017.")
    axes = made.axes("y")
    axes.plot([0, 10], [0, 10])
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    axes.set_xticks([2, 5, 8])
    return made


def test_a_figure_that_can_be_read_has_no_fault() -> None:
    made = sheet()
    made.figure.axes[0].text(2, 8, "a label")
    made.figure.axes[0].legend(["a line"], loc="lower right", frameon=False)
    assert faults(made.figure) == []


def overlapping(axes: Axes) -> None:
    axes.text(2, 8, "a label")
    axes.text(2.05, 8.05, "another")


def slanted(axes: Axes) -> None:
    for place in (2.0, 2.1):
        axes.text(place, 8, "a slanted label", rotation=35, rotation_mode="anchor", ha="right")


def on_the_title(axes: Axes) -> None:
    axes.text(0, 10, "too high", fontsize=60).set_in_layout(False)


def crossed(axes: Axes) -> None:
    axes.text(5, 5, "on the line", ha="center", va="center")


def crossed_through_glass(axes: Axes) -> None:
    """The median's label once had a white box that the line of the mean shone through."""
    axes.text(5, 5, "on the line", ha="center", va="center", bbox={"facecolor": "white", "alpha": 0.8})


def crossed_by_a_leader(axes: Axes) -> None:
    """Lines of stacked labels once ran through the labels below."""
    axes.text(2, 8, "a label", ha="center", va="center")
    axes.annotate("its neighbor", (2, 7), (2, 9), ha="center", arrowprops={"arrowstyle": "-"})


def crossed_by_a_span(axes: Axes) -> None:
    axes.text(2, 8, "a label", ha="center")
    axes.vlines([2], 0, 10)


def outside(axes: Axes) -> None:
    axes.set_in_layout(False)
    axes.text(10, 8, "far " * 60)


def on_a_bar(axes: Axes) -> None:
    axes.bar([2], [9])
    axes.text(2, 8, "a label", ha="center")


def rounded(axes: Axes) -> None:
    axes.set_yticks([0, 0.4, 1], ["0", "0", "1"])


def small(axes: Axes) -> None:
    axes.text(2, 8, "fine print", fontsize=7)


def of_another_color(axes: Axes) -> None:
    axes.plot([0, 10], [2, 2], color="#123456")


def of_another_scale(axes: Axes) -> None:
    axes.imshow([[1, 2]], cmap="viridis", extent=(0, 10, 0, 10))


def at_the_corner(axes: Axes) -> None:
    axes.set_xticks([0, 5], ["0 %", "50 %"])
    axes.set_yticks([0, 10], ["0 %", "100 %"])


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (overlapping, "overlap: 'a label' and 'another'"),
        (slanted, "overlap: 'a slanted label' and 'a slanted label'"),
        (on_the_title, "overlap: "),
        (crossed, "crossed by a line: 'on the line'"),
        (crossed_through_glass, "crossed by a line: 'on the line'"),
        (crossed_by_a_leader, "crossed by a line: 'a label'"),
        (crossed_by_a_span, "crossed by a line: 'a label'"),
        (outside, "leaves the picture: 'far far"),
        (on_a_bar, "stands on a bar: 'a label'"),
        (rounded, "ticks that read the same: '0'"),
        (small, "too small (7.0 points): 'fine print'"),
        (of_another_color, "not of the palette: #123456"),
        (of_another_scale, "another scale of colors: viridis"),
        (at_the_corner, "twice at the corner: '0 %'"),
    ],
)
def test_a_planted_fault_is_found(plant: Callable[[Axes], None], fault: str) -> None:
    made = sheet()
    plant(made.figure.axes[0])
    assert any(found.startswith(fault) for found in faults(made.figure)), faults(made.figure)


def test_a_line_that_ends_at_the_white_box_of_a_text_does_not_cross_it() -> None:
    made = sheet()
    made.figure.axes[0].text(5, 5, "on the line", ha="center", bbox={"facecolor": "white", "edgecolor": "none"})
    assert faults(made.figure) == []


def test_slanted_labels_side_by_side_do_not_overlap() -> None:
    made = sheet()
    for place in (3, 4):
        made.figure.axes[0].text(place, 9, "a slanted label", rotation=35, rotation_mode="anchor", ha="right")
    assert faults(made.figure) == []


def test_a_sentence_that_is_cut_off_is_found() -> None:
    assert faults(Sheet("word " * 200, "", "").figure)[0].startswith("cut off: ")


def test_a_figure_without_its_source_is_found() -> None:
    for source in ("What it is made from.", "Source: sales.", ""):
        made = Sheet("A finding", "How to read it.", source)
        assert [fault.partition(":")[0] for fault in faults(made.figure)] == ["without source and period"]


def test_the_same_month_of_another_year_is_another_tick() -> None:
    made = sheet()
    made.figure.axes[0].set_xticks([1, 3, 5, 7], ["Jan\n2023", "Feb", "Jan\n2024", "Feb"])
    assert faults(made.figure) == []

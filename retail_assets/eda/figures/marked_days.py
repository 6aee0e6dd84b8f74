"""Days that are pointed out on a line of revenue: a dot each, and above all data its date, value and reason.

Labels stand in one row, in the order of the days, and each line rises to the row before it bends to its label: lines
never cross, so no label can be taken for that of another day. Days too close to be told apart share a label.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes

from retail_assets.plotting.dates import padding
from retail_assets.plotting.fitting import width
from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import INK, MUTED, ON_WHITE, ORANGE
from retail_assets.plotting.typography import SMALL
from retail_assets.wording.formats import day, day_of_year, money, short

_SIZE = SMALL
_ROW_POINTS, _GAP_POINTS = 610, 9
"""Width of the row of labels, at least, and between two of them."""
_TOGETHER = 0.012
"""Part of the axis below which two days are one place."""
_RISE, _BEND, _LINE = 0.03, 0.05, 0.052
"""Heights above the data, as parts of their range: the line, its bent part, and one line of text."""


class Mark(NamedTuple):
    """A day to point out: its value, a few words, and how much it matters where not all labels fit."""

    date: dt.date
    value: float
    note: str
    weight: float = 1.0


class _Label(NamedTuple):
    marks: tuple[Mark, ...]
    lines: tuple[str, ...]

    @property
    def points(self) -> float:
        return max(width(line, _SIZE) for line in self.lines)

    @property
    def top(self) -> Mark:
        return max(self.marks, key=lambda mark: mark.value)


def mark_days(
    axes: Axes,
    marks: Sequence[Mark],
    free_days: Mapping[dt.date, str],
    dates: tuple[dt.date, dt.date],
    values: tuple[float, float],
) -> float:
    """Draw the marks, and return the greatest value that the axis needs for their labels.

    `dates` and `values` are the least and the greatest of the data; `free_days` names public holidays.
    """
    first, last = dates
    if not marks:
        return values[1] + (values[1] - values[0]) * _RISE
    span = (last - first).days
    labels = [_label(group, free_days, span > 366) for group in _groups(marks, span)]
    while sum(of.points + _GAP_POINTS for of in labels) > _ROW_POINTS and len(labels) > 1:
        labels.remove(min(labels, key=lambda of: max(mark.weight for mark in of.marks)))
    for mark in marks:
        axes.plot([mdates.date2num(mark.date)], [mark.value], "o", color=ORANGE, markersize=6, zorder=5)
    low, high = values
    bend, foot = (high + (high - low) * part for part in (_RISE, _RISE + _BEND))
    pad = padding(first, last)
    begin, per_point = mdates.date2num(first) - pad, (span + 2 * pad) / _ROW_POINTS
    wanted = [(mdates.date2num(of.top.date) - begin) / per_point for of in labels]
    for of, middle in zip(labels, _middles(wanted, [of.points for of in labels]), strict=True):
        at, place = mdates.date2num(of.top.date), begin + middle * per_point
        reach = (of.points / 2 - 4) * per_point
        end = min(max(at, place - reach), place + reach)
        axes.plot([at, at, end], [of.top.value, bend, foot], color=MUTED, linewidth=0.7, zorder=4)
        axes.text(
            place, foot, plain("\n".join(of.lines)), ha="center", va="bottom", size=_SIZE, color=INK, linespacing=1.15,
            zorder=6, bbox=ON_WHITE,
        )  # fmt: skip
    return foot + (high - low) * (_LINE * max(len(of.lines) for of in labels) + 0.01)


def _groups(marks: Sequence[Mark], span: int) -> list[tuple[Mark, ...]]:
    groups: list[tuple[Mark, ...]] = []
    for mark in sorted(marks):
        if groups and (mark.date - groups[-1][-1].date).days < _TOGETHER * span:
            groups[-1] += (mark,)
        else:
            groups.append((mark,))
    return groups


def _label(marks: tuple[Mark, ...], free_days: Mapping[dt.date, str], with_year: bool) -> _Label:
    facts = [f"{(day if with_year else day_of_year)(m.date)}: {money(m.value, None)}" for m in marks]
    notes = [_holiday_near(m.date, free_days) or m.note for m in marks]
    if len(set(notes)) == 1:
        return _Label(marks, (*facts, notes[0]))
    return _Label(marks, tuple(f"{fact}, {note}" for fact, note in zip(facts, notes, strict=True)))


def _middles(wanted: list[float], points: list[float]) -> list[float]:
    """The middles of labels next to the places wanted, in their order, without overlap, and within the row."""
    starts: list[float] = []
    end = 0.0
    for place, size in zip(wanted, points, strict=True):
        starts.append(max(place - size / 2, end))
        end = starts[-1] + size + _GAP_POINTS
    limit = float(_ROW_POINTS)
    for at in reversed(range(len(starts))):
        starts[at] = min(starts[at], limit - points[at])
        limit = starts[at] - _GAP_POINTS
    return list(np.array(starts) + np.array(points) / 2)


def _holiday_near(date: dt.date, free_days: Mapping[dt.date, str]) -> str | None:
    """The public holiday on a day or within the three days after it."""
    near = next((free_days[d] for d in (date + dt.timedelta(k) for k in range(4)) if d in free_days), None)
    return f"{'' if date in free_days else 'before '}{short(near, 18)}" if near else None

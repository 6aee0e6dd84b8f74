"""What several figures of the forecast have in common: the axis of revenue, their source, the start of a sentence."""

from __future__ import annotations

import datetime as dt

from matplotlib.axes import Axes

from retail_assets.plotting.axes import axis_title, number_ticks
from retail_assets.wording import forecast_titles as wording


def revenue_axis(axes: Axes, currency: str, unit: str = "day") -> None:
    """Set the ticks and the title of an axis of revenue per day or week."""
    number_ticks(axes, "y")
    axis_title(axes, "y", f"revenue per {unit} ({currency})" if currency else f"revenue per {unit}")


def source(first_day: dt.date, last_day: dt.date) -> str:
    """Say what a figure of the forecast is made from."""
    return str(wording.source(first_day=first_day, last_day=last_day))


def capitalized(words: str) -> str:
    """Capitalize words at the start of a sentence; the others keep their case.

    >>> capitalized("the Theta method")
    'The Theta method'
    """
    return words[:1].upper() + words[1:]

"""What the charts of the report share: the frame of a Vega-Lite specification, axes, lists to choose from, names.

Texts and lines take the color of the page's text (`currentColor`), so that one drawing serves light and dark.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.exports.report.facts import Facts
from retail_assets.plotting.typography import PAGE_FONTS, PAGE_TEXT
from retail_assets.wording.formats import short

Spec = dict[str, Any]

ALL, OTHERS = "All categories", "All other categories"
_LONGEST_NAME = 28
#: A static picture is laid out in another font than the reader's, which may be wider.
ROOM_FOR_NAMES = {"left": 18, "right": 5, "top": 5, "bottom": 5}

#: Ticks as `wording.formats` writes them: `12,000`, `1.5 M`, `20 %`.
AMOUNT_TICKS = (
    "abs(datum.value) >= 1e9 ? format(datum.value / 1e9, ',~r') + ' bn' : "
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, ',~r') + ' M' : format(datum.value, ',~r')"
)
PERCENT_TICKS = "format(datum.value * 100, ',~r') + ' %'"


@dataclass(frozen=True)
class Chart:
    """A chart: `title` states what it shows, `text` the same for those who do not see it."""

    key: str
    title: str
    text: str
    spec: Spec


def spec_of(values: Sequence[Mapping[str, Any]], **parts: Any) -> Spec:
    """Return the specification of a chart of these values; `parts` are its mark, encoding, layers and so on."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 260,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "data": {"values": list(values)},
        "config": CONFIG,
        **parts,
    }


CONFIG: Spec = {
    "font": PAGE_FONTS,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridOpacity": 0.12,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "labelFontSize": PAGE_TEXT,
        "titleFontSize": PAGE_TEXT,
        "titleFontWeight": "normal",
        "titlePadding": 12,
    },
    "legend": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelFontSize": PAGE_TEXT,
        "orient": "top",
        "columnPadding": 24,
    },
    "text": {"color": "currentColor"},
}


def days_of(facts: Facts, first: dt.date, last: dt.date) -> list[dt.date]:
    """The days on which nothing sold is zero: all of them, but none where the source reports weeks or months."""
    if 2 * len({row["sale_date"] for row in facts.daily}) < facts.days:
        return []
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def height_of(bars: int) -> int:
    """Pixels of a chart of horizontal bars with its axis."""
    return 20 * bars + 50


def midnight(day: dt.date) -> str:
    """A day for Vega: midnight on the reader's clock. A day alone is midnight in Greenwich."""
    return f"{day.isoformat()}T00:00"


def day_axis(title: str | None = None) -> Spec:
    """Return the axis of days."""
    labels = {"labelExpr": "timeFormat(datum.value, '%-d %b %y')", "labelOverlap": True, "grid": False}
    return {"field": "d", "type": "temporal", "title": title, "axis": labels}


def money_axis(field: str, title: str) -> Spec:
    """Return an axis of money with few round ticks."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "axis": {"labelExpr": AMOUNT_TICKS, "tickCount": 5},
    }


def choice(name: str, label: str, words: Sequence[str], values: Sequence[int] | None = None) -> Spec:
    """A parameter that a list of `words` sets, the first by default: to their places, or to the `values` beside them.

    Places, not names, so that a category may be called anything.
    """
    options = list(range(len(words)) if values is None else values)
    bound = {"input": "select", "name": f"{label} ", "options": options, "labels": [short(w, 40) for w in words]}
    return {"name": name, "value": options[0], "bind": bound}


def labels(names: Sequence[str], width: int = _LONGEST_NAME) -> list[str]:
    """Names that fit beside a bar, each different from the others."""
    fitted = [short(name, width) for name in names]
    return [name if fitted.count(label) > 1 else label for name, label in zip(names, fitted, strict=True)]

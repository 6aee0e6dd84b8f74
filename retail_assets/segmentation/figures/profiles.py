"""Bars that compare the segments: what their customers are like, and what they are worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from retail_assets.plotting.axes import number_ticks, percent_ticks
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, GRAY, INK, MUTED, SKY
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS, SMALL
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.figures.style import in_order, label, marks, source
from retail_assets.segmentation.model.features import eligible
from retail_assets.segmentation.personas.catalog import DEFAULT, NAMING_FEATURES, Catalog
from retail_assets.wording import segment_titles
from retail_assets.wording.formats import money, number, percent, rough_percent
from retail_assets.wording.leading import sharing_the_lead

_WORDS = {
    "frequency": "purchases",
    "monetary": "spending",
    "average_basket": "average basket",
    "recency": "days since\nlast purchase",
    "top_month_share": "share spent\nin best month",
}
_MONEY = ("median_monetary", "median_average_basket")
_MEDIANS = ("median_frequency", "median_monetary", "median_average_basket", "median_recency_days")


def segment_profiles(inputs: FigureInputs, *, catalog: Catalog = DEFAULT, currency: str | None = None) -> bytes:
    """Draw how far the mean customer of each persona is from the average one, by feature, with the medians as text.

    The bars are on the scale of the yardstick.
    """
    evaluation = inputs.evaluation
    chosen = eligible(inputs.sample)
    segments = evaluation["segments"]
    names = [n for n in in_order(set(inputs.names[chosen]), catalog) if n in segments]
    if evaluation["k"] is None or not names:
        raise NothingToShow(f"there are no segments to compare. {evaluation['verdict']}")
    means = np.array([inputs.scores[chosen & (inputs.names == name)].mean(axis=0) for name in names])
    spread = means.max(axis=0) - means.min(axis=0)
    widest = sharing_the_lead(dict(zip(NAMING_FEATURES, spread.tolist(), strict=True)))
    strongest = [_WORDS[feature].replace("\n", " ") for feature in widest]
    note = segment_titles.profiles_note(clustered=evaluation["clustered_customers"])
    sheet = Sheet(
        segment_titles.profiles(features=strongest).text if len(names) > 1 else f"There is one segment: {names[0]}",
        segment_titles.profiles_reading(currency=currency).text,
        f"{source(evaluation, inputs.days)} {note}",
        height=max(3.8, 2.4 + 0.62 * len(names)),
    )
    styles = marks(catalog, names)
    reach = max(0.5, float(np.abs(means).max()) * 1.75)
    places = np.arange(len(names), dtype=float)
    for column, (axes, feature) in enumerate(zip(sheet.panels(len(NAMING_FEATURES)), NAMING_FEATURES, strict=True)):
        axes.barh(places, means[:, column], height=0.62, color=[styles[name][0] for name in names])
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_title(_WORDS[feature], fontsize=AXIS, color=INK)
        number_ticks(axes, "x")
        axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True, integer=reach > 1.2))
        axes.spines["left"].set_visible(False)
        axes.set_yticks(places, [label(name) for name in names])
        for place, name, value in zip(places, names, means[:, column], strict=True):
            _text_at_bar(axes, _median(segments[name], column), value, place, INK)
    sheet.figure.axes[0].invert_yaxis()
    return sheet.png()


def segment_revenue(evaluation: Mapping[str, Any], days: str, *, catalog: Catalog = DEFAULT) -> bytes:
    """Draw each persona's share of customers, of revenue, and, out of time, of the next quarter's revenue.

    `days` says which sales these are.
    """
    segments: Mapping[str, Any] = evaluation["segments"]
    if not segments:
        raise NothingToShow(f"there are no segments. {evaluation['verdict']}")
    names = list(segments)
    quarter = evaluation["next_quarter"]
    later = quarter["segments"] if evaluation["high_value"]["next_revenue_share"] else {}
    series: list[tuple[str, str, str, list[float | None]]] = [
        ("share of customers", GRAY, "undefined", [segments[name]["customers_share"] for name in names]),
        ("share of revenue", BLUE, "undefined", [segments[name]["revenue_share"] for name in names]),
    ]
    note = segment_titles.revenue_note(
        then=_date(quarter["segments_as_of"]) if later else None,
        until=_date(quarter["revenue_until"]) if later else None,
    )
    if later:
        # Personas without a share of the next quarter had no customers when it began.
        shares = [_share_then(later, name, catalog) for name in names]
        series.append(("share of the next quarter's revenue", SKY, "no such segment then", shares))
    sheet = Sheet(
        _revenue_title(segments, everyone_known=not evaluation["anonymous"]["lines"]),
        "A segment whose share of revenue exceeds its share of customers is worth more than average per customer.",
        f"{days} {note}",
        height=max(3.8, 2.3 + 0.78 * len(names)),
    )
    axes = sheet.axes("x")
    axes.spines["left"].set_visible(False)
    height = 0.8 / len(series)
    places = np.arange(len(names))
    for row, (name, color, missing, shares) in enumerate(series):
        offset = (row - (len(series) - 1) / 2) * height
        _share_bars(axes, places + offset, shares, height * 0.9, color, name, missing)
    axes.set_yticks(places, [label(name) for name in names])
    axes.set_ylim(len(names) - 0.45, -0.55)
    known = [share for *_, shares in series for share in shares if share is not None]
    low, high = min(0.0, *known, 0.0), max(*known, 0.05)
    room = 0.15 * (high - low)  # for the numbers at the ends of the bars
    axes.set_xlim(low - room if low < 0 else 0, high + room)
    percent_ticks(axes, "x")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.axvline(0, color=MUTED, linewidth=0.8)
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet.png()


def _revenue_title(segments: Mapping[str, Any], *, everyone_known: bool) -> str:
    if len(segments) == 1:
        (name,) = segments
        return segment_titles.one_segment(persona=name, everyone_known=everyone_known).text
    leading = max(segments, key=lambda name: float(segments[name]["revenue"]))
    profile = segments[leading]
    if profile["revenue_share"] is None:
        return "Returns exceed sales, so shares of revenue are undefined"
    return segment_titles.revenue(
        persona=leading,
        customers=profile["customers"],
        customers_share=profile["customers_share"],
        revenue_share=profile["revenue_share"],
        everyone_known=everyone_known,
        few=LEAST_CUSTOMERS,
    ).text


def _share_then(later: Mapping[str, Any], name: str, catalog: Catalog) -> float | None:
    """A persona's share of the next quarter, under the name that it had when it began; None if it had no customers."""
    then = next((before for before in sorted(later, key=name.__ne__) if catalog.same_persona(before, name)), None)
    return later[then]["next_revenue_share"] if then is not None else None


def _share_bars(
    axes: Axes,
    places: np.ndarray,
    shares: Sequence[float | None],
    height: float,
    color: str,
    name: str,
    missing: str,
) -> None:
    """Draw horizontal bars with their shares as text; `missing` is the text where there is no share."""
    bars = axes.barh(places, [share or 0.0 for share in shares], height=height, color=color, label=name)
    for bar, share in zip(bars, shares, strict=True):
        middle = bar.get_y() + bar.get_height() / 2
        if share is None:
            _text_at_bar(axes, missing, 0.0, middle, MUTED)
        else:
            _text_at_bar(axes, rough_percent(share), share, middle, INK)


def _text_at_bar(axes: Axes, text: str, value: float, place: float, color: str) -> None:
    """Write text at the end of a horizontal bar."""
    axes.annotate(
        text, (value, place), (3 if value >= 0 else -3, 0), textcoords="offset points", va="center",
        ha="left" if value >= 0 else "right", fontsize=SMALL, color=color,
    )  # fmt: skip


def _median(profile: Mapping[str, Any], feature: int) -> str:
    """The median of a feature as text."""
    if feature == len(_MEDIANS):
        share = profile["median_top_month_share"]
        return "–" if share is None else percent(share, 0)
    value = float(profile[_MEDIANS[feature]])
    return money(value, None) if _MEDIANS[feature] in _MONEY else number(value)


def _date(iso: str) -> dt.date:
    return dt.date.fromisoformat(iso)

"""Titles and notes of the figures of the segments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from retail_assets.wording.formats import day, listed, percent, plural, rough_percent, short, span
from retail_assets.wording.statement import phrase

_NAME = 31
"""Columns of a name in a title."""


@phrase("segment_titles.source")
def source(*, days: int, last_day: dt.date) -> str:
    """State the sales that a figure of the segments is made from."""
    return f"Source: sales of the {plural(days, 'day')} to {day(last_day)}."


@phrase("segment_titles.moves_source")
def moves_source(*, start: dt.date, to: dt.date) -> str:
    """State the two segmentations that moves are between."""
    return f"Source: segments of the customers on {day(start)} and on {day(to)}."


@phrase("segment_titles.map")
def map_title(*, segments: int, separate: bool) -> str:
    """State whether the customers on the map are separate groups or parts of one cloud."""
    return (
        f"Customers form {plural(segments, 'separate group')}"
        if separate
        else f"Customers form one cloud, divided into {plural(segments, 'segment')}"
    )


@phrase("segment_titles.map_reading")
def map_reading(*, silhouette: float) -> str:
    """State what the points and axes of the map are, and how far the groups lie apart."""
    return (
        "Each point is a customer. The axes are the two combinations of purchases, spending and average basket in "
        "which customers differ most (principal components of the standardized values). "
        f"Silhouette {silhouette:.2f}; 1 would be fully separate groups."
    )


@phrase("segment_titles.map_note")
def map_note(*, clustered: int, drawn: int, others: int) -> str:
    """State how many customers are clustered, how many of them are drawn, and how many are in groups of a rule."""
    note = f"{plural(clustered, 'customer')} in segments found by clustering"
    note += f", of which a random {drawn:,} are drawn." if drawn < clustered else "."
    if others:
        note += f" Not on the map: {plural(others, 'customer')} in segments defined by a rule."
    return note


@phrase("segment_titles.baskets_note")
def baskets_note(*, customers: int) -> str:
    """State of how many customers the average baskets are."""
    return f"{plural(customers, 'customer')} with an average basket above zero."


@phrase("segment_titles.profiles")
def profiles(*, features: Sequence[str]) -> str:
    """State the feature in which the means of the segments are farthest apart, or those that share the lead."""
    return f"The segments differ most in {listed(features)}"


@phrase("segment_titles.profiles_reading")
def profiles_reading(*, currency: str | None) -> str:
    """State what the bars and the numbers of the profiles are."""
    return (
        "Bars: how far the segment's mean is from the average customer, in standard deviations, each feature on a "
        "scale that draws in its extremes; only the first three cluster customers. Numbers: medians of its customers"
        + (f", money in {currency}." if currency else ".")
    )


@phrase("segment_titles.profiles_note")
def profiles_note(*, clustered: int) -> str:
    """State which customers the profiles are of."""
    return f"{plural(clustered, 'customer')} in segments found by clustering."


@phrase("segment_titles.revenue")
def revenue(
    *, persona: str, customers: int, customers_share: float, revenue_share: float, everyone_known: bool, few: int
) -> str:
    """State the share of customers and of revenue of the segment that brings most; few customers are called so."""
    only = f" ({plural(customers, 'customer')} only)" if customers < few else ""
    of, whose = ("customers", "revenue") if everyone_known else ("known customers", "known customers' revenue")
    return f"{persona}{only}: {rough_percent(customers_share)} of {of}, {rough_percent(revenue_share)} of {whose}"


@phrase("segment_titles.one_segment")
def one_segment(*, persona: str, everyone_known: bool) -> str:
    """State that there is one segment."""
    return f"All {'' if everyone_known else 'known '}customers are in one segment: {persona}"


@phrase("segment_titles.revenue_note")
def revenue_note(*, then: dt.date | None, until: dt.date | None) -> str:
    """State what the shares are of, and that those of the next quarter are of the segments of another day."""
    note = "Revenue is net of returns."
    if then and until:
        note += (
            f" Next quarter: other segments, those of {day(then)} under the same names, and what their customers spent "
            f"from then until {day(until)}."
        )
    return note


@phrase("segment_titles.kept")
def kept(*, share: float, customers: int, start: dt.date, to: dt.date) -> str:
    """State how many of the customers with a segment are in the same one later, or by another model of the same day."""
    when = f"from {span(start, to)}" if start != to else f"when the model changed on {day(to)}"
    return f"{percent(share, 0)} of {plural(customers, 'customer')} kept their segment {when}"


@phrase("segment_titles.all_new")
def all_new(*, start: dt.date, to: dt.date) -> str:
    """State that nobody with a segment had one before."""
    return f"All customers of {day(to)} are new since {day(start)}"


@phrase("segment_titles.preference")
def preference(*, persona: str, category: str, ratio: str, index: float) -> str:
    """State the largest ratio of a segment's share of spending on a category to that of all customers.

    It is the largest among those that are worth acting on. `ratio` is `index` in words: a huge one is not written out.
    """
    who, what = (short(name, _NAME, keep_end=False) for name in (persona, category))
    return f"{who}: {ratio} the usual share of {what}"


@phrase("segment_titles.no_preference")
def no_preference(*, points: float) -> str:
    """State that no segment's share of spending on a category exceeds that of the others by so many `points`."""
    return f"No segment prefers a category by {points:.0f} percentage points of its spending"


@phrase("segment_titles.categories_note")
def categories_note(*, shown: int, categories: int, points: float) -> str:
    """State how many of the categories are shown, and from which difference on, in `points`, the title names one."""
    which = f"The {shown} largest of {categories} categories, largest first."
    if categories <= shown:
        which = "Largest category first."
    return (
        f"{which} The title names a share only where it exceeds that of the other customers by {points:.0f} percentage "
        "points or more."
    )


@phrase("segment_titles.nothing_to_compare")
def nothing_to_compare(*, least: int, categories: int, segments: int) -> str:
    """State that there are too few categories or segments to compare what segments buy."""
    return (
        f"The comparison needs two categories and two segments of at least {least} customers. There are "
        f"{plural(categories, 'category', 'categories')} in {plural(segments, 'segment')} of that size."
    )

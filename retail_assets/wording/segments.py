"""Sentences of the evaluation of the segments: the verdict, what could not be measured, and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from retail_assets.wording.formats import day, money, percent, plural
from retail_assets.wording.statement import phrase


@phrase("segments.nobody")
def nobody() -> str:
    """State that no customer is known."""
    return "No sale has a customer id, so there is nobody to segment."


@phrase("segments.bought_once")
def bought_once(*, customers: int, last_day: dt.date, days: int) -> str:
    """State that no customer of the window bought twice."""
    return (
        f"All {customers:,} customers of the {plural(days, 'day')} to {day(last_day)} bought exactly once. With one "
        "purchase per customer there is no purchase frequency to segment by, so no personas are given."
    )


@phrase("segments.too_few")
def too_few(*, twice: int, customers: int, last_day: dt.date, days: int, least: int) -> str:
    """State that fewer than `least` customers can be clustered: those who bought `twice`, of all that are known."""
    return (
        f"Only {twice:,} of {plural(customers, 'customer')} bought at least twice in the {plural(days, 'day')} to "
        f"{day(last_day)} and paid something after returns. Clustering takes at least {least}, so no personas are "
        "given."
    )


@phrase("segments.alike")
def alike(*, customers: int, last_day: dt.date, days: int) -> str:
    """State that no number of clusters separates the customers who bought twice."""
    return (
        f"The {customers:,} customers who bought at least twice in the {plural(days, 'day')} to {day(last_day)} are "
        "alike in frequency, spend and basket, so there are no segments to find."
    )


@phrase("segments.verdict")
def verdict(
    *,
    segments: int,
    customers: int,
    silhouette: float,
    separated: str,
    bootstrap_ari: float | None,
    stable: str | None,
    agree: bool,
    few: int,
    many: int,
) -> str:
    """State how far the segments lie apart and whether resamples give the same ones, in words and figures.

    `agree` says whether the two point the same way. Of fewer than `few` customers nothing is said about resamples, and
    fewer than `many` are called so.
    """
    only = "only " if customers < many else ""
    text = f"{segments} segments of {only}{customers:,} customers: {separated} separated (silhouette {silhouette:.2f})"
    if customers < few:
        text += f"; with fewer than {few} customers, they describe these customers and no others"
    elif bootstrap_ari is not None:
        text += f" {'and' if agree else 'but'} {stable} when trained on resamples (bootstrap ARI {bootstrap_ari:.2f})"
    return f"{text}."


@phrase("segments.worth")
def worth(
    *,
    persona: str,
    cutoff: dt.date,
    until: dt.date,
    members: int,
    customers_share: float,
    revenue_share: float,
    ranking_share: float,
    few: int,
) -> str:
    """State what the customers who were in a persona at the cut-off brought afterwards; fewer than `few` are called so.

    Shares are of all customers who had bought by the cut-off, and of what they spent after it; `ranking_share` is that
    of as many who had spent most.
    """
    only = f" ({plural(members, 'customer')} only)" if members < few else ""
    return (
        f"Of the customers who had bought by {day(cutoff)}, {percent(customers_share)} were in {persona}{only}; they "
        f"brought {percent(revenue_share)} of what all these customers spent after that, until {day(until)} (as many "
        f"customers who had spent most: {percent(ranking_share)})."
    )


@phrase("segments.no_foresight")
def no_foresight(*, persona: str, lift: float, least: float, stable: bool) -> str:
    """State that a persona brought about its share of the later revenue: that it predicts nothing.

    `lift` is its share of the later revenue, divided by its share of the customers; below `least` it predicts nothing.
    """
    found_again = "The segments are found again in resamples, yet " if stable else "Besides, "
    return (
        f"{found_again}{persona} predicts little or nothing: per customer, its members spent {lift:.2f} times as much "
        f"afterwards as all these customers (from {least:.1f} times on it would count)."
    )


@phrase("segments.few_clustered")
def few_clustered(*, customers: int) -> str:
    """State that so few customers could be clustered that the segments hold for nobody else."""
    return (
        f"Only {plural(customers, 'customer')} could be clustered: the segments describe these customers and no others."
    )


@phrase("segments.loosely_named")
def loosely_named(*, persona: str, cosine: float) -> str:
    """State that a cluster is far from the prototype of its persona."""
    return f"{persona} resembles its persona only slightly (cosine {cosine:.2f}): go by its profile, not by its name."


@phrase("segments.names_compared")
def names_compared(*, months: int, first: dt.date, last: dt.date, window_days: int) -> str:
    """State what the shares of kept names were measured on."""
    return (
        f"name_agreement, kept_month_to_month and months_kept compare {months} month ends from {day(first)} to "
        f"{day(last)}, each with a window of {window_days} days and a model retrained for that month. They count "
        "customers who are clustered in both months; months.kept_where_leaving_counts also counts those who left for a "
        "group defined by a rule."
    )


@phrase("segments.names_too_short")
def names_too_short(*, first: dt.date, last: dt.date, least: int) -> str:
    """State that the sales are too short to compare names of two months."""
    return (
        f"The sales go from {day(first)} to {day(last)}. Comparing names takes two month ends with {least} days of "
        "sales before each."
    )


@phrase("segments.quarter_too_short")
def quarter_too_short(*, first: dt.date, last: dt.date, least: int) -> str:
    """State that the sales are too short to see what a segment brings next."""
    return (
        f"The sales go from {day(first)} to {day(last)}. Measuring what a segment brings next takes {least} days of "
        "sales and three whole months after them."
    )


@phrase("segments.no_later_revenue")
def no_later_revenue(*, cutoff: dt.date, until: dt.date) -> str:
    """State that the customers of the cut-off brought nothing afterwards."""
    return f"The customers who had bought by {day(cutoff)} brought no net revenue after it, until {day(until)}."


@phrase("segments.nobody_in")
def nobody_in(*, persona: str, cutoff: dt.date) -> str:
    """State that a persona had no customers at the cut-off."""
    return f"No customer was in {persona} on {day(cutoff)}."


@phrase("segments.quarter_scope")
def quarter_scope(*, customers: int, cutoff: dt.date, until: dt.date) -> str:
    """State whose revenue the shares of `high_value` are of."""
    return (
        f"high_value has shares of {plural(customers, 'customer')} who had bought by {day(cutoff)} and of their "
        f"revenue after it, until {day(until)}, by a model that has seen no later sales. The spend ranking and the RFM "
        "list are as long as the segment."
    )


@phrase("segments.anonymous")
def anonymous(*, lines: int, orders: int, revenue: Decimal, currency: str | None) -> str:
    """State how much was sold to customers who are not known."""
    return (
        f"Sales without a customer id are in no segment: {plural(lines, 'row')} in {plural(orders, 'order')}, revenue "
        f"{money(float(revenue), currency)}."
    )

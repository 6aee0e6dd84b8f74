"""Sentences, titles and notes about baskets: what is bought together, and how revenue concentrates on products."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from retail_assets.wording.formats import day, markdown, money, p_value, percent, plural, rough_percent, short, span
from retail_assets.wording.statement import phrase


@dataclass(frozen=True)
class Item:
    """What is bought: a category (`name`), or the product `name` of a `category`."""

    name: str
    category: str | None = None


def _bold(item: Item) -> str:
    of = f" ({markdown(item.category)})" if item.category is not None else ""
    return f"**{markdown(item.name)}**{of}"


def in_figure(item: Item, width: int = 26) -> str:
    """Name an item in a figure."""
    return short(item.name if item.category is None else f"{item.name} ({item.category})", width)


@phrase("sales.bought_together")
def bought_together(
    *,
    first: Item,
    second: Item,
    later_from: dt.date,
    last_day: dt.date,
    together: int,
    of_first: float,
    of_second: float,
    lift: float,
    low: float,
    high: float,
    tested: int,
    p: float,
) -> str:
    """State how often a pair is in one order in the later part of the days, against chance in orders of the same size.

    `of_first` and `of_second` are the shares of the orders with either that hold the other too. `p` is that of the
    earlier part, corrected for the `tested` pairs.
    """
    interval = f"95 % confidence interval: {low:.2f} to {high:.2f} times"
    when = _when(later_from, last_day)
    return (
        f"{_bold(first)} and {_bold(second)} are in one order {lift:.2f} times as often as their popularity and the "
        f"size of the orders explain ({interval}): in {plural(together, 'order')} {when}, which are "
        f"{percent(of_first)} of those with the first and {percent(of_second)} of those with the second. The pair was "
        f"found among {plural(tested, 'pair')} in the days before ({p_value(p)} after the correction of Benjamini and "
        "Hochberg)."
    )


def _when(first: dt.date, last: dt.date) -> str:
    return f"on {day(first)}" if first == last else f"from {span(first, last)}"


@phrase("sales.no_pair")
def no_pair(*, of: str, tested: int) -> str:
    """Say that of the pairs tested none is worth a sentence; `of` is `category` or `product`."""
    many = {"category": "categories", "product": "products"}[of]
    return (
        f"**No two {many} are clearly bought together**: of the {plural(tested, 'pair')} tested, none is in one order "
        "more often than chance explains in earlier and in later days."
    )


@phrase("sales.items_left_out")
def items_left_out(*, of: str, compared: int, left_out: int) -> str:
    """Say how many items are in no pair, because others are bought more often."""
    many = {"category": "categories", "product": "products"}[of]
    return f"Pairs are made of the {compared:,} most frequent {many}; the {left_out:,} others are left out."


@phrase("sales.product_concentration")
def product_concentration(
    *,
    of: str,
    items: int,
    half: int,
    half_share: float,
    four_fifths: int,
    four_fifths_share: float,
    without: int,
    without_revenue: float,
    returned: bool,
    currency: str,
) -> str:
    """State how many of the `items` that bring money bring half and 80 % of it; those `without` bring none.

    `returned` says whether anything was, so that what they bring is net of returns.
    """
    many = {"category": "categories", "product": "products"}[of]
    text = (
        f"**Half of the revenue comes from {half:,} of {items:,} {many}** ({rough_percent(half_share)}), 80 % from "
        f"{four_fifths:,} ({rough_percent(four_fifths_share)})"
    )
    if not without:
        return f"{text}."
    lost = f"; together they come to {money(without_revenue, currency)}" if without_revenue < 0 else ""
    return f"{text}. Left out: {_nothing(of, without, returned)}{lost}."


def _nothing(of: str, without: int, returned: bool) -> str:
    many = {"category": "categories", "product": "products"}[of]
    brings = f"{plural(without, _one(of), many)} that {'brings' if without == 1 else 'bring'} nothing"
    return f"{brings} after returns" if returned else brings


def _one(of: str) -> str:
    return {"category": "category", "product": "product"}[of]


@phrase("title.product_concentration")
def product_concentration_title(*, of: str, items: int, half: int, half_share: float) -> str:
    """State how many items bring half of the revenue."""
    many = {"category": "categories", "product": "products"}[of]
    return f"Half of the revenue comes from {half:,} of {items:,} {many} ({rough_percent(half_share)})"


@phrase("axis.product_concentration")
def product_concentration_axis(*, of: str, items: int, without: int, returned: bool) -> str:
    """Name what the curve is over: all items, or those that bring something where some do not."""
    many = {"category": "categories", "product": "products"}[of]
    which = "" if not without else " with sales above their returns" if returned else " with sales above zero"
    return f"share of the {items:,} {many}{which}"


@phrase("note.without_revenue")
def without_revenue(*, of: str, without: int, revenue: float, returned: bool, currency: str) -> str:
    """Say which items are not in the curve; `returned` is as above."""
    text = f"Not in the curve: {_nothing(of, without, returned)}"
    return f"{text} ({money(revenue, currency)})." if revenue < 0 else f"{text}."


@phrase("title.bought_together")
def bought_together_title(*, first: Item, second: Item, lift: float) -> str:
    """Name the clearest pair."""
    return f"{in_figure(first)} and {in_figure(second)} are in one order {lift:.2f} times as often as chance explains"


@phrase("reading.bought_together")
def bought_together_reading(
    *, of: str, later_from: dt.date, last_day: dt.date, shown: int, found: int, tested: int
) -> str:
    """Say what the dots are, and of how many pairs."""
    text = (
        f"Orders with both, against those that chance gives orders of the same size, {_when(later_from, last_day)}. "
        f"Found before among {plural(tested, 'pair')}"
    )
    return f"{text}." if shown == found else f"{text}; the clearest {shown} of {found}."


@phrase("note.items_left_out")
def items_left_out_note(*, of: str, compared: int, left_out: int) -> str:
    """Say how many items are in no pair."""
    many = {"category": "categories", "product": "products"}[of]
    return f"Pairs of the {compared:,} most frequent {many}; {left_out:,} others are left out."

"""Subtitles and footnotes of the figures of the sales: how to read them, and what they are made from."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import listed, money, month, p_value, percent, plural, short, span
from retail_assets.wording.statement import phrase

WHISKERS = "Whiskers: 95 % confidence interval."


@phrase("note.source")
def source(
    *,
    first_day: dt.date,
    last_day: dt.date,
    orders: int,
    lines: int,
    left_out: tuple[tuple[str, int], ...],
    landed: int,
) -> str:
    """Say what a figure is made from, and how many of the `landed` rows are `left_out`, by status."""
    size = f"{plural(orders, 'order')}, {plural(lines, 'order line')}"
    missing = listed(f"{count:,} {status}" for status, count in left_out) if left_out else ""
    missing = f" Not in it: {missing} of {plural(landed, 'landed row')}." if missing else ""
    return f"Source: sales, {span(first_day, last_day)}: {size}, net of returns.{missing}"


@phrase("note.days_rejected")
def days_rejected(*, days: int) -> str:
    """Say that days whose rows were all rejected are in no average."""
    return f"{plural(days, 'day')} with rejected rows only: unknown, so in no average."


@phrase("note.days_without_sale")
def days_without_sale(*, days: int) -> str:
    """Say how many days have no sale, which averages count as zero."""
    return f"{plural(days, 'day')} without a sale, counted as zero."


@phrase("reading.daily_revenue")
def daily_revenue(*, smoothed: bool, peaks: bool, country: str | None, rejected: bool) -> str:
    """Explain lines and dots; `country` is that of the public holidays that are drawn."""
    reading = "Revenue per day."
    if smoothed:
        reading = "Thin line: revenue per day. Thick line: mean of the seven days around each day."
    if peaks:
        reading += " Dots: days of at least 1.5 times the usual revenue of that weekday in the weeks around."
    if country:
        reading += f" Dotted lines: public holidays ({country})."
    if rejected:
        reading += " Crosses: days without a sale of which rows were rejected."
    return reading


@phrase("reading.weekdays")
def weekdays(*, weeks: int, p: float | None) -> str:
    """Say over how many weeks means are, and what a test says."""
    reading = "Mean revenue per day."
    if weeks:
        reading = f"Mean revenue per day over {plural(weeks, 'full week')} (Monday to Sunday)."
    if p is not None:
        reading += f" Whiskers: 95 % confidence interval. Friedman test over weeks: {p_value(p)}."
    return reading


@phrase("reading.months")
def months(*, p: float | None, weeks: int, whiskers: bool) -> str:
    """Say what is drawn for each month, and what a test over means of `weeks` says."""
    reading = "Mean revenue per day in each month."
    if p is not None:
        reading += f" Kruskal-Wallis test over {plural(weeks, 'full week')}: {p_value(p)}."
    return f"{reading} {'Whiskers: 95 % confidence interval.' if whiskers else 'One line per year.'}"


@phrase("note.partial_months")
def partial_months(*, months: tuple[dt.date, ...]) -> str:
    """Name the months of which the data have only a part."""
    return f"Pale: only part of the month is in the data ({', '.join(map(month, months))})."


@phrase("reading.hours")
def hours(*, swing: float | None) -> str:
    """Explain the cells, and state how far chance moves one, None where that is little or not known."""
    reading = "Mean revenue per hour of each weekday, in shop time. Darker is more; the frame marks the highest."
    return reading if swing is None else f"{reading} Chance alone moves a typical cell by ±{percent(swing, 0)}."


@phrase("note.untimed")
def untimed(*, share: float) -> str:
    """Say what share of the order lines is left out for want of a time."""
    return f"{percent(share)} of the order lines have no time of day and are left out."


@phrase("reading.category_months")
def category_months(*, category: str | None, swing: float | None, months: int) -> str:
    """Explain the cells, and state how many points chance moves one: of the `category` that the title names."""
    reading = "Revenue per day; 100 is the category's own average. Orange is above it, blue below."
    if swing is not None:
        whose = "a typical cell" if category is None else f"a typical cell of {short(category, 36)}"
        reading += f" Chance alone moves {whose} by ±{swing:.0f}."
    return f"{reading} Each of the {months} months is one case."


@phrase("reading.age")
def age(*, p: float | None) -> str:
    """Explain the bars, with the test of all groups."""
    reading = "Mean spending per customer over the whole period. Whiskers: 95 % confidence interval."
    return reading if p is None else f"{reading} Welch's analysis of variance: {p_value(p)}."


@phrase("note.trait_known")
def trait_known(*, trait: str, known: int, customers: int, lines: float, ratio: float | None) -> str:
    """Say of how many customers a trait is known, and what they spend relative to the others."""
    if not customers:
        return f"The {trait} is known for {percent(lines)} of the order lines."
    more = "" if ratio is None else f"; each spends {ratio:.1f} times what the others do"
    return (
        f"The {trait} is known of {known:,} of {plural(customers, 'known customer')}, {percent(lines)} of the order "
        f"lines{more}."
    )


@phrase("note.groups_left_out")
def groups_left_out(*, names: tuple[str, ...], fewest: int) -> str:
    """Name groups that are too small to compare."""
    return f"Left out for fewer than {fewest} customers: {', '.join(short(name, 12) for name in names)}."


@phrase("note.once_only")
def once_only(*, share: float) -> str:
    """Say that most customers ordered once."""
    return f"{percent(share)} of the customers ordered only once, so this shows how orders differ, not loyalty."


@phrase("note.anonymous")
def anonymous(*, share: float) -> str:
    """Say what share of the order lines has no customer."""
    return f"Left out: {percent(share)} of the order lines, which have no customer."


@phrase("note.categories_left_out")
def categories_left_out(*, count: int) -> str:
    """Say how many categories are not drawn."""
    return f"Not shown: the {plural(count, 'smallest category', 'smallest categories')}."


@phrase("reading.order_size")
def order_size(*, step: float, median_lines: int | None, single: float | None, currency: str) -> str:
    """Explain the bars, with the lines of an order where they are known."""
    reading = f"Share of the orders above zero, by amount, in steps of {money(step, currency)}."
    if median_lines is None or single is None:
        return reading
    return f"{reading} The median order has {plural(median_lines, 'line')}; {percent(single)} have just one."


@phrase("note.orders_left_out")
def orders_left_out(*, share: float | None, above: float, not_above_zero: int, currency: str) -> str:
    """Say what the histogram leaves out: the `share` of orders above an amount, and orders that bring nothing."""
    parts = [] if share is None else [f"{percent(share)} of these orders, above {money(above, currency)}"]
    parts += [f"{plural(not_above_zero, 'order')} of zero or less"] if not_above_zero else []
    return f"Not shown: {'; '.join(parts)}."

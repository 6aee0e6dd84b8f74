"""How numbers, dates and names are written: the one format for figures, sentences and messages."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from retail_assets.storage.markdown_text import as_cell

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MINUS = "\u2212"
_UNKNOWN = "not known"


def number(value: float) -> str:
    """Write a number with three significant digits (two below one) or all digits of a whole, and a comma for thousands.

    >>> [number(n) for n in (0.00425, 0.425, 29.55, 12345, 4_596_027, -12345)]
    ['0.0043', '0.42', '29.6', '12,345', '4.60 M', '−12,345']
    """
    if not math.isfinite(value):
        return _UNKNOWN
    return f"{_MINUS if value < 0 else ''}{_digits(abs(value))}"


def _digits(size: float) -> str:
    if size >= 999_950_000:
        return f"{size / 1e9:,.2f} bn"
    if size >= 999_950:
        return f"{size / 1e6:.2f} M"
    if size >= 99.95 or size == int(size):
        return f"{size:,.0f}"
    if size >= 0.0995:
        return f"{size:.1f}" if size >= 9.95 else f"{size:.2f}"
    return f"{size:.{1 - math.floor(math.log10(size))}f}" if size >= 1e-6 else f"{size:.1e}"


def axis_number(value: float, largest: float | None = None) -> str:
    """Write the round number of a tick with all its digits, as `number` writes it; `largest` gives an axis one unit.

    >>> [axis_number(n) for n in (0, 250, 12_000, 1_500_000, -5)]
    ['0', '250', '12,000', '1.5 M', '−5']
    >>> [axis_number(n, largest=2_000_000) for n in (0, 500_000, 2_000_000)]
    ['0', '0.5 M', '2 M']
    """
    reach = max(abs(value), abs(largest or 0.0))
    size, unit = next(((s, u) for s, u in ((1e9, " bn"), (1e6, " M")) if reach >= s), (1.0, ""))
    digits = f"{Decimal(f'{abs(value) / size:.10g}'):,f}"
    return f"{_MINUS if value < 0 else ''}{digits}{unit if value else ''}"


def money(value: float, currency: str | None) -> str:
    """Write money: cents below 100, whole units up to a million; just the number where the currency is not known.

    >>> money(29.55, "USD"), money(1234.4, "USD"), money(-4_596_027, "EUR"), money(12, None)
    ('USD 29.55', 'USD 1,234', '−EUR 4.60 M', '12.00')
    """
    text = f"{abs(value):.2f}" if abs(value) < 99.995 else number(abs(value))
    sign = _MINUS if value < 0 and text.strip("0.") else ""
    return f"{sign}{currency} {text}" if currency else f"{sign}{text}"


def percent(share: float, decimals: int = 1) -> str:
    """Write a share as a percentage; from 100 % on without decimals.

    >>> percent(0.3441), percent(0.3441, 0), percent(-0.05), percent(-0.0003), percent(1.75)
    ('34.4 %', '34 %', '−5.0 %', '0.0 %', '175 %')
    """
    points = share * 100
    if not math.isfinite(points):
        return _UNKNOWN
    text = f"{abs(points):,.0f}" if abs(points) >= 99.95 else f"{abs(points):.{decimals}f}"
    return f"{_MINUS if points < 0 and text.strip('0.') else ''}{text} %"


def rough_percent(share: float) -> str:
    """Write a share in whole percent, in tenths where it is small, and never as zero or all unless it is.

    >>> rough_percent(0.3441), rough_percent(0.034), rough_percent(0.0004), rough_percent(0)
    ('34 %', '3.4 %', '< 0.1 %', '0 %')
    >>> rough_percent(0.997), rough_percent(0.9996), rough_percent(1)
    ('99.7 %', '> 99.9 %', '100 %')
    """
    if 0 < abs(share) < 0.0005:
        return "< 0.1 %" if share > 0 else f"> {_MINUS}0.1 %"
    if 0.995 <= abs(share) < 1:
        return percent(share, 1) if abs(share) < 0.9995 else "> 99.9 %" if share > 0 else f"< {_MINUS}99.9 %"
    return percent(share, 0 if abs(share) >= 0.095 or share == 0 else 1)


def change(ratio: float) -> str:
    """Write a ratio as the change it stands for; from three times on as a multiple, below one percent in tenths.

    Only what rounds to no change at all is `as much`: what is small may still be the most of all.

    >>> change(1.18), change(0.95), change(1.003), change(1.0001), change(3.14)
    ('18 % more', '5 % less', '0.3 % more', 'as much', '3.1 times as much')
    """
    if ratio >= 3:
        return f"{ratio:.1f} times as much"
    points = (ratio - 1) * 100
    if abs(points) < 0.05:
        return "as much"
    return f"{abs(points):.{0 if abs(points) >= 0.95 else 1}f} % {'more' if points > 0 else 'less'}"


def compared(ratio: float) -> str:
    """Write `change` with the word that joins what it is compared with.

    >>> compared(1.18), compared(1.0001), compared(3.14)
    ('18 % more than', 'as much as', '3.1 times as much as')
    """
    size = change(ratio)
    return f"{size} {'as' if size.endswith('as much') else 'than'}"


def p_value(p: float) -> str:
    """Write the p-value of a test.

    >>> p_value(0.0002), p_value(0.031), p_value(0.42)
    ('p < 0.001', 'p = 0.031', 'p = 0.42')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def day(date: dt.date) -> str:
    """Write a date.

    >>> day(dt.date(2017, 11, 25))
    '25 Nov 2017'
    """
    return f"{day_of_year(date)} {date.year}"


def day_of_year(date: dt.date) -> str:
    """Write a date whose year is clear.

    >>> day_of_year(dt.date(2017, 11, 25))
    '25 Nov'
    """
    return f"{date.day} {MONTHS[date.month - 1]}"


def month(date: dt.date) -> str:
    """Write the month of a date.

    >>> month(dt.date(2017, 11, 25))
    'Nov 2017'
    """
    return f"{MONTHS[date.month - 1]} {date.year}"


def quarter(date: dt.date) -> str:
    """Write the quarter of a date.

    >>> quarter(dt.date(2017, 11, 25))
    'Q4 2017'
    """
    return f"Q{(date.month + 2) // 3} {date.year}"


def span(first: dt.date, last: dt.date) -> str:
    """Write the days from `first` to `last`, with the year once where both are in it.

    >>> span(dt.date(2018, 1, 1), dt.date(2018, 1, 28)), span(dt.date(2017, 12, 4), dt.date(2018, 1, 1))
    ('1 Jan to 28 Jan 2018', '4 Dec 2017 to 1 Jan 2018')
    """
    if first == last:
        return day(first)
    return f"{day_of_year(first) if first.year == last.year else day(first)} to {day(last)}"


def listed(items: Iterable[str]) -> str:
    """Join one or more items for a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *most, last = list(items)
    return f"{', '.join(most)} and {last}" if most else last


def data_size(size: int) -> str:
    """Write a number of bytes, in units of a thousand.

    >>> data_size(0), data_size(999), data_size(999_999), data_size(1_234_567), data_size(12_345_678_901)
    ('0 bytes', '999 bytes', '1,000.0 kB', '1.2 MB', '12.3 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size} byte{'' if size == 1 else 's'}"


def plural(count: float, noun: str, many: str | None = None) -> str:
    """Write a count with its noun; `many` is the plural where it is not just an `s` more.

    >>> plural(1, "order"), plural(1234, "order"), plural(2, "category", "categories")
    ('1 order', '1,234 orders', '2 categories')
    """
    return f"{count:,.0f} {noun if count == 1 else many or noun + 's'}"


def short(name: str, width: int = 24, *, keep_end: bool = True) -> str:
    """Fit a name on one line of at most `width` columns; characters of East Asian scripts take two.

    A longer name loses its middle, because long names often differ in their end, or its end where that is not to be
    kept.

    >>> short("Fruit and vegetables, part 17", 20)
    'Fruit and veg…art 17'
    >>> short("Fruit and vegetables, part 17", 20, keep_end=False)
    'Fruit and vegetable…'
    """
    spaced = "".join(" " if unicodedata.category(c) == "Cc" else c for c in name)
    flat = " ".join(spaced.split()) or "(blank)"
    if text_columns(flat) <= width:
        return flat
    tail = width // 3 if keep_end else 0
    return f"{_fitting(flat, width - tail - 1).rstrip()}…{_fitting(flat[::-1], tail)[::-1].lstrip()}"


def _fitting(text: str, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` columns."""
    used = 0
    for place, character in enumerate(text):
        used += text_columns(character)
        if used > width:
            return text[:place]
    return text


def text_columns(text: str) -> int:
    """Count the columns that a text takes: two for each character of East Asian scripts.

    >>> text_columns("tea"), text_columns("茶葉")
    (3, 4)
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def markdown(name: str) -> str:
    r"""Write a name from the data as literal text in Markdown: one line in which nothing is markup.

    >>> print(markdown("A_1 [new]"))
    A_1 `[new]`
    """
    return as_cell(short(name, 80))


def age_order(group: str) -> tuple[float, str]:
    """Sort key of an age band: its first number; `<18` and `under 18` come before `18-24`.

    >>> sorted(["65+", "18-24", "unknown", "<18"], key=age_order)
    ['<18', '18-24', '65+', 'unknown']
    """
    first = re.search(r"\d+", group)
    if not first:
        return (math.inf, group)
    below = "<" in group or "under" in group.lower() or "below" in group.lower()
    return (int(first.group()) - (0.5 if below else 0), group)

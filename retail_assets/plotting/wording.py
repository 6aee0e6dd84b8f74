"""How numbers and names are written, in figures and sentences alike."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float) -> str:
    """Thousands with a comma, three or more significant digits: `4.6 M`, `12,345`, `29.6`, `0.42`."""
    size = abs(value)
    if not math.isfinite(value):
        return "not known"
    if size >= 999_950_000:
        return f"{value / 1e9:,.2f} bn"
    if size >= 999_950:
        return f"{value / 1e6:.2f} M"
    if size >= 999.5:
        return f"{value:,.0f}"
    if size >= 99.95 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 9.95 else f"{value:.2f}"


def axis_number(value: float) -> str:
    """Short, for ticks: `0`, `250`, `12 k`, `1.5 M`."""
    for size, unit in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.10g}{unit}"
    return f"{value:.10g}"


def money(value: float, currency: str) -> str:
    """`USD 12,345`, `USD 4.60 M`, `USD 29.55`."""
    text = f"{abs(value):.2f}" if abs(value) < 99.995 else number(abs(value))
    sign = "\u2212" if value < 0 and text.strip("0.") else ""
    return f"{sign}{currency} {text}"


def percent(share: float) -> str:
    """A share as `34.4 %`; from 100 % on without decimals."""
    points = share * 100
    if not math.isfinite(points):
        return "not known"
    text = f"{points:,.0f}" if abs(points) >= 99.95 else f"{points:.1f}"
    return f"{text} %".replace("-", "\u2212")


def change(ratio: float) -> str:
    """A ratio as the change it is: `18 % more`, `5 % less`, `as much`; from three times on as a multiple."""
    if ratio >= 3:
        return f"{ratio:.1f} times as much"
    points = (ratio - 1) * 100
    if abs(points) < 0.5:
        return "as much"
    return f"{abs(points):.0f} % {'more' if points > 0 else 'less'}"


def compared(ratio: float) -> str:
    """`change` with the word that joins what it is compared with: `18 % more than`, `3.1 times as much as`."""
    if abs(ratio - 1) < 0.005:
        return "as much as"
    return f"{change(ratio)} {'as' if ratio >= 3 else 'than'}"


def odds(p: float) -> str:
    """A p-value in print: `p = 0.03`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def day(date: dt.date) -> str:
    """`25 Nov 2017`."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def month(date: dt.date) -> str:
    """`Nov 2017`."""
    return f"{MONTHS[date.month - 1]} {date.year}"


def short(name: str, width: int = 24) -> str:
    """`name` on one line of at most `width` characters, cut in the middle: long names often differ in their end."""
    flat = " ".join(name.split()) or "(blank)"
    tail = width // 3
    return flat if len(flat) <= width else f"{flat[: width - tail - 1].rstrip()}…{flat[-tail:].lstrip()}"


def markdown(name: str) -> str:
    """A name from the data as literal text in Markdown: one line, nothing in it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", short(name, 80))


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = list(items)
    return f"{', '.join(most)} and {last}" if most else last


def plural(count: float, noun: str, many: str | None = None) -> str:
    """`1 order`, `1,234 orders`."""
    return f"{count:,.0f} {noun if count == 1 else many or noun + 's'}"


def age_order(group: str) -> tuple[float, str]:
    """Sort key of an age band: its first number; `<18` and `under 18` come before `18-24`."""
    found = re.search(r"\d+", group)
    if not found:
        return (math.inf, group)
    below = "<" in group or "under" in group.lower() or "below" in group.lower()
    return (int(found.group()) - (0.5 if below else 0), group)

"""What is bought: revenue by category, how often against how much, and the size of orders."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from retail_assets.eda.data import Category, EdaData
from retail_assets.eda.figures.parts import footnote
from retail_assets.eda.findings.products import order_share, revenue_share, single_line_share, statistic
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.plotting.axes import money_axis, percent_axis
from retail_assets.plotting.fitting import width
from retail_assets.plotting.heading import LEFT
from retail_assets.plotting.labels import label, plain
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, GREEN, INK, ON_WHITE, ORANGE, PALE
from retail_assets.plotting.sheet import WIDTH, Sheet
from retail_assets.plotting.typography import AXIS, SMALL, TEXT
from retail_assets.wording import sales_readings as readings
from retail_assets.wording import sales_titles as titles
from retail_assets.wording.formats import money, percent

_ORDERS_SHOWN = 0.98
"""Share of the orders that the distribution shows at least; the largest would squeeze the others."""
#: Points between a dot and its text, and between the axis and the names beside it.
_BESIDE, _TICKS = 10, 8


def revenue_by_category(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw revenue of each category and its share, the smallest categories together."""
    top, rest = data.categories[:TOP_CATEGORIES], data.categories[TOP_CATEGORIES:]
    if len(rest) == 1:
        top, rest = data.categories, ()
    bars = [(label(c.name, 26), float(c.revenue), BLUE) for c in top]
    if rest:
        bars.append((f"Other ({len(rest)} categories)", float(sum(c.revenue for c in rest)), PALE))
    total = float(data.overview.revenue)
    sheet = Sheet(
        _largest_title(data, currency),
        "Revenue by category over the whole period, and its share of the total.",
        footnote(data),
    )
    axes = sheet.axes("x")
    values = [v for _, v, _ in bars]
    places = np.arange(len(bars))
    axes.barh(places, values, color=[ORANGE if v < 0 else c for _, v, c in bars], height=0.72)
    for place, value in zip(places, values, strict=True):
        text = money(value, currency) + (f"  ({percent(value / total)})" if total > 0 else "")
        axes.annotate(
            plain(text), (max(value, 0), place), xytext=(5, 0), textcoords="offset points", va="center", size=TEXT,
            color=INK, bbox=ON_WHITE,
        )  # fmt: skip
    axes.set_yticks(places, [n for n, _, _ in bars])
    axes.set_ylim(max(len(bars), 3) - 0.4, -0.6)
    high, low = max(*values, 0.0, 1e-9), min(*values, 0.0)
    axes.set_xlim(low * 1.05, high + (high - low) * 0.24)
    money_axis(axes, "x", f"revenue ({currency})")
    return sheet


def _largest_title(data: EdaData, currency: str) -> str:
    first, *others = data.categories
    return titles.largest_category(
        category=first.name,
        revenue=float(first.revenue),
        share=revenue_share(data, first),
        total=float(data.overview.revenue),
        second=others[0].name if others else None,
        second_share=revenue_share(data, others[0]) if others else None,
        currency=currency,
    ).text


def product_performance(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw share of revenue against share of orders, by category."""
    shown = [c for c in data.categories[: TOP_CATEGORIES + 1] if c.revenue > 0]
    if data.overview.revenue <= 0 or not shown:
        raise NothingToShow("no category has sales above its returns")
    left_out = len(data.categories) - len(shown)
    extra = readings.categories_left_out(count=left_out).text if left_out else ""
    sheet = Sheet(
        _performance_title(data, shown[0]),
        "How often each category is bought, and how much it earns. An order can contain several categories.",
        footnote(data, extra),
    )
    axes = sheet.axes("x")
    places = np.arange(len(shown))
    orders = [order_share(data, c) for c in shown]
    revenue = [revenue_share(data, c) or 0.0 for c in shown]
    axes.hlines(places, np.minimum(orders, revenue), np.maximum(orders, revenue), color=PALE, linewidth=2.5, zorder=2)
    axes.scatter(orders, places, s=62, color=ORANGE, zorder=3, marker="D")
    axes.scatter(revenue, places, s=75, color=BLUE, zorder=4)
    far = max(*orders, *revenue)
    texts = []
    for category, o, r in zip(shown, orders, revenue, strict=True):
        each = money(float(category.revenue) / max(category.orders, 1), currency)
        texts.append(f"{percent(r)} of revenue, {percent(o)} of orders; {each} per order")
    for place, text, o, r in zip(places, texts, orders, revenue, strict=True):
        axes.annotate(
            plain(text), (max(o, r), place), xytext=(_BESIDE, 0), textcoords="offset points", va="center", size=SMALL,
            color=INK, bbox=ON_WHITE,
        )  # fmt: skip
    names = [label(c.name, 26) for c in shown]
    axes.set_yticks(places, names)
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.6)
    axes.set_xlim(0, max(far * 1.75, _end(texts, np.maximum(orders, revenue), names)))
    handles = [
        axes.scatter([], [], s=75, color=BLUE, label="share of revenue"),
        axes.scatter([], [], s=62, color=ORANGE, marker="D", label="share of orders that contain it"),
    ]
    sheet.legend(handles, [str(handle.get_label()) for handle in handles])
    percent_axis(axes, "x", "share of revenue and of orders")
    axes.set_xticks([t for t in axes.get_xticks() if t <= min(1.0, far * 1.25)])
    return sheet


def _end(texts: list[str], dots: np.ndarray, names: list[str]) -> float:
    """The end of an axis from 0 that leaves each text its room beside its dot; dots have a quarter of it at least."""
    longest = max(width(line, AXIS) for name in names for line in name.split("\n"))
    across = WIDTH * 72 * (1 - 2 * LEFT) - longest - _TICKS
    rooms = np.array([across - _BESIDE - width(text, SMALL) for text in texts])
    return float(np.max(dots * across / np.maximum(rooms, across / 4)))


def _performance_title(data: EdaData, first: Category) -> str:
    frequent = max(data.categories, key=lambda c: c.orders)
    rival = frequent if frequent.orders > first.orders else None
    second = data.categories[1] if len(data.categories) > 1 else None
    return titles.performance(
        category=first.name,
        share=revenue_share(data, first) or 0.0,
        orders=first.orders,
        order_share=order_share(data, first),
        rival=rival and rival.name,
        rival_orders=rival and rival.orders,
        second=second and second.name,
        second_share=second and (revenue_share(data, second) or 0.0),
        only=len(data.categories) == 1,
    ).text


def basket_size(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the distribution of the amount per order."""
    frame = data.basket_amounts
    if frame.empty:
        raise NothingToShow("no order has a positive amount")
    amounts, orders = frame["amount"].to_numpy(), frame["orders"].to_numpy()
    total = orders.sum()
    cut = float(amounts[np.searchsorted(np.cumsum(orders) / total, _ORDERS_SHOWN)])
    if amounts[-1] <= cut * 1.6:
        cut = float(amounts[-1])
    step = _round_step(cut / 30)
    edges = np.arange(0, cut + 1.5 * step, step)
    inside = amounts < edges[-1]
    heights, _ = np.histogram(amounts[inside], edges, weights=orders[inside] / total)
    # Of all orders, as in the table of statistics: the histogram alone leaves out what is not above zero.
    median = statistic(data, "basket_amount", "p50") or 0.0
    mean = statistic(data, "basket_amount", "mean") or 0.0
    equal = statistic(data, "basket_amount", "minimum") == statistic(data, "basket_amount", "maximum")
    beyond, below = 1 - heights.sum(), data.overview.orders - int(total)
    extra = ""
    if beyond > 1e-9 or below:
        share = float(beyond) if beyond > 1e-9 else None
        extra = readings.orders_left_out(
            share=share, above=float(edges[-1]), not_above_zero=below, currency=currency
        ).text
    single = single_line_share(data)
    reading = readings.order_size(
        step=step, median_lines=None if single is None else _median_lines(data), single=single, currency=currency
    )
    title = titles.order_size(median=median, mean=mean, equal=equal, currency=currency)
    sheet = Sheet(title.text, reading.text, footnote(data, extra))
    axes = sheet.axes("y")
    axes.bar(edges[:-1], heights, width=step * 0.94, align="edge", color=BLUE)
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, float(heights.max()) * 1.2)
    marks = [("median", median, ORANGE)] + ([("mean", mean, GREEN)] if mean != median else [])
    _mark_amounts(axes, [m for m in marks if 0 <= m[1] <= edges[-1]], edges[-1], currency)
    money_axis(axes, "x", f"amount per order ({currency})", most=10)
    percent_axis(axes, "y", "share of orders")
    return sheet


def _mark_amounts(axes: Axes, marks: list[tuple[str, float, str]], right: float, currency: str) -> None:
    """Draw a line and a label for each amount, lower from line to line, so that none crosses the label of another.

    Labels stand to the right of their lines; to the left where the picture ends, and then the last line is highest.
    """
    to_left = {name for name, at, _ in marks if at > 0.72 * right}
    if to_left:
        to_left |= {name for name, at, _ in marks if at > 0.35 * right}
    ordered = sorted(marks, key=lambda m: m[1], reverse=len(to_left) == len(marks))
    for row, (name, at, color) in enumerate(ordered):
        height, left = 0.99 - 0.065 * row, name in to_left
        axes.axvline(at, ymax=height, color=color, linewidth=1.8)
        axes.annotate(
            plain(f"{name} {money(at, currency)}"), (at, height), xycoords=("data", "axes fraction"),
            xytext=(-5 if left else 5, 0), textcoords="offset points", va="top", ha="right" if left else "left",
            size=TEXT, color=INK, weight="bold", bbox=ON_WHITE,
        )  # fmt: skip


def _median_lines(data: EdaData) -> int:
    """The lines of the median order."""
    lines = data.basket_lines
    return int(lines["line_count"].iloc[np.searchsorted(lines["orders"].cumsum() / lines["orders"].sum(), 0.5)])


def _round_step(raw: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `raw`, and no finer than a hundredth."""
    if raw <= 0.01:
        return 0.01
    power = 10.0 ** np.floor(np.log10(raw))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9)))

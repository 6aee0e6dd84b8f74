"""What is in the baskets: how revenue concentrates on products, and which categories and products are in one order."""

from __future__ import annotations

import numpy as np

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.parts import footnote
from retail_assets.eda.findings import baskets
from retail_assets.eda.findings.baskets import Level, Pair
from retail_assets.eda.findings.concentration import FEWEST_ITEMS, item_concentration
from retail_assets.eda.insights.baskets import item
from retail_assets.plotting.axes import axis_title, number_ticks, percent_axis
from retail_assets.plotting.labels import plain
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, INK, MUTED, ON_WHITE, ORANGE, PALE
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import TEXT
from retail_assets.wording import sales_baskets as words
from retail_assets.wording.formats import rough_percent
from retail_assets.wording.sales_readings import WHISKERS

_PAIRS_SHOWN = 10


def product_pareto(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the cumulative share of revenue by share of products, or of categories where there are no products."""
    found = item_concentration(data)
    if found is None:
        raise NothingToShow(f"fewer than {FEWEST_ITEMS} products or categories bring money")
    many = {"category": "categories", "product": "products"}[found.of]
    left_out = ""
    if found.without:
        left_out = words.without_revenue(
            of=found.of,
            without=found.without,
            revenue=found.without_revenue,
            returned=data.overview.returned < 0,
            currency=currency,
        ).text
    sheet = Sheet(
        words.product_concentration_title(
            of=found.of, items=found.items, half=found.half, half_share=found.half / found.items
        ).text,
        f"{many.capitalize()} in order of their revenue, best first. Dashed line: if all brought the same.",
        footnote(data, left_out),
    )
    axes = sheet.axes("y")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.2, linestyle="--")
    axes.fill_between(found.share, found.revenue, found.share, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(found.share, found.revenue, color=BLUE, linewidth=2.6)
    for part, count in ((0.5, found.half), (0.8, found.four_fifths)):
        share = count / found.items
        axes.plot([share, share], [0, part], color=MUTED, linewidth=0.8, linestyle=":")
        axes.plot([share], [part], "o", color=ORANGE, markersize=7, zorder=5)
        axes.annotate(
            f"{part * 100:.0f} % of revenue:\n{count:,} {many} ({rough_percent(share)})", (share, part),
            xytext=(12, -6), textcoords="offset points", va="top", ha="left", size=TEXT, color=INK, linespacing=1.1,
            bbox=ON_WHITE, zorder=4,
        )  # fmt: skip
    axes.set_xlim(0, 1.005)
    axes.set_ylim(0, 1.03)
    of_which = words.product_concentration_axis(
        of=found.of, items=found.items, without=found.without, returned=data.overview.returned < 0
    )
    percent_axis(axes, "x", of_which.text)
    percent_axis(axes, "y", "share of their revenue")
    axes.set_xticks([0.2, 0.4, 0.6, 0.8, 1.0])  # the corner is zero on the other axis already
    return sheet


def categories_together(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the pairs of categories that are in one order more often than chance explains."""
    return _together(data, "category")


def products_together(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the pairs of products that are in one order more often than chance explains."""
    if data.overview.products == 0:
        raise NothingToShow("no order line has a product")
    return _together(data, "product")


def _together(data: EdaData, level: Level) -> Sheet:
    many = {"category": "categories", "product": "products"}[level]
    found = baskets.affinity(data, level)
    if found is None:
        raise NothingToShow(f"too few orders hold two of the {many} to test a pair")
    if not found.found:
        raise NothingToShow(f"no two {many} are in one order more often than chance explains, earlier and later")
    shown = sorted(found.found[:_PAIRS_SHOWN], key=lambda pair: -(pair.later.lift or 0))
    best = found.found[0]
    left_out = ""
    if found.left_out:
        left_out = words.items_left_out_note(of=level, compared=found.items, left_out=found.left_out).text
    sheet = Sheet(
        words.bought_together_title(
            first=item(best.first, level), second=item(best.second, level), lift=best.later.lift
        ).text,
        words.bought_together_reading(
            of=level,
            later_from=found.later_from,
            last_day=found.last_day,
            shown=len(shown),
            found=len(found.found),
            tested=found.tested,
        ).text,
        footnote(data, f"Dashed line: chance. {WHISKERS}", left_out),
    )
    axes = sheet.axes("x")
    places = np.arange(len(shown))
    lift, low, high = (np.array([getattr(pair.later, end) for pair in shown]) for end in ("lift", "low", "high"))
    axes.axvline(1, color=MUTED, linewidth=1.2, linestyle="--")
    axes.errorbar(lift, places, xerr=(lift - low, high - lift), fmt="none", ecolor=INK, elinewidth=1, capsize=3)
    axes.scatter(lift, places, s=70, color=[ORANGE if pair is best else BLUE for pair in shown], zorder=4)
    for place, end, pair in zip(places, high, shown, strict=True):
        axes.annotate(
            f"{pair.later.lift:.2f} times, {pair.later.together:,} orders", (end, place), xytext=(8, 0),
            textcoords="offset points", va="center", size=TEXT, color=INK, bbox=ON_WHITE,
        )  # fmt: skip
    axes.set_yticks(places, [_name(pair, level) for pair in shown])
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.6)
    reach = float(high.max()) - 1
    axes.set_xlim(1 - 0.06 * reach, 1 + 1.42 * reach)
    number_ticks(axes, "x")
    axis_title(axes, "x", "orders with both / orders expected by chance (times)")
    return sheet


def _name(pair: Pair, level: Level) -> str:
    one, other = item(pair.first, level), item(pair.second, level)
    return plain(f"{words.in_figure(one, 20)}\n+ {words.in_figure(other, 20)}")

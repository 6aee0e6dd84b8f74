"""Who buys: spending by gender and age, and how revenue concentrates on few customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.parts import (
    AXIS_POINTS,
    bars_with_intervals,
    footnote,
    write_values,
)
from retail_assets.eda.findings import customers
from retail_assets.eda.findings.customers import FEWEST_BUYERS, Contrast, Groups, Trait
from retail_assets.plotting.axes import axis_title, money_axis, percent_axis
from retail_assets.plotting.fitting import name_within
from retail_assets.plotting.labels import label
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, INK, MUTED, ON_WHITE, ORANGE, PALE, SERIES
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS, TEXT
from retail_assets.wording import sales_readings as readings
from retail_assets.wording import sales_titles as titles
from retail_assets.wording.formats import age_order, plural
from retail_assets.wording.sales_customers import Group
from retail_assets.wording.thresholds import NOISE

_CATEGORIES_SHOWN = 8
_AGES_SHOWN = 12


def spend_by_gender(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean spending per customer on each category, by gender."""
    if data.overview.gender_lines == 0:
        raise NothingToShow("no order line has the customer's gender")
    groups = customers.groups(data, "gender")
    if groups is None:
        raise NothingToShow(f"fewer than two genders have {FEWEST_BUYERS} customers")
    contrasts = groups.contrasts[:_CATEGORIES_SHOWN]
    sheet = Sheet(
        _gender_title(groups, contrasts, currency),
        f"Mean spending per customer over the whole period, including customers who bought none. {readings.WHISKERS}",
        footnote(data, *_who_is_compared(data, groups, "gender")),
    )
    axes = sheet.axes("y")
    names = [f"{label(m)} ({groups.buyers[m]:,})" for m in groups.members]
    sheet.legend(_bars_by_member(axes, groups, contrasts), names)
    slot = AXIS_POINTS / len(contrasts) - 8
    axes.set_xticks(np.arange(len(contrasts)), [name_within(c.category, slot, AXIS) for c in contrasts])
    money_axis(axes, "y", f"spending per customer ({currency})")
    return sheet


def _gender_title(groups: Groups, contrasts: tuple[Contrast, ...], currency: str) -> str:
    clear = [c for c in contrasts if c.p_spend is not None and c.p_spend < NOISE]
    best = max(clear or contrasts, key=lambda c: max(c.spend.values()) - min(c.spend.values()))
    high, low = max(best.spend, key=best.spend.__getitem__), min(best.spend, key=best.spend.__getitem__)
    return titles.gender(
        categories=len(contrasts),
        category=best.category,
        high=Group(high, groups.buyers[high]),
        high_spend=best.spend[high],
        low=Group(low, groups.buyers[low]),
        ratio=best.spend[high] / best.spend[low] if best.spend[low] > 0 else None,
        clear=bool(clear),
        currency=currency,
    ).text


def _bars_by_member(axes: Axes, groups: Groups, contrasts: tuple[Contrast, ...]) -> list[Any]:
    """Bars of mean spending, per category one for each group; returns those of each group."""
    places, part = np.arange(len(contrasts)), 0.8 / len(groups.members)
    bars: list[Any] = []
    ats: list[np.ndarray] = []
    tops: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    for i, member in enumerate(groups.members):
        at = places + (i - (len(groups.members) - 1) / 2) * part
        values = np.array([c.spend[member] for c in contrasts])
        margins = np.nan_to_num([c.spend_margin[member] for c in contrasts])
        bars.append(axes.bar(at, values, part * 0.92, color=SERIES[i % 6]))
        axes.errorbar(at, values, yerr=margins, fmt="none", ecolor=INK, elinewidth=1, capsize=2.5, zorder=2)
        ats.append(at)
        tops.append(values)
        errors.append(margins)
    order = np.argsort(np.concatenate(ats), kind="stable")
    at, values, margins = (np.concatenate(of)[order] for of in (ats, tops, errors))
    write_values(axes, at, values, margins)
    low, high = min(0.0, float(np.min(values - margins))), max(float(np.max(values + margins)), 1e-9)
    axes.set_ylim(low * 1.1 if np.any(values < 0) else 0, high + (high - low) * 0.1)
    return bars


def _who_is_compared(data: EdaData, groups: Groups, trait: Trait) -> Iterable[str]:
    """Say of how many customers the trait is known, and which groups the comparison leaves out."""
    known = customers.coverage(data, trait)
    if known is not None:
        yield readings.trait_known(
            trait="gender" if trait == "gender" else "age",
            known=known.known,
            customers=known.customers,
            lines=known.lines,
            ratio=known.spend / known.spend_others if known.spend and known.spend_others else None,
        ).text
    if groups.small:
        yield readings.groups_left_out(names=groups.small, fewest=FEWEST_BUYERS).text


def spend_by_age(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean spending per customer by age group."""
    if data.overview.age_lines == 0:
        raise NothingToShow("no order line has the customer's age")
    groups = customers.groups(data, "age_group")
    if groups is None:
        raise NothingToShow(f"fewer than two age groups have {FEWEST_BUYERS} customers")
    members = sorted(groups.members, key=age_order)[:_AGES_SHOWN]
    spend, p = groups.total.spend, groups.total.p_spend
    best, worst = max(members, key=spend.__getitem__), min(members, key=spend.__getitem__)
    second = max((m for m in members if m != best), key=spend.__getitem__)
    lead = customers.spending_p(groups, best, second)
    real = p is not None and p < NOISE
    title = titles.age(
        high=Group(best, groups.buyers[best]),
        high_spend=spend[best],
        second=second,
        leads=spend[best] > spend[second] and (lead is None or lead < NOISE),
        low=Group(worst, groups.buyers[worst]),
        ratio=spend[best] / spend[worst] if spend[worst] > 0 else None,
        clear=real,
        currency=currency,
    )
    sheet = Sheet(title.text, readings.age(p=p).text, footnote(data, *_who_is_compared(data, groups, "age_group")))
    axes = sheet.axes("y")
    slot = AXIS_POINTS / len(members) - 6
    names = [f"{name_within(m, slot, AXIS)}\n{groups.buyers[m]:,}" for m in members]
    margins = np.array([groups.total.spend_margin[m] for m in members])
    colors = [(ORANGE if m == best else BLUE) if real else PALE for m in members]
    bars_with_intervals(axes, names, np.array([spend[m] for m in members]), margins, colors)
    axis_title(axes, "x", "age group, and its number of customers")
    money_axis(axes, "y", f"spending per customer ({currency})")
    return sheet


def customer_pareto(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the cumulative share of revenue by share of customers, best first."""
    curve = customers.concentration(data)
    if curve is None:
        known = data.overview.customers
        raise NothingToShow("no order line has a customer" if known == 0 else f"only {plural(known, 'known customer')}")
    anonymous = data.overview.anonymous_lines / data.overview.lines
    once = curve.once / curve.known
    sheet = Sheet(
        titles.concentration(
            customers=curve.known, best_20=curve.of_best(0.2), half=curve.half(), anonymous=anonymous > 0
        ).text,
        "Customers in order of their revenue, best first. Dashed line: if all customers spent the same.",
        footnote(
            data,
            readings.once_only(share=once).text if once > 0.5 else "",
            readings.anonymous(share=anonymous).text if anonymous else "",
        ),
    )
    axes = sheet.axes("y")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.2, linestyle="--")
    axes.fill_between(curve.customers, curve.revenue, curve.customers, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(curve.customers, curve.revenue, color=BLUE, linewidth=2.6)
    for share in (0.1, 0.2, 0.5):
        value = curve.of_best(share)
        axes.plot([share, share], [0, value], color=MUTED, linewidth=0.8, linestyle=":")
        axes.plot([share], [value], "o", color=ORANGE, markersize=7, zorder=5)
        # Above the curve and to the left of its point, where neither a line nor another label can be.
        axes.annotate(
            f"best {share * 100:.0f} %:\n{value * 100:.0f} %", (share, value), xytext=(-6, 4),
            textcoords="offset points", va="bottom", ha="right", size=TEXT, color=INK, linespacing=1.1,
            bbox=ON_WHITE, zorder=1.9,
        )  # fmt: skip
    axes.set_xlim(0, 1.005)
    axes.set_ylim(0, max(1.02, float(curve.revenue.max()) * 1.02))
    percent_axis(axes, "x", f"share of the {curve.known:,} known customers")
    percent_axis(axes, "y", "share of their revenue")
    axes.set_xticks([0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0])  # the corner is zero on the other axis already
    return sheet

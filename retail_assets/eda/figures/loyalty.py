"""Who comes back: new against returning customers by month, and cohorts of customers by their first purchase."""

from __future__ import annotations

import numpy as np

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.parts import footnote, month_ticks
from retail_assets.eda.findings import loyalty
from retail_assets.eda.findings.loyalty import Cohort, Newcomers
from retail_assets.plotting.axes import axis_title, number_ticks
from retail_assets.plotting.color_maps import LITTLE_TO_MUCH, text_on
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, INK, ON_WHITE, ORANGE, PALE
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS, SMALL, TEXT
from retail_assets.wording import sales_loyalty as words
from retail_assets.wording.formats import month, quarter

_MONTHS_SHOWN = 36
_COHORTS_SHOWN = 16
_FEWEST_MONTHS = 5


def new_customers(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw the known customers of each whole month: those seen for the first time, and those seen before."""
    found = _newcomers(data)
    months = found.whole[-_MONTHS_SHOWN:]
    counted = found.counted
    sheet = Sheet(
        words.new_customers_title(
            first_month=counted[0].start,
            last_month=counted[-1].start,
            customers=found.first_seen,
            share=found.revenue_share,
            told_apart=found.burn_in.told_apart,
        ).text,
        "Known customers with a purchase in each whole month. The numbers are those seen for the first time.",
        footnote(data, _burn_in(found), _anonymous(data)),
    )
    axes = sheet.axes("y")
    places = np.arange(len(months))
    before = np.array([m.seen_before for m in months])
    first = np.array([m.first_seen for m in months])
    early = np.array([m.burn_in for m in months])
    names = ["seen before", "seen for the first time", "first seen, too early to count"]
    parts = (before, np.where(early, 0, first), np.where(early, first, 0))
    bars = [
        axes.bar(places, part, bottom=bottom, color=color, width=0.72)
        for part, bottom, color in zip(parts, (0 * before, before, before), (BLUE, ORANGE, PALE), strict=True)
    ]
    drawn = 3 if early.any() else 2
    sheet.legend(bars[:drawn], names[:drawn])
    size = TEXT if len(months) <= 14 else SMALL
    for place, height, customers in zip(places, before + first, first, strict=True):
        axes.annotate(
            f"{customers:,}", (place, height), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
            size=size, color=INK, bbox=ON_WHITE, zorder=4,
        )  # fmt: skip
    ticks = [at for at, m in enumerate(months) if len(months) <= 18 or m.start.month % 3 == 1]
    axes.set_xticks(ticks, month_ticks([months[at].start for at in ticks]), size=AXIS if len(months) <= 14 else SMALL)
    axes.set_ylim(0, max(float((before + first).max()) * 1.1, 1))
    number_ticks(axes, "y")
    axis_title(axes, "y", "known customers with a purchase")
    return sheet


def _newcomers(data: EdaData) -> Newcomers:
    if data.overview.customers == 0:
        raise NothingToShow("no order line has a customer")
    found = loyalty.newcomers(data)
    if found is None:
        raise NothingToShow("the sales of known customers cover fewer than five whole months")
    if not found.anybody_returns:
        raise NothingToShow("no known customer bought in more than one month")
    return found


def _burn_in(found: Newcomers) -> str:
    burn_in, first = found.burn_in, found.counted[0].start
    return words.burn_in(months=burn_in.months, first_month=first, mistaken=burn_in.mistaken).text


def _anonymous(data: EdaData) -> str:
    lines = data.overview.anonymous_lines
    return words.anonymous_not_shown(share=lines / data.overview.lines).text if lines else ""


def cohort_months(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw a heat map of the share of each cohort that buys again, by months or quarters since the first purchase."""
    seen = _newcomers(data)
    found = loyalty.cohorts(data)
    if found is None:
        raise NothingToShow("no known customer bought in more than one whole month")
    followed = [cohort for cohort in found.cohorts if len(cohort.active) > 1]
    shown = followed[-_COHORTS_SHOWN:]
    back = loyalty.comeback(data)
    clear = back if back is not None and back.clear else None
    sheet = Sheet(
        words.cohorts_title(
            first_month=clear and clear.start,
            last_month=clear and clear.end,
            share=clear and clear.back / clear.first,
            before=clear and clear.before,
        ).text,
        words.cohorts_reading(period=found.period, shown=len(shown), cohorts=len(followed)).text,
        footnote(data, f"* {_burn_in(seen)}" if any(c.early for c in shown) else "", _anonymous(data)),
    )
    axes = sheet.axes()
    axes.spines[:].set_visible(False)
    longest = min(max(len(c.active) for c in shown), _COHORTS_SHOWN)
    grid = np.full((len(shown), longest - 1), np.nan)
    for row, cohort in enumerate(shown):
        later = cohort.shares[1:longest]
        grid[row, : len(later)] = later
    top = max(float(np.nanmax(grid)), 1e-9)
    image = axes.imshow(grid, cmap=LITTLE_TO_MUCH, aspect="auto", vmin=0, vmax=top)
    for (row, column), share in np.ndenumerate(grid):
        if np.isfinite(share):
            axes.text(
                column, row, f"{share * 100:.0f}", ha="center", va="center", size=TEXT if longest <= 14 else SMALL,
                color=text_on(image, share),
            )  # fmt: skip
    axes.set_yticks(range(len(shown)), [_name(c, found.period) for c in shown])
    axes.set_xticks(range(grid.shape[1]), [str(n) for n in range(1, grid.shape[1] + 1)])
    axis_title(axes, "x", f"{found.period}s after the first purchase")
    axis_title(axes, "y", f"{found.period} of the first purchase, and customers")
    return sheet


def _name(cohort: Cohort, period: str) -> str:
    when = month(cohort.start) if period == "month" else quarter(cohort.start)
    return f"{when}{'*' if cohort.early else ''}  {cohort.customers:,}"

"""Titles of the figures of the sales: what each shows."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import (
    change,
    compared,
    day,
    listed,
    money,
    month,
    percent,
    plural,
    rough_percent,
    short,
)
from retail_assets.wording.leading import NAMED
from retail_assets.wording.sales_customers import Group
from retail_assets.wording.sales_products import ALMOST_EQUAL
from retail_assets.wording.statement import phrase

FEW = 50
"""Cases below which a title says how many they are."""


@phrase("title.daily_revenue")
def daily_revenue(
    *,
    average: float,
    days: int,
    days_without_sale: int,
    trend: float | None,
    weeks: int | None,
    clear: bool,
    peak: dt.date | None,
    peak_ratio: float | None,
    currency: str,
) -> str:
    """State the average of `days`, the `trend` over `weeks` relative to the median week, and the day that stands out.

    `trend` and `peak` are None where there is none to state.
    """
    if days == 1:
        return f"One day of sales: {money(average, currency)}"
    mean = f"the average {'calendar day' if days_without_sale else 'day'} brings {money(average, currency)}"
    if trend is None or weeks is None:
        title = mean[0].upper() + mean[1:]
    elif clear:
        direction = "grew" if trend > 0 else "fell"
        title = f"Sales {direction} by about {rough_percent(abs(trend))} over {plural(weeks, 'week')}; {mean}"
    else:
        title = f"Sales show no clear trend over {plural(weeks, 'week')}; {mean}"
    if peak is not None and peak_ratio is not None:
        title += f"; {day(peak)} brought {peak_ratio:.1f} times the usual"
    return title


@phrase("title.weekdays")
def weekdays(
    *,
    best: tuple[str, ...],
    worst: tuple[str, ...],
    high: float | None,
    low: float | None,
    weeks: int,
    tested: bool,
    clear: bool,
    closed: bool,
) -> str:
    """Name the strongest and the weakest open weekdays, relative to the mean of the open ones, None where it is zero.

    They are several where none of them is clearly ahead of the next; where that goes on to all, none is named.
    """
    if high is None or low is None:
        return "The average weekday brings nothing once returns are deducted"
    one = len(best) == 1
    if not one and set(best) & set(worst):
        least = change(low) if low > 0 else "more returned than sold"
        few = "" if tested else " so far, but the weeks are few"
        if least == change(high):
            return f"Weekdays bring the same{few}"
        few = few or ("" if clear else "; the differences may be chance")
        ends = f"{least} to {change(high)}, relative to the average {'open weekday' if closed else 'day'}"
        return f"No weekday is clearly ahead of the next: {ends}{few}"
    if not tested:
        return (
            f"{listed(best)} {'brings' if one else 'bring'} most so far, but the weeks are too few to call it a pattern"
        )
    if not clear:
        return f"No weekday clearly differs; the lead of {listed(best)} may be chance"
    title = f"{listed(best)} {'brings' if one else 'bring up to'} {compared(high)} the average "
    title += "open weekday" if closed else "day"
    if best != worst and len(worst) <= NAMED:
        down = "up to " if len(worst) > 1 and low > 0 else ""
        title += f", {listed(worst)} {down}{change(low) if low > 0 else 'no more than is returned'}"
    return f"{title} ({plural(weeks, 'week')})" if weeks < FEW else title


@phrase("title.months")
def months(
    *,
    best: tuple[dt.date, ...],
    best_mean: float,
    worst_mean: float,
    months: int,
    ratio: float | None,
    clear: bool,
    currency: str,
) -> str:
    """Name the strongest of the whole months, relative to the average day of all of them, None where that is zero.

    They are several where none of them is clearly ahead of the next; more than a few are not named.
    """
    if ratio is None:
        return "The average month brings nothing once returns are deducted"
    if len(best) > NAMED or len(best) == months:
        ends = f"whole months bring {money(worst_mean, currency)} to {money(best_mean, currency)} per day"
        return f"{'The highest month has no clear lead' if clear else 'No month clearly differs'}: {ends}"
    names = listed(map(month, best))
    if clear and len(best) == 1:
        return f"{names} is the strongest month: its days bring {compared(ratio)} the average day of whole months"
    if clear:
        return f"{names} are the strongest: their days bring up to {compared(ratio)} the average day of whole months"
    are = "is highest with" if len(best) == 1 else "are highest with up to"
    return f"No month clearly differs; {names} {are} {money(best_mean, currency)} per day"


@phrase("title.busy_hours")
def busy_hours(
    *,
    start: str,
    end: str,
    share: float,
    weekday: str,
    hour: str,
    revenue: float,
    clear: bool,
    alone: bool,
    currency: str,
) -> str:
    """Name the shortest run of hours that brings half of the revenue, and the `hour` of the week that brings most.

    `clear` says that the hour is above a typical one by more than chance, `alone` that it is above the next one.
    """
    busy = f"{start}-{end} brings {percent(share, 0)} of revenue"
    if not clear:
        return f"{busy}; the lead of the strongest hour may be chance"
    rank = "brings most" if alone else "is among the hours that bring most"
    return f"{weekday} {hour} {rank} ({money(revenue, currency)} on average); {busy}"


@phrase("title.category_season")
def category_season(*, category: str | None, best: tuple[dt.date, ...], ratio: float | None) -> str:
    """Name the months in which a category stands out most from its own average; several share the lead."""
    if category is None or ratio is None:
        return "No category has a clear season: the swings may be chance"
    names = listed(map(month, best)) if len(best) <= NAMED else f"{len(best)} months"
    most = "" if len(best) == 1 else "up to "
    return f"{short(category, 36)} peaks in {names}, when a day brings {most}{compared(ratio)} its own average"


@phrase("title.gender")
def gender(
    *,
    categories: int,
    category: str,
    high: Group,
    high_spend: float,
    low: Group,
    ratio: float | None,
    clear: bool,
    currency: str,
) -> str:
    """Name the category on which genders differ most in money; `ratio` is None where the lower spend nothing."""
    name = short(category, 30)
    if not clear and categories == 1:
        return f"Spending on {name} does not clearly differ between genders"
    if not clear:
        return "Spending does not clearly differ between genders in any of these categories"
    if ratio is None:
        each = f"{money(high_spend, currency)} each"
        return (
            f"{high.name} customers{_if_few(high)} spend {each} on {name}, {low.name} customers{_if_few(low)} nothing"
        )
    return f"{high.name} customers{_if_few(high)} spend {compared(ratio)} {low.name} customers{_if_few(low)} on {name}"


def _if_few(group: Group) -> str:
    return f" (only {group.customers})" if group.customers < FEW else ""


@phrase("title.age")
def age(
    *,
    high: Group,
    high_spend: float,
    second: str,
    leads: bool,
    low: Group,
    ratio: float | None,
    clear: bool,
    currency: str,
) -> str:
    """Name the age groups that spend most and least per customer; `ratio` is None where the latter spend nothing.

    `leads` says that the first spend more than the `second` by more than chance.
    """
    if not clear and ratio is not None and change(ratio) == "as much":
        return "Spending does not differ between age groups"
    if not clear:
        return f"Spending does not clearly differ between age groups; the lead of {high.name} may be chance"
    first = f"Customers aged {high.name}{_if_few(high)} spend most"
    lead = "" if leads else f"; the lead over those aged {second} may be chance"
    if ratio is None:
        return f"{first}: {money(high_spend, currency)} each{lead}"
    return f"{first}: {compared(ratio)} those aged {low.name}{_if_few(low)}{lead}"


@phrase("title.concentration")
def concentration(*, customers: int, best_20: float, half: float, anonymous: bool) -> str:
    """State what the best customers bring; `anonymous` says that some order lines have no customer."""
    whose = "revenue of known customers" if anonymous else "revenue"
    return (
        f"The best 20 % of {plural(customers, 'customer')} bring {percent(best_20)} of {whose}; {percent(half)} "
        "bring half of it"
    )


@phrase("title.largest_category")
def largest_category(
    *,
    category: str,
    revenue: float,
    share: float | None,
    total: float,
    second: str | None,
    second_share: float | None,
    currency: str,
) -> str:
    """State what the largest category brings of the `total`, and the second; `share` is None without any revenue."""
    name = short(category, 40)
    if second is None:
        return f"All sales are in one category, {name}: {money(total, currency)}"
    if share is None or second_share is None:
        return f"{name} brings most, {money(revenue, currency)}; over all categories, returns exceed sales"
    return (
        f"{name} brings {percent(share)} of {money(total, currency)}; next is {short(second, 30)} with "
        f"{percent(second_share)}"
    )


@phrase("title.performance")
def performance(
    *,
    category: str,
    share: float,
    orders: int,
    order_share: float,
    rival: str | None,
    rival_orders: int | None,
    second: str | None,
    second_share: float | None,
    only: bool,
) -> str:
    """Compare what the largest category earns with how often it is bought; `rival` is bought more often.

    The `second` earns next most.
    """
    if only:
        return f"{short(category, 40)} is the only category and in every order"
    alike = second is not None and second_share is not None and share < second_share * ALMOST_EQUAL
    earns = f"earns about as much as {short(second, 30)}" if alike and second else "earns most"
    first = f"{short(category, 30)} {earns} ({percent(share)}{_against(second_share if alike else None)})"
    if rival is None or rival_orders is None:
        none = "and no category is bought more often"
        return f"{first}{',' if alike else ''} {none}: it is in {percent(order_share)} of orders"
    if rival_orders < orders * ALMOST_EQUAL:
        than = "it" if alike and rival == second else short(rival, 30)
        return f"{first}, and is bought about as often as {than} ({plural(orders, 'order')} against {rival_orders:,})"
    return f"{first}, but {short(rival, 30)} is bought more often ({plural(rival_orders, 'order')} against {orders:,})"


def _against(share: float | None) -> str:
    return "" if share is None else f" against {percent(share)}"


@phrase("title.order_size")
def order_size(*, median: float, mean: float, equal: bool, currency: str) -> str:
    """State the median and the mean order; `equal` says that all bring the same."""
    if equal:
        return f"Every order brings {money(median, currency)}"
    return f"The median order brings {money(median, currency)}, the mean {money(mean, currency)}"

"""Sentences of the advice on segments: what `recommendations.md` and the activation lists say to do, and why."""

from __future__ import annotations

import datetime as dt
import math
import string
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from retail_assets.wording.formats import day, listed, money, percent, plural
from retail_assets.wording.statement import phrase

_LEAST_SHOWN = 0.0005


@dataclass(frozen=True)
class Preference:
    """A category on which a persona spends a larger share of its money than all other customers do.

    Attributes:
        category: its name.
        share: of the persona's money.
        other_share: of the money of all other customers.
        revenue: what the persona spent on it.
    """

    category: str
    share: float
    other_share: float
    revenue: float


def as_printed(amount: float) -> float:
    """Round an amount as `money` prints it, so that a reader who multiplies what is printed gets what is printed.

    >>> as_printed(29.4812), as_printed(944.4)
    (29.48, 944.0)
    """
    return round(amount, 2) if abs(amount) < 99.995 else float(round(amount))


@phrase("campaigns.action")
def action(
    *,
    persona: str,
    template: str,
    customers: int,
    customers_share: float,
    revenue: Decimal,
    revenue_share: float | None,
    frequency: float,
    average_basket: float,
    recency: float,
    top_month_share: float | None,
    tenth_of_revenue: Decimal,
    one_more_purchase: float,
    one_in_ten: int,
    one_in_ten_buying: float,
    few: int,
    currency: str | None,
) -> str:
    """Fill a persona's action text, which a shop may write itself, with the numbers of its profile.

    Of fewer than `few` customers, the sentence says so.
    """
    numbers = {
        "customers": plural(customers, "customer"),
        "customers_share": _share(customers_share),
        "revenue": money(float(revenue), currency),
        "revenue_share": _share(revenue_share),
        "frequency": f"{frequency:,.0f}",
        "average_basket": money(average_basket, currency),
        "recency": f"{recency:,.0f}",
        "top_month_share": _share(top_month_share),
        "tenth_of_revenue": money(float(tenth_of_revenue), currency),
        "one_more_purchase": money(one_more_purchase, currency),
        "one_in_ten": plural(one_in_ten, "customer"),
        "one_in_ten_buying": money(one_in_ten_buying, currency),
    }
    text = string.Formatter().vformat(template, (), numbers)
    if customers < few and text and "{customers}" not in template:
        return f"With care, from {plural(customers, 'customer')} only – {text}"
    if customers < few and text:
        return f"{text} With fewer than {few} customers, this may be chance."
    return text


@phrase("campaigns.next_step")
def next_step(
    *,
    customer: str,
    template: str,
    purchases: int,
    money_spent: Decimal,
    average_basket: float,
    last_seen: dt.date,
    currency: str | None,
) -> str:
    """Fill the next step of a persona, which a shop may write itself, with the numbers of one customer."""
    numbers = {
        "purchases": plural(purchases, "purchase"),
        "money_spent": money(float(money_spent), currency),
        "average_basket": money(average_basket, currency),
        "last_seen": day(last_seen),
    }
    return string.Formatter().vformat(template, (), numbers)


@phrase("campaigns.preferences")
def preferences(*, persona: str, categories: Sequence[Preference], days: int, currency: str | None) -> str:
    """State what a larger part of a persona's money goes to than of the others' money, and how much that is."""
    named = [
        f"{each.category} ({percent(each.share)} against {percent(each.other_share)}; "
        f"{money(each.revenue, currency)} in {days} days)"
        for each in categories
    ]
    return f"A larger part of their money than of the other customers' goes to {listed(named)}."


@phrase("campaigns.buying_times")
def buying_times(
    *,
    persona: str,
    days: int,
    best_months: Sequence[str] | None,
    best_months_share: float | None,
    even_months: float,
    best_weekdays: Sequence[str],
    best_weekdays_share: float,
    even_weekdays: float,
    own_month: str | None,
    own_month_index: float | None,
    least: float,
) -> str:
    """State the months and weekdays in which a persona spends most, where they exceed an even spread `least` times.

    There is one of them, or two that share the lead, or none that leads by more than chance; `even_months`
    and `even_weekdays` are their shares in an even spread. Without `best_months` nothing is said about months: they
    take a year. `own_month` is the one that exceeds its share among all customers most; None if none does clearly.
    """
    found, missing = [], []
    if best_months is not None and best_months_share is not None:
        if best_months and best_months_share >= least * even_months:
            found.append(
                f"in {listed(best_months)} ({percent(best_months_share)} of their money; an even spread would be "
                f"{percent(even_months)}; one season, which need not repeat)"
            )
        else:
            missing.append("month")
    if best_weekdays and best_weekdays_share >= least * even_weekdays:
        found.append(
            f"on {listed(f'{name}s' for name in best_weekdays)} ({percent(best_weekdays_share)} of their money; an "
            f"even spread would be {percent(even_weekdays)})"
        )
    else:
        missing.append("weekday")
    if found:
        text = f"In the last {days} days they spent most {listed(found)}"
        text += f"; no {missing[0]} stands out." if missing else "."
    else:
        text = f"In the last {days} days no {' and no '.join(missing)} stands out."
    if own_month is not None and own_month_index is not None:
        text += (
            f" Compared with all customers, {own_month} was their strongest month in this one season: its share of "
            f"their money is {own_month_index:.1f} × its share of all customers'."
        )
    return text


@phrase("campaigns.shift")
def shift(
    *,
    persona: str,
    customers: int,
    typical: float,
    upper: float,
    more: float,
    days: int,
    currency: str | None,
) -> str:
    """State what it would bring if `customers`, one in ten, spent as much as the persona's upper quartile."""
    return (
        f"If one in ten of them ({plural(customers, 'customer')}) spent {money(upper, currency)} in {days} days, as a "
        f"quarter of this segment already does or exceeds, instead of the typical {money(typical, currency)}, that "
        f"would bring {money(more, currency)}."
    )


@phrase("campaigns.few_customers")
def few_customers(*, personas: Sequence[str], least: int) -> str:
    """State which personas are too small for a statement on what they buy."""
    return (
        f"Fewer than {least} customers are in {listed(personas)}: what they buy, when, and what they could spend may "
        "be chance, and is left out."
    )


@phrase("campaigns.short_history")
def short_history(*, days: int) -> str:
    """State that the sales do not cover a year, so that nothing is said about seasons."""
    return (
        f"The sales span {plural(days, 'day')}, less than the 12 months that seasons need: best months, "
        "seasons and peaks to stock up for are left out. The name of a persona says how its customers bought so far, "
        "not when they will buy again."
    )


@phrase("campaigns.scope")
def scope(*, last_day: dt.date, days: int, least: float) -> str:
    """State which sales the advice on segments rests on, and from which ratio to an even spread a time stands out."""
    return (
        f"From sales until {day(last_day)}. Money and shares of segments count known customers only, in the "
        f'{plural(days, "day")} up to that day. "Typical" is the median, of each number by itself: typical purchases '
        "times the typical basket need not be the typical spending. A month or weekday stands out where it brings at "
        f"least {percent(least - 1, 0)} more than in an even spread, and leads by more than chance."
    )


def _share(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "an undefined share"
    # No share is written as 0.0 % unless it is zero.
    return "less than 0.1 %" if 0 < value < _LEAST_SHOWN else percent(value)

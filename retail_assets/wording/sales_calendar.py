"""Sentences about sales over time: trend, weekends, weekdays, holidays, the weeks before Christmas, months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from retail_assets.wording.chance import beyond_chance, may_be_chance
from retail_assets.wording.formats import (
    change,
    compared,
    day,
    listed,
    markdown,
    money,
    month,
    p_value,
    percent,
    plural,
)
from retail_assets.wording.leading import NAMED
from retail_assets.wording.statement import phrase


@phrase("sales.days_rejected")
def days_rejected(*, days: int) -> str:
    """Say what is made of days whose rows were all rejected."""
    they, them = ("it", "it") if days == 1 else ("they", "them")
    return (
        f"**{plural(days, 'day has', 'days have')} rejected rows only**: what {they} sold is unknown, not zero. "
        f"Averages leave {them} out, and comparisons of full weeks leave out weeks with such a day."
    )


@phrase("sales.trend")
def trend(*, slope: float, share: float, weeks: int, p: float, clear: bool, currency: str) -> str:
    """State the trend: `slope` is money per week, `share` that over all weeks relative to the median week."""
    over = f"over {plural(weeks, 'full week')}"
    size = f"{money(abs(slope), currency)} per week ({percent(abs(share))} of the median week over the whole period)"
    test = f"Theil-Sen slope; Kendall's tau: {p_value(p)}"
    if clear:
        return f"**Sales are {'rising' if slope > 0 else 'falling'}** by {size}, {over} ({test})."
    if slope == 0 or percent(share).strip("0.− %") == "":
        return f"**No clear trend** {over} ({test})."
    return f"**No clear trend** {over}: a {'rise' if slope > 0 else 'fall'} of {size}, {may_be_chance(p)}."


@phrase("sales.trend_not_known")
def trend_not_known(*, weeks: int, fewest: int) -> str:
    """Say why there is no trend."""
    return (
        f"**Trend: not known.** It needs at least {fewest} full weeks, the median week above zero; the sales have "
        f"{plural(weeks, 'full week')}."
    )


@phrase("sales.weekend")
def weekend(
    *,
    weekend: float,
    weekday: float,
    ratio: float | None,
    low: float,
    high: float,
    p: float,
    clear: bool,
    weeks: int,
    free: tuple[str, ...],
    work: tuple[str, ...],
    currency: str,
) -> str:
    """Compare the mean day of the open weekend days, `free`, with that of the other open days, `work`.

    `low` and `high` are the interval of the difference, `ratio` is None where the others bring nothing.
    """
    others = "from Monday to Friday" if len(work) == 5 else f"on {listed(work)}"
    means = f"{money(weekend, currency)} per day on {listed(free)}, {money(weekday, currency)} {others}"
    test = (
        f"95 % confidence interval of the difference: {money(low, currency)} to {money(high, currency)}, {p_value(p)}, "
        f"over {plural(weeks, 'full week')}"
    )
    if not clear:
        return f"**Weekends do not clearly differ from weekdays**: {means} ({test})."
    size = "" if ratio is None else f"{compared(ratio)} on weekdays, "
    verdict = "Sales are higher at" if weekend > weekday else "Sales are lower at"
    return f"**{verdict} weekends**: {size}{means} ({test})."


@phrase("sales.weekend_closed")
def weekend_closed(*, closed: tuple[str, ...], rejected: tuple[str, ...]) -> str:
    """Say that one side of the comparison never sells; `rejected` are weekdays of which rows were rejected."""
    lost = f" Rows of {listed(f'{d}s' for d in rejected)} were rejected." if rejected else ""
    return (
        f"**Weekends and weekdays: cannot be compared.** There are no sales on {listed(f'{d}s' for d in closed)}.{lost}"
    )


@phrase("sales.weekend_not_known")
def weekend_not_known(*, weeks: int, fewest: int) -> str:
    """Say why weekends are not compared."""
    return (
        f"**Weekends and weekdays: not known.** A comparison needs at least {fewest} full weeks; the sales have "
        f"{plural(weeks, 'full week')}."
    )


@phrase("sales.weekdays")
def weekdays(
    *,
    best: tuple[str, ...],
    worst: tuple[str, ...],
    high: float,
    low: float,
    p: float,
    clear: bool,
    weeks: int,
    closed: tuple[str, ...],
) -> str:
    """Name the strongest and the weakest open weekdays, relative to the mean of the open ones.

    They are several where none of them is clearly ahead of the next; where that goes on to all, none is named.
    """
    average = "the average of the open weekdays" if closed else "the average day"
    over = plural(weeks, "full week")
    if set(best) & set(worst):
        least = change(low) if low > 0 else "more returned than sold"
        ends = f"the mean revenues of {over} go from {least} to {change(high)}, relative to {average}"
        if least == change(high):
            ends = f"the mean revenues of {over} are the same"
        test = f"differences may be chance ({p_value(p)}, Friedman test)"
        if clear:
            test = f"weekdays {beyond_chance(p, 'Friedman test')}"
        return f"**No weekday is clearly ahead of the next**: {ends}; {test}."
    if not clear:
        have = "has" if len(best) == 1 else "share"
        return (
            f"**No weekday stands out**: {listed(best)} {have} the highest mean revenue of {over}, {compared(high)} "
            f"{average}, {may_be_chance(p)}."
        )
    least = change(low) if low > 0 else "no more is sold than returned"
    verb = "brings most (" if len(best) == 1 else "bring most (up to "
    down = "up to " if len(worst) > 1 and low > 0 else ""
    return (
        f"{_bold(best)} {verb}{compared(high)} {average}) and {_bold(worst)} least ({down}{least}); "
        f"weekdays {beyond_chance(p, f'Friedman test over {over}')}."
    )


def _bold(names: Iterable[str]) -> str:
    return listed(f"**{name}**" for name in names)


@phrase("sales.holidays")
def holidays(
    *,
    country: str,
    ratio: float,
    p: float,
    clear: bool,
    count: int,
    closed: int,
    extreme: tuple[tuple[str, int, float], ...],
    against: int,
    opposite: tuple[tuple[str, int, float], ...],
) -> str:
    """Compare days around `count` holidays, `closed` of them without a sale.

    `extreme` are name, year and ratio of the highest, where sales dip of the lowest. `against` of the holidays go the
    other way, `opposite` are the farthest of these.
    """
    shut = f", {closed} of them without a sale" if closed else ""
    what = (
        f"the days of {plural(count, 'public holiday')} ({country}{shut}) and the three days before each bring "
        f"{compared(ratio)} the same weekdays of the four weeks before and after"
    )
    if not clear:
        return f"**Public holidays as a whole do not clearly change sales**: {what}, {may_be_chance(p)}."
    verdict = "Sales rise" if ratio > 1 else "Sales dip"
    but = ""
    if against:
        side, end = ("below", "lowest") if ratio > 1 else ("above", "highest")
        which = _with_ratios(opposite)
        but = f" Not around each: {against} of {count} {'is' if against == 1 else 'are'} {side} the usual, "
        but += f"{which}." if against == len(opposite) else f"the {end} {which}."
    return (
        f"**{verdict} around public holidays**: {what} ({p_value(p)}, compared with the same calendar shifted along "
        f"the data). The {'highest' if ratio > 1 else 'lowest'}, each one case: {_with_ratios(extreme)}.{but}"
    )


@phrase("sales.holidays_not_known")
def holidays_not_known(*, country: str | None, calendar: bool, fewest: int, fewest_days: int) -> str:
    """Say why holidays are not compared: no country, no `calendar` of it, or too few days."""
    if not country:
        return "**Holidays: not known.** No country is set, so its public holidays are not known."
    if not calendar:
        return f"**Holidays: not known.** There is no holiday calendar for the country {markdown(country)}."
    return (
        f"**Holidays: not known.** A comparison needs at least {fewest} public holidays and {fewest_days} days with "
        "the same weekday in the weeks around them."
    )


@phrase("sales.single_holidays")
def single_holidays(*, highest: tuple[tuple[str, int, float], ...]) -> str:
    """Name holidays, with year and ratio, that stand out alone."""
    return (
        "**Single holidays stand out** when the revenue of each one's four days is compared with that of all ordinary "
        "spans of four days: "
        f"{_with_ratios(highest)}; each is one case, not a rule for the next year."
    )


def _with_ratios(highest: tuple[tuple[str, int, float], ...]) -> str:
    return listed(f"{markdown(name)} {year} ({ratio:.2f} times the usual)" for name, year, ratio in highest)


@phrase("sales.peaks")
def peaks(*, days: tuple[tuple[dt.date, float], ...]) -> str:
    """List days with their ratio to what is usual."""
    return (
        "Single days with revenue far above the median of the same weekday in the four weeks before and after: "
        f"{listed(f'{day(date)} ({ratio:.1f} times)' for date, ratio in days)}."
    )


@phrase("sales.season")
def season(*, year: int, ratio: float, rank: float, clear: bool, seen: int, above: int) -> str:
    """Compare the weeks before Christmas of `year` with the days outside such weeks.

    `rank` is the share of all runs of 31 days that sold at least as much; of the `seen` years `above` were higher than
    the days outside.
    """
    size = (
        f"the average day from 24 Nov to 24 Dec brought {compared(ratio)} the average day outside these weeks, and of "
        f"all runs of 31 days, this one included, {percent(rank)} sold at least as much"
    )
    verdict = f"**The weeks before Christmas {year} {'stand out' if clear else 'do not stand out'}**: {size}"
    if seen == 1:
        return f"{verdict}; they are the only ones in the data, so what comes each year cannot be known."
    return f"{verdict}; they were above the days outside in {above} of {seen} years."


@phrase("sales.season_not_known")
def season_not_known(*, fewest_days: int) -> str:
    """Say why the weeks before Christmas are not compared."""
    return (
        "**Christmas season: not known.** It needs a country where Christmas is a public holiday, and at least "
        f"{fewest_days} days of sales with all of 24 Nov to 24 Dec among them."
    )


@phrase("sales.months")
def months(
    *,
    best: tuple[dt.date, ...],
    best_mean: float,
    worst: tuple[dt.date, ...],
    worst_mean: float,
    p: float,
    clear: bool,
    weeks: int,
    season_clear: bool,
    seen_once: bool,
    currency: str,
) -> str:
    """Name the strongest and the weakest whole months by the mean of their days; `p` is over means of `weeks`.

    They are several where none of them is clearly ahead of the next; more than a few are not named.
    `season_clear` says that the weeks before Christmas stand out on the same page, `seen_once` that no month is in the
    data twice.
    """
    high, low = (f"{money(mean, currency)} per calendar day" for mean in (best_mean, worst_mean))
    test = f"Kruskal-Wallis test over {plural(weeks, 'full week')}"
    flat = bool(set(best) & set(worst)) or len(best) > NAMED
    if not clear:
        verb = "is highest with" if len(best) == 1 else "are highest with up to"
        highest = f"{listed(map(month, best))} {verb} {high}, {may_be_chance(p)}"
        if flat:
            ends = f"{money(worst_mean, currency)} to {high}"
            highest = f"they bring {ends}, differences that may be chance ({p_value(p)})"
        why = (
            "; the weeks before Christmas were named beforehand and cross the end of a month, so they can stand out "
            "where no month does"
            if season_clear
            else ""
        )
        return (
            f"**No whole calendar month stands out**: {highest}. The "
            f"{test} asks whether any month differs from the others, none named beforehand{why}."
        )
    once = (
        "each is seen once, so this may be the season, a trend or this one year"
        if seen_once
        else "each month of each year counts on its own, so a trend shows here too"
    )
    if flat:
        return (
            "**Months differ, but the highest has no clear lead**: whole months bring "
            f"{money(worst_mean, currency)} to {high}; months {beyond_chance(p, test)}; {once}."
        )
    verb = "is the strongest month with" if len(best) == 1 else "are the strongest months with up to"
    weakest = f"{_bold(map(month, worst))} the weakest with" if len(worst) <= NAMED else "the weakest ones bring"
    down = "as little as " if len(worst) > 1 else ""
    return f"{_bold(map(month, best))} {verb} {high}, {weakest} {down}{low}; months {beyond_chance(p, test)}; {once}."

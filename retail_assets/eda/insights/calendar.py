"""Sales over time: trend, weekends, weekdays, holidays, the weeks before Christmas, months."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import calendar, holidays
from retail_assets.eda.findings.calendar import FEWEST_WEEKS, FEWEST_WEEKS_FOR_TREND
from retail_assets.eda.findings.holidays import FEWEST_DAYS, FEWEST_HOLIDAYS, Holiday
from retail_assets.eda.findings.significance import NOISE
from retail_assets.eda.insights.phrases import beyond_chance, may_be_chance
from retail_assets.wording.formats import (
    WEEKDAYS,
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

_HOLIDAYS_NAMED = 3
_STANDING_OUT_NAMED = 8


def sentences(data: EdaData, currency: str, country: str | None) -> list[str]:
    """Write the section."""
    return [
        *_unknown_days(data),
        _trend(data, currency),
        _weekend(data, currency),
        *_weekdays(data),
        *_holidays(data, country),
        *_peaks(data),
        _season(data, country),
        *_months(data, currency),
    ]


def _unknown_days(data: EdaData) -> Iterable[str]:
    if count := len(data.days_rejected):
        days = f"**{plural(count, 'day has', 'days have')} rejected rows only**"
        they, them = ("it", "it") if count == 1 else ("they", "them")
        yield (
            f"{days}: what {they} sold is unknown, not zero. Averages leave {them} out, and comparisons of full weeks "
            "leave out weeks with such a day."
        )


def _trend(data: EdaData, currency: str) -> str:
    trend = calendar.trend(data)
    if trend is None:
        weeks = plural(len(calendar.full_weeks(data.known)), "full week")
        return (
            f"**Trend: not known.** It needs at least {FEWEST_WEEKS_FOR_TREND} full weeks, the median week above zero; "
            f"the sales have {weeks}."
        )
    over = f"over {trend.weeks} full weeks"
    change = f"{percent(abs(trend.change))} of the median week over the whole period"
    size = f"{money(abs(trend.slope), currency)} per week ({change})"
    test = f"Theil-Sen slope; Kendall's tau: {p_value(trend.p)}"
    if trend.p < NOISE:
        return f"**Sales are {'rising' if trend.slope > 0 else 'falling'}** by {size}, {over} ({test})."
    if trend.slope == 0:
        return f"**No clear trend** {over} ({test})."
    return f"**No clear trend** {over}: a {'rise' if trend.slope > 0 else 'fall'} of {size}, {may_be_chance(trend.p)}."


def _weekend(data: EdaData, currency: str) -> str:
    difference = calendar.weekend(data)
    pattern = calendar.weekdays(data)
    closed = pattern.closed if pattern is not None else ()
    if difference is None:
        weeks = len(calendar.full_weeks(data.known))
        if weeks >= FEWEST_WEEKS and closed:
            shut = listed(WEEKDAYS[d] + "s" for d in closed)
            lost = sorted({d.weekday() for d in data.days_rejected}.intersection(closed))
            rejected = f" Rows of {listed(WEEKDAYS[d] + 's' for d in lost)} were rejected." if lost else ""
            return f"**Weekends and weekdays: cannot be compared.** There are no sales on {shut}.{rejected}"
        return (
            f"**Weekends and weekdays: not known.** A comparison needs at least {FEWEST_WEEKS} full weeks; the sales "
            f"have {plural(weeks, 'full week')}."
        )
    free = listed(WEEKDAYS[d] for d in (5, 6) if d not in closed)
    work = "from Monday to Friday" if set(closed).isdisjoint(range(5)) else "on the other open days"
    means = f"{money(difference.weekend, currency)} per day on {free}, {money(difference.weekday, currency)} {work}"
    interval = f"{money(difference.low, currency)} to {money(difference.high, currency)}"
    test = (
        f"95 % confidence interval of the difference: {interval}, {p_value(difference.p)}, over {difference.weeks} "
        "full weeks"
    )
    if difference.p >= NOISE:
        return f"**Weekends do not clearly differ from weekdays**: {means} ({test})."
    size = "" if difference.weekday <= 0 else f"{compared(difference.weekend / difference.weekday)} on weekdays, "
    verdict = "Sales peak at" if difference.weekend > difference.weekday else "Sales are lower at"
    return f"**{verdict} weekends**: {size}{means} ({test})."


def _weekdays(data: EdaData) -> Iterable[str]:
    pattern = calendar.weekdays(data)
    if pattern is None or pattern.p is None or pattern.average <= 0:
        return
    best, worst = pattern.best, pattern.worst
    if not pattern.real:
        yield f"**No weekday stands out**: {WEEKDAYS[best]} has the highest mean, {may_be_chance(pattern.p)}."
        return
    high, low = (compared(pattern.mean[d] / pattern.average) for d in (best, worst))
    yield (
        f"**{WEEKDAYS[best]}** is the strongest day ({high} the average day) and **{WEEKDAYS[worst]}** the weakest "
        f"({low} the average day); weekdays {beyond_chance(pattern.p, 'Friedman test')}."
    )


def _holidays(data: EdaData, country: str | None) -> Iterable[str]:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return
    if not country:
        yield "**Holidays: not known.** No country is set, so its public holidays are not known."
        return
    if holidays.public_holidays(country, o.first_date, o.last_date) is None:
        yield f"**Holidays: not known.** There is no holiday calendar for the country {markdown(country)}."
        return
    effect = holidays.holiday_effect(data, country)
    if effect is None:
        yield (
            f"**Holidays: not known.** A comparison needs at least {FEWEST_HOLIDAYS} public holidays and {FEWEST_DAYS} "
            "days with the same weekday in the weeks around them."
        )
        return
    size = f"{compared(effect.ratio)} the same weekdays of the four weeks before and after"
    what = f"the day of a public holiday ({country.upper()}) and the three days before it bring {size}"
    if effect.p < NOISE:
        verdict = "Sales rise" if effect.ratio > 1 else "Sales dip"
        highest = listed(map(_with_ratio, effect.each[:_HOLIDAYS_NAMED]))
        yield (
            f"**{verdict} around public holidays**: {what} ({p_value(effect.p)}, compared with the same calendar "
            f"shifted along the data). The highest of {plural(len(effect.each), 'holiday')}: {highest}."
        )
    else:
        yield f"**Public holidays as a whole do not clearly change sales**: {what}, {may_be_chance(effect.p)}."
    if effect.standing_out:
        names = listed(map(_with_ratio, effect.standing_out[:_STANDING_OUT_NAMED]))
        yield f"**Single holidays stand out** when compared with all ordinary spans of four days: {names}."


def _with_ratio(holiday: Holiday) -> str:
    return f"{markdown(holiday.name)} {holiday.date.year} ({holiday.ratio:.2f} times the usual)"


def _peaks(data: EdaData) -> Iterable[str]:
    peaks = calendar.peaks(data)
    if peaks:
        days = listed(f"{day(p.date)} ({p.ratio:.1f} times)" for p in peaks)
        yield f"Days far above the same weekday in the weeks around them: {days}."


def _season(data: EdaData, country: str | None) -> str:
    season = holidays.christmas_season(data, country)
    if season is None:
        return (
            "**Christmas season: not known.** It needs a country where Christmas is a public holiday, and at least "
            f"{FEWEST_DAYS} days of sales with all of 24 Nov to 24 Dec among them."
        )
    season_days = f"the average day from 24 Nov to 24 Dec {season.year}"
    size = f"{season_days} brought {compared(season.ratio)} the average of the others"
    windows = f"of all windows of 31 days, {percent(season.rank)} sold at least as much"
    if season.rank <= NOISE and season.ratio > 1:
        return f"**The weeks before Christmas are a season**: {size}; {windows}."
    return f"**The weeks before Christmas do not stand out**: {size}; {windows}."


def _months(data: EdaData, currency: str) -> Iterable[str]:
    pattern = calendar.months(data)
    if pattern is None or len(pattern.whole) < 3 or pattern.p is None:
        return
    best, worst = max(pattern.whole, key=lambda m: m.mean), min(pattern.whole, key=lambda m: m.mean)
    high, low = (f"{money(m.mean, currency)} per day" for m in (best, worst))
    if not pattern.real:
        yield f"**No month stands out**: {month(best.start)} is highest with {high}, {may_be_chance(pattern.p)}."
        return
    yield (
        f"**{month(best.start)}** is the strongest month with {high}, **{month(worst.start)}** the weakest with {low}; "
        f"months {beyond_chance(pattern.p, 'Kruskal-Wallis test over weeks')}."
    )

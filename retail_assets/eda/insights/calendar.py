"""Sales over time: trend, weekends, weekdays, holidays, the weeks before Christmas, months."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import calendar, holidays
from retail_assets.eda.findings.calendar import FEWEST_WEEKS, FEWEST_WEEKS_FOR_TREND
from retail_assets.eda.findings.holidays import FEWEST_DAYS, FEWEST_HOLIDAYS, Holiday
from retail_assets.wording import sales_calendar as words
from retail_assets.wording.formats import WEEKDAYS
from retail_assets.wording.statement import Statement
from retail_assets.wording.thresholds import NOISE

_HOLIDAYS_NAMED = 3
_STANDING_OUT_NAMED = 8


def sentences(data: EdaData, currency: str, country: str | None) -> list[Statement]:
    """Write the section."""
    return [
        *_unknown_days(data),
        _trend(data, currency),
        _weekend(data, currency),
        *_weekdays(data),
        *_holidays(data, country),
        *_peaks(data),
        _season(data, country),
        *_months(data, currency, country),
    ]


def _unknown_days(data: EdaData) -> Iterable[Statement]:
    if count := len(data.days_rejected):
        yield words.days_rejected(days=count)


def _trend(data: EdaData, currency: str) -> Statement:
    trend = calendar.trend(data)
    if trend is None:
        return words.trend_not_known(weeks=len(calendar.full_weeks(data.known)), fewest=FEWEST_WEEKS_FOR_TREND)
    return words.trend(
        slope=trend.slope,
        share=trend.change,
        weeks=trend.weeks,
        p=trend.p,
        clear=trend.p < NOISE,
        currency=currency,
    )


def _weekend(data: EdaData, currency: str) -> Statement:
    difference = calendar.weekend(data)
    pattern = calendar.weekdays(data)
    closed = pattern.closed if pattern is not None else ()
    if difference is None:
        weeks = len(calendar.full_weeks(data.known))
        if weeks >= FEWEST_WEEKS and closed:
            lost = sorted({d.weekday() for d in data.days_rejected}.intersection(closed))
            return words.weekend_closed(closed=_named(closed), rejected=_named(lost))
        return words.weekend_not_known(weeks=weeks, fewest=FEWEST_WEEKS)
    return words.weekend(
        weekend=difference.weekend,
        weekday=difference.weekday,
        ratio=difference.weekend / difference.weekday if difference.weekday > 0 else None,
        low=difference.low,
        high=difference.high,
        p=difference.p,
        clear=difference.p < NOISE,
        weeks=difference.weeks,
        free=_named([d for d in (5, 6) if d not in closed]),
        work=_named([d for d in range(5) if d not in closed]),
        currency=currency,
    )


def _named(weekdays: Sequence[int]) -> tuple[str, ...]:
    return tuple(WEEKDAYS[d] for d in weekdays)


def _weekdays(data: EdaData) -> Iterable[Statement]:
    pattern = calendar.weekdays(data)
    if pattern is None or pattern.p is None or pattern.average <= 0:
        return
    highest, lowest = pattern.ends
    yield words.weekdays(
        best=_named(pattern.best),
        worst=_named(pattern.worst),
        high=highest / pattern.average,
        low=lowest / pattern.average,
        p=pattern.p,
        clear=pattern.real,
        weeks=pattern.weeks,
        closed=_named(pattern.closed),
    )


def _holidays(data: EdaData, country: str | None) -> Iterable[Statement]:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return
    effect = holidays.holiday_effect(data, country)
    if effect is None:
        yield words.holidays_not_known(
            country=country,
            calendar=holidays.public_holidays(country, o.first_date, o.last_date) is not None,
            fewest=FEWEST_HOLIDAYS,
            fewest_days=FEWEST_DAYS,
        )
        return
    closed = {*data.days_without_sale, *data.days_rejected}
    # From the farthest on; what is written as 1.00 times the usual is on neither side.
    far = effect.each if effect.ratio > 1 else effect.each[::-1]
    against = [h for h in far[::-1] if (round(h.ratio, 2) < 1 if effect.ratio > 1 else round(h.ratio, 2) > 1)]
    yield words.holidays(
        country=(country or "").upper(),
        ratio=effect.ratio,
        p=effect.p,
        clear=effect.p < NOISE,
        count=len(effect.each),
        closed=sum(h.date in closed for h in effect.each),
        extreme=_ratios(far[:_HOLIDAYS_NAMED]),
        against=len(against),
        opposite=_ratios(against[:_HOLIDAYS_NAMED]),
    )
    if effect.standing_out:
        yield words.single_holidays(highest=_ratios(effect.standing_out[:_STANDING_OUT_NAMED]))


def _ratios(each: Iterable[Holiday]) -> tuple[tuple[str, int, float], ...]:
    return tuple((h.name, h.date.year, h.ratio) for h in each)


def _peaks(data: EdaData) -> Iterable[Statement]:
    if found := calendar.peaks(data):
        yield words.peaks(days=tuple((p.date, p.ratio) for p in found))


def _season(data: EdaData, country: str | None) -> Statement:
    season = holidays.christmas_season(data, country)
    if season is None:
        return words.season_not_known(fewest_days=FEWEST_DAYS)
    return words.season(
        year=season.year,
        ratio=season.ratio,
        rank=season.rank,
        clear=season.stands_out,
        seen=season.seen,
        above=season.above,
    )


def _months(data: EdaData, currency: str, country: str | None) -> Iterable[Statement]:
    pattern = calendar.months(data)
    if pattern is None or len(pattern.whole) < 3 or pattern.p is None:
        return
    season = holidays.christmas_season(data, country)
    yield words.months(
        best=pattern.best,
        best_mean=max(m.mean for m in pattern.whole),
        worst=pattern.worst,
        worst_mean=min(m.mean for m in pattern.whole),
        p=pattern.p,
        clear=pattern.real,
        weeks=pattern.weeks,
        season_clear=season is not None and season.stands_out,
        seen_once=len({m.start.month for m in pattern.months}) == len(pattern.months),
        currency=currency,
    )

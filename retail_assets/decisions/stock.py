"""What to have in stock: for the categories that will sell most, the strongest week of the forecast.

A forecast is compared with what was sold: in the same days a year before, and in the weeks just before it. Only a week
above all of these is one to stock up for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retail_assets.forecasting.data.calendar import HolidayCalendar, forecast_calendar
from retail_assets.forecasting.data.series import TOTAL, DailySales, daily_sales
from retail_assets.forecasting.evaluation import comparison
from retail_assets.forecasting.evaluation.comparison import Past
from retail_assets.wording import formats
from retail_assets.wording import stock as wording
from retail_assets.wording.leading import NAMED, sharing_the_lead
from retail_assets.wording.thresholds import ALIKE

TOP_CATEGORIES = 5
WEEK_DAYS = 7
PEAK = 0.05
"""A week is one to stock up for from this much above each past it is compared with."""

# The money of n orders varies by chance by about 1 / sqrt(n) of itself.
_STANDARD_ERRORS = 2.0

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class History:
    """What was sold until the forecast, and the holidays of its days and the days forecast."""

    sales: DailySales
    holidays: HolidayCalendar
    rows: pd.DataFrame

    def orders(self, category: str, past: Past) -> int:
        """Count the orders with a category in these days."""
        days = pd.to_datetime(self.rows["sale_date"]).dt.date
        within = (days >= past.first) & (days <= past.last) & (self.rows["product_category"] == category)
        return int(self.rows["orders"][within].sum())


def history_of(rows: pd.DataFrame, country: str, forecast: Rows) -> History | None:
    """Make the history that a forecast had seen; None without rows.

    Args:
        rows: as `sources.daily_history` reads them. Days after the cut-off of the forecast are left out.
        country: of the holidays, ISO 3166-1 as `US`.
        forecast: rows of `sales_forecast`.
    """
    if not forecast:
        return None
    seen = rows[pd.to_datetime(rows["sale_date"]) <= pd.Timestamp(max(row["cutoff_date"] for row in forecast))]
    sales = daily_sales(seen)
    horizon = max(row["horizon_day"] for row in forecast)
    return None if sales is None else History(sales, forecast_calendar(country, sales, horizon), seen)


def stock(
    forecast: Rows,
    buyers: Mapping[str, Sequence[str]],
    currency: str | None = None,
    *,
    year: bool = True,
    history: History | None = None,
) -> list[dict[str, Any]]:
    """Recommend stock for the strongest week of each of the categories with the highest forecast.

    Weeks are counted from the first day of the forecast; an incomplete week at its end is ignored.

    Args:
        forecast: rows of `sales_forecast`; those of `TOTAL`, the sum of all others, are left out.
        buyers: personas to offer a category to, by category.
        currency: code written before money; None if it is unknown.
        year: whether the sales span twelve months; without, no week is called one to stock up for.
        history: what was sold; without it nothing is compared, and no week is called one to stock up for.
    """
    by_category: dict[str, list[Mapping[str, Any]]] = {}
    for row in forecast:
        if row["product_category"] != TOTAL:
            by_category.setdefault(str(row["product_category"]), []).append(row)
    largest = sorted(by_category, key=lambda c: (-sum(float(r["mean"]) for r in by_category[c]), c))
    weak = _weak_days(forecast, history)
    entries = []
    for category in largest[:TOP_CATEGORIES]:
        weeks = _weeks(by_category[category])
        if not weeks or sum(map(_mean_of, weeks)) <= 0:
            continue
        average = sum(map(_mean_of, weeks)) / len(weeks)
        sums = [round(_mean_of(each), 2) for each in weeks]
        peak = weeks[sums.index(max(sums))]
        alike_weeks = sum(each >= max(sums) * (1 - ALIKE) for each in sums)
        in_weeks = len(peak) == 1
        strong = [row for row in peak if category not in weak.get(row["forecast_date"], ())]
        day = max(strong or peak, key=_mean)
        leading = _leading_days(strong)
        named = bool(strong) and not in_weeks
        single = in_weeks or (named and len(leading) == 1)
        units = [row["units"] for row in peak]
        before = WEEK_DAYS - 1 if in_weeks else 0  # a row of a source that reports weeks is dated on its end
        first, last = peak[0]["forecast_date"] - dt.timedelta(days=before), peak[-1]["forecast_date"]
        expected = round(_mean_of(peak), 2)
        past = _compared(history, category, first, last, expected)
        known = [name for name in ("year_before", "recent") if past[name] is not None]
        more = None
        if known and year:
            more = all(past[f"of_{name}"] > 1 + _least(past[f"{name}_orders"]) for name in known)
        expected_units = None if None in units else round(sum(units))
        sentences = [
            wording.week(
                category=category,
                first_day=first,
                last_day=last,
                forecast_weeks=len(weeks),
                others_alike=alike_weeks - 1,
                alike=ALIKE,
                expected=expected,
                units=expected_units,
                more_than_usual=more,
                **past,
                currency=currency or "",
            )
        ]
        mean, p90 = _mean(day), round(float(day["p90"]), 2)
        common = {"category": category, "p90": p90, "currency": currency or ""}
        if in_weeks:
            sentences.append(wording.chance_of_more(**common))
        elif named:
            sentences.append(
                wording.strongest_day(
                    dates=[row["forecast_date"] for row in leading],
                    date=day["forecast_date"],
                    apart=[r["forecast_date"] for r in peak if r not in strong and _mean(r) > mean],
                    expected=mean,
                    least=min(map(_mean, leading or strong)),
                    **common,
                )
            )
        text = " ".join(sentence.text for sentence in sentences)
        personas = list(buyers.get(category, ()))
        if personas:
            text += (
                f" Offer it to {formats.listed(personas)}, who spend a larger share of their money on it than "
                "other customers do."
            )
        entries.append(
            {
                "category": category,
                "first_day": first.isoformat(),
                "last_day": last.isoformat(),
                "expected_revenue": expected,
                "alike_weeks": alike_weeks,
                "above_average_week": round(_mean_of(peak) / average - 1, 4),
                "above_year_before": _above(past["of_year_before"]),
                "above_recent_week": _above(past["of_recent"]),
                "stock_up": more,
                "expected_units": expected_units,
                "strongest_day": day["forecast_date"].isoformat() if single else None,
                "strongest_day_expected": mean if single else None,
                "strongest_day_p90": p90 if single else None,
                "bought_most_by": personas,
                "forecast_method": day["method"],
                "text": text,
            }
        )
    return entries


def _leading_days(days: Rows) -> list[Mapping[str, Any]]:
    """The one day, or the few, on which clearly more is expected than on the others; none without such a lead."""
    if not days:
        return []
    amounts = {at: _mean(row) for at, row in enumerate(days)}
    widths = {at: float(row["p90"]) - float(row["p10"]) for at, row in enumerate(days)}
    leaders = sharing_the_lead(amounts, interval=widths)
    return [] if len(leaders) > NAMED or len(leaders) == len(days) > 1 else [days[at] for at in leaders]


def _mean(row: Mapping[str, Any]) -> float:
    """What is expected on a day, to the cent."""
    return round(float(row["mean"]), 2)


def _weak_days(forecast: Rows, history: History | None) -> dict[dt.date, set[str]]:
    """The categories that are not expected to be strong on a holiday, by day: it was weak before, or is unknown."""
    if history is None:
        return {}
    days = sorted({row["forecast_date"] for row in forecast})
    return comparison.weak_holidays(history.sales, history.holidays, days)


def _compared(history: History | None, category: str, first: dt.date, last: dt.date, expected: float) -> dict[str, Any]:
    """The facts of the past that a week of a category, in which so much is expected, is compared with."""
    year: Past | None = None
    recent: Past | None = None
    at = -1
    if history is not None and category in history.sales.categories:
        at = history.sales.categories.index(category)
        year, recent = comparison.year_before(history.sales, first, last), comparison.recent_weeks(history.sales)
    now, then = comparison.only_in(history.holidays, first, last, year) if history and year else ([], [])
    near = comparison.only_in(history.holidays, first, last, recent)[1] if history and recent else []
    amount, usual = _of(year, at), _of(recent, at)
    return {
        "year_before": amount,
        "year_before_orders": history.orders(category, year) if history and year and amount is not None else 0,
        "of_year_before": None if amount is None else expected / amount,
        "year_before_first": year.first if year and amount is not None else None,
        "year_before_last": year.last if year and amount is not None else None,
        "only_now": now,
        "only_then": then,
        "recent": usual,
        "recent_orders": history.orders(category, recent) if history and recent and usual is not None else 0,
        "of_recent": None if usual is None else expected / usual,
        "recent_weeks": recent.weeks if recent else 0,
        "recent_first": recent.first if recent and usual is not None else None,
        "recent_last": recent.last if recent and usual is not None else None,
        "recent_left_out": recent.left_out if recent else 0,
        "recent_near": near if usual is not None else [],
    }


def _of(past: Past | None, category: int) -> float | None:
    """What a category sold then, to the cent; None where it was not sold yet or nothing is left after returns."""
    amount = float("nan") if past is None else float(past.revenue[category])
    return round(amount, 2) if amount > 0 else None


def _least(orders: int) -> float:
    """By how much a week has to be above a past of so many orders: more than a peak, and more than chance."""
    return float(max(PEAK, _STANDARD_ERRORS / max(orders, 1) ** 0.5))


def _above(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio - 1, 4)


def notes(forecast: Rows, snapshot: dt.date | None) -> list[str]:
    """Say why there are no stock recommendations, or that the forecast behind them is out of date.

    Args:
        forecast: rows of `sales_forecast`.
        snapshot: last day of sales that the segments have seen.
    """
    cutoffs = {row["cutoff_date"] for row in forecast}
    if not forecast:
        return ["stock is empty: there is no forecast of sales yet. Materialize sales_forecast."]
    if not any(_weeks([r for r in forecast if r["product_category"] != TOTAL])):
        return ["stock is empty: the forecast does not cover a whole week of any category."]
    if snapshot and max(cutoffs) < snapshot:
        return [str(wording.out_of_date(forecast_until=max(cutoffs), segments_until=snapshot))]
    return []


def _weeks(rows: Rows) -> list[list[Mapping[str, Any]]]:
    """Whole weeks of one category's forecast, from its first day on."""
    dated = sorted(rows, key=lambda r: r["horizon_day"])
    if _in_weeks(dated):
        return [[row] for row in dated]
    slices = [dated[start : start + WEEK_DAYS] for start in range(0, len(dated), WEEK_DAYS)]
    return [week for week in slices if len(week) == WEEK_DAYS]


def _in_weeks(rows: Rows) -> bool:
    """Whether the rows are weeks, as of a source that reports weeks: the first step is day 7."""
    return bool(rows) and min(row["horizon_day"] for row in rows) == WEEK_DAYS


def _mean_of(week: Rows) -> float:
    return sum(float(row["mean"]) for row in week)

"""What to have in stock: for the categories that will sell most, the strongest week of the forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.forecasting.data.series import TOTAL
from retail_assets.segmentation.evaluation.action_text import money
from retail_assets.wording import formats

TOP_CATEGORIES = 5
WEEK_DAYS = 7
PEAK = 0.02
"""A week is a peak from this much above the average week of the forecast on; below it the weeks are alike."""

Rows = Sequence[Mapping[str, Any]]


def stock(
    forecast: Rows, buyers: Mapping[str, Sequence[str]], currency: str | None = None, *, year: bool = True
) -> list[dict[str, Any]]:
    """Recommend stock for the strongest week of each of the categories with the highest forecast.

    Weeks are counted from the first day of the forecast; an incomplete week at its end is ignored.

    Args:
        forecast: rows of `sales_forecast`; those of `TOTAL`, the sum of all others, are left out.
        buyers: personas that over-index on a category, by category.
        currency: code written before money; None if it is unknown.
        year: whether the sales span twelve months; without, no week is called a peak to stock up for.
    """
    by_category: dict[str, list[Mapping[str, Any]]] = {}
    for row in forecast:
        if row["product_category"] != TOTAL:
            by_category.setdefault(str(row["product_category"]), []).append(row)
    largest = sorted(by_category, key=lambda c: (-sum(float(r["mean"]) for r in by_category[c]), c))
    entries = []
    for category in largest[:TOP_CATEGORIES]:
        weeks = _weeks(by_category[category])
        if not weeks or sum(map(_mean_of, weeks)) <= 0:
            continue
        average = sum(map(_mean_of, weeks)) / len(weeks)
        peak = max(weeks, key=lambda week: (_mean_of(week), -week[0]["horizon_day"]))
        above = _mean_of(peak) / average - 1
        day = max(peak, key=lambda r: (float(r["mean"]), -r["horizon_day"]))
        units = [row["units"] for row in peak]
        before = WEEK_DAYS - 1 if len(peak) == 1 else 0  # a row of a source that reports weeks is dated on its end
        entry: dict[str, Any] = {
            "category": category,
            "first_day": (peak[0]["forecast_date"] - dt.timedelta(days=before)).isoformat(),
            "last_day": peak[-1]["forecast_date"].isoformat(),
            "expected_revenue": round(_mean_of(peak), 2),
            "above_average_week": round(above, 4),
            "expected_units": None if None in units else round(sum(units)),
            "strongest_day": day["forecast_date"].isoformat(),
            "strongest_day_expected": round(float(day["mean"]), 2),
            "strongest_day_p90": round(float(day["p90"]), 2),
            "bought_most_by": list(buyers.get(category, ())),
            "forecast_method": day["method"],
        }
        entries.append({**entry, "text": _text(entry, len(weeks), currency, year)})
    return entries


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
        return [
            f"The forecast has seen sales until {formats.day(max(cutoffs))}, the segments until "
            f"{formats.day(snapshot)}: materialize sales_forecast to bring the stock recommendations up to date."
        ]
    return []


def _text(entry: Mapping[str, Any], weeks: int, currency: str | None, year: bool) -> str:
    expected = money(entry["expected_revenue"], currency)
    if entry["expected_units"] is not None:
        expected += f" (about {formats.plural(entry['expected_units'], 'unit')})"
    span = f"{_day(entry['first_day'])} to {_day(entry['last_day'])}"
    if weeks == 1 or not year:
        text = f"{entry['category']}: {expected} expected from {span}."
    elif entry["above_average_week"] >= PEAK:
        text = (
            f"{entry['category']}: stock up for {span}: {expected} expected, "
            f"{formats.percent(entry['above_average_week'])} above the average of the {weeks} forecast weeks."
        )
    else:
        text = (
            f"{entry['category']}: no peak in the {weeks} forecast weeks; in the strongest, {span}, {expected} is "
            "expected."
        )
    if entry["strongest_day_expected"] == entry["expected_revenue"]:  # in weeks: a row is all there is of a week
        text += f" There is a 10 % chance of more than {money(entry['strongest_day_p90'], currency)}."
    else:
        text += (
            f" The strongest day is {_day(entry['strongest_day'])}: "
            f"{money(entry['strongest_day_expected'], currency)} expected, with a 10 % chance of more than "
            f"{money(entry['strongest_day_p90'], currency)}."
        )
    if entry["bought_most_by"]:
        text += (
            f" Offer it to {formats.listed(entry['bought_most_by'])}, who spend a larger share of their money on it "
            "than all customers do."
        )
    return text


def _day(iso: str) -> str:
    return formats.day(dt.date.fromisoformat(iso))


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

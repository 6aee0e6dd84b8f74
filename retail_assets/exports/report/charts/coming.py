"""What will happen: the forecast after the latest sales."""

from __future__ import annotations

import datetime as dt
from typing import Any

from retail_assets.exports.report.charts.parts import (
    ALL,
    Chart,
    choice,
    day_axis,
    days_of,
    midnight,
    money_axis,
    spec_of,
)
from retail_assets.exports.report.facts import Facts
from retail_assets.forecasting.data.series import TOTAL
from retail_assets.plotting.palette import FORECAST, INNER_BAND, OUTER_BAND, SALES
from retail_assets.wording import report as sentences

HISTORY_DAYS = 112
"""Days of sales shown before a forecast."""


def forecast(facts: Facts) -> Chart | None:
    """Lay out the latest sales and the forecast, with a list of categories to choose from."""
    if not facts.forecast:
        return None
    coming = [str(row["product_category"]) for row in facts.forecast]
    named = [name for name in facts.named if name in coming]
    cutoff = facts.forecast[0]["cutoff_date"]
    place = {name: at for at, name in enumerate([TOTAL, *named])}
    first = max(facts.overview["first_day"] or cutoff, cutoff - dt.timedelta(days=HISTORY_DAYS - 1))
    past = {(at, date): 0.0 for at in place.values() for date in days_of(facts, first, cutoff)}
    for row in facts.daily:
        if first <= row["sale_date"] <= cutoff:
            date, revenue = row["sale_date"], float(row["revenue"])
            past[0, date] = past.get((0, date), 0.0) + revenue
            if row["product_category"] in named:
                past[place[row["product_category"]], date] = revenue
    values: list[dict[str, Any]] = [{"c": c, "d": midnight(d), "y": round(y, 2)} for (c, d), y in sorted(past.items())]
    for row in facts.forecast:
        name = str(row["product_category"])
        if name in place:
            numbers = {key: round(float(row[key]), 2) for key in ("mean", "p025", "p10", "p90", "p975")}
            values.append({"c": place[name], "d": midnight(row["forecast_date"]), **numbers})
    total = sum(float(row["mean"]) for row in facts.forecast if row["product_category"] == TOTAL)
    last = max(row["forecast_date"] for row in facts.forecast)
    return Chart(
        "forecast",
        "Forecast with 80 % and 95 % prediction intervals",
        sentences.forecast(
            last_day=last, total=total, currency=facts.currency, unit="week" if facts.forecasts_weeks else "day"
        ).text,
        spec_of(
            values,
            params=[choice("category", "Category", [ALL, *named])],
            transform=[{"filter": "datum.c === category"}],
            encoding={"x": day_axis()},
            layer=[
                {
                    "mark": {"type": "area", "color": FORECAST, "opacity": OUTER_BAND},
                    "encoding": {"y": money_axis("p025", f"{facts.currency} per day"), "y2": {"field": "p975"}},
                },
                {
                    "mark": {"type": "area", "color": FORECAST, "opacity": INNER_BAND},
                    "encoding": {"y": {"field": "p10", "type": "quantitative"}, "y2": {"field": "p90"}},
                },
                {
                    "mark": {"type": "line", "color": SALES, "strokeWidth": 1.5},
                    "encoding": {
                        "y": {"field": "y", "type": "quantitative"},
                        "tooltip": [
                            {"field": "d", "type": "temporal", "title": "day", "format": "%a %-d %b %Y"},
                            {"field": "y", "type": "quantitative", "title": "sold", "format": ",.2f"},
                        ],
                    },
                },
                {
                    "mark": {
                        "type": "line",
                        "color": FORECAST,
                        "strokeWidth": 2,
                        "point": {"size": 12, "color": FORECAST},
                    },
                    "encoding": {
                        "y": {"field": "mean", "type": "quantitative"},
                        "tooltip": [
                            {"field": "d", "type": "temporal", "title": "day", "format": "%a %-d %b %Y"},
                            {"field": "mean", "type": "quantitative", "title": "forecast", "format": ",.2f"},
                            {"field": "p10", "type": "quantitative", "title": "80 % from", "format": ",.2f"},
                            {"field": "p90", "type": "quantitative", "title": "80 % to", "format": ",.2f"},
                        ],
                    },
                },
            ],
        ),
    )

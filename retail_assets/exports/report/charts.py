"""The charts of the report as Vega-Lite specifications: drawn without JavaScript as SVG, and by the page where it runs.

Texts and lines take the color of the page's text (`currentColor`), so that one drawing serves light and dark.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.exports.report.facts import Facts, Row
from retail_assets.forecasting.data.series import TOTAL
from retail_assets.plotting.palette import BASELINE, FORECAST, INNER_BAND, ORANGE, OUTER_BAND, SALES, SKY
from retail_assets.plotting.typography import PAGE_FONTS, PAGE_TEXT
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.wording import report as sentences
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import percent, short

Spec = dict[str, Any]

ALL, OTHERS = "All categories", "All other categories"
HISTORY_DAYS = 112
"""Days of sales shown before a forecast."""
_PERIODS = {"all": 100_000, "last 12 months": 365, "last 90 days": 90, "last 28 days": 28}
_LONGEST_NAME = 28


#: Ticks as `wording.formats` writes them: `12,000`, `1.5 M`, `20 %`.
_AMOUNT = (
    "abs(datum.value) >= 1e9 ? format(datum.value / 1e9, ',~r') + ' bn' : "
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, ',~r') + ' M' : format(datum.value, ',~r')"
)
_PERCENT = "format(datum.value * 100, ',~r') + ' %'"


@dataclass(frozen=True)
class Chart:
    """A chart: `title` states what it shows, `text` the same for those who do not see it."""

    key: str
    title: str
    text: str
    spec: Spec


def charts(facts: Facts) -> list[Chart]:
    """Lay out the charts for which there are facts."""
    laid_out = [
        _sales(facts),
        _categories(facts),
        _forecast(facts),
        _segments(facts),
        _backtest(facts),
        _landings(facts),
    ]
    return [chart for chart in laid_out if chart is not None]


def _spec(values: Sequence[Mapping[str, Any]], **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 260,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "data": {"values": list(values)},
        "config": CONFIG,
        **parts,
    }


CONFIG: Spec = {
    "font": PAGE_FONTS,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridOpacity": 0.12,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "labelFontSize": PAGE_TEXT,
        "titleFontSize": PAGE_TEXT,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": PAGE_TEXT, "orient": "top"},
    "text": {"color": "currentColor"},
}


def _days(facts: Facts, first: dt.date, last: dt.date) -> list[dt.date]:
    """The days on which nothing sold is zero: all of them, but none where the source reports weeks or months."""
    if 2 * len({row["sale_date"] for row in facts.daily}) < facts.days:
        return []
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _height(bars: int) -> int:
    """Pixels of a chart of horizontal bars with its axis."""
    return 20 * bars + 50


def _midnight(day: dt.date) -> str:
    """A day for Vega: midnight on the reader's clock. A day alone is midnight in Greenwich."""
    return f"{day.isoformat()}T00:00"


def _day_axis(title: str | None = None) -> Spec:
    labels = {"labelExpr": "timeFormat(datum.value, '%-d %b %y')", "labelOverlap": True, "grid": False}
    return {"field": "d", "type": "temporal", "title": title, "axis": labels}


def _money_axis(field: str, title: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "axis": {"labelExpr": _AMOUNT, "tickCount": 5},
    }


def _choice(name: str, label: str, words: Sequence[str], values: Sequence[int] | None = None) -> Spec:
    """A parameter that a list of `words` sets, the first by default: to their places, or to the `values` beside them.

    Places, not names, so that a category may be called anything.
    """
    options = list(range(len(words)) if values is None else values)
    bound = {"input": "select", "name": f"{label} ", "options": options, "labels": [short(w, 40) for w in words]}
    return {"name": name, "value": options[0], "bind": bound}


def _sales(facts: Facts) -> Chart | None:
    if not facts.daily or facts.last_day is None:
        return None
    options = [ALL, *facts.named, *([OTHERS] if facts.others else [])]
    place = {name: at for at, name in enumerate([None, *facts.named])} | {None: len(facts.named) + 1}
    first: dt.date = facts.overview["first_day"]
    totals = dict.fromkeys(_days(facts, first, facts.last_day), 0.0)
    lines: dict[int, dict[dt.date, float]] = {0: totals}
    for row in facts.daily:
        date, revenue = row["sale_date"], float(row["revenue"])
        totals[date] = totals.get(date, 0.0) + revenue
        lines.setdefault(place[row["product_category"]], {})[date] = revenue
    # Years of days of many categories: each day as its distance from the first, each line in one piece.
    values = [
        {"c": at, "d": [(day - first).days for day in line], "y": [round(y, 2) for y in line.values()]}
        for at, line in lines.items()
    ]
    best = max(totals, key=totals.__getitem__)
    return Chart(
        "sales",
        "Revenue by day",
        sentences.sales_by_day(
            first_day=facts.overview["first_day"],
            last_day=facts.last_day,
            best_day=best,
            best=totals[best],
            best_days=sum(round(total, 2) == round(totals[best], 2) for total in totals.values()),
            currency=facts.currency,
        ).text,
        _spec(
            values,
            params=[
                _choice("category", "Category", options),
                _choice("period", "Period", list(_PERIODS), list(_PERIODS.values())),
            ],
            transform=[
                {"filter": "datum.c === category"},
                {"flatten": ["d", "y"]},
                {"filter": f"datum.d > {(facts.last_day - first).days} - period"},
                {"calculate": f"datetime({first.year}, {first.month - 1}, {first.day} + datum.d)", "as": "t"},
            ],
            mark={"type": "line", "color": SALES, "strokeWidth": 1.5, "tooltip": True},
            encoding={
                "x": {**_day_axis(), "field": "t"},
                "y": _money_axis("y", f"{facts.currency} per day"),
                "tooltip": [
                    {"field": "t", "type": "temporal", "title": "day", "format": "%a %-d %b %Y"},
                    {"field": "y", "type": "quantitative", "title": facts.currency, "format": ",.2f"},
                ],
            },
        ),
    )


def _categories(facts: Facts) -> Chart | None:
    shown = [row for row in facts.categories[:15] if row["revenue"] > 0]
    if not shown or not facts.overview["revenue"] or facts.overview["revenue"] <= 0:
        return None
    total = float(facts.overview["revenue"])
    names = _labels([str(row["product_category"]) for row in shown])
    values = [
        {"c": name, "y": round(float(row["revenue"]), 2), "s": percent(float(row["revenue"]) / total)}
        for name, row in zip(names, shown, strict=True)
    ]
    return Chart(
        "categories",
        "Revenue by category" if len(shown) == len(facts.categories) else "Revenue of the largest categories",
        sentences.largest_category(
            category=names[0],
            revenue=float(shown[0]["revenue"]),
            share=float(shown[0]["revenue"]) / total,
            second=names[1] if len(shown) > 1 else None,
            second_revenue=float(shown[1]["revenue"]) if len(shown) > 1 else None,
            currency=facts.currency,
        ).text,
        _spec(
            values,
            height=_height(len(values)),
            layer=[
                {"mark": {"type": "bar", "color": SALES, "tooltip": True}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": PAGE_TEXT},
                    "encoding": {"text": {"field": "s"}},
                },
            ],
            encoding={
                "y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
                "x": _money_axis("y", facts.currency),
                "tooltip": [
                    {"field": "c", "title": "category"},
                    {"field": "y", "type": "quantitative", "title": facts.currency, "format": ",.2f"},
                    {"field": "s", "title": "share"},
                ],
            },
        ),
    )


def _forecast(facts: Facts) -> Chart | None:
    if not facts.forecast:
        return None
    coming = [str(row["product_category"]) for row in facts.forecast]
    named = [name for name in facts.named if name in coming]
    cutoff = facts.forecast[0]["cutoff_date"]
    place = {name: at for at, name in enumerate([TOTAL, *named])}
    first = max(facts.overview["first_day"], cutoff - dt.timedelta(days=HISTORY_DAYS - 1))
    past = {(at, date): 0.0 for at in place.values() for date in _days(facts, first, cutoff)}
    for row in facts.daily:
        if first <= row["sale_date"] <= cutoff:
            date, revenue = row["sale_date"], float(row["revenue"])
            past[0, date] = past.get((0, date), 0.0) + revenue
            if row["product_category"] in named:
                past[place[row["product_category"]], date] = revenue
    values: list[dict[str, Any]] = [{"c": c, "d": _midnight(d), "y": round(y, 2)} for (c, d), y in sorted(past.items())]
    for row in facts.forecast:
        name = str(row["product_category"])
        if name in place:
            numbers = {key: round(float(row[key]), 2) for key in ("mean", "p025", "p10", "p90", "p975")}
            values.append({"c": place[name], "d": _midnight(row["forecast_date"]), **numbers})
    total = sum(float(row["mean"]) for row in facts.forecast if row["product_category"] == TOTAL)
    last = max(row["forecast_date"] for row in facts.forecast)
    return Chart(
        "forecast",
        "Forecast with 80 % and 95 % prediction intervals",
        sentences.forecast(
            last_day=last, total=total, currency=facts.currency, unit="week" if facts.forecasts_weeks else "day"
        ).text,
        _spec(
            values,
            params=[_choice("category", "Category", [ALL, *named])],
            transform=[{"filter": "datum.c === category"}],
            encoding={"x": _day_axis()},
            layer=[
                {
                    "mark": {"type": "area", "color": FORECAST, "opacity": OUTER_BAND},
                    "encoding": {"y": _money_axis("p025", f"{facts.currency} per day"), "y2": {"field": "p975"}},
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


def _segments(facts: Facts) -> Chart | None:
    if not facts.profiles:
        return None
    values = []
    for row in facts.profiles:
        shares = (("of customers", row["customers_share"]), ("of revenue", row["revenue_share"]))
        for what, share in shares:
            if share is not None:
                values.append({"c": str(row["persona"]), "w": what, "y": float(share), "s": percent(float(share))})
    first = facts.profiles[0]
    return Chart(
        "segments",
        "Share of customers and of revenue by segment",
        sentences.largest_segment(
            persona=str(first["persona"]),
            customers_share=first["customers_share"],
            revenue_share=first["revenue_share"],
            days=min(WINDOW_DAYS, (facts.overview["last_day"] - facts.overview["first_day"]).days + 1),
        ).text,
        _spec(
            values,
            height=_height(len(values)),
            mark={"type": "bar", "tooltip": True},
            encoding={
                "y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
                "yOffset": {"field": "w", "sort": None},
                "x": {
                    "field": "y",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"labelExpr": _PERCENT, "tickCount": 5},
                    "scale": {"domainMin": 0},
                },
                "color": {
                    "field": "w",
                    "title": None,
                    "sort": None,
                    "scale": {"domain": ["of customers", "of revenue"], "range": [BASELINE, SALES]},
                },
                "tooltip": [
                    {"field": "c", "title": "segment"},
                    {"field": "w", "title": "share"},
                    {"field": "s", "title": "is"},
                ],
            },
        ),
    )


def _backtest(facts: Facts) -> Chart | None:
    rows = [row for row in facts.backtest if row["product_category"] == "ALL" and row["wape"] is not None]
    if not rows:
        return None
    published = next((row for row in rows if row["champion"]), None)
    of_total = [row for row in facts.backtest if row["product_category"] == TOTAL and row["champion"]]
    values = [
        {
            "m": model_words(row),
            "y": float(row["wape"]),
            "s": percent(float(row["wape"])),
            "k": "published" if row["champion"] else "compared",
        }
        for row in rows
    ]
    return Chart(
        "backtest",
        "Error of the forecast in the backtest",
        sentences.models_compared(
            models=len(rows),
            best=in_words(str(rows[0]["model"])),
            lowest=values[0]["y"],
            published=in_words(str(published["model"])) if published else None,
            error=published["wape"] if published else None,
            total_error=of_total[0]["wape"] if published and of_total else None,
            cutoffs=rows[0]["cutoffs"],
            unit="week" if facts.forecasts_weeks else "day",
        ).text,
        _spec(
            values,
            height=_height(len(values)),
            layer=[
                {
                    "mark": {"type": "bar", "tooltip": True},
                    "encoding": {
                        "color": {
                            "field": "k",
                            "title": None,
                            "scale": {"domain": ["published", "compared"], "range": [FORECAST, BASELINE]},
                        }
                    },
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": PAGE_TEXT},
                    "encoding": {"text": {"field": "s"}},
                },
            ],
            encoding={
                "y": {"field": "m", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}},
                "x": {
                    "field": "y",
                    "type": "quantitative",
                    "title": "sum of absolute errors / sum of sales, by category and day (lower is better)",
                    "axis": {"labelExpr": _PERCENT, "tickCount": 5},
                },
                "tooltip": [{"field": "m", "title": "model"}, {"field": "s", "title": "error"}],
            },
        ),
    )


#: What became of rows that are not clean, from the bottom of a bar, with colors that all eyes tell apart.
_NOT_CLEAN = {"quarantined": ORANGE, "superseded": SKY, "excluded": BASELINE}


def _landings(facts: Facts) -> Chart | None:
    rows = [row for row in facts.landings if row["landed"]]
    if not rows:
        return None
    values = [
        {"d": _midnight(row["landed_on"]), "w": name, "y": row[name] / row["landed"], "n": row[name]}
        for row in rows
        for name in _NOT_CLEAN
        if row[name] or name == "quarantined"
    ]
    drawn = [name for name in _NOT_CLEAN if any(value["w"] == name for value in values)]
    shares = [row["quarantined_share"] for row in rows]
    worst = rows[shares.index(max(shares))]
    return Chart(
        "landings",
        "Share of rows that do not count, by landing day",
        sentences.rejected_by_landing(
            landings=len(rows),
            worst_day=worst["landed_on"],
            worst=max(shares),
            worst_days=shares.count(max(shares)),
            rejected=worst["quarantined"],
            landed=worst["landed"],
        ).text,
        _spec(
            values,
            height=180,
            mark={"type": "bar", "tooltip": True},
            encoding={
                "x": {**_day_axis("landing day"), "timeUnit": "yearmonthdate"},
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"labelExpr": _PERCENT, "tickCount": 4},
                },
                "color": {
                    "field": "w",
                    "title": None,
                    "scale": {"domain": drawn, "range": [_NOT_CLEAN[name] for name in drawn]},
                },
                "tooltip": [
                    {"field": "d", "type": "temporal", "title": "landed on", "format": "%-d %b %Y"},
                    {"field": "w", "title": "rows"},
                    {"field": "n", "type": "quantitative", "title": "count", "format": ","},
                    {"field": "y", "type": "quantitative", "title": "share", "format": ".2%"},
                ],
            },
        ),
    )


def _labels(names: Sequence[str]) -> list[str]:
    """Names that fit beside a bar, each different from the others."""
    fitted = [short(name, _LONGEST_NAME) for name in names]
    return [name if fitted.count(label) > 1 else label for name, label in zip(names, fitted, strict=True)]


def model_words(row: Row) -> str:
    """What readers call the model of a row of `forecast_backtest`."""
    words = in_words(str(row["model"]))
    return words[0].upper() + words[1:]

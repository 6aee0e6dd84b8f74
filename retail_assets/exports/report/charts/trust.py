"""How far to trust it: the error of the forecast, and rejected rows."""

from __future__ import annotations

from retail_assets.exports.report.charts.parts import PERCENT_TICKS, Chart, day_axis, height_of, midnight, spec_of
from retail_assets.exports.report.facts import Facts, Row
from retail_assets.forecasting.data.series import TOTAL
from retail_assets.plotting.palette import BASELINE, FORECAST, GRAY, ORANGE, SKY
from retail_assets.plotting.typography import PAGE_TEXT
from retail_assets.wording import report as sentences
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import percent


def backtest(facts: Facts) -> Chart | None:
    """Lay out the errors of the models in the backtest."""
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
        spec_of(
            values,
            height=height_of(len(values)),
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
                    "axis": {"labelExpr": PERCENT_TICKS, "tickCount": 5},
                },
                "tooltip": [{"field": "m", "title": "model"}, {"field": "s", "title": "error"}],
            },
        ),
    )


#: What became of rows that are not clean, from the bottom of a bar, with colors that all eyes tell apart.
_NOT_CLEAN = {"quarantined": ORANGE, "superseded": SKY, "excluded": BASELINE, "erased": GRAY}


def landings(facts: Facts) -> Chart | None:
    """Lay out the share of rows that do not count, by landing day."""
    rows = [row for row in facts.landings if row["landed"]]
    if not rows:
        return None
    values = [
        {"d": midnight(row["landed_on"]), "w": name, "y": row[name] / row["landed"], "n": row[name]}
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
            share=sum(row["quarantined"] for row in rows) / sum(row["landed"] for row in rows),
            worst_day=worst["landed_on"],
            worst=max(shares),
            worst_days=shares.count(max(shares)),
            rejected=worst["quarantined"],
            landed=worst["landed"],
        ).text,
        spec_of(
            values,
            height=180,
            mark={"type": "bar", "tooltip": True},
            encoding={
                "x": {**day_axis("landing day"), "timeUnit": "yearmonthdate"},
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"labelExpr": PERCENT_TICKS, "tickCount": 4},
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


def model_words(row: Row) -> str:
    """What readers call the model of a row of `forecast_backtest`."""
    words = in_words(str(row["model"]))
    return words[0].upper() + words[1:]

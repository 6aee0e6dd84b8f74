"""The charts of the report as drawings in a bundle, for the server's pages: the forecast also by large category."""

from __future__ import annotations

from dataclasses import dataclass

from retail_assets.exports.report.charts.layout import charts
from retail_assets.exports.report.charts.parts import ALL, Chart, Spec
from retail_assets.exports.report.drawing import svg
from retail_assets.exports.report.facts import Facts
from retail_assets.serving import schema

FORECAST = "forecast"


@dataclass(frozen=True)
class Picture:
    """A drawing.

    Attributes:
        name: of the chart, such as `forecast`.
        category: what it is about; `TOTAL` for all together.
        title: what it shows.
        text: the same for those who do not see it.
        svg: the drawing, whose texts take the color of the page's.
    """

    name: str
    category: str
    title: str
    text: str
    svg: str


def draw_pictures(facts: Facts) -> list[Picture]:
    """Draw the charts for which there are facts. The same facts give the same bytes."""
    drawn = []
    for chart in charts(facts).values():
        drawn.append(Picture(chart.key, schema.TOTAL, chart.title, chart.text, svg(_of(chart, 0))))
        if chart.key == FORECAST:
            labels = _choices(chart)
            forecasts = {row["product_category"] for row in facts.forecast}
            named = [name for name in facts.named if name in forecasts]
            for place, name in enumerate(named[: len(labels) - 1], 1):
                text = f"Past revenue of {name}, and its forecast with prediction intervals."
                drawn.append(Picture(chart.key, name, f"Forecast of {name}", text, svg(_of(chart, place))))
    return drawn


def _choices(chart: Chart) -> list[str]:
    """What the reader of the report can choose in a chart; the first is all categories together."""
    [choice] = chart.spec["params"]
    labels: list[str] = choice["bind"]["labels"]
    if labels[0] != ALL:
        raise ValueError("The first choice of the forecast's chart is not that of all categories.")
    return labels


def _of(chart: Chart, place: int) -> Spec:
    """The specification with the choice of a place, and nothing left to choose."""
    params = chart.spec.get("params")
    if not params:
        return chart.spec
    chosen = [{"name": params[0]["name"], "value": place}]
    return {**chart.spec, "params": [*chosen, *({"name": p["name"], "value": p["value"]} for p in params[1:])]}

"""The steps that are measured, each run in a process of its own: `python -m benchmarks.outputs.steps prepare|write …`.

`prepare` makes a home with a loaded warehouse, trained models, forecast and segments: what the outputs are made from.
`write` makes everything that people look at from it. Both write the seconds of their parts.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retail_assets import settings
from retail_assets.platform import Platform

SEED = 0
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CURRENCY, COUNTRY = "USD", "US"


class Stopwatch:
    """Seconds of parts, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, part: Callable[[], Any]) -> Any:
        """Run a part and keep how long it takes."""
        started = time.perf_counter()
        result = part()
        self.seconds[name] = round(time.perf_counter() - started, 2)
        return result


def platform_at(home: Path) -> Platform:
    """Open the places below a folder."""
    return Platform(
        settings.load(
            {
                "RETAIL_HOME": str(home / ".retail"),
                "RETAIL_OUTPUT": str(home / "output"),
                "RETAIL_SOURCE": "complete_journey",
            }
        )
    )


def prepare(home: Path, rows: int) -> dict[str, Any]:
    """Fill the warehouse, by The Complete Journey or by so many made-up `rows`; train, forecast and segment."""
    from benchmarks.outputs import data
    from benchmarks.segments.data import complete_journey_lines, fill
    from retail_assets.eda.daily_quality import daily_quality
    from retail_assets.forecasting.data.regressors import NONE
    from retail_assets.forecasting.data.sources import daily_history
    from retail_assets.forecasting.evaluation.accuracy import score_past_forecasts
    from retail_assets.forecasting.figures import backtest
    from retail_assets.forecasting.lifecycle.issued import issue_forecast
    from retail_assets.forecasting.lifecycle.retraining import retrain
    from retail_assets.models.kinds import FORECAST
    from retail_assets.tables import (
        DAILY_QUALITY,
        DAILY_STORE_CATEGORY_SALES,
        DIM_STORE,
        FORECAST_ACCURACY,
        FORECAST_BACKTEST,
        SALES_FORECAST,
    )
    from retail_assets.warehouse import marts

    watch, platform = Stopwatch(), platform_at(home)
    warehouse, models = platform.warehouse, platform.model_store(FORECAST)
    watch.time("warehouse", lambda: fill(warehouse, data.lines(rows) if rows else complete_journey_lines(), COUNTRY))
    warehouse.rebuild(DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES)
    warehouse.rebuild(DIM_STORE, marts.DIM_STORE)
    warehouse.replace(DAILY_QUALITY, daily_quality([]))
    history = daily_history(warehouse)
    done = watch.time("forecast_training", lambda: retrain(models, history, NONE, country=COUNTRY, seed=SEED, now=NOW))
    warehouse.replace(FORECAST_BACKTEST, done.rows)
    warehouse.replace(FORECAST_ACCURACY, score_past_forecasts([], history))
    training = done.training
    explanation = watch.time("explanation", training.explanation)
    drawn = watch.time(
        "backtest_figures",
        lambda: backtest.draw_figures(training.backtest, training.report, explanation, currency=CURRENCY),
    )
    for name, image in drawn.items():
        platform.output.write(f"figures/{name}", image)
    table, _ = issue_forecast(models, history, NONE, now=NOW.replace(tzinfo=None))
    warehouse.replace(SALES_FORECAST, table)
    watch.time("segments", lambda: _segments(platform))
    return {"parts": watch.seconds}


def _segments(platform: Platform) -> None:
    """Train and evaluate the segments, and write their report."""
    from retail_assets.decisions.segment_report import report_on_model_in_use
    from retail_assets.models.kinds import SEGMENTS
    from retail_assets.segmentation.lifecycle.customer_features import make_features
    from retail_assets.segmentation.lifecycle.customer_segments import score_all
    from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
    from retail_assets.segmentation.lifecycle.retraining import train_if_due
    from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
    from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
    from retail_assets.segmentation.personas.catalog import DEFAULT

    warehouse, store, output = platform.warehouse, platform.model_store(SEGMENTS), platform.output
    make_features(warehouse)
    train_if_due(warehouse, store, output, DEFAULT, at=NOW, run_id="benchmark", demanded=True, seed=SEED)
    model, version = model_in_use(store)
    score_all(warehouse, model, version, catalog=DEFAULT)
    make_profiles(warehouse, DEFAULT)
    make_migrations(warehouse)
    report = report_on_model_in_use(warehouse, store, DEFAULT, CURRENCY, country=COUNTRY, seed=SEED)
    for key, content in report.files.items():
        output.write(key, content)


def write(home: Path) -> dict[str, Any]:
    """Make every output from a prepared home, by the code of the assets."""
    watch, platform = Stopwatch(), platform_at(home)
    watch.time("sales_figures_and_insights", lambda: _sales(platform))
    watch.time("forecast_figures", lambda: _forecast(platform))
    watch.time("segment_figures", lambda: _segment_figures(platform))
    watch.time("report", lambda: _report(platform))
    watch.time("workbook", lambda: _workbook(platform))
    watch.time("dictionary", lambda: _dictionary(platform))
    rows = watch.time("extract", lambda: _extract(platform))
    return {"parts": watch.seconds, "extract_rows": rows}


def _sales(platform: Platform) -> None:
    from retail_assets.defs.assets.eda import _PUBLISHED
    from retail_assets.eda.data import load
    from retail_assets.eda.landed import read_landed

    data = load(platform.warehouse.query, read_landed(platform.lake, platform.lake.clean_landings()))
    for publish in _PUBLISHED.values():
        publish(platform, data)


def _forecast(platform: Platform) -> None:
    from retail_assets.defs.assets.forecast import _summary
    from retail_assets.defs.assets.outputs import publish
    from retail_assets.forecasting.data.sources import daily_history
    from retail_assets.forecasting.figures.forecast import draw_figures
    from retail_assets.models.kinds import FORECAST
    from retail_assets.tables import SALES_FORECAST

    models = platform.model_store(FORECAST)
    in_use = models.manifest(models.require_champion().version)
    table = platform.warehouse.query(f"SELECT {SALES_FORECAST.column_list} FROM {SALES_FORECAST.name}")
    history = daily_history(platform.warehouse)
    publish(platform, {}, draw_figures(history, table, _summary(in_use, COUNTRY), currency=CURRENCY))


def _segment_figures(platform: Platform) -> None:
    from retail_assets.decisions.segment_report import EVALUATION, SAMPLED_CUSTOMERS, figure_inputs
    from retail_assets.defs.assets.outputs import publish
    from retail_assets.models.kinds import SEGMENTS
    from retail_assets.segmentation.figures.draw import draw_figures
    from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
    from retail_assets.segmentation.model.features import read_sample
    from retail_assets.segmentation.personas.catalog import DEFAULT
    from retail_assets.segmentation.queries.buying_habits import segment_categories

    warehouse = platform.warehouse
    model, _ = model_in_use(platform.model_store(SEGMENTS))
    evaluation = json.loads(platform.output.read(EVALUATION))
    categories = warehouse.query(segment_categories()).to_pylist()
    sample = read_sample(warehouse, at_most=SAMPLED_CUSTOMERS, everyone=True)
    inputs = figure_inputs(warehouse, model, evaluation, categories, sample, DEFAULT)
    publish(platform, {}, draw_figures(inputs, catalog=DEFAULT, currency=CURRENCY, seed=SEED))


def _report(platform: Platform) -> None:
    from retail_assets.exports.report.write import write_report

    write_report(platform.warehouse, platform.output, platform.source, CURRENCY)


def _workbook(platform: Platform) -> None:
    from retail_assets.exports import WORKBOOK
    from retail_assets.exports.workbook import write_workbook

    platform.output.write(WORKBOOK, write_workbook(platform.warehouse, platform.source, CURRENCY))


def _dictionary(platform: Platform) -> None:
    from retail_assets.exports import DICTIONARY, DICTIONARY_JSON
    from retail_assets.exports.dictionary import as_json, as_markdown

    platform.output.write(DICTIONARY, as_markdown(CURRENCY).encode())
    platform.output.write(DICTIONARY_JSON, as_json(CURRENCY))


def _extract(platform: Platform) -> int:
    """Write the extract, and return its rows; 0 where the extra [tableau] is not installed."""
    from retail_assets.exports.tableau import hyper
    from retail_assets.exports.tableau.write import write_tableau

    if not hyper.installed():
        return 0
    limit = platform.settings.tableau_lines
    return sum(
        write_tableau(platform.warehouse, platform.output, platform.source, CURRENCY, limit).extract.rows.values()
    )


if __name__ == "__main__":
    step, folder = sys.argv[1], Path(sys.argv[2])
    facts = prepare(folder, int(sys.argv[3])) if step == "prepare" else write(folder)
    (folder / f"{step}.json").write_text(json.dumps(facts))

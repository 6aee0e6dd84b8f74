"""The record of a training: the facts of its manifest, its model card, and the rows of the backtest table."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retail_assets import __version__
from retail_assets.forecasting.data.series import REVENUE, TOTAL, UNITS, WEEK
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.report import backtest_horizons, kinds_of_day
from retail_assets.forecasting.lifecycle.training import Training
from retail_assets.forecasting.models.fallback import NO_MODEL_BETTER
from retail_assets.models.card import Section, bullets, made_with, table
from retail_assets.models.card import model_card as compose_card
from retail_assets.storage.markdown_text import as_cell
from retail_assets.tables import FORECAST_BACKTEST
from retail_assets.wording import forecast_card as wording
from retail_assets.wording.forecast_models import in_words

if TYPE_CHECKING:
    import pyarrow as pa

#: Raised when the meaning of a model changes: every home then retrains once.
DESIGN = "7"
CODE_VERSION = f"{__version__}+forecast.{DESIGN}"
#: Name of all category-days pooled, in the backtest table.
ALL = "ALL"
_LIBRARIES = ("scikit-learn", "statsmodels", "numpy", "skops", "holidays")


def facts(training: Training, trained_at: dt.datetime) -> dict[str, Any]:
    """Collect the fields of a `Manifest` that do not follow from the model's bytes.

    Args:
        training: one that has a model.
        trained_at: the time that goes on record.
    """
    model, report = training.model, training.report
    if model is None:
        raise ValueError("nothing was trained: there are no sales")
    tested = training.backtest
    measured = report["models"][model.family] if tested is not None else {}
    return {
        "family": model.family,
        "has_skill": tested is not None and tested.has_skill,
        "trained_at": trained_at.isoformat(timespec="seconds"),
        "code_version": CODE_VERSION,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "seed": model.seed,
        "horizon": model.horizon,
        "features": list(model.feature_names),
        "data": {key: report["data"][key] for key in ("first_day", "last_day", "days", "categories")}
        | {"cutoffs": report.get("cutoffs", [])},
        "metrics": measured,
        "scores": {} if tested is None else {name: round(tested.score(name), 6) for name in tested.forecasts},
        "verdict": report["verdict"],
    }


def backtest_rows(training: Training, version: str) -> pa.Table:
    """Make the rows of `tables.FORECAST_BACKTEST`: every model by category, horizon and kind of day.

    There are none without a backtest.
    """
    import pyarrow as pa

    rows = [*_backtest_rows(training.backtest, version, REVENUE), *_backtest_rows(training.units, version, UNITS)]
    return pa.Table.from_pylist(rows, schema=FORECAST_BACKTEST.arrow_schema())


def _backtest_rows(tested: Backtest | None, version: str, measure: str) -> list[dict[str, Any]]:
    if tested is None:
        return []
    everything = np.ones((len(tested.cutoffs), tested.actual.shape[2]), dtype=bool)
    kinds = {"all": everything, **kinds_of_day(tested)}
    subjects: list[tuple[str, int | None]] = [(ALL, None), (TOTAL, len(tested.categories))]
    subjects += [(name, at) for at, name in enumerate(tested.categories)]
    wanted = ("rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "width95")
    rows: list[dict[str, Any]] = []
    for horizon, within in backtest_horizons(tested).items():
        for kind, mask in kinds.items():
            # A thousand categories by every kind of day would make a table that nobody reads.
            for subject, at in subjects if kind == "all" else subjects[:2]:
                scored = _scored_days(tested, at, within & mask)
                for model in tested.forecasts:
                    metrics = tested.metrics(model, category=at, days=within & mask)
                    rows.append(
                        {
                            "measure": measure,
                            "model": model,
                            "product_category": f"{ALL} (category)" if subject == ALL and at is not None else subject,
                            "horizon": int(horizon),
                            "kind_of_day": kind,
                            "days": scored,
                            **{name: metrics.get(name) for name in wanted},
                            "champion": model == tested.champion,
                            "cutoffs": len(tested.cutoffs),
                            "model_version": version,
                        }
                    )
    return rows


def _scored_days(tested: Backtest, category: int | None, days: Any) -> int:
    actual = np.where(days[:, None, :], tested.actual, np.nan)
    if category == len(tested.categories):
        actual = actual.sum(axis=1, keepdims=True)
    elif category is not None:
        actual = actual[:, category : category + 1]
    return int((~np.isnan(actual)).sum())


def model_card(training: Training, facts: dict[str, Any]) -> str:
    """Write the model card, Markdown: what the model is for, made of and worth, and where it fails.

    Args:
        training: one that has a model.
        facts: of its manifest, as `facts` collects them.
    """
    model, report, data = training.model, training.report, facts["data"]
    sections = []
    if report["evaluated"]:
        sections.append(Section("What was compared, and where it fails", bullets(report["in_words"])))
        sections.append(Section(f"Measured on unseen days ({len(report['cutoffs'])} cut-offs)", _measured(report)))
    if "weather" in report:
        sections.append(Section("Weather", [as_cell(report["weather"]["in_words"])]))
    if "units" in report:
        sections.append(Section("Units", [as_cell(f"{report['units']['verdict']} {report['units']['note']}")]))
    fallbacks = sorted({e["method"] for e in report["by_category"].values() if ":" in str(e["method"])})
    limits = [
        "events without precedent in the history (a first Christmas, a pandemic, a move)",
        "a change of prices or range, until four weeks of it are in the history",
        *map(_by_rule, map(_parts, fallbacks)),
        *report.get("notes", []),
    ]
    events = model.regressors if model and model.reads_features else ()
    return compose_card(
        f"Forecast model: {in_words(facts['family'])}",
        report["verdict"],
        summary=_summary(report, facts["horizon"], units=bool(model and model.units)),
        made_of=[
            str(
                wording.sales(
                    first_day=dt.date.fromisoformat(data["first_day"]),
                    last_day=dt.date.fromisoformat(data["last_day"]),
                    days=data["days"],
                    categories=data["categories"],
                )
            ),
            made_with(facts),
            f"features: {', '.join(facts['features']) or 'none'}",
            f"events: {', '.join(events) or 'none'}",
            "not used: customers, prices of the day, anything after a cut-off",
        ],
        sections=[*sections, Section("Where it should not be trusted", bullets(limits))],
    )


def _summary(report: dict[str, Any], horizon: int, *, units: bool) -> str:
    """What is forecast: days, or weeks where the source reports them."""
    unit = report["data"]["grain"]
    return str(wording.summary(steps=horizon // (WEEK if unit == "week" else 1), unit=unit, units=units))


def _by_rule(parts: tuple[str, str, str]) -> str:
    """Say which categories a rule forecasts: those that models were tried on, where none was better, or others."""
    rule, _, why = parts
    if why == NO_MODEL_BETTER:
        return f"every category that models were tried on: no model is better than {in_words(rule)}, which is published"
    how = "forecast as zero" if rule == "zero" else f"forecast by {in_words(rule)}"
    return f"categories {how}, without a model: {why}"


def _parts(method: str) -> tuple[str, str, str]:
    return method.partition(": ")


def _score(metrics: Mapping[str, Any]) -> float | None:
    """What models are ranked by: the geometric mean of the RMSE of categories and of their total."""
    rmse, total = metrics.get("rmse"), metrics.get("total_rmse")
    return None if rmse is None or total is None else float((rmse * total) ** 0.5)


def _measured(report: dict[str, Any]) -> list[str]:
    """The metrics of every model, in the order of the ranking: the lowest score first."""
    keys = ("rmse", "wape", "mase", "bias", "coverage80", "coverage95", "total_wape")
    models, champion = report["models"], report["champion"]
    scores = {name: _score(metrics) for name, metrics in models.items()}
    rows = []
    for name in sorted(models, key=lambda name: (scores[name] is None, scores[name] or models[name]["rmse"])):
        values = [scores[name], *(models[name].get(key) for key in keys)]
        cells = ["–" if value is None else f"{value:,.3f}" for value in values]
        rows.append([f"{name} (chosen)" if name == champion else name, *cells])
    lines = table(["model", "score", *keys], rows)
    if ranked_by := report.get("ranked_by"):
        lines += ["", f"Models are ranked by `score`: {as_cell(ranked_by)}."]
    if models[champion].get("coverage80") is None:
        lines += ["", "The coverage of the intervals was not measured: there is no earlier cut-off to learn them from."]
    return lines

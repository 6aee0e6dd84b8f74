"""How much smaller the error of the best model is than that of the baselines, by category."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import numpy as np

from retail_assets.forecasting.data.series import WEEK
from retail_assets.forecasting.figures.parts import source
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, percent_ticks
from retail_assets.plotting.labels import label
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.sheet import Sheet
from retail_assets.wording import forecast_titles as wording
from retail_assets.wording.forecast_models import in_words

MOST_BARS = 20


class _Skill(NamedTuple):
    """By how much the error of the best model is smaller in one category, as shares; None where it is not defined."""

    category: str
    over_naive: float
    over_best: float | None


def skill(report: dict[str, Any], best_baseline: str) -> Sheet:
    """Draw the gain over seasonal naive and over the best baseline."""
    skills = _skills(report, best_baseline)
    if not skills:
        raise NothingToShow("no model forecasts any category in the backtest")
    shown = skills[:MOST_BARS]
    model = in_words(report["best_model"])
    data = report["data"]
    sheet = Sheet(
        _title(report, model, best_baseline),
        _evidence(report, skills, len(shown), best_baseline),
        source(dt.date.fromisoformat(data["first_day"]), dt.date.fromisoformat(data["last_day"])),
        height=2.8 + 0.3 * len(shown),
    )
    axes = sheet.axes("x")
    rows = np.arange(len(shown))
    gains = np.array([s.over_naive for s in shown])
    colors = np.where(gains > 0, palette.FORECAST, palette.WORSE)
    axes.barh(rows, gains, color=colors, height=0.7, label="compared with seasonal naive")
    if best_baseline != "seasonal_naive":
        dots = [np.nan if s.over_best is None else s.over_best for s in shown]
        name = f"compared with {in_words(best_baseline)}, the best baseline"
        axes.plot(dots, rows, "D", color=palette.SALES, mec=palette.WHITE, ms=7, label=name)
    axes.set_yticks(rows, [label(s.category, 28) for s in shown])
    axes.invert_yaxis()
    axes.axvline(0, color=palette.MUTED, lw=1)
    percent_ticks(axes, "x")
    axis_title(axes, "x", "by how much the error (RMSE) is smaller; below zero it is larger")
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet


def _skills(report: dict[str, Any], best_baseline: str) -> list[_Skill]:
    """The categories that models forecast, the largest error of seasonal naive first."""
    model = report["best_model"]
    skills = []
    for category, entry in report["by_category"].items():
        naive = entry["models"]["seasonal_naive"]["rmse"]
        if not entry.get("modelled_in_backtest") or entry["skill_vs_seasonal_naive"] is None:
            continue
        baseline = entry["models"][best_baseline]["rmse"]
        over_best = 1 - entry["models"][model]["rmse"] / baseline if baseline else None
        skills.append((-naive, _Skill(category, entry["skill_vs_seasonal_naive"], over_best)))
    return [skill for _, skill in sorted(skills, key=lambda s: (s[0], s[1].category))]


def _title(report: dict[str, Any], model: str, best_baseline: str) -> str:
    measured = report["skill"][best_baseline]
    return str(
        wording.skill(
            model=model,
            rule=in_words(best_baseline),
            gain=measured["rmse_reduction"],
            claim=report["claim"],
        )
    )


def _evidence(report: dict[str, Any], skills: list[_Skill], shown: int, best_baseline: str) -> str:
    unit = report["data"]["grain"]
    return str(
        wording.skill_evidence(
            model=in_words(report["best_model"]),
            steps=report["horizon"] // (WEEK if unit == "week" else 1),
            unit=unit,
            cutoffs=len(report["cutoffs"]),
            better=sum(s.over_naive > 0 for s in skills),
            modeled=len(skills),
            rule=None if best_baseline == "seasonal_naive" else in_words(best_baseline),
            better_than_rule=sum(s.over_best is not None and s.over_best > 0 for s in skills),
            shown=shown,
        )
    )

"""The forecast on two public data sets, against its targets: `make bench-forecast`, on a quiet machine.

Runs the rolling backtest of both data sets through the product's own code, prints a table and the missed targets, and
writes benchmarks/results/forecast.json. The design was chosen on the first four cut-offs of The Complete Journey; the
targets are judged on all six.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.forecast.daily import backtest_daily, entry, read_daily
from benchmarks.forecast.data import cdnow, complete_journey
from benchmarks.forecast.noise import shares
from retail_assets.forecasting.data.calendar import forecast_calendar
from retail_assets.forecasting.data.series import daily_sales, panel_at
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import (
    candidates_for,
    fit_candidates,
    predictions,
    single_threaded_fits,
)
from retail_assets.forecasting.models.fallback import choose_fallbacks, modeled
from retail_assets.forecasting.models.last_year import has_year
from retail_assets.forecasting.models.serialization import dumps, loads

RESULTS = Path(__file__).parents[1] / "results"
DESIGNED_ON = 4
COUNTRY, SEED, HORIZON = "US", 0, 28


def backtest(rows: pd.DataFrame) -> tuple[dict[str, Any], Backtest]:
    """Return the report of `output/forecast/backtest.json`, with the four cut-offs of the design next to all six."""
    training = train(rows, country=COUNTRY, seed=SEED)
    tested, report = training.backtest, training.report
    if tested is None:
        raise SystemExit(f"No backtest: {report['reason']}")
    early = tested.select(slice(DESIGNED_ON))
    models = {
        name: {key: None if value is None else round(value, 6) for key, value in early.metrics(name).items()}
        for name in early.forecasts
    }
    by_cutoff = report.pop("by_cutoff")
    return {**report, "designed_on": {"champion": early.champion, "models": models}, "by_cutoff": by_cutoff}, tested


def targets(name: str, report: dict[str, Any], reference: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the targets of a data set with the measured values."""
    models, champion = report["models"], report["champion"]
    ours = models[champion]
    others = {"auto_ets": models["auto_ets"]["rmse"], "auto_theta": models["auto_theta"]["rmse"]}
    if reference:
        others |= {f"statsforecast {kind}": errors["rmse"] for kind, errors in reference[name].items()}
    statistical = min(others, key=lambda kind: others[kind])
    if name == "cdnow":
        ets = [models["auto_ets"], *([reference[name]["AutoETS"]] if reference else [])]
        least = {key: min(errors[key] for errors in ets) for key in ("rmse", "total_rmse")}
        return [
            _target("RMSE of cohorts, at most AutoETS", ours["rmse"], high=least["rmse"]),
            _target("RMSE of the total, at most AutoETS", ours["total_rmse"], high=least["total_rmse"]),
        ]
    naive = 1 - ours["rmse"] / models["seasonal_naive"]["rmse"]
    return [
        _target("WAPE of departments", ours["wape"], high=0.135),
        _target("WAPE of departments, moonshot", ours["wape"], high=0.125),
        _target("WAPE of the total", ours["total_wape"], high=0.09),
        _target("RMSE below seasonal naive's", naive, low=0.32),
        _target(
            f"RMSE below the best of ETS and Theta ({statistical})", 1 - ours["rmse"] / others[statistical], low=0.12
        ),
        _target("bias", abs(ours["bias"]), high=0.02),
        _target("coverage of the 80 % interval", ours["coverage80"], low=0.77, high=0.84),
        _target("coverage of the 95 % interval", ours["coverage95"], low=0.93, high=0.97),
    ]


def _target(what: str, measured: float, *, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    met = (low is None or measured >= low) and (high is None or measured <= high)
    return {"target": what, "at_least": low, "at_most": high, "measured": round(measured, 6), "met": bool(met)}


def speed(rows: pd.DataFrame, champion: str) -> dict[str, Any]:
    """Time fit, intervals and forecast of 28 days of revenue of The Complete Journey, and 1,000 series × 2 years."""
    rows = rows.drop(columns="units")
    started = time.perf_counter()
    model = train(rows, country=COUNTRY, seed=SEED, candidates=(champion,), most_cutoffs=1).model
    if model is None:
        raise SystemExit("no model")
    forecast = score(loads(dumps(model)), rows)
    small = time.perf_counter() - started
    # In a process of its own, so that its peak is its own.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.forecast.thousand"], check=True, capture_output=True, text=True
    )
    seconds, peak = map(float, done.stdout.split()[-2:])
    return {
        "series": len(set(forecast["product_category"].to_pylist())),
        "fit_intervals_forecast_s": round(small, 1),
        "thousand_series_backtest_fit_forecast_s": round(seconds, 1),
        "thousand_series_peak_mb": round(peak),
        "targets": [
            _target("fit + intervals + forecast of 13 series, s", small, high=10),
            _target("1,000 series × 2 years with the whole backtest, s", seconds, high=300),
            _target("peak memory of the same, MB", peak, high=4096),
        ],
    }


def units_in_words(report: dict[str, Any]) -> str:
    """Return the result of the units' backtest in one line."""
    units = report["units"]
    ours, naive = units["models"][units["champion"]], units["models"]["seasonal_naive"]
    return (
        f"  units, at the prices of the cut-off: {units['champion']}, WAPE {ours['wape']:.1%}, RMSE "
        f"{1 - ours['rmse'] / naive['rmse']:.1%} below seasonal naive, {ours['coverage80']:.1%} in the 80 % interval"
    )


def table(name: str, report: dict[str, Any], reference: dict[str, Any] | None) -> str:
    """Return the backtest as text, best model first."""
    keys = ("rmse", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "total_rmse", "total_wape")
    lines = [f"{name}: {len(report['cutoffs'])} cut-offs, {report['cutoffs'][0]} to {report['cutoffs'][-1]}"]
    lines.append(f"  {'':34s}" + "".join(f"{key:>12s}" for key in keys))
    measured = dict(report["models"])
    if reference:
        measured |= {f"{reference['library']} {kind}": values for kind, values in reference[name].items()}
    for label in sorted(measured, key=lambda label: measured[label]["rmse"]):
        mark = "*" if label == report["champion"] else " "
        cells = "".join(f"{measured[label].get(key) or float('nan'):12.4g}" for key in keys)
        lines.append(f"{mark} {label + (' (rule)' if label in BASELINE_NAMES else ''):34s}{cells}")
    return "\n".join(lines)


def cpu_seconds(rows: pd.DataFrame) -> dict[str, float]:
    """Measure the CPU seconds of each candidate for one fit on all days and its forecast; baselines take none."""
    sales = daily_sales(rows)
    if sales is None:
        return {}
    panel, holidays = panel_at(sales, sales.last_day), forecast_calendar(COUNTRY, sales, HORIZON)
    panel = panel.select(modeled(choose_fallbacks(panel)))
    seconds = {}
    for name in candidates_for(len(panel.categories), year=has_year(panel.days)):
        with single_threaded_fits((name,)):
            started = time.process_time()
            predictions(
                fit_candidates(panel, holidays, (name,), horizon=HORIZON, seed=SEED), panel, holidays, HORIZON, (name,)
            )
            seconds[name] = round(time.process_time() - started, 3)
    return seconds


def daily(file: Path, country: str) -> int:
    """Add the entry of a long frame of daily sales, named after the file, to benchmarks/results/forecast.json."""
    tested, champions = backtest_daily(read_daily(file), country, seed=SEED)
    added = entry(tested, champions[-1]) | {"champions": champions, "country": country}
    for name in sorted(added["models"], key=lambda name: added["models"][name]["wape"]):
        metrics = added["models"][name]
        print(f"{name:22s} WAPE {metrics['wape']:.2%}  total {metrics['total_wape']:.2%}  in 80 % ", end="")
        print("–" if metrics["coverage80"] is None else f"{metrics['coverage80']:.1%}")
    RESULTS.mkdir(exist_ok=True)
    results = RESULTS / "forecast.json"
    known = json.loads(results.read_text()) if results.exists() else {}
    name = file.stem.removesuffix("_daily_sales")
    results.write_text(json.dumps(known | {name: added}, indent=2) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-speed", action="store_true", help="skip the timings")
    parser.add_argument("--no-noise", action="store_true", help="skip the runs on noise and planted effects")
    parser.add_argument("--daily", type=Path, help="only judge this file of unique_id, ds, y and optionally unit_price")
    parser.add_argument("--country", default=COUNTRY, help="of the holidays of --daily")
    options = parser.parse_args()
    if options.daily:
        return daily(options.daily, options.country)
    file = Path(__file__).with_name("reference.json")
    reference = json.loads(file.read_text()) if file.exists() else None
    journey = complete_journey()
    result: dict[str, Any] = {}
    short = []
    for name, rows in (("complete_journey", journey), ("cdnow", cdnow())):
        report, tested = backtest(rows)
        report["targets"] = targets(name, report, reference)
        if reference:
            report["reference"] = {"library": reference["library"], **reference[name]}
        if report["unscored_days"]:
            report["note"] = f"Not scored, because the shops were closed: {', '.join(report['unscored_days'])}."
        # The entry that all data sets have, then the report of this one.
        result[name] = report | entry(tested, report["champion"], cpu_seconds(rows))
        print(table(name, report, reference), flush=True)
        print(units_in_words(report), flush=True)
        short += [f"{name}: {t['target']}" for t in report["targets"] if not t["met"]]
    if not options.no_speed:
        result["speed"] = speed(journey, result["complete_journey"]["champion"])
        print(json.dumps(result["speed"], indent=2))
        short += [t["target"] for t in result["speed"]["targets"] if not t["met"]]
        result["thousand"] = {
            "seconds": result["speed"]["thousand_series_backtest_fit_forecast_s"],
            "peak_mb": result["speed"]["thousand_series_peak_mb"],
        }
    if not options.no_noise:
        result["noise"] = shares()
        noise = [
            _target("noise runs with a claim of skill", result["noise"]["false_skill_share"], high=0.05),
            _target("planted effects found", result["noise"]["planted_found_share"], low=0.95),
        ]
        short += [t["target"] for t in noise if not t["met"]]
        print(json.dumps(noise, indent=2))
    RESULTS.mkdir(exist_ok=True)
    results = RESULTS / "forecast.json"
    # Entries of `--daily` stay.
    known = json.loads(results.read_text()) if results.exists() else {}
    results.write_text(json.dumps(known | result, indent=2) + "\n")
    print("Falls short: " + ("; ".join(short) if short else "nothing"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

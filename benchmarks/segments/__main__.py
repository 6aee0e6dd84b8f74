"""The segments on two public data sets and on planted shoppers, against their targets: `make bench-segments`.

Runs the product's own code on The Complete Journey (simulated), CDNOW and planted shoppers, prints the evaluation and
the missed targets, and writes benchmarks/results/segments.json. Stability is measured twice: as of the day on which the
design was chosen, which the targets are about, and as of the last day of sales, which the design has never seen.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.metrics import adjusted_rand_score

from benchmarks.metering import measured
from benchmarks.segments import data
from retail_assets.decisions.segment_report import make_report
from retail_assets.models.kinds import NO_MODEL
from retail_assets.segmentation.evaluation.fit import Fit, as_json, measure
from retail_assets.segmentation.evaluation.name_stability import name_stability
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.model.features import read_sample
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.training import Training, train
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.warehouse.duckdb import DuckDBWarehouse

RESULTS = Path(__file__).parents[1] / "results"
SEED = 0
#: The snapshots on which the features, the number of clusters and the prototypes were chosen.
DESIGNED_AT = {"complete_journey": dt.date(2017, 9, 30), "cdnow": dt.date(1997, 12, 31)}
MOST_CUSTOMERS = 100_000


def evaluated(warehouse: DuckDBWarehouse) -> dict[str, Any]:
    """Return the `evaluation.json` of a warehouse, by the steps of the assets."""
    make_features(warehouse)
    trained = train_from(warehouse, seed=SEED)
    score_all(warehouse, trained.model, "benchmark" if trained.model else NO_MODEL)
    make_profiles(warehouse)
    report = make_report(
        warehouse, trained.model, trained.why, version="benchmark", catalog=DEFAULT, currency="USD", seed=SEED
    )
    return report.evaluation


def as_of(warehouse: DuckDBWarehouse, day: dt.date) -> tuple[Training, Fit]:
    """Train a model as of a day; return it with its fit to the customers of that day."""
    features = read_sample(warehouse, customer_features(day), at_most=MOST_CUSTOMERS, everyone=True)
    trained = train(features, seed=SEED)
    if trained.model is None:
        raise SystemExit(f"No model as of {day}: {trained.why}")
    return trained, measure(trained.model, features, seed=SEED)


def public(name: str, warehouse: DuckDBWarehouse) -> dict[str, Any]:
    """Measure everything about a public data set."""
    evaluation = evaluated(warehouse)
    trained, fit = as_of(warehouse, DESIGNED_AT[name])
    # Besides the report's windows of one length, windows like a young shop's, which grow with its sales.
    growing = name_stability(warehouse, DEFAULT, window_days=WINDOW_DAYS, seed=SEED)
    return {
        "evaluation": evaluation,
        "designed_at": {"day": DESIGNED_AT[name].isoformat(), "k": trained.model and trained.model.k, **as_json(fit)},
        "growing_windows": {
            "name_agreement": _rounded(growing.name_agreement),
            "kept_month_to_month": _rounded(growing.kept),
        },
    }


def targets_of(name: str, measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the targets of a public data set with the measured values."""
    evaluation, designed = measured["evaluation"], measured["designed_at"]
    best = evaluation["high_value"]
    least = {"complete_journey": (0.85, 0.88), "cdnow": (0.95, 0.85)}[name]
    targets = [
        _target(f"bootstrap ARI as of {designed['day']}", designed["bootstrap_ari"], low=least[0]),
        _target(
            f"bootstrap ARI as of the last day, {evaluation['snapshot']}", evaluation["bootstrap_ari"], low=least[0]
        ),
        _target("names kept month to month", evaluation["kept_month_to_month"], low=least[1]),
    ]
    if name == "complete_journey":
        targets += [
            _target("name agreement with the frozen model", evaluation["name_agreement"], low=0.95),
            _target("name agreement while the window grows", measured["growing_windows"]["name_agreement"], low=0.95),
            _target("High-Value: next quarter's revenue / share of customers", best["lift"], low=2.1),
            _target("High-Value: of what a spend ranking of that size captures", best["of_ranking"], low=0.97),
        ]
    return targets


def planted(folder: Path) -> dict[str, Any]:
    """Check whether three planted kinds of shopper are found and named correctly."""
    warehouse, truth = data.planted(folder, seed=SEED)
    features = read_sample(warehouse, customer_features(), at_most=MOST_CUSTOMERS, everyone=True)
    trained = train(features, seed=SEED)
    named = score(trained.model, features)
    kinds = [truth[customer] for customer in named["customer_id"]]
    right = [kind == persona for kind, persona in zip(kinds, named["persona"], strict=True)]
    ari = float(adjusted_rand_score(kinds, named["persona"]))
    share = sum(right) / len(right)
    return {
        "customers": len(named),
        "kinds": len(data.KINDS),
        "k": trained.model.k if trained.model else None,
        "ari": round(ari, 4),
        "named_rightly": round(share, 4),
        "targets": [
            _target("ARI with the planted kinds", ari, low=0.9),
            _target("clusters found, of three kinds", trained.model.k if trained.model else 0, low=3, high=3),
        ],
    }


def million(customers: int) -> dict[str, Any]:
    """Measure training and scoring in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        module = [sys.executable, "-m", "benchmarks.segments.million", str(folder)]
        measured([*module, "make", str(customers)])
        usage = measured([*module, "train_and_score"])
        timings = json.loads((folder / "steps.json").read_text())
    return {
        "customers": customers,
        **timings,
        "process_s": usage.wall_s,
        "cpu_s": usage.cpu_s,
        "peak_mb": usage.peak_mb,
        "targets": [
            _target("train + score, s, including Python's start, reads and writes", usage.wall_s, high=30),
            _target("peak memory of the same, MB", usage.peak_mb, high=2048),
        ],
    }


def table(names: Sequence[str], result: dict[str, Any]) -> str:
    """Return the evaluations of the public data sets side by side, as text."""
    rows = (
        ("customers", lambda e: e["customers"]),
        ("  of them in clusters", lambda e: e["clustered_customers"]),
        ("k", lambda e: e["k"]),
        ("silhouette", lambda e: e["silhouette"]),
        ("Davies-Bouldin", lambda e: e["davies_bouldin"]),
        ("bootstrap ARI", lambda e: e["bootstrap_ari"]),
        ("bootstrap name agreement", lambda e: e["bootstrap_name_agreement"]),
        ("name agreement, frozen model", lambda e: e["name_agreement"]),
        ("kept month to month", lambda e: e["kept_month_to_month"]),
        ("  where leaving clusters counts", lambda e: e["months"]["kept_where_leaving_counts"]),
        ("  by the frozen model", lambda e: e["months"]["kept_by_frozen_model"]),
        ("months kept, of six", lambda e: e["months_kept"]),
        ("High-Value: customers", lambda e: e["high_value"]["customers_share"]),
        ("  next quarter's revenue", lambda e: e["high_value"]["next_revenue_share"]),
        ("  spend ranking's", lambda e: e["high_value"]["ranking_next_revenue_share"]),
        ("  RFM quintiles'", lambda e: e["high_value"]["rfm_next_revenue_share"]),
        ("  lift", lambda e: e["high_value"]["lift"]),
    )
    lines = [f"{'':34s}" + "".join(f"{name:>18s}" for name in names)]
    for label, pick in rows:
        cells = [pick(result[name]["evaluation"]) for name in names]
        lines.append(f"{label:34s}" + "".join(f"{'-' if c is None else c:>18}" for c in cells))
    for name in names:
        lines.append(f"\n{name}: share of customers / revenue / next quarter's revenue")
        evaluation = result[name]["evaluation"]
        later = evaluation["next_quarter"]["segments"]
        for persona, profile in evaluation["segments"].items():
            next_share = later.get(persona, {}).get("next_revenue_share")
            lines.append(
                f"  {persona:24s}{profile['customers_share']:8.1%}{profile['revenue_share']:8.1%}"
                + (f"{next_share:8.1%}" if next_share is not None else f"{'-':>8s}")
            )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-speed", action="store_true", help="skip the timed million customers")
    parser.add_argument("--customers", type=int, default=1_000_000, help="number of customers to time")
    options = parser.parse_args()
    result: dict[str, Any] = {}
    names = ("complete_journey", "cdnow")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in names:
            result[name] = public(name, getattr(data, name)(folder))
            result[name]["targets"] = targets_of(name, result[name])
        result["planted"] = planted(folder)
    print(table(names, result), flush=True)
    print(f"\nplanted: {result['planted']['k']} clusters, {result['planted']['named_rightly']:.1%} named correctly")
    if not options.no_speed:
        result["speed"] = million(options.customers)
        print(f"\n{options.customers:,} customers: {json.dumps(result['speed']['steps'])}")
    print("\ntargets")
    short = []
    for name, report in result.items():
        for target in report["targets"]:
            bound = f">= {target['at_least']}" if target["at_least"] is not None else f"<= {target['at_most']}"
            word = "met" if target["met"] else "MISSED"
            print(f"  {name:17s}{target['target']:66s}{target['measured']:>10.4g}{bound:>10s}  {word}")
            if not target["met"]:
                short.append(f"{name}: {target['target']}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "segments.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(f"\nFalls short: {'; '.join(short) if short else 'nothing'}. ({time.monotonic() - started:.0f} s)")
    return 0


def _target(what: str, value: float | None, *, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    met = value is not None and (low is None or value >= low) and (high is None or value <= high)
    shown = float("nan") if value is None else round(value, 4)
    return {"target": what, "at_least": low, "at_most": high, "measured": shown, "met": bool(met)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    sys.exit(main())

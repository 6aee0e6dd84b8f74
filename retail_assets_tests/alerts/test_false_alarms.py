"""How often each rule fires on quiet days and on bad ones, at the rates that docs/alerts.md states."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets_tests.alerts.simulated import YOUNG, Rng, drift_rate, late_rate, rejected_rate, small_rate

DOCS = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()


def written(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if share < 0.1 else f"{share:.0%}".replace("%", " %")


def assert_stated(*cells: str) -> None:
    line = f"| {' | '.join(cells)} |"
    assert line in DOCS, f"docs/alerts.md should have the line\n{line}"


@pytest.mark.parametrize("between", [0.1, 0.3, 0.8])
def test_rejected_rows(between: float) -> None:
    """Before the spread was that of all weekdays, one landing in ten of a young, uneven shop was called unusual."""
    quiet, young = (
        rejected_rate(2000, 0.01, between, seeds=10),
        rejected_rate(2000, 0.01, between, learn=YOUNG, seeds=40),
    )
    assert max(quiet, young) < 0.015
    double, fivefold = (rejected_rate(2000, 0.01, between, times=times) for times in (2, 5))
    assert_stated(
        f"rejected rows, 1 % of 2,000; days differ by {written(between)}",
        written(quiet),
        written(young),
        f"a doubled share {written(double)}, a fivefold one {written(fivefold)}",
    )


@pytest.mark.parametrize("between", [0.1, 0.2, 0.4])
def test_small_landings(between: float) -> None:
    quiet, young = small_rate(500, between, seeds=10), small_rate(500, between, learn=YOUNG, seeds=40)
    assert max(quiet, young) < 0.01
    half, third = (small_rate(500, between, part=part) for part in (1 / 2, 1 / 3))
    assert_stated(
        f"small landings, 500 rows; days differ by {written(between)}",
        written(quiet),
        written(young),
        f"half of the rows {written(half)}, a third of them {written(third)}",
    )


def _punctual(rng: Rng) -> float:
    return abs(float(rng.normal(0, 0.3)))


def _ragged(rng: Rng) -> float:
    return float(rng.lognormal(0.3, 0.7))


@pytest.mark.parametrize(
    ("name", "delay", "skips"),
    [
        ("late landings, within half an hour mostly", _punctual, 0),
        ("late landings, after 1.3 hours, one in ten after 3.3", _ragged, 0),
        ("late landings of a source that leaves out one day in ten", _punctual, 0.1),
    ],
)
def test_late_landings(name: str, delay: object, skips: float) -> None:
    early, found = late_rate(delay, skips=skips)  # type: ignore[arg-type]
    assert early < (0.1 if skips else 0.03)
    assert found > 0.95
    assert_stated(name, written(early), "–", f"two days late {written(found)}")


@pytest.mark.parametrize(("categories", "error", "memory"), [(6, 0.15, 0.5), (1, 0.3, 0.8)])
def test_drift_of_the_forecast(categories: int, error: float, memory: float) -> None:
    quiet = drift_rate(categories, error, memory=memory)
    assert quiet < (0.01 if categories > 1 else 0.05)
    double, threefold = (drift_rate(categories, error, memory=memory, worse=worse) for worse in (2, 3))
    names = f"{categories} categories" if categories > 1 else "1 category"
    assert_stated(
        f"drift, {names}, promised error {written(error)}, correlation {memory}",
        written(quiet),
        "–",
        f"errors of 14 days twice as large {written(double)}, three times {written(threefold)}",
    )

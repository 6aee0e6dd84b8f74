"""Tests and intervals that the findings share."""

from __future__ import annotations

import numpy as np
from scipy import stats


def margin(values: np.ndarray) -> float:
    """Return half of the 95 % interval of the mean of `values` (n,), by Student's t; NaN below two values."""
    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


def defined_p(p: float) -> float:
    """Return a p-value, or 1 where it is NaN: a test of all-equal values is no evidence of a difference."""
    return float(p) if np.isfinite(p) else 1.0


def welch_anova(mean: np.ndarray, variance: np.ndarray, n: np.ndarray) -> float | None:
    """Return the p-value of k equal means, with variances free (Welch 1951, Biometrika 38). Arrays (k,).

    None when a group does not vary at all, because its weight would be infinite.
    """
    if np.any(variance <= 0):
        return 1.0 if np.allclose(mean, mean[0]) else None
    k = len(mean)
    weight = n / variance
    center = np.sum(weight * mean) / np.sum(weight)
    lack = np.sum((1 - weight / np.sum(weight)) ** 2 / (n - 1))
    f = (np.sum(weight * (mean - center) ** 2) / (k - 1)) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(stats.f.sf(f, k - 1, (k**2 - 1) / (3 * lack)))


def holm(values: list[float | None]) -> list[float | None]:
    """Correct p-values for their number (Holm 1979): the i-th smallest of m times m - i, never falling.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested = sorted((p, i) for i, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    running = 0.0
    for rank, (p, i) in enumerate(tested):
        running = max(running, min(1.0, p * (len(tested) - rank)))
        adjusted[i] = running
    return adjusted


def benjamini_hochberg(values: np.ndarray) -> np.ndarray:
    """Correct p-values (m,) so that of those below a level, that share at most is false (Benjamini & Hochberg 1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(values)[::-1]
    scaled = values[order] * len(values) / np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted

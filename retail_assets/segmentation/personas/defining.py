"""What must be true of a name: comparisons of a cluster's numbers with those of the other clusters.

A prototype says which name suits a cluster best; its comparisons say whether the name is true at all. They are made
with numbers in the units of the shop, on the customers of one day, so that a reader can repeat them with the profiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

FEATURES = ("frequency", "monetary", "average_basket", "recency", "top_month_share", "season_index")
"""Numbers that are compared: the mean for the frequency, which is a small whole number for most, and medians.

`season_index` is the share of the best month, divided by what purchases on random days would give (see `model.season`).
"""
RELATIONS = ("highest", "lowest", "above", "below")
"""Among the clusters (highest, lowest), or against the customers of all other clusters (above, below)."""

SLACK = 1.25
"""A name in use stays until its number contradicts it by more than this ratio: it should not come and go."""
_SLACK_OF_SHARES = 1.1
_SHARES = ("top_month_share", "season_index")


@dataclass(frozen=True)
class Comparison:
    """One number that a name claims.

    Attributes:
        feature: one of `FEATURES`.
        relation: one of `RELATIONS`.
        by: the ratio by which the number must exceed (or stay below) what it is compared with.
    """

    feature: str
    relation: str
    by: float = 1.0


@dataclass(frozen=True)
class ClusterNumbers:
    """The numbers of clusters and of the customers outside of each, by feature.

    Attributes:
        clusters: per feature, a value per cluster.
        others: per feature and cluster, the value of the customers of all other clusters; 1 for `season_index`, which
            is a ratio already.
        window_days: days of sales that they are from.
    """

    clusters: Mapping[str, np.ndarray]
    others: Mapping[str, np.ndarray]
    window_days: int


@dataclass(frozen=True)
class Finding:
    """A comparison made: the number, what it was compared with, and the outcome.

    `than` is the value of the next cluster, or of the customers of all other clusters.
    """

    feature: str
    relation: str
    by: float
    value: float
    than: float
    holds: bool


def findings(
    comparisons: Iterable[Comparison], numbers: ClusterNumbers, cluster: int, *, in_use: bool = False
) -> tuple[Finding, ...]:
    """Make the comparisons of a name for a cluster.

    Args:
        comparisons: what the name claims.
        numbers: of all clusters.
        cluster: the one that has or would have the name.
        in_use: whether it has the name already, which it keeps within `SLACK`.
    """
    return tuple(_finding(comparison, numbers, cluster, in_use) for comparison in comparisons)


def holds(comparisons: Iterable[Comparison], numbers: ClusterNumbers, cluster: int, *, in_use: bool = False) -> bool:
    """Say whether all comparisons of a name hold for a cluster (see `findings`)."""
    return all(finding.holds for finding in findings(comparisons, numbers, cluster, in_use=in_use))


def _finding(comparison: Comparison, numbers: ClusterNumbers, cluster: int, in_use: bool) -> Finding:
    values = numbers.clusters[comparison.feature]
    value, rest = float(values[cluster]), np.delete(values, cluster)
    upwards = comparison.relation in ("highest", "above")
    if comparison.relation in ("above", "below") or not len(rest):
        than = float(numbers.others[comparison.feature][cluster])
    else:
        than = float(rest.max() if upwards else rest.min())
    slack = (_SLACK_OF_SHARES if comparison.feature in _SHARES else SLACK) if in_use else 1.0
    factor = comparison.by / slack
    true = value >= than * factor if upwards else value * factor <= than
    if comparison.relation in ("highest", "lowest") and not in_use:
        true = true and value != than  # of two that share the lead neither is the highest
    return Finding(comparison.feature, comparison.relation, comparison.by, value, than, bool(true))

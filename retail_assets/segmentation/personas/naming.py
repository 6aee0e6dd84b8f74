"""Names for clusters: each cluster gets the persona whose prototype it resembles most, each persona at most once.

A persona is given only where its numbers say so. Where none is true, a cluster gets a persona that stands in for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from retail_assets.segmentation.personas.catalog import OTHER, PERSONAS, Persona
from retail_assets.segmentation.personas.defining import ClusterNumbers, holds

MIN_FIT = 0.2
"""Cosine between a cluster and a prototype below which the name would mislead: the cluster is then `OTHER`."""

#: More than all other scores together: features are clipped at four standard deviations.
_FIRST = 1000.0


@dataclass(frozen=True)
class Match:
    """The persona of a cluster, and the cosine between the cluster's centroid and that persona's prototype."""

    persona: Persona
    fit: float


def prototypes(features: Sequence[str], personas: Sequence[Persona] = PERSONAS) -> np.ndarray:
    """Return prototypes as an array (personas x features), in standard deviations; 0 for features left out.

    >>> prototypes(["frequency", "monetary"]).tolist()
    [[1.0, 1.5], [1.0, -0.25], [-1.0, 0.0], [-1.0, -1.5]]
    """
    return np.array([[float(p.prototype.get(name, 0.0)) for name in features] for p in personas])


def name_clusters(
    centroids: np.ndarray,
    features: Sequence[str],
    personas: Sequence[Persona] = PERSONAS,
    other: Persona = OTHER,
    *,
    numbers: ClusterNumbers | None = None,
    stand_ins: Sequence[Persona] = (),
    kept: Mapping[int, Persona] | None = None,
) -> tuple[Match, ...]:
    """Match clusters to personas so that the names suit the whole set best, each persona at most once.

    The score of a pair is the centroid's length in the direction of the prototype; the assignment maximizes the sum of
    the scores of the pairs that are allowed (Kuhn 1955, the Hungarian method). A pair is allowed if the cluster
    resembles the persona (`MIN_FIT`) and all comparisons of the persona hold for it. The first persona, the most
    valuable one, is given wherever its comparisons allow it. The remaining clusters are matched to `stand_ins` in the
    same way, and those that remain then get `other`.

    Args:
        centroids: (clusters x features), in standard deviations from the average customer.
        features: names of the columns.
        personas: personas to choose from, each with a prototype.
        other: the persona of a cluster that none fits.
        numbers: of the clusters; without them names are given by the prototypes alone.
        stand_ins: personas for clusters that none of `personas` is true of.
        kept: personas that clusters have already, by cluster.

    >>> centroids = np.array([[-1.0, -1.2], [1.1, 1.4]])
    >>> [match.persona.name for match in name_clusters(centroids, ["frequency", "monetary"])]
    ['Low-Engagement', 'High-Value Customers']
    """
    chosen = dict(kept or {})
    for round_of in (personas, stand_ins):
        free = [persona for persona in round_of if persona not in chosen.values()]
        clusters = [cluster for cluster in range(len(centroids)) if cluster not in chosen]
        if free and clusters:
            first = round_of[0] if round_of is personas and numbers is not None and round_of[0].defining else None
            chosen |= _assigned(centroids, features, clusters, free, numbers, first)
    return tuple(
        Match(chosen.get(cluster, other), fit_to(chosen.get(cluster), centroid, features))
        for cluster, centroid in enumerate(centroids)
    )


def fit_to(persona: Persona | None, centroid: np.ndarray, features: Sequence[str]) -> float:
    """Return the cosine between a centroid and a persona's prototype; 0 without a persona."""
    if persona is None or not persona.prototype:
        return 0.0
    direction = prototypes(features, [persona])[0]
    length = float(np.linalg.norm(centroid[direction != 0]) * np.linalg.norm(direction))
    return float(centroid @ direction) / length if length else 0.0


def _assigned(
    centroids: np.ndarray,
    features: Sequence[str],
    clusters: Sequence[int],
    personas: Sequence[Persona],
    numbers: ClusterNumbers | None,
    first: Persona | None,
) -> dict[int, Persona]:
    """The best allowed assignment of personas to some of the clusters, with `first` in it where that is allowed."""
    directions = prototypes(features, personas)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    scores = np.zeros((len(clusters), len(personas)))
    for row, cluster in enumerate(clusters):
        for column, persona in enumerate(personas):
            if fit_to(persona, centroids[cluster], features) >= MIN_FIT and _is_true(persona, numbers, cluster):
                scores[row, column] = centroids[cluster] @ directions[column] + (_FIRST if persona is first else 0)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {clusters[r]: personas[c] for r, c in zip(rows, columns, strict=True) if scores[r, c] > 0}


def _is_true(persona: Persona, numbers: ClusterNumbers | None, cluster: int) -> bool:
    if numbers is None:
        return True
    return persona.least_days <= numbers.window_days and holds(persona.defining, numbers, cluster)

"""Names for clusters: each cluster gets the persona whose prototype it resembles most, each persona at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from retail_assets.segmentation.personas.catalog import OTHER, PERSONAS, Persona

MIN_FIT = 0.2
"""Cosine between a cluster and a prototype below which the name would mislead: the cluster is then `OTHER`."""


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
    centroids: np.ndarray, features: Sequence[str], personas: Sequence[Persona] = PERSONAS, other: Persona = OTHER
) -> tuple[Match, ...]:
    """Match clusters to personas so that the names suit the whole set best, each persona at most once.

    The score of a pair is the centroid's length in the direction of the prototype; the assignment maximizes the sum of
    the scores (Kuhn 1955, the Hungarian method). A cluster gets `other` if it does not resemble its persona (`MIN_FIT`)
    or if no persona is left.

    Args:
        centroids: (clusters x features), in standard deviations from the average customer.
        features: names of the columns.
        personas: personas to choose from, each with a prototype.
        other: the persona of a cluster that resembles none.

    >>> centroids = np.array([[-1.0, -1.2], [1.1, 1.4]])
    >>> [match.persona.name for match in name_clusters(centroids, ["frequency", "monetary"])]
    ['Low-Engagement', 'High-Value Customers']
    """
    directions = prototypes(features, personas)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    scores = centroids @ directions.T
    cared_for = (directions != 0).astype(float)
    lengths = np.sqrt(np.square(centroids) @ cared_for.T)
    fits = np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)
    clusters, chosen = linear_sum_assignment(scores, maximize=True)
    matches = [Match(other, 0.0)] * len(centroids)
    for cluster, number in zip(clusters, chosen, strict=True):
        fit = float(fits[cluster, number])
        matches[cluster] = Match(personas[number] if fit >= MIN_FIT else other, fit)
    return tuple(matches)

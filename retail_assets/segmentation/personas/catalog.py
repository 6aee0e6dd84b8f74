"""Who the segments are: prototypes, what they mean in words, and which cluster bears which name.

A persona is data: a name, where it lies in standardised features, a description and a text for action. Numbers in the
texts come from the segment's profile, never from here. A shop's own personas come from a file: `persona_file`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

NAMING_FEATURES = ("frequency", "monetary", "average_basket", "recency", "top_month_share")
"""Features that prototypes are given in, and clusters named by."""

ACTION_NUMBERS = (
    "customers",
    "customers_share",
    "revenue",
    "revenue_share",
    "frequency",
    "average_basket",
    "recency",
    "top_month_share",
    "tenth_of_revenue",
    "one_more_purchase",
)
"""Numbers of a segment's profile that an action text may name, in braces."""

MIN_FIT = 0.2
"""Cosine between a cluster and a prototype below which the name would mislead: the cluster is then `OTHER`."""


@dataclass(frozen=True)
class Persona:
    """A named kind of customer.

    `prototype` gives standard deviations from the average customer by naming feature; features that it leaves out do
    not matter to the name. Groups made by a rule have none. `action` is a format text over the keys of
    `evaluation.action_numbers`.
    """

    name: str
    description: str
    action: str
    prototype: Mapping[str, float] = field(default_factory=dict)


HIGH_VALUE = Persona(
    "High-Value Customers",
    "Buy often and fill large baskets; the core of the revenue.",
    "Keep them: {customers_share} of customers bring {revenue_share} of revenue, typically {frequency} purchases of "
    "{average_basket}. Reward loyalty with service and early access before discounts; a tenth less from them would "
    "cost {tenth_of_revenue}.",
    {"frequency": 1, "average_basket": 1, "monetary": 1.5, "recency": -0.5},
)
BUDGET = Persona(
    "Budget Shoppers",
    "Come often for small baskets.",
    "Make each visit larger: typically {frequency} purchases of only {average_basket}. Offer bundles and add-ons "
    "below that amount; baskets a tenth larger at unchanged visits would bring {tenth_of_revenue}.",
    {"frequency": 1, "average_basket": -1, "monetary": -0.25, "recency": -0.5},
)
SEASONAL = Persona(
    "Seasonal Shoppers",
    "Come seldom and buy much at a time; their spend gathers in fewer months than that of frequent shoppers.",
    "Win one more visit: typically {frequency} purchases of {average_basket}, {top_month_share} of the spend in the "
    "customer's best month. Write ahead of the season; one more such purchase each would bring {one_more_purchase}.",
    {"frequency": -1, "average_basket": 1, "monetary": 0, "recency": 0.25, "top_month_share": 0.5},
)
LOW_ENGAGEMENT = Persona(
    "Low-Engagement",
    "Come seldom, spend little, and were last seen longer ago than most.",
    "Spend little on winning them back: {customers_share} of customers bring {revenue_share} of revenue; half of them "
    "were last seen at least {recency} days before the snapshot. Use automated reminders, with a voucher that costs "
    "less than the margin on a basket of {average_basket}.",
    {"frequency": -1, "average_basket": -1, "monetary": -1.5, "recency": 0.75},
)

PERSONAS: tuple[Persona, ...] = (HIGH_VALUE, BUDGET, SEASONAL, LOW_ENGAGEMENT)
"""The personas clusters are matched to, in the order figures show them."""

OTHER = Persona(
    "Other Shoppers",
    "A cluster that resembles none of the personas.",
    "Look at this cluster's profile before acting: typically {frequency} purchases of {average_basket}, "
    "{revenue_share} of revenue from {customers_share} of customers.",
)
ONE_PURCHASE = Persona(
    "One Purchase",
    "Bought once in the window, so nothing is known about how often they buy. A rule, not a cluster.",
    "Aim at a second purchase: {customers} bought once, typically for {average_basket}. If one in ten came "
    "back for the same amount, that would bring {tenth_of_revenue}.",
)
DORMANT = Persona(
    "Dormant",
    "Customers of earlier times who bought nothing in the window. A rule, not a cluster.",
    "Ask once, then let them rest: {customers} were last seen at least {recency} days ago (half of them). "
    "Leave them out of paid campaigns.",
)
NO_NET_SPEND = Persona(
    "No Net Spend",
    "Have paid nothing, net: they returned all they bought, or got it free. A rule, not a cluster.",
    "Ask why before advertising: {customers} brought {revenue} net of returns. Check product quality, "
    "sizes and refund abuse.",
)
NOT_SEGMENTED = Persona(
    "Not Segmented",
    "Bought more than once, but the data cannot tell kinds of customers apart. A rule, not a cluster.",
    "Treat {customers} alike for now: typically {frequency} purchases of {average_basket}. Segment "
    "again when there are more of them, or when they differ.",
)

GROUPS: Mapping[str, Persona] = {
    "other": OTHER,
    "not_segmented": NOT_SEGMENTED,
    "one_purchase": ONE_PURCHASE,
    "dormant": DORMANT,
    "no_net_spend": NO_NET_SPEND,
}
"""Groups that no prototype makes, by the key that a file of personas knows them by."""


@dataclass(frozen=True)
class Catalogue:
    """All names that a customer can have: `clusters` are matched to prototypes, the first one is the most valuable."""

    clusters: tuple[Persona, ...] = PERSONAS
    groups: Mapping[str, Persona] = field(default_factory=lambda: GROUPS)

    @property
    def display_order(self) -> tuple[Persona, ...]:
        """The clusters' personas, then the groups."""
        return (*self.clusters, *(self.groups[key] for key in GROUPS))

    @property
    def digest(self) -> str:
        """Changes with names and prototypes, by which a model is made; not with texts."""
        told = [[p.name, sorted(p.prototype.items())] for p in self.clusters]
        return hashlib.sha256(json.dumps([told, self.groups["other"].name]).encode()).hexdigest()[:12]

    def named(self, name: str) -> Persona | None:
        """The persona of a name; None for one that the catalogue no longer has."""
        return next((p for p in self.display_order if p.name == name), None)


DEFAULT = Catalogue()
DISPLAY_ORDER: tuple[Persona, ...] = DEFAULT.display_order


@dataclass(frozen=True)
class Match:
    """The persona given to a cluster, and the cosine between the cluster's centroid and that persona's prototype."""

    persona: Persona
    fit: float


def prototypes(features: Sequence[str], personas: Sequence[Persona] = PERSONAS) -> np.ndarray:
    """Prototypes as an array (personas x features), in standard deviations; 0 where a persona says nothing."""
    return np.array([[float(p.prototype.get(name, 0.0)) for name in features] for p in personas])


def name_clusters(
    centroids: np.ndarray, features: Sequence[str], personas: Sequence[Persona] = PERSONAS, other: Persona = OTHER
) -> tuple[Match, ...]:
    """Give each cluster the persona that suits the whole set of clusters best, each persona at most once.

    The score of a pair is the centroid's length along the prototype's direction; the assignment maximises the sum of
    scores (Kuhn 1955, the Hungarian method). A cluster whose assigned persona does not resemble it (`MIN_FIT`), or that
    is left without a persona, is `other`.

    Args:
        centroids: (clusters x features), in standard deviations from the average customer.
        features: names of the columns.
        personas: candidates, each with a prototype.
        other: the persona of a cluster that resembles none.
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

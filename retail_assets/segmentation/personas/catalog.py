"""Who the segments are: personas with their prototypes and texts, and the catalog that holds them.

A persona is data: a name, a place in standardized features, a description, and a text that says what to do. The
numbers in the texts come from the segment's profile, never from here. A shop can bring its own: `persona_file`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NAMING_FEATURES = ("frequency", "monetary", "average_basket", "recency", "top_month_share")
"""Features in which prototypes are given, and by which clusters are named."""

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
    "one_in_ten",
    "one_in_ten_buying",
)
"""Numbers of a segment's profile that an action text may contain, in braces."""

STEP_NUMBERS = ("purchases", "money_spent", "average_basket", "last_seen")
"""Numbers of a customer that the next step of a persona may contain, in braces."""

USUAL_STEP = "Keep in touch: {purchases}, {average_basket} each on average, last seen on {last_seen}."
"""The next step of a customer whose persona has none of its own."""


@dataclass(frozen=True)
class Persona:
    """A named kind of customer.

    Attributes:
        name: shown to people, and stored with every customer.
        description: what these customers do, in a sentence or two.
        action: what to do about them: a format text over `ACTION_NUMBERS`.
        prototype: standard deviations from the average customer, by naming feature. Features left out do not affect
            the name. Groups defined by a rule have no prototype.
        next_step: what to do about one customer whom nothing sets apart from the others: a format text over
            `STEP_NUMBERS`.
    """

    name: str
    description: str
    action: str
    prototype: Mapping[str, float] = field(default_factory=dict)
    next_step: str = USUAL_STEP


HIGH_VALUE = Persona(
    "High-Value Customers",
    "Buy often and fill large baskets.",
    "Keep them: {customers_share} of known customers bring {revenue_share} of the revenue of all known customers. The "
    "typical one made {frequency} purchases of {average_basket}. Reward loyalty with service and early access before "
    "discounts; losing a tenth of their revenue would cost {tenth_of_revenue}.",
    {"frequency": 1, "average_basket": 1, "monetary": 1.5, "recency": -0.5},
    "Thank them in person: {money_spent} in {purchases}, last seen on {last_seen}.",
)
BUDGET = Persona(
    "Budget Shoppers",
    "Buy often, in small baskets.",
    "Make each visit larger: the typical customer made {frequency} purchases of only {average_basket}. Offer bundles "
    "and add-ons priced below that. If every basket were a tenth larger, with as many visits, that would bring "
    "{tenth_of_revenue}.",
    {"frequency": 1, "average_basket": -1, "monetary": -0.25, "recency": -0.5},
    "Suggest an add-on at the next visit: {purchases}, {average_basket} each on average.",
)
SEASONAL = Persona(
    "Seasonal Shoppers",
    "Buy rarely, but much at a time; their spending falls in fewer months than that of frequent shoppers.",
    "Win one more visit: the typical customer made {frequency} purchases of {average_basket} and spent "
    "{top_month_share} of the money in the best month. Write to them before their season; one more such purchase by "
    "one in ten of them ({one_in_ten}) would bring {one_in_ten_buying}.",
    {"frequency": -1, "average_basket": 1, "monetary": 0, "recency": 0.25, "top_month_share": 0.5},
    "Invite to one more visit: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
)
LOW_ENGAGEMENT = Persona(
    "Low-Engagement",
    "Buy rarely, spend little, and were last seen longer ago than most customers.",
    "Spend little on them: {customers_share} of known customers bring {revenue_share} of the revenue of all known "
    "customers, and half of them were last seen at least {recency} days before the last day of sales. Use automated "
    "reminders, with a voucher that costs less than the margin on a basket of {average_basket}.",
    {"frequency": -1, "average_basket": -1, "monetary": -1.5, "recency": 0.75},
    "Send the automated reminder only: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
)

OCCASIONAL = Persona(
    "Occasional Shoppers",
    "Buy rarely, but much at a time. The sales cover less than twelve months, so seasons are not known.",
    "Win one more visit: the typical customer made {frequency} purchases of {average_basket}; one more such purchase "
    "by one in ten of them ({one_in_ten}) would bring {one_in_ten_buying}.",
    SEASONAL.prototype,
    SEASONAL.next_step,
)

SEASON_DAYS = 360
"""Twelve months: days of sales below which nothing is said about seasons, best months and stocking up for a peak."""

PERSONAS: tuple[Persona, ...] = (HIGH_VALUE, BUDGET, SEASONAL, LOW_ENGAGEMENT)
"""The personas that clusters are matched to, in the order of the figures."""

OTHER = Persona(
    "Other Shoppers",
    "A cluster that resembles none of the personas.",
    "Look at the profile of this segment before acting: {customers_share} of known customers bring {revenue_share} of "
    "the revenue of all known customers, and the typical one made {frequency} purchases of {average_basket}.",
)
ONE_PURCHASE = Persona(
    "One Purchase",
    "Bought once in the window, so how often they buy is unknown. Assigned by a rule, not by clustering.",
    "Aim at a second purchase: {customers} bought once, typically for {average_basket}. If one in ten of them "
    "({one_in_ten}) came back and spent as much, that would bring {one_in_ten_buying}.",
    next_step="Ask for a second purchase: one in the window, for {money_spent}; last seen on {last_seen}.",
)
DORMANT = Persona(
    "Dormant",
    "Had sales before the window, and bought nothing in it. Assigned by a rule, not by clustering.",
    "Write once, then leave them out of paid campaigns: {customers}, typically last seen {recency} days before the "
    "last day of sales.",
    next_step="Write once: last seen on {last_seen}, nothing bought in the window.",
)
NO_NET_SPEND = Persona(
    "No Net Spend",
    "Paid nothing in the window after returns: they returned all they bought, or got it for free. Assigned by a rule, "
    "not by clustering.",
    "Find out why before advertising to them: {customers} brought {revenue} after returns. Check product quality, "
    "sizes and refund abuse.",
    next_step="Ask what went wrong before any offer: {money_spent} paid after returns, last seen on {last_seen}.",
)
NOT_SEGMENTED = Persona(
    "Not Segmented",
    "Bought more than once, but there is no model that separates kinds of customers. Assigned by a rule, not by "
    "clustering.",
    "Treat {customers} alike for now: typically {frequency} purchases of {average_basket}. Segment again when there "
    "are more of them, or when they differ more.",
)

GROUPS: Mapping[str, Persona] = {
    "other": OTHER,
    "not_segmented": NOT_SEGMENTED,
    "one_purchase": ONE_PURCHASE,
    "dormant": DORMANT,
    "no_net_spend": NO_NET_SPEND,
}
"""Groups without a prototype, by their key in a persona file."""


@dataclass(frozen=True)
class Catalog:
    """All names that a customer can have.

    Attributes:
        clusters: personas that clusters are matched to by their prototypes; the first is the most valuable.
        groups: personas that a rule assigns, by the keys of `GROUPS`.
    """

    clusters: tuple[Persona, ...] = PERSONAS
    groups: Mapping[str, Persona] = field(default_factory=lambda: GROUPS)

    @property
    def display_order(self) -> tuple[Persona, ...]:
        """The personas of the clusters, then the groups."""
        return (*self.clusters, *(self.groups[key] for key in GROUPS))

    def names_for(self, names: Iterable[str], days: int) -> tuple[str, ...]:
        """Return names of clusters as `days` of sales allow them: below `SEASON_DAYS`, none speaks of seasons.

        >>> DEFAULT.names_for(["Seasonal Shoppers", "Low-Engagement"], 20)
        ('Occasional Shoppers', 'Low-Engagement')
        """
        if days < SEASON_DAYS and self._shipped_seasonal:
            return tuple(OCCASIONAL.name if name == SEASONAL.name else name for name in names)
        return self.full_names(names)

    def full_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names of clusters as a long history gives them, which is how models are compared."""
        return tuple(SEASONAL.name if self._stands_in(name) else name for name in names)

    @property
    def _shipped_seasonal(self) -> bool:
        return SEASONAL in self.clusters and all(p.name != OCCASIONAL.name for p in self.display_order)

    def _stands_in(self, name: str) -> bool:
        return name == OCCASIONAL.name and self._shipped_seasonal

    @property
    def digest(self) -> str:
        """A digest of the names and prototypes, which make a model; texts do not change it."""
        content = [[p.name, sorted(p.prototype.items())] for p in self.clusters]
        return hashlib.sha256(json.dumps([content, self.groups["other"].name]).encode()).hexdigest()[:12]

    def named(self, name: str) -> Persona | None:
        """Return the persona of a name; None if the catalog no longer has it."""
        if self._stands_in(name):
            return OCCASIONAL
        return next((p for p in self.display_order if p.name == name), None)

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Sort names for display; those that the catalog no longer has come last, by name.

        >>> DEFAULT.in_order(["Renamed", "One Purchase", "Budget Shoppers"])
        ['Budget Shoppers', 'One Purchase', 'Renamed']
        """
        places = {persona.name: place for place, persona in enumerate(self.display_order)}
        full = {name: self.full_names([name])[0] for name in names}
        return sorted(full, key=lambda name: (places.get(full[name], len(places)), name))


DEFAULT = Catalog()
DISPLAY_ORDER: tuple[Persona, ...] = DEFAULT.display_order

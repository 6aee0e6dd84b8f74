"""Who the segments are: personas with their prototypes and texts, and the catalog that holds them.

A persona is data: a name, a place in standardized features, a description, and a text that says what to do. The
numbers in the texts come from the segment's profile, never from here. A shop can bring its own: `persona_file`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retail_assets.segmentation.personas.defining import Comparison

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
        description: what these customers do, in a sentence or two: no more than what `defining` proves.
        action: what to do about them: a format text over `ACTION_NUMBERS`.
        prototype: standard deviations from the average customer, by naming feature. Features left out do not affect
            the name. Groups defined by a rule have no prototype.
        next_step: what to do about one customer whom nothing sets apart from the others: a format text over
            `STEP_NUMBERS`.
        defining: what must be true of a cluster for it to have the name; empty if the prototype alone decides.
        least_days: days of sales that it takes to know.
        stand_in: the persona of a cluster that has the place of this one, but not its numbers.
        little_effort: whether the action says to spend little on them, so that nothing else is to be offered to them.
    """

    name: str
    description: str
    action: str
    prototype: Mapping[str, float] = field(default_factory=dict)
    next_step: str = USUAL_STEP
    defining: tuple[Comparison, ...] = ()
    least_days: int = 0
    stand_in: Persona | None = None
    little_effort: bool = False


SEASON_DAYS = 360
"""Twelve months: days of sales below which nothing is said about seasons, best months and stocking up for a peak."""

_OFTEN, _RARELY = Comparison("frequency", "above", 1.1), Comparison("frequency", "below", 1.1)
_LARGE, _SMALL = Comparison("average_basket", "above", 1.1), Comparison("average_basket", "below", 1.1)

LARGE_BASKETS = Persona(
    "Large-Basket Regulars",
    "Buy more often than the average customer of the other clusters, in larger baskets than the typical one, without "
    "being the cluster that spends most.",
    "Look after them: {customers_share} of known customers bring {revenue_share} of the revenue of all known "
    "customers. The typical one made {frequency} purchases of {average_basket}; losing a tenth of their revenue would "
    "cost {tenth_of_revenue}.",
    {"frequency": 1, "average_basket": 1, "monetary": 1},
    "Thank them at the next visit: {money_spent} in {purchases}, last seen on {last_seen}.",
    (_OFTEN, _LARGE),
)
SMALL_BASKETS = Persona(
    "Small-Basket Regulars",
    "Buy more often than the average customer of the other clusters, in smaller baskets than the typical one. They "
    "need not spend little in total.",
    "Make each visit larger: the typical customer made {frequency} purchases of {average_basket}. Offer bundles and "
    "add-ons priced below that. If every basket were a tenth larger, with as many visits, that would bring "
    "{tenth_of_revenue}.",
    {"frequency": 1, "average_basket": -1},
    "Suggest an add-on at the next visit: {purchases}, {average_basket} each on average.",
    (_OFTEN, _SMALL),
)
OCCASIONAL = Persona(
    "Occasional Shoppers",
    "Buy less often than the average customer of the other clusters, in larger baskets than the typical one. Nothing "
    "proves that they keep to a season.",
    "Win one more visit: the typical customer made {frequency} purchases of {average_basket}; one more such purchase "
    "by one in ten of them ({one_in_ten}) would bring {one_in_ten_buying}.",
    {"frequency": -1, "average_basket": 1},
    "Invite to one more visit: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
    (_RARELY, _LARGE),
)
LIGHT = Persona(
    "Light Shoppers",
    "Buy less often than the average customer of the other clusters, in smaller baskets than the typical one.",
    "Keep the effort small: {customers_share} of known customers bring {revenue_share} of the revenue of all known "
    "customers. The typical one made {frequency} purchases of {average_basket}; one more such purchase by one in ten "
    "of them ({one_in_ten}) would bring {one_in_ten_buying}.",
    {"frequency": -1, "average_basket": -1},
    "Add to the regular mailing: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
    (_RARELY, _SMALL),
    little_effort=True,
)


HIGH_VALUE = Persona(
    "High-Value Customers",
    "Spend more, typically, than the customers of any other cluster.",
    "Keep them: {customers_share} of known customers bring {revenue_share} of the revenue of all known customers. The "
    "typical one made {frequency} purchases of {average_basket}. Reward loyalty with service and early access before "
    "discounts; losing a tenth of their revenue would cost {tenth_of_revenue}.",
    {"frequency": 1, "average_basket": 1, "monetary": 1.5, "recency": -0.5},
    "Thank them in person: {money_spent} in {purchases}, last seen on {last_seen}.",
    (Comparison("monetary", "highest"),),
    stand_in=LARGE_BASKETS,
)
BUDGET = Persona(
    "Budget Shoppers",
    "Buy in smaller baskets than the typical customer of the other clusters, and spend no more in total.",
    "Make each visit larger: the typical customer made {frequency} purchases of only {average_basket}. Offer bundles "
    "and add-ons priced below that. If every basket were a tenth larger, with as many visits, that would bring "
    "{tenth_of_revenue}.",
    {"frequency": 1, "average_basket": -1, "monetary": -0.25, "recency": -0.5},
    "Suggest an add-on at the next visit: {purchases}, {average_basket} each on average.",
    (_SMALL, Comparison("monetary", "below")),
    stand_in=SMALL_BASKETS,
)
SEASONAL = Persona(
    "Seasonal Shoppers",
    "Buy less often than the average customer of the other clusters, in larger baskets than the typical one, and spend "
    "more of their money in their best month than the customers of any other cluster, typically.",
    "Win one more visit: the typical customer made {frequency} purchases of {average_basket} and spent "
    "{top_month_share} of the money in the best month. Write to them before their season; one more such purchase by "
    "one in ten of them ({one_in_ten}) would bring {one_in_ten_buying}.",
    {"frequency": -1, "average_basket": 1, "monetary": 0, "recency": 0.25, "top_month_share": 0.5},
    "Invite to one more visit: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
    (
        _RARELY,
        _LARGE,
        Comparison("top_month_share", "highest", 1.2),
        Comparison("season_index", "above", 1.2),
    ),
    SEASON_DAYS,
    OCCASIONAL,
)
LOW_ENGAGEMENT = Persona(
    "Low-Engagement",
    "Spend less, typically, than the customers of any other cluster. They buy less often than the average customer of "
    "the other clusters, in smaller baskets than the typical one, and were last seen longer ago.",
    "Spend little on them: {customers_share} of known customers bring {revenue_share} of the revenue of all known "
    "customers, and half of them were last seen at least {recency} days before the last day of sales. Use automated "
    "reminders, with a voucher that costs less than the margin on a basket of {average_basket}.",
    {"frequency": -1, "average_basket": -1, "monetary": -1.5, "recency": 0.75},
    "Send the automated reminder only: {purchases}, {average_basket} each on average, last seen on {last_seen}.",
    (_RARELY, Comparison("monetary", "lowest"), Comparison("average_basket", "below"), Comparison("recency", "above")),
    stand_in=LIGHT,
    little_effort=True,
)

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
    "({one_in_ten}) came back and spent {average_basket} each, that would bring {one_in_ten_buying}.",
    next_step="Ask for a second purchase: one in the window, for {money_spent}; last seen on {last_seen}.",
)
DORMANT = Persona(
    "Dormant",
    "Had sales before the window, and bought nothing in it. Assigned by a rule, not by clustering.",
    "Write once, then leave them out of paid campaigns: {customers} without a purchase in the last 365 days, "
    "typically last seen {recency} days before the last day of sales.",
    next_step="Write once: last seen on {last_seen}, nothing bought in the window.",
    little_effort=True,
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
    def stand_ins(self) -> tuple[Persona, ...]:
        """Personas that stand in for those of the clusters, except where a shop uses the name itself."""
        own = {persona.name.casefold() for persona in (*self.clusters, *self.groups.values())}
        every = (persona.stand_in for persona in self.clusters)
        return tuple(persona for persona in every if persona and persona.name.casefold() not in own)

    @property
    def display_order(self) -> tuple[Persona, ...]:
        """The personas of the clusters, each followed by the one that stands in for it, then the groups."""
        usable = self.stand_ins
        pairs = ((p, p.stand_in) if p.stand_in in usable else (p,) for p in self.clusters)
        named = tuple(persona for pair in pairs for persona in pair if persona)
        return (*named, *(self.groups[key] for key in GROUPS))

    def of_clusters(self, name: str) -> Persona | None:
        """Return the persona of a cluster by its name; None for groups and for names that the catalog does not have."""
        return next((p for p in (*self.clusters, *self.stand_ins) if p.name == name), None)

    def stands_in_for(self, persona: Persona) -> Persona | None:
        """Return the persona that another one stands in for; None if it stands in for nobody."""
        return next((p for p in self.clusters if p.stand_in == persona), None) if persona in self.stand_ins else None

    def same_persona(self, before: str, now: str) -> bool:
        """Say whether a change of names is none: the same name, or the one that takes a year to know, after its year.

        >>> DEFAULT.same_persona("Occasional Shoppers", "Seasonal Shoppers")
        True
        >>> DEFAULT.same_persona("Seasonal Shoppers", "Occasional Shoppers")
        False
        """
        persona = self.of_clusters(before)
        full = self.stands_in_for(persona) if persona else None
        return before == now or (full is not None and full.least_days > 0 and full.name == now)

    @property
    def digest(self) -> str:
        """A digest of the names, prototypes and comparisons, which make a model; texts do not change it."""
        rules = [
            [[c.feature, c.relation, c.by] for c in p.defining] + [p.least_days, p.stand_in.name if p.stand_in else ""]
            for p in self.clusters
            if p.defining
        ]
        return self._digest(rules)

    @property
    def digest_before_comparisons(self) -> str:
        """The digest that versions without comparisons gave these names and prototypes."""
        return self._digest([])

    def _digest(self, rules: list[list[object]]) -> str:
        content: list[object] = [[[p.name, sorted(p.prototype.items())] for p in self.clusters]]
        content.append(self.groups["other"].name)
        return hashlib.sha256(json.dumps([*content, *([rules] if rules else [])]).encode()).hexdigest()[:12]

    def named(self, name: str) -> Persona | None:
        """Return the persona of a name; None if the catalog no longer has it."""
        return next((p for p in self.display_order if p.name == name), None)

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Sort names for display; those that the catalog no longer has come last, by name.

        >>> DEFAULT.in_order(["Renamed", "One Purchase", "Budget Shoppers"])
        ['Budget Shoppers', 'One Purchase', 'Renamed']
        """
        places = {persona.name: place for place, persona in enumerate(self.display_order)}
        return sorted(set(names), key=lambda name: (places.get(name, len(places)), name))


DEFAULT = Catalog()
DISPLAY_ORDER: tuple[Persona, ...] = DEFAULT.display_order

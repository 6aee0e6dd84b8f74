"""Who buys: gender, age, and how revenue concentrates on few customers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import customers
from retail_assets.eda.findings.customers import FEWEST_BUYERS, FEWEST_CUSTOMERS, Contrast, Groups, Trait
from retail_assets.wording import sales_customers as words
from retail_assets.wording.formats import age_order
from retail_assets.wording.sales_customers import Group
from retail_assets.wording.statement import Statement
from retail_assets.wording.thresholds import NOISE

_NAMES: dict[Trait, str] = {"gender": "gender", "age_group": "age"}
_SENTENCES_PER_TEST = 5


def sentences(data: EdaData, currency: str) -> list[Statement | str]:
    """Write the section."""
    return [
        *_trait(data, currency, "gender", data.overview.gender_lines),
        *_trait(data, currency, "age_group", data.overview.age_lines),
        *_concentration(data),
    ]


def _trait(data: EdaData, currency: str, trait: Trait, known_lines: int) -> Iterable[Statement | str]:
    name = _NAMES[trait]
    if known_lines == 0:
        yield f"**{name.capitalize()}: not known.** No order line has it, so purchases cannot be compared by {name}."
        return
    yield from _known(data, trait, currency)
    groups = customers.groups(data, trait)
    if groups is None:
        yield words.groups_too_small(trait=name, fewest=FEWEST_BUYERS)
        return
    members = sorted(groups.members, key=age_order) if trait == "age_group" else list(groups.members)
    p = groups.total.p_spend
    yield words.spending(
        trait=name,
        spend=tuple((_group(groups, m), groups.total.spend[m]) for m in members),
        p=p,
        clear=p is not None and p < NOISE,
        orders=groups.orders,
        currency=currency,
    )
    yield from _preferences(groups, name)
    if trait == "gender" and len(groups.contrasts) > 1:
        yield from _spending_by_category(groups, members, currency)
    if groups.small:
        yield words.groups_left_out(names=groups.small, fewest=FEWEST_BUYERS)


def _known(data: EdaData, trait: Trait, currency: str) -> Iterable[Statement]:
    found = customers.coverage(data, trait)
    if found is None:
        return
    yield words.trait_known(
        trait=_NAMES[trait],
        known=found.known,
        customers=found.customers,
        share=found.known / found.customers if found.customers else 0.0,
        lines=found.lines,
        revenue=found.revenue,
        spend=found.spend,
        spend_others=found.spend_others,
        p=found.p,
        clear=found.p is not None and found.p < NOISE,
        currency=currency,
    )


def _group(groups: Groups, member: str) -> Group:
    return Group(member, groups.buyers[member])


def _preferences(groups: Groups, name: str) -> Iterable[Statement | str]:
    """What the groups spend different shares of their money on."""
    if len(groups.contrasts) == 1:
        yield f"With one category, what is bought cannot depend on {name}."
        return
    defined = [c for c in groups.contrasts if math.isfinite(c.gap)]
    clear = sorted((c for c in defined if c.worth_acting_on), key=lambda c: -c.gap)
    for contrast in clear[:_SENTENCES_PER_TEST]:
        yield _preference(groups, contrast, name)
    if not clear and defined:
        yield _preference(groups, max(defined, key=lambda c: c.gap), name)


def _preference(groups: Groups, contrast: Contrast, name: str) -> Statement:
    high, low = contrast.highest, contrast.lowest
    return words.preference(
        trait=name,
        category=contrast.category,
        high=_group(groups, high),
        high_part=contrast.part[high],
        high_mean=contrast.share[high],
        low=_group(groups, low),
        low_part=contrast.part[low],
        low_mean=contrast.share[low],
        p=contrast.p_share,
        clear=contrast.p_share is not None and contrast.p_share < NOISE,
        worth_acting_on=contrast.worth_acting_on,
        groups=len(groups.members),
    )


def _spending_by_category(groups: Groups, members: list[str], currency: str) -> Iterable[Statement | str]:
    """What each group spends on each category, as parts of all it spends and in money."""
    if all(math.isfinite(c.gap) for c in groups.contrasts):
        of_group = {m: tuple((c.category, c.part[m]) for c in groups.contrasts[:5]) for m in members}
        yield words.parts(groups=tuple(of_group.items()))
    clear = [c for c in groups.contrasts if c.p_spend is not None and c.p_spend < NOISE]
    for c in clear[:_SENTENCES_PER_TEST]:
        high, low = max(members, key=c.spend.__getitem__), min(members, key=c.spend.__getitem__)
        yield words.spends_more(
            category=c.category,
            high=_group(groups, high),
            high_spend=c.spend[high],
            low=_group(groups, low),
            low_spend=c.spend[low],
            p=c.p_spend,
            currency=currency,
        )
    if not clear:
        yield "In no category does spending per customer clearly differ between genders."


def _concentration(data: EdaData) -> Iterable[Statement | str]:
    curve = customers.concentration(data)
    known = data.overview.customers
    if curve is None and known == 0:
        yield "**Customers: not known.** No order line has one, so neither loyalty nor concentration can be measured."
        return
    if curve is None:
        yield words.concentration_not_known(customers=known, fewest=FEWEST_CUSTOMERS)
        return
    yield words.concentration(
        customers=curve.known, best_20=curve.of_best(0.2), best_10=curve.of_best(0.1), half=curve.half()
    )
    if curve.once == curve.known:
        yield "Every known customer ordered exactly once: how often customers come back is not known."
        return
    yield words.orders_per_customer(
        customers=curve.known,
        orders=float(data.customer_tiles["orders"].sum()) / curve.known,
        once=curve.once / curve.known,
    )

"""Who buys: gender, age, and how revenue concentrates on few customers."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import customers
from retail_assets.eda.findings.customers import FEWEST_BUYERS, FEWEST_CUSTOMERS, Contrast, Groups, Trait
from retail_assets.eda.findings.significance import NOISE
from retail_assets.wording.chance import beyond_chance
from retail_assets.wording.formats import age_order, listed, markdown, money, p_value, percent

_NAMES: dict[Trait, str] = {"gender": "gender", "age_group": "age"}
_SENTENCES_PER_TEST = 5
_CORRECTED = "after Holm's correction"


def sentences(data: EdaData, currency: str) -> list[str]:
    """Write the section."""
    return [
        *_trait(data, currency, "gender", data.overview.gender_lines),
        *_trait(data, currency, "age_group", data.overview.age_lines),
        *_concentration(data),
    ]


def _trait(data: EdaData, currency: str, trait: Trait, known_lines: int) -> Iterable[str]:
    name = _NAMES[trait]
    if known_lines == 0:
        yield f"**{name.capitalize()}: not known.** No order line has it, so purchases cannot be compared by {name}."
        return
    groups = customers.groups(data, trait)
    if groups is None:
        yield f"**{name.capitalize()}: not known.** Fewer than two groups have {FEWEST_BUYERS} customers to compare."
        return
    members = sorted(groups.members, key=age_order) if trait == "age_group" else list(groups.members)
    yield _total_spending(groups, members, name, currency)
    yield from _preferences(groups, members, trait)
    if trait == "gender" and len(groups.contrasts) > 1:
        yield from _spending_by_category(groups, members, currency)
    if groups.small:
        yield f"Left out for fewer than {FEWEST_BUYERS} customers: {listed(markdown(m) for m in groups.small)}."


def _total_spending(groups: Groups, members: list[str], name: str, currency: str) -> str:
    spend = listed(f"{markdown(m)} {money(groups.total.spend[m], currency)} ({groups.buyers[m]:,})" for m in members)
    p = groups.total.p_spend
    if p is None:
        verdict = "a difference cannot be tested, because all customers of one group spend the same"
    elif p < NOISE:
        verdict = f"the groups {beyond_chance(p, 'Welch test')}"
    else:
        verdict = f"there is no clear difference ({p_value(p)})"
    return f"**Spending per customer by {name}** (number of customers): {spend}; {verdict}."


def _preferences(groups: Groups, members: list[str], trait: Trait) -> Iterable[str]:
    """What the groups spend different shares of their money on."""
    name = _NAMES[trait]
    if len(groups.contrasts) == 1:
        yield f"With one category, what is bought cannot depend on {name}."
        return
    clear = sorted((c for c in groups.contrasts if c.worth_acting_on), key=lambda c: -c.gap)
    for contrast in clear[:_SENTENCES_PER_TEST]:
        yield f"The mean share of **{markdown(contrast.category)}** in a customer's spending is " + _shares(
            contrast, members, trait
        )
    if not clear:
        widest = max(groups.contrasts, key=lambda c: c.gap)
        yield (
            f"**No difference by {name} in what is bought is worth acting on**: the widest is the mean share of "
            f"{markdown(widest.category)} in a customer's spending, " + _shares(widest, members, trait)
        )


def _shares(contrast: Contrast, members: list[str], trait: Trait) -> str:
    """The highest and the lowest mean share, with the test."""
    high, low = max(members, key=contrast.share.__getitem__), min(members, key=contrast.share.__getitem__)
    test = "" if contrast.p_share is None else f" ({p_value(contrast.p_share)} {_CORRECTED})"
    return (
        f"{percent(contrast.share[high])} for {_customers(trait, high)} and {percent(contrast.share[low])} for "
        f"{_customers(trait, low)}{test}."
    )


def _spending_by_category(groups: Groups, members: list[str], currency: str) -> Iterable[str]:
    """What each group spends on each category, as shares and in money."""
    top = [
        f"{markdown(m)}: {listed(f'{markdown(c.category)} {percent(c.share[m])}' for c in groups.contrasts[:5])}"
        for m in members
    ]
    yield f"Mean share of a customer's spending by category: {'; '.join(top)}."
    clear = [c for c in groups.contrasts if c.p_spend is not None and c.p_spend < NOISE]
    for c in clear[:_SENTENCES_PER_TEST]:
        high, low = max(members, key=c.spend.__getitem__), min(members, key=c.spend.__getitem__)
        yield (
            f"{markdown(high)} customers spend more on **{markdown(c.category)}**: {money(c.spend[high], currency)} "
            f"each, {markdown(low)} customers {money(c.spend[low], currency)} "
            f"({p_value(c.p_spend or 0.0)} {_CORRECTED})."
        )
    if not clear:
        yield "In no category does spending per customer clearly differ between genders."


def _customers(trait: Trait, member: str) -> str:
    return f"{markdown(member)} customers" if trait == "gender" else f"customers aged {markdown(member)}"


def _concentration(data: EdaData) -> Iterable[str]:
    curve = customers.concentration(data)
    known = data.overview.customers
    if curve is None and known == 0:
        yield ("**Customers: not known.** No order line has one, so neither loyalty nor concentration can be measured.")
        return
    if curve is None:
        yield (
            f"**Concentration: not known.** It needs at least {FEWEST_CUSTOMERS} known customers with revenue above "
            f"zero; known customers: {known:,}."
        )
        return
    yield (
        f"**The best 20 % of customers bring {percent(curve.of_best(0.2))}** of the revenue of known customers, the "
        f"best 10 % {percent(curve.of_best(0.1))}; {percent(curve.half())} bring half of it."
    )
    if curve.once == curve.known:
        yield "Every known customer ordered exactly once: how often customers come back is not known."
        return
    orders = float(data.customer_tiles["orders"].sum()) / curve.known
    once = percent(curve.once / curve.known)
    yield f"Known customers ordered {orders:.1f} times on average; {once} of them ordered only once."

"""Sentences about who buys: gender, age, and how revenue concentrates on few customers."""

from __future__ import annotations

from dataclasses import dataclass

from retail_assets.wording.chance import beyond_chance
from retail_assets.wording.formats import listed, markdown, money, p_value, percent, plural, rough_percent
from retail_assets.wording.statement import phrase

_WELCH = "Welch's analysis of variance"


@dataclass(frozen=True)
class Group:
    """A group of customers: a gender or an age band, and how many they are."""

    name: str
    customers: int


@phrase("sales.trait_known")
def trait_known(
    *,
    trait: str,
    known: int,
    customers: int,
    share: float,
    lines: float,
    revenue: float | None,
    spend: float | None,
    spend_others: float | None,
    p: float | None,
    clear: bool,
    currency: str,
) -> str:
    """Say of how many customers a trait is known, and how they differ from the others.

    `share` is that of the customers; `lines` and `revenue` are those of the order lines that have the trait.
    """
    brings = "" if revenue is None else f" with {percent(revenue)} of revenue"
    if not customers:
        return (
            f"**The {trait} is known for {percent(lines)} of the order lines**{brings}; what is said of it holds for "
            "them, and the others may differ."
        )
    text = (
        f"**The {trait} is known of {known:,} of {plural(customers, 'known customer')}** ({percent(share)}) and for "
        f"{percent(lines)} of the order lines{brings}"
    )
    if spend is None or spend_others is None:
        return f"{text}; what is said of it holds for them, and the others may differ."
    means = f"{money(spend, currency)} each over the whole period, the others {money(spend_others, currency)}"
    if p is None:
        return f"{text}. They spend {means}; what is said of it holds for them."
    if clear:
        return f"{text}. They are not like the others: they spend {means} ({p_value(p)}, Welch's test)."
    return f"{text}. They spend {means}, a difference that may be chance ({p_value(p)}, Welch's test)."


@phrase("sales.spending")
def spending(
    *,
    trait: str,
    spend: tuple[tuple[Group, float], ...],
    p: float | None,
    clear: bool,
    orders: int,
    currency: str,
) -> str:
    """State mean spending per customer by group; `orders` without a customer are among them, each as one."""
    each = listed(f"{markdown(g.name)} {money(mean, currency)} ({g.customers:,})" for g, mean in spend)
    if p is None:
        verdict = "a difference cannot be tested, because all customers of one group spend the same"
    elif clear:
        verdict = f"the groups {beyond_chance(p, _WELCH)}"
    else:
        verdict = f"there is no clear difference ({p_value(p)}, {_WELCH})"
    counted = f"; {plural(orders, 'order')} without a customer count as one each" if orders else ""
    return f"**Spending per customer by {trait}** (number of customers{counted}): {each}; {verdict}."


@phrase("sales.preference")
def preference(
    *,
    trait: str,
    category: str,
    high: Group,
    high_part: float,
    high_mean: float,
    low: Group,
    low_part: float,
    low_mean: float,
    p: float | None,
    clear: bool,
    worth_acting_on: bool,
    groups: int,
) -> str:
    """Compare a category's part of all that a group spent, highest and lowest; `_mean` are means of customers' shares.

    `p` tests customers' own shares between all `groups`. Without `worth_acting_on` the category is the widest apart.
    """
    name = markdown(category)
    parts = (
        f"{percent(high_part)} of the spending of the {_customers(trait, high)} and {percent(low_part)} of that of the "
        f"{_customers(trait, low)}"
    )
    if p is None:
        test = "cannot be tested"
    elif clear:
        test = f"differ by more than chance between the {groups} groups ({p_value(p)} after Holm's correction)"
    else:
        test = f"may differ by chance ({p_value(p)} after Holm's correction)"
    means = f"the customers' own shares, on average {percent(high_mean)} and {percent(low_mean)}, {test}"
    if worth_acting_on:
        return f"**{name}** takes {parts}; {means}."
    if percent(high_part) == percent(low_part):
        return (
            f"**No difference by {trait} in what is bought is worth acting on**: no category's part differs by 0.1 "
            "percentage points or more."
        )
    return (
        f"**No difference by {trait} in what is bought is worth acting on**: the widest is that of {name}, which takes "
        f"{parts}; {means}."
    )


def _customers(trait: str, group: Group) -> str:
    name = markdown(group.name)
    return (
        f"{group.customers:,} {name} customers" if trait == "gender" else f"{group.customers:,} customers aged {name}"
    )


@phrase("sales.parts")
def parts(*, groups: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> str:
    """List categories' parts of all that each group spent."""
    each = [f"{markdown(g)}: {listed(f'{markdown(c)} {percent(part)}' for c, part in of_g)}" for g, of_g in groups]
    return f"Parts of all that each group spent, by category: {'; '.join(each)}."


@phrase("sales.spends_more")
def spends_more(
    *, category: str, high: Group, high_spend: float, low: Group, low_spend: float, p: float, currency: str
) -> str:
    """Compare mean spending per customer on a category between genders."""
    return (
        f"{markdown(high.name)} customers spend more on **{markdown(category)}**: the {high.customers:,} on average "
        f"{money(high_spend, currency)} each, the {low.customers:,} {markdown(low.name)} customers "
        f"{money(low_spend, currency)} ({p_value(p)} after Holm's correction)."
    )


@phrase("sales.groups_too_small")
def groups_too_small(*, trait: str, fewest: int) -> str:
    """Say why groups are not compared."""
    return f"**{trait.capitalize()}: cannot be compared.** Fewer than two groups have {fewest} customers."


@phrase("sales.groups_left_out")
def groups_left_out(*, names: tuple[str, ...], fewest: int) -> str:
    """Name the groups that are too small."""
    return f"Left out for fewer than {fewest} customers: {listed(markdown(name) for name in names)}."


@phrase("sales.concentration")
def concentration(*, customers: int, best_20: float, best_10: float, half: float) -> str:
    """State what shares of revenue the best customers bring, and what share of them brings half of it."""
    return (
        f"**The best 20 % of customers bring {percent(best_20)}** of the revenue of the "
        f"{plural(customers, 'known customer')}, the best 10 % {percent(best_10)}; {percent(half)} bring half of it."
    )


@phrase("sales.concentration_not_known")
def concentration_not_known(*, customers: int, fewest: int) -> str:
    """Say why concentration is not measured."""
    return (
        f"**Concentration: not known.** It needs at least {fewest} known customers with revenue above zero; known "
        f"customers: {customers:,}."
    )


@phrase("sales.orders_per_customer")
def orders_per_customer(*, customers: int, orders: float, once: float) -> str:
    """State how often known customers ordered, and the share `once` of them that did so once."""
    only = f"{rough_percent(once)} of them" if once else "none"
    return (
        f"The {plural(customers, 'known customer')} ordered {orders:.1f} times on average in these days; "
        f"{only} ordered only once."
    )

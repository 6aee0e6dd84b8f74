"""Who buys what: how groups of customers differ, and how revenue concentrates on few of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.significance import holm, welch_anova
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.wording.thresholds import NOISE, WORTH_ACTING_ON

FEWEST_BUYERS = 20
"""Customers below which a group takes no part in a test."""
FEWEST_CUSTOMERS = 10
"""Known customers below which concentration is not reported."""

Trait = Literal["gender", "age_group"]


@dataclass(frozen=True)
class Contrast:
    """One category between the groups of a trait.

    `part`, `share`, `spend` and their margins (half of a 95 % interval) are by group: the category's part of all that
    the group spent, the mean of each customer's own share, and the mean spending per customer, including customers who
    bought none. `part` and `share` differ, because large customers count for more in the first; `part` is NaN where a
    group spent nothing. `p_share` and `p_spend` are those of Welch's analysis of variance (Welch 1951) over customers,
    after Holm's correction over the categories.
    """

    category: str
    part: dict[str, float]
    share: dict[str, float]
    share_margin: dict[str, float]
    spend: dict[str, float]
    spend_margin: dict[str, float]
    p_share: float | None
    p_spend: float | None

    @property
    def highest(self) -> str:
        """The group of the highest `part`."""
        return max(self.part, key=self.part.__getitem__)

    @property
    def lowest(self) -> str:
        """The group of the lowest `part`."""
        return min(self.part, key=self.part.__getitem__)

    @property
    def gap(self) -> float:
        """Difference between the largest and the smallest `part`; NaN where one is not defined."""
        return float(np.ptp(list(self.part.values())))

    @property
    def worth_acting_on(self) -> bool:
        """The groups differ by more than chance, and by enough to matter whether money or customers are counted."""
        if self.p_share is None or self.p_share >= NOISE:
            return False
        between_customers = self.share[self.highest] - self.share[self.lowest]
        return self.gap >= WORTH_ACTING_ON and between_customers >= WORTH_ACTING_ON


@dataclass(frozen=True)
class Groups:
    """The groups of a trait with at least `FEWEST_BUYERS` customers, and how they differ by category, largest first.

    `total` compares all their spending (`part` and `share` are then 1). `small` are the groups left out; `orders`
    counts the orders without a customer that are among the buyers, each as one.
    """

    members: tuple[str, ...]
    buyers: dict[str, int]
    contrasts: tuple[Contrast, ...]
    total: Contrast
    small: tuple[str, ...]
    orders: int


@dataclass(frozen=True)
class Coverage:
    """How many of the known `customers` have a trait, what lines that have it bring, and how these customers differ.

    `lines` and `revenue` are shares of all, `revenue` None where there is none. `spend` is the mean of customers who
    have the trait, `spend_others` that of the others; `p` is that of Welch's test (Welch 1951). They are None without
    two customers on either side.
    """

    known: int
    customers: int
    lines: float
    revenue: float | None
    spend: float | None
    spend_others: float | None
    p: float | None


@dataclass(frozen=True)
class Concentration:
    """Cumulative share of known customers (best first) and of their revenue, from (0, 0) to (1, 1).

    `once` of the `known` customers have one order.
    """

    customers: np.ndarray
    revenue: np.ndarray
    once: int
    known: int

    def of_best(self, share: float) -> float:
        """Return the share of revenue that the best `share` of customers brings."""
        return float(np.interp(share, self.customers, self.revenue))

    def half(self) -> float:
        """Return the smallest share of customers that brings half of the revenue."""
        return float(np.interp(0.5, self.revenue, self.customers))


def groups(data: EdaData, trait: Trait) -> Groups | None:
    """Compare the groups of a trait; None when fewer than two have `FEWEST_BUYERS` customers."""
    frame = data.customer_groups[data.customer_groups["trait"] == trait]
    totals = frame[frame["product_category"].isna()].set_index("member")
    size = {str(m): int(n) for m, n in totals["buyers"].items()}
    buyers = {m: n for m, n in size.items() if n >= FEWEST_BUYERS}
    if len(buyers) < 2:
        return None
    contrasts = []
    for category in data.categories[:TOP_CATEGORIES]:
        rows = frame[frame["product_category"] == category.name].set_index("member")
        contrasts.append(_contrast(category.name, rows, buyers, totals))
    p_share = holm([c.p_share for c in contrasts])
    p_spend = holm([c.p_spend for c in contrasts])
    return Groups(
        members=tuple(buyers),
        buyers=buyers,
        contrasts=tuple(
            replace(c, p_share=share, p_spend=spend)
            for c, share, spend in zip(contrasts, p_share, p_spend, strict=True)
        ),
        total=_contrast("", totals, buyers, totals),
        small=tuple(m for m in size if m not in buyers),
        orders=int(_known(data, trait, 1, 1)[0]),
    )


def _contrast(category: str, rows: pd.DataFrame, buyers: dict[str, int], totals: pd.DataFrame) -> Contrast:
    """The contrast before correction; `rows` are those of the category in `customer_groups`, `totals` of all."""
    means: dict[str, dict[str, float]] = {"share": {}, "amount": {}}
    margins: dict[str, dict[str, float]] = {"share": {}, "amount": {}}
    p: dict[str, float | None] = {}
    n = np.array(list(buyers.values()), dtype=float)
    for value in ("share", "amount"):
        total = np.array([rows.at[m, value] if m in rows.index else 0.0 for m in buyers])
        squared = np.array([rows.at[m, f"{value}_squared"] if m in rows.index else 0.0 for m in buyers])
        mean = total / n
        variance = np.maximum(squared - n * mean**2, 0.0) / (n - 1)
        variance[variance <= 1e-12 * np.maximum(mean**2, 1e-12)] = 0.0  # what cancellation leaves of equal values
        margin = stats.t.ppf(0.975, n - 1) * np.sqrt(variance / n)
        means[value] = dict(zip(buyers, mean.tolist(), strict=True))
        margins[value] = dict(zip(buyers, margin.tolist(), strict=True))
        p[value] = welch_anova(mean, variance, n)
    spent = totals["amount"].astype(float).to_dict()
    part = {m: means["amount"][m] * buyers[m] / spent[m] if spent[m] > 0 else float("nan") for m in buyers}
    return Contrast(
        category, part, means["share"], margins["share"], means["amount"], margins["amount"], p["share"], p["amount"]
    )


def spending_p(groups: Groups, one: str, other: str) -> float | None:
    """Return the p-value of equal mean spending of two groups (Welch 1947), None where either does not vary."""
    n = np.array([groups.buyers[one], groups.buyers[other]], dtype=float)
    mean = np.array([groups.total.spend[one], groups.total.spend[other]])
    margin = np.array([groups.total.spend_margin[one], groups.total.spend_margin[other]])
    return welch_anova(mean, n * (margin / stats.t.ppf(0.975, n - 1)) ** 2, n)


def coverage(data: EdaData, trait: Trait) -> Coverage | None:
    """Compare the customers of a known gender or age with the others; None when all lines have it, or none has."""
    o = data.overview
    lines, revenue = (o.gender_lines, o.gender_revenue) if trait == "gender" else (o.age_lines, o.age_revenue)
    if lines in (0, o.lines):
        return None
    sides = [_known(data, trait, known, 0) for known in (1, 0)]
    n = np.array([buyers for buyers, _, _ in sides])
    spend, p = None, None
    if n.min() >= 2:
        spend = np.array([amount for _, amount, _ in sides]) / n
        squared = np.array([amount_squared for _, _, amount_squared in sides])
        p = welch_anova(spend, np.maximum(squared - n * spend**2, 0.0) / (n - 1), n)
    return Coverage(
        known=int(n[0]),
        customers=int(n.sum()),
        lines=lines / o.lines,
        revenue=float(revenue / o.revenue) if o.revenue > 0 else None,
        spend=None if spend is None else float(spend[0]),
        spend_others=None if spend is None else float(spend[1]),
        p=p,
    )


def _known(data: EdaData, trait: Trait, known: int, anonymous: int) -> tuple[float, float, float]:
    """Buyers, and the sum and the sum of squares of what they spent."""
    frame = data.traits_known
    row = frame[(frame["trait"] == trait) & (frame["known"] == known) & (frame["anonymous"] == anonymous)]
    if row.empty:
        return 0.0, 0.0, 0.0
    return float(row["buyers"].iloc[0]), float(row["amount"].iloc[0]), float(row["amount_squared"].iloc[0])


def concentration(data: EdaData) -> Concentration | None:
    """Measure how revenue concentrates; None below `FEWEST_CUSTOMERS` known customers, or when they brought nothing."""
    tiles = data.customer_tiles
    if tiles.empty or tiles["customers"].sum() < FEWEST_CUSTOMERS or tiles["revenue"].sum() <= 0:
        return None
    return Concentration(
        customers=np.concatenate([[0.0], tiles["customers"].cumsum() / tiles["customers"].sum()]),
        revenue=np.concatenate([[0.0], tiles["revenue"].cumsum() / tiles["revenue"].sum()]),
        once=int(tiles["customers_once"].sum()),
        known=int(tiles["customers"].sum()),
    )

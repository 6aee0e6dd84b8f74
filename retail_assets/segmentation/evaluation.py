"""What is known about a segmentation, in numbers and in a sentence: the content of `output/segments/evaluation.json`.

Exact money is a decimal string; medians and shares are numbers, rounded so that the same result has the same bytes.
What was not measured is null, and `notes` says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.segmentation.features import NAMING_FEATURES
from retail_assets.segmentation.model import SegmentModel, bootstrap_labels, mean_rand_index
from retail_assets.segmentation.personas import DISPLAY_ORDER, HIGH_VALUE, Match, name_clusters

STABLE = 0.8
"""Bootstrap ARI from which membership counts as stable (Steinley 2004: 0.8 and above is good recovery)."""
FEW_CUSTOMERS = 40
"""Below this many clustered customers, segments describe them and promise nothing about others."""
WELL_NAMED = 0.5

_NOT_MEASURED = (
    "name_agreement is null: there is no earlier model to agree with yet.",
    "kept_month_to_month is null: this evaluation sees one snapshot.",
    "high_value.next_revenue_share and ranking_next_revenue_share are null: nothing was held out after the snapshot.",
)


@dataclass(frozen=True)
class AnonymousSales:
    """Sales without a customer, which no segment can hold: from the row of `queries.SCOPE`."""

    lines: int
    orders: int
    revenue: Decimal


@dataclass(frozen=True)
class Stability:
    """Agreement of models trained on resamples with the model: of who is together (ARI), and of names (share)."""

    rand_index: float
    name_agreement: float


def bootstrap_stability(
    model: SegmentModel, matches: Sequence[Match], features: pd.DataFrame, *, seed: int = 0
) -> Stability:
    """Train again on resamples, name those clusters too, and compare both with `model` and its names `matches`."""
    judged, resampled = bootstrap_labels(model, features, seed=seed)
    labels = model.predict(judged)
    names = np.array([match.persona.name for match in matches])[labels]
    agreements = []
    for row in resampled:
        found = name_clusters(model.centroids(judged, row), NAMING_FEATURES)
        agreements.append(np.mean(np.array([match.persona.name for match in found])[row] == names))
    return Stability(mean_rand_index(labels, resampled), float(np.mean(agreements)))


def profile_segments(
    personas: np.ndarray,
    features: pd.DataFrame,
    monetary: Sequence[Decimal],
    matches: Sequence[Match],
    *,
    currency: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Profile of each persona that has customers, in display order.

    Args:
        personas: persona name of each customer.
        features: `NAMING_FEATURES` of the same customers in the same order.
        monetary: exact money of the same customers.
        matches: what each cluster was named, by cluster number.
        currency: code written after money in the action texts, if known.
    """
    total = sum(monetary, Decimal(0))
    profiles: dict[str, dict[str, Any]] = {}
    for persona in DISPLAY_ORDER:
        rows = np.flatnonzero(personas == persona.name).tolist()
        if not len(rows):
            continue
        members = features.iloc[rows]
        revenue = sum((monetary[row] for row in rows), Decimal(0))
        clusters = [number for number, match in enumerate(matches) if match.persona is persona]
        medians = members.median()
        profile: dict[str, Any] = {
            "decided_by": "cluster" if clusters else "rule",
            "clusters": clusters,
            "name_fit": _rounded(max(matches[number].fit for number in clusters)) if clusters else None,
            "customers": len(rows),
            "customers_share": _rounded(len(rows) / len(personas)),
            "revenue": str(revenue),
            "revenue_share": _rounded(float(revenue / total)) if total > 0 else None,
            "median_frequency": _rounded(medians["frequency"]),
            "median_monetary": _rounded(medians["monetary"], 2),
            "median_average_basket": _rounded(medians["average_basket"], 2),
            "median_recency_days": _rounded(medians["recency"]),
            "median_top_month_share": _rounded(medians["top_month_share"]),
            "one_more_purchase": _rounded(members["average_basket"].sum(), 2),
            "description": persona.description,
        }
        profile["action"] = persona.action.format(**action_numbers(profile, currency))
        profiles[persona.name] = profile
    return profiles


def action_numbers(profile: Mapping[str, Any], currency: str | None = None) -> dict[str, str]:
    """A profile's numbers as text, under the names that the action texts of personas may use."""

    def money(amount: float | Decimal) -> str:
        text = f"{amount:,.2f}" if -1000 < amount < 1000 else f"{amount:,.0f}"
        return f"{text} {currency}" if currency else text

    def share(value: float | None) -> str:
        return "an undefined share" if value is None else f"{value:.0%}"

    return {
        "customers": "1 customer" if profile["customers"] == 1 else f"{profile['customers']:,} customers",
        "customers_share": share(profile["customers_share"]),
        "revenue": money(Decimal(profile["revenue"])),
        "revenue_share": share(profile["revenue_share"]),
        "frequency": f"{profile['median_frequency']:,.0f}",
        "average_basket": money(profile["median_average_basket"]),
        "recency": f"{profile['median_recency_days']:,.0f}",
        "top_month_share": share(profile["median_top_month_share"]),
        "tenth_of_revenue": money(Decimal(profile["revenue"]) / 10),
        "one_more_purchase": money(profile["one_more_purchase"]),
    }


def evaluate(
    profiles: Mapping[str, Mapping[str, Any]],
    model: SegmentModel | None,
    stability: Stability | None,
    *,
    snapshot: str | None,
    why_no_clusters: str | None,
    anonymous: AnonymousSales | None,
) -> dict[str, Any]:
    """The JSON-able evaluation. `why_no_clusters` is a sentence, given exactly when `model` is None."""
    clustered = sum(p["customers"] for p in profiles.values() if p["decided_by"] == "cluster")
    high_value = profiles.get(HIGH_VALUE.name, {})
    return {
        "verdict": _verdict(profiles, model, stability, clustered) if model else why_no_clusters,
        "k": model.k if model else None,
        "silhouette": _rounded(model.silhouette) if model else None,
        "silhouette_by_k": {str(k): _rounded(s) for k, s in model.silhouette_by_k.items()} if model else {},
        "bootstrap_ari": _rounded(stability.rand_index) if stability else None,
        "bootstrap_name_agreement": _rounded(stability.name_agreement) if stability else None,
        "name_agreement": None,
        "kept_month_to_month": None,
        "high_value": {
            "customers_share": high_value.get("customers_share"),
            "revenue_share": high_value.get("revenue_share"),
            "next_revenue_share": None,
            "ranking_next_revenue_share": None,
        },
        "snapshot": snapshot,
        "customers": sum(p["customers"] for p in profiles.values()),
        "clustered_customers": clustered,
        "trained_on": model.trained_on if model else 0,
        "anonymous": _anonymous(anonymous),
        "segments": {name: dict(profile) for name, profile in profiles.items()},
        "notes": _notes(profiles, model, clustered, why_no_clusters, anonymous),
    }


def _verdict(
    profiles: Mapping[str, Mapping[str, Any]], model: SegmentModel, stability: Stability | None, clustered: int
) -> str:
    # The bands of Kaufman & Rousseeuw (1990, chapter 2): how much structure a silhouette speaks for.
    bands = ((0.7, "strongly"), (0.5, "reasonably"), (0.25, "weakly"))
    separated = next((word for least, word in bands if model.silhouette > least), "hardly")
    sentence = (
        f"{model.k} segments of {clustered:,} customers: {separated} separated (silhouette {model.silhouette:.2f})"
    )
    if stability:
        stable = stability.rand_index >= STABLE
        link = "and" if stable == (model.silhouette > bands[1][0]) else "but"
        word = "stable" if stable else "unstable"
        sentence += f" {link} {word} under resampling (bootstrap ARI {stability.rand_index:.2f})"
    best = profiles.get(HIGH_VALUE.name)
    if best and best["revenue_share"] is not None:
        sentence += (
            f"; {HIGH_VALUE.name} are {best['customers_share']:.0%} of customers and bring "
            f"{best['revenue_share']:.0%} of revenue"
        )
    return sentence + "."


def _notes(
    profiles: Mapping[str, Mapping[str, Any]],
    model: SegmentModel | None,
    clustered: int,
    why_no_clusters: str | None,
    anonymous: AnonymousSales | None,
) -> list[str]:
    notes = []
    if model is None:
        notes.append(f"k, silhouette and the bootstrap figures are null: {why_no_clusters}")
    elif clustered < FEW_CUSTOMERS:
        notes.append(f"Only {clustered} customers were clustered: the segments describe these customers and no others.")
    for name, profile in profiles.items():
        fit = profile["name_fit"]
        if fit is not None and fit < WELL_NAMED:
            notes.append(
                f"{name} resembles its persona only faintly (cosine {fit:.2f}): read its profile, not its name."
            )
    if anonymous is None:
        notes.append("anonymous is null: sales without a customer were not counted.")
    elif anonymous.lines:
        notes.append(
            f"{anonymous.lines:,} sales lines in {anonymous.orders:,} orders, {anonymous.revenue:,} of revenue, have "
            "no customer and are in no segment."
        )
    return [*notes, *_NOT_MEASURED]


def _anonymous(anonymous: AnonymousSales | None) -> dict[str, Any] | None:
    if anonymous is None:
        return None
    return {"lines": anonymous.lines, "orders": anonymous.orders, "revenue": str(anonymous.revenue)}


def _rounded(value: float, digits: int = 4) -> float:
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0

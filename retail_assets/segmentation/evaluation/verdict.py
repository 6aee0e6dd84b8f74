"""What an evaluation says in words: the verdict in a sentence or two, and notes on what is missing or needs care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_assets.segmentation.evaluation.action_text import money
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.model.cluster_count import FEW_CUSTOMERS
from retail_assets.segmentation.model.stability import FAIRLY_STABLE, stability_word
from retail_assets.segmentation.personas.catalog import Persona
from retail_assets.wording import formats

WELL_NAMED = 0.5
"""Cosine of a cluster to its prototype below which the profile says more than the name."""

#: How much structure a silhouette stands for (Kaufman and Rousseeuw 1990, chapter 2).
_BANDS = ((0.7, "strongly"), (0.5, "reasonably"), (0.25, "weakly"))


def verdict(evidence: Evidence, best: Persona) -> str:
    """Say how far the segments can be trusted, and what the best one was worth.

    Args:
        evidence: what was measured.
        best: the most valuable persona.
    """
    model, fit = evidence.model, evidence.fit
    if model is None or fit is None:
        return _without_model(evidence)
    apart = fit.silhouette if fit.silhouette is not None else 0.0
    separated = next((word for least, word in _BANDS if apart > least), "hardly")
    text = f"{model.k} segments of {fit.customers:,} customers: {separated} separated (silhouette {apart:.2f})"
    if fit.customers < FEW_CUSTOMERS:
        text += f"; with fewer than {FEW_CUSTOMERS} customers, they describe these customers and no others"
    elif fit.bootstrap_ari is not None:
        agree = (fit.bootstrap_ari >= FAIRLY_STABLE) == (apart > _BANDS[1][0])
        text += (
            f" {'and' if agree else 'but'} {stability_word(fit.bootstrap_ari)} when trained on resamples (bootstrap "
            f"ARI {fit.bootstrap_ari:.2f})"
        )
    return text + "." + _worth(evidence, best)


def notes(evidence: Evidence, segments: Mapping[str, Mapping[str, Any]], currency: str | None = None) -> list[str]:
    """Say what is null and why, and which figures need care.

    Args:
        evidence: what was measured.
        segments: profiles by persona, as in `evaluation.json`.
        currency: code written before money; None if it is unknown.
    """
    lines = [*_notes_on_model(evidence), *_notes_on_names(segments), _note_on_stability(evidence)]
    lines.append(_note_on_quarter(evidence))
    if evidence.agreement_with_previous is None:
        lines.append("name_agreement_with_previous is null: the store has no earlier model to compare with.")
    anonymous = int(evidence.scope["anonymous_lines"])
    if anonymous:
        orders = formats.plural(int(evidence.scope["anonymous_orders"]), "order")
        revenue = money(evidence.scope["anonymous_revenue"], currency)
        lines.append(
            f"Sales without a customer id are in no segment: {formats.plural(anonymous, 'row')} in {orders}, "
            f"revenue {revenue}."
        )
    return lines


def _worth(evidence: Evidence, best: Persona) -> str:
    """What the best segment of a quarter ago has brought since; empty if that is unknown."""
    quarter = evidence.quarter
    if quarter.revenue_share is None or quarter.customers_share is None or not quarter.cutoff or not quarter.until:
        return ""
    size = round(quarter.customers_share * quarter.customers)
    few = f" ({formats.plural(size, 'customer')} only)" if size < LEAST_CUSTOMERS else ""
    then, share = formats.percent(quarter.customers_share), formats.percent(quarter.revenue_share)
    return (
        f" Of the customers who had bought by {formats.day(quarter.cutoff)}, {then} were in {best.name}{few}; they "
        f"brought {share} of what all these customers spent after that, until {formats.day(quarter.until)}."
    )


def _without_model(evidence: Evidence) -> str:
    return evidence.why or "There is no model of the customers."


def _notes_on_model(evidence: Evidence) -> list[str]:
    fit = evidence.fit
    if evidence.model is None:
        return [f"k, silhouette, davies_bouldin and the bootstrap figures are null: {_without_model(evidence)}"]
    if fit and fit.customers < FEW_CUSTOMERS:
        customers = formats.plural(fit.customers, "customer")
        return [f"Only {customers} could be clustered: the segments describe these customers and no others."]
    return []


def _notes_on_names(segments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"{name} resembles its persona only slightly (cosine {profile['name_fit']:.2f}): go by its profile, not by its "
        "name."
        for name, profile in segments.items()
        if profile["name_fit"] is not None and profile["name_fit"] < WELL_NAMED
    ]


def _note_on_stability(evidence: Evidence) -> str:
    stability = evidence.stability
    if stability.why:
        return f"name_agreement, kept_month_to_month and months_kept are null: {stability.why}"
    return (
        f"name_agreement, kept_month_to_month and months_kept compare {len(stability.months)} month ends from "
        f"{formats.day(stability.months[0])} to {formats.day(stability.months[-1])}, each with a window of "
        f"{stability.window_days} days and a model retrained for that month. They count customers who are clustered in "
        "both months; months.kept_where_leaving_counts also counts those who left for a group defined by a rule."
    )


def _note_on_quarter(evidence: Evidence) -> str:
    quarter = evidence.quarter
    if quarter.revenue_share is None or not quarter.cutoff or not quarter.until:
        return f"The shares of high_value are null: {quarter.why}"
    return (
        f"high_value has shares of {formats.plural(quarter.customers, 'customer')} who had bought by "
        f"{formats.day(quarter.cutoff)} and of their revenue after it, until {formats.day(quarter.until)}, by a model "
        "that has seen no later sales. The spend ranking and the RFM list are as long as the segment."
    )

"""What an evaluation says in words: the verdict in a sentence or two, and notes on what is missing or needs care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.evaluation.next_quarter import NextQuarter
from retail_assets.segmentation.model.cluster_count import FEW_CUSTOMERS
from retail_assets.segmentation.model.stability import FAIRLY_STABLE, stability_word
from retail_assets.segmentation.personas.catalog import Persona
from retail_assets.wording import segments

WELL_NAMED = 0.5
"""Cosine of a cluster to its prototype below which the profile says more than the name."""

FORESIGHT = 1.2
"""Later revenue per customer, relative to all customers, below which a persona predicts nothing."""

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
    apart, ari = fit.silhouette if fit.silhouette is not None else 0.0, fit.bootstrap_ari
    sentence = segments.verdict(
        segments=model.k,
        customers=fit.customers,
        silhouette=apart,
        separated=next((word for least, word in _BANDS if apart > least), "hardly"),
        bootstrap_ari=ari,
        stable=None if ari is None else stability_word(ari),
        agree=ari is not None and (ari >= FAIRLY_STABLE) == (apart > _BANDS[1][0]),
        few=FEW_CUSTOMERS,
        many=LEAST_CUSTOMERS,
    )
    return " ".join(filter(None, (sentence.text, _worth(evidence, best), _foresight(evidence, best))))


def notes(evidence: Evidence, profiles: Mapping[str, Mapping[str, Any]], currency: str | None = None) -> list[str]:
    """Say what is null and why, and which figures need care.

    Args:
        evidence: what was measured.
        profiles: profiles by persona, as in `evaluation.json`.
        currency: code written before money; None if it is unknown.
    """
    lines = [*_notes_on_model(evidence), *_notes_on_names(profiles), _note_on_stability(evidence)]
    lines.append(_note_on_quarter(evidence))
    if evidence.agreement_with_previous is None:
        lines.append("name_agreement_with_previous is null: the store has no earlier model to compare with.")
    if evidence.scope["anonymous_lines"]:
        anonymous = segments.anonymous(
            lines=int(evidence.scope["anonymous_lines"]),
            orders=int(evidence.scope["anonymous_orders"]),
            revenue=evidence.scope["anonymous_revenue"],
            currency=currency,
        )
        lines.append(anonymous.text)
    return lines


def _worth(evidence: Evidence, best: Persona) -> str:
    """What the best segment of a quarter ago has brought since; empty if that is unknown."""
    quarter = evidence.quarter
    if quarter.revenue_share is None or quarter.customers_share is None or quarter.ranking_share is None:
        return ""
    if not quarter.cutoff or not quarter.until:
        return ""
    return segments.worth(
        persona=best.name,
        cutoff=quarter.cutoff,
        until=quarter.until,
        members=quarter.members,
        customers_share=quarter.customers_share,
        revenue_share=quarter.revenue_share,
        ranking_share=quarter.ranking_share,
        few=LEAST_CUSTOMERS,
    ).text


def predicts(quarter: NextQuarter) -> bool | None:
    """Say whether the best persona's customers went on to spend more than others; None if that is not known.

    With fewer than `LEAST_CUSTOMERS` of them it is not: one large order more or less would decide.
    """
    if quarter.lift is None or quarter.members < LEAST_CUSTOMERS:
        return None
    return quarter.lift >= FORESIGHT


def _foresight(evidence: Evidence, best: Persona) -> str:
    """That the best segment predicts nothing; empty if it does, or if that is not known."""
    if predicts(evidence.quarter) is not False:
        return ""
    ari = evidence.fit.bootstrap_ari if evidence.fit else None
    return segments.no_foresight(
        persona=best.name,
        lift=evidence.quarter.lift,
        least=FORESIGHT,
        stable=ari is not None and ari >= FAIRLY_STABLE,
    ).text


def _without_model(evidence: Evidence) -> str:
    return evidence.why or "There is no model of the customers."


def _notes_on_model(evidence: Evidence) -> list[str]:
    fit = evidence.fit
    if evidence.model is None:
        return [f"k, silhouette, davies_bouldin and the bootstrap figures are null: {_without_model(evidence)}"]
    if fit and fit.customers < FEW_CUSTOMERS:
        return [segments.few_clustered(customers=fit.customers).text]
    return []


def _notes_on_names(profiles: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        segments.loosely_named(persona=name, cosine=profile["name_fit"]).text
        for name, profile in profiles.items()
        if profile["name_fit"] is not None and profile["name_fit"] < WELL_NAMED
    ]


def _note_on_stability(evidence: Evidence) -> str:
    stability = evidence.stability
    if stability.why:
        return f"name_agreement, kept_month_to_month and months_kept are null: {stability.why}"
    return segments.names_compared(
        months=len(stability.months),
        first=stability.months[0],
        last=stability.months[-1],
        window_days=stability.window_days,
    ).text


def _note_on_quarter(evidence: Evidence) -> str:
    quarter = evidence.quarter
    if quarter.revenue_share is None or not quarter.cutoff or not quarter.until:
        return f"The shares of high_value are null: {quarter.why}"
    return segments.quarter_scope(customers=quarter.customers, cutoff=quarter.cutoff, until=quarter.until).text

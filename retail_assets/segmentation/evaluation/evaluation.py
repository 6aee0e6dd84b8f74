"""What is known about a segmentation, in numbers and in a sentence: the content of `output/segments/evaluation.json`.

Exact money is a decimal string; medians and shares are numbers, rounded so that the same result has the same bytes.
What was not measured is null, and `notes` says why.
"""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import davies_bouldin_score, silhouette_score

from retail_assets.segmentation.evaluation.history import NextQuarter, Renaming
from retail_assets.segmentation.model.clustering import FEW_CUSTOMERS, STABLE, SegmentModel, mean_rand_index, resampled
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalogue, Persona

JUDGED_CUSTOMERS = 5_000
"""The silhouette compares all pairs; of more customers it is taken on a seeded sample."""
WELL_NAMED = 0.5
"""Cosine of a cluster to its prototype below which the profile says more than the name."""

#: How much structure a silhouette speaks for (Kaufman & Rousseeuw 1990, chapter 2).
_BANDS = ((0.7, "strongly"), (0.5, "reasonably"), (0.25, "weakly"))


@dataclass(frozen=True)
class Fit:
    """How well a model suits customers; None where it has no meaning.

    Attributes:
        customers: who could be clustered, of those given.
        silhouette: mean silhouette (Rousseeuw 1987), on a sample: 1 apart, 0 one cloud.
        davies_bouldin: Davies & Bouldin 1979, on the same sample: the smaller, the further apart.
        bootstrap_ari: mean adjusted Rand index with models trained anew on resamples (Hubert & Arabie 1985).
        bootstrap_names: mean share of customers whom those models give the same name.
    """

    customers: int
    silhouette: float | None = None
    davies_bouldin: float | None = None
    bootstrap_ari: float | None = None
    bootstrap_names: float | None = None


def measure(model: SegmentModel, features: pd.DataFrame, *, catalogue: Catalogue = DEFAULT, seed: int = 0) -> Fit:
    """Judge a model on customers: separation in its own space, and what models of resamples make of them.

    Args:
        model: any model, of these customers or of earlier ones.
        features: a features frame; those who cannot be clustered are left out.
        catalogue: the personas that models of resamples are named by.
        seed: of samples and resamples.
    """
    allowed = features[eligible(features)]
    if len(allowed) < 2:
        return Fit(len(allowed))
    shown = allowed
    if len(allowed) > JUDGED_CUSTOMERS:
        picked = np.random.default_rng(seed).choice(len(allowed), JUDGED_CUSTOMERS, replace=False)
        shown = allowed.iloc[np.sort(picked)]
    points = model.standardise(shown)[:, : len(MODEL_FEATURES)]
    labels = model.predict(shown)
    silhouette = davies_bouldin = None
    if 1 < len(np.unique(labels)) < len(labels):
        silhouette = float(silhouette_score(points, labels))
        davies_bouldin = float(davies_bouldin_score(points, labels))
    judged, models = resampled(model, features, catalogue=catalogue, seed=seed)
    ours = model.predict(judged)
    names = np.array(model.names, dtype=object)[ours]
    return Fit(
        len(allowed),
        silhouette,
        davies_bouldin,
        mean_rand_index(ours, [other.predict(judged) for other in models]),
        float(np.mean([np.mean(other.names_of(judged) == names) for other in models])),
    )


@dataclass(frozen=True)
class Evidence:
    """All that an evaluation is made of.

    Attributes:
        model: None where the customers could not be clustered; `why` then says why, in a sentence.
        version: of the model in the store.
        fit: `measure` of the model on today's customers.
        renaming: names over the past months.
        quarter: money of the quarter after the segments.
        profiles: rows of `segment_profiles`, one a persona.
        scope: the row of `queries.SCOPE`.
        agreement_with_previous: share of today's clustered customers whom the model before names the same.
    """

    model: SegmentModel | None
    why: str | None
    version: str
    fit: Fit | None
    renaming: Renaming
    quarter: NextQuarter
    profiles: Sequence[Mapping[str, Any]]
    scope: Mapping[str, Any]
    agreement_with_previous: float | None = None


def evaluate(
    evidence: Evidence,
    *,
    catalogue: Catalogue = DEFAULT,
    currency: str | None = None,
    over_indexed: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    mix: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The evaluation as JSON has it, deterministic for the same evidence.

    Args:
        evidence: what was measured.
        catalogue: the personas, for texts and their order.
        currency: code written after money in the action texts, if known.
        over_indexed: categories that a persona buys more of than others, by persona.
        mix: rows of `queries.MIX`.
    """
    model, fit, quarter = evidence.model, evidence.fit, evidence.quarter
    best = catalogue.clusters[0]
    segments = profiles_by_persona(evidence, catalogue, currency, over_indexed or {}, mix)
    counted = segments.get(best.name)
    return {
        "verdict": _verdict(evidence, best),
        "k": model.k if model else None,
        "silhouette": _rounded(fit.silhouette if fit else None),
        "davies_bouldin": _rounded(fit.davies_bouldin if fit else None),
        "bootstrap_ari": _rounded(fit.bootstrap_ari if fit else None),
        "bootstrap_name_agreement": _rounded(fit.bootstrap_names if fit else None),
        "name_agreement": _rounded(evidence.renaming.name_agreement),
        "name_agreement_with_previous": _rounded(evidence.agreement_with_previous),
        "kept_month_to_month": _rounded(evidence.renaming.kept),
        "months_kept": _rounded(evidence.renaming.months_kept, 2),
        "high_value": {
            "persona": best.name,
            "customers_share": _rounded(quarter.customers_share),
            "next_revenue_share": _rounded(quarter.revenue_share),
            "ranking_next_revenue_share": _rounded(quarter.ranking_share),
            "rfm_next_revenue_share": _rounded(quarter.rfm_share),
            "lift": _rounded(_ratio(quarter.revenue_share, quarter.customers_share)),
            "of_ranking": _rounded(_ratio(quarter.revenue_share, quarter.ranking_share)),
            "today_customers_share": counted["customers_share"] if counted else None,
            "today_revenue_share": counted["revenue_share"] if counted else None,
        },
        "next_quarter": {
            "segments_as_of": _day(quarter.cutoff),
            "revenue_until": _day(quarter.until),
            "customers": quarter.customers,
            "segments": {
                name: {key: _rounded(value) for key, value in shares.items()}
                for name, shares in _in_order(quarter.by_persona, catalogue).items()
            },
        },
        "months": {
            "window_days": evidence.renaming.window_days,
            "from": _day(evidence.renaming.months[0] if evidence.renaming.months else None),
            "to": _day(evidence.renaming.months[-1] if evidence.renaming.months else None),
            "kept_by_frozen_model": _rounded(evidence.renaming.kept_frozen),
            "kept_where_leaving_counts": _rounded(evidence.renaming.kept_or_left),
            "by_month": [
                {key: value if isinstance(value, str) else _rounded(value) for key, value in step.items()}
                for step in evidence.renaming.by_month
            ],
        },
        "snapshot": _day(evidence.scope.get("snapshot_date")),
        "model_version": evidence.version,
        "customers": sum(int(profile["customers"]) for profile in evidence.profiles),
        "clustered_customers": sum(p["customers"] for p in segments.values() if p["decided_by"] == "cluster"),
        "trained_on": model.trained_on if model else 0,
        "anonymous": {
            "lines": int(evidence.scope["anonymous_lines"]),
            "orders": int(evidence.scope["anonymous_orders"]),
            "revenue": str(evidence.scope["anonymous_revenue"]),
        },
        "segments": segments,
        "notes": _notes(evidence, segments),
    }


def profiles_by_persona(
    evidence: Evidence,
    catalogue: Catalogue,
    currency: str | None,
    over_indexed: Mapping[str, Sequence[Mapping[str, Any]]],
    mix: Sequence[Mapping[str, Any]] = (),
) -> dict[str, dict[str, Any]]:
    """Profile of each persona that has customers, in display order, with texts and what it is made of."""
    model = evidence.model
    found = {}
    for profile in evidence.profiles:
        name = str(profile["persona"])
        persona = catalogue.named(name)
        clusters = [i for i, given in enumerate(model.names) if given == name] if model else []
        numbers = {key: _json(value) for key, value in profile.items() if key not in ("persona", "snapshot_date")}
        numbers.pop("model_version", None)
        found[name] = {
            **numbers,
            "clusters": clusters,
            "name_fit": _rounded(max(model.fits[i] for i in clusters)) if model and clusters else None,
            "over_indexed_categories": list(over_indexed.get(name, ())),
            "gender_mix": _parts(mix, name, "gender"),
            "age_mix": _parts(mix, name, "age_group"),
            "description": persona.description if persona else "",
            "action": action_text(persona, profile, currency) if persona else "",
        }
    return _in_order(found, catalogue)


def _parts(mix: Sequence[Mapping[str, Any]], persona: str, column: str) -> dict[str, float]:
    """Part of each gender or age band among the customers of a persona of whom it is known; empty where of nobody."""
    counts: dict[str, int] = {}
    for row in mix:
        if row["persona"] == persona and row[column] is not None:
            counts[str(row[column])] = counts.get(str(row[column]), 0) + int(row["customers"])
    known = sum(counts.values())
    return {name: round(counts[name] / known, 4) for name in sorted(counts)}


def action_text(persona: Persona, profile: Mapping[str, Any], currency: str | None = None) -> str:
    """What to do about a persona, with the numbers of its profile (a row of `segment_profiles`)."""
    return string.Formatter().vformat(persona.action, (), action_numbers(profile, currency))


def action_numbers(profile: Mapping[str, Any], currency: str | None = None) -> dict[str, str]:
    """A profile's numbers as text, by `personas.ACTION_NUMBERS`."""
    revenue = Decimal(profile["revenue"])
    customers = int(profile["customers"])
    return {
        "customers": "1 customer" if customers == 1 else f"{customers:,} customers",
        "customers_share": _share(profile["customers_share"]),
        "revenue": money(revenue, currency),
        "revenue_share": _share(profile["revenue_share"]),
        "frequency": f"{profile['median_frequency']:,.0f}",
        "average_basket": money(profile["median_average_basket"], currency),
        "recency": f"{profile['median_recency_days']:,.0f}",
        "top_month_share": _share(profile["median_top_month_share"]),
        "tenth_of_revenue": money(revenue / 10, currency),
        "one_more_purchase": money(profile["one_more_purchase"], currency),
    }


def money(amount: float | Decimal, currency: str | None = None) -> str:
    """Money for a sentence: cents below a thousand, whole units above."""
    text = f"{amount:,.2f}" if -1000 < amount < 1000 else f"{amount:,.0f}"
    return f"{text} {currency}" if currency else text


def _verdict(evidence: Evidence, best: Persona) -> str:
    model, fit, quarter = evidence.model, evidence.fit, evidence.quarter
    if model is None or fit is None:
        return _verdict_without(evidence)
    apart = fit.silhouette if fit.silhouette is not None else 0.0
    separated = next((word for least, word in _BANDS if apart > least), "hardly")
    text = f"{model.k} segments of {fit.customers:,} customers: {separated} separated (silhouette {apart:.2f})"
    if fit.customers < FEW_CUSTOMERS:
        text += f"; fewer than {FEW_CUSTOMERS} customers, so nothing is said about others"
    elif fit.bootstrap_ari is not None:
        stable = fit.bootstrap_ari >= STABLE
        link = "and" if stable == (apart > _BANDS[1][0]) else "but"
        text += f" {link} {'stable' if stable else 'unstable'} under resampling (bootstrap ARI {fit.bootstrap_ari:.2f})"
    if quarter.revenue_share is not None and quarter.customers_share is not None:
        text += (
            f"; {best.name}, {quarter.customers_share:.0%} of customers on {quarter.cutoff}, brought "
            f"{quarter.revenue_share:.0%} of the next quarter's revenue"
        )
    return text + "."


def _verdict_without(evidence: Evidence) -> str:
    return evidence.why or "There is no model of the customers."


def _notes(evidence: Evidence, segments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    notes = []
    model, fit, renaming, quarter = evidence.model, evidence.fit, evidence.renaming, evidence.quarter
    if model is None:
        notes.append(f"k, silhouette, davies_bouldin and the bootstrap figures are null: {_verdict_without(evidence)}")
    elif fit and fit.customers < FEW_CUSTOMERS:
        notes.append(
            f"Only {fit.customers} customers were clustered: the segments describe these customers and no others."
        )
    for name, profile in segments.items():
        if profile["name_fit"] is not None and profile["name_fit"] < WELL_NAMED:
            notes.append(
                f"{name} resembles its persona only faintly (cosine {profile['name_fit']:.2f}): read its profile, "
                "not its name."
            )
    if renaming.why:
        notes.append(f"name_agreement, kept_month_to_month and months_kept are null: {renaming.why}")
    else:
        notes.append(
            f"name_agreement, kept_month_to_month and months_kept are of {len(renaming.months)} month ends from "
            f"{renaming.months[0]} to {renaming.months[-1]}, each by the {renaming.window_days} days before it, with a "
            "model trained anew every month. They count customers in clusters in both months; "
            "months.kept_where_leaving_counts also counts those who left for a group made by a rule."
        )
    if quarter.revenue_share is None:
        notes.append(f"The shares of high_value are null: {quarter.why}")
    else:
        notes.append(
            f"high_value: segments as of {quarter.cutoff}, by a model that has seen nothing later; shares of the "
            f"{quarter.customers:,} customers known then and of their revenue until {quarter.until}. The ranking and "
            "the RFM list are as long as the segment."
        )
    if evidence.agreement_with_previous is None:
        notes.append("name_agreement_with_previous is null: no earlier model in the store is compared with.")
    lines = int(evidence.scope["anonymous_lines"])
    if lines:
        notes.append(
            f"{lines:,} sales lines in {int(evidence.scope['anonymous_orders']):,} orders, "
            f"{evidence.scope['anonymous_revenue']:,} of revenue, have no customer and are in no segment."
        )
    return notes


def _in_order(by_persona: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The personas in display order; names that the catalogue no longer has come last."""
    order = {persona.name: place for place, persona in enumerate(catalogue.display_order)}
    return {name: by_persona[name] for name in sorted(by_persona, key=lambda n: (order.get(n, len(order)), n))}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return _rounded(value) if isinstance(value, float) else value


def _share(value: float | None) -> str:
    return "an undefined share" if value is None or np.isnan(value) else f"{value:.0%}"


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _day(value: dt.date | None) -> str | None:
    return value.isoformat() if value else None


def _rounded(value: float | None, digits: int = 4) -> float | None:
    # + 0.0 turns -0.0 into 0.0
    return None if value is None or not np.isfinite(value) else round(float(value), digits) + 0.0


def as_json(fit: Fit) -> dict[str, Any]:
    """The figures of a fit, rounded."""
    return {key: _rounded(value) if isinstance(value, float) else value for key, value in asdict(fit).items()}

"""What is known about the segments, in numbers and in words: the content of `output/segments/evaluation.json`.

Exact money is a decimal string; medians and shares are numbers, rounded so that the same result gives the same bytes.
What was not measured is null, and `notes` says why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from retail_assets.segmentation.evaluation.action_text import action_text
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.evaluation.name_stability import NameStability
from retail_assets.segmentation.evaluation.next_quarter import NextQuarter
from retail_assets.segmentation.evaluation.rounding import rounded
from retail_assets.segmentation.evaluation.verdict import notes, predicts, verdict
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog, Persona
from retail_assets.segmentation.queries.profiles import LEAST_KNOWN


def evaluate(
    evidence: Evidence,
    *,
    catalog: Catalog = DEFAULT,
    currency: str | None = None,
    over_indexed: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    mix: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the evaluation as it is stored in JSON; the same evidence gives the same result.

    Args:
        evidence: what was measured.
        catalog: the personas, for their texts and their order.
        currency: code written before money in texts; None if it is unknown.
        over_indexed: categories that a persona spends more on than all customers do, by persona.
        mix: rows of `queries.profiles.MIX`.
    """
    model, fit, stability = evidence.model, evidence.fit, evidence.stability
    best = catalog.clusters[0]
    segments = profiles_by_persona(evidence, catalog, currency, over_indexed or {}, mix)
    return {
        "verdict": verdict(evidence, best),
        "k": model.k if model else None,
        "silhouette": rounded(fit.silhouette if fit else None),
        "davies_bouldin": rounded(fit.davies_bouldin if fit else None),
        "bootstrap_ari": rounded(fit.bootstrap_ari if fit else None),
        "bootstrap_name_agreement": rounded(fit.bootstrap_names if fit else None),
        "name_agreement": rounded(stability.name_agreement),
        "name_agreement_with_previous": rounded(evidence.agreement_with_previous),
        "kept_month_to_month": rounded(stability.kept),
        "months_kept": rounded(stability.months_kept, 2),
        "high_value": _high_value(evidence.quarter, best.name, segments.get(best.name)),
        "next_quarter": _next_quarter(evidence.quarter, catalog),
        "months": _months(stability),
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
        "notes": notes(evidence, segments, currency),
    }


def profiles_by_persona(
    evidence: Evidence,
    catalog: Catalog,
    currency: str | None,
    over_indexed: Mapping[str, Sequence[Mapping[str, Any]]],
    mix: Sequence[Mapping[str, Any]] = (),
) -> dict[str, dict[str, Any]]:
    """Return the profile of each persona that has customers, in display order, with its texts and its make-up.

    Args:
        evidence: has the model and the rows of `segment_profiles`.
        catalog: the personas.
        currency: code written before money in texts; None if it is unknown.
        over_indexed: categories that a persona spends more on than all customers do, by persona.
        mix: rows of `queries.profiles.MIX`.
    """
    model = evidence.model
    profiles = {}
    for profile in evidence.profiles:
        name = str(profile["persona"])
        persona = catalog.named(name)
        clusters = [i for i, given in enumerate(model.names) if given == name] if model else []
        numbers = {key: _json(value) for key, value in profile.items() if key not in ("persona", "snapshot_date")}
        numbers.pop("model_version", None)
        profiles[name] = {
            **numbers,
            "clusters": clusters,
            "name_fit": rounded(max(model.fits[i] for i in clusters)) if model and clusters else None,
            "defining": [dict(finding) for finding in evidence.defining.get(name, ())],
            "over_indexed_categories": list(over_indexed.get(name, ())),
            "gender_known": sum(_known(mix, name, "gender").values()),
            "gender_mix": _parts(mix, name, "gender"),
            "age_known": sum(_known(mix, name, "age_group").values()),
            "age_mix": _parts(mix, name, "age_group"),
            "description": _description(persona, evidence.defining.get(name, ())) if persona else "",
            "action": action_text(persona, profile, currency) if persona else "",
        }
    return {name: profiles[name] for name in catalog.in_order(profiles)}


def _description(persona: Persona, findings: Sequence[Mapping[str, Any]]) -> str:
    """A persona's description; a name in use stays within a slack, and then not all of it need be true today."""
    if all(finding["holds"] for finding in findings):
        return persona.description
    return f"{persona.description} The name was given when that was so; today it narrowly is not (see `defining`)."


def _high_value(quarter: NextQuarter, persona: str, today: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "persona": persona,
        "customers_share": rounded(quarter.customers_share),
        "next_revenue_share": rounded(quarter.revenue_share),
        "ranking_next_revenue_share": rounded(quarter.ranking_share),
        "rfm_next_revenue_share": rounded(quarter.rfm_share),
        "lift": rounded(quarter.lift),
        "predicts": predicts(quarter),
        "of_ranking": rounded(_ratio(quarter.revenue_share, quarter.ranking_share)),
        "today_customers_share": today["customers_share"] if today else None,
        "today_revenue_share": today["revenue_share"] if today else None,
    }


def _next_quarter(quarter: NextQuarter, catalog: Catalog) -> dict[str, Any]:
    return {
        "segments_as_of": _day(quarter.cutoff),
        "revenue_until": _day(quarter.until),
        "customers": quarter.customers,
        "segments": {
            name: {key: rounded(value) for key, value in quarter.by_persona[name].items()}
            for name in catalog.in_order(quarter.by_persona)
        },
    }


def _months(stability: NameStability) -> dict[str, Any]:
    return {
        "window_days": stability.window_days,
        "from": _day(stability.months[0] if stability.months else None),
        "to": _day(stability.months[-1] if stability.months else None),
        "kept_by_frozen_model": rounded(stability.kept_frozen),
        "kept_where_leaving_counts": rounded(stability.kept_or_left),
        "by_month": [
            {key: value if isinstance(value, str) else rounded(value) for key, value in step.items()}
            for step in stability.by_month
        ],
    }


def _parts(mix: Sequence[Mapping[str, Any]], persona: str, column: str) -> dict[str, float]:
    """Share of each gender or age band among a persona's customers whose value is known; empty if few are."""
    counts = _known(mix, persona, column)
    total = sum(counts.values())
    return {name: round(counts[name] / total, 4) for name in sorted(counts)} if total >= LEAST_KNOWN else {}


def _known(mix: Sequence[Mapping[str, Any]], persona: str, column: str) -> dict[str, int]:
    """Customers of a persona by gender or age band, where it is known."""
    counts: dict[str, int] = {}
    for row in mix:
        if row["persona"] == persona and row[column] is not None:
            counts[str(row[column])] = counts.get(str(row[column]), 0) + int(row["customers"])
    return counts


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return rounded(value) if isinstance(value, float) else value


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _day(value: dt.date | None) -> str | None:
    return value.isoformat() if value else None

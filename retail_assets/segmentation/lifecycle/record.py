"""What is recorded of a training: the manifest of its version, the verdict, and the model card."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Mapping
from typing import Any

import pandas as pd

from retail_assets import __version__
from retail_assets.models.card import Section, bullets, made_with, table
from retail_assets.models.card import model_card as compose_card
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS
from retail_assets.segmentation.model.cluster_count import CLEAR_STRUCTURE, FEW_CUSTOMERS
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible
from retail_assets.segmentation.model.segment_model import name_findings
from retail_assets.segmentation.model.stability import BOOTSTRAP_RESAMPLES, FAIRLY_STABLE, stability_word
from retail_assets.segmentation.model.training import Training
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES, Catalog
from retail_assets.segmentation.personas.defining import SLACK
from retail_assets.wording import segment_card

#: Changes with the meaning of a model: a model of another design is trained again.
DESIGN = "3"
CODE_VERSION = f"{__version__}+segments.{DESIGN}"

_LIBRARIES = ("scikit-learn", "scipy", "numpy", "skops")


def facts(
    training: Training, features: pd.DataFrame, catalog: Catalog, *, renamed: float | None, trained_at: dt.datetime
) -> dict[str, Any]:
    """Return the fields of a `models.store.Manifest` that do not follow from the model's bytes.

    Args:
        training: has a model.
        features: the features frame that it has seen.
        catalog: the personas by which it was named.
        renamed: share of the customers that it names differently from the model in use, 0 to 1; None without one.
        trained_at: the time of the training.

    Raises:
        ValueError: the training has no model.
    """
    model, chosen = training.model, training.chosen
    if model is None or chosen is None:
        raise ValueError("the training has no model")
    snapshot, window = features["snapshot_date"].iloc[0], int(features["window_days"].max())
    ari = chosen.bootstrap_ari
    return {
        "family": f"k-means, k = {model.k}",
        "has_skill": training.stable,
        "trained_at": trained_at.isoformat(timespec="seconds"),
        "code_version": CODE_VERSION,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "seed": model.seed,
        "horizon": 0,
        "features": list(NAMING_FEATURES),
        "data": {
            "first_day": str(snapshot - dt.timedelta(days=window - 1)),
            "last_day": str(snapshot),
            "days": window,
            "customers": training.customers,
            "names": list(model.names),
            "customers_by_name": list(model.customers),
            "catalogue": catalog.digest,
            "yardstick": "inherited" if training.inherited else "new",
            "defining": name_findings(model, features[eligible(features)], catalog),
        },
        "metrics": {
            "k": float(model.k),
            "silhouette": round(chosen.silhouette, 6),
            "bootstrap_ari": None if ari is None else round(ari, 6),
            "renamed": None if renamed is None else round(renamed, 6),
            "least_name_fit": min(model.fits),
            **{f"silhouette_k{c.k}": round(c.silhouette, 6) for c in training.tried},
        },
        "scores": {} if ari is None else {f"instability_k{chosen.k}": round(1 - ari, 6)},
        "verdict": verdict(training),
    }


def verdict(training: Training) -> str:
    """Say how good a training is, in a sentence or two."""
    model, chosen = training.model, training.chosen
    if model is None or chosen is None:
        return training.why or "Nothing was trained."
    ari = chosen.bootstrap_ari
    return segment_card.verdict(
        segments=model.k,
        customers=training.customers,
        silhouette=chosen.silhouette,
        bootstrap_ari=ari,
        stable=None if ari is None else stability_word(ari),
        few=FEW_CUSTOMERS,
        many=LEAST_CUSTOMERS,
    ).text


def model_card(training: Training, facts: dict[str, Any]) -> str:
    """Write the model card (Mitchell et al. 2019): what the model is made of, how good it is, and where it fails.

    Args:
        training: has a model.
        facts: what `facts` returns for it.
    """
    model, data = training.model, facts["data"]
    if model is None:
        raise ValueError("the training has no model")
    segments = table(
        ["name", "training customers", "similarity to its prototype (cosine)"],
        [
            [name, f"{count:,}", f"{fit:.2f}"]
            for name, count, fit in zip(model.names, model.customers, model.fits, strict=True)
        ],
    )
    claims = table(
        ["name", "number", "value", "is claimed to be", "of what it is compared with", "true"],
        [
            [
                name,
                c["feature"],
                f"{c['value']:,.2f}",
                _claim(c),
                f"{c['than']:,.2f}",
                "yes" if c["holds"] else "nearly",
            ]
            for name, comparisons in data.get("defining", {}).items()
            for c in comparisons
        ],
    )
    tried = table(
        ["k", "silhouette", "bootstrap ARI", "outcome"],
        [
            [
                str(c.k),
                f"{c.silhouette:.3f}",
                "–" if c.bootstrap_ari is None else f"{c.bootstrap_ari:.3f}",
                "chosen" if c.k == model.k else c.why or "",
            ]
            for c in training.tried
        ],
    )
    return compose_card(
        f"Customer segments: {facts['family']}",
        facts["verdict"],
        made_of=[
            segment_card.sales(
                first_day=dt.date.fromisoformat(data["first_day"]),
                last_day=dt.date.fromisoformat(data["last_day"]),
                days=data["days"],
                customers=data["customers"],
            ).text,
            made_with(facts),
            f"clustered by {', '.join(MODEL_FEATURES)}; named by these, recency and the share of the best month, where "
            "the numbers of a name are true",
            f"yardstick: {data['yardstick']}",
            "not used: gender, age, categories, prices; nor recency for clustering, because names would not last",
        ],
        sections=[
            Section("Segments", segments),
            Section(
                "Why these names",
                [
                    *claims,
                    "",
                    "Of the training customers in the window: the mean frequency, medians of the others. `highest` and "
                    "`lowest` are compared with the next cluster, `above` and `below` with all other customers. "
                    "`season_index` is the share of the best month, divided by what as many purchases on random days "
                    f"would give. A name in use is kept while its number is `nearly` true: within {SLACK:.2f} times "
                    "(shares: 1.1).",
                ],
            ),
            Section(
                "Numbers of clusters that were tried",
                [
                    *tried,
                    "",
                    segment_card.choice(least=FAIRLY_STABLE, clear=CLEAR_STRUCTURE).text,
                    segment_card.resamples(models=BOOTSTRAP_RESAMPLES).text,
                ],
            ),
            Section(
                "Where it fails",
                bullets(
                    [
                        "Clusters border on each other: a name says on which side of a boundary a customer is, and the "
                        "confidence how near to it.",
                        "Customers with one purchase, with no sale in the window, or without net spend are assigned to "
                        "groups by rules.",
                        "Sales without a customer id are in no segment.",
                    ]
                ),
            ),
        ],
    )


def _claim(comparison: Mapping[str, Any]) -> str:
    by = f" by {comparison['by']:g} ×" if comparison["by"] != 1 else ""
    return f"{comparison['relation']}{by}"

"""What of a training goes on record, whether it takes the place of the model in use, and when the next one is due."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Iterable
from typing import Any

import pandas as pd

from retail_assets import __version__
from retail_assets.models.card import Section, bullets, made_with, table
from retail_assets.models.card import model_card as compose_card
from retail_assets.models.promotion import Decision
from retail_assets.models.store import Manifest
from retail_assets.segmentation.model.cluster_count import FEW_CUSTOMERS
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.stability import FAIRLY_STABLE, STABLE
from retail_assets.segmentation.model.training import Training
from retail_assets.segmentation.model.yardstick import YARDSTICK_SDS
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES, Catalog

#: Changes with what a model means: one of another design is trained anew.
DESIGN = "2"
CODE_VERSION = f"{__version__}+segments.{DESIGN}"

DAYS_BETWEEN_TRAININGS = 28
"""Names are for people: a month is soon enough to move their boundaries."""
MOST_RENAMED = 0.1
"""A retraining that gives more of the customers another name than this waits for somebody to look at it."""

_LIBRARIES = ("scikit-learn", "scipy", "numpy", "skops")


def facts(
    training: Training, features: pd.DataFrame, catalog: Catalog, *, renamed: float | None, trained_at: dt.datetime
) -> dict[str, Any]:
    """The fields of a `model_store.Manifest` that do not follow from the model's bytes.

    Args:
        training: one that has a model.
        features: the features frame it has seen.
        catalog: the personas it was named by.
        renamed: share of customers that it names otherwise than the model in use; None without one.
        trained_at: when.
    """
    model, chosen = training.model, training.chosen
    if model is None or chosen is None:
        raise ValueError("nothing was trained: there is no model")
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
    """What a training is worth, in a sentence."""
    model, chosen = training.model, training.chosen
    if model is None or chosen is None:
        return training.why or "Nothing was trained."
    told = f"{model.k} segments of {training.customers:,} customers"
    if chosen.bootstrap_ari is None:
        return (
            f"{told}: provisional. With fewer than {FEW_CUSTOMERS} customers nobody can tell whether the same segments "
            "would be found again; they describe these customers and no others."
        )
    least = ((STABLE, "stable"), (FAIRLY_STABLE, "fairly stable"))
    word = next((told for ari, told in least if chosen.bootstrap_ari >= ari), "not stable")
    return (
        f"{told}: {word} under resampling (bootstrap ARI {chosen.bootstrap_ari:.2f}), "
        f"silhouette {chosen.silhouette:.2f}."
    )


def decide(
    candidate: Manifest, champion: Manifest | None, renamed: float | None, *, unusable: str | None = None
) -> Decision:
    """Decide whether a candidate is put in use, is held for a person to look at, or is left.

    It is promoted unless its sales end earlier than the champion's; it is held where it is less stable, or would
    rename more of the customers than `MOST_RENAMED`.

    Args:
        candidate: manifest of the newly trained version.
        champion: manifest of the version in use; None without any that can be used.
        renamed: share of the customers that the two name differently; None without a champion.
        unusable: why the version in use cannot be used: then it is no rival.
    """
    if unusable:
        return Decision(True, False, f"the model in use cannot be used: {unusable}")
    if champion is None:
        return Decision(True, False, "the first model")
    if candidate.version == champion.version:
        return Decision(False, False, "the same model as the one in use")
    if candidate.data["last_day"] < champion.data["last_day"]:
        return Decision(
            False, False, f"its sales end on {candidate.data['last_day']}, before those of the model in use"
        )
    share = renamed or 0.0
    if champion.has_skill and not candidate.has_skill:
        return Decision(False, True, f"not stable, while {champion.version} is: {candidate.verdict}", share)
    if share > MOST_RENAMED:
        reason = f"it would give {share:.1%} of the customers another name (at most {MOST_RENAMED:.0%})"
        return Decision(False, True, reason, share)
    change = "" if renamed is None else f"; {renamed:.1%} of the customers get another name"
    return Decision(True, False, f"fitted to sales up to {candidate.data['last_day']}{change}", share)


def reason_to_train(
    champion: Manifest | None,
    set_aside: Iterable[Manifest],
    model: SegmentModel | None,
    sample: pd.DataFrame,
    catalog: Catalog,
    *,
    demanded: bool = False,
) -> str | None:
    """Say why a training is due now; None where no retraining is needed.

    A version that is held or was removed by hand counts as the newest one: training again on nearly the same sales
    would give the same answer, every day.

    Args:
        champion: manifest of the version in use; None without any that can be used.
        set_aside: manifests of the versions that only a person can put in use (`promotion.set_aside`).
        model: the model in use.
        sample: a features frame of today's customers.
        catalog: today's personas.
        demanded: train whatever the age.
    """
    if demanded:
        return "on demand"
    if champion is None or model is None:
        return "no model is in use that can be read"
    if not len(sample):
        return None
    today = sample["snapshot_date"].iloc[0]
    newest = champion.data["last_day"]
    for version in set_aside:
        # One of other code or other personas is no answer to what would be trained today.
        alike = version.code_version == CODE_VERSION and version.data.get("catalogue") == catalog.digest
        if alike and version.data["last_day"] >= newest:
            newest = version.data["last_day"]
            if 0 <= _age(newest, today) < DAYS_BETWEEN_TRAININGS:
                return None
    age = _age(newest, today)
    if champion.code_version != CODE_VERSION:
        return f"the code is {CODE_VERSION}, the model is of {champion.code_version}"
    if champion.data.get("catalogue") != catalog.digest:
        return "other personas than the model was named by"
    if age < 0:
        return "the sales end before those the model has seen"
    if age >= DAYS_BETWEEN_TRAININGS:
        return f"the model has not seen the last {age} days"
    allowed = sample[eligible(sample)]
    if not champion.has_skill and len(allowed) >= 2 * champion.data["customers"]:
        return "there are twice as many customers, and the model in use is not stable"
    if len(allowed):
        off = abs(model.standardize(allowed)[:, : len(MODEL_FEATURES)].mean(axis=0)).max()
        if off > YARDSTICK_SDS:
            return f"the average customer is {off:.2f} standard deviations from where the model has him"
    return None


def _age(last_day: str, today: dt.date) -> int:
    return (today - dt.date.fromisoformat(last_day)).days


def model_card(training: Training, known: dict[str, Any]) -> str:
    """The model card, Markdown (Mitchell et al. 2019): what it is for, made of, worth, and where it fails."""
    model, data = training.model, known["data"]
    if model is None:
        raise ValueError("nothing was trained: there is no model")
    segments = table(
        ["name", "training customers", "likeness to its prototype (cosine)"],
        [
            [name, f"{count:,}", f"{fit:.2f}"]
            for name, count, fit in zip(model.names, model.customers, model.fits, strict=True)
        ],
    )
    tried = table(
        ["k", "silhouette", "bootstrap ARI", "outcome"],
        [
            [
                str(c.k),
                f"{c.silhouette:.3f}",
                "–" if c.bootstrap_ari is None else f"{c.bootstrap_ari:.3f}",
                "**chosen**" if c.k == model.k else c.why or "",
            ]
            for c in training.tried
        ],
    )
    return compose_card(
        f"Customer segments: {known['family']}",
        known["verdict"],
        made_of=[
            f"sales from {data['first_day']} to {data['last_day']} ({data['days']} days) of {data['customers']:,} "
            "customers with two purchases or more",
            made_with(known),
            f"clustered by {', '.join(MODEL_FEATURES)}; named by these, recency and the best month's share",
            f"yardstick: {data['yardstick']}",
            "not used: gender, age, categories, prices; recency is not clustered by, because names would not last",
        ],
        sections=[
            Section("Segments", segments),
            Section("Numbers of clusters that were tried", tried),
            Section(
                "Where it fails",
                bullets(
                    [
                        "Customers form one cloud; a name says on which side of a boundary somebody is. Confidence "
                        "says how near.",
                        "Customers with one purchase, none in the window, or no net spend are groups by rule.",
                        "A customer without an id is in no segment.",
                    ]
                ),
            ),
        ],
    )

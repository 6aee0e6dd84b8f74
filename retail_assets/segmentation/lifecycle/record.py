"""What of a training goes on record, whether it takes the place of the model in use, and when the next one is due."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from retail_assets import __version__
from retail_assets.models.store import Manifest, ModelStore
from retail_assets.segmentation.model.clustering import (
    FAIRLY_STABLE,
    FEW_CUSTOMERS,
    STABLE,
    YARDSTICK_SDS,
    SegmentModel,
    Training,
)
from retail_assets.segmentation.model.features import MODEL_FEATURES, NAMING_FEATURES, eligible
from retail_assets.segmentation.personas.catalog import Catalogue

#: Changes with what a model means: one of another design is trained anew.
DESIGN = "2"
CODE_VERSION = f"{__version__}+segments.{DESIGN}"
KIND = "segments"

DAYS_BETWEEN_TRAININGS = 28
"""Names are for people: a month is soon enough to move their boundaries."""
MOST_RENAMED = 0.1
"""A retraining that gives more of the customers another name than this waits for somebody to look at it."""

_LIBRARIES = ("scikit-learn", "scipy", "numpy", "skops")
_WAITING = "waiting.json"


@dataclass(frozen=True)
class Decision:
    """The outcome and its reason, in words for the record. `held`: it waits for `models promote`."""

    promote: bool
    held: bool
    reason: str


@dataclass(frozen=True)
class Waiting:
    """A version that was held back, by which run, and why."""

    version: str
    last_day: str
    renamed: float
    reason: str
    run_id: str


def facts(
    training: Training, features: pd.DataFrame, catalogue: Catalogue, *, renamed: float | None, trained_at: dt.datetime
) -> dict[str, Any]:
    """The fields of a `model_store.Manifest` that do not follow from the model's bytes.

    Args:
        training: one that has a model.
        features: the features frame it has seen.
        catalogue: the personas it was named by.
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
            "catalogue": catalogue.digest,
            "yardstick": "inherited" if training.inherited else "new",
        },
        "metrics": {
            "k": float(model.k),
            "silhouette": round(chosen.silhouette, 6),
            "bootstrap_ari": None if ari is None else round(ari, 6),
            "renamed": None if renamed is None else round(renamed, 6),
            "least_name_fit": min(model.fits),
            **{f"silhouette_k{c.k}": round(c.silhouette, 6) for c in training.candidates},
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


def decide(newcomer: Manifest, standing: Manifest | None, renamed: float | None) -> Decision:
    """Promote the newcomer unless it is less stable, older, or would rename more customers than `MOST_RENAMED`."""
    if standing is None:
        return Decision(True, False, "the first model")
    if newcomer.version == standing.version:
        return Decision(False, False, "the same model as the one in use")
    if newcomer.data["last_day"] < standing.data["last_day"]:
        return Decision(False, False, f"its sales end on {newcomer.data['last_day']}, before those of the model in use")
    if standing.has_skill and not newcomer.has_skill:
        return Decision(False, True, f"not stable, while {standing.version} is: {newcomer.verdict}")
    if renamed is not None and renamed > MOST_RENAMED:
        return Decision(
            False, True, f"it would give {renamed:.1%} of the customers another name (at most {MOST_RENAMED:.0%})"
        )
    told = "" if renamed is None else f"; {renamed:.1%} of the customers get another name"
    return Decision(True, False, f"fitted to sales up to {newcomer.data['last_day']}{told}")


def reason_to_train(
    standing: Manifest | None,
    waiting: Waiting | None,
    model: SegmentModel | None,
    sample: pd.DataFrame,
    catalogue: Catalogue,
    *,
    demanded: bool = False,
) -> str | None:
    """Why a training is due now; None where the model in use, or the one that waits, will do.

    Args:
        standing: manifest of the version in use; None without any.
        waiting: a version that was held back and not promoted since.
        model: the model in use.
        sample: a features frame of today's customers.
        catalogue: today's personas.
        demanded: train whatever the age.
    """
    if demanded:
        return "on demand"
    if standing is None or model is None:
        return "no model is in use that can be read"
    if not len(sample):
        return None
    today = sample["snapshot_date"].iloc[0]
    newest = max(standing.data["last_day"], waiting.last_day if waiting else "")
    age = (today - dt.date.fromisoformat(newest)).days
    if waiting and 0 <= age < DAYS_BETWEEN_TRAININGS:
        return None
    if standing.code_version != CODE_VERSION:
        return f"the code is {CODE_VERSION}, the model is of {standing.code_version}"
    if standing.data.get("catalogue") != catalogue.digest:
        return "other personas than the model was named by"
    if age < 0:
        return "the sales end before those the model has seen"
    if age >= DAYS_BETWEEN_TRAININGS:
        return f"the model has not seen the last {age} days"
    allowed = sample[eligible(sample)]
    if not standing.has_skill and len(allowed) >= 2 * standing.data["customers"]:
        return "there are twice as many customers, and the model in use is not stable"
    if len(allowed):
        off = abs(model.standardise(allowed)[:, : len(MODEL_FEATURES)].mean(axis=0)).max()
        if off > YARDSTICK_SDS:
            return f"the average customer is {off:.2f} standard deviations from where the model has him"
    return None


def hold(models: ModelStore, waiting: Waiting) -> None:
    """Put on record that a version waits for somebody to look at it."""
    models.store.write(f"{models.root}/{_WAITING}", json.dumps(asdict(waiting), indent=2).encode() + b"\n")


def release(models: ModelStore) -> None:
    """Nothing waits any more: a later training has decided otherwise."""
    models.store.delete([f"{models.root}/{_WAITING}"])


def waiting(models: ModelStore) -> Waiting | None:
    """The version that waits; None if none does, or it was promoted since."""
    data = models.store.read_if_exists(f"{models.root}/{_WAITING}")
    if data is None:
        return None
    found = Waiting(**json.loads(data))
    champion = models.champion()
    promoted = {move.version for move in champion.history} if champion else set()
    return None if found.version in promoted else found


def model_card(training: Training, known: dict[str, Any]) -> str:
    """The model card, Markdown (Mitchell et al. 2019): what it is for, made of, worth, and where it fails."""
    model, data = training.model, known["data"]
    if model is None:
        raise ValueError("nothing was trained: there is no model")
    lines = [
        f"# Customer segments: {known['family']}",
        "",
        f"**{known['verdict']}**",
        "",
        "## Made of",
        "",
        f"- sales from {data['first_day']} to {data['last_day']} ({data['days']} days) of {data['customers']:,} "
        "customers with two purchases or more",
        f"- seed {known['seed']}, code {known['code_version']}, "
        + ", ".join(f"{name} {version}" for name, version in known["libraries"].items()),
        f"- clustered by {', '.join(MODEL_FEATURES)}; named by these, recency and the best month's share",
        f"- yardstick: {data['yardstick']}",
        "- not used: gender, age, categories, prices; recency is not clustered by, because names would not last",
        "",
        "## Segments",
        "",
        "| name | training customers | likeness to its prototype (cosine) |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {count:,} | {fit:.2f} |"
            for name, count, fit in zip(model.names, model.customers, model.fits, strict=True)
        ),
        "",
        "## Numbers of clusters that were tried",
        "",
        "| k | silhouette | bootstrap ARI | |",
        "| --- | --- | --- | --- |",
    ]
    for c in training.candidates:
        ari = "–" if c.bootstrap_ari is None else f"{c.bootstrap_ari:.3f}"
        told = "**chosen**" if c.k == model.k else c.why or ""
        lines.append(f"| {c.k} | {c.silhouette:.3f} | {ari} | {told} |")
    lines += [
        "",
        "## Where it fails",
        "",
        "- Customers form one cloud; a name says on which side of a boundary somebody is. Confidence says how near.",
        "- Customers with one purchase, none in the window, or no net spend are groups by rule.",
        "- A customer without an id is in no segment.",
        "",
    ]
    return "\n".join(lines)

"""One run of the training step: decide whether a training is due, train, store the version, and promote or hold it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from retail_assets.models import promotion
from retail_assets.models.kinds import NO_MODEL
from retail_assets.models.promotion import Decision, InUse
from retail_assets.models.store import Manifest, ModelStore
from retail_assets.segmentation.lifecycle import record
from retail_assets.segmentation.lifecycle.promotion_policy import decide, reason_to_train
from retail_assets.segmentation.model.features import read_sample
from retail_assets.segmentation.model.scoring import share_renamed
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.serialization import dumps, loads
from retail_assets.segmentation.model.training import MIN_CUSTOMERS, Training, train
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.storage import Store
from retail_assets.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Retraining:
    """What the training step has done.

    Attributes:
        outcome: in a sentence or two.
        verdict: how good the model is that was trained, or else the one in use.
        model_version: the version that was trained, or else the one in use; `NO_MODEL` without any.
        reason: why a training was due; None if none was.
        decision: whether the trained version was promoted or held, and why; None if nothing was trained.
        metrics: of the trained version.
    """

    outcome: str
    verdict: str
    model_version: str
    reason: str | None = None
    decision: Decision | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return everything that is known, by name."""
        facts = {
            "trained": self.reason is not None,
            "outcome": self.outcome,
            "verdict": self.verdict,
            "model_version": self.model_version,
        }
        if self.reason is not None:
            facts["reason"] = self.reason
        if self.decision is not None:
            facts |= {"promoted": self.decision.promote, "decision": self.decision.reason}
        return facts | {name: value for name, value in self.metrics.items() if value is not None}


def train_if_due(
    warehouse: Warehouse,
    models: ModelStore,
    output: Store,
    catalog: Catalog,
    *,
    at: dt.datetime,
    run_id: str,
    demanded: bool = False,
    seed: int = 0,
) -> Retraining:
    """Train if a training is due, store the version, and promote or hold it; then publish the card of the model in use.

    Args:
        warehouse: has `customer_features`.
        models: the versions of the segments' model.
        output: where the card of the model in use is published.
        catalog: the personas.
        at: the time of the training, for the record.
        run_id: of the run that trains, for the record of a held version.
        demanded: train whatever the age of the model in use.
        seed: of the training.

    Raises:
        ModelStoreError: the store is damaged in a way that a training does not repair.
        PromotionOvertakenError: other processes kept changing the version in use.
    """
    before = promotion.read_in_use(models, loads)
    reason = reason_to_train(
        before.manifest,
        promotion.set_aside(models),
        before.model,
        read_sample(warehouse),
        catalog,
        demanded=demanded,
    )
    if reason is None:
        retraining = _kept(models, before.manifest)
    else:
        retraining = _train(warehouse, models, before.model, catalog, reason, at=at, run_id=run_id, seed=seed)
    promotion.publish_card(models, output)
    return retraining


def train_from(
    warehouse: Warehouse, *, catalog: Catalog = DEFAULT, previous: SegmentModel | None = None, seed: int = 0
) -> Training:
    """Train on a sample of the table `customer_features` (see `model.training.train`)."""
    sample = read_sample(warehouse)
    if len(sample) < MIN_CUSTOMERS:  # then all customers are needed, to say why there are too few
        sample = read_sample(warehouse, everyone=True)
    return train(sample, catalog=catalog, previous=previous, seed=seed)


def _kept(models: ModelStore, champion: Manifest | None) -> Retraining:
    """No training was due."""
    version = champion.version if champion else NO_MODEL
    outcome = f"Kept model {version}: no retraining needed."
    if held := promotion.held(models):
        outcome = f"Kept model {version}; {held.version} waits for `retail-assets models promote`: {held.reason}."
    return Retraining(outcome, champion.verdict if champion else "There is no model.", version)


def _train(
    warehouse: Warehouse,
    models: ModelStore,
    previous: SegmentModel | None,
    catalog: Catalog,
    reason: str,
    *,
    at: dt.datetime,
    run_id: str,
    seed: int,
) -> Retraining:
    training = train_from(warehouse, catalog=catalog, previous=previous, seed=seed)
    model = training.model
    if model is None:
        return Retraining(training.why or "", training.why or "", NO_MODEL, reason)
    sample = read_sample(warehouse)
    renamed = share_renamed(model, previous, sample, catalog) if previous else None
    facts = record.facts(training, sample, catalog, renamed=renamed, trained_at=at)
    last_day = dt.date.fromisoformat(facts["data"]["last_day"])
    candidate = models.save(dumps(model), last_day, facts, record.model_card(training, facts))
    decision = _promote(models, candidate, model, sample, catalog, at=at, run_id=run_id)
    done = (
        "is in use"
        if decision.promote
        else "waits for `retail-assets models promote`"
        if decision.held
        else "is not put in use"
    )
    outcome = f"{candidate.version} {done}: {decision.reason}. {candidate.verdict}"
    return Retraining(outcome, candidate.verdict, candidate.version, reason, decision, candidate.metrics)


def _promote(
    models: ModelStore,
    candidate: Manifest,
    model: SegmentModel,
    sample: pd.DataFrame,
    catalog: Catalog,
    *,
    at: dt.datetime,
    run_id: str,
) -> Decision:
    def policy(in_use: InUse[SegmentModel]) -> Decision:
        share = share_renamed(model, in_use.model, sample, catalog) if in_use.model else None
        return decide(candidate, in_use.manifest, share, unusable=in_use.unusable)

    return promotion.promote_if_better(models, candidate, policy, loads, at=at, run_id=run_id)

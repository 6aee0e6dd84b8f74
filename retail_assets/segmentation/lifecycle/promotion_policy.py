"""When a training of the segments is due, and whether the version it gives replaces the one in use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pandas as pd

from retail_assets.models.promotion import Decision
from retail_assets.models.store import Manifest
from retail_assets.segmentation.lifecycle.record import CODE_VERSION
from retail_assets.segmentation.model.features import eligible
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.yardstick import YARDSTICK_SDS, offset_of_average
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.wording import segment_card

DAYS_BETWEEN_TRAININGS = 28
"""People work with the names: once a month is often enough to move their boundaries."""
MOST_RENAMED = 0.1
"""A candidate that gives more than this share of the customers another name is held for a person."""


def decide(
    candidate: Manifest, champion: Manifest | None, renamed: float | None, *, unusable: str | None = None
) -> Decision:
    """Decide whether a candidate is promoted, held for a person to look at, or left.

    It is left if its sales end before the champion's, and held if it is not stable where the champion is, or if it
    would rename more than `MOST_RENAMED` of the customers. Otherwise it is promoted.

    Args:
        candidate: manifest of the newly trained version.
        champion: manifest of the version in use; None if there is none that can be used.
        renamed: share of the customers that the two name differently, 0 to 1; None without a champion.
        unusable: why the version in use cannot be used; the candidate then replaces it.
    """
    if unusable:
        return Decision(True, False, f"the model in use cannot be used: {unusable}")
    if champion is None:
        return Decision(True, False, "the first model")
    if candidate.version == champion.version:
        return Decision(False, False, "the same model as the one in use")
    last_day = dt.date.fromisoformat(candidate.data["last_day"])
    if candidate.data["last_day"] < champion.data["last_day"]:
        return Decision(False, False, segment_card.older(last_day=last_day).text)
    share = renamed or 0.0
    if champion.has_skill and not candidate.has_skill:
        return Decision(False, True, f"not stable, while {champion.version} is: {candidate.verdict}", share)
    if share > MOST_RENAMED:
        return Decision(False, True, segment_card.renames_many(share=share, most=MOST_RENAMED).text, share)
    return Decision(True, False, segment_card.promoted(last_day=last_day, share=renamed).text, share)


def reason_to_train(
    champion: Manifest | None,
    set_aside: Iterable[Manifest],
    model: SegmentModel | None,
    sample: pd.DataFrame,
    catalog: Catalog,
    *,
    demanded: bool = False,
) -> str | None:
    """Say why a training is due now; None if no retraining is needed.

    A version that is held or was removed by hand counts as the newest one: training again on nearly the same sales
    would give the same answer, every day.

    Args:
        champion: manifest of the version in use; None if there is none that can be used.
        set_aside: manifests of the versions that only a person can put in use (`promotion.set_aside`).
        model: the model in use.
        sample: a features frame of today's customers.
        catalog: today's personas.
        demanded: train whatever the age of the model in use.
    """
    if demanded:
        return "on demand"
    if champion is None or model is None:
        return "no readable model is in use"
    if not len(sample):
        return None
    today = sample["snapshot_date"].iloc[0]
    newest = champion.data["last_day"]
    for version in set_aside:
        # One of other code or other personas does not answer what would be trained today.
        alike = version.code_version == CODE_VERSION and version.data.get("catalogue") == catalog.digest
        if alike and version.data["last_day"] >= newest:
            newest = version.data["last_day"]
            if 0 <= _age(newest, today) < DAYS_BETWEEN_TRAININGS:
                return None
    age = _age(newest, today)
    if champion.code_version != CODE_VERSION:
        return f"the code is {CODE_VERSION}, and {champion.code_version} trained the model in use"
    if champion.data.get("catalogue") != catalog.digest:
        return "the personas are not those that the model in use was named by"
    if age < 0:
        return "the sales end before the last day that the model in use has seen"
    if age >= DAYS_BETWEEN_TRAININGS:
        return segment_card.unseen_days(days=age).text
    allowed = sample[eligible(sample)]
    if not champion.has_skill and len(allowed) >= 2 * champion.data["customers"]:
        return "there are twice as many customers, and the model in use is not stable"
    if len(allowed):
        offset = offset_of_average(model.standardize(allowed)).max()
        if offset > YARDSTICK_SDS:
            return segment_card.moved_average(deviations=float(offset)).text
    return None


def _age(last_day: str, today: dt.date) -> int:
    return (today - dt.date.fromisoformat(last_day)).days

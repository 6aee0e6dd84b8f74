"""The promotion policy of the forecast: whether a candidate takes the champion's place, and when to train one.

Both are judged by the same backtest on the same days: that of the candidate, in which the champion's family took part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from retail_assets.models.promotion import Decision
from retail_assets.models.store import Manifest
from retail_assets.wording import forecast_card as wording
from retail_assets.wording.forecast_models import in_words

# A week of new sales is a twentieth of what a model learns most from.
DAYS_BETWEEN_TRAININGS = 7
# Another family takes the place of the one in use only if it is better by more than luck of a few cut-offs.
HYSTERESIS = 0.015


def decide(candidate: Manifest, champion: Manifest | None, *, unusable: str | None = None) -> Decision:
    """Promote a candidate unless it lost: to the champion's family, or its skill.

    The champion's own family is fitted to newer sales without being compared; another one has to be better by more than
    1.5 %: families that take turns by luck would change the forecast for nothing. No version is held for a person.

    Args:
        candidate: manifest of the newly trained version.
        champion: manifest of the version in use; None without any that can be used.
        unusable: why the version in use cannot be used: then it is no rival.
    """
    if unusable:
        return _promoted(f"the model in use cannot be read: {unusable}")
    if champion is None:
        return _promoted("the first model")
    if candidate.version == champion.version:
        return _left("the same model as the one in use")
    if champion.has_skill and not candidate.has_skill:
        return _left(f"no skill in its backtest, while {champion.version} has: {candidate.verdict}")
    if _part_of(candidate, champion):
        return _left(str(wording.older(last_day=_last_day(candidate))))
    if candidate.family == champion.family:
        return _promoted(str(wording.again(model=in_words(candidate.family), last_day=_last_day(candidate))))
    ours, theirs = candidate.scores.get(candidate.family), candidate.scores.get(champion.family)
    if ours is None or theirs is None:
        return _promoted(f"{in_words(candidate.family)}; {in_words(champion.family)} took no part in the backtest")
    compared = {
        "candidate": in_words(candidate.family), "champion": in_words(champion.family), "ours": ours, "theirs": theirs
    }  # fmt: skip
    if champion.has_skill and ours >= theirs * (1 - HYSTERESIS):
        return _left(str(wording.not_better(**compared, bar=HYSTERESIS)))
    return _promoted(str(wording.better(**compared, gain=1 - ours / theirs if theirs else 0.0)))


def _last_day(version: Manifest) -> dt.date:
    return dt.date.fromisoformat(version.data["last_day"])


def _promoted(reason: str) -> Decision:
    return Decision(True, False, reason)


def _left(reason: str) -> Decision:
    return Decision(False, False, reason)


def _part_of(candidate: Manifest, champion: Manifest) -> bool:
    """The candidate has seen fewer of the same days. Days that are gone since, as a stray date is, make none better."""
    first, last = candidate.data.get("first_day", ""), candidate.data["last_day"]
    return bool(champion.data.get("first_day", "") <= first and last < champion.data["last_day"])


def reason_to_train(
    champion: Manifest | None,
    alike: Iterable[Manifest],
    last_day: dt.date | None,
    *,
    alarm: str | None,
    demanded: bool,
) -> str | None:
    """Say why a training is due now; None where no retraining is needed.

    Args:
        champion: manifest of the version in use; None without any.
        alike: all versions that this code trained on today's events. One that was not promoted, or was removed by hand,
            is not trained again on the same days.
        last_day: last day of sales; None without sales.
        alarm: why the accuracy of past forecasts is too low; None where it is as expected.
        demanded: train whatever the age.
    """
    if demanded:
        return "on demand"
    if champion is None:
        return "no model is in use"
    if last_day is None:
        return None
    seen = [dt.date.fromisoformat(version.data["last_day"]) for version in alike]
    if not seen:
        return f"other code or other events than those of {champion.version}, which is in use"
    newest = max((day for day in seen if day <= last_day), default=None)
    if newest is None:
        return "the sales end before those the model has seen"
    if alarm and newest < last_day:
        return alarm
    age = (last_day - newest).days
    return str(wording.training_due(days=age)) if age >= DAYS_BETWEEN_TRAININGS else None

"""Whether a newly trained forecast takes the place of the one in use, and whether it is time to train one.

Both are judged by the same backtest on the same days: that of the newcomer, in which the family in use took part too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from retail_assets.forecasting.backtest import MARGIN
from retail_assets.model_store import Manifest

# A week of new sales is a twentieth of what a model learns most from.
DAYS_BETWEEN_TRAININGS = 7


@dataclass(frozen=True)
class Decision:
    """The outcome and its reason, in words for the record."""

    promote: bool
    reason: str


def decide(newcomer: Manifest, standing: Manifest | None) -> Decision:
    """Promote the newcomer unless it lost: to the family in use, or its skill.

    A family that is in use is fitted anew to newer sales without a contest; another has to beat it by more than 1 %.
    """
    if standing is None:
        return Decision(True, "the first model")
    if newcomer.version == standing.version:
        return Decision(False, "the same model as the one in use")
    if standing.has_skill and not newcomer.has_skill:
        return Decision(False, f"no skill in its backtest, while {standing.version} has: {newcomer.verdict}")
    if newcomer.data["last_day"] < standing.data["last_day"]:
        return Decision(False, f"its sales end on {newcomer.data['last_day']}, before those of the model in use")
    if newcomer.family == standing.family:
        return Decision(True, f"{newcomer.family} again, fitted to sales up to {newcomer.data['last_day']}")
    ours, theirs = newcomer.scores.get(newcomer.family), newcomer.scores.get(standing.family)
    if ours is not None and theirs is not None and standing.has_skill and ours >= theirs * (1 - MARGIN):
        return Decision(False, f"{newcomer.family} ({ours:.1f}) is not more than 1 % better than {standing.family} "
                               f"({theirs:.1f}) on the same days")  # fmt: skip
    if ours is None or theirs is None:
        return Decision(True, f"{newcomer.family}; {standing.family} took no part in the backtest")
    return Decision(True, f"{newcomer.family} ({ours:.1f}) beats {standing.family} ({theirs:.1f}) on the same days")


def reason_to_train(
    standing: Manifest | None, last_day: dt.date | None, *, code_version: str, drift: str | None, demanded: bool
) -> str | None:
    """Why a training is due now; None where the model in use will do."""
    if demanded:
        return "on demand"
    if standing is None:
        return "no model is in use"
    if standing.code_version != code_version:
        return f"the code is {code_version}, the model is of {standing.code_version}"
    if drift:
        return drift
    if last_day is None:
        return None
    age = (last_day - dt.date.fromisoformat(standing.data["last_day"])).days
    if age < 0:
        return "the sales end before those the model has seen"
    return f"the model has not seen the last {age} days" if age >= DAYS_BETWEEN_TRAININGS else None

"""Whether a newly trained forecast takes the place of the one in use, and whether it is time to train one.

Both are judged by the same backtest on the same days: that of the newcomer, in which the family in use took part too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from retail_assets.forecasting.evaluation.backtest import MARGIN
from retail_assets.models.store import Manifest

# A week of new sales is a twentieth of what a model learns most from.
DAYS_BETWEEN_TRAININGS = 7


@dataclass(frozen=True)
class Decision:
    """The outcome and its reason, in words for the record."""

    promote: bool
    reason: str


def decide(
    newcomer: Manifest, standing: Manifest | None, *, unreadable: str | None = None, taken_out: Collection[str] = ()
) -> Decision:
    """Promote the newcomer unless it lost: to the family in use, or its skill.

    A family that is in use is fitted anew to newer sales without a contest; another has to beat it by more than 1 %.
    `unreadable` says why the model in use cannot be: then it is no rival. Versions `taken_out` by hand stay out.
    """
    if newcomer.version in taken_out:
        return Decision(False, "it was put out of use by hand: retail-assets models promote brings it back")
    if unreadable:
        return Decision(True, f"the model in use cannot be read: {unreadable}")
    if standing is None:
        return Decision(True, "the first model")
    if newcomer.version == standing.version:
        return Decision(False, "the same model as the one in use")
    if standing.has_skill and not newcomer.has_skill:
        return Decision(False, f"no skill in its backtest, while {standing.version} has: {newcomer.verdict}")
    if _part_of(newcomer, standing):
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


def _part_of(newcomer: Manifest, standing: Manifest) -> bool:
    """The newcomer has seen fewer of the same days. Days that are gone since, as a stray date is, make none better."""
    first, last = newcomer.data.get("first_day", ""), newcomer.data["last_day"]
    return bool(standing.data.get("first_day", "") <= first and last < standing.data["last_day"])


def reason_to_train(
    standing: Manifest | None, alike: Iterable[Manifest], last_day: dt.date | None, *, drift: str | None, demanded: bool
) -> str | None:
    """Why a training is due now; None where the model in use will do.

    `alike` are all versions that this code trained on the events of today: one that lost its contest, or was put out of
    use by hand, is not trained again on the same days.
    """
    if demanded:
        return "on demand"
    if standing is None:
        return "no model is in use"
    if last_day is None:
        return None
    seen = [dt.date.fromisoformat(known.data["last_day"]) for known in alike]
    if not seen:
        return f"other code or other events than those of {standing.version}, which is in use"
    newest = max((day for day in seen if day <= last_day), default=None)
    if newest is None:
        return "the sales end before those the model has seen"
    if drift and newest < last_day:
        return drift
    age = (last_day - newest).days
    return f"no model has seen the last {age} days" if age >= DAYS_BETWEEN_TRAININGS else None

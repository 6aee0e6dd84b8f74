"""Whether weather helps is for the backtest to say: a training with it and one without, on the same days.

In the backtest each cut-off sees the weather that was forecast by then, as the published forecast does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.regressors import Regressors
from retail_assets.forecasting.lifecycle.promotion_policy import HYSTERESIS
from retail_assets.forecasting.lifecycle.training import Training, train
from retail_assets.wording import weather as wording

_UNTRIED = "Weather forecasts are not used: none was issued early enough to be tried in the backtest."
_NO_FEATURES = "Weather forecasts are not used: the best method, with them and without, reads no features."


def train_where_optional_help(
    history: pd.DataFrame, *, country: str, seed: int, regressors: Regressors, **options: Any
) -> Training:
    """Train without the optional regressors and, where they have values to learn from, with them; return the better.

    With them the score has to be lower by more than luck, as for another model. The report says what was found.

    Args:
        history: rows of `daily_category_sales`.
        country: of the holiday calendar.
        seed: of the training.
        regressors: events and the like, some of them optional.
        options: further ones of `train`.
    """
    plain = train(history, country=country, seed=seed, regressors=regressors.without_optional(), **options)
    if not regressors.optional:
        return plain
    tested = plain.backtest
    if tested is None or not _known_at(regressors, [np.datetime64(cutoff, "D") for cutoff in tested.cutoffs]):
        return _saying(plain, False, _UNTRIED)
    richer = train(history, country=country, seed=seed, regressors=regressors, **options)
    other = richer.backtest
    if richer.model is None or other is None or other.cutoffs != tested.cutoffs:
        return _saying(plain, False, _UNTRIED)
    ours, theirs = (each.score(each.champion) for each in (other, tested))
    facts = {"with_weather": round(ours, 6), "without": round(theirs, 6), "cutoffs": len(tested.cutoffs)}
    if richer.model.reads_features and ours < theirs * (1 - HYSTERESIS):
        gain = 1 - facts["with_weather"] / facts["without"]
        return _saying(richer, True, str(wording.helps(**facts, gain=gain)), facts)
    if not richer.model.reads_features and ours == theirs:
        return _saying(plain, False, _NO_FEATURES, facts)
    return _saying(plain, False, str(wording.no_help(**facts, bar=HYSTERESIS)), facts)


def _known_at(regressors: Regressors, cutoffs: list[np.datetime64]) -> bool:
    """Whether any optional value was known at a cut-off for a day after it."""
    for name, days, known_on in zip(regressors.names, regressors.days, regressors.known_on, strict=True):
        if name in regressors.optional and any(((known_on <= at) & (days > at)).any() for at in cutoffs):
            return True
    return False


def _saying(training: Training, used: bool, sentence: str, facts: dict[str, Any] | None = None) -> Training:
    found = {"used": used, "in_words": sentence, **(facts or {})}
    return replace(training, report={**training.report, "weather": found})

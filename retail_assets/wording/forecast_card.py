"""Sentences of the forecast's model card and report: its data, why a model is promoted, and when one is trained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from retail_assets.wording.formats import day, listed, number, percent, plural, span
from retail_assets.wording.statement import phrase


@phrase("forecast.card.summary")
def summary(*, steps: int, unit: str, units: bool) -> str:
    """State what is forecast, and how far ahead."""
    coming = f"the next {plural(steps, unit)}{' (the source reports weeks)' if unit == 'week' else ''}"
    end = "; units by category." if units else "."
    return f"Revenue of {coming} by category and in total, with 80 % and 95 % prediction intervals{end}"


@phrase("forecast.card.sales")
def sales(*, first_day: dt.date, last_day: dt.date, days: int, categories: int) -> str:
    """State which sales a model has learned from."""
    of = plural(categories, "category", "categories")
    return f"sales from {span(first_day, last_day)}: {plural(days, 'day')}, {of}"


@phrase("forecast.card.closed_days")
def closed_days(*, closed: int, weekdays: Sequence[str], dates: Sequence[dt.date], more: int) -> str:
    """State how many days the shop was closed: on some weekdays, on these dates, and on `more` that are not named."""
    when = [f"{listed([f'{name}s' for name in weekdays])}"] if weekdays else []
    when += [day(date) for date in dates]
    when += [f"{more} more"] if more else []
    return (
        "Closed days (nothing sold where a usual day has 20 orders or more, or on a weekday silent 8 times in a row) "
        f"are neither learned from nor scored, {plural(closed, 'day')}: {listed(when)}."
    )


@phrase("forecast.too_short")
def too_short(*, days: int, horizon: int, needed: int) -> str:
    """State that the history is too short for a backtest."""
    return f"The history has {plural(days, 'day')}; a backtest over {plural(horizon, 'day')} needs {needed}."


@phrase("forecast.promotion.not_better")
def not_better(*, candidate: str, champion: str, ours: float, theirs: float, bar: float) -> str:
    """State that a candidate does not beat the model in use by enough; `ours` and `theirs` are their scores."""
    return (
        f"{candidate} (score {number(ours)}) is not more than {percent(bar)} better than {champion} "
        f"({number(theirs)}), which is in use, on the same days"
    )


@phrase("forecast.promotion.better")
def better(*, candidate: str, champion: str, ours: float, theirs: float, gain: float) -> str:
    """State that a candidate takes the place of the model in use; `gain` is the share by which its score is lower."""
    if gain <= 0:
        return (
            f"{candidate} (score {number(ours)}) takes the place of {champion} ({number(theirs)}), which has no skill"
        )
    lead = f"is {percent(gain)} better than {champion} ({number(theirs)}) on the same days"
    return f"{candidate} (score {number(ours)}) {lead}"


@phrase("forecast.promotion.again")
def again(*, model: str, last_day: dt.date) -> str:
    """State that the family in use was fitted again."""
    return f"{model} again, fitted to sales up to {day(last_day)}"


@phrase("forecast.promotion.older")
def older(*, last_day: dt.date) -> str:
    """State that a candidate has seen fewer days than the model in use."""
    return f"its sales end on {day(last_day)}, before those of the model in use"


@phrase("forecast.training_due")
def training_due(*, days: int) -> str:
    """State for how many days of sales there has been no training."""
    return f"no model has seen the last {plural(days, 'day')}"


@phrase("forecast.amounts")
def amounts(
    *,
    transactions: int,
    total: int,
    rmse: float,
    mean_rmse: float,
    skill: float,
    has_skill: bool,
    priced_rmse: float | None,
) -> str:
    """State how well amounts of single transactions can be predicted, from what is known before and with the price.

    `transactions` are those that were looked at, a sample of `total` where these are more.
    """
    sample = f", a sample of {total:,}" if total > transactions else ""
    against = f"RMSE {number(rmse)}, the mean alone {number(mean_rmse)}; {plural(transactions, 'transaction')}{sample}"
    text = f"No skill without the price: {against}."
    if has_skill:
        text = f"Skill without the price: {percent(skill)} below the mean predictor ({against})."
    return text if priced_rmse is None else f"{text} With the price known: RMSE {number(priced_rmse)}."


@phrase("forecast.amounts.too_few")
def too_few_amounts(*, transactions: int, needed: int) -> str:
    """State that there are too few transactions to predict amounts."""
    return (
        f"Not measured. {plural(transactions, 'transaction')} are too few to distinguish a pattern from chance; "
        f"{needed} are needed."
    )

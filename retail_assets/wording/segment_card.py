"""Sentences about a version of the segments' model: its card, and why it was trained and promoted or held."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, percent, plural
from retail_assets.wording.statement import phrase


@phrase("segment_card.verdict")
def verdict(
    *,
    segments: int,
    customers: int,
    silhouette: float,
    bootstrap_ari: float | None,
    stable: str | None,
    few: int,
    many: int,
) -> str:
    """State how good a training is: unknown with fewer than `few` customers; fewer than `many` are called so."""
    only = "only " if customers < many else ""
    what = f"{segments} segments of {only}{customers:,} customers"
    if bootstrap_ari is None:
        return (
            f"{what}: provisional. With fewer than {few} customers nothing shows whether the same segments would be "
            "found again; they describe these customers and no others."
        )
    return (
        f"{what}: {stable} when trained again on resamples (bootstrap ARI {bootstrap_ari:.2f}), silhouette "
        f"{silhouette:.2f}."
    )


@phrase("segment_card.sales")
def sales(*, first_day: dt.date, last_day: dt.date, days: int, customers: int) -> str:
    """State which sales and customers the model was trained on."""
    return (
        f"sales from {day(first_day)} to {day(last_day)} ({plural(days, 'day')}) of {plural(customers, 'customer')} "
        "who bought at least twice and paid something after returns"
    )


@phrase("segment_card.resamples")
def resamples(*, models: int) -> str:
    """State how the bootstrap ARI is measured."""
    return (
        f"The bootstrap ARI is the mean adjusted Rand index with {models} models trained from scratch on resamples of "
        "these customers; `segments/evaluation.json` repeats that of the chosen k."
    )


@phrase("segment_card.choice")
def choice(*, least: float, clear: float) -> str:
    """State which of the numbers of clusters that were tried is taken."""
    return (
        f"Taken is the largest usable k whose bootstrap ARI is at least {least:.2f} (of all usable ones where none is, "
        "or where it is not measured), so that each persona has its segment; a smaller one only if its silhouette is "
        f"at least {clear:.2f} and clearly higher. The number in use stays while it qualifies, unless a larger one has "
        "a clearly higher silhouette."
    )


@phrase("segment_card.older")
def older(*, last_day: dt.date) -> str:
    """State that a candidate has seen fewer days than the model in use."""
    return f"its sales end on {day(last_day)}, before those of the model in use"


@phrase("segment_card.renames_many")
def renames_many(*, share: float, most: float) -> str:
    """State that a candidate would rename more than `most` of the customers."""
    return f"it would give {percent(share)} of the customers another name (at most {percent(most)})"


@phrase("segment_card.promoted")
def promoted(*, last_day: dt.date, share: float | None) -> str:
    """State what a promoted candidate has seen, and how many customers it names differently from the model before."""
    change = "" if share is None else f"; {percent(share)} of the customers get another name"
    return f"trained on sales up to {day(last_day)}{change}"


@phrase("segment_card.unseen_days")
def unseen_days(*, days: int) -> str:
    """State how many days of sales the model in use has not seen."""
    return f"the model has not seen the last {plural(days, 'day')}"


@phrase("segment_card.moved_average")
def moved_average(*, deviations: float) -> str:
    """State how far the average customer is from the one that the model's yardstick was made by."""
    return f"the average customer is {deviations:.2f} standard deviations from the average of the yardstick"

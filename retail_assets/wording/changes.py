"""Sentences about what has changed since the last run: landings, revenue, and findings that turned, came or went."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, money, plural, span
from retail_assets.wording.statement import phrase


@phrase("changes.first_run")
def first_run() -> str:
    """Say that there is nothing to compare with."""
    return "**Nothing to compare with**: no earlier run is on record."


@phrase("changes.nothing")
def nothing(*, landings: int, last_day: dt.date | None) -> str:
    """Say that the last run had the same landings and found the same."""
    until = "no sales" if last_day is None else f"sales up to {day(last_day)}"
    return f"**Nothing has changed since the last run**: {plural(landings, 'landing')}, {until}."


@phrase("changes.landings")
def landings(*, new: int, rows: int, first: dt.date | None, last: dt.date | None, again: int, gone: int) -> str:
    """Count landings that are new, from `first` to `last` and with so many `rows`, other than before, or gone."""
    parts = []
    if first is not None and last is not None:
        parts.append(f"**{plural(new, 'new landing')}** ({span(first, last)}) with {plural(rows, 'row')}")
    else:
        parts.append("**No new landing**")
    if again:
        parts.append(f"{plural(again, 'landing')} cleaned again with another result")
    if gone:
        parts.append(f"{plural(gone, 'landing')} no longer there")
    return f"{'; '.join(parts)}."


@phrase("changes.revenue")
def revenue(
    *,
    added: float,
    lines: int,
    total: float,
    last_day: dt.date | None,
    last_day_before: dt.date | None,
    currency: str,
) -> str:
    """State the revenue and the order lines that were added, below zero those that were taken away."""
    if not added and not lines:
        text = f"**Revenue is the same**: {money(total, currency)}"
    else:
        more = f"{plural(abs(lines), 'order line')} {'more' if lines >= 0 else 'fewer'}"
        verb = "more" if added >= 0 else "less"
        text = f"**{money(abs(added), currency)} {verb} revenue**, {more}: {money(total, currency)} in total"
    if last_day != last_day_before and last_day is not None:
        before = "there were none" if last_day_before is None else day(last_day_before)
        text += f"; sales reach {day(last_day)} (before: {before})"
    return f"{text}."


@phrase("changes.turned")
def turned(*, before: str, now: str) -> str:
    """State a finding that says something else than before; both are sentences."""
    return f"**Changed.** {now} *Before:* {before}"


@phrase("changes.new")
def new(*, sentence: str) -> str:
    """State a finding that was not there before."""
    return f"**New.** {sentence}"


@phrase("changes.gone")
def gone(*, sentence: str) -> str:
    """State a finding that is no longer there."""
    return f"**No longer there.** {sentence}"


@phrase("changes.more")
def more(*, count: int) -> str:
    """State how many changes of findings are left out."""
    return f"{plural(count, 'more finding')} changed, came or went: `changes.json` has them."

"""Sentences about landed rows that are not in the numbers: quarantined, excluded and superseded, with their money."""

from __future__ import annotations

from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording.formats import listed, money, percent, plural, short
from retail_assets.wording.statement import phrase

_SMALLEST_SHARE = 0.0005
_LONGEST_GUESS = 200


@phrase("sales.landed")
def landed(*, total: int, rows: tuple[tuple[str, int], ...]) -> str:
    """Count what became of all landed rows, by status."""
    each = listed(f"{count:,} {'is' if count == 1 else 'are'} {status}" for status, count in rows)
    return f"Of {plural(total, 'landed row')}, {each}."


@phrase("sales.quarantined")
def quarantined(*, rows: int, total: int, share: float, amount: float, without_amount: int, currency: str) -> str:
    """State how many rows are in quarantine, and their money as far as it could be read."""
    if without_amount >= rows:
        worth = "their amounts could not be read"
    else:
        worth = f"{money(amount, currency)} that no number here includes"
        if without_amount:
            worth += f", and {plural(without_amount, 'row')} whose amount could not be read"
    return (
        f"**{_share(rows, total, share)} in quarantine**: {worth}. `retail-assets quarantine summary` says why, and "
        "what to do."
    )


@phrase("sales.excluded")
def excluded(*, rows: int, total: int, share: float, amount: float, currency: str) -> str:
    """State how many rows the contract leaves out, and their money."""
    return f"**{_share(rows, total, share)} excluded** by the rules of the contract: {money(amount, currency)}."


def _share(rows: int, total: int, share: float) -> str:
    """Write rows with their share: `15 of 30 landed rows (50.0 %) are`."""
    part = percent(share) if share >= _SMALLEST_SHARE else "< 0.1 %"
    return f"{rows:,} of {plural(total, 'landed row')} ({part}) {'is' if rows == 1 else 'are'}"


@phrase("sales.days_missing")
def days_missing(*, days: int) -> str:
    """Say that days have rejected rows only."""
    return (
        f"**{plural(days, 'day')}** without a sale {'has' if days == 1 else 'have'} rejected rows: their sales are "
        "missing from every sum, and averages per day leave them out."
    )


@phrase("sales.assumed")
def assumed(*, guesses: tuple[str, ...]) -> str:
    """List guesses of a drafted contract that nobody has confirmed."""
    each = "; ".join(as_cell(short(guess, _LONGEST_GUESS, keep_end=False)) for guess in guesses)
    return f"**Assumed, not confirmed** (marked `# ANSWER:` in the contract): {each}."

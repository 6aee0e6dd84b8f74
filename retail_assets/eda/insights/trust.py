"""Sentences on the rows that are not in the numbers: quarantined, excluded and superseded, with their money."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.eda.data import EdaData
from retail_assets.eda.landed import NAMES, Landed
from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording.formats import listed, money, percent, plural, short

_SMALLEST_SHARE = 0.0005
_LONGEST_GUESS = 200


def sentences(data: EdaData, currency: str) -> list[str]:
    """Say what became of the landed rows that are no sales; nothing if all are."""
    landed = data.landed
    if landed.total == landed.count("clean"):
        return []
    said = [
        f"Of {plural(landed.total, 'landed row')}, "
        + listed(f"{landed.count(name):,} {'is' if landed.count(name) == 1 else 'are'} {name}" for name in NAMES)
        + "."
    ]
    if landed.count("quarantined"):
        said.append(_quarantined(landed, currency))
    if data.days_rejected:
        said.append(
            f"**{plural(len(data.days_rejected), 'day')}** without a sale {_have(len(data.days_rejected))} rejected "
            "rows: their sales are missing from every sum, and averages per day leave them out."
        )
    if landed.count("excluded"):
        said.append(
            f"**{_share(landed, 'excluded')} excluded** by the rules of the contract{_of_money(landed, currency)}."
        )
    return said


def assumed(guesses: Sequence[str]) -> list[str]:
    """Say which guesses of a drafted contract nobody has confirmed; nothing without any."""
    if not guesses:
        return []
    listed_guesses = "; ".join(as_cell(short(guess, _LONGEST_GUESS, keep_end=False)) for guess in guesses)
    return [f"**Assumed, not confirmed** (marked `# ANSWER:` in the contract): {listed_guesses}."]


def _quarantined(landed: Landed, currency: str) -> str:
    count, without = landed.count("quarantined"), landed.without_amount
    if without >= count:
        worth = "their amounts could not be read"
    else:
        worth = f"{money(float(landed.amount('quarantined')), currency)} that no number here includes"
        if without:
            worth += f", and {plural(without, 'row')} whose amount could not be read"
    return (
        f"**{_share(landed, 'quarantined')} in quarantine**: {worth}. `retail-assets quarantine summary` says why, and "
        "what to do."
    )


def _share(landed: Landed, name: str) -> str:
    """Write the rows of a status with their share: `15 of 30 landed rows (50.0 %) are`."""
    count = landed.count(name)
    share = count / landed.total
    part = percent(share) if share >= _SMALLEST_SHARE else "less than 0.1 %"
    return f"{count:,} of {plural(landed.total, 'landed row')} ({part}) {'is' if count == 1 else 'are'}"


def _of_money(landed: Landed, currency: str) -> str:
    return f": {money(float(landed.amount('excluded')), currency)}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"

"""The currency of what was cleaned: a setting that says otherwise would relabel money, not convert it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from retail_assets.contracts.currency_signs import CURRENCIES
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError, NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest


def refuse_currency_of(landings: Iterable[CleanManifest], contract: Contract) -> None:
    """Refuse to go on if a landing was cleaned in another currency than the contract's. Raises LandingError.

    All landings of a home have one currency, so the latest one is enough.
    """
    for cleaned in landings:
        recorded = _currency_of(cleaned, contract)
        if recorded not in ("", contract.currency):
            raise LandingError(
                f"{cleaned.source}: the sales so far are in {recorded} (landing {cleaned.landed_on}), but "
                f"RETAIL_CURRENCY or the contract now says {contract.currency}. That would rename the money, not "
                f"convert it. Nothing was changed. Set it back to {recorded}. If the files always were in "
                f"{contract.currency}, clean and load every landing again in one run (retail-assets materialize "
                "--partition-range FIRST...LAST). If new files are in another currency, give them a source of their "
                "own, or convert them (`currencies`, docs/contracts.md)."
            )


def refuse_other_currency(lake: Lake, contract: Contract, replaced: Collection[dt.date] = ()) -> None:
    """Refuse to go on if the landings were cleaned in another currency than the contract's.

    `replaced` are landings that are about to be cleaned again. Reads the manifest of the latest other landing that the
    register knows: this is asked before each landing is cleaned, and by everything that shows money. Raises
    LandingError.
    """
    if not _refused(lake, lake.known_days("clean"), contract, replaced):
        _refused(lake, lake.days("clean"), contract, replaced)  # what the register knows is gone, or is replaced


def _refused(lake: Lake, days: Iterable[dt.date], contract: Contract, replaced: Collection[dt.date]) -> bool:
    """Compare the latest of the landings that is there and is not replaced; return whether there is one."""
    for day in sorted(set(days).difference(replaced), reverse=True):
        try:
            cleaned = lake.clean(day)
        except NotReadyError:  # a folder without a manifest
            continue
        refuse_currency_of([cleaned], contract)
        return True
    return False


def _currency_of(cleaned: CleanManifest, contract: Contract) -> str:
    """Return the recorded currency. Version 0.1.0 recorded none, only a digest that changes with the currency.

    Empty if it cannot be told, because more than the currency has changed since.
    """
    if cleaned.currency or cleaned.contract == contract.digest:
        return cleaned.currency or contract.currency
    others = (contract.model_copy(update={"currency": code}) for code in CURRENCIES)
    return next((other.currency for other in others if other.digest == cleaned.contract), "")

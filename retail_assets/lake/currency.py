"""The currency of what was cleaned: a setting that says otherwise would relabel money, not convert it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from retail_assets.contracts.currency_signs import CURRENCIES
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError, NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest


def refuse_other_currency(lake: Lake, contract: Contract, replaced: Collection[dt.date] = ()) -> None:
    """Refuse to go on if the landings were cleaned in another currency than the contract's.

    `replaced` are landings that are about to be cleaned again. Reads the manifest of the latest other landing: all
    landings of a home have one currency, because this is asked before each is cleaned. Raises LandingError.
    """
    for day in reversed(lake.days("clean")):
        if day in replaced:
            continue
        try:
            cleaned = lake.clean(day)
        except NotReadyError:  # a folder without a manifest
            continue
        recorded = _currency_of(cleaned, contract)
        if recorded in ("", contract.currency):
            return
        raise LandingError(
            f"{lake.source}: the sales so far are in {recorded} (landing {day}), but RETAIL_CURRENCY or the contract "
            f"now says {contract.currency}. That would rename the money, not convert it. Nothing was changed. Set it "
            f"back to {recorded}. If the files always were in {contract.currency}, clean and load every landing again "
            "in one run (retail-assets materialize --partition-range FIRST...LAST). If new files are in another "
            "currency, give them a source of their own, or convert them (`currencies`, docs/contracts.md)."
        )


def _currency_of(cleaned: CleanManifest, contract: Contract) -> str:
    """Return the recorded currency. Version 0.1.0 recorded none, only a digest that changes with the currency.

    Empty if it cannot be told, because more than the currency has changed since.
    """
    if cleaned.currency or cleaned.contract == contract.digest:
        return cleaned.currency or contract.currency
    others = (contract.model_copy(update={"currency": code}) for code in CURRENCIES)
    return next((other.currency for other in others if other.digest == cleaned.contract), "")

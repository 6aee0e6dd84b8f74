"""Keeping erased customers from coming back: every file that is registered is looked through, and rewritten if need be.

This is the one door through which landed files come, however they landed: by the command line, copied into the bucket,
streamed, corrected or replayed. Without an erased customer it costs one look for tombstones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from retail_assets.contracts.model import Contract
from retail_assets.erasure.person import Rows, rows_of
from retail_assets.erasure.raw_landings import erased_from, with_more
from retail_assets.erasure.reference_rows import erase_from_reference_files
from retail_assets.erasure.tombstones import erased_customers
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import Erased
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.references import LandedReferences
from retail_assets.landing.register import Without
from retail_assets.settings import Settings
from retail_assets.storage import Store


def without_erased(settings: Settings, raw: Store, lake: Lake) -> Without | None:
    """Return what takes erased customers out of files that are being registered; None if nobody was erased.

    Reference files that describe customers are looked through at once.

    Raises ErasureError if the key of the tombstones is not there.
    """
    erased = erased_customers(settings, lake)
    if erased is None:
        return None
    contract = settings.contract
    erase_from_reference_files(raw, lake.source, contract, erased.among)
    references = LandedReferences(raw, lake.source, contract) if contract.references else None

    def without(landed_on: dt.date, profiles: Sequence[FileProfile]) -> tuple[list[FileProfile], list[Erased]]:
        found = rows_of(raw, profiles, contract, erased.among)
        return _rewritten(raw, contract, landed_on, profiles, found, references)

    return without


def _rewritten(
    raw: Store,
    contract: Contract,
    landed_on: dt.date,
    profiles: Sequence[FileProfile],
    found: Mapping[str, Rows],
    references: LandedReferences | None,
) -> tuple[list[FileProfile], list[Erased]]:
    kept: list[FileProfile] = []
    erasures: list[Erased] = []
    for profile in profiles:
        rows = found.get(profile.key)
        if rows is None:
            kept.append(profile)
            continue
        new = erased_from(raw, contract, landed_on, profile, rows, references, contract.digest)
        erasures.append(with_more(None, profile.key, rows, new))
        if new is not None:
            kept.append(new)
    return kept, erasures

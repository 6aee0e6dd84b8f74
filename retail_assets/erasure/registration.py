"""Keeping erased customers from coming back: every file that is registered is looked through, and rewritten if need be.

This is the one door through which landed files come, however they landed: by the command line, copied into the bucket,
streamed, corrected or replayed. Without an erased customer it costs one look for tombstones. A file that was looked
through when it was registered before, for the same customers and by the same code, is not looked through again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retail_assets.contracts.model import Contract
from retail_assets.erasure.person import Rows, rows_of
from retail_assets.erasure.raw_landings import erased_from, with_more
from retail_assets.erasure.reference_rows import erase_from_reference_files
from retail_assets.erasure.tombstones import Erased, erased_customers
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import Erased as ErasedRows
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspector import code_of
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
    return _WithoutErased(raw, contract, erased, references)


@dataclass(frozen=True)
class _WithoutErased:
    """Takes erased customers out of landed files."""

    raw: Store
    contract: Contract
    erased: Erased
    references: LandedReferences | None

    @property
    def version(self) -> str:
        code = code_of("cleaning", "contracts", "erasure", "landing")
        hashes = hashlib.sha256("".join(sorted(self.erased.hashes)).encode()).hexdigest()
        return f"{code} {hashes[:16]}"

    def __call__(
        self, landed_on: dt.date, profiles: Sequence[FileProfile], looked_through: Collection[str]
    ) -> tuple[list[FileProfile], list[ErasedRows]]:
        # Nobody is in a file that was looked through. But an order in a new file may name more rows in it.
        new = [profile for profile in profiles if profile.key not in looked_through]
        found = rows_of(self.raw, new, self.contract, self.erased.among)
        if found and len(new) < len(profiles):
            found = rows_of(self.raw, profiles, self.contract, self.erased.among)
        return _rewritten(self.raw, self.contract, landed_on, profiles, found, self.references)


def _rewritten(
    raw: Store,
    contract: Contract,
    landed_on: dt.date,
    profiles: Sequence[FileProfile],
    found: Mapping[str, Rows],
    references: LandedReferences | None,
) -> tuple[list[FileProfile], list[ErasedRows]]:
    kept: list[FileProfile] = []
    erasures: list[ErasedRows] = []
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

"""Registering files of a source with pseudonyms: a file that has ids as they are is refused, however it landed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import Erased
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspector import code_of
from retail_assets.landing.register import Without
from retail_assets.landing.streamed import offsets_of
from retail_assets.pseudonyms.clear_ids import first_clear_line
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.pseudonyms.pseudonym import OtherKeyError, Pseudonyms
from retail_assets.pseudonyms.reference_files import refuse_clear_references
from retail_assets.pseudonyms.replaced_columns import replaced_columns
from retail_assets.settings import Settings
from retail_assets.storage import Store


def refusing_clear_ids(settings: Settings, raw: Store, lake: Lake, without: Without | None) -> Without | None:
    """Return `without`, after a look through the files of a landing, where the contract asks for pseudonyms.

    Reference files are looked through at once. Raises LandingError for the first file with an id as it is, and as
    `pseudonyms_of` does.
    """
    pseudonyms = pseudonyms_of(settings, lake, landing=False)
    if pseudonyms is None:
        return without
    contract = settings.contract
    refuse_clear_references(raw, contract, pseudonyms)
    return _RefusingClearIds(raw, contract, pseudonyms, without)


@dataclass(frozen=True)
class _RefusingClearIds:
    """Refuses files with ids as they are, before erased customers are taken out of them."""

    raw: Store
    contract: Contract
    pseudonyms: Pseudonyms
    without: Without | None

    @property
    def version(self) -> str:
        own = f"{code_of('cleaning', 'contracts', 'landing', 'pseudonyms')} {self.pseudonyms.fingerprint()[:16]}"
        return f"{own} {self.without.version}" if self.without else own

    def __call__(
        self, landed_on: dt.date, profiles: Sequence[FileProfile], looked_through: Collection[str]
    ) -> tuple[list[FileProfile], list[Erased]]:
        for profile in profiles:
            if profile.key not in looked_through:
                self._refuse_clear(landed_on, profile)
        return self.without(landed_on, profiles, looked_through) if self.without else (list(profiles), [])

    def _refuse_clear(self, landed_on: dt.date, profile: FileProfile) -> None:
        columns = replaced_columns(profile, self.contract)
        try:
            with self.raw.open(profile.key) as handle:
                line = first_clear_line(handle, replace(profile, fill_down=[]), columns, self.pseudonyms)
        except OtherKeyError as e:
            raise LandingError(f"{profile.key}: {e}") from None
        if line is not None:
            way_out = (
                f"Delete this file from {self.raw.uri} and land it with `retail-assets land FILE --date {landed_on}`, "
                "which replaces ids."
                if offsets_of(profile.key) is None
                else "Its topic was streamed without: give the contract another `name`, and stream it again."
            )
            raise LandingError(
                f"{profile.key}, line {line}: there is an id that has no pseudonym, and the contract "
                f"{self.contract.name!r} says `pseudonymize`. Nothing was registered. {way_out}"
            )

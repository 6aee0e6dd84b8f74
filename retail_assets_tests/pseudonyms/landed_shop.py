"""A shop whose files land by the product's own door, with pseudonyms or without."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from retail_assets.erasure.registration import without_erased
from retail_assets.lake.manifests import RawManifest
from retail_assets.landing.land import Landed, land_file
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets.pseudonyms.landing import as_landed
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.pseudonyms.pseudonym import Pseudonyms
from retail_assets.pseudonyms.registration import refusing_clear_ids
from retail_assets_tests.erasure.shop import CONTRACT, Shop

WITH_PSEUDONYMS = CONTRACT + "pseudonymize: true\n"


class LandedShop(Shop):
    """As `Shop`, but files land as `retail-assets land` does it, and are registered as the asset does it."""

    def __init__(self, folder: Path, contract: str = WITH_PSEUDONYMS, more: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, more, contract)

    def landed(self, day: dt.date, name: str, data: bytes, **how: Any) -> Landed:
        """Land a file of this name and content."""
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        path = inbox / name
        path.write_bytes(data)
        p = self.platform
        pseudonyms = pseudonyms_of(p.settings, p.lake, landing=True)
        reference = how.get("reference")
        with as_landed(path, p.settings.contract, day, reference, pseudonyms) as copied:
            landed = land_file(copied, p.raw, p.source, day, original=path, **how)
        path.unlink()
        return landed

    def register(self, *days: dt.date) -> list[RawManifest]:
        p: Platform = self.platform
        without = without_erased(p.settings, p.raw, p.lake)
        without = refusing_clear_ids(p.settings, p.raw, p.lake, without)
        return list(register_landings(p.raw, p.lake, list(days), p.settings.contract, without).manifests)

    @property
    def pseudonyms(self) -> Pseudonyms:
        found = pseudonyms_of(self.platform.settings, self.platform.lake, landing=False)
        assert found is not None
        return found

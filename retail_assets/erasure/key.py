"""The key of the keyed hashes by which erased customers are recognized, without anybody keeping their ids."""

from __future__ import annotations

from retail_assets.settings import Settings
from retail_assets.storage.secret_keys import KeyPlace

FILE = "erasure.key"


def key_of(settings: Settings, *, create: bool) -> bytes | None:
    """Return the key: that of RETAIL_ERASURE_KEY, or the one in the home.

    Without either, one is made in the home if `create` is set, readable by its owner only; else the result is None.
    Raises SettingsError if the file cannot be read or written.
    """
    place = KeyPlace(
        settings.erasure_key,
        settings.home / FILE,
        "RETAIL_ERASURE_KEY",
        "The key of erased customers",
        "erased customers are not recognized when their files land again",
    )
    return place.key(create=create)

"""What a restored home must know of the one that it replaces: who was erased since the backup was made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from retail_assets.erasure import key as erasure
from retail_assets.erasure.tombstones import carry_over
from retail_assets.lake.lake import Lake
from retail_assets.pseudonyms import opened as pseudonyms
from retail_assets.storage import Store

_KEYS = (erasure.FILE, pseudonyms.FILE)


def carry_tombstones_over(old: Mapping[str, Path], new: Mapping[str, Path]) -> dict[str, int]:
    """Add the tombstones of a home, and its keys, to an older copy of it that lacks them.

    A lake in a remote store stays as it is, with tombstones and pseudonyms that nobody could read without the keys.

    Args:
        old: the folders `lake` and `home` that are about to be replaced; they need not exist.
        new: the same of the copy.

    Returns:
        By source, the customers that the copy did not know as erased: they are in it until all landings are registered
        again. Raises ErasureError if the two were made with different keys.
    """
    for name in _KEYS:
        key, copied = old["home"] / name, new["home"] / name
        if key.exists() and not copied.exists():
            shutil.copy2(key, copied)
    if "lake" not in old or not old["lake"].is_dir():
        return {}
    erased = {}
    before, after = Store(str(old["lake"])), Store(str(new["lake"]))
    for source in before.folders(""):
        if added := carry_over(Lake(before, source), Lake(after, source)):
            erased[source] = added
    return erased

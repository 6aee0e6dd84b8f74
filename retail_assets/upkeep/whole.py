"""Whether copied files are a whole: what the manifests and pointers among them name is among them as well."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from retail_assets.errors import RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES
from retail_assets.models.kinds import KINDS
from retail_assets.models.store import ModelStore
from retail_assets.serving import manifest as bundles
from retail_assets.storage import Store

#: Records that name other files. They are copied first: what they name stays at least a day after they have changed.
RECORD = ".json"


def missing(place: str, copy: Store, keys: Collection[str]) -> list[str]:
    """Return the keys that the records of a copied place name, and that are not in it.

    Args:
        place: `lake`, `models` or `serving`; the others have no such records.
        copy: the copied place.
        keys: of its files.

    A record that cannot be read names nothing: it is damaged where it was copied from, too.
    """
    named = {"lake": _of_lake, "models": _of_models, "serving": _of_bundles}.get(place)
    return sorted(set(named(copy)).difference(keys)) if named else []


def _of_lake(copy: Store) -> Iterator[str]:
    for source in copy.folders(""):
        lake = Lake(copy, source)
        for day in lake.days("clean"):
            with contextlib.suppress(RetailError):
                landing = lake.clean(day)
                yield from (key for status in STATUSES for key in landing.keys(status))


def _of_models(copy: Store) -> Iterator[str]:
    for source in copy.folders(""):
        for kind in KINDS.values():
            models = ModelStore(copy, source, kind)
            if (champion := models.champion_or_none()) is not None:
                yield from models.keys(champion.version)


def _of_bundles(copy: Store) -> Iterator[str]:
    for source in copy.folders(""):
        data = copy.read_if_exists(f"{source}/{bundles.POINTER}")
        if data is not None:
            with contextlib.suppress(RetailError):
                version = bundles.read_pointer(data, source).version
                for name in (bundles.MANIFEST, *bundles.FILES):
                    yield f"{source}/{bundles.key(version, name)}"

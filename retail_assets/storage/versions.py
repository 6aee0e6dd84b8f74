"""Which version of an object is there, without reading it: many objects of one name, one listing.

Whoever keeps what was read of an object (a cache) compares versions, and reads again only what has changed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace

from retail_assets.errors import StorageError
from retail_assets.storage.objects import Entry
from retail_assets.storage.store import Store


def in_folders(store: Store, prefix: str, name: str) -> dict[str, Entry]:
    """Return the object `name` of each folder directly below `prefix` that has one, by the name of the folder.

    The `tag` of an entry is its version: it changes with every write, and is what `read_version` returns. Locally this
    costs one look per folder, remotely a listing of everything below `prefix`.
    """
    if store.is_local:
        try:
            return dict(_looked_up(store, prefix, name))
        except OSError as e:
            raise StorageError(
                f"Cannot list {store.uri}/{prefix}: {e.strerror or e}. Check its owner and permissions."
            ) from e
    listed = ((entry, entry.key.removeprefix(f"{prefix}/").split("/")) for entry in store.list(prefix))
    return {
        parts[0]: replace(entry, tag=_unquoted(entry.tag))
        for entry, parts in listed
        if len(parts) == 2 and parts[1] == name
    }


def read_version(store: Store, key: str) -> tuple[bytes, str] | None:
    """Return the content of an object and its version; None if there is no object.

    The version of a store without tags is never that of a listing.
    """
    if not store.is_local:
        tagged = store.read_tagged(key)
        return None if tagged is None else (tagged[0], _unquoted(tagged[1]) or "")
    if not store.exists(key):
        return None
    with store.open(key) as handle:
        about = os.fstat(handle.fileno())
        return handle.read(), _version(about)


def _looked_up(store: Store, prefix: str, name: str) -> Iterator[tuple[str, Entry]]:
    base = store.local_path(prefix)
    if not base.is_dir():
        return
    with os.scandir(base) as folders:
        for folder in folders:
            if folder.name.startswith("."):
                continue
            try:
                about = os.stat(os.path.join(folder.path, name))
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(about.st_mode):
                key = f"{prefix}/{folder.name}/{name}"
                yield folder.name, Entry(key, about.st_size, about.st_mtime, _version(about))


def _version(about: os.stat_result) -> str:
    """What changes with every write: a new version of an object is another file, renamed into place."""
    return f"{about.st_size}-{about.st_mtime_ns}-{about.st_ino}"


def _unquoted(tag: str | None) -> str | None:
    """Azure quotes its tags in some answers only."""
    return None if tag is None else tag.strip('"')

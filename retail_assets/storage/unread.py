"""What lies in a store and is not among its objects: links to folders, pipes, names that are no keys, hidden names.

`Store.list` leaves them out, so that no reader hangs or fails on them. Who has to account for every file asks here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retail_assets.storage import part_files
from retail_assets.storage.store import Store, is_key


@dataclass(frozen=True)
class Unread:
    """Something that no listing shows. `name` is printable, below the store's root; `hidden`: only for its dot."""

    name: str
    why: str
    hidden: bool = False


def unread(store: Store, prefix: str) -> list[Unread]:
    """Return what lies below the folder `prefix` and is not an object of the store, sorted by name.

    Unfinished writes of this program are left out.
    """
    found = _in_folder(Path(store.uri), Path(store.uri, *prefix.split("/"))) if store.is_local else _keys(store, prefix)
    return sorted(found, key=lambda item: item.name)


def printable(name: str) -> str:
    r"""Return a name without control characters, and with bytes that are not UTF-8 written out.

    >>> printable("caf\udce9.csv"), printable("two\nlines")
    ('caf\\xe9.csv', 'two\\nlines')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _in_folder(root: Path, base: Path) -> Iterator[Unread]:
    for folder, folders, files in os.walk(base):
        for name, is_folder in [*((n, True) for n in folders), *((n, False) for n in files)]:
            path = Path(folder, name)
            why = _why_not(path, name, is_folder=is_folder)
            if why is not None and not part_files.is_one(name):
                yield Unread(printable(path.relative_to(root).as_posix()), why, hidden=why == _HIDDEN)
        folders[:] = [n for n in folders if not n.startswith(".") and is_key(n)]


_HIDDEN = "hidden: its name begins with a dot"


def _why_not(path: Path, name: str, *, is_folder: bool) -> str | None:
    if name.startswith("."):
        return _HIDDEN
    if not is_key(name):
        return "its name is not UTF-8 text without control characters"
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return "a link to something that is not there" if path.is_symlink() else None  # deleted since the listing
    except OSError:
        return "a link that leads to itself" if path.is_symlink() else None  # its reader says what is wrong
    if is_folder:
        return "a link to a folder, which is not followed" if path.is_symlink() else None
    return None if stat.S_ISREG(kind) else "not a file but a pipe, a socket or a device"


def _keys(store: Store, prefix: str) -> Iterator[Unread]:
    for key in store.keys_not_listed(prefix):
        hidden = any(part.startswith(".") for part in key.split("/")) and is_key(key)
        yield Unread(printable(key), _HIDDEN if hidden else "its name is not a key of folders and names", hidden)

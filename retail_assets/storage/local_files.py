"""The files of a local store, by one call per file: a raw store may have 100,000."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from retail_assets.storage.objects import Entry, Page


def walk(root: Path, prefix: str) -> Iterator[Entry]:
    """Yield the files below a folder of a store, in any order; hidden names are left out."""
    base = str(Path(root, *filter(None, prefix.split("/"))))
    for key, about in _files(base, f"{prefix}/" if prefix else ""):
        yield Entry(key, about.st_size, about.st_mtime)


def pages(root: Path, prefix: str, named: str, after: str) -> Iterator[Page]:
    """Yield the files below each folder directly below `prefix`: names beginning `named`, after `after`, in order."""
    base = str(Path(root, *prefix.split("/")))
    try:
        with os.scandir(base) as children:
            found = [c.name for c in children if c.name.startswith(named) and c.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    for name in sorted(name for name in found if name > after):
        entries = []
        for key, about in _files(f"{base}/{name}", f"{prefix}/{name}/"):
            # A rename keeps the time of writing, and a rewriting in place the inode: one of the three changes.
            tag = f"{about.st_mtime_ns}-{about.st_ctime_ns}-{about.st_ino}"
            entries.append(Entry(key, about.st_size, about.st_ctime, tag))
        yield Page(sorted(entries, key=lambda e: e.key), time.time())


def _files(folder: str, beginning: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below a folder, by keys with this beginning. One call per file: there may be 100,000."""
    try:
        with os.scandir(folder) as listed:
            children = list(listed)
    except FileNotFoundError:  # never there, or deleted since the listing
        return
    for child in children:
        if child.name.startswith("."):
            continue
        try:
            if child.is_dir(follow_symlinks=False):
                yield from _files(child.path, f"{beginning}{child.name}/")
                continue
            about = child.stat()
        except FileNotFoundError:  # deleted since the listing, or a link to nothing
            continue
        except OSError as e:
            if e.errno == errno.ELOOP:
                continue
            raise
        if stat.S_ISREG(about.st_mode):
            yield f"{beginning}{child.name}", about

"""What lies in the raw store and would be overlooked: what no file reader can open is refused, the rest is reported.

Every file of a landing is read, or named here with the reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retail_assets.errors import LandingError
from retail_assets.landing.formats import suffix_of
from retail_assets.landing.partitions import REFERENCES, is_data, partition_folder, partition_of
from retail_assets.storage import Store
from retail_assets.storage.store import is_key
from retail_assets.storage.unread import printable, unread

_SHOWN = 10
#: What engines and desktops write next to data. Nobody expects sales in it.
_BY_PROGRAMS = re.compile(
    r"_(SUCCESS|committed_.*|started_.*|temporary|delta_log|metadata|common_metadata|spark_metadata|change_data)"
    r"|\.(DS_Store|_.*|.*\.crc|git\w*|nfs.*|~lock.*|hoodie.*|sw.|directory|Trash.*)\Z"
)


@dataclass(frozen=True)
class Overlooked:
    """A file or folder of the raw store that no landing reads, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def refuse_unreadable(store: Store, source: str, days: Iterable[dt.date]) -> None:
    """Raise LandingError if a landing has something that is no file: a link to a folder, a pipe, a broken name."""
    for day in days:
        folder = partition_folder(source, day)
        wrong = [f"  {item.name}: {item.why}" for item in unread(store, folder) if not item.hidden]
        if store.is_local and store.local_path(folder).is_symlink():
            wrong.insert(0, f"  {folder}: a link to a folder, which is not followed")
        if wrong:
            more = f"\n  and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
            listed = "\n".join(wrong[:_SHOWN])
            raise LandingError(
                f"The landing of {day} has what cannot be read as files. Nothing was changed.\n{listed}{more}\n"
                "  Put the files themselves there (copy or mount a linked folder, rename a file), or remove it. Then "
                "run the same again."
            )


def overlooked(store: Store, source: str, days: Sequence[dt.date] | None = None) -> list[Overlooked]:
    """Return what no landing reads: hidden files of some landings, and what lies next to landings and sources.

    `days` are the landings to look into; None looks into none of them, and then costs two listings of folders.
    """
    found = []
    for day in days or ():
        folder = partition_folder(source, day)
        found += [Overlooked(item.name, item.why) for item in unread(store, folder) if item.hidden]
        for entry in store.list(folder):
            if not is_data(entry.key):
                found.append(Overlooked(entry.key, "set aside: its name begins with an underscore"))
    found += _next_to_landings(store, source)
    found += _next_to_the_source(store, source)
    return [item for item in found if not any(_BY_PROGRAMS.match(part) for part in item.name.split("/"))]


def _next_to_landings(store: Store, source: str) -> list[Overlooked]:
    """Data files outside of landings, and folders that hold some or are named like a landing."""
    files, folders = store.names_in(source)
    where = "not in the folder of a landing, dt=YYYY-MM-DD"
    found = [Overlooked(f"{source}/{printable(name)}", where) for name in files if suffix_of(name)]
    for name in folders:
        if name == REFERENCES:
            continue
        shown, right = f"{source}/{printable(name)}", _as_partition(name)
        if partition_of(f"{source}/{name}/file") is not None:
            if store.is_local and store.local_path(f"{source}/{name}").is_symlink():
                found.append(Overlooked(shown, "a link to a folder, which is not followed"))
        elif right is not None:
            found.append(Overlooked(shown, f"not the folder of a landing; is {right} meant?"))
        elif is_key(name) and any(suffix_of(entry.key) for entry in store.list(f"{source}/{name}")):
            found.append(Overlooked(shown, where))
    return found


def _next_to_the_source(store: Store, source: str) -> list[Overlooked]:
    """Data files in the root of the store, and folders named almost like the source; other sources have their own."""
    files, folders = store.names_in("")
    where = f"not in a landing of {source}, {source}/dt=YYYY-MM-DD"
    found = [Overlooked(printable(name), where) for name in files if suffix_of(name)]
    plain = _letters(source)
    return found + [
        Overlooked(printable(name), f"not the folder of the source; is {source} meant?")
        for name in folders
        if name != source and _letters(name) == plain
    ]


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _as_partition(name: str) -> str | None:
    """Return the partition that a folder's name was probably meant to be: `dt=2024-01-05` for `DT=2024-1-5`.

    >>> _as_partition("dt=2024-1-5"), _as_partition("20240105"), _as_partition("archive")
    ('dt=2024-01-05', 'dt=2024-01-05', None)
    """
    match = re.match(r"\D*(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?!\d)", name)
    try:
        return f"dt={dt.date(*map(int, match.groups()))}" if match else None
    except ValueError:
        return None

"""Landing: a file's bytes, unchanged, into the folder of the day it arrived, and never the same bytes twice.

What does not belong here: what is inside a file. Landing checks that there is one, that its kind is readable and that
it is whole; its header is looked at when the partition is materialized.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from retail_assets.errors import LandingError
from retail_assets.storage import Entry, Store

_TEXT = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
#: Suffixes of files that can be read later; those of text may carry `.gz`.
SUFFIXES = (*_TEXT, *(f"{suffix}.gz" for suffix in _TEXT), ".parquet")
ALLOWED = (
    "CSV (.csv .tsv .txt), JSON lines (.jsonl .ndjson), either of them gzipped (.csv.gz …), and Parquet (.parquet)"
)

_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_PARTITION = re.compile(r"dt=(\d{4}-\d{2}-\d{2})\Z")
_CHUNK = 1 << 20
_LONGEST_NAME = 200  # bytes; file systems allow 255, and some add to a name while they write it

Watch = Callable[[int], None]


@dataclass(frozen=True)
class Landed:
    """What became of one file. `key` is where its bytes are (for "already landed": where they were found)."""

    key: str
    size: int
    sha256: str
    status: Literal["landed", "already landed"]
    message: str


@dataclass(frozen=True)
class SampleLanded:
    """What became of a sample: `files` by their fate, and the landing partitions from `first` to `last`."""

    source: str
    rows: int
    files_landed: int
    files_already_landed: int
    first: dt.date
    last: dt.date


def partition_folder(source: str, landed_on: dt.date) -> str:
    """Folder of one landing below the raw store: `<source>/dt=YYYY-MM-DD`.

    Raises LandingError when `source` cannot be a folder and schema name.
    """
    if not _SOURCE.match(source):
        raise LandingError(
            f"{source!r} cannot be the name of a source. Allowed: a small letter, then small letters, digits and _ "
            "(at most 63 characters), as in the contract's `name`."
        )
    return f"{source}/dt={landed_on.isoformat()}"


def landed_partitions(store: Store, source: str) -> list[dt.date]:
    """Days with at least one landed file of `source`, in order. Folders without files do not count."""
    return sorted({day for entry in store.list(source) if (day := partition_of(entry.key))})


def partition_of(key: str) -> dt.date | None:
    """The landing day in an object key, or None when its second part is no `dt=YYYY-MM-DD`."""
    parts = key.split("/")
    match = _PARTITION.match(parts[1]) if len(parts) > 2 else None
    if not match:
        return None
    try:
        return dt.date.fromisoformat(match[1])
    except ValueError:  # dt=2024-02-31
        return None


def check_file(path: Path | str) -> int:
    """Size in bytes of a file that can be landed.

    Raises LandingError when it is missing, a folder, unreadable, empty, or of a kind that cannot be read later.
    """
    path = Path(path)
    where = _shown(path)
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise LandingError(f"{where} is not there. Check the path (now in {_shown(Path.cwd())}).") from None
    except (OSError, ValueError) as e:  # ValueError: a null character in the path
        raise LandingError(f"Cannot read {where}: {_reason(e)}.") from e
    if stat.S_ISDIR(about.st_mode):
        raise LandingError(f"{where} is a folder. Name the files in it: retail-assets land {where}/*.csv")
    if not stat.S_ISREG(about.st_mode):
        raise LandingError(f"{where} is not a regular file. Save its content as a file and land that.")
    if not _suffix(path.name):
        raise LandingError(
            f"{where} is of a kind that cannot be read later. Allowed: {ALLOWED}.\n"
            "  Convert it, or rename it if only its name does not say what it is (such as export.gz to export.csv.gz)."
        )
    if about.st_size == 0:
        raise LandingError(
            f"{where} is empty (0 bytes). Nothing was landed; ask for the file again where it came from."
        )
    try:
        path.open("rb").close()
    except OSError as e:
        raise LandingError(f"Cannot read {where}: {_reason(e)}. Check the owner and the rights of it.") from e
    return about.st_size


def _suffix(name: str) -> str:
    """The one of SUFFIXES that a file name ends with, in small letters, or nothing."""
    return next((s for s in SUFFIXES if name[-len(s) :].lower() == s and len(name) > len(s)), "")


def refuse_dates_outside(first: dt.date, last: dt.date, start: dt.date, end: dt.date | None, today: dt.date) -> None:
    """Raise LandingError unless the landings from `first` to `last` are partitions: `start` to `end`, or to today."""
    until = today if end is None else min(end, today)
    if start <= first and last <= until:
        return
    wrong = first if first < start else last
    if wrong < start:
        mend = f"To admit it, set RETAIL_START_DATE={wrong} (now {start})"
    elif wrong > today:
        mend = f"It is still to come: in the shop it is {today} (RETAIL_TIMEZONE)"
    else:
        mend = f"To admit it, set RETAIL_END_DATE={wrong} (now {end})"
    raise LandingError(
        f"The landing date {wrong} is a partition outside the range {start} to {until}. Nothing was landed.\n"
        f"  {mend}, or choose another date."
    )


def file_name_in_store(name: str) -> str:
    """The name a file gets in the store.

    Letters, digits and ` .-_()+@` stay; everything else (control characters, path and glob marks, `=`) becomes `_`.
    Leading dots and underscores go, because engines take such files for hidden; the suffix is in small letters; long
    names are cut, and then carry a hash of the whole name.
    """
    suffix = _suffix(name)
    composed = unicodedata.normalize("NFC", name[: len(name) - len(suffix)])
    stem = re.sub(r"[^\w .\-()+@]", "_", composed).strip().lstrip("._- ") or "file"
    room = _LONGEST_NAME - len(suffix.encode())
    if len(stem.encode()) > room:
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        stem = stem.encode()[: room - 9].decode("utf-8", "ignore") + f"-{digest}"
    return stem + suffix


def land_file(
    path: Path | str,
    store: Store,
    source: str,
    landed_on: dt.date,
    *,
    again: bool = False,
    replace: bool = False,
    present: Sequence[Entry] | None = None,
    watch: Watch | None = None,
) -> Landed:
    """Copy a file's bytes to `<source>/dt=<landed_on>/<file name>`, in constant memory; it appears whole or not at all.

    The same bytes anywhere below the source change nothing (`again=True` lands them once more, under the new day or
    name). Other bytes under the same key are refused, unless `replace=True` says that this is a correction.
    `present` is `store.list(source)` for a caller who has it already; `watch` is told of every chunk copied, in bytes.
    Raises LandingError (see `check_file`; and when the file changes while it is read) and StorageError.
    """
    path = Path(path)
    size = check_file(path)
    key = f"{partition_folder(source, landed_on)}/{file_name_in_store(path.name)}"
    present = store.list(source) if present is None else present
    sha256: str | None = None
    twins = [e for e in present if e.size == size]
    if again:
        twins = [e for e in twins if e.key == key]
    for twin in sorted(twins, key=lambda e: (e.key != key, e.key)):
        sha256 = sha256 or _sha256_of_file(path)
        with store.open(twin.key) as f:
            if _sha256(f) == sha256:
                hint = "" if twin.key == key else " To land it once more all the same: --again."
                message = f"{_shown(path)}: already landed as {twin.key}; nothing changed.{hint}"
                return Landed(twin.key, size, sha256, "already landed", message)
    replaces = any(e.key == key for e in present)
    if replaces and not replace:
        raise LandingError(
            f"{key} is already there with other content than {_shown(path)}. Nothing changed.\n"
            "  If the new file corrects the old one: the same again with --replace.\n"
            "  If it is another delivery: give its landing date with --date, or rename the file."
        )
    sha256 = _copy(path, store, key, size, sha256, watch)
    message = f"{_shown(path)}: {'replaced' if replaces else 'landed as'} {key} ({size:,} bytes)."
    return Landed(key, size, sha256, "landed", message)


def refuse_foreign_landings(store: Store, source: str, keys: Collection[str], sample: str) -> list[Entry]:
    """What lies below `source`, if all of it is among `keys`.

    A sample beside other landings would count sales twice, or mix invented with real ones. Raises LandingError then.
    """
    present = store.list(source)
    foreign = [e.key for e in present if e.key not in keys]
    if foreign:
        raise LandingError(
            f"{store.uri}/{source} holds {len(foreign):,} other landed file{'s' if len(foreign) > 1 else ''}, such as "
            f"{foreign[0]}. {sample} beside them would mix or double the sales, so nothing was landed.\n"
            "  To keep both apart: the same again with another RETAIL_HOME (for example RETAIL_HOME=.retail-sample).\n"
            f"  To start over without them: remove {store.uri}/{source} and run the same again."
        )
    return present


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """A temporary folder in which a sample is written before it lands. Raises LandingError when it fills up."""
    try:
        with tempfile.TemporaryDirectory(prefix="retail-assets-") as folder:
            yield folder
    except OSError as e:
        raise LandingError(
            f"Cannot write in the temporary folder {tempfile.gettempdir()}: {_reason(e)}. "
            "Nothing half-written was left. Free some space there, or set TMPDIR to another folder; then run the same."
        ) from e


def _copy(path: Path, store: Store, key: str, size: int, expected: str | None, watch: Watch | None) -> str:
    """Copy and hash. The target is dropped when the source is not what was measured before."""
    digest = hashlib.sha256()
    copied = 0
    with _opened(path) as source, store.writing(key) as target:
        while chunk := _read(source, path):
            digest.update(chunk)
            target.write(chunk)
            copied += len(chunk)
            if watch:
                watch(len(chunk))
        if copied != size or (expected is not None and digest.hexdigest() != expected):
            raise LandingError(
                f"{_shown(path)} changed while it was read, so nothing was landed. Wait until it is written whole, "
                "then run the same again."
            )
    return digest.hexdigest()


def _sha256_of_file(path: Path) -> str:
    with _opened(path) as f:
        digest = hashlib.sha256()
        while chunk := _read(f, path):
            digest.update(chunk)
        return digest.hexdigest()


def _sha256(f: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := f.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as e:
        raise LandingError(f"Cannot read {_shown(path)}: {_reason(e)}.") from e


def _read(f: IO[bytes], path: Path) -> bytes:
    # Inside `store.writing` an OSError would be told as one of the store's; it is the source that cannot be read.
    try:
        return f.read(_CHUNK)
    except OSError as e:
        raise LandingError(f"Cannot read {_shown(path)} to its end: {_reason(e)}. Nothing was landed.") from e


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).rstrip(".").lower()


def _shown(path: Path) -> str:
    """A path as it may stand on a terminal: no control characters, nothing that cannot be encoded."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else "?" for c in text)

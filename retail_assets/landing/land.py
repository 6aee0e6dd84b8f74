"""Landing a file: its bytes, unchanged, into the folder of the day it arrived, and never the same bytes twice.

Not here: what is in a file. Landing checks that the file exists, has a supported format and arrives complete; its
content is inspected in `inspection/`.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
import shlex
import stat
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from retail_assets.errors import LandingError
from retail_assets.landing.formats import ALLOWED, suffix_of, way_out
from retail_assets.landing.partitions import REFERENCES, partition_folder, partition_of
from retail_assets.storage import Entry, Store

_CHUNK = 1 << 20
_LONGEST_NAME = 200  # bytes; file systems allow 255, and some add to a name while they write it

Watch = Callable[[int], None]


@dataclass(frozen=True)
class Landed:
    """The result of landing one file. `key` is where its bytes are; if already landed, where they were found."""

    key: str
    size: int
    sha256: str
    status: Literal["landed", "already landed"]
    message: str


def check_file(path: Path | str) -> int:
    """Return the size in bytes of a file that can be landed.

    Raises LandingError if it is missing, a folder, unreadable, empty, or has a format that cannot be read later.
    """
    path = Path(path)
    where = shown_path(path)
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise LandingError(
            f"{where} does not exist. Check the path (the current folder is {shown_path(Path.cwd())})."
        ) from None
    except (OSError, ValueError) as e:  # ValueError: a null character in the path
        raise LandingError(f"Cannot read {where}: {reason_of(e)}.") from e
    if stat.S_ISDIR(about.st_mode):
        raise LandingError(f"{where} is a folder. Name the files in it: retail-assets land {where}/*.csv")
    if not stat.S_ISREG(about.st_mode):
        raise LandingError(f"{where} is not a regular file. Save its content as a file and land that.")
    if not suffix_of(path.name):
        raise LandingError(
            f"{where} has a format that cannot be read later. Allowed: {ALLOWED}.\n  {way_out(path.name)}"
        )
    if about.st_size == 0:
        raise LandingError(f"{where} is empty (0 bytes). Nothing was landed. Ask its sender for the file again.")
    try:
        path.open("rb").close()
    except OSError as e:
        raise LandingError(f"Cannot read {where}: {reason_of(e)}. Check its owner and permissions.") from e
    return about.st_size


def file_name_in_store(name: str) -> str:
    """Return the name that a file gets in the store.

    Letters, digits and ` .-_()+@` stay; everything else (control characters, path and glob marks, `=`) becomes `_`.
    Leading dots and underscores are removed, because engines treat such files as hidden. The suffix is in lower case.
    Long names are cut, and then have a hash of the full name.

    >>> file_name_in_store("_Sales 3/2024.CSV")
    'Sales 3_2024.csv'
    """
    suffix = suffix_of(name)
    composed = unicodedata.normalize("NFC", name[: len(name) - len(suffix)])
    stem = re.sub(r"[^\w .\-()+@]", "_", composed).strip().lstrip("._- ") or "file"
    room = _LONGEST_NAME - len(suffix.encode())
    if len(stem.encode()) > room:
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        stem = stem.encode()[: room - 9].decode("utf-8", "ignore") + f"-{digest}"
    return stem + suffix


def land_command(
    file: Path | str, landed_on: dt.date, *options: str, reference: str | None = None, contract: str | None = None
) -> str:
    """Return the shell command that lands a file on a day. `contract` is what `--source` names, if it is needed.

    >>> land_command("till 2.csv", dt.date(2024, 1, 31), "--replace")
    "retail-assets land 'till 2.csv' --date 2024-01-31 --replace"
    """
    words = ["retail-assets land", shlex.quote(shown_path(Path(file)))]
    for option, value in (("--source", contract), ("--reference", reference), ("--date", str(landed_on))):
        words += [option, shlex.quote(value)] if value is not None else []
    return " ".join((*words, *options))


def land_file(
    path: Path | str,
    store: Store,
    source: str,
    landed_on: dt.date,
    *,
    reference: str | None = None,
    again: bool = False,
    replace: bool = False,
    present: Sequence[Entry] | None = None,
    watch: Watch | None = None,
    original: Path | None = None,
    contract: str | None = None,
    is_rewritten: Callable[[str], bool] = lambda key: False,
) -> Landed:
    """Copy a file's bytes to `<source>/dt=<landed_on>/<file name>`, in constant memory. It appears whole or not at all.

    Landing bytes that are already anywhere below the source changes nothing; `again=True` lands them once more under
    the new day or name. Other bytes under the same key are refused, unless `replace=True` declares a correction.

    A `reference` file lands in `<source>/references/<reference>/dt=<landed_on>/` instead; its bytes may have been there
    before, because the latest day counts.

    `present` is `store.list(source)` for a caller that has it already; `watch` is called with the size of every chunk
    copied, in bytes. `original` is the file that messages name, where `path` is a copy of it with other content, and
    `contract` what their commands give as `--source`. `is_rewritten` tells of a key whether customers were erased from
    that file.

    Raises LandingError (see `check_file`; also if the file changes while it is read, or if its bytes landed elsewhere
    and were to replace others) and StorageError.
    """
    path, shown = Path(path), shown_path(original or Path(path))
    size = check_file(path)
    folder = partition_folder(source, landed_on)
    if reference is not None:
        folder = folder.replace("/", f"/{REFERENCES}/{reference}/")
    key = f"{folder}/{file_name_in_store(path.name)}"
    present = store.list(source) if present is None else present
    namesakes = _days_of(present, key) if replace else []
    # A product master is no delivery of sales, nor the other way round.
    if reference is not None:
        present = [e for e in present if e.key.startswith(f"{folder}/")]
    else:
        present = [e for e in present if not e.key.startswith(f"{source}/{REFERENCES}/")]
    replaces = any(e.key == key for e in present)
    command = functools.partial(land_command, original or path, reference=reference, contract=contract)
    sha256: str | None = None
    twins = [e for e in present if e.size == size]
    if again:
        twins = [e for e in twins if e.key == key]
    for twin in sorted(twins, key=lambda e: (e.key != key, e.key)):
        sha256 = sha256 or _sha256_of_file(path)
        with store.open(twin.key) as f:
            if _sha256(f) == sha256:
                if replace and replaces and twin.key != key:
                    raise LandingError(
                        f"{key} was not replaced: it has other content than {shown}, whose bytes landed as "
                        f"{twin.key}.\n"
                        f"  To replace it:  {command(landed_on, '--replace', '--again')}\n"
                        f"  {_of_the_copy(store, twin.key, landed_on)}"
                    )
                hint = "" if twin.key == key else " To land it once more anyway, use --again."
                message = f"{shown}: already landed as {twin.key}; nothing changed.{hint}"
                return Landed(twin.key, size, sha256, "already landed", message)
    if replaces and not replace:
        found = f"{key} already exists with other content than {shown}. Nothing changed.\n"
        if is_rewritten(key):
            found = (
                f"{key} is no longer as it landed: customers were erased from it. Nothing "
                "changed.\n  If this is the file that landed before, there is nothing to do.\n"
            )
        raise LandingError(
            f"{found}"
            "  If the new file corrects the old one, run the same again with --replace.\n"
            "  If it is another delivery, give its landing date with --date, or rename the file."
        )
    sha256 = _copy(path, store, key, size, sha256, watch)
    message = f"{shown}: {'replaced' if replaces else 'landed as'} {key} ({size:,} bytes)."
    if replace and not replaces:
        beside = [shown_path(Path(e.key).relative_to(folder)) for e in present if e.key.startswith(f"{folder}/")]
        named = f" The landing keeps {', '.join(beside[:3])}{', …' if beside[3:] else ''} as well." if beside else ""
        message += f" Nothing was replaced: no file of this name had landed there.{named}"
        if namesakes:
            latest = namesakes[-1]
            message += (
                f"\n  A file of this name is on {latest}. If it was to be replaced (--date {latest}):  "
                f"{command(latest, '--replace', '--again')}\n  {_of_the_copy(store, key, latest)}"
            )
    return Landed(key, size, sha256, "landed", message)


def _day_of(key: str) -> dt.date | None:
    """Return the landing day of a file of sales or of a reference."""
    return partition_of(key) or partition_of("/".join(("source", *key.split("/")[-2:])))


def _days_of(present: Sequence[Entry], key: str) -> list[dt.date]:
    """Return the other days on which a file of the same name has landed, in order."""
    above, _, name = key.rsplit("/", 2)
    same = (e.key for e in present if e.key.startswith(f"{above}/dt=") and e.key.endswith(f"/{name}"))
    days = (_day_of(each) for each in same if each != key and each.count("/") == key.count("/"))
    return sorted(day for day in days if day)


def _of_the_copy(store: Store, copy: str, landed_on: dt.date) -> str:
    """Return what becomes of a copy whose bytes replace another file on `landed_on`, and how to take it back."""
    day, place = _day_of(copy), store.uri_of(copy)
    if day is None or day == landed_on:
        return f"Delete {place} before that: the landing would have its rows twice."
    if partition_of(copy) is None:
        return f"{copy} stays, and the latest version of a reference counts. To take it back, delete {place}."
    return (
        f"{copy} stays. No sale counts twice: `sales` has each transaction as the latest landing has it, here "
        f"{max(day, landed_on)}.\n  To take it back, delete {place}. If it has been loaded, `retail-assets materialize "
        f"--partition {day}` then says which manifest to delete; run it again after that."
    )


def _copy(path: Path, store: Store, key: str, size: int, expected: str | None, watch: Watch | None) -> str:
    """Copy and hash a file. Nothing is landed if its size or hash (`expected`, if known) turns out to be different."""
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
                f"{shown_path(path)} changed while it was read, so nothing was landed. Wait until it is completely "
                "written, then run the same again."
            )
    return digest.hexdigest()


def _sha256_of_file(path: Path) -> str:
    with _opened(path) as f:
        digest = hashlib.sha256()
        while chunk := _read(f, path):
            digest.update(chunk)
        return digest.hexdigest()


def sha256_of(store: Store, key: str) -> str:
    """Return the hash of the bytes of a landed file, as hexadecimal digits."""
    with store.open(key) as f:
        return _sha256(f)


def _sha256(f: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := f.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as e:
        raise LandingError(f"Cannot read {shown_path(path)}: {reason_of(e)}.") from e


def _read(f: IO[bytes], path: Path) -> bytes:
    # Inside `store.writing` an OSError would be reported as one of the store, but the source cannot be read.
    try:
        return f.read(_CHUNK)
    except OSError as e:
        raise LandingError(f"Cannot read {shown_path(path)} to its end: {reason_of(e)}. Nothing was landed.") from e


def reason_of(error: Exception) -> str:
    """Return why an operating system call failed, to be put after a colon."""
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).rstrip(".").lower()


def shown_path(path: Path) -> str:
    """Return a path that is safe to print: no control characters, nothing that cannot be encoded."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else "?" for c in text)

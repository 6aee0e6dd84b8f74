"""API keys: a file with a name and a hash per line. What changes there counts within a second, without a restart.

A key is 256 random bits, so one SHA-256 is enough: there is nothing to guess that a slow hash would protect.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from retail_assets.errors import SettingsError, StorageError

CHECK_SECONDS = 1.0
_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}\Z")
_LINE = re.compile(r"([A-Za-z0-9._-]{1,60}) sha256:([0-9a-f]{64})\Z")
_PREFIX = "ra_"
_LONGEST = 200


def new_key() -> str:
    """Return a new key, such as `ra_q0…`."""
    return _PREFIX + secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """Return what the file has of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def read_keys(path: Path) -> dict[str, str]:
    """Return the names of the keys by hash; lines that are no key are left out, and a missing file has none.

    Raises StorageError if the file is there and cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise StorageError(f"Cannot read the API keys in {path}: {e.strerror}.") from None
    found = (_LINE.match(line.strip()) for line in text.splitlines())
    return {match[2]: match[1] for match in found if match}


def add_key(path: Path, name: str) -> str:
    """Add a key to the file and return it; it is shown nowhere again. A name may have several while they are rotated.

    Raises:
        SettingsError: the name is not possible.
        StorageError: the file cannot be written.
    """
    if not _NAME.match(name):
        raise SettingsError(f"{name!r} is not a name for a key. Use 1 to 60 letters, digits, dots, - and _.")
    key = new_key()
    _write(path, {**read_keys(path), hashed(key): name})
    return key


def remove_keys(path: Path, name: str) -> int:
    """Remove the keys of a name; return how many there were. Raises StorageError."""
    keys = read_keys(path)
    kept = {digest: each for digest, each in keys.items() if each != name}
    if len(kept) < len(keys):
        _write(path, kept)
    return len(keys) - len(kept)


class KeyFile:
    """The keys that count now. A file that cannot be read has none: then nobody is let in."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._due = -1.0
        self._seen: tuple[int, int, int] | None = None
        self._keys: Mapping[str, str] = {}

    def name_of(self, key: str) -> str | None:
        """Return the name of a key; None if it is not one."""
        if self._clock() >= self._due:
            self._look()
        return self._keys.get(hashed(key)) if len(key) <= _LONGEST else None

    def _look(self) -> None:
        self._due = self._clock() + CHECK_SECONDS
        try:
            about = self._path.stat()
            seen = (about.st_mtime_ns, about.st_ino, about.st_size)
            if seen != self._seen:
                self._keys, self._seen = read_keys(self._path), seen
        except (OSError, StorageError):
            self._keys, self._seen = {}, None


def _write(path: Path, keys: Mapping[str, str]) -> None:
    lines = ["# API keys of `retail-assets serve`: a name and a hash per line. Remove a line to lock its key out."]
    lines += [f"{name} sha256:{digest}" for digest, name in keys.items()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes it readable by this user alone.
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(part, path)
    except OSError as e:
        raise StorageError(f"Cannot write the API keys to {path}: {e.strerror}.") from None

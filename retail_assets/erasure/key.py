"""The key of the keyed hashes by which erased customers are recognized, without anybody keeping their ids.

A plain hash of an id can be found again by hashing every possible id. A keyed one (HMAC-SHA256) cannot without the key.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from retail_assets.errors import SettingsError
from retail_assets.settings import Settings

FILE = "erasure.key"
_BYTES = 32


def key_of(settings: Settings, *, create: bool) -> bytes | None:
    """Return the key: that of RETAIL_ERASURE_KEY, or the one in the home.

    Without either, one is made in the home if `create` is set, readable by its owner only; else the result is None.
    Raises SettingsError if the file cannot be read or written.
    """
    if settings.erasure_key is not None:
        return hashlib.sha256(settings.erasure_key.encode()).digest()
    path = settings.home / FILE
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read(path)
        return _made(path) if create else None
    except OSError as e:
        raise SettingsError(
            f"The key of erased customers at {path} cannot be used: {e.strerror}. Check its owner and permissions, or "
            "set RETAIL_ERASURE_KEY."
        ) from e


def keyed_hash(key: bytes, source: str, customer_id: str) -> str:
    """Return the keyed hash of a customer of a source, as hexadecimal digits."""
    return hmac.new(key, f"{source}\0{customer_id}".encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> bytes:
    text = path.read_text().strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise SettingsError(
            f"{path} is damaged: it does not have {_BYTES} bytes as hexadecimal digits. Restore it from a backup: "
            "without it, erased customers are not recognized when their files land again."
        )
    return key


def _made(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was faster
        return _read(path)
    with os.fdopen(handle, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key

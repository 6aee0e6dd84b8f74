"""Secret keys of keyed hashes (HMAC-SHA256): from a setting, or in a file of the home that only its owner can read.

A plain hash of an id can be found again by hashing every possible id. A keyed one cannot without the key.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from retail_assets.errors import SettingsError

_BYTES = 32


@dataclass(frozen=True)
class KeyPlace:
    """Where a key is: the `secret` of the setting `variable`, else the file `path`.

    `name` says in messages whose key it is, and `without` what is not possible without it.
    """

    secret: str | None
    path: Path
    variable: str
    name: str
    without: str

    def key(self, *, create: bool) -> bytes | None:
        """Return the key. Without one, it is made in the file if `create` is set; else the result is None.

        Raises SettingsError if the file cannot be read or written, or is damaged.
        """
        if self.secret is not None:
            return hashlib.sha256(self.secret.encode()).digest()
        try:
            with contextlib.suppress(FileNotFoundError):
                return self._read()
            return self._made() if create else None
        except OSError as e:
            raise SettingsError(
                f"{self.name} at {self.path} cannot be used: {e.strerror}. Check its owner and permissions, or set "
                f"{self.variable}."
            ) from e

    def _read(self) -> bytes:
        try:
            key = bytes.fromhex(self.path.read_text().strip())
        except ValueError:  # also bytes that are not text
            key = b""
        if len(key) != _BYTES:
            raise SettingsError(
                f"{self.path} is damaged: it does not have {_BYTES} bytes as hexadecimal digits. Restore it from a "
                f"backup: without it, {self.without}."
            )
        return key

    def _made(self) -> bytes:
        """Make the file whole or not at all; of several processes, one makes it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        key = secrets.token_bytes(_BYTES)
        unfinished = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(unfinished, self.path)
        except FileExistsError:  # another process was faster
            return self._read()
        finally:
            unfinished.unlink(missing_ok=True)
        return key


def keyed_hash(key: bytes, source: str, customer_id: str) -> str:
    """Return the keyed hash of a customer of a source, as hexadecimal digits."""
    return hmac.digest(key, f"{source}\0{customer_id}".encode("utf-8", "surrogatepass"), "sha256").hex()

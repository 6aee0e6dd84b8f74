"""Text that is read in another encoding than it was written in: every letter becomes another one, without an error."""

from __future__ import annotations

import codecs
import re
from typing import IO

from retail_assets.errors import LandingError

#: In these, text in UTF-8 shows: it cannot be decoded, or begins with a mark.
_SHOWING = ("utf-8", "ascii", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_LATIN_1 = "iso8859-1"
#: Control characters in Latin-1, and quotes, dashes and the euro sign in cp1252. No table has the former.
_CONTROLS = re.compile(rb"[\x80-\x84\x86-\x9f]")


class Written:
    """Passes the bytes of a text file through, and finds out whether they are in another encoding than `encoding`.

    It costs something only for encodings that read UTF-8 without an error, such as cp1252.
    """

    def __init__(self, stream: IO[bytes], encoding: str, key: str) -> None:
        name = codecs.lookup(encoding).name
        self._stream, self._encoding, self._key = stream, encoding, key
        self._utf_8 = None if name in _SHOWING else codecs.getincrementaldecoder("utf-8")()
        self._latin_1 = name == _LATIN_1
        self._letters = self._controls = False

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.add(data)
        return data

    def add(self, data: bytes) -> None:
        """Look at the next bytes of the file."""
        if data.isascii() and not self._letters:
            return
        self._letters = True
        self._controls = self._controls or (self._latin_1 and _CONTROLS.search(data) is not None)
        if self._utf_8 is None:
            return
        try:
            self._utf_8.decode(data)
        except UnicodeDecodeError:
            self._utf_8 = None

    def refuse_other(self) -> None:
        """Raise LandingError at the end of the file if all of it is UTF-8, or cp1252 that is read as Latin-1."""
        other = "cp1252" if self._controls else None
        if self._letters and self._utf_8 is not None and not self._utf_8.getstate()[0]:
            other = "utf-8"
        if other:
            raise LandingError(
                f"{self._key} is text in {other}, but is read as {self._encoding}, so that its letters would become "
                f"others (é in UTF-8 is Ã© in cp1252). Write in the contract `file: {{encoding: {other}}}`."
            )

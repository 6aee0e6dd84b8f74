"""The pseudonym of an id: `p_` and 32 hexadecimal digits, which nobody can compute, link or forge without the key.

24 digits are the keyed hash of the id (HMAC-SHA256), and 8 are a keyed hash of these. So a pseudonym is recognized
without a list of all of them: an id that only looks like one has other last digits.
"""

from __future__ import annotations

import functools
import re

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.id_text import IdTexts, identifier_of, is_rounded_id
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.storage.secret_keys import keyed_hash

#: The column of ids of customers; other columns are named by their normalized header.
CUSTOMER = ""
#: In place of an id that a program rounded, which cleaning rejects as it does the original.
ROUNDED = "0E+00"
#: In place of bytes that are not text, which cleaning rejects as well.
NOT_TEXT = "\ufffd"

_SHAPE = re.compile(r"p_([0-9a-f]{24})([0-9a-f]{8})", re.ASCII)
_KEPT = 1 << 16


class OtherKeyError(LandingError):
    """A text has the shape of a pseudonym, and was not made with this key for this source."""


class Pseudonyms:
    """Makes and recognizes the pseudonyms of a source. The same id always has the same one."""

    def __init__(self, key: bytes, contract: Contract) -> None:
        self.source = contract.name
        self._key = key
        self._texts = IdTexts(contract.missing_values)
        self._cached = functools.lru_cache(_KEPT)(self._replacement)

    def of(self, customer_id: str) -> str:
        """Return the pseudonym of a customer, by an id as files have it; of a pseudonym, that itself.

        Raises OtherKeyError for a pseudonym that was made with another key, LandingError if there is no id.
        """
        found = self.replacement(customer_id)
        if found is None or found in (ROUNDED, NOT_TEXT):
            raise LandingError("That is not the id of a customer: it is empty, or a word or number without a meaning.")
        return found

    def replacement(self, text: str | None, column: str = CUSTOMER) -> str | None:
        """Return what stands in a file in place of a text: a pseudonym; None for a missing value, which stays.

        Ids that cleaning reads as the same have the same one. Raises OtherKeyError for what another key has made.
        """
        return self._cached(text, column)

    def is_clear(self, text: str | None, column: str = CUSTOMER) -> bool:
        """Return whether a text may not be in a landed file. Raises OtherKeyError for what another key has made."""
        plain = self._texts.plain(text)
        return plain is not None and self.replacement(plain, column) != plain

    def _replacement(self, text: str | None, column: str) -> str | None:
        plain = self._texts.plain(text)
        if plain is None:
            return None
        if NOT_TEXT in plain or "\x00" in plain:
            return NOT_TEXT
        if match := _SHAPE.fullmatch(plain):
            if match[2] == self._check(match[1], column):
                return plain
            raise OtherKeyError(
                f"A text such as {plain[:6]}… has the form of a pseudonym, but was not made with the key of this "
                "source. Land the file as its sender made it."
            )
        if column == CUSTOMER:
            if is_rounded_id(plain):
                return ROUNDED
            plain = identifier_of(plain)
        digits = keyed_hash(self._key, self.source, f"{column}\0{plain}")[:24]
        return f"p_{digits}{self._check(digits, column)}"

    def _check(self, digits: str, column: str) -> str:
        return keyed_hash(self._key, self.source, f"{column}\0\0{digits}")[:8]

    def fingerprint(self) -> str:
        """Return what says which key it is, and not what it is."""
        return keyed_hash(self._key, self.source, "\0\0\0")[:32]


def column_of(header: str) -> str:
    """Return the name under which the texts of a column other than the customer's have pseudonyms."""
    return normalize_header(header)

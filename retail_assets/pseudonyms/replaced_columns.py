"""Which columns of a file have pseudonyms, and what stands in a row that could not be split into columns."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.lake.profile import FileProfile
from retail_assets.pseudonyms.pseudonym import CUSTOMER, Pseudonyms, column_of

#: Stands in place of a row that cannot be split: any of its words may be an id. Cleaning rejects it as it does the row.
WITHHELD = "row withheld because it could not be read and any word of it may be an id"


#: Texts of a column that are kept, in tens of megabytes.
_MOST_TEXTS = 1 << 17


@dataclass(frozen=True)
class Replaced:
    """A column of a file whose texts are replaced: its number, its header, and for whose pseudonyms."""

    position: int
    header: str
    column: str

    def text(self, pseudonyms: Pseudonyms, text: str | None) -> str | None:
        """Return what stands in place of a text of this column; None where it stays.

        The header's own name in it is a header that is repeated within a file.
        """
        found = pseudonyms.replacement(text, self.column)
        if found is None or found == text or _names(text or "", self.header):
            return None
        return found

    def is_clear(self, pseudonyms: Pseudonyms, text: str | None) -> bool:
        """Return whether a text may not be in a landed file."""
        return pseudonyms.is_clear(text, self.column) and not _names(text or "", self.header)


class NewTexts(dict[str, str]):
    """What stands in a column for each text, also for those that stay: computed once, and kept for the next row."""

    def __init__(self, column: Replaced, pseudonyms: Pseudonyms) -> None:
        super().__init__()
        self._column, self._pseudonyms = column, pseudonyms

    def __missing__(self, text: str) -> str:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        found = self._column.text(self._pseudonyms, text)
        self[text] = new = text if found is None else found
        return new


@functools.lru_cache(1 << 16)
def _names(text: str, header: str) -> bool:
    return normalize_header(text) == normalize_header(header)


def replaced_columns(profile: FileProfile, contract: Contract) -> list[Replaced]:
    """Return the columns of a file that have pseudonyms, in the order of the file."""
    rule = contract.pseudonymize
    assert rule is not None  # noqa: S101 - of contracts that ask for pseudonyms
    place = TextColumns(contract, profile.positions).raw_position(contract.columns["customer_id"].header or "")
    found = {} if place is None else {place: CUSTOMER}
    found |= {n: column for n, column in others(profile.header, contract).items() if n != place}
    return [Replaced(n, profile.header[n], found[n]) for n in sorted(found)]


def others(header: Sequence[str], contract: Contract) -> dict[int, str]:
    """Return the columns of a header, by their numbers, that the contract names besides the customer's."""
    rule = contract.pseudonymize
    named = {column_of(name) for name in rule.columns} if rule else set()
    return {n: name for n, name in enumerate(map(column_of, header)) if name in named}

"""Records of a topic with pseudonyms in place of ids, where the contract asks for them.

A record that cannot be read is withheld: any of its words may be an id. Its place in the topic is kept.
"""

from __future__ import annotations

from typing import Protocol

from retail_assets.cleaning.readers.json_lines import JsonLinesReader
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.pseudonyms.json_texts import Unsplit, is_plain, with_texts
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.pseudonyms.pseudonym import CUSTOMER, OtherKeyError, Pseudonyms
from retail_assets.pseudonyms.replaced_columns import WITHHELD, Replaced, others
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.streaming.record_lines import Shape

_MOST_SHAPES = 10_000


class Lines(Protocol):
    """Turns records into lines: see `RecordLines`."""

    def read(self, value: bytes | None) -> tuple[bytes, Shape | None, str | None]:
        """Return a record's bytes as one line, its shape, and why it cannot be read (None if it can)."""


def as_contract_asks(lines: Lines, settings: Settings) -> Lines:
    """Return the lines as they may land: as they are, or with pseudonyms. Raises what `pseudonyms_of` raises."""
    lake = Lake(Store(settings.lake_uri), settings.source)
    pseudonyms = pseudonyms_of(settings, lake, landing=True)
    return PseudonymizedLines(lines, settings.contract, pseudonyms) if pseudonyms else lines


class PseudonymizedLines:
    """Replaces ids in the lines of records."""

    def __init__(self, lines: Lines, contract: Contract, pseudonyms: Pseudonyms) -> None:
        self._lines, self._contract, self._pseudonyms = lines, contract, pseudonyms
        rule = contract.columns["customer_id"]
        self._customer = {normalize_header(name) for name in (rule.header or "", *rule.aliases)}
        self._of_shape: dict[Shape, tuple[dict[str, Replaced], JsonLinesReader]] = {}

    def read(self, value: bytes | None) -> tuple[bytes, Shape | None, str | None]:
        """Return what `RecordLines.read` does, without an id of anybody in it."""
        line, shape, wrong = self._lines.read(value)
        if wrong is not None or shape is None:
            return WITHHELD.encode(), shape, wrong
        columns, reader = self._of_shape.get(shape) or self._known(shape)
        try:
            text = with_texts(line.decode(), columns, self._pseudonyms)
        except Unsplit:
            return WITHHELD.encode(), None, "its customer is not one value"
        except OtherKeyError:
            return WITHHELD.encode(), None, "it has a pseudonym that another key made"
        # Cleaning shows the text of what it cannot split: a key that is given twice, a nested value, a lost character.
        new = text.encode()
        if not is_plain(text, len(shape.keys)) and reader.defects(new):
            return WITHHELD.encode(), None, "not one plain value per key"
        return new, shape, None

    def _known(self, shape: Shape) -> tuple[dict[str, Replaced], JsonLinesReader]:
        found = others(shape.keys, self._contract)
        found |= {n: CUSTOMER for n, key in enumerate(shape.keys) if normalize_header(key) in self._customer}
        if len(self._of_shape) > _MOST_SHAPES:
            self._of_shape.clear()
        columns = {shape.keys[n]: Replaced(n, shape.keys[n], column) for n, column in found.items()}
        reader = JsonLinesReader(shape.keys, [shape.keys.index(key) for key in shape.columns.values()], "")
        self._of_shape[shape] = columns, reader
        return columns, reader

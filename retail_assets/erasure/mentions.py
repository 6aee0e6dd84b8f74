"""A customer's id in texts: lines and records that are about the customer go, and a mere mention loses the id.

An id such as `CUST-81` is looked for everywhere. One such as `81` may be any number, so it counts only where a text
says that it is a customer's: in the column `customer_id` of a table in Markdown or CSV, or under that key of a record.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from retail_assets.erasure.written_forms import BEGINS, written_forms
from retail_assets.storage.markdown_text import PREVIEW_CELL, as_cell

#: Stands where an id was mentioned.
ERASED = "[erased]"
_SHORTEST_NUMBER = 7
_COLUMN = "customer_id"
#: Between two cells of a row in Markdown; one that belongs to a cell is escaped.
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Mentions:
    """How a customer is found in texts.

    `places` are file and line of the rows to erase, as previews of rejected rows have them.
    """

    customer_id: str
    places: Collection[tuple[str, int]] = ()
    pattern: re.Pattern[str] | None = field(init=False)
    forms: tuple[str, ...] = field(init=False)
    _rows: frozenset[tuple[str, int]] = field(init=False)
    _files: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", pattern_of(self.customer_id))
        object.__setattr__(self, "forms", written_forms(self.customer_id))
        # A preview cuts long names, and escapes what Markdown would read.
        cells = {file: {file, as_cell(file), as_cell(file, PREVIEW_CELL)} for file, _ in self.places}
        object.__setattr__(self, "_rows", frozenset((cell, line) for file, line in self.places for cell in cells[file]))
        object.__setattr__(self, "_files", frozenset(form for file in cells for form in written_forms(file)))

    def may_be_in(self, data: bytes) -> bool:
        """Return whether bytes contain the id at all: most files do not, and need no second look."""
        encodings = ("utf-8", "utf-16-le", "utf-16-be")
        return any(form.encode(encoding, "replace") in data for form in self.forms for encoding in encodings)

    @property
    def sql_values(self) -> list[str]:
        """What `sql_condition` has a mark for: texts that are in whatever mentions the customer or their rows."""
        return [*self.forms, *(["source_line"] if self.places else [])]

    def sql_condition(self, column: str) -> str:
        """Return SQL for SQLite that is true for texts that need a second look."""
        return " OR ".join(f"instr({column}, ?)" for _ in self.sql_values)

    def is_in(self, data: bytes) -> bool:
        """Return whether bytes mention the customer, as far as the id alone can tell."""
        return self.pattern is not None and self.pattern.search(data.decode("utf-8", "replace")) is not None

    def without(self, text: str) -> str:
        """Return a text without the customer: JSON, Markdown, CSV or anything else."""
        if not any(form in text for form in self.forms) and not self._any_place(text):
            return text
        if text[:1] in "{[":
            try:
                content = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                kept = self.of_json(content)
                return text if kept == content else json.dumps(kept, ensure_ascii="\\u" in text)
        return self._lines(text)

    def of_json(self, content: Any) -> Any:
        """Return JSON without records about the customer, and without the id in other texts."""
        if isinstance(content, dict):
            return {self._redacted(key): self.of_json(value) for key, value in content.items()}
        if isinstance(content, list):
            return [self.of_json(item) for item in content if not self._is_about(item)]
        return self.without(content) if isinstance(content, str) else content

    def without_rows(self, text: str) -> str:
        """Return a CSV file without the customer's rows: by its column of customer ids, or by any cell of the id."""
        rows = list(csv.reader(io.StringIO(text, newline="")))
        if not rows:
            return text
        names = [name.lstrip("\ufeff") for name in rows[0]]
        at = names.index(_COLUMN) if _COLUMN in names else None

        def is_about(row: list[str]) -> bool:
            if at is not None and at < len(row) and self._is_id(row[at]):
                return True
            return self.pattern is not None and any(self.pattern.search(cell) for cell in row)

        if not any(is_about(row) for row in rows[1:]):
            return text
        kept = io.StringIO(newline="")
        lines = text.splitlines(keepends=True)
        if len(lines) == len(rows):  # no line breaks within cells: every other byte stays
            return "".join(line for line, row in zip(lines, rows, strict=True) if row is rows[0] or not is_about(row))
        csv.writer(kept).writerows([rows[0], *(row for row in rows[1:] if not is_about(row))])
        return kept.getvalue()

    def _is_id(self, cell: str) -> bool:
        stripped = cell.strip()
        return any(each in self.forms for each in (stripped, stripped.removeprefix("'")))

    def _is_about(self, item: Any) -> bool:
        """Return whether a record is about the customer: one of its values is the id, or its place one of theirs."""
        if isinstance(item, Mapping):
            inner = item.get("data", item)
            if not isinstance(inner, Mapping):
                inner = item
            if self._is_id(str(inner.get(_COLUMN, ""))):
                return True
            if (inner.get("source_file"), _number(inner.get("source_line"))) in self._rows:
                return True
            return self.pattern is not None and any(
                isinstance(value, str) and "\n" not in value and self.pattern.search(value) for value in inner.values()
            )
        return isinstance(item, str) and self.pattern is not None and item in self.forms

    def _any_place(self, text: str) -> bool:
        return "source_line" in text and any(file in text for file in self._files)

    def _lines(self, text: str) -> str:
        """Return a text line by line: rows of Markdown tables about the customer go, other lines lose the id."""
        kept = []
        header: list[str] = []
        for line in text.split("\n"):
            cells = (
                [cell.strip() for cell in _BAR.split(line.strip().strip("|"))] if line.lstrip().startswith("|") else []
            )
            if not cells:
                header = []
                kept.append(self._redacted(line))
                continue
            if not header:
                header = cells
            row = dict(zip(header, cells, strict=False))
            if not self._is_about(row) and not (self.pattern and self.pattern.search(line)):
                kept.append(line)
        left = "\n".join(kept)
        return self._redacted(left) if "\n" in self.customer_id else left

    def _redacted(self, text: str) -> str:
        return self.pattern.sub(ERASED, text) if self.pattern is not None else text


def pattern_of(customer_id: str) -> re.Pattern[str] | None:
    """Return a pattern for an id in any text; None for one that may be any number or word.

    >>> pattern_of("CUST-81").search("of cust-81, CUST-81."), pattern_of("81")
    (<re.Match object; span=(12, 19), match='CUST-81'>, None)
    """
    digits = any(c.isdigit() for c in customer_id)
    others = any(not c.isdigit() for c in customer_id)
    if len(customer_id) < _SHORTEST_NUMBER and not (digits and others):
        return None
    forms = "|".join(map(re.escape, written_forms(customer_id)))
    return re.compile(rf"{BEGINS}(?:{forms})(?![0-9A-Za-z_])")


def _number(value: Any) -> int | None:
    try:
        return int(str(value).replace(",", ""))
    except ValueError:
        return None

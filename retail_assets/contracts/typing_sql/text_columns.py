"""SQL for the text of a contract's columns: where each is in a file, trimmed, with defaults and missing values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.sections import CancellationRule, QuantityUnit
from retail_assets.contracts.typing_sql.identifiers import composed, identifier
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.separate_times import joined

#: What counts as white space around a value: ASCII, no-break and other Unicode spaces, zero-width space, BOM.
BLANKS = " \t\r\n\v\f\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200C))) + "\u202f\u205f\u3000\ufeff"


#: `="00123"`, which spreadsheets show as the text 00123: how programs keep them from reading an id as a number.
FORMULA_MARK = '="'
FORMULA = r'^="([^"]*)"$'
#: The column of dates and times in one text, where the file has them in two columns.
_SOLD_TEXT = "sold_text"


def matched_column(reference: str) -> str:
    """Return the name of the column that has a text where a sale has a match; no header is like it."""
    return f"\0{reference}"


@dataclass(frozen=True)
class TextColumns:
    """Where the raw columns of one file are. `positions` maps a raw column of the contract to its number in the file.

    `date_order` (`dmy` or `mdy`) is what the whole file proves, where the contract does not declare it.

    In SQL the columns are `c0`, `c1`, … (as read) and `t0`, `t1`, … (trimmed, NULL when empty), so no header ever gets
    into a statement. `trimmed()` selects the second from the first; every other expression uses the second.
    """

    contract: Contract
    positions: dict[str, int]
    date_order: str | None = None
    _by_normal: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = {normalize_header(n): column for column, ns in self.contract.raw_columns().items() for n in ns}
        names |= {normalize_header(c): c for rule in self.contract.references.values() for c in rule.columns}
        object.__setattr__(self, "_by_normal", names)

    def trimmed(self, *, trim: bool, missing: bool = True, only: Collection[int] | None = None) -> str:
        """Return the select list `… AS t0, … AS t1` for the columns that the contract reads, or for those in `only`.

        Empty texts become NULL and, with `missing`, so do the contract's words for a missing value. DuckDB evaluates
        that wherever the column is used, so for many rows it is done elsewhere, or not needed.

        With `trim`, spaces and tabs around a value are removed, and `="00123"` is 00123. Cleaning does both beforehand,
        in Arrow, and trims all `BLANKS`, because DuckDB's trim with that list costs more than everything else together.
        """
        selected = {int(p) for p in self.positions.values() if only is None or p in only}
        texts = [(p, _plain(f"trim(c{p}, ' \t')") if trim else f"c{p}") for p in selected]
        null = {p: f"{text} = ''" + (f" OR {self.is_missing(text)}" if missing else "") for p, text in texts}
        columns = [f"CASE WHEN NOT ({null[p]}) THEN {text} END AS t{p}" for p, text in sorted(texts)]
        rule = self.contract.columns["sold_at"]
        if rule.time and self.moment_columns() <= selected:
            together = joined(self.field_text("sold_at"), self.text(rule.time), self.contract.dates.serial)
            columns.append(f"{together} AS {_SOLD_TEXT}")
        return ", ".join(columns)

    def moment_text(self) -> str:
        """Return SQL for the text of the moment of sale: of the date, with the time that is in a column beside it."""
        return _SOLD_TEXT if self.contract.columns["sold_at"].time else self.field_text("sold_at")

    def moment_columns(self) -> set[int]:
        """Return the numbers of the file columns that the moment of sale is read from, if there are several."""
        rule = self.contract.columns["sold_at"]
        read = {self.raw_position(header) for header in (rule.header or "", *rule.beside)} if rule.beside else set()
        return {position for position in read if position is not None}

    def is_missing(self, text: str) -> str:
        """Return SQL that is true where a trimmed text is one of the contract's words for a missing value."""
        # DuckDB makes both upper case, as Arrow does in cleaning: engines do not agree on the case of every letter.
        words = [f"upper({literal(word)})" for word in sorted(self.contract.missing_values)]
        return f"upper({text}) IN ({', '.join(words)})" if words else "FALSE"

    def is_given(self, name: str) -> str:
        """Return SQL that is true where a canonical column has a text that is not a word for a missing value.

        What an expression computes counts as given: a row that lacks one of its columns has no other way to it.
        """
        if self.has_expression(name):
            return "TRUE"
        text = f"({self.field_text(name)})"
        return f"({text} IS NOT NULL AND NOT {self.is_missing(text)})"

    def has_expression(self, name: str) -> bool:
        """Return whether the contract computes a canonical column with an expression."""
        return name in self.contract.columns and self.contract.columns[name].expression is not None

    def text(self, raw_column: str) -> str:
        """Return SQL for the trimmed text of a raw column; NULL when empty or when the file has no such column."""
        position = self.raw_position(raw_column)
        return "NULL::VARCHAR" if position is None else f"t{int(position)}"

    def field_text(self, name: str) -> str:
        """Return SQL for the text of a canonical column with its default; NULL where the contract does not map it."""
        rule = self.contract.columns.get(name)
        if rule is None:
            return "NULL::VARCHAR"
        if rule.compose:
            return composed([identifier(text) for text in self.texts_of(name)])
        [text] = self.texts_of(name)
        return text

    def texts_of(self, name: str) -> list[str]:
        """Return SQL for each text that a mapped canonical column is made of, with its default."""
        return [
            self.text(header) if default is None else f"coalesce({self.text(header)}, {literal(default)})"
            for header, default in self.contract.columns[name].origins
        ]

    def position(self, name: str) -> int | None:
        """Return the number of the file column that alone decides a canonical column; None if none or several do."""
        rule = self.contract.columns.get(name)
        return None if rule is None or not rule.header or rule.beside else self.raw_position(rule.header)

    def raw_position(self, raw_column: str) -> int | None:
        """Return the number of the file column of a raw column; None if the file does not have it."""
        return self.positions.get(self._by_normal.get(normalize_header(raw_column), raw_column))

    def is_orphan(self, reference: str) -> str:
        """Return SQL that is true where a sale has a key that a reference file does not have."""
        matched = self.positions.get(matched_column(reference))
        key = self.text(self.contract.columns[self.contract.references[reference].on].header or "")
        return "FALSE" if matched is None else f"({key} IS NOT NULL AND t{int(matched)} IS NULL)"

    def begins(self, rule: CancellationRule | QuantityUnit) -> str:
        """Return SQL that is true where the raw column of a rule begins with the rule's prefix."""
        return f"coalesce(starts_with(upper({self.text(rule.column)}), {literal(rule.prefix.upper())}), FALSE)"


def _plain(text: str) -> str:
    read = f"trim(regexp_replace({text}, {literal(FORMULA)}, '\\1'), ' \t')"
    return f"CASE WHEN starts_with({text}, {literal(FORMULA_MARK)}) THEN {read} ELSE {text} END"

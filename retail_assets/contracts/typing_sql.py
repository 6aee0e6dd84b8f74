"""From text to typed values: a contract as DuckDB SQL expressions over the text columns of a file.

One place for every reading of a number, a date, an id or a category, used by the cleaning tasks and by the control
totals alike. An unreadable value becomes NULL here; whether that is a reason to reject the row is `cleaning/rules.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from retail_assets.contracts.model import CancellationRule, Contract, QuantityUnit, normalise
from retail_assets.tables import SALES

#: What counts as white space around a value: ASCII, no-break and other Unicode spaces, zero-width space, BOM.
BLANKS = " \t\r\n\v\f\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200C))) + "\u202f\u205f\u3000\ufeff"

_GENDERS = {
    "Female": ("f", "female", "w", "woman"),
    "Male": ("m", "male", "man"),
    "Other": ("o", "other", "x", "d", "diverse", "nb", "nonbinary", "non-binary", "non binary"),
    None: ("u", "unknown", "n/a", "na", "none", "null", "not specified", "not given", "prefer not to say", "-", "?"),
}

#: Four digits of the year first; a time, if any, of hours and minutes at least. DuckDB's own cast reads more than that,
#: and not all of it right: it takes the PM of `2024-01-05 10:00 PM` for the name of a time zone and drops it.
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?)?"
_ISO_WITH_OFFSET = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)? ?([Zz]|[+-]\d{2}(:?\d{2})?)"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")
#: A space between thousands is often one that does not break.
_SPACES = " \u00a0\u202f"

_WIDTHS = {c.name: c.numbers[0] for c in SALES.columns if c.type.startswith("varchar")}


@dataclass(frozen=True)
class TextColumns:
    """Where the raw columns of one file are: `positions` maps a raw column of the contract to its number in the file.

    `date_order` (`dmy` or `mdy`) is what the whole file proves, where the contract does not say it.

    In SQL the columns are `c0`, `c1`, … (as read) and `t0`, `t1`, … (trimmed, NULL when empty), so that no header ever
    gets into a statement. `trimmed()` selects the second from the first; every other expression stands on them.
    """

    contract: Contract
    positions: dict[str, int]
    date_order: str | None = None
    _by_normal: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = {normalise(n): column for column, ns in self.contract.raw_columns().items() for n in ns}
        object.__setattr__(self, "_by_normal", names)

    def trimmed(self, *, trim: bool, missing: bool = True, only: Collection[int] | None = None) -> str:
        """The select list `… AS t0, … AS t1` for the columns that the contract reads, or `only` some of them.

        Empty texts become NULL, and with `missing` so do the contract's words for a missing value. DuckDB evaluates
        that wherever the column is used; so for many rows it is done, or not needed, elsewhere.

        With `trim`, spaces and tabs round a value go. Cleaning trims all `BLANKS` beforehand, in Arrow: DuckDB's trim
        with that list costs more than everything else together.
        """
        asked = {int(p) for p in self.positions.values() if only is None or p in only}
        texts = [(p, f"trim(c{p}, ' \t')" if trim else f"c{p}") for p in asked]
        null = {p: f"{text} = ''" + (f" OR {self._is_missing(text)}" if missing else "") for p, text in texts}
        return ", ".join(f"CASE WHEN NOT ({null[p]}) THEN {text} END AS t{p}" for p, text in sorted(texts))

    def _is_missing(self, text: str) -> str:
        # DuckDB makes the capitals of both, as Arrow does in cleaning: engines do not agree on those of every letter.
        words = [f"upper({literal(word)})" for word in sorted(self.contract.missing_values)]
        return f"upper({text}) IN ({', '.join(words)})" if words else "FALSE"

    def is_given(self, name: str) -> str:
        """SQL that is true where a canonical column has a text that is no word for a missing value."""
        text = f"({self.field_text(name)})"
        return f"({text} IS NOT NULL AND NOT {self._is_missing(text)})"

    def text(self, raw_column: str) -> str:
        """SQL for the trimmed text of a raw column; NULL when empty or when the file has no such column."""
        position = self.positions.get(self._by_normal.get(normalise(raw_column), raw_column))
        return "NULL::VARCHAR" if position is None else f"t{int(position)}"

    def field_text(self, name: str) -> str:
        """SQL for the text of a canonical column, its default applied; NULL where the contract does not map it."""
        rule = self.contract.columns.get(name)
        if rule is None:
            return "NULL::VARCHAR"
        if rule.compose:
            parts = [self.identifier(self.text(c)) for c in rule.compose]
            return " || '-' || ".join(parts)  # NULL when any part is
        text = self.text(rule.header or "")
        return text if rule.default is None else f"coalesce({text}, {literal(rule.default)})"

    @staticmethod
    def identifier(text: str) -> str:
        """An id as text: leading zeros stay; `17850.0`, a spreadsheet's idea of 17850, loses its `.0`."""
        return (
            f"CASE WHEN ends_with({text}, '.0') AND regexp_full_match({text}, '\\d+[.]0') "
            f"THEN left({text}, -2) ELSE {text} END"
        )

    @staticmethod
    def is_rounded(identifier: str) -> str:
        """SQL that is true for `5.36365E+11`: an id that a spreadsheet took for a number, its last digits lost."""
        return f"contains({identifier}, 'E+') AND regexp_full_match({identifier}, '\\d[.]\\d+E[+]\\d+')"

    def number(self, text: str, *, money: bool = False) -> str:
        """SQL for a DECIMAL(18,6): NULL for anything that is not a number in the contract's notation, or has 13 digits
        before the decimal mark. What lies beyond a millionth (a float's 0.30000000000000004) is rounded away.
        """
        marks = self.contract.numbers
        if marks.decimal == "." or not marks.thousands:
            plain = (
                text
                if marks.decimal == "."
                else f"CASE WHEN NOT contains({text}, '.') THEN replace({text}, ',', '.') END"
            )
        else:
            marked = f"contains({text}, '.') OR contains({text}, {literal(marks.thousands)})"
            plain = f"CASE WHEN NOT ({marked}) THEN replace({text}, ',', '.') END"
        # Nearly every number is plain; the careful reading runs only where the plain cast says NULL. It must not
        # repeat an expression: DuckDB would lift that out and evaluate it for every row.
        careful = self._without_marks(text, money)
        return f"coalesce(try_cast({plain} AS DECIMAL(18,6)), try_cast({careful} AS DECIMAL(18,6)))"

    def _without_marks(self, text: str, money: bool) -> str:
        """SQL for a number without currency and thousands marks; a lone point, which is no number, for all else."""
        marks = self.contract.numbers
        group = _SPACES if marks.thousands == " " else marks.thousands
        grouped = rf"\d{{1,3}}(?:[{group}]\d{{3}})+|" if group else ""
        names = [re.escape(n) for n in (self.contract.currency, *marks.symbols(self.contract.currency))]
        currency = f"(?:{'|'.join(names)})?" if money else ""
        space = f"[{BLANKS}]*"
        before, after = f"{space}([+-]?){space}{currency}{space}([+-]?)", f"{space}{currency}{space}"
        digits = rf"({grouped}\d*)(?:[{marks.decimal}](\d*))?([eE][+-]?\d+)?"
        pattern = f"(?s)^(?:{before}{digits}{after}|.*)$"
        bare = f"regexp_replace({text}, {literal(pattern)}, '\\1\\2\\3p\\4\\5')"
        return f"replace(translate({bare}, {literal(group)}, ''), 'p', '.')" if group else f"replace({bare}, 'p', '.')"

    def number_of(self, name: str) -> str:
        """SQL for the number in a canonical column as written, a DECIMAL(18,6)."""
        return self.number(self.field_text(name), money=name != "quantity")

    def position(self, name: str) -> int | None:
        """The number of the file column that alone decides a canonical column; None where none or several do."""
        rule = self.contract.columns.get(name)
        if rule is None or not rule.header:
            return None
        return self.positions.get(self._by_normal.get(normalise(rule.header), rule.header))

    def quantity(self, value: str | None = None) -> str:
        """SQL for the quantity as DECIMAL(18,3), in the product's unit, negative for cancellations.

        More than three decimals are unreadable as written; after division by a unit they are rounded. `value` names a
        column that holds `number_of("quantity")`.
        """
        value = value or self.number_of("quantity")
        exact = f"CASE WHEN CAST({value} AS DECIMAL(18,3)) = {value} THEN CAST({value} AS DECIMAL(18,3)) END"
        for unit in self.contract.quantity_units:
            divided = f"try_cast(round({value} / {int(unit.per_unit)}, 3) AS DECIMAL(18,3))"
            measured = f"{self._begins(unit)} AND abs({value}) > {int(unit.above)}"
            exact = f"CASE WHEN {measured} THEN {divided} ELSE {exact} END"
        return self._signed(exact)

    def price(self, value: str | None = None) -> str:
        """SQL for the unit price as written, DECIMAL(18,4); NULL where the source has none, or more than 4 decimals.

        `value` names a column that holds `number_of("unit_price")`.
        """
        if "unit_price" not in self.contract.columns:
            return "NULL::DECIMAL(18,4)"
        value = value or self.number_of("unit_price")
        return f"CASE WHEN CAST({value} AS DECIMAL(18,4)) = {value} THEN CAST({value} AS DECIMAL(18,4)) END"

    def amount(
        self,
        value: str | None = None,
        given: str | None = None,
        quantity: str | None = None,
        price: str | None = None,
    ) -> str:
        """SQL for the money of the line as DECIMAL(18,2).

        As written, where it must be in whole cents; quantity x unit price where the source has no amount, or where one
        is neither required nor given. The parameters name columns that hold what this would otherwise compute: the
        number as written, whether there is a text, and what `quantity` and `price` say.
        """
        # DuckDB multiplies two DECIMAL(18) as one, and stops the whole query when the product does not fit.
        product = f"CAST({quantity or self.quantity()} AS DECIMAL(38,3)) * {price or self.price()}"
        follows = f"try_cast(round({product}, 2) AS DECIMAL(18,2))"
        rule = self.contract.columns.get("total_amount")
        if rule is None:
            return follows
        value = value or self.number_of("total_amount")
        given = given or self.is_given("total_amount")
        written = self._signed(
            f"CASE WHEN CAST({value} AS DECIMAL(18,2)) = {value} THEN CAST({value} AS DECIMAL(18,2)) END"
        )
        if rule.required or "unit_price" not in self.contract.columns:
            return written
        return f"CASE WHEN {given} THEN {written} ELSE {follows} END"

    def _begins(self, rule: CancellationRule | QuantityUnit) -> str:
        return f"coalesce(starts_with(upper({self.text(rule.column)}), {literal(rule.prefix.upper())}), FALSE)"

    def _signed(self, value: str) -> str:
        rule = self.contract.cancellations
        return value if rule is None else f"CASE WHEN {self._begins(rule)} THEN -abs({value}) ELSE {value} END"

    def moment(self) -> str:
        """SQL for the moment of sale in shop time, as TIMESTAMP: ISO 8601 first, then numeric dates, then formats."""
        text = self.field_text("sold_at")
        shop = literal(self.contract.timezone)
        # Two common lengths are told by their shape at once; a text of ten characters that DuckDB reads is a date.
        to_the_second = f"strlen({text}) = 19 AND substr({text}, 14, 1) = ':' AND substr({text}, 17, 1) = ':'"
        plain = f"(strlen({text}) = 10 OR ({to_the_second}))"
        readings = [
            f"CASE WHEN {plain} OR regexp_full_match({text}, {literal(_ISO)}) THEN try_cast({text} AS TIMESTAMP) END"
        ]
        if order := self.contract.dates.day_month_order or self.date_order:
            readings.append(_numeric_date(text, order))
        if formats := self.contract.dates.formats:
            # %Y reads 24 as the year 24 after Christ: what no shop has seen is left to the formats with %y.
            sooner, short = _strptime(text, formats), _strptime(text, [f for f in formats if "%y" in f])
            readings.append(f"CASE WHEN year({sooner}) >= 1000 THEN {sooner} ELSE {short} END")
        local = f"coalesce({', '.join(readings)})"
        if zone := self.contract.dates.zone:
            local = f"timezone({shop}, timezone({literal(zone)}, {local}))"
        with_offset = f"strlen({text}) > 10 AND NOT {plain} AND regexp_full_match({text}, {literal(_ISO_WITH_OFFSET)})"
        return f"CASE WHEN {with_offset} THEN timezone({shop}, try_cast({text} AS TIMESTAMPTZ)) ELSE {local} END"

    def gender(self) -> str:
        """SQL for Female, Male, Other, NULL when not given, and '?' when it cannot be read."""
        text = self.field_text("gender")
        words = {word: name for name, spellings in _GENDERS.items() for word in spellings}
        known = ", ".join(map(literal, words))
        names = ", ".join("'-'" if name is None else literal(name) for name in words.values())
        # One lookup of lower(text), not a comparison a word: DuckDB would evaluate each for every row.
        found = f"coalesce(list_extract([{names}], list_position([{known}], lower({text}))), '?')"
        return (
            f"CASE WHEN {text} IN ('Female', 'Male') THEN {text} WHEN {text} IS NOT NULL THEN nullif({found}, '-') END"
        )

    def age(self) -> str:
        """SQL for whole years from 0 to 120, else NULL."""
        value = f"try_cast({self.field_text('age')} AS DECIMAL(18,6))"
        return f"CASE WHEN {value} BETWEEN 0 AND 120 AND {value} = trunc({value}) THEN {value}::INTEGER END"

    def category(self) -> str:
        """SQL for the category: inner white space folded, one Unicode form (NFC), case as the contract says."""
        text = self.field_text("product_category")
        folded = f"nfc_normalize(regexp_replace({text}, {literal(f'[{BLANKS}]+')}, ' ', 'g'))"
        case = self.contract.category_case
        if case == "title":
            usual = "[A-Z&][a-z]*( [A-Z&][a-z]*)*"
            folded = f"array_to_string([upper(w[1]) || lower(w[2:]) FOR w IN string_split({folded}, ' ')], ' ')"
        else:
            usual = "[!-~]+( [!-~]+)*" if case == "keep" else "[!-`{-~]+( [!-`{-~]+)*"
            folded = f"upper({folded})" if case == "upper" else folded
        return f"CASE WHEN regexp_full_match({text}, {literal(usual)}) THEN {text} ELSE {folded} END"


AGE_BANDS = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))


def age_group(age: str) -> str:
    """SQL for the age band of an age in years."""
    cases = " ".join(f"WHEN {age} < {limit} THEN {literal(name)}" for limit, name in AGE_BANDS)
    return f"CASE {cases} WHEN {age} IS NOT NULL THEN '65+' END"


def too_long(column: str, text: str) -> str:
    """SQL that is true when a text does not fit the warehouse column (varchar counts bytes in Redshift)."""
    return f"strlen({text}) > {_WIDTHS[column]}"


def literal(text: str) -> str:
    """A SQL string literal. Contracts are the user's own files, yet a quote in one must not end the string."""
    return "'" + text.replace("'", "''") + "'"


def _numeric_date(text: str, order: str) -> str:
    slashes = f"regexp_replace({text}, '^(\\d{{1,2}})[./-](\\d{{1,2}})[./-]', '\\1/\\2/')"
    first = "%d/%m" if order == "dmy" else "%m/%d"
    by_year = (
        f"WHEN regexp_matches({text}, '^\\d{{1,2}}[./-]\\d{{1,2}}[./-]\\d{{{digits}}}\\b') "
        f"THEN {_strptime(slashes, [f'{first}/{year}{clock}' for clock in _CLOCKS])}"
        for digits, year in ((4, "%Y"), (2, "%y"))
    )
    return f"CASE {' '.join(by_year)} END"


def _strptime(text: str, formats: Iterable[str]) -> str:
    patterns = ", ".join(map(literal, formats))
    return f"try_strptime({text}, [{patterns}])" if patterns else "NULL::TIMESTAMP"

"""From text to typed values: a contract as DuckDB SQL expressions over the text columns of a file.

One place for every reading of a number, a date, an id or a category, used by the cleaning tasks and by the control
totals alike. An unreadable value becomes NULL here; whether that is a reason to reject the row is `cleaning/rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from retail_assets.contracts.model import Contract, QuantityUnit, normalise
from retail_assets.tables import SALES

#: What counts as white space around a value: ASCII, no-break and other Unicode spaces, zero-width space, BOM.
BLANKS = " \t\r\n\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u202f\u205f\u3000\ufeff"

_FEMALE = ("f", "female", "w", "woman")
_MALE = ("m", "male", "man")
_OTHER = ("o", "other", "x", "d", "diverse", "nonbinary", "non-binary")
_NOT_GIVEN = ("u", "unknown", "n/a", "na", "not specified", "-")

_WIDTHS = {c.name: c.numbers[0] for c in SALES.columns if c.type.startswith("varchar")}


@dataclass(frozen=True)
class TextColumns:
    """Where the raw columns of one file are: `positions` maps a raw column of the contract to its number in the file.

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

    def trimmed(self, *, trim: bool) -> str:
        """The select list `… AS t0, … AS t1` for the columns that the contract reads: empty texts become NULL.

        With `trim`, spaces and tabs round a value go. Cleaning trims all `BLANKS` beforehand, in Arrow: DuckDB's trim
        with that list costs more than everything else together.
        """
        texts = ((int(p), f"trim(c{int(p)}, ' \t')" if trim else f"c{int(p)}") for p in set(self.positions.values()))
        return ", ".join(f"nullif({text}, '') AS t{p}" for p, text in sorted(texts))

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
            f"CASE WHEN ends_with({text}, '.0') AND regexp_full_match({text}, '\\d+\\.0') "
            f"THEN left({text}, -2) ELSE {text} END"
        )

    def number(self, text: str, *, money: bool = False) -> str:
        """SQL for a DECIMAL(38,6): NULL for anything that is not a number in the contract's notation."""
        marks = self.contract.numbers
        value = text
        if money and marks.currency_symbols:
            stripped = f"translate({value}, {literal(marks.currency_symbols)}, '')"
            value = f"trim({stripped}, {literal(BLANKS)})"
        if marks.thousands:
            group, point = _regex(marks.thousands), _regex(marks.decimal)
            grouped = literal(rf"[+-]?\d{{1,3}}({group}\d{{3}})+({point}\d*)?")
            value = (
                f"CASE WHEN contains({value}, {literal(marks.thousands)}) "
                f"THEN CASE WHEN regexp_full_match({value}, {grouped}) "
                f"THEN replace({value}, {literal(marks.thousands)}, '') END ELSE {value} END"
            )
        if marks.decimal == ",":
            value = f"CASE WHEN contains({value}, '.') THEN NULL ELSE replace({value}, ',', '.') END"
        careful = f"try_cast({value} AS DECIMAL(38,6))"
        if marks.decimal == ",":
            return careful
        # Nearly every number is plain; the careful reading runs only for the rows where the plain cast says NULL.
        return f"coalesce(try_cast({text} AS DECIMAL(38,6)), {careful})"

    def quantity(self) -> str:
        """SQL for the quantity as DECIMAL(18,3), in the product's unit, negative for cancellations."""
        value = self.number(self.field_text("quantity"))
        for unit in self.contract.quantity_units:
            measured = f"{self._is_unit(unit)} AND abs({value}) > {int(unit.above)}"
            value = f"CASE WHEN {measured} THEN {value} / {int(unit.per_unit)} ELSE {value} END"
        return f"try_cast(round({self._signed(value)}, 3) AS DECIMAL(18,3))"

    def _is_unit(self, unit: QuantityUnit) -> str:
        return f"starts_with(upper({self.text(unit.column)}), {literal(unit.prefix.upper())})"

    def price(self) -> str:
        """SQL for the unit price as written, DECIMAL(18,4); NULL where the source has none."""
        if "unit_price" not in self.contract.columns:
            return "NULL::DECIMAL(18,4)"
        return f"try_cast(round({self.number(self.field_text('unit_price'), money=True)}, 4) AS DECIMAL(18,4))"

    def amount(self) -> str:
        """SQL for the money of the line as DECIMAL(18,2).

        As written, or quantity x unit price where the source has no amount. More than whole cents is unreadable;
        noise below a millionth (a float's 2.2e-16) is not.
        """
        if "total_amount" in self.contract.columns:
            value = self._signed(self.number(self.field_text("total_amount"), money=True))
            return f"try_cast(CASE WHEN round({value}, 2) = {value} THEN round({value}, 2) END AS DECIMAL(18,2))"
        return f"try_cast(round({self.quantity()} * {self.price()}, 2) AS DECIMAL(18,2))"

    def _signed(self, value: str) -> str:
        rule = self.contract.cancellations
        if rule is None:
            return value
        cancelled = f"starts_with(upper({self.text(rule.column)}), {literal(rule.prefix.upper())})"
        return f"CASE WHEN {cancelled} THEN -abs({value}) ELSE {value} END"

    def moment(self) -> str:
        """SQL for the moment of sale in shop time, as TIMESTAMP: ISO 8601 first, then numeric dates, then formats.

        May be infinite (`infinity` is a time stamp to DuckDB): the caller must ask `isfinite`.
        """
        text = self.field_text("sold_at")
        shop = literal(self.contract.timezone)
        with_offset = f"length({text}) > 10 AND regexp_matches({text}, '\\d(Z|z|[+-]\\d{{2}}(:?\\d{{2}})?)$')"
        readings = [f"try_cast({text} AS TIMESTAMP)"]
        if order := self._day_month_order():
            numeric = f"regexp_replace({text}, '^(\\d{{1,2}})[./-](\\d{{1,2}})[./-]', '\\1/\\2/')"
            first = "%d/%m" if order == "dmy" else "%m/%d"
            clock = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
            patterns = ", ".join(literal(f"{first}/{year}{time}") for year in ("%Y", "%y") for time in clock)
            readings.append(f"try_strptime({numeric}, [{patterns}])")
        if self.contract.dates.formats:
            patterns = ", ".join(literal(f) for f in self.contract.dates.formats)
            readings.append(f"try_strptime({text}, [{patterns}])")
        local = f"coalesce({', '.join(readings)})"
        if zone := self.contract.dates.zone:
            local = f"timezone({shop}, timezone({literal(zone)}, {local}))"
        return f"CASE WHEN {with_offset} THEN timezone({shop}, try_cast({text} AS TIMESTAMPTZ)) ELSE {local} END"

    def _day_month_order(self) -> str | None:
        order = self.contract.dates.order
        return self.date_order if order == "infer" else order

    def gender(self) -> str:
        """SQL for Female, Male, Other, NULL when not given, and '?' when it cannot be read."""
        text = self.field_text("gender")
        cases = " ".join(
            f"WHEN lower({text}) IN ({', '.join(map(literal, words))}) THEN {result}"
            for words, result in (
                (_FEMALE, "'Female'"),
                (_MALE, "'Male'"),
                (_OTHER, "'Other'"),
                (_NOT_GIVEN, "NULL"),
            )
        )
        return f"CASE WHEN {text} IS NULL THEN NULL {cases} ELSE '?' END"

    def age(self) -> str:
        """SQL for whole years from 0 to 120, else NULL."""
        value = f"try_cast({self.field_text('age')} AS DECIMAL(18,6))"
        return f"CASE WHEN {value} BETWEEN 0 AND 120 AND {value} = trunc({value}) THEN {value}::INTEGER END"

    def category(self) -> str:
        """SQL for the category: inner white space folded, case as the contract says."""
        text = f"regexp_replace({self.field_text('product_category')}, '\\s+', ' ', 'g')"
        if self.contract.category_case == "upper":
            return f"upper({text})"
        if self.contract.category_case == "title":
            return f"array_to_string([upper(w[1]) || lower(w[2:]) FOR w IN string_split({text}, ' ')], ' ')"
        return text


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


def _regex(mark: str) -> str:
    return "\\" + mark if mark in ".+*?|" else mark


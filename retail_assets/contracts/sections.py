"""The sections of a contract: columns, dates, numbers, files, cancellations, units and schema drift."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from retail_assets.contracts import expressions
from retail_assets.contracts.currency_signs import signs_of
from retail_assets.contracts.date_formats import LeadingDate, contradiction, leading_date
from retail_assets.contracts.date_languages import date_names
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.values import DateFormat, Encoding, Header, Language, Pattern, Timezone, format_order

#: Currencies whose digits are grouped as in 12,34,567.
_INDIAN = ("INR", "PKR", "BDT", "NPR", "LKR")


def added(default: Any) -> Any:
    """Declare a key that contracts of earlier versions did not have. At its default it leaves the digest as it was.

    Otherwise an upgrade would give every contract another digest, and its landings would count as registered and
    cleaned by another contract.
    """
    return Field(default=default, exclude_if=lambda value: value == default)


class Section(BaseModel):
    """Base of everything in a contract: unknown keys are errors, and nothing can be changed afterwards."""

    # `default: 1` and `amount_tolerance: 0.05` are what people write for "1" and "0.05".
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class ComposedPart(Section):
    """A raw column of a composed id, with what stands for an empty value."""

    header: Header
    default: Annotated[str, Field(min_length=1)]


_Part = Annotated[
    Annotated[Header, Tag("column")] | Annotated[ComposedPart, Tag("part")],
    Discriminator(lambda value: "part" if isinstance(value, dict | ComposedPart) else "column"),
]


#: Text that a rule looks for, without regard to case.
Wanted = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
_MOST_TEXTS = 300


class CategoryRule(Section):
    """One rule that names a category by what a text says; the first rule that applies decides.

    It applies if the text has one of `contains` anywhere, one of `words` as whole words, begins with one of `prefix`,
    or is one of `equals`; without regard to case and to how much space is between words. Each is one text or a list.
    """

    category: Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
    contains: tuple[Wanted, ...] = ()
    words: tuple[Wanted, ...] = ()
    prefix: tuple[Wanted, ...] = ()
    equals: tuple[Wanted, ...] = ()

    @field_validator("contains", "words", "prefix", "equals", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, (str, int)) else given

    @model_validator(mode="after")
    def _says_what_it_wants(self) -> CategoryRule:
        texts = (*self.contains, *self.words, *self.prefix, *self.equals)
        if not texts:
            raise ValueError("give at least one of `contains`, `words`, `prefix` and `equals`")
        if len(texts) > _MOST_TEXTS:
            raise ValueError(f"{len(texts)} texts in one rule; give at most {_MOST_TEXTS}, the others in a second rule")
        return self


class FieldRule(Section):
    """Where one canonical column comes from.

    `header` and `aliases` are matched without regard to case, spaces, `_` and `-`. `compose` joins several raw columns
    with `-` instead (`{header: Line, default: "1"}` for one that may be empty), `expression` computes a number from
    several. `required` means that the file must have the column, and that a row without a value is quarantined.
    `default` fills empty values. `occurrence` (transaction_id only) numbers repeated ids of one landing instead of
    letting the last line replace the earlier ones, for sources whose composed id is not unique. `rules`
    (product_category only) turn the column's text into a category; `default` is then the category of all other texts.
    `time` and `zone` (sold_at only) are columns beside the date's.
    """

    header: Header | None = None
    aliases: tuple[Header, ...] = ()
    compose: tuple[_Part, ...] = ()
    required: bool = False
    default: str | None = None
    occurrence: bool = False
    rules: tuple[CategoryRule, ...] = added(())
    time: Header | None = added(None)
    zone: Header | None = added(None)
    expression: str | None = added(None)

    @model_validator(mode="after")
    def _one_origin(self) -> FieldRule:
        if sum(map(bool, (self.header, self.compose, self.expression))) != 1:
            raise ValueError("give either `header` (with optional `aliases`) or one of `compose` and `expression`")
        if not self.header and self.aliases:
            raise ValueError("`aliases` belong to a `header`; list composed columns under their own names")
        if self.compose and self.default is not None:
            raise ValueError('`default` of a composed id belongs to its parts: {header: Line, default: "1"}')
        if self.expression and self.default is not None:
            raise ValueError("a default belongs to a column of the expression: write default(Discount, 0) in it")
        for operand in self.operands:
            if not normalize_header(operand.column):
                raise ValueError(f"{operand.column!r} cannot be a header: give at least one letter or digit")
        return self

    @property
    def beside(self) -> tuple[str, ...]:
        """The raw columns of the time and of the zone, where they are not in the column of the date."""
        return tuple(header for header in (self.time, self.zone) if header)

    @property
    def operands(self) -> tuple[expressions.Operand, ...]:
        """What the expression reads; empty without one."""
        return tuple(expressions.operands(expressions.parsed(self.expression))) if self.expression else ()

    @property
    def origins(self) -> tuple[tuple[str, str | None], ...]:
        """The raw columns that the column is made of, each with its default."""
        if self.header:
            return ((self.header, self.default),)
        if self.expression:
            return tuple((o.column, None if o.default is None else str(o.default)) for o in self.operands)
        return tuple((p, None) if isinstance(p, str) else (p.header, p.default) for p in self.compose)


#: What a number in the column of dates counts: days, or the time since 1970.
Serial = Literal["excel_1900", "excel_1904", "unix_seconds", "unix_milliseconds", "unix_microseconds"]


class DateRule(Section):
    """How dates are written. `formats` are strptime patterns; a text that one of them reads is read by it.

    `order` decides numeric dates such as 03/04/2025: `dmy`, `mdy`, `ymd` (25/04/03), or `infer`, which takes the order
    of the numeric formats or, without any, infers it from the whole file (and refuses the file if it does not prove
    one). `zone` names the time zone of the time stamps if they are not in shop time; a date without a time is a day in
    the shop. `language` is the language, or languages, of the names of months and weekdays; `serial` is what a bare
    number counts.
    """

    formats: tuple[DateFormat, ...] = ()
    order: Literal["dmy", "mdy", "ymd", "infer"] = "infer"
    zone: Timezone | None = None
    earliest: dt.date = dt.date(1990, 1, 1)
    days_after_landing: Annotated[int, Field(ge=0, le=3660)] = 1
    language: Annotated[tuple[Language, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)] = added(())
    serial: Serial | None = added(None)

    @model_validator(mode="after")
    def _names_mean_one_month(self) -> DateRule:
        if self.language:
            date_names(self.language)
        return self

    @model_validator(mode="after")
    def _one_order(self) -> DateRule:
        if two := contradiction(self.formats):
            raise ValueError(f"the formats {two[0]!r} and {two[1]!r} read the same text as different days")
        orders = {format_order(f): f for f in reversed(self.formats)}
        other = {"dmy": "mdy", "mdy": "dmy"}.get(self.order, "")
        if other in orders:
            raise ValueError(f"`order: {self.order}` contradicts the format {orders[other]!r}")
        return self

    @property
    def day_month_order(self) -> str | None:
        """`dmy`, `mdy` or `ymd` where the contract declares it; None where each file has to prove it."""
        if self.order != "infer":
            return self.order
        orders = set(filter(None, map(format_order, self.formats)))
        return orders.pop() if len(orders) == 1 else None  # 31.1.2025 and 1/31/2025: the separators decide

    def overriding(self) -> dict[str, LeadingDate]:
        """Return the formats that read a text which would otherwise be read as another day, with their dates.

        ISO 8601 has the year, the month and the day; a numeric date is read in the contract's order.

        >>> list(DateRule(formats=("%Y-%d-%m", "%Y-%m-%d %H", "%d %b %Y")).overriding())
        ['%Y-%d-%m']
        """
        leading = {f: date for f in self.formats if (date := leading_date(f))}
        year_first = {f for f, date in leading.items() if date.long_year and date.order[0] == "y"}
        return {
            f: date for f, date in leading.items() if date.order != ("ymd" if f in year_first else self.day_month_order)
        }


#: One sign of a currency. Points may be part of it ("Rs."), other marks of numbers may not.
Sign = Annotated[str, Field(pattern=r"^[^\d\s,'’+\-()−%]{1,8}$")]


class NumberRule(Section):
    """Marks in numbers. Money may have the currency's code or one of `currency_symbols` before or after it.

    Without `currency_symbols`, only the signs of the contract's currency are accepted, so that euros are not read as
    dollars. A text with letters (`R$`) is one sign; without letters, each of its characters is one (`€$`). `grouping`
    of digits is by thousands, or `indian` (12,34,567). `negatives` says how else a minus is written, `zeros` what
    stands for zero. `round: cents` rounds what has more decimals than its column.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    currency_symbols: Annotated[str, Field(pattern=r"^[^\d\s,'+-]*$")] | tuple[Sign, ...] | None = None
    grouping: Literal["thousands", "indian"] | None = added(None)
    negatives: tuple[Literal["brackets", "trailing"], ...] = added(())
    zeros: tuple[Annotated[str, Field(pattern=r"^[^\d\s().,]{1,8}$")], ...] = added(())
    round: Literal["cents"] | None = added(None)

    def symbols(self, currency: str) -> tuple[str, ...]:
        """Return the signs that may stand for `currency` (ISO 4217).

        >>> NumberRule().symbols("EUR"), NumberRule(currency_symbols="R$").symbols("BRL")
        (('€',), ('R$',))
        """
        if self.currency_symbols is None:
            return signs_of(currency)
        if isinstance(self.currency_symbols, str):
            whole = any(c.isalpha() for c in self.currency_symbols)
            return (self.currency_symbols,) if whole else tuple(self.currency_symbols)
        return self.currency_symbols

    def grouped_as_in_india(self, currency: str) -> bool:
        """Return whether digits may be grouped as in 12,34,567: as declared, else by the currency."""
        return currency in _INDIAN if self.grouping is None else self.grouping == "indian"

    @model_validator(mode="after")
    def _differ(self) -> NumberRule:
        if self.decimal == self.thousands:
            raise ValueError("`decimal` and `thousands` must differ")
        if any(not sign.strip(".") for sign in self.symbols("")):
            raise ValueError("`currency_symbols`: a point is no sign of a currency; it may follow letters, as in Rs.")
        if self.grouping == "indian" and not self.thousands:
            raise ValueError('`grouping: indian` needs the mark between groups: `thousands: ","`')
        return self


class FileRule(Section):
    """How the rows lie in a file. A byte-order mark always overrides `encoding`.

    `skip_top` counts the lines above the header; `header` is a regular expression, and the first line in which it is
    found is the header. `skip_bottom` counts the lines of totals at the end; `totals` is a regular expression, and the
    last lines are skipped as long as it is found in them. `sheet` is the name or the number of a workbook's sheet.
    `fill_down` lists columns whose blank cells mean the value of the line above; the first of them is the key.
    """

    encoding: Encoding = "utf-8"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    skip_top: Annotated[int, Field(ge=0, le=1000)] | None = added(None)
    header: Pattern | None = added(None)
    skip_bottom: Annotated[int, Field(ge=0, le=50)] = added(0)
    totals: Pattern | None = added(None)
    sheet: Annotated[str, Field(min_length=1, max_length=200)] | None = added(None)
    fill_down: tuple[Header, ...] = added(())

    @model_validator(mode="after")
    def _one_way(self) -> FileRule:
        if self.skip_top is not None and self.header is not None:
            raise ValueError("give either `skip_top` or `header`, not both")
        if self.skip_bottom and self.totals is not None:
            raise ValueError("give either `skip_bottom` or `totals`, not both")
        return self


class CancellationRule(Section):
    """A cancellation is a row whose raw `column` begins with `prefix`; its quantity and amount count as negative."""

    column: Header
    prefix: Annotated[str, Field(min_length=1)]


class QuantityUnit(Section):
    """Rows whose raw `column` begins with `prefix` count `per_unit` to the unit (1000 for thousandths of a gallon).

    Quantities up to `above` count something else (one fill-up) and stay as they are.
    """

    column: Header
    prefix: Annotated[str, Field(min_length=1)]
    per_unit: Annotated[int, Field(ge=2)]
    above: Annotated[int, Field(ge=0)] = 0
    unit: str


Verdict = Literal["accept", "warn", "refuse"]


class DriftRule(Section):
    """What to do about schema drift: when the files of a landing have another shape than those of the landing before.

    `accept` only shows the change, `warn` fails the check `schema_unchanged`, `refuse` stops the landing before it is
    registered. A missing required column is always refused; columns that the contract ignores never count.
    """

    new_columns: Verdict = "warn"
    missing_columns: Verdict = "warn"
    renamed_columns: Verdict = "accept"
    column_order: Verdict = "accept"
    file_format: Verdict = "warn"

"""What the dates of a whole file prove: the order of day, month and year, or that the contract declares another one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from retail_assets.contracts.date_formats import THREE_NUMBERS, day_of, format_in_order, other_orders
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.sections import DateRule
from retail_assets.contracts.values import format_order
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.format_evidence import FormatEvidence, evidence_of_texts, tested_formats
from retail_assets.landing.inspection.header import fields_of
from retail_assets.landing.inspection.lines import has_text
from retail_assets.landing.inspection.text_stream import uncompressed
from retail_assets.storage import Store

#: Days that are looked at, the most frequent first. No file has sales of more.
MOST_DATES = 20_000
_THREE_NUMBERS = re.compile(THREE_NUMBERS)
_ISO = "ISO 8601"
#: More dates than this, and more than one in ten, are not a few broken ones.
_FEW, _SHARE = 10, 10
#: Different days of each kind from which on it is no chance that the ones end where the others begin.
_SWAPPED = 3
_WORDS = {"dmy": "day first", "mdy": "month first", "ymd": "year, month, day", "ydm": "year, day, month"}


@dataclass(frozen=True)
class DateEvidence:
    """The dates of a file: three numbers as written (`31/01/2025`) → rows, and how the other formats fared.

    `timed` are those of `days` that have a time of day behind them.
    """

    days: Mapping[str, int] = field(default_factory=dict)
    formats: tuple[FormatEvidence, ...] = ()
    timed: frozenset[str] = frozenset()

    def order(self, key: str, rule: DateRule, landed_on: dt.date | None = None) -> str | None:
        """Return the order that the file proves for numeric dates, where the contract declares none.

        None if it declares one, or if no date is numeric. A date after the landing is none that was meant.

        Raises LandingError if the file proves no order, or contradicts what the contract declares.

        >>> DateEvidence({"31/01/2025": 2}).order("a.csv", DateRule())
        'dmy'
        """
        last = dt.date.max if landed_on is None else landed_on + dt.timedelta(rule.days_after_landing)
        tested = _Tested(rule, last)
        undeclared: list[tuple[_Date, int]] = []
        for written, rows in self.days.items():
            if (date := _Date.of(written)) and not tested.add(date, rows):
                undeclared.append((date, rows))
        for evidence in (*tested.against.values(), *self.formats):
            if _contradicts(evidence, sum(self.days.values())):
                raise LandingError(f"{key}: {_described(evidence, rule)}")
        order = _proven(undeclared, key, rule, last)
        _refuse_swapped([_Date.of(written) for written in self.days], order, key)
        return order


@dataclass(frozen=True)
class _Date:
    written: str
    numbers: tuple[str, str, str]
    separators: tuple[str, str]

    @classmethod
    def of(cls, written: str) -> _Date | None:
        match = _THREE_NUMBERS.match(written)
        if match is None:
            return None
        first, mark, second, other_mark, third = match.groups()
        return cls(written, (first, second, third), (mark, other_mark))

    @property
    def year_first(self) -> bool:
        return len(self.numbers[0]) == 4

    @property
    def numeric(self) -> bool:
        """Whether it begins with a day or a month, or with two digits of the year."""
        return len(self.numbers[0]) <= 2 and len(self.numbers[2]) in (2, 4)

    @property
    def short(self) -> bool:
        """Whether the year has two digits and could come first: 25/01/05."""
        return len(self.numbers[0]) == len(self.numbers[2]) == 2

    def day(self, order: str, rule: DateRule, last: dt.date) -> dt.date | None:
        """Return the day in an order, if it exists. With a short year it must also have been possible to sell then."""
        long_year = len(self.numbers[order.index("y")]) == 4
        if order == "ymd" and not long_year and not self.short:
            return None
        day = day_of(self.numbers, order)
        return day if day is None or long_year or rule.earliest <= day <= last else None


@dataclass
class _Tested:
    """Declared orders and formats, each tested against the others that read the same dates."""

    rule: DateRule
    last: dt.date
    against: dict[tuple[str, str], FormatEvidence] = field(default_factory=dict)

    def add(self, date: _Date, rows: int) -> bool:
        """Count a date for and against what the contract declares for it; False if it declares nothing."""
        pattern = next((f for f, leading in self.rule.overriding().items() if leading.claims(date.written)), None)
        if pattern:
            declared, order = pattern, self.rule.overriding()[pattern].order
        elif date.year_first and "." not in date.separators:
            declared, order = _ISO, "ymd"
        elif date.numeric and (numeric := self.rule.day_month_order):
            if numeric == "ymd" and not date.short:
                return False
            declared, order = numeric, numeric
        else:
            return False
        others = ("ymd", "ydm") if date.year_first else ("dmy", "mdy", "ymd") if date.short else ("dmy", "mdy")
        day = date.day(order, self.rule, self.last)
        for other in others:
            if other != order:
                self._count(declared, other, date, day, rows)
        return True

    def _count(self, declared: str, other: str, date: _Date, day: dt.date | None, rows: int) -> None:
        otherwise = date.day(other, self.rule, self.last)
        so_far = self.against.get((declared, other), FormatEvidence(declared, other))
        if day and not otherwise:
            so_far = replace(so_far, only_declared=so_far.only_declared + rows)
        elif otherwise and not day:
            first = so_far.example is None or date.written < so_far.example
            so_far = replace(
                so_far,
                only_other=so_far.only_other + rows,
                example=date.written if first else so_far.example,
                reading=otherwise if first else so_far.reading,
                fix=format_in_order(date.numbers, date.separators, other) if first else so_far.fix,
            )
        elif day and otherwise and day != otherwise and (so_far.both is None or date.written < so_far.both):
            so_far = replace(so_far, both=date.written, both_readings=(day, otherwise))
        self.against[declared, other] = so_far


def _contradicts(found: FormatEvidence, rows: int) -> bool:
    """Return whether a file with dates in so many rows contradicts what the contract declares.

    It does if more dates fit only another order than fit only the declared one, or ten and more than a tenth as many.
    Fewer than ten and than one in a hundred of all dates are broken, unless others could be read in both orders.
    """
    if found.only_other < _FEW:
        broken = found.both is None and found.only_other * 100 < rows
        return found.only_other > found.only_declared and not broken
    return found.only_other * _SHARE > found.only_declared


def _described(found: FormatEvidence, rule: DateRule) -> str:
    named = repr(found.declared) if "%" in found.declared else found.declared
    declared = "dates that begin with the year are read as ISO 8601 (year, month, day)"
    if found.declared != _ISO:
        words = f" ({_WORDS[found.declared]})" if found.declared in _WORDS else ""
        declared = f"the contract says that dates are {named}{words}"
    other = f"{_WORDS[found.other]}" if found.other in _WORDS else repr(found.other)
    text = (
        f"{declared}, but {found.only_other:,} dates fit only {other}, and {found.only_declared:,} only {named}. "
        f"{found.example!r} is no date as {named}; the other way it is {_shown(found.reading)}."
    )
    if found.both and found.both_readings:
        one, two = map(_shown, found.both_readings)
        text += f" {found.both!r} would be {one}, the other way it is {two}."
    return f"{text} If the file is right, write in the contract `{_fixed(found, rule)}`; otherwise have the file fixed."


def _shown(day: dt.date | None) -> str:
    return "no date" if day is None else f"{day.day} {day:%b %Y}"


def _fixed(found: FormatEvidence, rule: DateRule) -> str:
    """Return the line of YAML with which the contract reads the dates the other way."""
    order, formats = rule.order, list(rule.formats)
    if found.declared == _ISO:
        formats.append(found.fix or "%Y-%d-%m")
    elif "%" in found.declared:
        formats[formats.index(found.declared)] = found.fix or found.other
        if found.fix and found.other != format_order(found.fix):
            formats = [f for f in formats if f != found.declared]
    else:
        formats = [_turned(f, found.declared, found.other) for f in formats]
        if order != "infer" or not any(format_order(f) == found.other for f in formats):
            order = found.other  # type: ignore[assignment]  # one of the numeric orders
    keys = [f"order: {order}"] if order != "infer" else []
    if formats:
        keys.append(f"formats: [{', '.join(repr(f) for f in dict.fromkeys(formats))}]")
    return f"dates: {{{', '.join(keys)}}}"


def _turned(pattern: str, before: str, after: str) -> str:
    """Return a numeric format in another order; any other format as it is."""
    if format_order(pattern) != before:
        return pattern
    letters = {"d": "dmy", "m": "mdy", "y": "ymd"}
    for other in other_orders(pattern):
        if letters[other.replace("-", "")[1].lower()] == after:
            return other
    return pattern


def _proven(dates: list[tuple[_Date, int]], key: str, rule: DateRule, last: dt.date) -> str | None:
    """Return the order that undeclared numeric dates prove together."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for date, rows in dates:
        for kind in _kinds(date, rule, last):
            counts[kind] += rows
            examples[kind] = min(date.written, examples.get(kind, date.written))
    if not counts["numeric"] and not counts["year first"]:
        return None
    declare = "Declare the order in the contract: `dates: {order: dmy}` or `dates: {order: mdy}`"
    example = examples.get("numeric") or examples["year first"]
    if counts["year first"] and (counts["year last"] or counts["long"]):
        first, other = examples["year first"], examples.get("year last") or examples["long"]
        problem = f"the year comes first in {first!r} and last in {other!r}"
        declare += ", or a format for those that begin with the year: `dates: {formats: ['%y-%m-%d']}`"
    elif counts["year first"]:
        return "ymd"
    elif counts["may be year first"] and not counts["year last"]:
        short = examples["may be year first"]
        problem = (
            f"the two-digit year may stand at the end or, as in {short}, at the beginning: {_readings(short, rule)}"
        )
        declare += f", or `dates: {{order: ymd}}` if {short} begins with the year"
    elif counts["day first"] and counts["month first"]:
        problem = (
            f"the day comes first in {counts['day first']:,} ({examples['day first']!r}) and the month in "
            f"{counts['month first']:,} ({examples['month first']!r})"
        )
        declare += f"; a few dates in the other order then go to quarantine{_by_separators(examples)}"
    elif not counts["day first"] and not counts["month first"]:
        problem = (
            f"no day is above 12, so the file does not show which comes first, day or month: {_readings(example, rule)}"
        )
    else:
        return "dmy" if counts["day first"] else "mdy"
    rows = counts["numeric"] or counts["year first"]
    raise LandingError(f"{key}: {rows:,} dates such as {example!r} are numeric, and {problem}. {declare}.")


def _refuse_swapped(dates: list[_Date | None], order: str | None, key: str) -> None:
    """Raise LandingError for what a spreadsheet makes of dates in another order than its own.

    It reads those with a day up to 12 the wrong way round, as dates of its own, and leaves the others as texts. So the
    former have no day above 12, and all of the latter have one.
    """
    typed = [date for date in dates if date and date.year_first]
    texts = [date for date in dates if date and date.numeric]
    place = {"dmy": 0, "mdy": 1}.get(order or "")
    if place is None or min(len(typed), len(texts)) < _SWAPPED:
        return
    if all(int(d.numbers[2]) <= 12 for d in typed) and all(int(d.numbers[place]) > 12 for d in texts):
        raise LandingError(
            f"{key}: all {len(texts):,} days such as {texts[0].written!r} are above the 12th of a month, and none of "
            f"the {len(typed):,} such as {typed[0].written!r} is. So it looks as if a spreadsheet has taken day and "
            "month of the latter for each other. Import the original file again with the column as text, and export "
            f"that; if the dates are right, declare `dates: {{order: {order}}}`."
        )


def _by_separators(examples: Mapping[str, str]) -> str:
    """Return the formats that tell days from months by their separators, as the end of a sentence; or nothing."""
    dates = [(_Date.of(examples["day first"]), "dmy"), (_Date.of(examples["month first"]), "mdy")]
    formats = [format_in_order(date.numbers, date.separators, order) for date, order in dates if date]
    if len({date.separators for date, _ in dates if date}) < 2:
        return ""
    return f". If the separators tell which is which: `dates: {{formats: [{', '.join(map(repr, formats))}]}}`"


def _kinds(date: _Date, rule: DateRule, last: dt.date) -> list[str]:
    """Return what one numeric date proves."""
    if not date.numeric:
        return []
    first, second = map(int, date.numbers[:2])
    kinds = []
    if 1 <= min(first, second) <= 12 and max(first, second) <= 31:
        kinds.append("numeric")
        kinds += ["day first"] if first > 12 else ["month first"] if second > 12 else []
        kinds += ["long"] if len(date.numbers[2]) == 4 else []
    if date.short:
        # A date before `earliest` may have been meant, and is rejected on its own; one after the landing was not.
        day = day_of(date.numbers, "ymd")
        could_be = day is not None and day <= last
        if day and could_be and day >= rule.earliest and not 1 <= first <= 31:
            kinds.append("year first")
        elif kinds:
            kinds.append("may be year first" if could_be else "year last")
    elif kinds and len(date.numbers[2]) == 2:
        kinds.append("year last")  # nobody writes a year with one digit
    return kinds


def _readings(written: str, rule: DateRule) -> str:
    """Return what a date means in each order: `05/01/2024` is 5 Jan 2024 or 1 May 2024."""
    date = _Date.of(written)
    orders = ("dmy", "mdy", "ymd") if date and date.short else ("dmy", "mdy")
    days = [day_of(date.numbers, order) for order in orders] if date else []
    return f"{written} is " + " or ".join(dict.fromkeys(_shown(day) for day in days if day))


def evidence_by_hand(store: Store, profile: FileProfile, contract: Contract, landed_on: dt.date | None) -> DateEvidence:
    """Collect the evidence of a delimited file line by line in Python, for files that DuckDB cannot read to the end."""
    position = profile.positions.get(_sold_at_column(contract), -1)
    days: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    others = bool(tested_formats(contract.dates))
    with store.open(profile.key) as handle:
        stream = uncompressed(handle, profile.compression)
        lines = io.TextIOWrapper(stream, profile.encoding, "replace", newline=None)
        for number, line in enumerate(lines):
            if number < profile.header_lines or not has_text(line):
                continue
            try:
                fields = fields_of(line.rstrip("\n"), profile.delimiter, strict=False)
            except csv.Error:
                continue
            text = fields[position].strip() if position < len(fields) == len(profile.header) else ""
            if match := _THREE_NUMBERS.match(text):
                days["".join(match.groups())] += 1
            elif others and text and (text in texts or len(texts) < MOST_DATES):
                texts[text] += 1
    return DateEvidence(days, evidence_of_texts(texts, contract.dates, landed_on) if others else ())


def _sold_at_column(contract: Contract) -> str:
    """Return the raw column of the date, or an empty string if the contract has none."""
    header = normalize_header(contract.columns["sold_at"].header or "")
    columns = contract.raw_columns().items()
    return next((c for c, names in columns if header in map(normalize_header, names)), "")

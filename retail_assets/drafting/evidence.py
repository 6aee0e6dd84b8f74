"""What the texts of one column are: how many are given and different, how numbers are marked, how dates are written."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from retail_assets.contracts.currency_signs import known_signs
from retail_assets.contracts.date_languages import date_names
from retail_assets.drafting.written_dates import WrittenDates, digits_of, formats_of, plain

_TOO_LARGE = Decimal(10) ** 12  # no column of money is that wide
_MISSING = {"", "null", "n/a", "#n/a", "nan", "none", "\\n", "na", "-"}
_MONEY = re.compile(
    r"^(?P<open>\()?\s*(?P<minus>[-+−])?\s*"
    r"(?P<before>(?:[A-Z]{2,3} )?[^\d\s.,'+\-()−%][^\d\s,'+\-()−%]{0,7})?\s*(?P<minus2>[-+−])?\s*"
    r"(?P<digits>\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?\s*"
    r"(?P<after>[^\d\s.,'+\-()−%][^\d\s,'+\-()−%]{0,7})?"
    r"\s*(?P<trailing>-)?\s*(?P<close>\))?$"
)
_MONTH_NAMES = (
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d-%b-%y", "%d %B %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y-%b-%d",
    "%a %d/%m/%Y", "%a %m/%d/%Y", "%a %d.%m.%Y", "%a, %d/%m/%Y", "%a, %m/%d/%Y", "%Y年%m月%d日",
    "%b-%d-%y", "%b-%d-%Y", "%a %d %b %Y",
    "%a, %d %b %Y", "%A, %B %d, %Y", "%a %b %d %Y", "%d/%b/%Y", "%d.%b.%Y", "%d %b %y",
)  # fmt: skip
_LANGUAGES = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "tr",
    "sv",
    "da",
    "nb",
    "fi",
    "cs",
    "hu",
    "ro",
    "ru",
    "el",
    "id",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_ISO = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?$")
#: What is read without a format.
_READ_AS_THEY_ARE = re.compile(
    r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?( ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?))?)?"
    r"|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})( \d{1,2}:\d{2}(:\d{2}([.]\d{1,6})?)?( ?[AaPp][Mm])?)?)$",
    re.IGNORECASE,
)
#: Numeric dates that only a format reads, and that can be nothing else.
_SHAPES = {
    "%d. %m. %Y": re.compile(r"\d{1,2}\. \d{1,2}\. \d{4}"),
    "%Y.%m.%d.": re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}\."),
    "%Y. %m. %d.": re.compile(r"\d{4}\. \d{1,2}\. \d{1,2}\."),
}
_NUMERIC = re.compile(r"^(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})\b")


def is_missing(text: str) -> bool:
    """Return whether a text stands for a missing value."""
    return text.lower() in _MISSING


@dataclass(frozen=True)
class Numbers:
    """How the numbers of a column are marked.

    `decimal` and `thousands` are None where the texts do not show them; `either` says that a single mark before three
    digits could be both. `signs` counts texts around numbers, such as a currency's. `share` is the part of the given
    texts that are numbers.
    """

    share: float
    decimal: str | None
    thousands: str | None
    either: str | None
    signs: Counter[str]
    brackets: bool
    trailing: bool
    indian: bool


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written, and which part of the given texts are dates.

    `order` is `dmy`, `mdy` or `ymd` as the whole column proves it, `either` where it does not; None if no date is
    numeric. `formats` are strptime patterns that are needed; where the order is `either`, they are for the day first
    and `month_first` for the other. `offsets` says that time stamps carry an offset, `serial` what plain numbers count.
    """

    share: float
    order: str | None = None
    formats: tuple[str, ...] = ()
    offsets: bool = False
    timed: bool = False
    example: str = ""
    language: str | None = None
    month_first: tuple[str, ...] = ()
    serial: str | None = None


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a raw table."""

    name: str
    index: int
    texts: tuple[str, ...]

    @functools.cached_property
    def given(self) -> list[str]:
        return [text for text in self.texts if not is_missing(text)]

    @functools.cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.given)

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return len(self.texts) == len(self.given) == len(self.counts)

    @functools.cached_property
    def numbers(self) -> Numbers:
        return numbers_in(self.counts)

    @functools.cached_property
    def dates(self) -> Dates:
        return dates_in(self.counts)

    @functools.cached_property
    def dates_of_sale(self) -> Dates:
        """The dates of a column whose header says that it has some: then digits alone may be dates as well."""
        if self.dates.share >= 0.5 or not self.counts:
            return self.dates
        found = digits_of(self.counts)
        return _as_dates(found, self.counts) if found else self.dates


def numbers_in(counts: Counter[str]) -> Numbers:
    """Find out how the numbers among texts are marked.

    >>> marks = numbers_in(Counter(["€ 1.234,50", "€ 7,00"]))
    >>> marks.decimal, marks.thousands, dict(marks.signs)
    (',', '.', {'€': 2})
    """
    total = sum(counts.values())
    found = 0
    signs: Counter[str] = Counter()
    decimals: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    either: Counter[str] = Counter()
    brackets = trailing = indian = False
    for text, number in counts.items():
        match = _MONEY.match(text)
        if not match or _is_code(match):
            continue
        found += number
        for name in ("before", "after"):
            if match[name]:
                signs[match[name].replace(" ", "")] += number
        brackets |= bool(match["open"] and match["close"])
        trailing |= bool(match["trailing"])
        digits = re.sub("[\u00a0\u202f]", " ", match["digits"]).replace("’", "'").strip()
        marks = re.findall(r"[.,' ]", digits)
        if not marks:
            continue
        last, rest = marks[-1], set(marks[:-1])
        behind = len(digits) - digits.rindex(last) - 1
        for mark in rest - {last}:
            groups[mark] += number
        if re.match(r"^\d{1,2}(,\d{2})+,\d{3}\b", digits):
            indian = True
        if last in " '" or last in rest:
            groups[last] += number
        elif rest or behind != 3 or digits.index(last) > 3 or re.match(r"^0?[.,]", digits):
            decimals[last] += number
        else:
            either[last] += number
    decimal = max(decimals, key=decimals.__getitem__) if decimals else None
    thousands = max(groups, key=groups.__getitem__) if groups else None
    unclear = next((mark for mark in either if mark not in (decimal, thousands)), None)
    if unclear and (decimal or thousands):  # the other mark is known, so this one is what is left
        if decimal and thousands is None:
            thousands, unclear = unclear, None
        elif thousands and decimal is None:
            decimal, unclear = unclear, None
    if decimal is None and thousands == ".":
        decimal = ","  # otherwise 250.000 would be read as 250
    return Numbers(found / total if total else 0.0, decimal, thousands, unclear, signs, brackets, trailing, indian)


def _is_code(match: re.Match[str]) -> bool:
    """Return whether letters in front of digits are no currency's: `K1` is a code, `R$1` and `Rs.5` are money."""
    before = match["before"]
    if not before or not before[-1].isalpha() or match.string[match.start("digits") - 1].isspace():
        return False
    return before.replace(" ", "").upper() not in known_signs()


def dates_in(counts: Counter[str]) -> Dates:
    """Find out how the dates among texts are written.

    >>> dates_in(Counter(["03/04/2025", "25/04/2025"])).order
    'dmy'
    """
    total = sum(counts.values())
    texts = list(counts)
    if not texts:
        return Dates(0.0)
    for pattern, shape in _SHAPES.items():
        fitting = [t for t in texts if shape.fullmatch(t) and _fits(t, pattern)]
        if len(fitting) * 2 > len(texts):
            return Dates(sum(counts[t] for t in fitting) / total, formats=(pattern,), example=fitting[0])
    plain = sum(n for t, n in counts.items() if _READ_AS_THEY_ARE.match(t))
    if plain * 2 < total and (found := formats_of(counts)) and not _plain_names(found):
        return _as_dates(found, counts)
    iso = [t for t in texts if _ISO.match(t)]
    numeric = [(t, m) for t in texts if (m := _NUMERIC.match(t))]
    timed = sum(":" in t for t in texts) * 2 > len(texts)
    share = sum(counts[t] for t in iso) / total
    if share >= 0.5:
        offsets = any(re.search(r"(Z|UTC|[+-]\d{2}:?\d{2})$", t[10:]) for t in iso)
        months = [int(t[5:].split(t[4])[0]) for t in iso]
        days = [int(re.split(r"[T ]", t[5:].split(t[4], 1)[1])[0]) for t in iso if t[4] in t[5:]]
        if max(months) > 12 and max(days, default=0) <= 12:
            return Dates(share, formats=(f"%Y{iso[0][4]}%d{iso[0][4]}%m",), timed=timed, example=iso[0])
        return Dates(share, offsets=offsets, timed=timed, example=iso[0])
    share = sum(counts[t] for t, _ in numeric) / total
    if share >= 0.5:
        parts = [(int(m[1]), int(m[3]), m[4]) for _, m in numeric]
        short = all(len(year) == 2 for *_, year in parts)
        day_first = any(a > 12 and b <= 12 for a, b, _ in parts)
        month_first = any(b > 12 and a <= 12 for a, b, _ in parts)
        order = "either" if day_first == month_first else "dmy" if day_first else "mdy"
        if short:
            order = _order_of_short(parts, order)
        return Dates(share, order, timed=timed, example=numeric[0][0])
    lettered = [t for t in texts if len(t) < 40 and re.search(r"\d", t) and re.search(r"[^\W\d_]{3}|年", t)]
    if len(lettered) * 2 <= len(texts):
        return Dates(0.0)
    sample = lettered[:60]
    for names in (f + clock for clock in _CLOCKS for f in _MONTH_NAMES):
        if sum(_fits(t, names) for t in sample) * 2 > len(sample):
            share = sum(counts[t] for t in lettered if _fits(t, names)) / total
            return Dates(share, formats=(names,), timed=timed, example=sample[0])
    return _named_dates(counts, timed) or Dates(0.0)


def _plain_names(found: WrittenDates) -> bool:
    """Return whether formats need no language, because the names in them are English: `%d-%b-%y`."""
    return found.language == "en" and len(found.formats) == 1 and found.formats[0].replace("%B", "%b") in _MONTH_NAMES


def _as_dates(found: WrittenDates, counts: Counter[str]) -> Dates:
    return Dates(
        found.share,
        found.order,
        found.formats,
        found.offsets,
        found.timed,
        max(counts, key=counts.__getitem__),
        found.language,
        found.month_first,
        found.serial,
    )


def _named_dates(counts: Counter[str], timed: bool) -> Dates | None:
    """Return dates with month names in a language other than English, and the format of the most frequent."""
    texts = [text for text in list(counts)[:200] if re.search(r"\d", text)]
    for language in _LANGUAGES if texts else ():
        months = {plain(name) for name in date_names((language,)).months}
        named = [text for text in texts if any(plain(word) in months for word in _words(text))]
        if len(named) * 2 <= len(texts):
            continue
        example = max(named, key=counts.__getitem__)
        pattern = re.sub(r"\d{4}", "%Y", example, count=1)
        pattern = re.sub(r"(?<!%)\b\d{1,2}\b", "%d", pattern, count=1)
        for word in _words(example):
            if plain(word) in months:
                pattern = pattern.replace(word, "%B")
        if all(part in pattern for part in ("%Y", "%d", "%B")):
            return Dates(len(named) / len(texts), formats=(pattern,), timed=timed, example=example, language=language)
    return None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text)


def _order_of_short(parts: Sequence[tuple[int, int, str]], order: str) -> str:
    """Return the order of dates with a two-digit year, where the year may come first."""
    last = [int(year) for *_, year in parts]
    firsts = {a for a, *_ in parts}
    if any(a > 31 for a in firsts) or (
        len(firsts) <= 3 and max(last) <= 31 and len(set(last)) > 12 and min(firsts) > 12
    ):
        return "ymd"
    return "either" if max(last) <= 31 and len(set(last)) > 3 else order


def _fits(text: str, pattern: str) -> bool:
    try:
        moment = dt.datetime.strptime(text, pattern)
    except ValueError:
        return False
    # strptime reads a weekday and does not compare it; it proves whether the day or the month comes first.
    return not pattern.startswith("%a") or text[:3].lower() == moment.strftime("%a").lower()


def number(text: str, marks: Numbers) -> Decimal | None:
    """Return the number in a text that is marked so; None if it is none."""
    match = _MONEY.match(text)
    if not match:
        return None
    digits = re.sub("[\u00a0\u202f ’']", "", match["digits"])
    digits = digits.replace(".", "").replace(",", ".") if marks.decimal == "," else digits.replace(",", "")
    negative = "-" in (match["minus"] or "") + (match["minus2"] or "") or match["open"] or match["trailing"]
    try:
        value = Decimal(digits + (match["exponent"] or ""))
    except InvalidOperation:
        return None
    if abs(value) >= _TOO_LARGE:
        return None
    return -value if negative else value

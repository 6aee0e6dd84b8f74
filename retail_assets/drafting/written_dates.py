"""Formats for dates that need one: another punctuation, names of months, am and pm in words, or digits only."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from retail_assets.contracts.date_languages import date_names

#: Languages whose names are looked for; of two that read as many texts, the first counts.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "sv", "da", "nb", "fi", "cs", "hu", "ro", "ru", "el", "id",
    "uk", "hr", "ja", "ko", "zh",
)  # fmt: skip
_MOST_FORMATS = 8
_SAMPLED = 400
_TRIED = 40
_ENOUGH = 0.9
_TIME = re.compile(r"(?<!\d)(\d{1,2})([:.h])(\d{2})(?:\2(\d{2})(?:([.,])\d{1,9})?)?(?!\d)")
_OFFSET = re.compile(r"(?<=\d) ?(?:[+-]\d{2}:?\d{2}|UTC|GMT|Z)(?: ?\([^()]*\))?$| ?GMT(?=[+-]\d{4}\b)", re.IGNORECASE)
_YEAR_FIRST = re.compile(
    r"(?<![\d.])(?:19|20)\d\d"
    r"(?:(?P<mark>\.\s|[-/. ])\d{1,2}(?P=mark)|(?P<year>[年년]\s?)\d{1,2}(?P<month>[月월]\s?))\d{1,2}(?!\d)"
)
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})(\.\s|[-/. ])(\d{1,2})(\2)(\d{4}|\d{2})(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_HALF = re.compile(r"(?<![^\W\d_])([ap])\.?[ \u00a0]?m\b\.?", re.IGNORECASE)
_WORDS_FOR_HALVES = ("午前", "午後", "上午", "下午", "오전", "오후")
_EPOCH = dt.datetime(1970, 1, 1)
_LATEST = dt.datetime(2100, 1, 1)


@dataclass(frozen=True)
class WrittenDates:
    """Formats that read most texts of a column, the most frequent first, or the `serial` that they count.

    `order` is `either` where the texts do not prove it: then the `formats` are for the day first, and
    `month_first` has the same for the month first.
    """

    share: float
    formats: tuple[str, ...] = ()
    month_first: tuple[str, ...] = ()
    language: str | None = None
    serial: str | None = None
    order: str | None = None
    timed: bool = False
    offsets: bool = False


def formats_of(counts: Mapping[str, int]) -> WrittenDates | None:
    """Return the formats of dates with punctuation or names; None where no language has some for most texts.

    >>> formats_of({"1/25/2026, 3:04:05 PM": 1}).formats
    ('%m/%d/%Y, %I:%M:%S %p',)
    """
    sample = list(counts)[:_SAMPLED]
    texts = [text for text in sample if len(text) < 60 and len(re.findall(r"\d", text)) > 2]
    if not texts or len(texts) < _ENOUGH * len(sample):
        return None
    order = _order(texts)
    best: WrittenDates | None = None
    for language in LANGUAGES:
        found = _in_language(texts, counts, language, "dmy" if order == "either" else order)
        if found and (best is None or found.share > best.share + 1e-9):
            best = found
        if best and best.share == 1:
            break
    if best is None or best.share < _ENOUGH:
        return None
    by_numbers = order is not None and any(_YEAR_LAST.search(text) for text in texts)
    if not by_numbers or not any(re.search(r"%d.{1,2}%m|%m.{1,2}%d", f) for f in best.formats):
        return best
    if order != "either":
        return best
    other = _in_language(texts, counts, best.language or "en", "mdy")
    return WrittenDates(**{**best.__dict__, "order": "either", "month_first": other.formats if other else ()})


def _in_language(texts: list[str], counts: Mapping[str, int], language: str, order: str | None) -> WrittenDates | None:
    names = date_names((language,))
    found: Counter[str] = Counter()
    named = False
    for read, text in enumerate(texts):
        if read == _TRIED and 2 * sum(found.values()) < sum(counts[t] for t in texts[:read]):
            return None
        if pattern := _pattern(text, names.months, names.weekdays, names.halves, order):
            found[pattern] += counts[text]
            named = named or re.search(r"%[aBp]", pattern) is not None
    if not found or len(found) > _MOST_FORMATS:
        return None
    formats = tuple(pattern for pattern, _ in found.most_common())
    return WrittenDates(
        sum(found.values()) / sum(counts[text] for text in texts),
        formats,
        language=language if named else None,
        timed=any("%M" in f for f in formats),
        offsets=any("%z" in f for f in formats),
    )


def _pattern(
    text: str, months: Mapping[str, int], weekdays: tuple[str, ...], halves: Mapping[str, str], order: str | None
) -> str | None:
    """Return the format of one text; None if a part of it has no directive."""
    marks: list[str] = []  # a directive is put into the text as a private character, so that nothing is read twice

    def put(directives: str) -> str:
        marks.append(directives)
        return chr(0xE000 + len(marks) - 1)

    rest, number = _YEAR_FIRST.subn(
        lambda m: put(f"%Y{m['mark'] or m['year']}%m{m['mark'] or m['month']}%d"), text, count=1
    )
    if not number and order:
        first, second = ("%d", "%m") if order == "dmy" else ("%m", "%d")
        rest, number = _YEAR_LAST.subn(
            lambda m: put(f"{first}{m[2]}{second}{m[4]}{'%Y' if len(m[5]) == 4 else '%y'}"), text, count=1
        )
    rest = _OFFSET.sub(lambda m: put(" %z" if m[0].startswith(" ") and "gmt" not in m[0].lower() else "%z"), rest)
    half = next((word for word in _WORDS_FOR_HALVES if word in rest), "")
    if half:
        if half not in halves:
            return None
        at = rest.index(half)
        rest = rest[:at] + put("%p") + rest[at + len(half) :]
    else:
        rest = _HALF.sub(lambda m: put("%p"), rest, count=1)
    hour = "%I" if "%p" in marks else "%H"

    def clock(m: re.Match[str]) -> str:
        seconds = f"{m[2]}%S" if m[4] else ""
        return put(f"{hour}{m[2]}%M{seconds}{f'{m[5]}%f' if m[5] else ''}")

    rest = _TIME.sub(clock, rest, count=1)
    days = {plain(day) for day in weekdays if len(day) > 2 or not day.isascii()}
    if not number:

        def name(m: re.Match[str]) -> str:
            word = plain(m[0])
            if word in months:
                return put("%B")
            return put("%a") if word in days else m[0]

        rest = _WORD.sub(name, rest)
        if marks.count("%B") != 1:
            return None
        rest = re.sub(r"(?<!\d)\d{4}(?!\d)", lambda m: put("%Y"), rest, count=1)
        rest = re.sub(r"(?<!\d)\d{1,2}(?!\d)", lambda m: put("%d"), rest, count=1)
        if "%Y" not in marks:
            rest = re.sub(r"(?<!\d)\d{2}(?!\d)", lambda m: put("%y"), rest, count=1)
        if "%d" not in marks or not {"%Y", "%y"} & set(marks):
            return None
    else:
        rest = _WORD.sub(lambda m: put("%a") if plain(m[0]) in days else m[0], rest)
    if re.search(r"\d|%", rest) or len(rest) - len(marks) > 24:
        return None
    if any(re.search("%[aBp]", directives) for directives in marks):
        rest = re.sub("[\u00a0\u202f]", " ", rest)  # a format with names reads any kind of space
    return "".join(marks[ord(c) - 0xE000] if 0xE000 <= ord(c) < 0xE000 + len(marks) else c for c in rest)


def _order(texts: list[str]) -> str | None:
    """Return which of day and month comes first in numeric dates: `dmy`, `mdy`, `either`; None without any."""
    pairs = [
        (int(m[1]), int(m[3])) for text in texts if not _YEAR_FIRST.search(text) and (m := _YEAR_LAST.search(text))
    ]
    if not pairs:
        return None
    day_first, month_first = any(a > 12 for a, _ in pairs), any(b > 12 for _, b in pairs)
    return "either" if day_first == month_first else "dmy" if day_first else "mdy"


def digits_of(counts: Mapping[str, int]) -> WrittenDates | None:
    """Return how digits without punctuation are dates: `%Y%m%d`, days of a spreadsheet, seconds since 1970.

    Other numbers look the same, so this is only for a column whose header says that it has dates.

    >>> digits_of({"20260125": 1}).formats, digits_of({"1767225600": 1}).serial
    (('%Y%m%d',), 'unix_seconds')
    """
    total = sum(counts.values())
    for formats in (
        ("%Y%m%d",), ("%Y%m%d%H%M%S",), ("%Y%m%d%H%M",), ("%Y%m%d %H:%M:%S", "%Y%m%d %H:%M"),
        ("%Y%m%dT%H%M%S",), ("%d%m%Y",), ("%m%d%Y",),
    ):  # fmt: skip
        share = sum(n for text, n in counts.items() if any(_reads(text, f) for f in formats)) / total
        if share >= _ENOUGH:
            used = tuple(f for f in formats if any(_reads(text, f) for text in counts))
            order: str | None = None
            other: tuple[str, ...] = ()
            if used == ("%d%m%Y",) and all(_reads(text, "%m%d%Y") for text in counts):
                order, other = "either", ("%m%d%Y",)
            return WrittenDates(share, used, other, order=order, timed="%H" in formats[0])
    for serial, moment in _SERIALS.items():
        if sum(n for text, n in counts.items() if moment(text)) / total >= _ENOUGH:
            timed = serial != "excel_1900" or any("." in text or "," in text for text in counts)
            return WrittenDates(1.0, serial=serial, timed=timed)
    return None


def _reads(text: str, pattern: str) -> bool:
    if len(text) not in (8, 12, 14, 15, 17):
        return False
    try:
        return 1990 <= dt.datetime.strptime(text, pattern).year < _LATEST.year
    except ValueError:
        return False


def _since_1970(text: str, digits: int, factor: float) -> bool:
    if not re.fullmatch(rf"\d{{{digits}}}([.]\d+)?", text):
        return False
    return dt.datetime(1995, 1, 1) <= _EPOCH + dt.timedelta(seconds=float(text) / factor) < _LATEST


def _excel(text: str) -> bool:
    return re.fullmatch(r"[345]\d{4}([.,]\d+)?", text) is not None


_SERIALS: dict[str, Callable[[str], bool]] = {
    "unix_seconds": lambda text: _since_1970(text, 10, 1),
    "unix_milliseconds": lambda text: _since_1970(text, 13, 1e3),
    "unix_microseconds": lambda text: _since_1970(text, 16, 1e6),
    "excel_1900": _excel,
}


def plain(word: str) -> str:
    """Return a word in lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))

"""The names of months, weekdays and halves of the day in other languages, from the Unicode CLDR."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ENGLISH_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
_CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")
#: Abbreviations that programs write and the CLDR does not list.
_USUAL = {"de": {"Mrz": 3}}
#: Marks without meaning inside of names, and letters that upper and lower case do not pair in every language.
_UNPAIRED = {"ı": "i", "ς": "σ", "\u200e": "", "\u200f": "", "\u00a0": " ", "\u202f": " "}


@dataclass(frozen=True)
class DateNames:
    """Names in lower case, without accents where `accents` is false, each with its number or with am or pm."""

    months: dict[str, int]
    weekdays: tuple[str, ...]
    halves: dict[str, str]
    accents: bool


def known_language(name: str) -> str:
    """Return a language as the CLDR writes it. Raises ValueError if it has none of this name.

    >>> known_language("pt-br")
    'pt_BR'
    """
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(name.replace("-", "_")))
    except (UnknownLocaleError, ValueError, TypeError) as e:
        raise ValueError(f"{name!r} is not a language: give its code, such as de, fr, es, pl, pt_BR or zh_Hans") from e


@functools.cache
def date_names(languages: tuple[str, ...]) -> DateNames:
    """Return the names in some languages together.

    Raises ValueError if a name means two months, which some languages have in common (`listopad`).

    >>> date_names(("de",)).months["marz"]
    3
    """
    months = [pair for language in languages for pair in _months(language)]
    plain = _normalized([name for name, _ in months], accents=False)
    numbers: dict[str, set[int]] = {}
    for name, (_, number) in zip(plain, months, strict=True):
        numbers.setdefault(name, set()).add(number)
    accents = any(len(found) > 1 for found in numbers.values())  # in some scripts, the marks are letters
    if accents:
        numbers = {}
        for name, (_, number) in zip(_normalized([n for n, _ in months], accents=True), months, strict=True):
            numbers.setdefault(name, set()).add(number)
    if twice := sorted(name for name, found in numbers.items() if len(found) > 1):
        raise ValueError(f"{twice[0]!r} is the name of two months in the languages {', '.join(languages)}")
    weekdays = _normalized([name for language in languages for name in _weekdays(language)], accents=accents)
    halves = [pair for language in languages for pair in _halves(language)]
    return DateNames(
        {name: found.pop() for name, found in numbers.items()},
        tuple(dict.fromkeys(weekdays)),
        dict(zip(_normalized([name for name, _ in halves], accents=accents), (h for _, h in halves), strict=True)),
        accents,
    )


def _months(language: str) -> Iterable[tuple[str, int]]:
    from babel.dates import get_month_names

    names: dict[int, dict[str, None]] = {number: {} for number in range(1, 13)}
    for width in _WIDTHS:
        for context in _CONTEXTS:
            for number, name in get_month_names(width, context, language).items():
                names[number][name] = None
    begins: dict[str, set[int]] = {}
    for number, name in get_month_names("wide", "format", language).items():
        for length in (3, 4):  # what programs cut the names to
            begins.setdefault(name[:length], set()).add(number)
    for begin, numbers in begins.items():
        if len(numbers) == 1 and len(begin) >= 3 and begin.isalpha():
            names[next(iter(numbers))][begin] = None
    for name, number in _USUAL.get(language.split("_")[0], {}).items():
        names[number][name] = None
    taken = {name.lower(): number for number, found in names.items() for name in found}
    return [
        (name, number)
        for number, found in names.items()
        for name in found
        if taken[name.lower()] == number and name != f"M{number:02}"  # what the CLDR has where it has no name
    ]


def _weekdays(language: str) -> Iterable[str]:
    from babel.dates import get_day_names

    names = {n for w in _WIDTHS for c in _CONTEXTS for n in get_day_names(w, c, language).values()}
    names |= set(get_day_names("short", "format", language).values())
    return sorted(names | {name[:3] for name in get_day_names("wide", "format", language).values()})


def _halves(language: str) -> Iterable[tuple[str, str]]:
    from babel.dates import get_period_names

    names = {"a. m.": "am", "p. m.": "pm"}  # its points and space may be missing
    for width in ("narrow", "abbreviated", "wide"):
        for half, name in get_period_names(width, "format", language).items():
            if half in ("am", "pm") and len(name) > 1:
                names[name] = half
    return list(names.items())


def _normalized(texts: list[str], *, accents: bool) -> list[str]:
    """Return texts as `normal_text` makes them. DuckDB does it, so that both are the same."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as con:
        sql = f"SELECT {normal_text('t', accents=accents)} FROM (SELECT unnest(?::VARCHAR[]) AS t)"
        return [normal for (normal,) in con.execute(sql, [texts]).fetchall()]


def normal_format(pattern: str, *, accents: bool) -> str:
    """Return the literal text of a format as `normal_text` makes it, with directives as they are."""
    parts = pattern.split("%")
    literals = [parts[0], *(part[2:] if part.startswith("-") else part[1:] for part in parts[1:])]
    directives = ["", *(part[:2] if part.startswith("-") else part[:1] for part in parts[1:])]
    normal = _normalized(literals, accents=accents)
    return normal[0] + "".join(f"%{d}{text}" for d, text in zip(directives[1:], normal[1:], strict=True))


def normal_text(text: str, *, accents: bool) -> str:
    """Return SQL for a text in lower case, without accents unless `accents`, and with plain spaces."""
    lower = f"lower(nfc_normalize({text}))" if accents else f"lower(strip_accents({text}))"
    for mark, plain in _UNPAIRED.items():
        lower = f"replace({lower}, '{mark}', '{plain}')"
    return lower

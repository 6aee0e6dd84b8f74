"""SQL for dates whose months, weekdays or halves of the day have names in another language than English."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from retail_assets.contracts.date_languages import ENGLISH_MONTHS, date_names, normal_format, normal_text
from retail_assets.contracts.typing_sql.literals import literal

_DIRECTIVE = re.compile(r"%-?(.)")
_DIGITS = {"Y": r"\d{4}", "f": r"\d+", "z": ".+", "%": "%"}


def has_names(pattern: str) -> bool:
    """Return whether a format reads words: months, weekdays, or am and pm."""
    return re.search(r"%-?[aAbBp]", pattern.replace("%%", "")) is not None


@functools.cache
def in_english(text: str, pattern: str, languages: tuple[str, ...]) -> tuple[str, str]:
    """Return SQL for a text with English names, and the format that reads it. NULL where the text has another shape.

    A point behind a name counts as part of it, in the text and in the format. Weekdays are left out.
    """
    names = date_names(languages)
    written = f"({normal_text(text, accents=names.accents)})"
    groups: list[str] = []
    parts: list[str] = []  # SQL for each group in English
    english = ""
    pattern = re.sub(r"(%-?[aAbBp])\.", r"\1", normal_format(pattern, accents=names.accents))
    place = 0
    plain = ""  # what stands between two names, as a regular expression

    def close() -> None:
        nonlocal plain
        if plain:
            groups.append(f"({plain})")
            parts.append("")
            plain = ""

    for directive in _DIRECTIVE.finditer(pattern):
        between = pattern[place : directive.start()]
        plain, english, place = plain + _literal(between), english + between, directive.end()
        letter = directive.group(1)
        if letter not in "aAbBp":
            plain, english = plain + _DIGITS.get(letter, r"\d{1,3}"), english + directive.group()
            continue
        close()
        if letter in "aA":
            groups.append(rf"(?:{_any(names.weekdays)})\.?")
            continue
        known = (
            {n: ENGLISH_MONTHS[number - 1] for n, number in names.months.items()} if letter in "bB" else names.halves
        )
        groups.append(rf"({_any(known)})\.?")
        parts.append(_translated(known))
        english += "%p" if letter == "p" else "%b"
    plain, english = plain + _literal(pattern[place:]), english + pattern[place:]
    close()
    expression = literal(f"^{''.join(groups)}$")
    found = [
        (translated or "{}").format(f"regexp_extract({written}, {expression}, {i})")
        for i, translated in enumerate(parts, 1)
    ]
    read = f"ltrim({' || '.join(found)})"
    if "%I:" in english:  # some languages count the hours of a half from 0 to 11: the hour after noon is 午後0
        read = f"regexp_replace({read}, '(^|[^0-9:])0?0:', '\\112:')"
    return f"CASE WHEN regexp_matches({written}, {expression}) THEN {read} END", english.lstrip()


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ |\s)+", " *", re.escape(text))


def _any(names: Iterable[str]) -> str:
    """Return a regular expression for one of some names, the longest first; their points and spaces may be missing."""
    written = {_bare(name): name.rstrip(".") for name in sorted(names, key=len)}
    words = sorted(written.values(), key=lambda name: (-len(name), name))
    return "|".join("".join({".": r"\.?", " ": " *"}.get(c, re.escape(c)) for c in word) for word in words)


def _translated(names: dict[str, str]) -> str:
    """Return SQL, with a place for the word, for its English name."""
    bare = {_bare(name): english for name, english in names.items()}
    words, english = (f"[{', '.join(map(literal, texts))}]" for texts in (bare, bare.values()))
    return f"list_extract({english}, list_position({words}, translate({{}}, '. ', '')))"


def _bare(name: str) -> str:
    return name.replace(".", "").replace(" ", "")

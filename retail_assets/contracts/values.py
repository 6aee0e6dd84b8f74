"""Single values in a contract, validated: time zones, encodings, date formats, headers, words for a missing value."""

from __future__ import annotations

import codecs
import functools
import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator

from retail_assets.contracts.date_languages import known_language
from retail_assets.contracts.header_names import normalize_header
from retail_assets.errors import nearest

_UNUSABLE_CODECS = {
    "utf-7",
    "unicode_escape",
    "raw_unicode_escape",
    "unicode-escape",
    "raw-unicode-escape",
    "idna",
    "punycode",
}
_DIRECTIVES = (
    "%%",
    "%p",
    "%f",
    "%z",
    *(f"%{letter}" for letter in "aAbBdHIjmMSyY"),
    *(f"%-{letter}" for letter in "dHIjmMSy"),
)


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"{name!r} is not a time zone.{nearest(name, _timezones())}")
    return name


@functools.cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads hundreds of files


def _known_encoding(name: str) -> str:
    try:
        # Not every codec of Python is an encoding (base64, zip), and some cannot read a file in pieces, or at all.
        readable = "a,1\n".encode(name).decode(name) == "a,1\n" and codecs.lookup(name).name not in _UNUSABLE_CODECS
        codecs.getincrementaldecoder(name)("replace").decode(bytes(range(256)), True)
    except (LookupError, UnicodeError, AssertionError):
        readable = False
    if not readable:
        raise ValueError(f"{name!r} is not a text encoding that files can be read in (try utf-8, latin-1, cp1252)")
    return name


def _readable_format(pattern: str) -> str:
    if odd := [d for d in re.findall(r"%-?.?", pattern) if d not in _DIRECTIVES]:
        raise ValueError(
            f"{odd[0]!r} in {pattern!r} cannot be read. Supported: {' '.join(d for d in _DIRECTIVES if '-' not in d)} "
            "(%z is an offset from UTC: +0200, -04:00, Z, UTC or GMT)"
        )
    parts = set(re.findall(r"%-?(.)", pattern))
    if not (parts & {"Y", "y"} and (("d" in parts and parts & {"m", "b", "B"}) or "j" in parts)):
        raise ValueError(f"{pattern!r} does not give year, month and day, as %d.%m.%Y does")
    if "z" in parts and not parts & {"H", "I"}:
        raise ValueError(f"{pattern!r} has an offset from UTC and no time of day: a day has none, so leave out %z")
    return pattern


def _with_letters(name: str) -> str:
    if not normalize_header(name):
        raise ValueError(f"{name!r} cannot be a header: give at least one letter or digit")
    return name


def _not_a_number(text: str) -> str:
    if not text.strip() or text != text.strip() or any(c.isdecimal() for c in text):
        raise ValueError(
            f"{text!r} cannot stand for a missing value: give a word without digits and without surrounding spaces"
        )
    return text


#: `(a+)+`, `(a|aa)*`: the number of ways to read a text doubles with each character.
_ENDLESS = re.compile(r"\((?:[^()\\]|\\.)*[*+{|](?:[^()\\]|\\.)*\)[*+{]")


def _searchable(pattern: str) -> str:
    try:
        found = re.compile(pattern).search("")
    except (re.error, RecursionError, OverflowError) as e:
        raise ValueError(f"{pattern!r} is not a regular expression: {e}") from e
    if found:
        raise ValueError(f"{pattern!r} is found in every line, also in an empty one; give some text to look for")
    if _ENDLESS.search(pattern.replace("(?:", "(").replace("((", "(").replace("))", ")")):
        raise ValueError(
            f"{pattern!r} repeats a group that repeats or chooses something itself, which can take hours on one line; "
            "leave the outer repetition out"
        )
    return pattern


def format_order(pattern: str) -> str | None:
    """Return the order of day and month (`dmy` or `mdy`) in a numeric date format; None for any other format.

    >>> format_order("%d.%m.%Y %H:%M")
    'dmy'
    """
    match = re.match(r"%-?([dm])[./-]%-?([dm])[./-]%", pattern)
    return {"dm": "dmy", "md": "mdy"}.get(match.group(1) + match.group(2)) if match else None


Timezone = Annotated[str, AfterValidator(_known_timezone)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
DateFormat = Annotated[str, AfterValidator(_readable_format)]
Pattern = Annotated[str, AfterValidator(_searchable)]
Language = Annotated[str, AfterValidator(known_language)]
Header = Annotated[str, AfterValidator(_with_letters)]
MissingValue = Annotated[str, AfterValidator(_not_a_number)]

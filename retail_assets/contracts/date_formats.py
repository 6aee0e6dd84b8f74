"""What a declared date format says: which of day, month and year comes first, and what else could read its texts."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from dataclasses import dataclass

#: What stands behind the last number: no other digit.
END = r"(?:\D|$)"
#: The three numbers that a date may begin with: 2025-01-31, 31/1/25, 1.31.2025.
THREE_NUMBERS = r"^(\d{1,4})([./-])(\d{1,2})([./-])(\d{1,4})" + END
#: Two digits of the year from here on are of the twentieth century, as strptime reads them.
_PIVOT = 69
_LEADING = re.compile(r"%-?([dmyY])([./-])%-?([dmyY])([./-])%-?([dmyY])(?![\d%])")
_WRITTEN = {"d": "%d", "m": "%m", "y": "%y", "Y": "%Y"}


@dataclass(frozen=True)
class LeadingDate:
    """The date that a format begins with, where it consists of three numbers.

    `order` is `dmy`, `mdy`, `ymd` or `ydm`; `long_year` says that the year has four digits.
    """

    order: str
    separators: tuple[str, str]
    long_year: bool

    @property
    def shape(self) -> str:
        """A regular expression for the texts that begin with such a date, in any order of day and month.

        >>> leading_date("%Y-%d-%m").shape
        '^\\\\d{4}[-]\\\\d{1,2}[-]\\\\d{1,2}(?:\\\\D|$)'
        """
        first, second = (f"[{s}]" for s in self.separators)
        short = r"\d{1,2}"
        numbers = [short] * 3
        if self.long_year:
            numbers[self.order.index("y")] = r"\d{4}"
        return rf"^{numbers[0]}{first}{numbers[1]}{second}{numbers[2]}(?:\D|$)"

    def claims(self, text: str) -> bool:
        """Return whether a text begins with three numbers of this shape."""
        return re.match(self.shape, text) is not None


def leading_date(pattern: str) -> LeadingDate | None:
    """Return the three numbers that a format begins with; None if it begins with anything else.

    >>> leading_date("%y/%m/%d %H:%M").order
    'ymd'
    """
    match = _LEADING.match(pattern)
    if match is None:
        return None
    letters = "".join(match.group(i).lower() for i in (1, 3, 5))
    if sorted(letters) != ["d", "m", "y"] or letters[1] == "y":
        return None
    return LeadingDate(letters, (match.group(2), match.group(4)), "Y" in match.groups())


def has_clock(pattern: str) -> bool:
    """Return whether a format reads a time of day."""
    return re.search(r"%-?[HI]", pattern.replace("%%", "")) is not None


def has_offset(pattern: str) -> bool:
    """Return whether a format reads an offset from UTC."""
    return "%z" in pattern.replace("%%", "")


def skeleton(pattern: str) -> str:
    """Return a format with one mark for each number of a date: two formats of one skeleton read the same texts.

    >>> skeleton("%-d.%m.%Y %H:%M") == skeleton("%m.%d.%Y %H:%M")
    True
    """
    return re.sub(r"%-?[dmy]", "#", pattern).replace("%-", "%")


def other_orders(pattern: str) -> list[str]:
    """Return the formats that read the same texts as `pattern`, but with day, month or a short year in another place.

    None where the month has a name: then no other order is possible.

    >>> other_orders("%Y-%d-%m"), other_orders("%y/%m/%d"), other_orders("%d %b %Y")
    (['%Y-%m-%d'], ['%d/%m/%y', '%m/%d/%y'], [])
    """
    places = list(re.finditer(r"%-?([dmy])", pattern))
    letters = [m.group(1) for m in places]
    if "d" not in letters or "m" not in letters:
        return []
    others = []
    for order in itertools.permutations(letters):
        if list(order) == letters or order[1:2] == ("y",) or order[:2] == ("y", "d"):  # nobody writes those
            continue
        parts, end = [], 0
        for place, letter in zip(places, order, strict=True):
            parts += [pattern[end : place.start()], _WRITTEN[letter]]
            end = place.end()
        others.append("".join(parts) + pattern[end:])
    return sorted(others)


def contradiction(formats: tuple[str, ...]) -> tuple[str, str] | None:
    """Return two formats that read the same text as different days; None if there are none."""
    for one, other in itertools.combinations(formats, 2):
        orders = [re.findall(r"%-?([dmyY])", f) for f in (one, other)]
        if skeleton(one) == skeleton(other) and orders[0] != orders[1]:
            return one, other
    return None


def day_of(numbers: tuple[str, str, str], order: str) -> dt.date | None:
    """Return the day that three numbers mean in an order such as `dmy`; None if there is no such day.

    >>> day_of(("25", "01", "05"), "ymd")
    datetime.date(2025, 1, 5)
    """
    part = dict(zip(order, numbers, strict=True))
    if len(part["y"]) not in (2, 4) or max(len(part["d"]), len(part["m"])) > 2:
        return None
    year = int(part["y"])
    if len(part["y"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    try:
        return dt.date(year, int(part["m"]), int(part["d"]))
    except ValueError:
        return None


def format_in_order(numbers: tuple[str, str, str], separators: tuple[str, str], order: str) -> str:
    """Return the format in which three numbers are a date of this order.

    >>> format_in_order(("25", "01", "05"), ("/", "/"), "ymd")
    '%y/%m/%d'
    """
    year = "%Y" if len(numbers[order.index("y")]) == 4 else "%y"
    first, second, third = (year if letter == "y" else f"%{letter}" for letter in order)
    return f"{first}{separators[0]}{second}{separators[1]}{third}"

"""Arithmetic over the columns of a file, such as `Quantity * Price * (1 - Discount)`: a small grammar, no Python.

    sum     = product { ("+" | "-") product }
    product = sign { ("*" | "/") sign }
    sign    = [ "-" | "+" ] value
    value   = number | column | "(" sum ")" | "round(" sum "," digits ")" | "default(" column "," number ")"

A column is words (`Unit Price`), or any header in brackets or backquotes (`[Tax (5%)]`). Not here: what the texts of a
column mean as numbers, and how an expression is computed (`typing_sql/arithmetic.py`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_LONGEST, _DEEPEST, _MOST_VALUES, _MOST_DIVISIONS = 500, 20, 30, 5
_MOST_DIGITS = 9  # of a number, before and after the point
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)(?![\w.])|(?P<name>\[[^\[\]]+\]|`[^`]+`)|(?P<word>[^\W\d]\w*)|(?P<mark>[-+*/(),]))"
)


@dataclass(frozen=True)
class Number:
    """A number that the contract gives."""

    value: Decimal


@dataclass(frozen=True)
class Operand:
    """The number in a column of the file. `default` replaces an empty cell or a column that the file lacks."""

    column: str
    default: Decimal | None = None


@dataclass(frozen=True)
class Rounded:
    """A value rounded to so many decimals, half away from zero."""

    value: Expression
    decimals: int


@dataclass(frozen=True)
class Operation:
    """Two values joined by `+`, `-`, `*` or `/`."""

    mark: str
    left: Expression
    right: Expression


Expression = Number | Operand | Rounded | Operation


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> Expression:
    """Return the expression in a text. Raises ValueError with the place and what is allowed.

    >>> parsed("Total - Tax")
    Operation(mark='-', left=Operand(column='Total', default=None), right=Operand(column='Tax', default=None))
    """
    if len(text) > _LONGEST:
        raise ValueError(f"an expression has at most {_LONGEST} characters, this one has {len(text)}")
    return _Reader(text).whole()


def operands(expression: Expression) -> Iterator[Operand]:
    """Yield the operands of an expression from left to right, repeated ones too."""
    if isinstance(expression, Operand):
        yield expression
    elif isinstance(expression, Rounded):
        yield from operands(expression.value)
    elif isinstance(expression, Operation):
        yield from operands(expression.left)
        yield from operands(expression.right)


class _Reader:
    """One pass over the text by recursive descent, bounded in depth and in the number of values."""

    def __init__(self, text: str) -> None:
        self._text, self._depth, self._values = text, 0, 0
        self._parts = list(self._split())
        self._at = 0

    def whole(self) -> Expression:
        result = self._sum()
        if self._kind:
            self._refuse(f"{self._part!r} is not expected here")
        if not any(True for _ in operands(result)):
            raise ValueError(f"the expression {self._text!r} names no column")
        if sum(part == "/" for _, part, _ in self._parts) > _MOST_DIVISIONS:
            raise ValueError(f"the expression {self._text!r} divides more than {_MOST_DIVISIONS} times")
        return result

    def _split(self) -> Iterator[tuple[str, str, int]]:
        at, end = 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                rest = self._text[at:].strip()
                raise ValueError(
                    f"{rest[:20]!r} in the expression {self._text!r} is neither a column, a number nor one of "
                    "+ - * / ( ). Put headers with other characters in brackets: [Tax (5%)]"
                )
            kind = str(match.lastgroup)
            yield kind, match.group(kind), match.start(kind)
            at = match.end()

    @property
    def _kind(self) -> str:
        return self._parts[self._at][0] if self._at < len(self._parts) else ""

    @property
    def _part(self) -> str:
        return self._parts[self._at][1] if self._at < len(self._parts) else ""

    def _refuse(self, problem: str) -> None:
        place = self._parts[self._at][2] + 1 if self._at < len(self._parts) else len(self._text) + 1
        raise ValueError(f"{problem} (character {place} of the expression {self._text!r})")

    def _take(self, mark: str) -> bool:
        if self._kind == "mark" and self._part == mark:
            self._at += 1
            return True
        return False

    def _need(self, mark: str) -> None:
        if not self._take(mark):
            self._refuse(f"{mark!r} is expected, not {self._part!r}" if self._kind else f"{mark!r} is missing")

    def _sum(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"at most {_DEEPEST} levels of brackets are read")
        result = self._product()
        while self._kind == "mark" and self._part in "+-":
            mark = self._part
            self._at += 1
            result = Operation(mark, result, self._product())
        self._depth -= 1
        return result

    def _product(self) -> Expression:
        result = self._sign()
        while self._kind == "mark" and self._part in "*/":
            mark = self._part
            self._at += 1
            result = Operation(mark, result, self._sign())
        return result

    def _sign(self) -> Expression:
        if self._take("-"):
            return Operation("-", Number(Decimal(0)), self._value())
        self._take("+")
        return self._value()

    def _value(self) -> Expression:
        self._values += 1
        if self._values > _MOST_VALUES:
            self._refuse(f"an expression has at most {_MOST_VALUES} columns and numbers")
        if self._kind == "number":
            return Number(self._number())
        if self._take("("):
            inside = self._sum()
            self._need(")")
            return inside
        if self._kind in ("name", "word"):
            word, after = self._part, self._parts[self._at + 1 : self._at + 2]
            called = bool(after) and after[0][1] == "(" and self._kind == "word"
            if called and word.casefold() in ("round", "default"):
                self._at += 2
                result = self._rounded() if word.casefold() == "round" else self._with_default()
                self._need(")")
                return result
            if called:
                self._refuse(f"{word!r} is not a function; there are round(…, 2) and default(column, 0)")
            return Operand(self._column())
        self._refuse(f"a column or a number is expected, not {self._part!r}" if self._kind else "the end is missing")
        raise AssertionError

    def _rounded(self) -> Expression:
        value = self._sum()
        self._need(",")
        if self._kind != "number" or self._part not in "0123456":
            self._refuse("round(…, n) needs a number of decimals from 0 to 6")
        return Rounded(value, int(self._number()))

    def _with_default(self) -> Expression:
        if self._kind not in ("name", "word"):
            self._refuse("default(column, number) needs a column")
        column = self._column()
        self._need(",")
        minus = self._take("-")
        if self._kind != "number":
            self._refuse("default(column, number) needs a number")
        return Operand(column, -self._number() if minus else self._number())

    def _number(self) -> Decimal:
        value = Decimal(self._part)
        before, _, behind = f"{value:f}".partition(".")
        if len(before) > _MOST_DIGITS or len(behind) > _MOST_DIGITS:
            self._refuse(f"{self._part!r} has more than {_MOST_DIGITS} digits before or after its point")
        self._at += 1
        return value

    def _column(self) -> str:
        if self._kind == "name":
            name = self._part[1:-1].strip()
            self._at += 1
            return name
        words: list[str] = []
        while self._kind == "word" or (words and self._kind == "number" and "." not in self._part):
            words.append(self._part)
            self._at += 1
        return " ".join(words)

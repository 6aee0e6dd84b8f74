"""What a check of a phrase is: a function that recomputes from the warehouse what a statement was made from."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import math
import numbers
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from retail_assets.wording import formats
from retail_assets.wording.statement import Statement, phrases
from retail_assets_tests.wording.shops import Shop

Facts = Mapping[str, Any]
Check = Callable[[Shop, Facts], Facts]
_CHECKS: dict[str, Check] = {}
_NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?")


def recomputes(*names: str) -> Callable[[Check], Check]:
    """Register a check of these phrases.

    It is given a shop and the facts of a statement, and returns the same facts as it computes them, by other code
    than the product's. Of the facts given it may use what is chosen (a category), not what is measured.
    """

    def register(check: Check) -> Check:
        for name in names:
            assert name not in _CHECKS, f"two checks of {name}"
            _CHECKS[name] = check
        return check

    return register


def checked() -> set[str]:
    return set(_CHECKS)


def assert_right(shop: Shop, statement: Statement) -> None:
    """Assert that a statement's facts are those of the warehouse, and that it states no other numbers."""
    assert statement.name in _CHECKS, f"{statement.name} has no check: {statement}"
    expected = _CHECKS[statement.name](shop, statement.facts)
    assert set(expected) == set(statement.facts), f"{statement.name} is not checked in full"
    for fact, value in statement.facts.items():
        assert _same(value, expected[fact]), (
            f"{statement.name}: {fact} is {value!r}, not {expected[fact]!r}: {statement}"
        )
    assert unexplained(statement) == [], f"{statement.name} states numbers that it was not given: {statement}"


def unexplained(statement: Statement) -> list[str]:
    """Return the numbers in a statement that are no fact in any of the formats, nor a part of the phrase itself."""
    known = set(_NUMBER.findall(inspect.getsource(inspect.unwrap(phrases()[statement.name]))))
    for value in _values(statement.facts):
        known.update(_NUMBER.findall(" ".join(_ways_to_write(value))))
    return [found for found in _NUMBER.findall(statement.text) if found not in known]


def _values(value: Any) -> Iterator[Any]:
    """Every single value within facts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _values([getattr(value, field.name) for field in dataclasses.fields(value)])
    elif isinstance(value, Mapping):
        yield from _values([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        yield len(value)
        for each in value:
            yield from _values(each)
    elif value is not None and not isinstance(value, bool):
        yield value


def _ways_to_write(value: Any) -> Iterator[str]:
    if isinstance(value, dt.date):
        yield f"{formats.day(value)} {value.isoformat()} {value.day} {value.year}"
    elif isinstance(value, numbers.Real | Decimal):
        size = abs(float(value))
        yield str(value)  # a year
        if not math.isfinite(size):
            return
        yield from (f"{size:,.{places}f}" for places in range(4))
        yield from (formats.number(size), formats.money(size, "X"), formats.percent(size), formats.rough_percent(size))
        yield from (formats.percent(size, places) for places in range(3))
        yield from (formats.change(size), formats.p_value(size), formats.axis_number(size))
    else:
        yield str(value)


def _same(given: Any, expected: Any) -> bool:
    """Equal, with floats as near as money of a large shop can be."""
    if dataclasses.is_dataclass(given) and dataclasses.is_dataclass(expected):
        return type(given) is type(expected) and _same(vars(given), vars(expected))
    if isinstance(given, Mapping):
        return (
            isinstance(expected, Mapping)
            and list(given) == list(expected)
            and _same([*given.values()], [*expected.values()])
        )
    if isinstance(given, list | tuple):
        return len(given) == len(expected) and all(map(_same, given, expected))
    if isinstance(given, numbers.Real | Decimal) and not isinstance(given, bool) and expected is not None:
        return float(given) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)
    return bool(given == expected)

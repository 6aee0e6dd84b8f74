"""A sentence with the numbers that it states, and the register of all phrases that make one.

A phrase is a function of keyword arguments that writes a sentence from nothing but these arguments. Each has a name.
The tests recompute the arguments from the warehouse, for several shops: a phrase without such a check fails them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_PHRASES: dict[str, Callable[..., Statement]] = {}
_RECORD: ContextVar[list[Statement] | None] = ContextVar("statements", default=None)


@dataclass(frozen=True)
class Statement:
    """A sentence and what it states.

    Attributes:
        name: of the phrase, such as `sales.trend`.
        text: the sentence.
        facts: what the phrase was given, by argument.
    """

    name: str
    text: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return self.text


def phrase(name: str) -> Callable[[Callable[..., str]], Callable[..., Statement]]:
    """Register a function that writes a sentence as the phrase `name`; calls then return a `Statement`.

    Raises:
        ValueError: there is a phrase of this name.

    >>> @phrase("example.orders")
    ... def orders(*, count: int) -> str:
    ...     return f"There were {count} orders."
    >>> statement = orders(count=3)
    >>> statement.text, statement.facts
    ('There were 3 orders.', {'count': 3})
    >>> _ = _PHRASES.pop("example.orders")
    """

    def register(write: Callable[..., str]) -> Callable[..., Statement]:
        if name in _PHRASES:
            raise ValueError(f"There are two phrases {name}.")

        @functools.wraps(write)
        def state(**facts: Any) -> Statement:
            statement = Statement(name, write(**facts), facts)
            if (record := _RECORD.get()) is not None:
                record.append(statement)
            return statement

        _PHRASES[name] = state
        return state

    return register


def phrases() -> Mapping[str, Callable[..., Statement]]:
    """Return every phrase by its name; those of modules that nothing has imported are not among them."""
    return dict(_PHRASES)


@contextlib.contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Collect the statements that are made within the block, in their order."""
    statements: list[Statement] = []
    token = _RECORD.set(statements)
    try:
        yield statements
    finally:
        _RECORD.reset(token)

"""The values of some keys of a JSON object replaced in its text: every other character stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]  # as documented as its JSONDecoder is
from typing import Any

from retail_assets.pseudonyms.pseudonym import CUSTOMER, Pseudonyms
from retail_assets.pseudonyms.replaced_columns import Replaced

_SPACE = re.compile(r"[ \t\n\r]*")
_VALUES = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda name: None if name == "NaN" else name)


class Unsplit(ValueError):  # noqa: N818 - not an error of the user
    """A text is not one JSON object with plain values under the keys."""


def with_texts(text: str, column_of_key: Callable[[str], Replaced | None], pseudonyms: Pseudonyms) -> str:
    """Return the text of a JSON object with other texts in place of some values. Raises Unsplit, OtherKeyError.

    A key that is given twice is replaced twice. A customer's id is one value; under other keys anything may be.
    """
    parts, place = [], 0
    at = _after(text, 0, "{")
    while not text.startswith("}", at):
        try:
            key, at = scanstring(text, _after(text, at, '"', skip=False), True)
            start = _after(text, at, ":")
            value, at = _VALUES.raw_decode(text, start)
        except (ValueError, RecursionError) as e:
            raise Unsplit from e
        column = column_of_key(key)
        new = column.text(pseudonyms, _text_of(value, column)) if column else None
        if new is not None:
            parts += [text[place:start], json.dumps(new)]
            place = at
        at = _space(text, at)
        if text.startswith(",", at):
            at = _space(text, at + 1)
        elif not text.startswith("}", at):
            raise Unsplit
    if _space(text, at + 1) != len(text):
        raise Unsplit
    return "".join((*parts, text[place:]))


def _text_of(value: Any, column: Replaced) -> str | None:
    """Return a value as cleaning reads it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):  # NaN is no value
        return None if value != value else str(value)
    if isinstance(value, (dict, list)) and column.column == CUSTOMER:
        raise Unsplit
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _after(text: str, at: int, mark: str, *, skip: bool = True) -> int:
    """Return where the text goes on after a mark, and the space that may be around it."""
    at = _space(text, at)
    if not text.startswith(mark, at):
        raise Unsplit
    return _space(text, at + 1) if skip else at + 1


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # noqa: S101 - it matches anything
    return match.end()

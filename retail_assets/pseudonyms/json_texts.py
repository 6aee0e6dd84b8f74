"""The values of some keys of a JSON object replaced in its text: every other character stays as it is."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # as documented as its JSONDecoder is
from typing import Any

from retail_assets.pseudonyms.pseudonym import CUSTOMER, Pseudonyms
from retail_assets.pseudonyms.replaced_columns import Replaced

_SPACE = re.compile(r"[ \t\n\r]*")
#: Strings of a flat object, those with a colon behind them being keys.
_KEYS = re.compile(r'"[^"]*+"([ \t\n\r]*+:)?')
_VALUES = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda name: None if name == "NaN" else name)


class Unsplit(ValueError):  # noqa: N818 - not an error of the user
    """A text is not one JSON object with plain values under the keys."""


def with_texts(text: str, columns: Mapping[str, Replaced], pseudonyms: Pseudonyms) -> str:
    """Return the text of a JSON object with other texts in place of the values of some keys.

    A key that is given twice is replaced twice. A customer's id is one value; under other keys anything may be. Raises
    Unsplit, OtherKeyError.
    """
    if _is_flat(text) and all(text.count(f'"{key}"') <= 1 for key in columns):
        return _in_flat(text, columns, pseudonyms)
    parts, place = [], 0
    at = _after(text, 0, "{")
    while not text.startswith("}", at):
        try:
            key, at = scanstring(text, _after(text, at, '"', skip=False), True)
            start = _after(text, at, ":")
            value, at = _VALUES.raw_decode(text, start)
        except (ValueError, RecursionError) as e:
            raise Unsplit from e
        column = columns.get(key)
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


def is_plain(text: str, keys: int) -> bool:
    """Return whether the text of a JSON object with so many keys has each of them once, and no value but plain text.

    False where only a reader of all of it could tell.
    """
    return _is_flat(text) and "\ufffd" not in text and "\0" not in text and sum(map(bool, _KEYS.findall(text))) == keys


def _is_flat(text: str) -> bool:
    """Return whether an object has no other objects, lists and escapes in it, nor marks of them in its texts."""
    return text.count("{") == 1 and "[" not in text and "\\" not in text


def _in_flat(text: str, columns: Mapping[str, Replaced], pseudonyms: Pseudonyms) -> str:
    """Replace values in an object without objects, lists and escapes: no other text is mistaken for its keys."""
    for key, column in columns.items():
        match = _value_of(key).search(text)
        if match is None:
            continue
        value = match[1][1:-1] if match[1][0] == '"' else _VALUES.decode(match[1])
        new = column.text(pseudonyms, _text_of(value, column))
        if new is not None:
            text = f"{text[: match.start(1)]}{json.dumps(new)}{text[match.end(1) :]}"
    return text


@functools.lru_cache(1024)
def _value_of(key: str) -> re.Pattern[str]:
    return re.compile(rf'"{re.escape(key)}"[ \t\n\r]*:[ \t\n\r]*("[^"]*"|[^\s",}}]+)')


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

"""Dagster's asset selection syntax, parsed here: the webserver's GraphQL has no selections, and the bridge no Dagster.

`*` · `key:"a/b"` (with `*` as wildcard; a bare name is a key) · `group:` `kind:` `owner:` `tag:name=value` ·
`+x` upstream, `x+` downstream, `2+x` and `x+2` as many steps · `roots(x)` `sinks(x)` · `not` `and` `or` · `( )`
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence

from airflow_bridge.problems import RefusedError
from airflow_bridge.runs import AssetNode

_TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"]*")|(?P<mark>[()+:=])|(?P<star>\*(?![\w/*]))|(?P<word>[\w\-./*@]+))', re.UNICODE
)
_MARKS = frozenset("()+:=")
_ATTRIBUTES = ("key", "group", "kind", "owner", "tag", "code_location")


def select(selection: str, nodes: Sequence[AssetNode]) -> set[str]:
    """Return the keys of the selected assets. Raises RefusedError for a selection that cannot be parsed.

    >>> raw = AssetNode("raw", "ingest", True, ("shop", "main"))
    >>> sales = AssetNode("sales", "warehouse", True, ("shop", "main"), upstream=frozenset({"raw"}))
    >>> sorted(select('group:"ingest"+', [raw, sales]))
    ['raw', 'sales']
    >>> select("*", [raw]) == {"raw"}
    True
    """
    return _Reader(selection, {node.key: node for node in nodes}).read()


class _Reader:
    """A recursive-descent parser: or · and · not · traversal · atom. Every method returns keys."""

    def __init__(self, text: str, nodes: Mapping[str, AssetNode]) -> None:
        self.text = text
        self.nodes = nodes
        self.tokens = self._tokens()
        self.at = 0
        self.up = {key: {u for u in node.upstream if u in nodes} for key, node in nodes.items()}
        self.down: dict[str, set[str]] = {key: set() for key in nodes}
        for key, parents in self.up.items():
            for parent in parents:
                self.down[parent].add(key)

    def read(self) -> set[str]:
        keys = self._or()
        if self.at < len(self.tokens):
            raise self._wrong(f"{self.tokens[self.at]!r} is not expected here")
        return keys

    def _tokens(self) -> list[str]:
        tokens, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._wrong(f"{text[at:].strip()!r} cannot be read")
            tokens.append(match.group().strip())
            at = match.end()
        return tokens

    def _wrong(self, what: str) -> RefusedError:
        return RefusedError(
            f"The selection {self.text!r} cannot be read: {what}. Examples: "
            'group:"ingest" or key:"sales"+ ; attributes: ' + ", ".join(_ATTRIBUTES)
        )

    def _next(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, *expected: str) -> bool:
        word = self._next()
        if word is not None and word.lower() in expected:
            self.at += 1
            return True
        return False

    def _or(self) -> set[str]:
        keys = self._and()
        while self._take("or"):
            keys = keys | self._and()
        return keys

    def _and(self) -> set[str]:
        keys = self._not()
        while self._take("and"):
            keys = keys & self._not()
        return keys

    def _not(self) -> set[str]:
        return set(self.nodes) - self._not() if self._take("not") else self._traversal()

    def _traversal(self) -> set[str]:
        up = self._steps_before()
        start = self._atom()
        result = set(start)
        if up is not None:
            result |= self._reached(start, self.up, up)
        if self._take("+"):
            word = self._next()
            down = len(self.nodes)
            if word is not None and word.isdigit():
                self.at += 1
                down = int(word)
            result |= self._reached(start, self.down, down)
        return result

    def _steps_before(self) -> int | None:
        word = self._next()
        if word == "+":
            self.at += 1
            return len(self.nodes)
        if word is not None and word.isdigit() and self.tokens[self.at + 1 : self.at + 2] == ["+"]:
            self.at += 2
            return int(word)
        return None

    @staticmethod
    def _reached(start: set[str], edges: Mapping[str, set[str]], steps: int) -> set[str]:
        reached, frontier = set(start), set(start)
        for _ in range(steps):
            frontier = {far for near in frontier for far in edges[near]} - reached
            if not frontier:
                break
            reached |= frontier
        return reached

    def _atom(self) -> set[str]:
        word = self._next()
        if word is None:
            raise self._wrong("it ends too early")
        self.at += 1
        if word == "*":
            return set(self.nodes)
        if word == "(":
            return self._closed()
        if word in ("roots", "sinks") and self._take("("):
            inner = self._closed()
            edges = self.up if word == "roots" else self.down
            return {key for key in inner if not edges[key] & inner}
        if self._take(":"):
            value = self._value(f"{word}:")
            if word.lower() == "tag" and self._take("="):
                value += "=" + self._value("=")
            return self._with(word.lower(), value)
        if word in ("+", ":", "=", ")") or word.lower() in ("and", "or", "not"):
            raise self._wrong(f"{word!r} is not expected here")
        return self._with("key", word.strip('"'))

    def _value(self, after: str) -> str:
        value = self._next()
        if value is None or value in _MARKS:
            raise self._wrong(f"a value is missing after {after}")
        self.at += 1
        return value.strip('"')

    def _closed(self) -> set[str]:
        keys = self._or()
        if not self._take(")"):
            raise self._wrong("a parenthesis is not closed")
        return keys

    def _with(self, attribute: str, value: str) -> set[str]:
        if attribute not in _ATTRIBUTES:
            raise self._wrong(f"{attribute!r} is not an attribute")
        return {key for key, node in self.nodes.items() if _has(node, attribute, value)}


def _has(node: AssetNode, attribute: str, value: str) -> bool:
    if attribute == "tag":
        name, _, wanted = value.partition("=")
        return node.tags.get(name) == wanted
    values = {
        "key": {node.key},
        "group": {node.group},
        "kind": node.kinds,
        "owner": node.owners,
        "code_location": {node.location[0]},
    }[attribute]
    return any(fnmatch.fnmatchcase(v, value) for v in values)

"""What nobody has confirmed in a drafted contract: guesses below a comment `# ANSWER:` that is still there.

The marks are comments, so an answer changes neither the meaning nor the digest of a contract.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = "# ANSWER:"
#: Keys whose value a mark can be about; all other marks say in words what is assumed.
_KEYS = ("currency", "country", "timezone")
_MOST = 30
_LONGEST = 300
_VALUE = re.compile(rf"({'|'.join(_KEYS)}): *([\w/+-]+) *(?:#.*)?")


@dataclass(frozen=True)
class OpenQuestion:
    """A question of a draft; `key` and `value` are what was assumed, empty where the text says it."""

    text: str
    key: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.key} {self.value} ({self.text})" if self.key else self.text


def open_questions(text: str) -> tuple[OpenQuestion, ...]:
    """List the questions of a contract, given as YAML, that are still marked in it.

    >>> [str(q) for q in open_questions("name: shop\\n# ANSWER: which currency is it?\\ncurrency: USD\\n")]
    ['currency USD (which currency is it?)']
    """
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for number, line in enumerate(lines):
        if line.startswith(MARK) and (question := line.removeprefix(MARK).strip().rstrip(".")[:_LONGEST]):
            below = next((other for other in lines[number + 1 :] if other and not other.startswith("#")), "")
            value = _VALUE.fullmatch(below)
            found.append(OpenQuestion(question, *(value.groups() if value else ())))
    return tuple(found[:_MOST])

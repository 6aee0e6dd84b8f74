"""Text of files, contracts and people inside Markdown: shown as it is, never as a picture, a link, HTML or a table.

Pages such as Dagster's render check messages and metadata as GitHub's Markdown, which makes links even of escaped
addresses. So words that could be markup are shown as code: there, nothing is markup.
"""

from __future__ import annotations

import re

#: Cells of previews in Dagster's pages are cut to so many characters.
PREVIEW_CELL = 60
#: Invisible, but part of emoji and of words in Hindi or Persian.
_JOINERS = "\u200c\u200d"
#: What can be markup inside a line: emphasis, code, links, HTML, entities, strikethrough, tables, addresses.
_MARKUP = re.compile(r"[*`\[\]<>|~\\]|(?<![^\W_])_|_(?![^\W_])|&#?\w+;|://|(?i:www\.)|@")
#: What can be markup at the beginning of a line: headings, lists, rules, and the underline of a heading.
_AT_START = re.compile(r"(#+|[-+=:]+|\d+[.)])$")
_WORD = re.compile(r"(\(?)(.*?)(\)?[.,;:!?]*)$", re.DOTALL)


def as_text(text: str) -> str:
    r"""Return Markdown that shows `text` as it is. Ordinary words stay as they are; line breaks stay, too.

    >>> print(as_text("Beauty, 8.7 % of sales_clean"))
    Beauty, 8.7 % of sales_clean
    >>> print(as_text("not known: ![x](http://host/a.png), a|b"))
    not known: `![x](http://host/a.png)`, a\|b
    """
    return "\n".join(_line(line) for line in re.split(r"\r\n|[\r\n]", text))


def as_cell(text: str, width: int | None = None) -> str:
    """Return Markdown for one cell of a table, or for one line: like `as_text`, on one line, cut to `width`.

    >>> print(as_cell("A_1 [new] (all)"), as_cell("twelve\\nbottles", width=8))
    A_1 `[new]` (all) twelve …
    """
    if width is not None and len(text) > width:
        text = text[: width - 1] + "…"
    return _line(text)


def visible(line: str) -> str:
    r"""Return a line with spaces for control characters and direction marks.

    >>> visible("a\x07b\u202ec")
    'a b c'
    """
    return "".join(c if c.isprintable() or c in _JOINERS else " " for c in line)


def _line(line: str) -> str:
    words = visible(line).split()
    return " ".join(_word(word, at_start=not place) for place, word in enumerate(words))


def _word(word: str, *, at_start: bool) -> str:
    if at_start and _AT_START.match(word):
        return _code(word)
    if not _MARKUP.search(word):
        return word
    before, core, after = _WORD.findall(word)[0]
    if after.startswith(")") and not before:  # it belongs to the word, as in an address
        core, after = f"{core})", after[1:]
    # A bar would end the cell of a table even inside code, so it stands outside, escaped.
    parts = (part if part.startswith("|") else _code(part) if _MARKUP.search(part) else part
             for part in re.split(r"(\|+)", core) if part)  # fmt: skip
    return before + "".join(part.replace("|", "\\|") if part.startswith("|") else part for part in parts) + after


def _code(text: str) -> str:
    """A code span with a fence that its text does not contain (CommonMark 0.31, 6.1)."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"

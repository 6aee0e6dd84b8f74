"""Whatever a file contains, a page of Markdown shows it as text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from retail_assets.storage.markdown_text import as_cell, as_text

#: GitHub's Markdown, as Dagster's pages have it.
PAGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])
#: What those pages also make a link of, in any text that is not code (mdast-util-gfm-autolink-literal).
ADDRESS = re.compile(r"(https?://|www(?=\.))([-.\w]+)|[-.\w+]+@[-\w]+(\.[-\w]+)+", re.IGNORECASE)
#: Blocks and inline parts that are nothing but text.
PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline", "softbreak", "text_special"}
TABLE = {f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")}

NASTY = [
    "![x](http://host/a.png)",
    "[click](javascript:alert(1))",
    "raw/shop/dt=<day>/",
    "<img src=x onerror=alert(1)>",
    "`code` and ``more``",
    "`",
    "a|b",
    "a\\|b",
    "a\\\\|b",
    "trailing\\",
    "||",
    "http://host",
    "www.host.com",
    "someone@shop.com",
    "&lt;b&gt;",
    "H&M",
    "# heading",
    "- item",
    "1. item",
    "+ item",
    "> quote",
    "---",
    "===",
    "~~gone~~",
    "_em_ and __strong__ and snake_case",
    "*a b*",
    "[ref]: http://host",
    "    indented",
    "a\n---\nb",
    "a\n\n- b",
    "one | two\n--- | ---\n1 | 2",
    "first\r\nsecond",
    "\u202eright to left",
    "अ\u200dब",
    "![x][y]",
    "<!-- -->",
    "$a$",
    "http://a_b_c|d`e",
]  # fmt: skip
MARKS = st.text(st.sampled_from("ab1 _*`[]()<>|~\\!#-+=:.&;/@\n\twhtp"), max_size=30)


def tokens(markdown: str) -> list[Token]:
    found = []
    for token in PAGE.parse(markdown):
        found.append(token)
        found.extend(token.children or ())
    assert not any(token.type == "text" and ADDRESS.search(token.content) for token in found)
    return found


def shown(markdown: str) -> str:
    """The words that a person sees."""
    visible = re.sub(r"<[^>]*>", "", PAGE.render(markdown).replace("<br>", " "))
    return " ".join(html.unescape(visible).split())


def words(text: str) -> str:
    printable = "".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text)
    return " ".join(printable.split())


@pytest.mark.parametrize("text", NASTY)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    assert {t.type for t in tokens(as_text(text))} <= PLAIN
    assert shown(as_text(text)) == words(text)


@given(MARKS | st.text(max_size=30))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert {t.type for t in tokens(as_text(text))} <= PLAIN
    assert shown(as_text(text)) == words(text)


@given(st.lists(st.sampled_from(NASTY) | MARKS, min_size=2, max_size=2))
def test_any_cell_stays_in_its_place_of_a_table(cells: list[str]) -> None:
    row = " | ".join(map(as_cell, cells))
    found = tokens(f"| a | b |\n| --- | --- |\n| {row} |")
    assert {t.type for t in found} <= PLAIN | TABLE
    inline = [t for t in found if t.type == "inline"][2:]
    assert [" ".join("".join(c.content for c in t.children or ()).split()) for t in inline] == list(map(words, cells))


def test_a_long_cell_is_cut_before_it_is_written_as_code() -> None:
    assert as_cell("<" + "x" * 100, width=10) == "`<xxxxxxxx…`"


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Beauty", "Fruit & Veg", "sales_2024-01-05.csv", "H&M", "Straße 5", "飲料", "50 % off!", "A+B (new)"):
        assert as_text(name) == name

"""A customer is found however a program wrote the id: escaped for a page, JSON, a preview, an address or a message."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pyarrow as pa
import pytest

from retail_assets.defs.metadata import preview
from retail_assets.erasure.file_ids import words_of
from retail_assets.erasure.mentions import Mentions
from retail_assets.erasure.written_forms import written_forms
from retail_assets.storage.markdown_text import as_text

IDS = (
    "CUST-81", "CUST_81", "Müller & Söhne-77", "O'Brien \"X\" 12", "A<b>7", "*C|8*7", "two  spaces 77", "x\\8", "A\n8",
    "jane.doe@example.com", "\U0001d518ni-77", "L" * 70, "_C8_", "=8+C", "'8 abc",
)  # fmt: skip


@pytest.mark.parametrize("person", [*IDS, "5*", "50", "'8"])
def test_a_preview_of_rows_loses_the_row_whatever_markdown_made_of_the_id(person: str) -> None:
    shown = preview(pa.table({"customer_id": ["C1", person, "C2"], "n": [1, 2, 3]}))
    event = json.dumps({"metadata": [{"md_str": shown.md_str}]})
    mentions = Mentions(person)
    assert any(value in event for value in mentions.sql_values)
    left = preview(pa.table({"customer_id": ["C1", "C2"], "n": [1, 3]}))
    assert json.loads(mentions.without(event))["metadata"][0]["md_str"] == left.md_str


@pytest.mark.parametrize("person", IDS)
def test_texts_of_every_kind_lose_the_id(person: str) -> None:
    texts = {
        "json in json": json.dumps({"tags": json.dumps({"asked": f"for {person} now"})}),
        "markdown": json.dumps({"description": as_text(f"no {person} here")}),
        "an error": json.dumps({"message": f"KeyError: {person!r}"}),
        "an address": f"GET /customers/{quote(person, safe='')} 200",
        "after an escape": json.dumps({"message": f"'\\n{person}'"}),
        "in color": f"WARNING \x1b[31m{person}\x1b[0m twice",
    }
    mentions = Mentions(person)
    for kind, text in texts.items():
        left = mentions.without(text)
        assert "[erased]" in left, kind
        assert not any(form in left for form in (person, json.dumps(person)[1:-1])), kind
    page = f"<p>{html.escape(person)}</p>".encode()
    assert mentions.may_be_in(page)
    assert mentions.is_in(page)


def test_an_ordinary_id_has_one_form() -> None:
    """Every other form is one more text to look for in every row of Dagster's storage."""
    assert written_forms("CUST-81") == ("CUST-81",)


def test_a_preview_of_rejected_rows_loses_the_row_of_a_file_with_a_long_name() -> None:
    file = f"shop/dt=2024-03-01/Übersicht der Verkäufe {'x' * 40}.csv"
    rows = pa.table({"source_file": [file, file], "source_line": [7, 8], "raw_text": ["T7,Jane", "T8,Joe"]})
    event = json.dumps({"md_str": preview(rows).md_str})
    left = json.loads(Mentions("C8", {(file, 7)}).without(event))["md_str"]
    assert ("Jane" in left, "Joe" in left) == (False, True)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ('T1,"O\'Brien ""X"" 12",Food,1,2,3', 'O\'Brien "X" 12'),
        ('T1,"C,8-77",Food,1,2,3', "C,8-77"),
        ('T1,"C\\",8,"x', "C\\"),
        ('{"id": 1, "customer": "Zo\\u00eb \\"8\\"", "n": ', 'Zoë "8"'),
    ],
)
def test_an_id_is_read_from_a_row_that_could_not_be_split_as_its_format_writes_it(text: str, person: str) -> None:
    assert person in words_of(text, "" if text.startswith("{") else ",")

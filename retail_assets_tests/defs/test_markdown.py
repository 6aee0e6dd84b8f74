"""Whatever a file contains, Dagster's pages show it as text: previews, drift, check messages, cards, insights."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

import retail_assets
from retail_assets.defs.checks.results import check_result
from retail_assets.defs.metadata import preview
from retail_assets.landing.schema_changes import SchemaChange
from retail_assets.landing.schema_drift import SchemaDrift, schema_drift_as_markdown
from retail_assets.models.card import Section, bullets, model_card, table
from retail_assets.wording.formats import markdown

PACKAGE = Path(retail_assets.__file__).parent
NASTY = [
    "![x](http://host/a.png)", "[a](http://host)", "<day>", "`b`", "a|b", "two\nlines", "http://host", "a@b.com",
    "_tea_ and __coffee__", "*tea*", "**sales**_2024*.csv", "5 * 3 * 2", "~~old~~", "<b>bold</b>",
    "a `b` | <c> *d* _e_",
    "&lt;day&gt;", "# first", "- item", "1. one", "--- | ---", "a\\*b\\*", "``a`b``",
    "sale_<day>_*.csv|gz", "$x$ and $$y$$",
]  # fmt: skip


def inline(text: str) -> Iterator[tuple[str, str]]:
    """The type and the content of every inline part of a page."""
    for block in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        for part in block.children or ():
            yield part.type, part.content


def assert_only_text(page: str, shown: str) -> None:
    parts = list(inline(page))
    assert {kind for kind, _ in parts} <= {"text", "code_inline", "softbreak", "strong_open", "strong_close"}
    assert shown.replace("\n", " ") in "".join(content or " " for _, content in parts)
    assert not any("://" in content or "@" in content for kind, content in parts if kind == "text")


@pytest.mark.parametrize("text", NASTY)
def test_text_of_a_file_is_text_on_every_page(text: str) -> None:
    change = SchemaChange(f"shop/dt=2024-01-01/{text}.csv", "new_columns", text, text, text, "warn", "Look.")
    day = dt.date(2024, 1, 1)
    for page in (
        preview(pa.table({text: [text], "other": ["x"]})).md_str or "",
        schema_drift_as_markdown([SchemaDrift(day, day, (change,))]),
        check_result(passed=False, description=f"Not known: {text}, in 2 files.").description or "",
        model_card(
            text, text, made_of=[text], sections=[Section("More", [*bullets([text]), "", *table(["a"], [[text]])])]
        ),
        f"- **{markdown(text)} earns most**",
    ):
        assert_only_text(page, text)


def calls(name: str) -> set[str]:
    """The modules that call `….name(…)`."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    }


def test_every_check_result_and_every_page_goes_through_the_functions_that_show_text() -> None:
    assert calls("AssetCheckResult") == {"defs/checks/results.py"}
    # insights.md and the table of the drift are Markdown already; they write names from the data as text. The data
    # dictionary and the list of the outputs hold no data but the source's name, in a code span.
    assert calls("md") == {
        "defs/metadata.py",
        "defs/assets/eda.py",
        "defs/assets/ingest.py",
        "defs/assets/report.py",
        "defs/assets/report_lineage.py",
        "defs/checks/landing.py",
    }

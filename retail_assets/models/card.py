"""The frame that all model cards share, Markdown: what a model is, what it is worth, what it is made of, its limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". A domain supplies the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.storage.markdown_text import as_cell


@dataclass(frozen=True)
class Section:
    """A section of a card: its heading, and its lines as Markdown; `as_cell`, `bullets` and `table` write text."""

    heading: str
    lines: Sequence[str]


def model_card(
    title: str, verdict: str, *, made_of: Iterable[str], sections: Iterable[Section], summary: str | None = None
) -> str:
    """Compose the card of a version. Names from the data are text in it, whatever they contain.

    Args:
        title: what it is a model of, and its family.
        verdict: what it is worth, in a sentence.
        made_of: the sales it has seen, `made_with`, and further items of the list "Made of".
        sections: what follows.
        summary: what the model gives; it stands above the verdict.

    >>> print(model_card("Mean", "No skill.", made_of=["10 days of sales"], sections=[Section("Limits", ["None."])]))
    # Mean
    <BLANKLINE>
    **No skill.**
    <BLANKLINE>
    ## Made of
    <BLANKLINE>
    - 10 days of sales
    <BLANKLINE>
    ## Limits
    <BLANKLINE>
    None.
    <BLANKLINE>
    """
    lines = [f"# {as_cell(title)}", "", *([as_cell(summary), ""] if summary else []), f"**{as_cell(verdict)}**"]
    for section in (Section("Made of", bullets(made_of)), *sections):
        lines += ["", f"## {section.heading}", "", *section.lines]
    return "\n".join(lines) + "\n"


def made_with(facts: Mapping[str, Any]) -> str:
    """List seed, code and libraries of a version, from the fields of its manifest.

    >>> made_with({"seed": 0, "code_version": "1", "libraries": {"numpy": "2.0", "skops": "0.1"}})
    'seed 0, code 1, numpy 2.0, skops 0.1'
    """
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    return f"seed {facts['seed']}, code {facts['code_version']}, {libraries}"


def bullets(items: Iterable[str]) -> list[str]:
    """Format the lines of a list.

    >>> bullets(["one", "two"])
    ['- one', '- two']
    """
    return [f"- {as_cell(item)}" for item in items]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Format the lines of a table.

    >>> table(["k", "score"], [["2", "0.5"]])
    ['| k | score |', '| --- | --- |', '| 2 | 0.5 |']
    """
    written = (header, *rows)
    first, *others = (f"| {' | '.join(map(as_cell, cells))} |" for cells in written)
    return [first, "|" + " --- |" * len(header), *others]

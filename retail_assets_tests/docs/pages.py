"""The pages of the documentation as the tests read them: links, anchors, code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```.*?^```\s*?$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(!?)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    """The page's path below the project, for messages and test ids."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> list[str]:
    """Every code block and every code span of a page, without their marks; continued lines are joined."""
    text = page.read_text(encoding="utf-8")
    blocks = ["\n".join(block.splitlines()[1:-1]).replace("\\\n", " ") for block in _FENCE.findall(text)]
    return [*blocks, *_SPAN.findall(prose(page))]


def links(page: Path) -> list[str]:
    """The targets of a page's links and images that stay in the project."""
    targets = [target for _, target in _LINK.findall(_SPAN.sub("", prose(page)))]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub names them."""
    names: list[str] = []
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        repeated = sum(name == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", name) is not None for name in names)
        names.append(f"{slug}-{repeated}" if repeated else slug)
    return set(names)

"""The README is one screen: what this is, two pictures, two commands, your own data, and where to read on.

What it names, links to and tells people to run is checked with the other pages, in `docs/test_pages.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from retail_assets_tests.docs import readme_pictures

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_it_is_short_and_shows_three_pictures() -> None:
    assert len(README.splitlines()) < 80
    pictures = re.findall(r"!\[[^\]]+\]\(docs/images/([\w.]+)\)", README)
    assert pictures == [*readme_pictures.FIGURES, readme_pictures.REPORT]


def test_its_pictures_are_as_the_command_makes_them() -> None:
    """`make readme-pictures` writes them in this size; figures of another width are of an older style."""
    sizes = {name: Image.open(readme_pictures.IMAGES / name).size for name in readme_pictures.FIGURES}
    assert {width for width, _ in sizes.values()} == {1100}
    assert Image.open(readme_pictures.IMAGES / readme_pictures.REPORT).size == readme_pictures.WINDOW


def test_it_names_the_two_commands_first_and_links_to_the_index() -> None:
    assert README.index("make demo") < README.index("make test") < README.index("## ")
    assert "(docs/index.md)" in README


def test_the_data_of_the_demo_are_called_simulated_and_never_real() -> None:
    """The package of The Complete Journey calls them simulated from real patterns: they are nobody's sales."""
    folders = ("airflow_bridge", "benchmarks", "docs", "retail_assets", "retail_assets_tests")
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    for path in [ROOT / "README.md", ROOT / "Makefile", *texts]:
        found = re.search(r"\breal (grocery|sales|lines|data sets?)\b", path.read_text(encoding="utf-8"))
        assert not found or path == Path(__file__), f"{path.relative_to(ROOT)}: {found[0]}"
    assert "simulated from real patterns" in README

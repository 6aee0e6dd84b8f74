"""The README is part of the product: what it promises must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.settings.environment import VARIABLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_stands_in_the_table_with_its_default_and_meaning(variable: str) -> None:
    default, meaning = VARIABLES[variable]
    [row] = [line for line in README.splitlines() if line.startswith(f"| `{variable}` |")]
    assert default in row
    assert meaning in row


def test_every_place_it_names_exists() -> None:
    places = {p for p in re.findall(r"`(retail_assets/[\w/.]+)`", README)} | set(
        re.findall(r"\]\((docs/[\w./]+)\)", README)
    )
    assert len(places) > 8
    assert [p for p in places if not (ROOT / p).exists()] == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`retail-assets ([a-z]+(?: [a-z]+(?:-[a-z]+)?)?)", README))))
def test_every_command_it_names_answers_to_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output


def test_every_make_target_it_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([\w-]+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

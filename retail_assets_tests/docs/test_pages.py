"""The documentation is part of the product: what it links to, names and tells people to run is there."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.settings.environment import VARIABLES
from retail_assets_tests.docs.pages import PAGES, ROOT, anchors, code, links, name_of

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_and_anchor_resolves(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in anchors(other), f"{name_of(page)} links to {target}, a heading that is not there"


def test_every_page_and_file_of_docs_is_reached_from_the_index() -> None:
    waiting, reached = [ROOT / "docs" / "index.md"], set()
    while waiting:
        page = waiting.pop()
        reached.add(page)
        if page.suffix == ".md":
            targets = {(page.parent / target.partition("#")[0]).resolve() for target in links(page)}
            waiting += targets - reached
    everything = {path.resolve() for path in (ROOT / "docs").rglob("*") if path.is_file()} | set(PAGES)
    assert sorted(map(name_of, everything - reached)) == []


def test_pictures_are_small() -> None:
    pictures = [path for path in (ROOT / "docs" / "images").iterdir()]
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size >= 150_000] == []


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_stands_in_the_table_with_its_default_and_meaning(variable: str) -> None:
    default, meaning = VARIABLES[variable]
    [row] = [line for line in SETTINGS.splitlines() if line.startswith(f"| `{variable}` |")]
    assert default in row
    assert meaning in row


_PLACE = re.compile(r"(?<![\w/.])((?:retail_assets|retail_assets_tests|airflow_bridge|deploy|docs)/[^\s`:'\"]+)")
#: Tags of runs, not places.
_NO_PLACES = {"retail_assets/lineage", "retail_assets/replay"}


def _places(page: Path) -> list[str]:
    """Files and folders of the project that a page names in code."""
    return [place for text in code(page) for place in _PLACE.findall(text) if place not in _NO_PLACES]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_place_it_names_exists(page: Path) -> None:
    """`<…>` and `…` in a place stand for any name."""
    for place in _places(page):
        pattern = re.sub(r"<[^>]*>|…", "*", place).rstrip(".,;)/")
        assert list(ROOT.glob(pattern)), f"{name_of(page)} names {place}"


def test_the_test_of_places_sees_them() -> None:
    assert len({place for page in PAGES for place in _places(page)}) > 30


def _commands(text: str, program: str) -> list[list[str]]:
    """The arguments of each call of a program in a piece of code."""
    calls = []
    for line in text.splitlines():
        for call in re.findall(rf"(?:^|[\s$'(]){program}((?:\s[^\n]*)?)", line):
            before_the_next = re.split(r"\s(?:#|\||&&|>|;)|\)", call)[0]
            calls.append(re.sub(r"[\[\]()…,]|'(?=\s|$)", " ", before_the_next).split())
    return calls


def _wrong(arguments: list[str]) -> str | None:
    """Why these are not arguments of `retail-assets`; None if they are. Words in capitals stand for any value."""
    command: Any = typer.main.get_command(app)
    path = "retail-assets"
    for word in arguments:
        if word.startswith("--"):
            option = word.partition("=")[0]
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if option not in known | {"--help"}:
                return f"{path} has no {option}"
        elif hasattr(command, "commands"):
            if re.fullmatch(r"[A-Z]+", word):
                return None
            if word not in command.commands:
                return f"{path} has no command {word}"
            command, path = command.commands[word], f"{path} {word}"
    return None


def _calls(page: Path) -> list[list[str]]:
    return [arguments for text in code(page) for arguments in _commands(text, "retail-assets")]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_it_names_exists_with_its_options(page: Path) -> None:
    assert [problem for arguments in _calls(page) if (problem := _wrong(arguments))] == []


_GROUPS = ("sample", "models", "predict", "forecast", "quarantine")
_NAMED = sorted(
    {
        " ".join(
            itertools.takewhile(re.compile(r"[a-z][a-z-]*$").match, arguments[: 2 if arguments[0] in _GROUPS else 1])
        )
        for page in PAGES
        for arguments in _calls(page)
        if arguments and not arguments[0].startswith("-") and arguments[0] != "COMMAND"
    }
)


@pytest.mark.parametrize("command", _NAMED)
def test_every_command_it_names_answers_to_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output


def test_the_test_of_commands_sees_what_is_wrong() -> None:
    assert _commands("$ retail-assets land x.csv --date 2024-01-03  # now", "retail-assets") == [
        ["land", "x.csv", "--date", "2024-01-03"]
    ]
    assert _wrong(["land", "FILE", "--date", "D"]) is None
    assert _wrong(["land", "FILE", "--dat", "D"]) == "retail-assets land has no --dat"
    assert _wrong(["models", "lst"]) == "retail-assets models has no command lst"
    assert sum(len(_calls(page)) for page in PAGES) > 30
    assert len(_NAMED) > 10


def test_the_options_of_the_local_stack_exist() -> None:
    asked = {
        word
        for page in PAGES
        for text in code(page)
        for arguments in _commands(text, "python -m airflow_bridge.local_stack")
        for word in arguments
        if word.startswith("--")
    }
    assert asked
    done = subprocess.run(
        [sys.executable, "-m", "airflow_bridge.local_stack", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert [option for option in sorted(asked) if option not in done.stdout] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_it_names_is_in_the_makefile(page: Path) -> None:
    for text in code(page):
        for target in re.findall(r"(?:^|\n)(?:\$ )?make ([a-z][a-z-]*)", text):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{name_of(page)} names make {target}"


def _texts_of_the_code() -> list[str]:
    """Every text in the package; `{}` stands for what is filled in."""
    texts = []
    for module in (ROOT / "retail_assets").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def test_the_messages_that_the_page_of_aws_explains_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "aws.md").read_text()
    rows = page[page.index("## When it does not work") : page.index("## What is tested")]
    messages = re.findall(r"^\| `([^`]+)` \|", rows, re.MULTILINE)
    assert len(messages) > 4
    texts = _texts_of_the_code()
    for message in messages:
        for part in message.split("…"):
            assert any(part.strip() in text for text in texts), message


def test_hooks_before_a_commit_are_programs_of_the_projects_own_environment() -> None:
    """Nothing is fetched from elsewhere, so the versions are those of requirements.lock."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert shlex.split(hook["entry"])[0].startswith(".venv/bin/"), hook["id"]
        assert hook["language"] == "system", hook["id"]

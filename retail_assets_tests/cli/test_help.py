"""What every command has: help with `-h`, examples that parse, no types, and wrong usage answered in words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from retail_assets.cli import app
from retail_assets.cli.command_line import PROGRAM, Command, Group, WorkingCommand


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if isinstance(command, Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*path, name))


TREE = typer.main.get_command(app.app)
ALL = dict(_commands(TREE))
LEAVES = {path: command for path, command in ALL.items() if isinstance(command, Command)}
EXAMPLES = sorted({line.split("#")[0].strip() for command in ALL.values() for line in command.epilog.splitlines()})
#: The commands that change something, and so go on when nobody reads what they print.
WORKING = {
    "try", "land", "materialize", "prepare", "report", "sample complete-journey", "sample synthetic", "models promote",
    "models decline", "models rollback", "quarantine replay", "vacuum", "erase-customer",
    "backup", "restore", "alerts send", "alerts test", "digest",
}  # fmt: skip


def ids(path: tuple[str, ...]) -> str:
    return " ".join(path) or PROGRAM


def helped(path: tuple[str, ...], capsys: pytest.CaptureFixture[str], option: str = "-h") -> str:
    assert app.main([*path, option]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("path", ALL, ids=ids)
def test_help_is_the_same_by_both_names_and_ends_with_examples(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = helped(path, capsys)
    assert shown == helped(path, capsys, "--help")
    assert shown.startswith(f"Usage: {' '.join([PROGRAM, *path])} [OPTIONS]")
    assert "-h, --help" in shown
    examples = shown.partition("Examples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith(f"  {' '.join([PROGRAM, *path])}") for line in examples)


@pytest.mark.parametrize("path", ALL, ids=ids)
def test_help_names_no_types_and_no_python(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped(path, capsys)
    assert not re.search(r"<\w+>|\b(bool|str|int|float|Path|INTEGER)\b|None", shown)
    assert "Default: *." not in shown or path == ("materialize",)


@pytest.mark.parametrize("width", [40, 60, 200])
@pytest.mark.parametrize("path", ALL, ids=ids)
def test_help_fits_the_terminal_but_for_its_examples(
    path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    explained = helped(path, capsys).partition("Examples:\n")[0].partition("\n")[2]
    assert max(map(len, explained.splitlines())) <= min(width, 100)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_command_with_its_options(example: str) -> None:
    """Parsing converts every value as a run would; only the command itself is not called."""
    program, *words = shlex.split(example.partition(" | ")[0])
    assert program == PROGRAM
    command: Any = TREE
    path: tuple[str, ...] = ()
    while isinstance(command, Group):
        path, command = (*path, words[0]), command.commands[words[0]]
        words = words[1:]
    assert path in LEAVES
    command.make_context(" ".join(path), words)


def test_commands_that_change_something_go_on_when_nobody_reads() -> None:
    assert {ids(path) for path, command in LEAVES.items() if isinstance(command, WorkingCommand)} == WORKING


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["statsu"], "retail-assets has no command 'statsu'. Did you mean 'status'?"),
        (["backtest", "a.csv"], "Did you mean 'retail-assets forecast backtest'?"),
        (["predict", "status"], "retail-assets predict has no command 'status'. Did you mean 'retail-assets status'?"),
        (["help", "land"], "For help: retail-assets land --help"),
        (["models", "xyzzy"], "Commands: list, show, compare, promote, decline, rollback."),
        (["land", "a.csv", "--dat", "2024-01-31"], "retail-assets land has no option '--dat'. Did you mean '--date'?"),
        (["status", "-json"], "retail-assets status has no option '-json'. Did you mean '--json'?"),
        (["models", "list", "--kind", "segment"], "--kind: 'segment' is not one of forecast, segments. Did you mean"),
        (["land", "a.csv", "--date", "31.01.2024"], "--date: '31.01.2024' is not a day. Write it as YYYY-MM-DD"),
        (["quarantine", "list", "--limit", "0"], "--limit: 0 is not possible. Give 1 or more."),
        (["quarantine", "show", "a.csv", "x"], "LINE: 'x' is not a whole number"),
        (["forecast", "backtest", "a.csv", "--country", "FR", "--horizon", "60"], "--horizon: 60 is not possible."),
        (["sample", "synthetic", "--rows", "many"], "--rows: 'many' is not a whole number"),
        (["sample", "synthetic", "--dirt", "1 %"], "--dirt: '1 %' is not a share from 0 to 1, such as 0.01 for 1 %."),
        (["predict", "segment"], "Give --customer ID. For customers who are not in the sales: predict score FILE."),
        (["predict", "forecast", "--json", "--csv"], "Give either --json or --csv."),
        (["predict", "recommend", "--stock", "--persona", "x"], "--stock is not of one persona"),
        (["land"], "Missing argument 'FILE'."),
    ],
)
def test_wrong_usage_is_answered_in_words_with_the_nearest_name(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(words) == 2
    err = capsys.readouterr().err
    assert answer in err
    first, usage, more = err.splitlines()
    assert first.startswith("Error: ")
    assert (usage[:21], more[:21]) == ("Usage: retail-assets ", "More:  retail-assets ")


@pytest.mark.parametrize("path", [path for path, command in ALL.items() if isinstance(command, Group)], ids=ids)
def test_a_group_without_a_command_shows_its_help_and_is_no_success(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(list(path)) == 2
    assert capsys.readouterr().out.startswith("Usage: ")

"""What every command has: help that ends with examples, `-h`, nearest names for wrong ones, and wrong usage in words.

Typer parses. The help is written here, because Typer's own shows types (`<bool>`) in place of what people look for, and
takes longer to import than all else that a help needs. What does not belong here: any command.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from retail_assets.cli import streams
from retail_assets.errors import nearest

if TYPE_CHECKING:
    _Helped = TyperCommand
else:
    _Helped = object

PROGRAM = "retail-assets"
EXIT_USAGE = 2
_WIDEST = 100
_WIDEST_LEFT = 30
_F = TypeVar("_F", bound=Callable[..., Any])

#: Wrong usage of any kind. Typer exports only this subclass.
UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


class _WithHelp(_Helped):
    """A command or a group of commands whose help is plain text that ends with examples."""

    epilog: str | None

    def get_help(self, ctx: Any) -> str:
        """Return the help: usage, what it does, arguments, options, commands, examples."""
        width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
        shown: list[Any] = [p for p in self.get_params(ctx) if not getattr(p, "hidden", False)]
        arguments = [p for p in shown if p.param_type_name == "argument"]
        options = [p for p in shown if p.param_type_name == "option"]
        lines = [_title("Usage:") + f" {usage(ctx)}", ""]
        for paragraph in re.split(r"\n\s*\n", textwrap.dedent(self.help or "").strip()):
            lines += [*wrapped(paragraph, width), ""]
        lines += _section("Arguments", [(_argument(p), p.help or "") for p in arguments], width)
        if isinstance(self, TyperGroup):
            commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
            lines += _section("Commands", [(name, _first_sentence(c.help or "")) for name, c in commands if c], width)
        lines += _section("Options", [_option(p) for p in _help_first(options)], width)
        if self.epilog:
            lines += [_title("Examples:"), *(f"  {line}" for line in self.epilog.splitlines()), ""]
        return "\n".join(lines).rstrip("\n")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; name the nearest option where one is wrong."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except UsageError as e:
            if isinstance(wrong := getattr(e, "option_name", None), str) and hasattr(e, "possibilities"):
                _name_the_nearest_option(cast(Any, e), ctx, wrong, words)
            raise


class Command(_WithHelp, TyperCommand):
    """A command that shows something. A reader that goes away ends it."""


class WorkingCommand(Command):
    """A command that changes something. It goes on to the end when nobody reads what it prints."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with streams.without_readers():
            return super().invoke(ctx)


class Group(_WithHelp, TyperGroup):
    """Commands with a common first word. By itself it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; without a command, show the help, which is no success."""
        if not args and not ctx.resilient_parsing:
            typer.echo(self.get_help(ctx))
            raise typer.Exit(EXIT_USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is named; name the nearest one where there is none."""
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise UsageError(f"{ctx.command_path} has no command {args[0]!r}.{_nearest_command(ctx, args)}", ctx)
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """A group of commands, each of which has `examples`."""

    def __init__(self, *, help: str, examples: Sequence[str], **options: Any) -> None:
        super().__init__(
            cls=Group,
            help=help,
            epilog=_epilog(examples),
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            **{"add_completion": False, **options},
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[_F], _F]:
        """Add a function with `examples` as a command."""

        def add(function: _F) -> _F:
            lines, works = function.__dict__["examples"]
            kind = WorkingCommand if works else Command
            return super(App, self).command(name, cls=kind, epilog=_epilog(lines), **options)(function)

        return add


def examples(*lines: str, works: bool = False) -> Callable[[_F], _F]:
    """Give a function that becomes a command its examples: command lines without the program's name.

    An example may end with ` # ` and a remark. `works` says that the command changes something, and so must not stop
    when nobody reads what it prints.
    """

    def give(function: _F) -> _F:
        function.__dict__["examples"] = (lines, works)
        return function

    return give


def usage(ctx: Any) -> str:
    """Return how a command is called, such as `retail-assets land [OPTIONS] FILE...`."""
    words = [ctx.command_path, "[OPTIONS]"]
    words += [_argument(p) for p in ctx.command.get_params(ctx) if p.param_type_name == "argument"]
    return " ".join([*words, *(["COMMAND ..."] if isinstance(ctx.command, TyperGroup) else [])])


def explain(error: Exception) -> str:
    """Return a wrong usage in words: what is wrong, how it is used, and where to read more."""
    ctx = getattr(error, "ctx", None)
    message = cast(Any, error).format_message().replace("\n\t", " ")
    if of := re.match(r"Invalid value for (.+?): ", message):
        message = f"{of[1].replace(chr(39), '')}: {message[of.end() :]}"
    message = message.removeprefix("Invalid value: ")
    if ctx is None:
        return message
    return f"{message}\nUsage: {usage(ctx)}\nMore:  {ctx.command_path} --help"


def wrapped(text: str, width: int) -> list[str]:
    """Return a paragraph as lines of at most `width` columns; a word that is longer has a line of its own."""
    return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False, break_long_words=False)


def _epilog(lines: Sequence[str]) -> str:
    return "\n".join(f"{PROGRAM} {line}" for line in lines)


def _title(text: str) -> str:
    return f"\033[1m{text}\033[0m" if streams.is_styled(sys.stdout) else text


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Names with their explanations beside them, or below them where they do not fit."""
    if not rows:
        return []
    left = max((len(name) for name, _ in rows if len(name) <= _WIDEST_LEFT), default=0)
    beside = width - left - 4 >= 30
    indent = left + 4 if beside else 6
    lines = [_title(f"{title}:")]
    for name, text in rows:
        explained = wrapped(text, max(width - indent, 20)) or [""]
        if beside and len(name) <= left:
            lines.append(f"  {name:{left}}  {explained.pop(0)}".rstrip())
        else:
            lines.append(f"  {name}")
        lines += [" " * indent + line for line in explained if line]
    return [*lines, ""]


def _argument(parameter: Any) -> str:
    name = f"{parameter.metavar or parameter.name.upper()}{'' if parameter.nargs == 1 else '...'}"
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> tuple[str, str]:
    """Names and value of an option, and its explanation with the default."""
    flags = sorted([*parameter.opts, *parameter.secondary_opts], key=len)
    names = ", ".join(flags if not parameter.secondary_opts else [*parameter.opts, *parameter.secondary_opts])
    if not parameter.is_flag:
        names += f" {parameter.metavar or 'TEXT'}"
    text = " ".join((parameter.help or "").split())
    if parameter.name == "help":
        text = "Show this help and exit."
    default = None if parameter.is_flag else parameter.default
    if default is not None and parameter.show_default and not callable(default):
        text += f" Default: {default}."
    if parameter.required:
        text += " Must be given."
    return names, text


def _help_first(options: list[Any]) -> list[Any]:
    """What is specific to the command first; the help, which everybody knows, last."""
    return sorted(options, key=lambda p: p.name == "help")


def _first_sentence(text: str) -> str:
    """
    >>> _first_sentence("Show what has landed. More of it: less.")
    'Show what has landed.'
    """
    return re.split(r"(?<=[.])\s|\n\s*\n", " ".join(text.split()), maxsplit=1)[0]


def _name_the_nearest_option(error: Any, ctx: Any, wrong: str, words: Iterable[str]) -> None:
    known = [o for p in ctx.command.get_params(ctx) for o in (*p.opts, *p.secondary_opts) if o.startswith("--")]
    if not wrong.startswith("--"):  # -json arrives as -j
        wrong = next((word for word in words if word.startswith(wrong) and not word.startswith("--")), wrong)
    name = wrong.lstrip("-")
    longer = [option for option in known if name and option.startswith(f"--{name}")]
    found = f" Did you mean {longer[0]!r}?" if len(longer) == 1 else nearest(f"--{name}", known)
    error.message = f"{ctx.command_path} has no option {wrong!r}.{found}"
    error.possibilities = None


def _nearest_command(ctx: Any, args: list[str]) -> str:
    """The nearest command: of this group, or the one of another group that has the name."""
    if args[0] == "help":
        return f" For help: {' '.join([ctx.command_path, *args[1:]])} --help"
    root = ctx.find_root().command
    if isinstance(root, TyperGroup):
        groups = {n: c for n in root.list_commands(ctx) if isinstance(c := root.get_command(ctx, n), TyperGroup)}
        exact = [f"{PROGRAM} {n} {args[0]}" for n, group in groups.items() if args[0] in group.commands]
        exact += [f"{PROGRAM} {args[0]}"] if root is not ctx.command and args[0] in root.commands else []
        if exact:
            return f" Did you mean {' or '.join(repr(e) for e in exact)}?"
    names = cast(TyperGroup, ctx.command).list_commands(ctx)
    return nearest(args[0], names) or f" Commands: {', '.join(names)}."

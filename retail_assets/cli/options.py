"""What commands share: option types, the settings, a progress bar, a console, and the command that comes next."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from retail_assets.cli import streams
from retail_assets.errors import nearest

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.platform import Platform
    from retail_assets.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

#: How a day is written in options and data.
DAY = "YYYY-MM-DD"
WIDTH_OF_FILES = 1000
#: How long a question waits for another process that has the warehouse open.
LOOK_UP_SECONDS = 10.0


def day(text: str) -> dt.date:
    """Parse an option value YYYY-MM-DD. Raises typer.BadParameter.

    >>> day("2024-01-31")
    datetime.date(2024, 1, 31)
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):  # fromisoformat also takes 20240131 and 2024-W05-3
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise typer.BadParameter(f"{text!r} is not a day. Write it as YYYY-MM-DD, such as 2024-01-31.")


def days(text: str) -> tuple[dt.date, dt.date]:
    """Parse an option value YYYY-MM-DD, or FIRST...LAST for a range. Raises typer.BadParameter.

    >>> days("2024-01-01...2024-01-31")
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 31))
    """
    first, _, last = text.partition("...")
    return day(first), day(last or first)


def whole(least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """Return a parser of whole numbers in a range. It raises typer.BadParameter, in words.

    >>> whole(1, 28)("7")
    7
    """

    def parse(text: str) -> int:
        try:
            number = int(str(text).replace(",", ""))
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a whole number, such as {least or 7}.") from None
        if most is not None and not (least or 0) <= number <= most:
            raise typer.BadParameter(f"{number:,} is not possible. Give {least or 0} to {most:,}.")
        if least is not None and number < least:
            raise typer.BadParameter(f"{number:,} is not possible. Give {least} or more.")
        return number

    return parse


def share(text: str) -> float:
    """Parse a share from 0 to 1. Raises typer.BadParameter.

    >>> share("0.01")
    0.01
    """
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) <= 1:
            return value
    raise typer.BadParameter(f"{text!r} is not a share from 0 to 1, such as 0.01 for 1 %.")


def one_of(values: Sequence[str]) -> Callable[[str], str]:
    """Return a parser of one of several words. It raises typer.BadParameter, with the nearest one.

    >>> one_of(("forecast", "segments"))("segments")
    'segments'
    """

    def parse(text: str) -> str:
        if text not in values:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(values)}.{nearest(text, values)}")
        return text

    return parse


def settings_for(source: str | None = None) -> Settings:
    """Load the settings of the environment, with another source if given. Raises SettingsError, ContractError."""
    from retail_assets import settings

    return settings.load({**os.environ, "RETAIL_SOURCE": source} if source else None)


def places_to_look_up(settings: Settings) -> Platform:
    """Return the places of a source for a question: nobody waits two minutes for an answer, as a run would."""
    from retail_assets.platform import Platform

    return Platform(settings, wait_seconds=LOOK_UP_SECONDS)


def materialize_command(
    source: str, first: dt.date, last: dt.date, *, start: dt.date | None = None, end: dt.date | None = None
) -> str:
    """Return the shell command that computes everything from the landings `first` to `last` of `source`.

    With `start` and `end` it also limits the range of partitions, for a source that begins or ends there.
    """
    partitions = f"--partition {first}" if first == last else f"--partition-range {first}...{last}"
    command = f"retail-assets materialize {partitions}"
    for name, limit in (("RETAIL_END_DATE", end), ("RETAIL_START_DATE", start)):
        if limit is not None:
            command = f"{name}={limit} {command}"
    if (os.environ.get("RETAIL_SOURCE", "").strip() or "retail_sales") != source:
        command = f"RETAIL_SOURCE={shlex.quote(source)} {command}"
    return command


@contextlib.contextmanager
def progress(description: str, total: int, *, in_bytes: bool = False) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on stderr; call the yielded function to advance it. Without a terminal it yields None."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars

    done = [bars.DownloadColumn(), bars.TransferSpeedColumn()] if in_bytes else [bars.MofNCompleteColumn()]
    columns: list[bars.ProgressColumn] = [bars.TextColumn("{task.description}"), bars.BarColumn(), *done]
    with bars.Progress(*columns, bars.TimeRemainingColumn(), console=_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda step: bar.advance(task, step)


def console() -> Console:
    """Return a console for stdout. What is not a terminal has no width: there every row is one line."""
    return _console(sys.stdout)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() else WIDTH_OF_FILES
    system: Literal["auto"] | None = "auto" if streams.is_styled(stream) else None
    return Console(file=stream, highlight=False, width=width, color_system=system)


def width() -> int:
    """Return the columns that a table may take on stdout."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_OF_FILES

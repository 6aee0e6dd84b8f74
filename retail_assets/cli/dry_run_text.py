"""A dry run for people: the file, its rows by result, the reasons with advice, totals, and rows before and after."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from retail_assets.cli.rejected_rows import printable
from retail_assets.cli.table_text import Column, table_text
from retail_assets.wording import formats

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.contracts.model import Contract
    from retail_assets.drafting.dry_run import DryRun
    from retail_assets.lake.profile import FileProfile

_LONGEST_TEXT = 100
_LONGEST_CELL = 40
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def print_dry_run(result: DryRun, contract: Contract, advice_on: Callable[[str], str], console: Console) -> None:
    """Print everything that a dry run found. `advice_on` gives what to do about a reason."""
    from rich.text import Text

    console.print(Text(f"{result.contract}, a dry run: nothing lands and nothing changes."))
    for profile in result.profiles:
        console.print(Text(_about(profile)))
        if profile.unknown_columns:
            console.print(Text(f"  not in the contract: {_listed(profile.unknown_columns)}"))
        if profile.missing_columns:
            console.print(Text(f"  in the contract, but not in the file: {_listed(profile.missing_columns)}"))
    console.print()
    for status, number in result.rows.items():
        if number or status in ("clean", "rejected"):
            console.print(Text(f"  {status:<11}{number:>12,} rows  {result.currency} {result.amounts[status]:>18,}"))
    if result.first_day and result.last_day:
        console.print(Text(f"  sold {formats.span(result.first_day, result.last_day)}"))
    _print_rejected(result, advice_on, console)
    _print_replaced(result, console)
    if result.assumed:
        console.print()
        console.print(Text("Assumed, not confirmed (marked `# ANSWER:` in the contract):", style="bold"))
        for guess in result.assumed:
            console.print(Text(f"  {printable(guess)}"))
    _print_totals(result, console)
    _print_shown(result, contract, console)
    if result.refused:
        console.print(Text(f"This file would not be loaded. {result.refused}", style="bold"))


def _about(profile: FileProfile) -> str:
    text = f"{_DELIMITERS.get(profile.delimiter, profile.delimiter)}-separated, " if profile.delimiter else ""
    order = {"dmy": ", day before month", "mdy": ", month before day"}.get(profile.date_order or "", "")
    sheet = f"sheet {profile.sheet!r}, " if profile.sheet else ""
    skipped = f"\n  {printable(profile.skipped_in_words())}" if profile.skipped else ""
    place = f"{printable(profile.key)}: {profile.format}, {printable(sheet)}{text}{profile.encoding}"
    return f"{place}, {profile.lines:,} lines{order}{skipped}"


def _listed(names: list[str]) -> str:
    return ", ".join(printable(n) for n in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _print_rejected(result: DryRun, advice_on: Callable[[str], str], console: Console) -> None:
    from rich.text import Text

    for why in result.rejected:
        console.print()
        where = f"{formats.plural(why.rows, 'row')}, first in {printable(why.file)} line {why.line}"
        console.print(Text(f"{why.reason}: {where}", style="bold"))
        shown = printable(why.text[:_LONGEST_TEXT]) + (" …" if len(why.text) > _LONGEST_TEXT else "")
        console.print(Text(f"  {shown}"))
        console.print(Text(f"  {advice_on(why.reason)}"))


def _print_replaced(result: DryRun, console: Console) -> None:
    """Print which rows a later one replaces, and the warning of a run where they were other sales."""
    from rich.text import Text

    if result.replaced is None:
        return
    file, line = result.replaced
    console.print()
    replaced = f"superseded: {formats.plural(result.rows['superseded'], 'row')}, first in {printable(file)} line {line}"
    console.print(Text(replaced, style="bold"))
    console.print(Text("  A later row has the same id and counts instead, as a correction would."))
    if result.repeated_in_words:
        console.print(Text(f"  Warning: {printable(result.repeated_in_words)}"))


def _print_totals(result: DryRun, console: Console) -> None:
    columns = result.columns
    longest = _longest_cell(console, 46)
    _print_table(
        console,
        [
            Column("column", [c.column for c in columns], number=False),
            Column("given", [f"{c.given:,}" for c in columns]),
            Column("distinct", [f"{c.distinct:,}" for c in columns], spare=2),
            Column("least", [_cell(c.least, longest) for c in columns], number=False),
            Column("most", [_cell(c.most, longest) for c in columns], number=False),
            Column("total", [f"{Decimal(c.total):,}" if c.total else "" for c in columns], spare=1),
        ],
        "The clean rows by column:",
    )


def _print_shown(result: DryRun, contract: Contract, console: Console) -> None:
    from retail_assets.drafting.dry_run import raw_columns_of

    for row in result.shown:
        after = [_cell(row.after.get(name), _longest_cell(console, 22)) for name in contract.columns]
        left = console.width - max(map(len, (*contract.columns, "column"))) - max(map(len, (*after, "read as"))) - 6
        texts = []
        for rule in contract.columns.values():
            raw = raw_columns_of(rule, result.profiles[0])
            texts.append(" + ".join(f"{column}={_cell(row.before[column])}" for column in raw))
        _print_table(
            console,
            [
                Column("column", list(contract.columns), number=False),
                Column("in the file", [_cell(text, max(10, left)) for text in texts], number=False),
                Column("read as", after, number=False),
            ],
            f"Line {row.line}, {row.status}:",
        )


def _print_table(console: Console, columns: list[Column], title: str) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(title, style="bold"))
    for line in table_text(columns, console.width).with_note(console.width):
        console.print(Text(f"  {line}" if console.width > 80 else line), soft_wrap=True)


def _longest_cell(console: Console, taken: int) -> int:
    """How long a cell may be where two of them share what the other columns leave of a line."""
    return max(10, min(_LONGEST_CELL, (console.width - taken) // 2))


def _cell(text: str | None, longest: int = _LONGEST_CELL) -> str:
    if text is None:
        return "(empty)"
    if not text.strip():
        return printable(text)
    shown = printable(text.removesuffix(" 00:00:00"))
    return shown if len(shown) <= longest else f"{shown[: longest - 2]} …"

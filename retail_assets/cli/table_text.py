"""A table for people as lines of text, which leaves columns out where a terminal is too narrow for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.cli.command_line import wrapped

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column: its head and its cells, and whether these are numbers.

    Where a table is too wide, the columns with the highest `spare` are left out first, and those with 0 never.
    """

    head: str
    cells: Sequence[str]
    number: bool = True
    spare: int = 0


@dataclass(frozen=True)
class TableText:
    """The lines of a table, and the heads of the columns that did not fit."""

    lines: tuple[str, ...]
    left_out: tuple[str, ...]

    def with_note(self, width: int) -> list[str]:
        """Return the lines, and what was left out in a sentence below them."""
        if not self.left_out:
            return list(self.lines)
        note = f"Too narrow to show: {', '.join(self.left_out)}. A wider window, or --json, shows all."
        return [*self.lines, *wrapped(note, width)]


def table_text(columns: Sequence[Column], width: int, *, totals: int = 0) -> TableText:
    """Lay out a table in `width` columns of the terminal; the last `totals` rows stand below a rule of their own.

    >>> days, rows = Column("day", ["Mon", "all"], number=False), Column("rows", ["1,234", "1,234"])
    >>> print(*table_text([days, rows], 80, totals=1).lines, sep=chr(10))
    day   rows
    ───  ─────
    Mon  1,234
    ───  ─────
    all  1,234
    """
    kept = list(columns)
    while len(kept) > 1 and _width(kept) > width:
        spare = max(column.spare for column in kept)
        if spare == 0:
            break
        kept = [column for column in kept if column.spare < spare]
    widths = [_widest(column) for column in kept]
    rule = _GAP.join("─" * w for w in widths)
    rows = list(zip(*(column.cells for column in kept), strict=True))
    cells = [tuple(column.head for column in kept), *rows]
    lines = [
        _GAP.join(_padded(text, w, right=c.number) for text, w, c in zip(row, widths, kept, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, rule)
    if totals:
        lines.insert(len(lines) - totals, rule)
    left_out = tuple(column.head for column in columns if column not in kept)
    return TableText(tuple(lines), left_out)


def _width(columns: Sequence[Column]) -> int:
    return sum(map(_widest, columns)) + len(_GAP) * (len(columns) - 1)


def _widest(column: Column) -> int:
    return max(map(_columns_of, (column.head, *column.cells)))


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _columns_of(text))
    return space + text if right else text + space


def _columns_of(text: str) -> int:
    """The columns of a text on a terminal: characters of East Asian scripts take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)

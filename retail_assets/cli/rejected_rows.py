"""Rejected rows for people: the summary, a list, one row in full, and the report of a replay."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from retail_assets.cli.command_line import wrapped
from retail_assets.cli.table_text import Column, table_text
from retail_assets.wording import formats

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from retail_assets.defs.replay import Report
    from retail_assets.quarantine.record import Record
    from retail_assets.quarantine.summary import Group, Summary

_LONGEST_TEXT = 2000
_LONGEST_TEXT_IN_LIST = 100
_LEAST_TEXT = 12
_MOST_GROUPS = 20
#: Everything that is made from sales.
DOWNSTREAM = 'key:"sales"+ and not key:"sales"'


def summary_lines(summary: Summary, currency: str, width: int) -> list[str]:
    """Return the summary as tables; of many landings and files, those with the most rejected rows."""
    total = summary.total
    if not total.rows:
        return [f"{summary.source}: no rejected rows among {total.of or 0:,} landed."]
    unknown = f", money unreadable in {total.without_amount:,} of them" if total.without_amount else ""
    lines = [
        f"{summary.source}: {total.rows:,} rejected rows of {total.of:,} landed ({_percent(total)}), "
        f"{currency} {total.amount:,}{unknown}",
        "",
        *_groups("reason", summary.by_reason, currency, width),
    ]
    if len(summary.by_reason) > 1:
        lines += wrapped("A row with several reasons counts once for each of them.", width)
    for title, groups in (("landed on", summary.by_landing), ("file", summary.by_file)):
        most_rows = sorted(groups, key=lambda group: (-group.rows, group.name))[:_MOST_GROUPS]
        lines += ["", *_groups(title, groups if len(groups) <= _MOST_GROUPS else most_rows, currency, width)]
        if len(groups) > _MOST_GROUPS:
            lines.append(f"… and {len(groups) - _MOST_GROUPS:,} more; --json shows all.")
    return lines


def _groups(title: str, groups: Iterable[Group], currency: str, width: int) -> list[str]:
    """A table of groups. A file goes by its day and name where its key is too long for the terminal."""
    listed = list(groups)
    without = [f"{group.without_amount:,}" if group.without_amount else "" for group in listed]
    columns = [
        Column("rows", [f"{group.rows:,}" for group in listed]),
        Column("share", [_percent(group) for group in listed], spare=1),
        Column(currency, [f"{group.amount:,}" for group in listed], spare=2),
        *([Column("money unreadable", without, spare=3)] if any(without) else []),
    ]
    names = [printable(group.name) for group in listed]
    if title == "file" and max(map(len, names), default=0) > width - 40:
        names = [name.partition("/")[2] or name for name in names]
    table = table_text([Column(title, names, number=False), *columns], width)
    return table.with_note(width)


def _percent(group: Group) -> str:
    return "" if group.share is None else formats.percent(group.share, 2)


def row_lines(rows: pa.Table, total: int, width: int) -> list[str]:
    """Return rejected rows (SALES_QUARANTINE), one line each, and how many there are in total.

    On a terminal a file goes by its name, and the text is cut where the line ends.
    """
    if not total:
        return ["No rejected rows."]
    listed = rows.select(["source_file", "source_line", "reasons", "raw_text"]).to_pylist()
    names = [printable(row["source_file"].partition("/")[2] or row["source_file"]) for row in listed]
    reasons = [row["reasons"].replace(",", ", ") for row in listed]
    taken = max(map(len, names)) + max(map(len, reasons)) + 18
    if taken + _LEAST_TEXT > width:
        names = [name.rpartition("/")[2] for name in names]
        taken = max(map(len, names)) + max(map(len, reasons)) + 18
    longest = min(_LONGEST_TEXT_IN_LIST, max(width - taken, _LEAST_TEXT))
    columns = [
        Column("file", names, number=False),
        Column("line", [str(row["source_line"]) for row in listed]),
        Column("reasons", reasons, number=False, spare=1),
        Column("text", [_beginning(printable(row["raw_text"]), longest) for row in listed], number=False, spare=2),
    ]
    lines = table_text(columns, width).with_note(width)
    if rows.num_rows < total:
        return [*lines, f"The first {rows.num_rows:,} of {total:,} rows; --limit shows more."]
    return [*lines, f"{formats.plural(total, 'row')}."]


def _beginning(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 2]} …"


def print_record(record: Record, console: Console) -> None:
    """Print one rejected row: its place, its reasons with what to do, and its fields next to the header."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"{record.source_file} line {record.source_line}, landed on {formats.day(record.landed_on)}"))
    is_current = record.contract_version == record.contract_now
    contract = "today's contract" if is_current else f"today's is {record.contract_now}"
    console.print(Text(f"rejected by {record.contract_version} ({contract})"))
    readable = [f"{k} {v}" for k, v in (("transaction", record.transaction_id), ("amount", record.total_amount)) if v]
    console.print(Text(f"readable: {', '.join(readable) or 'neither transaction nor amount'}"))
    for why in record.reasons:
        console.print()
        console.print(Text(f"{why.name}: {why.meaning}", style="bold"))
        console.print(Text(f"  {why.advice}"))
    console.print()
    if record.fields:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in ("header", "text", "column", "read today as", ""):
            table.add_column(title, overflow="fold")
        for field in record.fields:
            table.add_row(
                Text("(no header)" if field.header is None else printable(field.header)),
                Text("(missing)" if field.text is None else printable(field.text)),
                Text(field.column or ""),
                Text(printable(field.read or "")),
                Text(", ".join(field.reasons), style="red"),
            )
        console.print(table)
    note = " (only its beginning is kept; the landed file has all of it)" if record.text_is_cut else ""
    console.print(Text(f"text{note}:"))
    shown = record.raw_text[:_LONGEST_TEXT]
    console.print(Text("  " + printable(shown) + (" …" if len(shown) < len(record.raw_text) else "")))


def printable(text: str) -> str:
    r"""Escape control characters: a landed file must not steer the terminal.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def replay_lines(report: Report) -> list[str]:
    """Return what a replay did, or would do, and the command that comes next."""
    lines = []
    by_text = [r for r in report.results if r.whole is None]
    whole = [r for r in report.results if r.whole is not None]
    if left := report.already_judged:
        were, it = ("was", "it") if left == 1 else ("were", "them")
        lines.append(
            f"{_counted(left, 'selected row')} {were} already judged by this same contract and left alone "
            f"(--again judges {it} anyway)."
        )
    if not report.results:
        lines.append(f"Nothing to replay: no row was rejected by a contract other than {report.contract}.")
    if by_text:
        rows, landings = sum(r.selected for r in by_text), len(by_text)
        what = f"{_counted(rows, 'rejected row')} of {_counted(landings, 'landing')} again with {report.contract}"
        lines.append(f"{'Dry run: judged' if report.dry_run else 'Judged'} {what}:")
        lines.append(f"  {report.count('cleaned'):>9,}  clean (money {report.amount:+,})")
        lines.append(f"  {report.count('superseded'):>9,}  superseded by a later line of their landing")
        if excluded := report.count("excluded"):
            lines.append(f"  {excluded:>9,}  excluded by a rule of the contract")
        reasons: Counter[str] = Counter()
        for result in by_text:
            reasons.update(result.reasons)
        by_reason = ", ".join(f"{name} {n:,}" for name, n in sorted(reasons.items(), key=lambda x: (-x[1], x[0])))
        lines.append(f"  {report.count('rejected'):>9,}  still rejected{f': {by_reason}' if by_reason else ''}")
        if gave_way := report.count("gave_way"):
            lines.append(f"  {gave_way:>9,}  clean before, now superseded by a replayed later line")
    for result in whole:
        done = "would be cleaned" if report.dry_run else "was cleaned"
        lines.append(f"The landing of {formats.day(result.landed_on)} {done} again from its files: {result.whole}.")
    for manifest in report.cleaned_whole:
        lines.append(
            f"  {manifest.landed_on}: {manifest.rows('clean'):,} clean, {manifest.rows('quarantine'):,} rejected, "
            f"{manifest.rows('superseded'):,} superseded, {manifest.rows('excluded'):,} excluded"
        )
    if late := len(report.loaded_late):
        done = "would be loaded" if report.dry_run else "loaded"
        lines.append(f"{_counted(late, 'landing')} that an earlier run had cleaned but not loaded: {done}.")
    changed = report.count("cleaned") or report.count("gave_way") or whole or report.loaded_late
    if report.dry_run:
        lines.append("Nothing was changed.")
    elif changed:
        lines.append(f"Next:  retail-assets materialize --select {shlex.quote(DOWNSTREAM)}")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

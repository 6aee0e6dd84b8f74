"""`retail-assets doctor` and `retail-assets prepare`: whether this machine can run everything, and faster."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import console, settings_for

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.doctor import Finding


@examples("doctor", "doctor --no-spark     # all but the longest check")
def doctor(
    spark: Annotated[bool, typer.Option(help="Start Spark and run a small job, or leave it out.")] = True,
) -> None:
    """Check the machine, Spark, stores, warehouse and whatever is set: one line each, with the fix of each problem."""
    from retail_assets.doctor import examine

    began = time.monotonic()
    count = [0]

    def counted() -> Iterator[Finding]:
        for finding in examine(start_spark=spark, waiting=_announce):
            _announce()
            count[0] += 1
            yield finding

    all_good = print_findings(counted(), console())
    took = f"{count[0]} checks in {time.monotonic() - began:.0f} s"
    typer.echo(f"{took}: all is well." if all_good else f"{took}: what is wrong is marked, with what to do below it.")
    if not all_good:
        raise typer.Exit(1)


def _announce(name: str = "", text: str = "") -> None:
    """Show on a terminal what is being waited for; without a name, remove it."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        sys.stderr.write(f"\r\x1b[K… {name}: {text}" if name else "\r\x1b[K")
        sys.stderr.flush()


def print_findings(findings: Iterable[Finding], console: Console) -> bool:
    """Print one green or red line per finding, with the fix below a red one; return whether all are good."""
    from rich.text import Text

    good, bad = ("✓", "✗") if console.encoding.lower().startswith("utf") else ("ok", "!!")
    all_good = True
    for finding in findings:
        all_good = all_good and finding.ok
        line = Text(f"{good if finding.ok else bad} {finding.name}: ", style="green" if finding.ok else "bold red")
        first, *rest = finding.detail.splitlines() or [""]
        # Text, not markup: a path may contain square brackets.
        console.print(line + Text(first, style="default"), soft_wrap=True)
        for more in (*rest, *finding.fix.splitlines()):
            console.print(Text(f"    {more.strip()}"), soft_wrap=True)
    return all_good


@examples("prepare", works=True)
def prepare() -> None:
    """Run once per environment or image: keep Spark's Java classes (150 MB), so that Spark starts in half the time."""
    from retail_assets.spark.prepare import make_archive

    typer.echo("Starting Spark once to keep its classes: about half a minute …", err=True)
    archive = make_archive(settings_for())
    typer.echo(f"{archive} ({archive.stat().st_size / 1e6:,.0f} MB)")

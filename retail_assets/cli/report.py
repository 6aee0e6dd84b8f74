"""`retail-assets report`: the report as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import settings_for


@examples(
    "report                          # report.html in RETAIL_OUTPUT",
    "report --open                   # and show it",
    "report --output december.html",
    works=True,
)
def report(
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there, instead of report.html in RETAIL_OUTPUT."),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the report of what is in the warehouse now: sales, forecast, segments, what to do, how far to trust it."""
    from retail_assets.errors import StorageError
    from retail_assets.exports import REPORT
    from retail_assets.exports.report.facts import read_facts
    from retail_assets.exports.report.render import render
    from retail_assets.exports.report.write import write_report
    from retail_assets.platform import Platform

    platform = Platform(settings_for())
    currency = platform.settings.contract.currency
    if output is None:
        write_report(platform.warehouse, platform.output, platform.source, currency)
        place = platform.output.uri_of(REPORT)
    else:
        page = render(read_facts(platform.warehouse, platform.output, currency), platform.source)
        try:
            output.write_bytes(page)
        except OSError as e:
            raise StorageError(
                f"Cannot write {output}: {e.strerror}. Give --output a file in a folder that exists."
            ) from e
        place = str(output.absolute())
    typer.echo(place)
    if open_it:
        typer.launch(place)

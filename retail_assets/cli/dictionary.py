"""`retail-assets dictionary`: what every table, column and measure means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import settings_for


@examples(
    "dictionary                              # as a page of Markdown",
    "dictionary --format json                # for programs",
    "dictionary --output dictionary.md",
)
def dictionary(
    form: Annotated[Literal["md", "json"], typer.Option("--format", help="Markdown or JSON.")] = "md",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there, instead of printing it.")] = None,
) -> None:
    """Show the data dictionary: tables, columns, measures as SQL, joins."""
    from retail_assets.errors import StorageError
    from retail_assets.exports.dictionary import as_json, as_markdown

    currency = settings_for().contract.currency
    content = as_markdown(currency).encode() if form == "md" else as_json(currency)
    if output is None:
        typer.echo(content.decode(), nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as e:
        raise StorageError(f"Cannot write {output}: {e.strerror}. Give --output a file in a folder that exists.") from e
    typer.echo(str(output.absolute()))

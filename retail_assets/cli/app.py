"""`retail-assets`, the command line: its entry point, its commands, and how errors look.

What does not belong here, nor in the commands' modules: work. Every command is a few lines that read options, call the
domain, which the command itself imports so that `--help` answers at once, and print the result.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from retail_assets import __version__
from retail_assets.cli.contract import contract
from retail_assets.cli.doctor import doctor, prepare
from retail_assets.cli.forecast import forecast
from retail_assets.cli.landing import land, sample
from retail_assets.cli.materialize import materialize
from retail_assets.cli.models import models
from retail_assets.cli.predict import predict
from retail_assets.cli.quarantine import quarantine
from retail_assets.cli.status import status
from retail_assets.cli.try_file import try_file
from retail_assets.errors import RetailError

EXIT_BROKEN = 70  # EX_SOFTWARE of sysexits.h: the fault is ours
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
_LINES_PER_SCREEN = 24

app = typer.Typer(
    name="retail-assets",
    help="Retail sales files to tables, figures, a forecast and customer segments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (land, status, doctor, prepare, materialize):
    app.command()(_command)
app.command("try")(try_file)
_GROUPS = {
    "sample": sample,
    "contract": contract,
    "models": models,
    "predict": predict,
    "forecast": forecast,
    "quarantine": quarantine,
}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 success; 1 a problem that the user can fix (RetailError); 2 wrong usage; 70 a bug of ours; 130 interrupted;
    141 the reader of our output went away.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    end_of_options = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end_of_options]
    if debug:  # allowed anywhere, as in most tools
        words = ["--debug", *(w for w in words[:end_of_options] if w != "--debug"), *words[end_of_options:]]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name must not break the message about it
    try:
        code = _run(words, debug)
        sys.stdout.flush()
        if code == EXIT_INTERRUPTED:  # Typer turns Ctrl-C into this exit code
            raise KeyboardInterrupt
    except BrokenPipeError:
        # Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing is half-written; run the command again to continue.", err=True)
        return EXIT_INTERRUPTED
    return code


def _run(arguments: list[str], debug: bool) -> int:
    try:
        app(arguments, prog_name="retail-assets")
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else int(e.code is not None)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except RetailError as e:
        _print_error(str(e), debug)
        return 1
    except Exception as e:
        if isinstance(e, RuntimeError) and str(e) == "Query interrupted":  # how DuckDB reports Ctrl-C
            raise KeyboardInterrupt from e
        error = f"{type(e).__name__}: {e}".splitlines()[0][:300]
        _print_error(f"Something unexpected happened ({error}).\n  Add --debug to see where.", debug)
        return EXIT_BROKEN
    return 0


def _print_error(message: str, debug: bool) -> None:
    """Print an error on stderr: one screen, or with --debug the traceback and the whole message."""
    if debug:
        traceback.print_exc()
    lines = message.splitlines()
    if len(lines) > _LINES_PER_SCREEN and not debug:
        left = len(lines) - _LINES_PER_SCREEN
        lines = [*lines[:_LINES_PER_SCREEN], f"  … {left} more lines; --debug shows all of them."]
    typer.echo("Error: " + "\n".join(lines), err=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retail-assets {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and whole messages.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Retail sales files to tables, figures, a forecast and customer segments.

    Settings come from RETAIL_* variables, which docs/settings.md lists.
    """


if __name__ == "__main__":
    sys.exit(main())

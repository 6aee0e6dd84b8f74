"""`retail-assets`, the command line: its entry point, its commands, and how errors look.

What does not belong here, nor in the commands' modules: work. Every command is a few lines that read options, call the
domain, which the command itself imports so that `--help` answers at once, and print the result.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from retail_assets import __version__
from retail_assets.cli import streams
from retail_assets.cli.alerts import alerts, digest
from retail_assets.cli.command_line import EXIT_USAGE, PROGRAM, App, UsageError, explain
from retail_assets.cli.contract import contract
from retail_assets.cli.dictionary import dictionary
from retail_assets.cli.doctor import doctor, prepare
from retail_assets.cli.erase import erase_customer
from retail_assets.cli.forecast import forecast
from retail_assets.cli.landing import land, sample
from retail_assets.cli.materialize import materialize
from retail_assets.cli.models import models
from retail_assets.cli.next_step import next_step
from retail_assets.cli.predict import predict
from retail_assets.cli.pseudonym import pseudonym
from retail_assets.cli.quarantine import quarantine
from retail_assets.cli.report import report
from retail_assets.cli.serve import keys, serve
from retail_assets.cli.status import status
from retail_assets.cli.stream import stream
from retail_assets.cli.try_file import try_file
from retail_assets.cli.upkeep import backup, restore, vacuum
from retail_assets.errors import NotReadyError, RetailError

EXIT_PROBLEM = 1
EXIT_BROKEN = 70  # EX_SOFTWARE of sysexits.h: the fault is ours
EXIT_INTERRUPTED = 130
_LINES_PER_SCREEN = 24

app = App(
    name=PROGRAM,
    help="""Retail sales files to tables, figures, a forecast and customer segments.

    Settings come from RETAIL_* variables, which docs/settings.md lists. `retail-assets COMMAND -h` explains a command.
    """,
    examples=(
        "try sales.csv             # the insights of a file, at once",
        "land sales.csv            # or for good: land it,",
        "materialize               # compute everything,",
        "status                    # see what has been loaded,",
        "predict forecast          # and look at the next days",
    ),
    add_completion=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("try")(try_file)
app.command("report")(report)
app.command("digest")(digest)
app.command("dictionary")(dictionary)
app.command("land")(land)
app.command("stream")(stream)
app.command("materialize")(materialize)
app.command("status")(status)
app.command("doctor")(doctor)
app.command("prepare")(prepare)
app.command("serve")(serve)
app.command("erase-customer")(erase_customer)
app.command("pseudonym")(pseudonym)
app.command("vacuum")(vacuum)
app.command("backup")(backup)
app.command("restore")(restore)
_GROUPS = {
    "predict": predict,
    "quarantine": quarantine,
    "contract": contract,
    "models": models,
    "forecast": forecast,
    "sample": sample,
    "keys": keys,
    "alerts": alerts,
}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 success, also where the reader of our output went away; 1 a problem that the user can fix (RetailError);
    2 wrong usage; 70 a bug of ours; 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    end_of_options = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end_of_options]
    if debug:  # allowed anywhere, as in most tools
        words = ["--debug", *(w for w in words[:end_of_options] if w != "--debug"), *words[end_of_options:]]
    streams.speak_utf8()
    standard = sys.stdout, sys.stderr
    try:
        code = _run(words, debug)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout, sys.stderr = standard  # Typer puts others in their place
        streams.drop_the_rest()
        return 0
    except KeyboardInterrupt:
        _print("Interrupted. Nothing is half-written; run the command again to continue.")
        return EXIT_INTERRUPTED
    return code


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command and return its exit code. Raises BrokenPipeError, KeyboardInterrupt."""
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False)
        if code == EXIT_INTERRUPTED:  # Typer turns Ctrl-C into this exit code
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except SystemExit as e:
        if isinstance(e.__context__, BrokenPipeError):  # Typer makes an exit of it
            raise e.__context__ from None
        return e.code if isinstance(e.code, int) else int(e.code is not None)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except typer.Abort:
        _print("Stopped: the question was not answered. Nothing was changed.")
        return EXIT_PROBLEM
    except UsageError as e:
        _print_error(explain(e), debug)
        return EXIT_USAGE
    except NotReadyError as e:
        _print_error(f"{e}\n{next_step()}".rstrip(), debug)
        return EXIT_PROBLEM
    except RetailError as e:
        _print_error(str(e), debug)
        return EXIT_PROBLEM
    except Exception as e:
        if isinstance(e, RuntimeError) and str(e) == "Query interrupted":  # how DuckDB reports Ctrl-C
            raise KeyboardInterrupt from e
        error = f"{type(e).__name__}: {e}".splitlines()[0][:300]
        _print_error(f"Something unexpected happened ({error}).\n  Add --debug to see where.", debug)
        return EXIT_BROKEN


def _print_error(message: str, debug: bool) -> None:
    """Print an error on stderr: one screen, or with --debug the traceback and the whole message."""
    if debug:
        _print(traceback.format_exc())
    lines = message.splitlines()
    if len(lines) > _LINES_PER_SCREEN and not debug:
        left = len(lines) - _LINES_PER_SCREEN
        lines = [*lines[:_LINES_PER_SCREEN], f"  … {left} more lines; --debug shows all of them."]
    _print("Error: " + "\n".join(lines))


def _print(text: str) -> None:
    """Print on stderr; that nobody reads it changes no exit code."""
    try:
        typer.echo(text, err=True)
    except BrokenPipeError:
        streams.drop_the_rest()


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
    """Take what may stand before any command."""


if __name__ == "__main__":
    sys.exit(main())

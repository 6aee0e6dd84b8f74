"""`retail-assets contract`: a contract drafted from a file, and a dry run of a file against a contract."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion, dry_run_text
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.options import DAY, AsJson, console, day, settings_for
from retail_assets.wording import formats

if TYPE_CHECKING:
    from retail_assets.drafting.draft import Draft
    from retail_assets.drafting.dry_run import DryRun

contract = App(
    help="Draft a contract from a file, and check a file against one.",
    examples=("contract draft sales.csv --output mine.yaml", "contract check sales.csv --contract mine.yaml"),
)

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="The file; several are judged as one landing.")]

ANSWERS = ("name", "currency", "country", "timezone", "order")
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        metavar="KEY=VALUE",
        autocompletion=completion.among(f"{key}=" for key in ANSWERS),
        help="What the file does not show: name, currency, country, timezone, order (dmy, mdy, ymd).",
    ),
]
References = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="NAME=FILE",
        help="A reference file of the contract (a product master, …); by default the one that has landed.",
    ),
]


def answers_of(texts: list[str] | None) -> dict[str, str]:
    """Parse values of --answer. Raises typer.BadParameter."""
    answers = {}
    for text in texts or []:
        key, mark, value = text.partition("=")
        if not mark or key.strip() not in ANSWERS or not value.strip():
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE with a key of {', '.join(ANSWERS)}.")
        answers[key.strip()] = value.strip()
    return answers


def reference_files(texts: list[str] | None) -> dict[str, list[Path]]:
    """Parse values of --reference. Raises typer.BadParameter, and LandingError for what is no file to land."""
    from retail_assets.landing.land import check_file

    files: dict[str, list[Path]] = {}
    for text in texts or []:
        name, mark, path = text.partition("=")
        if not mark or not name.strip() or not path.strip():
            raise typer.BadParameter(f"{text!r} is not NAME=FILE, such as products=master.csv.")
        check_file(path)
        files.setdefault(name.strip(), []).append(Path(path))
    return files


@contract.command("draft")
@examples(
    "contract draft sales.csv",
    "contract draft sales.csv --output mine.yaml",
    "contract draft jan.csv feb.csv -o mine.yaml --answer currency=EUR --answer order=dmy",
)
def draft(
    files: Files,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="Write it here; else it is printed."),
    ] = None,
    answer: Answers = None,
    ask: Annotated[
        bool | None, typer.Option(help="Ask what the file does not show; by default if this is a terminal.")
    ] = None,
) -> None:
    """Draft a contract from a file, with the evidence as comments. What cannot be decided is asked, or marked in it."""
    from retail_assets.errors import LandingError

    if output and output.exists():
        raise LandingError(f"{output} exists already. Choose another name, or delete it first.")
    drafted = drafted_contract(files, answers_of(answer), ask=ask)
    if output:
        output.write_text(drafted.text, encoding="utf-8")
        typer.echo(f"{output}: {_open_questions(drafted)}", err=True)
        typer.echo(f"Next:  retail-assets contract check {files[0]} --contract {output}", err=True)
    else:
        typer.echo(drafted.text, nl=False)


def drafted_contract(files: list[Path], answers: dict[str, str], *, ask: bool | None) -> Draft:
    """Draft a contract; with `ask`, or on a terminal, ask what the files do not show, and draft it again."""
    from retail_assets.drafting.draft import draft as drafted_from

    landed_on = dt.date.today()
    drafted = drafted_from(files, answers, landed_on)
    interactive = sys.stdin.isatty() and sys.stderr.isatty() if ask is None else ask
    if interactive and (named := [q for q in drafted.questions if q.key]):
        answers = dict(answers)
        for question in named:
            answers[question.key] = str(typer.prompt(question.text, default=question.default, err=True)).strip()
        drafted = drafted_from(files, answers, landed_on)
    return drafted


def _open_questions(drafted: Draft) -> str:
    if not drafted.questions:
        return "drafted, with nothing left to answer."
    return f"drafted; {formats.plural(len(drafted.questions), 'question')} to answer, marked `# ANSWER:` in it."


@contract.command("check")
@examples(
    "contract check sales.csv",
    "contract check sales.csv --contract online_retail",
    "contract check sales.csv --contract mine.yaml --date 2024-01-31 --reference products=master.csv",
)
def check(
    files: Files,
    source: Annotated[
        str | None,
        typer.Option(
            "--contract",
            metavar="NAME",
            autocompletion=completion.contracts,
            help="A shipped contract or a YAML file; RETAIL_SOURCE by default.",
        ),
    ] = None,
    date: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar=DAY, help="Landing day to judge dates by; today by default."),
    ] = None,
    reference: References = None,
    as_json: AsJson = False,
) -> None:
    """Show what a contract makes of a file, without landing it: rows by result, totals, rows before and after.

    Fails where the file would be refused, or not loaded. Changes nothing on disk.
    """
    from retail_assets.drafting.dry_run import dry_run
    from retail_assets.landing.references import LandedReferences, reference_tables
    from retail_assets.quarantine.advice import advice_on
    from retail_assets.storage import Store

    settings = settings_for(source)
    given = reference_files(reference)
    landed_on = date or settings.today()
    landed = LandedReferences(Store(settings.raw_uri), settings.source, settings.contract)
    joined = reference_tables(landed, settings.contract, given, landed_on)
    result: DryRun = dry_run(files, settings.contract, landed_on, joined)
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        dry_run_text.print_dry_run(result, settings.contract, advice_on, console())
    if result.refused:
        raise typer.Exit(1)
